package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/postgres"
)

func oneConnection(c *pgxpool.Config) { c.MaxConns = 1 }

// nest reads in views and updates inside one another.
func nest(db *postgres.Store, w *schematest.World, depth int) error {
	if depth == 0 {
		return nil
	}
	read := func(r store.Reader) error {
		if _, err := r.Get(ctx, tenantKey); err != nil {
			return err
		}
		if err := nest(db, w, depth-1); err != nil {
			return err
		}
		_, err := r.Get(ctx, tenantKey)
		return err
	}
	if depth == 2 {
		return db.Update(ctx, w.Tenant.ID, func(tx store.Writer) error { return read(tx) })
	}
	return db.View(ctx, read)
}

// A pool that is exhausted does not keep views from being nested; what was
// opened outside it is closed.
func TestViewsAreNestedBeyondThePool(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	store := open(t, dsn, postgres.WithPool(oneConnection))
	w := schematest.New(t, store)
	require.NoError(t, nest(store, w, 4))
	admin := connect(t, dsn)
	for deadline := time.Now().Add(time.Minute); ; {
		left := texts(t, admin, "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pbx'")
		if len(left) == 1 {
			break
		}
		require.True(t, time.Now().Before(deadline), "%d connections are left", len(left))
		time.Sleep(time.Millisecond)
	}
}

// What the pool does with a connection before it gives it out is done with one
// outside it too: a host may set a role there.
func TestAConnectionBesideThePoolIsPreparedAsItsOwn(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	schematest.New(t, open(t, dsn))
	open(t, dsn) // which chains the journals
	prepared := 0
	db := open(t, dsn, postgres.WithPool(oneConnection), postgres.WithPool(func(c *pgxpool.Config) {
		c.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
			prepared++
			return prepared < 4, nil
		}
	}))
	read := func(r store.Reader) error {
		_, err := r.Get(ctx, tenantKey)
		return err
	}
	require.Equal(t, 1, prepared, "for Open")
	require.NoError(t, view(db, func(r store.Reader) error {
		require.NoError(t, read(r))
		require.NoError(t, view(db, read))
		require.Equal(t, 3, prepared)
		require.ErrorIs(t, view(db, read), pbx.ErrStorage, "one that is not fit for use is not used")
		return nil
	}))
}

// A connection that lay idle is not asked first whether it is alive.
func TestAnIdleConnectionCostsNoTripMore(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	db := open(t, dsn, postgres.WithPool(func(c *pgxpool.Config) {
		require.False(t, c.ShouldPing(ctx, pgxpool.ShouldPingParams{IdleDuration: time.Hour}))
	}))
	require.NoError(t, view(db, func(r store.Reader) error {
		_, err := r.Get(ctx, tenantKey)
		return err
	}))
}

// Where the server has no connection to spare, whoever needs one waits until
// one is free, or the context ends.
func TestAServerWithoutAConnectionToSpareIsWaitedFor(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	schematest.New(t, open(t, dsn))
	limited := role(t, dsn, "USAGE ON SCHEMA pbx", "SELECT ON ALL TABLES IN SCHEMA pbx")
	db := open(t, limited, postgres.WithPool(oneConnection))
	run(t, dsn, "DO $$ BEGIN EXECUTE format('ALTER ROLE %I CONNECTION LIMIT 1', current_database() || '_role'); END $$")
	read := func(ctx context.Context) error {
		return db.View(ctx, func(r store.Reader) error {
			_, err := r.Get(ctx, tenantKey)
			return err
		})
	}
	waiting := make(chan error, 1)
	require.NoError(t, db.View(ctx, func(r store.Reader) error {
		_, err := r.Get(ctx, tenantKey)
		require.NoError(t, err)
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, read(short), context.DeadlineExceeded)
		go func() { waiting <- read(ctx) }()
		return nil
	}))
	require.NoError(t, <-waiting)

	// A store of another process has the one connection.
	other, err := pgxpool.New(ctx, limited)
	require.NoError(t, err)
	defer other.Close()
	db.DropIdle()
	held, err := other.Acquire(ctx)
	for err != nil { // until the connection is gone
		held, err = other.Acquire(ctx)
	}
	go func() { waiting <- read(ctx) }()
	time.Sleep(50 * time.Millisecond)
	held.Release()
	other.Close()
	require.NoError(t, <-waiting)
}

// A view around the one that waits has the one connection: that is no reason to
// wait without end.
func TestAServerThatNeverHasAConnectionToSpareIsAnError(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	schematest.New(t, open(t, dsn))
	limited := role(t, dsn, "USAGE ON SCHEMA pbx", "SELECT ON ALL TABLES IN SCHEMA pbx")
	db := open(t, limited, postgres.WithPool(oneConnection), postgres.WithMercy(50*time.Millisecond))
	run(t, dsn, "DO $$ BEGIN EXECUTE format('ALTER ROLE %I CONNECTION LIMIT 1', current_database() || '_role'); END $$")
	read := func(r store.Reader) error {
		_, err := r.Get(ctx, tenantKey)
		return err
	}
	require.NoError(t, view(db, func(r store.Reader) error {
		require.NoError(t, read(r))
		_, fetched := db.Fetch(ctx, store.Read{Query: store.Query{Index: tenantKey.Index}})
		_, opened := postgres.Open(ctx, limited, postgres.WithMercy(50*time.Millisecond))
		for _, err := range []error{
			view(db, read),
			db.Update(ctx, pbx.Provider, func(w store.Writer) error { return read(w) }),
			fetched, opened,
		} {
			require.ErrorIs(t, err, pbx.ErrStorage)
			require.NotErrorIs(t, err, store.ErrRetry)
			require.ErrorContains(t, err, "the server has no connection to spare")
		}
		return nil
	}))
	require.NoError(t, view(db, read), "the store goes on")
}
