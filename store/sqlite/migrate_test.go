package sqlite_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/sqlite"
)

func TestMigrationsGoForward(t *testing.T) {
	ctx := context.Background()
	path := newFile(t)
	require.NoError(t, sqlite.Upgrade(ctx, path, "CREATE TABLE a (x); CREATE TABLE b (x)", "DROP TABLE a; INSERT INTO b VALUES (1)"))
	db := rawDB(t, path)
	require.Equal(t, []string{"3"}, column1(t, db, "PRAGMA user_version"))
	require.Equal(t, []string{"1"}, column1(t, db, "SELECT x FROM b"))
	require.NoError(t, sqlite.Upgrade(ctx, path, "not run again", "not run again", "INSERT INTO b VALUES (2)"))
	require.Equal(t, []string{"1", "2"}, column1(t, db, "SELECT x FROM b ORDER BY x"))
	_, err := sqlite.Open(ctx, path)
	require.ErrorIs(t, err, pbx.ErrNewerSchema)
}

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	for name, text := range map[string]string{
		"an error":             "CREATE TABLE a (x); INSERT INTO b VALUES (1)",
		"a broken foreign key": "CREATE TABLE a (x); INSERT INTO cursors VALUES ('mail', zeroblob(16), 1, 0, 0)",
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			err := sqlite.Upgrade(context.Background(), path, text)
			require.ErrorIs(t, err, pbx.ErrStorage)
			require.ErrorContains(t, err, "version 2")
			db := rawDB(t, path)
			require.Equal(t, []string{"1"}, column1(t, db, "PRAGMA user_version"))
			require.Empty(t, column1(t, db, "SELECT name FROM sqlite_schema WHERE name = 'a'"))
			require.Empty(t, column1(t, db, "SELECT subscriber FROM cursors"))
			require.NoError(t, open(t, path).Check(context.Background()))
		})
	}
}

// Each index has an entry in the statistics that the schema brings along.
func TestEveryIndexHasStatistics(t *testing.T) {
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
	kept, err := open(t, newFile(t)).PrepareUpdates(new(pbx.Device).Table(), 1500)
	require.NoError(t, err)
	require.Equal(t, 500, kept)
}
