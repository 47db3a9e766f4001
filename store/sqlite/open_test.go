package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

// Version 3.51.3 mended a corruption that a write-ahead log could suffer.
func TestEngineIsRecent(t *testing.T) {
	t.Parallel()
	version, err := open(t, newFile(t)).Ask(false, "SELECT sqlite_version()")
	require.NoError(t, err)
	var major, minor, patch int
	_, err = fmt.Sscanf(version.(string), "%d.%d.%d", &major, &minor, &patch)
	require.NoError(t, err)
	require.GreaterOrEqual(t, major*1_000_000+minor*1000+patch, 3_051_003)
}

func TestConnectionsAreSetUp(t *testing.T) {
	t.Parallel()
	store := open(t, newFile(t))
	relaxed := open(t, newFile(t), sqlite.WithSynchronous(sqlite.Normal))
	thrownAway := open(t, newFile(t), sqlite.WithSynchronous(sqlite.Off))
	for _, c := range []struct {
		store  *sqlite.Store
		write  bool
		pragma string
		want   any
	}{
		{store, true, "journal_mode", "wal"},
		{store, true, "synchronous", int64(2)},
		{thrownAway, true, "synchronous", int64(0)},
		{store, true, "foreign_keys", int64(1)},
		{store, true, "busy_timeout", int64(5000)},
		{store, true, "wal_autocheckpoint", int64(0)},
		{store, true, "cache_size", int64(-65536)},
		{store, true, "application_id", int64(0x7062786b)},
		{store, true, "user_version", int64(newest(t))},
		{store, false, "journal_mode", "wal"},
		{store, false, "query_only", int64(1)},
		{store, false, "busy_timeout", int64(5000)},
		{relaxed, true, "synchronous", int64(1)},
	} {
		got, err := c.store.Ask(c.write, "PRAGMA "+c.pragma)
		require.NoError(t, err)
		require.Equal(t, c.want, got, c.pragma)
	}
}

func TestPathsOfAllKinds(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"plain", "with space.db", "what?mode=memory", "100%25.db", "a#b", "ü.db", "file:x"} {
		path := filepath.Join(folder, name)
		require.NoError(t, open(t, path).Close())
		require.FileExists(t, path)
	}
	t.Chdir(folder)
	db := open(t, "relative.db")
	t.Chdir(t.TempDir())
	require.NoError(t, view(db, func(r store.Reader) error {
		_, err := r.Get(context.Background(), keyOf(&pbx.Tenant{ID: pbx.Provider}))
		return err
	}))
	require.FileExists(t, filepath.Join(folder, "relative.db"))
}

func TestBadPathsAreSaidToBe(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for path, reason := range map[string]string{
		folder: "folder",
		filepath.Join(folder, "missing", "pbx.db"): "folder does not exist",
		"":               "needs a file",
		":memory:":       "needs a file",
		"nul\x00in.db":   "not a file's path",
		os.DevNull:       "not a regular file",
		folder + "/":     "folder",
		folder + "/x/..": "folder",
	} {
		_, err := sqlite.Open(context.Background(), path)
		require.ErrorIs(t, err, pbx.ErrInvalid, path)
		require.Contains(t, err.Error(), reason, path)
	}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestOpenStopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	path := filepath.Join(t.TempDir(), "pbx.db")
	_, err := sqlite.Open(ctx, path)
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, path)
}

// spoil makes a file that is not to be opened.
type spoil struct {
	name string
	want error
	make func(t *testing.T, path string)
}

func by(statements ...string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		db, err := sql.Open("sqlite", path)
		require.NoError(t, err)
		for _, s := range statements {
			_, err := db.Exec(s)
			require.NoError(t, err, s)
		}
		require.NoError(t, db.Close())
	}
}

func ours(then func(*testing.T, string)) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		store := open(t, path)
		schematest.NewCustomer(t, store, 1, 50)
		require.NoError(t, store.Close())
		then(t, path)
	}
}

func bytesOf(change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		content, err := os.ReadFile(path)
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		require.NoError(t, os.WriteFile(path, change(content), 0o600))
	}
}

var spoils = []spoil{
	{"a newer schema", store.ErrNewerSchema, ours(by("PRAGMA user_version = 99"))},
	{"something else's database", store.ErrForeignStore, by("CREATE TABLE t (x)")},
	{"something else's database with a log", store.ErrForeignStore, by("PRAGMA journal_mode = WAL", "CREATE TABLE t (x)")},
	{"something else's database with our tables", store.ErrForeignStore, ours(by("PRAGMA application_id = 7"))},
	{"another program's empty database", store.ErrForeignStore, by("PRAGMA application_id = 7")},
	{"a database with a version of its own", store.ErrForeignStore, by("PRAGMA user_version = 1")},
	{"no version", store.ErrForeignStore, ours(by("PRAGMA user_version = 0"))},
	{"a table lost", store.ErrForeignStore, ours(by("DROP TABLE cursors"))},
	{"text", store.ErrForeignStore, bytesOf(func([]byte) []byte { return []byte("name,number\n") })},
	{"much text", store.ErrForeignStore, bytesOf(func([]byte) []byte { return bytes.Repeat([]byte("name,number\n"), 10_000) })},
	{"zeros", store.ErrForeignStore, bytesOf(func([]byte) []byte { return make([]byte, 8192) })},
	{"the first half", store.ErrForeignStore, ours(bytesOf(func(b []byte) []byte { return b[:len(b)/2] }))},
	{"the first page", store.ErrForeignStore, ours(bytesOf(func(b []byte) []byte { return b[:4096] }))},
	{"a hole in the schema", store.ErrForeignStore, ours(bytesOf(func(b []byte) []byte {
		copy(b[100:], make([]byte, 3996))
		return b
	}))},
}

func TestOpenLeavesAloneWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, s := range spoils {
		t.Run(s.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pbx.db")
			s.make(t, path)
			before, err := os.ReadFile(path)
			require.NoError(t, err)

			_, err = sqlite.Open(context.Background(), path)
			require.ErrorIs(t, err, s.want)
			require.ErrorIs(t, err, pbx.ErrStorage)
			require.NotContains(t, err.Error(), "SQL")

			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(before, after), "the file was touched")
			require.Equal(t, []string{"pbx.db"}, list(t, filepath.Dir(path)))
		})
	}
}

func TestOpenNamesThePathAsItWasTyped(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	require.NoError(t, os.WriteFile("text.db", []byte("name,number\n"), 0o600))
	require.NoError(t, os.Mkdir("folder", 0o700))
	for path, reason := range map[string]string{
		"text.db": "not a database", "folder": "is a folder", "no/pbx.db": "no such file or directory", "text.db/pbx.db": "not a directory",
	} {
		_, err := sqlite.Open(context.Background(), path)
		require.ErrorContains(t, err, fmt.Sprintf("%q: ", path))
		require.ErrorContains(t, err, reason)
	}
}

// The newer version may still be in the log of a program that runs.
func TestOpenSeesANewerSchemaInTheLog(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	db := rawDB(t, path)
	_, err := db.Exec("PRAGMA user_version = 99")
	require.NoError(t, err)
	require.FileExists(t, path+"-wal")
	_, err = sqlite.Open(context.Background(), path)
	require.ErrorIs(t, err, store.ErrNewerSchema)
}

// A program that has crashed leaves its log behind, and perhaps all that it
// wrote is in there.
func TestOpenLeavesALogThatIsNotOursAlone(t *testing.T) {
	t.Parallel()
	crashed := filepath.Join(t.TempDir(), "theirs.db")
	db := rawDB(t, crashed)
	for _, s := range []string{"PRAGMA journal_mode = WAL", "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)"} {
		_, err := db.Exec(s)
		require.NoError(t, err)
	}
	path := filepath.Join(t.TempDir(), "pbx.db")
	contents := map[string][]byte{}
	for _, end := range []string{"", "-wal"} {
		content, err := os.ReadFile(crashed + end)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+end, content, 0o600))
		contents[path+end] = content
	}
	_, err := sqlite.Open(context.Background(), path)
	require.ErrorIs(t, err, store.ErrForeignStore)
	for file, before := range contents {
		after, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, bytes.Equal(before, after), file)
	}
	// The index of a log (-shm) may have been made: SQLite reads no log without.
	require.Subset(t, []string{"pbx.db", "pbx.db-wal", "pbx.db-shm"}, list(t, filepath.Dir(path)))
}

func TestAnEmptyFileIsAsGoodAsNone(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T, string){
		"no byte":           bytesOf(func([]byte) []byte { return nil }),
		"an empty database": by("CREATE TABLE t (x)", "DROP TABLE t"),
		"one with a log":    by("PRAGMA journal_mode = WAL", "CREATE TABLE t (x)", "DROP TABLE t"),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pbx.db")
			make(t, path)
			store := open(t, path)
			schematest.NewCustomer(t, store, 1, 1)
			require.NoError(t, store.Check(context.Background()))
		})
	}
}

func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pbx.db")
	store := open(t, path)
	c := schematest.NewCustomer(t, store, 1, 1)
	get[*pbx.Tenant](t, store, keyOf(c.Tenant))
	require.Len(t, list(t, filepath.Dir(path)), 3)
	require.NoError(t, store.Close())
	require.Equal(t, []string{"pbx.db"}, list(t, filepath.Dir(path)))

	store = open(t, path)
	require.Equal(t, c.Tenant.Name, get[*pbx.Tenant](t, store, keyOf(c.Tenant)).Name)
}

func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	db := rawDB(t, path)
	for _, s := range []string{
		"PRAGMA foreign_keys = 0",
		"INSERT INTO cursors VALUES ('mail', zeroblob(16), 1, 0, 0, NULL, NULL)",
	} {
		_, err := db.Exec(s)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	err := open(t, path).Check(context.Background())
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.Contains(t, err.Error(), "cursors")
	require.Contains(t, err.Error(), "tenants")
}

func TestCheckStopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, open(t, newFile(t)).Check(ctx), context.Canceled)
}

func list(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
