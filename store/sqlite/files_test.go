package sqlite_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

const movedAway = "the database's file, or its log, was removed or replaced while it was open: close the store, put the file in its place, and open it again"

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, data, 0o600))
}

// What is written to a file that nobody finds any more is not acknowledged.
func TestAFileThatIsNotThereAnyMore(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(t *testing.T, w *world){
		"removed": func(t *testing.T, w *world) { require.NoError(t, os.Remove(w.path)) },
		"moved":   func(t *testing.T, w *world) { require.NoError(t, os.Rename(w.path, w.path+".old")) },
		"replaced": func(t *testing.T, w *world) {
			copyFile(t, w.path, w.path+".new")
			require.NoError(t, os.Rename(w.path+".new", w.path))
		},
		"its folder is moved": func(t *testing.T, w *world) {
			require.NoError(t, os.Rename(filepath.Dir(w.path), filepath.Dir(w.path)+".old"))
		},
		"its log is removed": func(t *testing.T, w *world) { require.NoError(t, os.Remove(w.path+"-wal")) },
		"its log is replaced": func(t *testing.T, w *world) {
			copyFile(t, w.path+"-wal", w.path+"-wal.new")
			require.NoError(t, os.Rename(w.path+"-wal.new", w.path+"-wal"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			away(t, w)
			rename := schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" })
			for range 2 {
				err := apply(w.store, w.Tenant.ID, rename)
				require.ErrorIs(t, err, pbx.ErrStorage)
				require.EqualError(t, err, movedAway)
				require.NotErrorIs(t, err, store.ErrReopen, "it may be put in its place again")
			}
			require.ErrorIs(t, w.store.Close(), pbx.ErrStorage)
		})
	}
}

// An update that took so long that its file was replaced meanwhile was committed to the
// old one.
func TestAFileThatIsReplacedDuringAnUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	err := w.store.Update(t.Context(), w.Tenant.ID, func(tx store.Writer) error {
		copyFile(t, w.path, w.path+".new")
		require.NoError(t, os.Rename(w.path+".new", w.path))
		return tx.Apply(t.Context(), []store.Change{schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" })})
	})
	require.ErrorIs(t, err, store.ErrCommitUnknown)
}

// Programs that end without closing the store leave their changes in the log. It is
// brought into the file all the same when it is long.
func TestALogThatNobodyClosesStaysShort(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	longest := int64(0)
	for n := range 30 {
		s, err := sqlite.Open(t.Context(), path, sqlite.WithLogPages(100))
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.Close() })
		name := fmt.Sprintf("tenant-%d", n)
		_, err = pbx.New(s).As(pbx.Support("agent")).CreateTenant(t.Context(), pbx.NewTenant{Name: name, Country: "US", SIPDomain: name + ".example.com"})
		require.NoError(t, err)
		log, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		longest = max(longest, log.Size())
	}
	require.Less(t, longest, int64(200*4096))
}

// A file that is in its place again is written to again.
func TestAFileThatComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, os.Rename(w.path, w.path+".old"))
	err := apply(w.store, w.Tenant.ID, schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" }))
	require.EqualError(t, err, movedAway)
	require.ErrorIs(t, err, fs.ErrNotExist, "the system's reason is the cause")
	require.NoError(t, os.Rename(w.path+".old", w.path))
	require.NoError(t, apply(w.store, w.Tenant.ID, schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" })))
	require.NoError(t, w.store.Close())
}

// Connections that are opened later are to the file that was opened first.
func TestANewConnectionIsToTheSameFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.DropIdle()
	copyFile(t, w.path, w.path+".new")
	require.NoError(t, os.Rename(w.path+".new", w.path))
	err := view(w.store, func(r store.Reader) error {
		_, err := r.Get(t.Context(), keyOf(w.Group))
		return err
	})
	require.EqualError(t, err, movedAway)
}

// SQLite keeps the log where a link leads to.
func TestAFileBehindALink(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Logf("no links here: %v", err)
		return
	}
	s := open(t, link)
	require.NoError(t, count(s))
	other := newFile(t)
	require.NoError(t, os.Remove(link))
	require.NoError(t, os.Symlink(other, link))
	require.EqualError(t, count(s), movedAway)
}

// The name of a log that is made is brought to the disk; where that fails, nothing is
// acknowledged in it.
func TestTheNameOfTheLogIsOnTheDisk(t *testing.T) {
	t.Parallel()
	f, err := newFirm()
	require.NoError(t, err)
	d := newDisk(t, f.database)
	d.fail(&diskFault{call: "sync folder", at: 1, times: 1, code: sqlite3.SQLITE_IOERR_FSYNC})
	_, err = sqlite.Open(t.Context(), d.path, d.options()...)
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.ErrorContains(t, err, "the database could not be kept in its folder")
	require.Equal(t, 1, d.mended())
	require.NoError(t, open(t, d.path, d.options()...).Close())
}
