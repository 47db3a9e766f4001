package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

// fault is an error of the engine's kind.
type fault int

func (f fault) Error() string { return fmt.Sprintf("engine text %d", int(f)) }
func (f fault) Code() int     { return int(f) }

// faulty is a store whose engine fails once where a statement begins with the
// text, after skipping some.
type faulty struct {
	*world
	begins string
	skip   int
	with   error
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{world: newWorld(t)}
	require.NoError(t, f.store.Close())
	f.store = open(t, f.path, sqlite.WithPatience(50*time.Millisecond), sqlite.WithDriver(watching(func(kind, text string) error {
		if kind != "run" || f.with == nil || !strings.HasPrefix(text, f.begins) {
			return nil
		}
		if f.skip--; f.skip >= 0 {
			return nil
		}
		err := f.with
		f.with = nil
		return err
	})))
	return f
}

func (f *faulty) fail(code int, begins string, skip int) {
	f.with, f.begins, f.skip = fault(code), begins, skip
}

// rename is an update of two statements.
func (f *faulty) rename(name string) error {
	return apply(f.store, f.Tenant.ID,
		schematest.With(f.Group, func(g *pbx.Group) { g.Name = name }),
		schematest.With(f.Port, func(p *pbx.PortRequest) { p.Carrier = name }))
}

func (f *faulty) name(t *testing.T) string {
	t.Helper()
	return get[*pbx.Group](t, f.store, keyOf(f.Group)).Name
}

func TestAFailureSaysWhatCouldNotBeDoneAndWhy(t *testing.T) {
	t.Parallel()
	for code, says := range map[int]string{
		sqlite3.SQLITE_READONLY: "the database could not be written to: its file, or the folder, can only be read",
		sqlite3.SQLITE_FULL:     "the database could not update call_groups: the disk is full",
	} {
		f := newFaulty(t)
		f.fail(code, "UPDATE", 0)
		require.EqualError(t, f.rename("New"), says)
	}
}

func TestFaultsOfTheEngine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		code   int
		begins string
		skip   int
		want   error
	}{
		{"another process writes", sqlite3.SQLITE_BUSY, "BEGIN IMMEDIATE", 0, store.ErrRetry},
		{"the file cannot be locked", sqlite3.SQLITE_IOERR_LOCK, "BEGIN IMMEDIATE", 0, pbx.ErrStorage},
		{"the disk is full in a statement", sqlite3.SQLITE_FULL, "UPDATE", 1, pbx.ErrStorage},
		{"a statement is interrupted", sqlite3.SQLITE_INTERRUPT, "UPDATE", 0, pbx.ErrStorage},
		{"the disk fails in a statement", sqlite3.SQLITE_IOERR_READ, "UPDATE", 1, pbx.ErrStorage},
		{"the disk is full at the commit", sqlite3.SQLITE_FULL, "COMMIT", 0, pbx.ErrStorage},
		{"the file is busy at the commit", sqlite3.SQLITE_BUSY_SNAPSHOT, "COMMIT", 0, store.ErrRetry},
		{"reading fails at the commit", sqlite3.SQLITE_IOERR_SHORT_READ, "COMMIT", 0, pbx.ErrStorage},
		{"the disk fails while the commit is written", sqlite3.SQLITE_IOERR_WRITE, "COMMIT", 0, pbx.ErrCommitUnknown},
		{"the disk fails while the commit is flushed", sqlite3.SQLITE_IOERR_FSYNC, "COMMIT", 0, pbx.ErrCommitUnknown},
		{"memory runs out after the commit", sqlite3.SQLITE_NOMEM, "COMMIT", 0, pbx.ErrCommitUnknown},
		{"no one knows what fails at the commit", 0, "COMMIT", 0, pbx.ErrCommitUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFaulty(t)
			f.fail(c.code, c.begins, c.skip)
			err := f.rename("x")
			require.ErrorIs(t, err, c.want)
			require.ErrorIs(t, err, fault(c.code), "the cause is at hand")
			require.NotContains(t, err.Error(), "engine text")
			unknown := c.want == pbx.ErrCommitUnknown
			require.Equal(t, c.want == store.ErrRetry, errors.Is(err, store.ErrRetry))
			require.Equal(t, unknown, errors.Is(err, pbx.ErrCommitUnknown))
			require.Equal(t, unknown, errors.Is(err, store.ErrReopen))
			require.Equal(t, f.Group.Name, f.name(t), "nothing was committed, and views go on")
			if unknown {
				for range 2 {
					err := f.rename("y")
					require.ErrorIs(t, err, pbx.ErrStorage)
					require.ErrorIs(t, err, store.ErrReopen)
					require.NotErrorIs(t, err, pbx.ErrCommitUnknown)
					require.EqualError(t, err, "a write to the disk failed: close the store and open it again; what was answered as unknown must be checked then")
				}
				require.NoError(t, f.store.Close())
				f.store = open(t, f.path)
			}
			require.NoError(t, f.rename("y"), "the store goes on")
			require.Equal(t, "y", f.name(t))
			require.NoError(t, f.store.Check(context.Background()))
		})
	}
}

