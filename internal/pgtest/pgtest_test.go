package pgtest_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func exec(dsn, sql string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

func TestDatabase(t *testing.T) {
	require.True(t, pgtest.Available())
	a, b := pgtest.Database(t), pgtest.Database(t)
	require.NoError(t, exec(a, "CREATE TABLE t (i int)"))
	require.Error(t, exec(b, "SELECT * FROM t"))
}

func prepare(dsn string) error {
	return exec(dsn, `CREATE TABLE t (i int PRIMARY KEY); INSERT INTO t VALUES (1)`)
}

func TestClone(t *testing.T) {
	a, b := pgtest.Clone(t, "one", prepare), pgtest.Clone(t, "one", prepare)
	require.NoError(t, exec(a, "DELETE FROM t"))
	require.NoError(t, exec(b, "INSERT INTO t VALUES (2)"))
}
