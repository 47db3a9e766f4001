//go:build linux || darwin

package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/postgres"
)

// enough is how long these tests wait for an answer that does not come.
const enough = 400 * time.Millisecond

// guarded is a store whose commits a standby has to confirm.
type guarded struct {
	*schematest.World
	pair  *pgtest.Pair
	store *postgres.Store
	dsn   string
	next  int64
}

func newGuarded(t *testing.T) *guarded {
	pair := pgtest.NewPair(t)
	g := &guarded{pair: pair, dsn: pair.Primary.DSN("postgres"), next: 100}
	g.store = open(t, g.dsn, postgres.WithAnswer(5*time.Second))
	g.World = schematest.New(t, g.store)
	return g
}

// reopened is the store as it is with other settings, and a short patience.
func (g *guarded) reopened(t *testing.T, settings string) *postgres.Store {
	return open(t, g.dsn+settings, postgres.WithAnswer(enough))
}

// write makes one change of the tenant, and returns which.
func (g *guarded) write(db store.Store) (*pbx.Event, error) {
	g.next++
	e := g.Event(g.next)
	return e, db.Update(ctx, g.Tenant.ID, func(w store.Writer) error {
		if _, err := w.Get(ctx, keyOf(g.Tenant)); err != nil {
			return err
		}
		return w.Apply(ctx, []store.Change{{New: e}})
	})
}

// look is the update by which the outcome of a commit is found out.
func (g *guarded) look(ctx context.Context, db store.Store, e *pbx.Event) (there bool, err error) {
	err = db.Update(ctx, g.Tenant.ID, func(w store.Writer) error {
		records, err := w.Get(ctx, keyOf(e))
		there = err == nil && records[0] != nil
		return err
	})
	return there, err
}