// A flush that fails before the commit leaves nothing open, but is not tried again
// either.
func TestAFlushThatFailsEndsTheWriting(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	f.fail(sqlite3.SQLITE_IOERR_FSYNC, "UPDATE", 1)
	err := f.rename("x")
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.NotErrorIs(t, err, pbx.ErrCommitUnknown)
	require.ErrorIs(t, f.rename("y"), store.ErrReopen)
	require.Equal(t, f.Group.Name, f.name(t))
	require.NoError(t, f.store.Close())
	f.store = open(t, f.path)
	require.NoError(t, f.rename("y"))
}

// After a full disk SQLite has rolled back by itself; what ran then in the
// same transaction would be committed at once, statement by statement.
func TestAPoisonedTransactionLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.store.Ask(true, "PRAGMA max_page_count = 1") // as many as there are
	require.NoError(t, err)
	var changes []store.Change
	for i := range 2000 {
		changes = append(changes, store.Change{New: &pbx.Location{
			TenantID: w.Tenant.ID, ID: w.ID(), Rev: 1, Building: fmt.Sprint(i), Name: strings.Repeat("x", 1000),
		}})
	}
	changes = append(changes, schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" }))
	ctx := context.Background()
	err = w.store.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		err := tx.Apply(ctx, changes)
		require.ErrorIs(t, err, pbx.ErrStorage)
		require.Contains(t, cause(err), "(13)")
		require.ErrorIs(t, tx.Apply(ctx, changes[2000:]), pbx.ErrMisuse)
		return nil
	})
	require.ErrorIs(t, err, pbx.ErrMisuse)
	require.Equal(t, w.Group.Name, get[*pbx.Group](t, w.store, keyOf(w.Group)).Name)
	require.Nil(t, get[store.Record](t, w.store, keyOf(changes[0].New)))
	require.NoError(t, apply(w.store, w.Tenant.ID, changes...), "a new connection has no such limit")
}

// A read that fails inside an update poisons it too.
func TestAReadThatFailsFailsTheUpdate(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	ctx := context.Background()
	f.fail(sqlite3.SQLITE_IOERR_READ, "SELECT", 0)
	err := f.store.Update(ctx, f.Tenant.ID, func(tx store.Writer) error {
		_, err := tx.Get(ctx, keyOf(f.Group))
		require.ErrorIs(t, err, pbx.ErrStorage)
		_, err = tx.Get(ctx, keyOf(f.Group))
		require.ErrorIs(t, err, pbx.ErrStorage, "and so does every later one")
		return tx.Apply(ctx, []store.Change{schematest.With(f.Group, func(g *pbx.Group) { g.Name = "x" })})
	})
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.Equal(t, f.Group.Name, f.name(t))
	require.NoError(t, f.rename("y"))
}

func TestAViewThatFailsIsForgotten(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	for _, begins := range []string{"BEGIN DEFERRED", "SELECT", "COMMIT"} {
		f.fail(sqlite3.SQLITE_IOERR_READ, begins, 0)
		err := view(f.store, func(r store.Reader) error {
			_, err := r.Get(context.Background(), keyOf(f.Group))
			return err
		})
		if begins != "COMMIT" { // a view has nothing to lose by then
			require.ErrorIs(t, err, pbx.ErrStorage, begins)
		}
		require.Zero(t, f.store.Idle(), "a connection that failed is not used again")
		require.Equal(t, f.Group.Name, f.name(t))
		require.Equal(t, 1, f.store.Idle())
		f.store.DropIdle()
	}
}

// Another process that writes is waited for; after that the update is to be
// tried again.
func TestAnotherProcessThatWritesIsWaitedFor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pbx.db")
	ours := open(t, path, sqlite.WithPatience(100*time.Millisecond))
	c := schematest.NewCustomer(t, ours, 1, 2)
	db := rawDB(t, path)
	_, err := db.Exec("BEGIN IMMEDIATE")
	require.NoError(t, err)
	begun := time.Now()
	changes := c.SetUp()
	require.ErrorIs(t, apply(ours, c.Tenant.ID, changes...), store.ErrRetry)
	require.GreaterOrEqual(t, time.Since(begun), 100*time.Millisecond)
	require.NotNil(t, get[store.Record](t, ours, keyOf(c.Place)), "views go on")
	_, err = db.Exec("COMMIT")
	require.NoError(t, err)
	require.NoError(t, apply(ours, c.Tenant.ID, changes...))
}

// A record that another program has spoilt is an error, not a panic.
func TestWhatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.store.Close())
	db := rawDB(t, w.path)
	for _, s := range []string{"PRAGMA ignore_check_constraints = 1", "UPDATE users SET applications = '{'"} {
		_, err := db.Exec(s)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	spoilt := open(t, w.path)
	err := view(spoilt, func(r store.Reader) error {
		_, err := r.Get(context.Background(), keyOf(w.User))
		return err
	})
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.ErrorContains(t, spoilt.Check(context.Background()), "users")
}
