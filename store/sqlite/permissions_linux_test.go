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
	original := newFile(t)
	other, err := sqlite.Open(t.Context(), original)
	require.NoError(t, err)
	defer other.Close()
	support := pbx.New(other).As(pbx.Support("agent"))
	_, err = support.CreateTenant(t.Context(), pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "pbx.db") // as a program that ended has left it, with a log
	copyFile(t, original, path)
	copyFile(t, original+"-wal", path+"-wal")
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(path), 0o777))
	require.NoError(t, os.Chmod(path, 0o444))
	require.NoError(t, os.Chmod(path+"-wal", 0o444))
	opened, read, closed := false, 0, error(nil)
	err = asNobody(func() error {
		s, err := sqlite.Open(context.Background(), path)
		if err != nil {
			return err
		}
		defer func() { closed = s.Close() }()
		opened = true
		support := pbx.New(s).As(pbx.Support("agent"))
		for _, err := range support.Tenants(context.Background(), pbx.TenantQuery{}) {
			if err != nil {
				return err
			}
			read++
		}
		_, err = support.StockNumbers(context.Background(), "+16175550100")
		return err
	})
	require.True(t, opened, "%v", err)
	require.Positive(t, read)
	require.NoError(t, closed)
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
