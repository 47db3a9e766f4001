package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/sqlite"
)

// newFile makes a store and closes it again.
func newFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pbx.db")
	store, err := sqlite.Open(context.Background(), path)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	return path
}

// open opens a store, to be closed when the test ends.
func open(t testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), path, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// rawDB opens the file past the store, with foreign keys on.
func rawDB(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func isRetry(err error) bool { return errors.Is(err, store.ErrRetry) }
