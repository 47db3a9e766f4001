package sqlite_test

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/sqlite"
)

// newest is the version that the library's own migrations lead to.
func newest(t *testing.T) int {
	t.Helper()
	files, err := fs.Glob(sqlite.Migrations(), "*.sql")
	require.NoError(t, err)
	return len(files)
}

func TestMigrationsGoForward(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newFile(t)
	require.NoError(t, sqlite.Upgrade(ctx, path, "CREATE TABLE a (x); CREATE TABLE b (x)", "DROP TABLE a; INSERT INTO b VALUES (1)"))
	db := rawDB(t, path)
	require.Equal(t, []string{fmt.Sprint(newest(t) + 2)}, column1(t, db, "PRAGMA user_version"))
	require.Equal(t, []string{"1"}, column1(t, db, "SELECT x FROM b"))
	require.NoError(t, sqlite.Upgrade(ctx, path, "not run again", "not run again", "INSERT INTO b VALUES (2)"))
	require.Equal(t, []string{"1", "2"}, column1(t, db, "SELECT x FROM b ORDER BY x"))
	_, err := sqlite.Open(ctx, path)
	require.ErrorIs(t, err, store.ErrNewerSchema)
}

// A file of each version that there ever was, with all that it can hold, is
// brought up to date and keeps it.
func TestOldFilesAreBroughtUpToDateWithWhatIsInThem(t *testing.T) {
	notShort(t)
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, apply(w.store, w.Tenant.ID,
		store.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.Tenant.ID, Rev: 3, Seq: 2, Pos: 5}},
		store.Change{New: &pbx.Cursor{Subscriber: "mail", TenantID: w.Foreign.Tenant.ID, Rev: 1, Seq: 1, Pos: 1}}))
	require.NoError(t, w.store.Close())
	w.store = open(t, w.path) // which chains the journals
	want := contents(t, w.store)
	require.NoError(t, w.store.Close())
	for version := 1; version < newest(t); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "old.db")
			require.NoError(t, sqlite.CreateOld(path, version))
			fill(t, path, w.path)
			require.Equal(t, []string{fmt.Sprint(version)}, column1(t, rawDB(t, path), "PRAGMA user_version"))
			store := open(t, path)
			require.Empty(t, cmp.Diff(want, contents(t, store)))
			require.NoError(t, store.Check(t.Context()))
			require.Equal(t, []string{fmt.Sprint(newest(t))}, column1(t, rawDB(t, path), "PRAGMA user_version"))
		})
	}
}

// fill copies the rows of one file into one of an earlier version, by the
// columns that were there then.
func fill(t *testing.T, old, from string) {
	t.Helper()
	db := rawDB(t, old)
	_, err := db.Exec("PRAGMA foreign_keys = 0; ATTACH '" + from + "' AS source")
	require.NoError(t, err)
	for _, table := range column1(t, db, "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'") {
		columns := strings.Join(column1(t, db, "SELECT name FROM pragma_table_info('"+table+"', 'main')"), ", ")
		_, err := db.Exec(fmt.Sprintf("INSERT INTO main.%s (%s) SELECT %s FROM source.%s", table, columns, columns, table))
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
}

// A remote line had a status of ours, once.
func TestTheStatusOfARemoteLineBecomesItsOwnSystems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "old.db")
	require.NoError(t, w.store.Close())
	require.NoError(t, sqlite.CreateOld(path, 3))
	fill(t, path, w.path)
	db := rawDB(t, path)
	_, err := db.Exec("UPDATE services SET remote_system = 'Leeds' WHERE dn = '20000'")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	store := open(t, path)
	remote, ours := *w.Bare, w.Service
	remote.Rev, remote.RemoteSystem, remote.Status = remote.Rev+1, "Leeds", pbx.StatusNone
	require.Equal(t, &remote, get[*pbx.Service](t, store, keyOf(w.Bare)))
	require.Equal(t, ours, get[*pbx.Service](t, store, keyOf(ours)))
}

