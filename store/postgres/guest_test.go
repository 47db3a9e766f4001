package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/internal/pgwire"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/postgres"
)

// hosted is a database with a table of the host's next to the library's, and a
// transaction of the host's with a guest in it.
type hosted struct {
	*schematest.World
	t     *testing.T
	dsn   string
	store *postgres.Store
	tx    pgx.Tx
	guest *postgres.Guest
}

func host(t *testing.T) *hosted {
	t.Helper()
	dsn := fresh(t)
	h := &hosted{t: t, dsn: dsn, store: open(t, dsn)}
	h.World = schematest.New(t, h.store)
	run(t, dsn, "CREATE TABLE tickets (title text)")
	h.again()
	return h
}

// again begins a transaction on a connection of its own.
func (h *hosted) again() {
	h.t.Helper()
	h.tx = begin(h.t, connect(h.t, h.dsn))
	h.guest = postgres.FromTx(h.tx)
}

// ticket is what the host itself does in its transaction.
func (h *hosted) ticket() {
	h.t.Helper()
	_, err := h.tx.Exec(ctx, "INSERT INTO tickets VALUES ('x')")
	require.NoError(h.t, err)
}

func (h *hosted) apply(changes ...store.Change) error {
	return h.guest.Update(ctx, h.Tenant.ID, func(w store.Writer) error { return w.Apply(ctx, changes) })
}

// there reports which of the locations a store has.
func (h *hosted) there(db store.Store, numbers ...int64) (there []bool) {
	h.t.Helper()
	require.NoError(h.t, db.View(ctx, func(r store.Reader) error {
		for _, n := range numbers {
			got, err := r.Get(ctx, keyOf(h.Location(n)))
			if err != nil {
				return err
			}
			there = append(there, got[0] != nil)
		}
		return nil
	}))
	return there
}

func (h *hosted) tickets() int {
	return len(texts(h.t, connect(h.t, h.dsn), "SELECT title FROM tickets"))
}

func TestAGuestsChangesAreTheHosts(t *testing.T) {
	t.Parallel()
	h := host(t)
	h.ticket()
	require.NoError(t, h.apply(store.Change{New: h.Location(1)}))
	require.NoError(t, h.apply(store.Change{New: h.Location(2)}))
	require.Equal(t, []bool{true, true}, h.there(h.guest, 1, 2))
	require.Equal(t, []bool{false, false}, h.there(h.store, 1, 2), "nobody else sees them")
	require.NoError(t, h.guest.Close(), "which ends nothing but the value")
	require.NoError(t, h.tx.Commit(ctx))
	require.Equal(t, []bool{true, true}, h.there(h.store, 1, 2))
	require.Equal(t, 1, h.tickets())

	h.again()
	h.ticket()
	require.NoError(t, h.apply(store.Change{New: h.Location(3)}))
	require.NoError(t, h.tx.Rollback(ctx))
	require.Equal(t, []bool{false}, h.there(h.store, 3))
	require.Equal(t, 1, h.tickets())
}

func TestAGuestSeesWhatTheHostHasChanged(t *testing.T) {
	t.Parallel()
	h := host(t)
	_, err := h.tx.Exec(ctx, "UPDATE pbx.tenants SET name = 'by hand' WHERE id = $1", h.Tenant.ID)
	require.NoError(t, err)
	key := keyOf(&pbx.Tenant{ID: h.Tenant.ID})
	results, err := h.guest.Fetch(ctx, store.Read{Query: store.Query{Index: key.Index, Equal: key.Values}})
	require.NoError(t, err)
	require.Equal(t, "by hand", results[0][0].(*pbx.Tenant).Name)
}

