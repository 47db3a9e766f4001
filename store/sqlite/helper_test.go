package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/sqlite"
)

// newFile is a file with the schema and nothing in it: a copy of one, since the
// migrations take longer than most tests.
func newFile(t testing.TB) string {
	t.Helper()
	empty, err := emptyFile()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "pbx.db")
	require.NoError(t, os.WriteFile(path, empty, 0o600))
	return path
}

// emptyFile is what newFile copies.
var emptyFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "pbx-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "pbx.db")
	if err := makeFile(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// makeFile makes a store and closes it again.
func makeFile(path string) error {
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return err
	}
	return store.Close()
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

// notShort skips a test that takes long where -short asks for those that do not.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes longer than -short has")
	}
}

// onlyLong skips a test that takes long unless all that there is was asked for.
func onlyLong(t *testing.T) {
	t.Helper()
	if os.Getenv("PBX_TEST_LONG") != "1" {
		t.Skip("PBX_TEST_LONG=1 asks for it")
	}
}