// A number that stands in for another was not marked as a loan until now.
func TestNumbersThatStandInForOthersBecomeLoans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "old.db")
	require.NoError(t, w.store.Close())
	require.NoError(t, sqlite.CreateOld(path, 7))
	fill(t, path, w.path)
	db := rawDB(t, path)
	_, err := db.Exec("UPDATE numbers SET temporary_for = '" + string(w.Spare.E164) + "', monthly = 0, billed = 0 WHERE e164 = '" + string(w.Number.E164) + "'")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	store := open(t, path)
	lent := *w.Number
	lent.Rev, lent.TemporaryFor, lent.Loan, lent.Monthly, lent.Billed = lent.Rev+1, w.Spare.E164, true, 0, false
	require.Equal(t, &lent, get[*pbx.Number](t, store, keyOf(w.Number)))
	require.Equal(t, w.Spare, get[*pbx.Number](t, store, keyOf(w.Spare)))
	require.NoError(t, store.Check(t.Context()))
}

// Until now what was ordered was taken for billed.
func TestOrderedNumbersAreBilledUnlessTheirLineNeverWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "old.db")
	require.NoError(t, w.store.Close())
	require.NoError(t, sqlite.CreateOld(path, 6))
	fill(t, path, w.path)
	db := rawDB(t, path)
	pending, kept := string(w.Spare.E164), string(w.Numbers[2].E164)
	for _, change := range []string{
		"UPDATE services SET status = 'pending activation', activated_at = NULL, number = '" + pending + "' WHERE dn = '20000'",
		"UPDATE numbers SET state = 'assigned', service_id = (SELECT id FROM services WHERE number = e164) WHERE e164 = '" + pending + "'",
		"UPDATE numbers SET monthly = 500 WHERE tenant_id = (SELECT tenant_id FROM numbers WHERE e164 = '" + pending + "')",
	} {
		_, err := db.Exec(change)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	require.NoError(t, open(t, path).Close())
	require.ElementsMatch(t, []string{string(w.Number.E164), kept}, column1(t, rawDB(t, path), "SELECT e164 FROM numbers WHERE billed"))
}

// contents is every record of a store, by table.
func contents(t *testing.T, db *sqlite.Store) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	require.NoError(t, view(db, func(r store.Reader) error {
		for _, table := range pbx.Tables() {
			for record, err := range r.Find(t.Context(), store.Query{Index: table.Key()}) {
				if err != nil {
					return err
				}
				all[table.Name] = append(all[table.Name], fmt.Sprintf("%+v", record))
			}
		}
		return nil
	}))
	return all
}

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an error":             "CREATE TABLE a (x); INSERT INTO b VALUES (1)",
		"a broken foreign key": "CREATE TABLE a (x); INSERT INTO cursors VALUES ('mail', zeroblob(16), 1, 0, 0, NULL, NULL)",
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			err := sqlite.Upgrade(context.Background(), path, text)
			require.ErrorIs(t, err, pbx.ErrStorage)
			require.ErrorContains(t, err, fmt.Sprintf("version %d", newest(t)+1))
			db := rawDB(t, path)
			require.Equal(t, []string{fmt.Sprint(newest(t))}, column1(t, db, "PRAGMA user_version"))
			require.Empty(t, column1(t, db, "SELECT name FROM sqlite_schema WHERE name = 'a'"))
			require.Empty(t, column1(t, db, "SELECT subscriber FROM cursors"))
			require.NoError(t, open(t, path).Check(context.Background()))
		})
	}
}

// Each index has an entry in the statistics that the schema brings along.
func TestEveryIndexHasStatistics(t *testing.T) {
	t.Parallel()
	db := rawDB(t, newFile(t))
	for _, table := range pbx.Tables() {
		want := []string{table.Name} // stands for the key
		for name := range indexes(t, db, table.Name) {
			if name != "" {
				want = append(want, name)
			}
		}
		require.ElementsMatch(t, want, column1(t, db, "SELECT idx FROM sqlite_stat1 WHERE tbl = '"+table.Name+"'"))
	}
}

func TestStatementsKeptAreBounded(t *testing.T) {
	t.Parallel()
	kept, err := open(t, newFile(t)).PrepareUpdates(new(pbx.Device).Table(), 1500)
	require.NoError(t, err)
	require.Equal(t, 500, kept)
}