// A read that the server refuses fails the host's transaction, which a savepoint
// of the host's brings back.
func TestAReadThatFailsCostsTheTransaction(t *testing.T) {
	t.Parallel()
	h := host(t)
	read := func() error {
		return view(h.guest, func(r store.Reader) error {
			_, err := r.Get(ctx, keyOf(h.Pool))
			return err
		})
	}
	require.NoError(t, read())
	for _, text := range []string{"SAVEPOINT before", "ALTER TABLE pbx.station_pools RENAME TO elsewhere"} {
		_, err := h.tx.Exec(ctx, text)
		require.NoError(t, err)
	}
	err := read()
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.NotErrorIs(t, err, store.ErrHostRetry)
	require.ErrorIs(t, read(), store.ErrHostRetry)
	require.ErrorIs(t, h.apply(store.Change{New: h.Location(8)}), store.ErrHostRetry)
	_, err = h.tx.Exec(ctx, "ROLLBACK TO SAVEPOINT before")
	require.NoError(t, err)
	require.NoError(t, read())
	require.NoError(t, h.apply(store.Change{New: h.Location(8)}))
}

// An update that is refused takes nothing with it: neither what the host has
// done nor the transaction.
func TestARefusedUpdateLeavesTheTransactionAsItWas(t *testing.T) {
	t.Parallel()
	closure := errors.New("the closure's own")
	for name, c := range map[string]struct {
		update func(h *hosted) error
		want   error
	}{
		"by a constraint": {func(h *hosted) error {
			bad := h.Location(9)
			bad.TenantID = pbx.TenantID{9}
			return h.apply(store.Change{New: h.Location(8)}, store.Change{New: bad})
		}, store.ErrConstraint},
		"for a value that is taken": {func(h *hosted) error {
			return h.apply(store.Change{New: h.Location(8)}, store.Change{New: h.Location(1)})
		}, store.ErrHostRetry},
		"for a record that is not as it was": {func(h *hosted) error {
			now := h.Location(7)
			now.Rev = 3
			return h.apply(store.Change{New: h.Location(8)}, store.Change{Old: h.Location(7), New: now})
		}, store.ErrHostRetry},
		"for what no store takes": {func(h *hosted) error {
			bad := h.Location(9)
			bad.Name = "\x00"
			return h.apply(store.Change{New: bad})
		}, pbx.ErrInvalid},
		"by its closure": {func(h *hosted) error {
			return h.guest.Update(ctx, h.Tenant.ID, func(w store.Writer) error {
				require.NoError(t, w.Apply(ctx, []store.Change{{New: h.Location(8)}}))
				return closure
			})
		}, closure},
	} {
		t.Run(name, func(t *testing.T) {
			h := host(t)
			h.ticket()
			require.NoError(t, h.apply(store.Change{New: h.Location(1)}))
			err := c.update(h)
			require.ErrorIs(t, err, c.want)
			require.NotErrorIs(t, err, store.ErrRetry, "only the host can run it again")
			require.Equal(t, []bool{true, false}, h.there(h.guest, 1, 8))
			require.NoError(t, h.apply(store.Change{New: h.Location(2)}))
			h.ticket()
			require.NoError(t, h.tx.Commit(ctx))
			require.Equal(t, []bool{true, true, false}, h.there(h.store, 1, 2, 8))
			require.Equal(t, 2, h.tickets())
		})
	}
}

// The guest's update has its tenant to itself until the host's transaction
// ends; and the same the other way round.
func TestAGuestLocksTheTenant(t *testing.T) {
	t.Parallel()
	h := host(t)
	require.NoError(t, h.apply(store.Change{New: h.Location(1)}))
	done := make(chan error, 1)
	go func() {
		done <- h.store.Update(ctx, h.Tenant.ID, func(w store.Writer) error {
			got, err := w.Get(ctx, keyOf(h.Location(1)))
			if err == nil && got[0] == nil {
				err = errors.New("it did not wait")
			}
			return err
		})
	}()
	waitForLock(t, h.dsn, 1)
	require.NoError(t, h.tx.Commit(ctx))
	require.NoError(t, <-done)
}

