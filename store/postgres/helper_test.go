package postgres_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/postgres"
)

var ctx = context.Background()

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// fresh returns the DSN of a database with the schema and nothing in it.
func fresh(t testing.TB) string {
	t.Helper()
	return pgtest.Clone(t, "pbx", func(dsn string) error {
		store, err := postgres.Open(context.Background(), dsn)
		if err != nil {
			return err
		}
		return store.Close()
	})
}

// open opens a store, to be closed when the test ends.
func open(t testing.TB, dsn string, opts ...postgres.Option) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(context.Background(), dsn, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// connect opens a connection of the host's, to be closed when the test ends.
func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// begin begins a transaction of the host's.
func begin(t testing.TB, c *pgx.Conn) pgx.Tx {
	t.Helper()
	tx, err := c.Begin(ctx)
	require.NoError(t, err)
	return tx
}

var tenantKey = store.Key{Index: new(pbx.Tenant).Table().Key(), Values: []any{pbx.Provider}}

func view(store store.Store, fn func(store.Reader) error) error { return store.View(ctx, fn) }

// waitForLock waits until so many backends of the database wait for a lock.
func waitForLock(t testing.TB, dsn string, backends int) {
	t.Helper()
	c := connect(t, dsn)
	defer c.Close(ctx)
	for deadline := time.Now().Add(time.Minute); ; {
		waiting := texts(t, c, "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
		if len(waiting) >= backends {
			return
		}
		require.True(t, time.Now().Before(deadline), "nobody waits for a lock")
		time.Sleep(time.Millisecond)
	}
}

// onlyLong skips a test that takes long unless all that there is was asked for.
func onlyLong(t *testing.T) {
	t.Helper()
	if os.Getenv("PBX_TEST_LONG") != "1" {
		t.Skip("PBX_TEST_LONG=1 asks for it")
	}
}
