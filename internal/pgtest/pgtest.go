// Package pgtest gives tests a PostgreSQL server: a private one that the test
// processes of one user share and that is thrown away with the last of them, or
// the one that PBX_POSTGRES names; none with PBX_POSTGRES=off. Only tests import
// it.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Run runs the tests of a package that has a TestMain, stops the server if no other
// process uses it, and returns the code to exit with. If tests asked for a server
// and there was none, it prints one line that says so.
func Run(m *testing.M) int {
	code := m.Run()
	if !asked.Load() {
		return code
	}
	s, err := theServer()
	if err != nil {
		reason := strings.Join(strings.Fields(err.Error()), " ")
		fmt.Println("pgtest: the PostgreSQL tests did not run:", reason)
		return code
	}
	s.close()
	return code
}

// Available reports whether a server can be used, and starts it. With
// PBX_POSTGRES_REQUIRED=1 it panics with the reason where there is none, so
// that a build that must test PostgreSQL cannot pass without it.
func Available() bool {
	_, err := theServer()
	if err != nil && os.Getenv("PBX_POSTGRES_REQUIRED") == "1" {
		panic("pgtest: PBX_POSTGRES_REQUIRED is set, and there is no PostgreSQL: " + err.Error())
	}
	return err == nil
}

// Database returns the postgres:// URL of a new, empty database, which is
// dropped after the test's end, even while something is still connected. Where no
// server can be used, the test is skipped.
func Database(t testing.TB) string {
	t.Helper()
	return database(t, "", func(string) error { return nil })
}

// Clone is Database with a copy of a template in it: what prepare leaves in the
// database at dsn. It is prepared once in the life of the process for each
// name, and must have closed its connections when it returns.
func Clone(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	return database(t, "template "+name, prepare)
}

func database(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	if !Available() {
		t.Skip("there is no PostgreSQL to be had")
	}
	s, err := theServer()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	name, err = s.template(name).copy(prepare)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { s.dropLater(name) })
	return s.dsn(name)
}

// Start is Database for a program that is no test, such as a benchmark. It
// returns an error where no server can be used. Stop drops the database, or
// stops the server where no other process uses it; nothing in the process may
// use it later.
func Start() (dsn string, stop func(), err error) {
	s, err := theServer()
	if err != nil {
		return "", nil, err
	}
	name, err := s.create(context.Background(), "template0")
	if err != nil {
		s.close()
		return "", nil, err
	}
	return s.dsn(name), s.close, nil
}