func TestALockThatIsNotToBeHadIsTheHostsToRetry(t *testing.T) {
	t.Parallel()
	h := host(t)
	_, err := h.tx.Exec(ctx, "SET LOCAL lock_timeout = '20ms'")
	require.NoError(t, err)
	require.NoError(t, h.store.Update(ctx, h.Tenant.ID, func(w store.Writer) error {
		_, err := w.Get(ctx, tenantKey)
		require.NoError(t, err)
		err = h.apply(store.Change{New: h.Location(1)})
		require.ErrorIs(t, err, store.ErrHostRetry)
		require.ErrorIs(t, err, pbx.ErrConflict)
		require.ErrorContains(t, err, "roll your transaction back")
		return nil
	}))
	// Its transaction has failed: whatever is asked next, it has to be run again.
	require.ErrorIs(t, h.apply(store.Change{New: h.Location(1)}), store.ErrHostRetry)
	require.ErrorIs(t, h.guest.View(ctx, func(r store.Reader) error {
		_, err := r.Get(ctx, tenantKey)
		return err
	}), store.ErrHostRetry)
	require.NoError(t, h.tx.Rollback(ctx))
	h.again()
	require.NoError(t, h.apply(store.Change{New: h.Location(1)}))
}

// Under a stricter isolation the host's transaction may be too old.
func TestAHostsStricterIsolation(t *testing.T) {
	t.Parallel()
	h := host(t)
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		tx, err := connect(t, h.dsn).BeginTx(ctx, pgx.TxOptions{IsoLevel: level})
		require.NoError(t, err)
		h.tx, h.guest = tx, postgres.FromTx(tx)
		h.there(h.guest, 1)
		var tenant store.Record
		require.NoError(t, h.Read(keyOf(&pbx.Tenant{ID: h.Tenant.ID}), &tenant))
		now := *tenant.(*pbx.Tenant)
		now.Rev++
		require.NoError(t, h.World.Apply(store.Change{Old: tenant, New: &now}))
		require.ErrorIs(t, h.apply(store.Change{New: h.Location(1)}), store.ErrHostRetry)
	}
}

func TestAConnectionThatIsLostIsTheHostsToRetry(t *testing.T) {
	t.Parallel()
	h := host(t)
	for n := 1; ; n++ {
		proxy := pgwire.Listen(t, h.dsn)
		h.tx = begin(t, connect(t, proxy.DSN()))
		h.guest = postgres.FromTx(h.tx)
		proxy.Reset()
		proxy.CutAt(n, pgwire.After)
		err := h.apply(store.Change{New: h.Location(1)})
		if proxy.Cuts() == 0 {
			require.NoError(t, err)
			proxy.CutAt(0, pgwire.After)
			require.NoError(t, h.tx.Rollback(ctx))
			break
		}
		proxy.Wait()
		if err == nil { // the last word was lost on the way
			err = h.tx.Commit(ctx)
			require.Error(t, err)
			continue
		}
		require.NotErrorIs(t, err, pbx.ErrCommitUnknown)
		require.True(t, errors.Is(err, store.ErrHostRetry) || errors.Is(err, pbx.ErrStorage), err)
	}
	require.Equal(t, []bool{false}, h.there(h.store, 1))
}

