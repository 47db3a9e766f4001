package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/postgres"
)

// canary is a password that would be recognised wherever it turned up.
const canary = "canary-of-a-password"

// withPassword is a DSN with the canary.
func withPassword(t *testing.T, dsn string) string {
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.User = url.UserPassword(u.User.Username(), canary)
	return u.String()
}

// refusing is the address of a server that refuses everybody in some way.
func refusing(t *testing.T, refuse func(c net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			refuse(c)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// wrongPassword is how a server answers who gives another password than it knows.
func wrongPassword(c net.Conn) {
	server := pgproto3.NewBackend(c, c)
	if _, err := server.ReceiveStartupMessage(); err != nil {
		return
	}
	server.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "28P01", Message: "password authentication failed"})
	_ = server.Flush()
}

// holdsCanary says where the canary is in an error: in a message, in what a verb prints,
// in an exported field, or in a cause.
func holdsCanary(err error) (where []string) {
	if err == nil {
		return nil
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb, err); strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			where = append(where, fmt.Sprintf("%T as %s", err, verb))
		}
	}
	where = append(where, reached(reflect.ValueOf(err), fmt.Sprintf("%T", err), 0)...)
	if many, is := err.(interface{ Unwrap() []error }); is {
		for _, e := range many.Unwrap() {
			where = append(where, holdsCanary(e)...)
		}
	}
	return append(where, holdsCanary(errors.Unwrap(err))...)
}

// reached follows exported fields.
func reached(v reflect.Value, path string, depth int) (where []string) {
	switch {
	case !v.IsValid() || depth > 8:
	case v.Kind() == reflect.Pointer, v.Kind() == reflect.Interface:
		return reached(v.Elem(), path, depth+1)
	case v.Kind() == reflect.String && strings.Contains(v.String(), canary):
		return []string{path}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				where = append(where, reached(v.Field(i), path+"."+f.Name, depth+1)...)
			}
		}
	}
	return where
}

// Nothing of an error has the DSN's password in it: neither its message, nor its causes,
// which a host may unwrap and hand to what prints whole structures.
func TestNoErrorHoldsThePassword(t *testing.T) {
	shut := refusing(t, func(net.Conn) {})
	wrong := refusing(t, wrongPassword)
	errs := 0
	for _, dsn := range []string{
		"postgres://joe:" + canary + "@%zz/pbx", "host=localhost password=" + canary + " port=none", canary,
		"postgres://joe:" + canary + "@127.0.0.1:1/pbx", "postgres://joe:" + canary + "@" + shut + "/pbx?sslmode=disable",
		"postgres://joe:" + canary + "@" + shut + "/pbx?sslmode=require", "postgres://joe:" + canary + "@" + wrong + "/pbx?sslmode=disable",
		"postgres://joe:" + canary + "@" + wrong + "," + shut + "/pbx?sslmode=disable", "postgres://joe:" + canary + "@nowhere.invalid/pbx",
	} {
		_, err := postgres.Open(t.Context(), dsn)
		require.Error(t, err)
		require.Empty(t, holdsCanary(err), strings.ReplaceAll(dsn, canary, "…"))
		errs++
	}
	t.Logf("figure: the password of the DSN in none of %d errors of opening, nor in their causes", errs)
}

// Nor has an error later on, when a connection is made anew.
func TestNoLaterErrorHoldsThePassword(t *testing.T) {
	dsn := pgtest.Database(t)
	s, err := postgres.Open(t.Context(), withPassword(t, dsn))
	require.NoError(t, err)
	defer s.Close()
	at, err := url.Parse(dsn)
	require.NoError(t, err)
	name := strings.TrimPrefix(at.Path, "/")
	other, err := pgx.Connect(t.Context(), strings.Replace(dsn, name, "postgres", 1))
	require.NoError(t, err)
	defer other.Close(context.Background())
	_, err = other.Exec(t.Context(), "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" ALLOW_CONNECTIONS false")
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
	require.NoError(t, err)
	nobody := store.Key{Index: new(pbx.Tenant).Table().Key(), Values: []any{[16]byte{1}}}
	for range 2 {
		read := s.View(t.Context(), func(r store.Reader) error {
			_, err := r.Get(t.Context(), nobody)
			return err
		})
		written := s.Update(t.Context(), [16]byte{1}, func(w store.Writer) error {
			_, err := w.Get(t.Context(), nobody)
			return err
		})
		require.Empty(t, holdsCanary(errors.Join(read, written)))
		require.Error(t, read)
		require.Error(t, written)
	}
	_, err = other.Exec(t.Context(), "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" ALLOW_CONNECTIONS true")
	require.NoError(t, err)
}
