// Package pgtest gives tests a PostgreSQL server: a private one that lives as
// long as the test process and is thrown away with it, or the one that
// PBX_POSTGRES names. Only tests import it.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Run runs the tests of a package that has a TestMain, stops the server if one
// was started, and returns the code to exit with. Where tests asked for a
// server and none could be had, it prints one line that says so.
func Run(m *testing.M) int {
	code := m.Run()
	if !asked.Load() {
		return code
	}
	s, err := theServer()
	if err != nil {
		fmt.Printf("pgtest: the PostgreSQL tests did not run: %v\n", err)
		return code
	}
	s.close()
	return code
}

// Available reports whether there is a server to be had, and starts it. With
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
// dropped when the test ends, whoever is still connected.
func Database(t testing.TB) string {
	t.Helper()
	return newDatabase(t, "template0")
}

// Clone is Database with a copy of a template in it: what prepare leaves in the
// database at dsn. It is prepared once in the life of the process for each
// name, and must have closed its connections when it returns.
func Clone(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	made, _ := templates.LoadOrStore(name, &template{})
	database, err := made.(*template).made(prepare)
	if err != nil {
		t.Fatalf("pgtest: template %s: %v", name, err)
	}
	return newDatabase(t, database)
}

// templates holds a *template for each name.
var templates sync.Map

type template struct {
	once     sync.Once
	database string
	err      error
}

// made returns the name of the template's database, prepared.
func (p *template) made(prepare func(dsn string) error) (string, error) {
	p.once.Do(func() {
		s, err := theServer()
		if err != nil {
			p.err = err
			return
		}
		ctx := context.Background()
		if p.database, p.err = s.create(ctx, "template0"); p.err != nil {
			return
		}
		s.keep(p.database)
		p.err = prepare(s.dsn(p.database))
	})
	return p.database, p.err
}

func newDatabase(t testing.TB, from string) string {
	t.Helper()
	s, err := theServer()
	if err != nil {
		t.Fatalf("pgtest: no PostgreSQL: %v", err)
	}
	ctx := context.Background()
	database, err := s.create(ctx, from)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := s.drop(ctx, database); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return s.dsn(database)
}