func TestAGuestOutsideItsTransaction(t *testing.T) {
	t.Parallel()
	read := func(g *postgres.Guest) error {
		return g.View(ctx, func(r store.Reader) error {
			_, err := r.Get(ctx, tenantKey)
			return err
		})
	}
	h := host(t)
	require.NoError(t, read(h.guest))
	rows, err := h.tx.Query(ctx, "SELECT generate_series(1, 10)")
	require.NoError(t, err)
	require.ErrorIs(t, read(h.guest), pbx.ErrMisuse, "while the host reads rows")
	rows.Close()
	require.NoError(t, read(h.guest))
	require.NoError(t, h.tx.Commit(ctx))
	require.ErrorIs(t, read(h.guest), pbx.ErrMisuse, "after the commit")
	require.ErrorIs(t, read(h.guest), pgx.ErrTxClosed)
	require.ErrorIs(t, h.apply(store.Change{New: h.Location(1)}), pbx.ErrMisuse)

	h.again()
	require.NoError(t, h.tx.Rollback(ctx))
	require.ErrorIs(t, read(h.guest), pbx.ErrMisuse, "after the rollback")

	h.again()
	_, err = h.tx.Exec(ctx, "COMMIT")
	require.NoError(t, err)
	require.ErrorIs(t, read(h.guest), pbx.ErrMisuse, "after a commit behind the driver's back")

	h.again()
	_, err = h.tx.Exec(ctx, "SET client_encoding = 'LATIN1'")
	require.NoError(t, err)
	require.ErrorIs(t, read(h.guest), pbx.ErrMisuse, "in another encoding")
}

func TestAGuestOfASchemaThatIsNotRight(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want   error
		reason string
		spoil  string
	}{
		"missing":    {pbx.ErrStorage, "missing", "DROP SCHEMA pbx CASCADE"},
		"no version": {store.ErrForeignStore, "no version", "UPDATE pbx.schema_version SET version = 0"},
		"newer":      {store.ErrNewerSchema, "version 99", "UPDATE pbx.schema_version SET version = 99"},
		"foreign":    {store.ErrForeignStore, "something else", "DROP TABLE pbx.schema_version"},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := fresh(t)
			run(t, dsn, c.spoil, "CREATE TABLE tickets (title text)")
			h := &hosted{t: t, dsn: dsn}
			h.again()
			h.ticket()
			_, err := h.guest.Fetch(ctx, store.Read{Query: store.Query{Index: tenantKey.Index}})
			require.ErrorIs(t, err, c.want)
			require.ErrorIs(t, err, pbx.ErrStorage)
			require.ErrorContains(t, err, c.reason)
			require.NoError(t, h.tx.Commit(ctx), "the host's transaction is as it was")
			require.Equal(t, 1, h.tickets())
		})
	}
	t.Run("of no name", func(t *testing.T) {
		tx := begin(t, connect(t, pgtest.Database(t)))
		err := postgres.FromTx(tx, postgres.WithSchema("")).View(ctx, func(store.Reader) error { return nil })
		require.ErrorIs(t, err, pbx.ErrInvalid)
	})
}

func TestAGuestInAnotherSchema(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	w := schematest.New(t, open(t, dsn, postgres.WithSchema("telephony")))
	tx := begin(t, connect(t, dsn))
	guest := postgres.FromTx(tx, postgres.WithSchema("telephony"))
	require.NoError(t, guest.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		return tx.Apply(ctx, []store.Change{schematest.Harmless(w)})
	}))
	require.NoError(t, tx.Commit(ctx))
}

// Operations on one transaction queue.
func TestAGuestIsUsedByManyGoroutines(t *testing.T) {
	t.Parallel()
	h := host(t)
	done := make(chan error, 16)
	for i := range cap(done) {
		go func() { done <- h.apply(store.Change{New: h.Location(int64(100 + i))}) }()
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	require.NoError(t, h.guest.Update(ctx, h.Tenant.ID, func(w store.Writer) error {
		_, err := w.Get(ctx, tenantKey)
		require.NoError(t, err)
		require.ErrorIs(t, h.guest.Update(short, h.Tenant.ID, func(w store.Writer) error {
			_, err := w.Get(short, tenantKey)
			return err
		}), context.DeadlineExceeded)
		return w.Apply(ctx, []store.Change{{New: h.Location(99)}})
	}))
	require.NoError(t, h.tx.Commit(ctx))
	require.Equal(t, []bool{true, true, true}, h.there(h.store, 99, 100, 115))
}