// waiting returns the backends that wait for the standby.
func (g *guarded) waiting(t *testing.T) []string {
	c := connect(t, g.dsn)
	defer c.Close(ctx)
	return texts(t, c, "SELECT pid::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
}

// endWaiting does what an operator does to somebody who waits for long.
func (g *guarded) endWaiting(t *testing.T, c *pgx.Conn, by string) {
	assert.Eventually(t, func() bool {
		return len(texts(t, c, "SELECT "+by+"(pid)::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) > 0
	}, 10*time.Second, 5*time.Millisecond)
}

// settled is where the standby confirms again: a look is proof.
func (g *guarded) settled(t *testing.T, db *postgres.Store, e *pbx.Event) {
	t.Helper()
	g.pair.Standby.Thaw()
	require.Eventually(t, func() bool {
		there, err := g.look(ctx, db, e)
		return there && err == nil
	}, 20*time.Second, 20*time.Millisecond)
	_, err := g.write(g.store)
	require.NoError(t, err, "others go on")
}

func TestASynchronousStandby(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	d, err := g.store.Durability(ctx)
	require.NoError(t, err)
	require.Equal(t, &postgres.Durability{SynchronousCommit: "on", Standbys: "standby", Fsync: true, FullPageWrites: true}, d)

	t.Run("a standby can be read while a journal waits for its chain", func(t *testing.T) {
		primary, standby := connect(t, g.dsn), connect(t, g.pair.Standby.DSN("postgres"))
		_, err := primary.Exec(ctx, "UPDATE pbx.tenants SET journal_head = NULL")
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			return len(texts(t, standby, "SELECT id::text FROM pbx.tenants WHERE journal_head IS NULL")) > 0
		}, time.Minute, 10*time.Millisecond)
		db := open(t, g.pair.Standby.DSN("postgres"))
		there := 0
		for _, err := range pbx.New(db).As(pbx.Support("alice")).Tenants(ctx, pbx.TenantQuery{}) {
			require.NoError(t, err)
			there++
		}
		require.Positive(t, there)
	})
	t.Run("its confirmation is waited for, and the wait is not cancelled", func(t *testing.T) {
		db := g.reopened(t, "")
		g.pair.Standby.Freeze()
		defer g.pair.Standby.Thaw()
		began := time.Now()
		e, err := g.write(db)
		require.ErrorIs(t, err, pbx.ErrCommitUnknown)
		require.Less(t, time.Since(began), 10*enough)
		time.Sleep(enough) // a cancel request would arrive
		require.Len(t, g.waiting(t), 1)
		require.NoError(t, view(db, func(r store.Reader) error {
			records, err := r.Get(ctx, keyOf(e))
			require.Equal(t, []store.Record{nil}, records, "nobody sees it yet")
			return err
		}))
		short, cancel := context.WithTimeout(ctx, enough)
		defer cancel()
		_, err = g.look(short, db, e)
		require.ErrorIs(t, err, context.DeadlineExceeded, "it is still under way")
		g.settled(t, db, e)
	})

	for name, c := range map[string]struct{ settings, end string }{
		"an operator cancels the wait":                    {"", "pg_cancel_backend"},
		"an operator cancels it, and warnings are hidden": {"&client_min_messages=error", "pg_cancel_backend"},
		"an operator ends the connection":                 {"", "pg_terminate_backend"},
	} {
		t.Run(name, func(t *testing.T) {
			db := g.reopened(t, c.settings)
			g.pair.Standby.Freeze()
			defer g.pair.Standby.Thaw()
			go g.endWaiting(t, connect(t, g.dsn), c.end)
			e, err := g.write(db)
			require.ErrorIs(t, err, pbx.ErrCommitUnknown)
			there, err := g.look(ctx, db, e)
			require.True(t, there, "the server shows what its standby does not have")
			require.ErrorIs(t, err, pbx.ErrCommitUnknown, "a look is no proof")
			g.settled(t, db, e)
		})
	}

	t.Run("the primary is started again while the standby is away", func(t *testing.T) {
		db := g.reopened(t, "")
		g.pair.Standby.Freeze()
		defer g.pair.Standby.Thaw()
		e, err := g.write(db)
		require.ErrorIs(t, err, pbx.ErrCommitUnknown)
		g.pair.Primary.Kill()
		require.NoError(t, g.pair.StartPrimary())
		db.DropIdle()
		there, err := g.look(ctx, db, e)
		require.True(t, there)
		require.ErrorIs(t, err, pbx.ErrCommitUnknown)
		g.settled(t, db, e)
	})

	t.Run("a host's commit is settled", func(t *testing.T) {
		db := g.reopened(t, "")
		tx := begin(t, connect(t, g.dsn))
		e, err := g.write(postgres.FromTx(tx))
		require.NoError(t, err)
		g.pair.Standby.Freeze()
		defer g.pair.Standby.Thaw()
		short, cancel := context.WithTimeout(ctx, enough)
		defer cancel()
		require.Error(t, tx.Commit(short)) // the driver cancels the wait
		require.Eventually(t, func() bool {
			there := false
			require.NoError(t, view(db, func(r store.Reader) error {
				records, err := r.Get(ctx, keyOf(e))
				there = records[0] != nil
				return err
			}))
			return there
		}, 10*time.Second, 10*time.Millisecond, "the server shows it")
		require.ErrorIs(t, db.Settle(ctx, g.Tenant.ID), pbx.ErrCommitUnknown)
		g.pair.Standby.Thaw()
		require.NoError(t, g.store.Settle(ctx, g.Tenant.ID))
		require.NoError(t, g.store.Settle(ctx, [16]byte{1}), "a tenant that has no row")
		g.settled(t, db, e)
	})
}

func TestDurability(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	of := func(settings string) *postgres.Durability {
		d, err := open(t, dsn+settings).Durability(ctx)
		require.NoError(t, err)
		return d
	}
	require.Equal(t, "remote_apply", of("&synchronous_commit=remote_apply").SynchronousCommit)
	require.Equal(t, "off", of("&synchronous_commit=off").SynchronousCommit)
	for _, c := range []struct {
		is       postgres.Durability
		warnings int
	}{
		{postgres.Durability{SynchronousCommit: "on", Standbys: "one", Fsync: true, FullPageWrites: true}, 0},
		{postgres.Durability{SynchronousCommit: "local", Fsync: true, FullPageWrites: true}, 0},
		{postgres.Durability{SynchronousCommit: "local", Standbys: "one", Fsync: true, FullPageWrites: true}, 1},
		{postgres.Durability{SynchronousCommit: "off"}, 3},
	} {
		require.Len(t, c.is.Warnings(), c.warnings)
	}
	db := open(t, dsn)
	require.NoError(t, db.Close())
	_, err := db.Durability(ctx)
	require.ErrorIs(t, err, pbx.ErrMisuse)
}

// A warning that the database's own functions raise is no doubt.
func TestAWarningAtTheCommitThatAFunctionRaises(t *testing.T) {
	t.Parallel()
	heard := 0
	dsn := fresh(t)
	db := open(t, dsn, postgres.WithPool(func(c *pgxpool.Config) { c.ConnConfig.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) { heard++ } }))
	w := schematest.New(t, db)
	run(t, dsn, "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'look out'; RETURN NEW; END $$",
		"CREATE CONSTRAINT TRIGGER warns AFTER INSERT ON pbx.locations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn()")
	require.NoError(t, w.Apply(store.Change{New: w.Location(1)}))
	require.Equal(t, 1, heard, "the host's own handler is called")
}
