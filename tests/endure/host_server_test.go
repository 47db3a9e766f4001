package endure_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/postgres"
)

var originals atomic.Int64

// prepareDatabase is testbed.PrepareOriginal in a database with a table of a host's;
// each call of what it returns makes a copy.
func prepareDatabase(t *testing.T) (o *testbed.Original, database func(t *testing.T) (dsn string)) {
	name := fmt.Sprint("original ", originals.Add(1))
	database = func(inner *testing.T) string {
		return pgtest.Clone(inner, name, func(dsn string) error {
			store, err := postgres.Open(context.Background(), dsn)
			require.NoError(t, err)
			o = testbed.PrepareOriginal(t, store)
			require.NoError(t, store.Close())
			c, err := pgx.Connect(o.Ctx, dsn)
			require.NoError(t, err)
			require.NoError(t, testbed.Second(c.Exec(o.Ctx, "CREATE TABLE tickets (text text NOT NULL)")))
			return c.Close(o.Ctx)
		})
	}
	database(t)
	return o, database
}

// houseOnServer is a database that a host uses beside the store.
func houseOnServer(t *testing.T, o *testbed.Original, dsn string) house {
	connect := func() *pgx.Conn {
		c, err := pgx.Connect(o.Ctx, dsn)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close(o.Ctx) })
		return c
	}
	db, err := postgres.Open(o.Ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	outside, inside := connect(), connect()
	return house{
		store: db,
		tickets: func() (n int) {
			require.NoError(t, outside.QueryRow(o.Ctx, "SELECT count(*) FROM tickets").Scan(&n))
			return n
		},
		begin: func() visit {
			tx, err := inside.Begin(o.Ctx)
			require.NoError(t, err)
			return visit{
				guest: func() store.Store { return postgres.FromTx(tx) },
				ticket: func() {
					require.NoError(t, testbed.Second(tx.Exec(o.Ctx, "INSERT INTO tickets (text) VALUES ('new')")))
				},
				commit:   func() { require.NoError(t, tx.Commit(o.Ctx)) },
				rollback: func() { require.NoError(t, tx.Rollback(o.Ctx)) },
			}
		},
	}
}
