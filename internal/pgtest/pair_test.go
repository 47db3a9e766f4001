//go:build linux || darwin

package pgtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/pgtest"
)

// A commit of the pair's primary waits for the standby, which has it after a crash.
func TestPair(t *testing.T) {
	p := pgtest.NewPair(t)
	run := func(node *pgtest.Node, text string) (n int, err error) {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		c, err := pgx.Connect(ctx, node.DSN("postgres"))
		require.NoError(t, err)
		defer c.Close(context.Background())
		return n, c.QueryRow(ctx, text).Scan(&n)
	}
	const insert = "WITH i AS (INSERT INTO kept VALUES (1) RETURNING 1) SELECT count(*) FROM i"
	_, err := run(p.Primary, "CREATE TABLE kept (n int)")
	require.ErrorIs(t, err, pgx.ErrNoRows)
	_, err = run(p.Primary, insert)
	require.NoError(t, err)

	p.Standby.Freeze()
	_, err = run(p.Primary, insert)
	require.ErrorIs(t, err, context.DeadlineExceeded, "it waits for the standby")
	p.Standby.Thaw()
	_, err = run(p.Primary, insert)
	require.NoError(t, err)

	p.Primary.Kill()
	require.NoError(t, p.StartPrimary())
	require.NoError(t, p.WaitInSync())
	_, err = run(p.Primary, insert)
	require.NoError(t, err)

	p.Primary.Kill()
	require.NoError(t, p.Promote())
	n, err := run(p.Standby, "SELECT count(*) FROM kept")
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, 3)
}
