package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

// The store holds personal data and hashes of PINs.
func TestANewFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pbx.db")
	schematest.NewCustomer(t, open(t, path), 1, 1)
	for _, name := range list(t, filepath.Dir(path)) {
		info, err := os.Stat(filepath.Join(filepath.Dir(path), name))
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode().Perm(), name)
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	path := newFile(t)
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(path), 0o555))
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(path), 0o700) })
	err := asNobody(func() error {
		_, err := sqlite.Open(context.Background(), path)
		return err
	})
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.NotErrorIs(t, err, store.ErrForeignStore)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "permission denied")
}

func TestAFileThatCannotBeRead(t *testing.T) {
	path := newFile(t)
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(path), 0o777))
	require.NoError(t, os.Chmod(path, 0))
	err := asNobody(func() error {
		_, err := sqlite.Open(context.Background(), path)
		return err
	})
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "cannot be opened")
	require.ErrorContains(t, err, "permission denied")
}

func TestAFileThatCannotBeWritten(t *testing.T) {
	path := newFile(t)
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(path), 0o777))
	require.NoError(t, os.Chmod(path, 0o444))
	err := asNobody(func() error {
		s, err := sqlite.Open(context.Background(), path)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = pbx.New(s).As(pbx.Support("agent")).StockNumbers(context.Background(), "+16175550100")
		return err
	})
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.ErrorContains(t, err, "could not be written to: its file, or the folder, can only be read")
}

// asNobody runs fn without the superuser's rights to files, on a thread of its
// own that ends with it.
func asNobody(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			if err := syscall.Setfsuid(65534); err != nil {
				done <- err
				return
			}
		}
		done <- fn()
	}()
	return <-done
}
