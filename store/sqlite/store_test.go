package sqlite_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

// What is special in a store in SQLite; what every store does is proved by the
// conformance suite.

func TestEveryRecordComesBackAsItWent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mobile := schematest.With(w.Other, func(u *pbx.User) {
		u.Mobile, u.Applications = "+447700900123", []string{`a"b`, `c\d`, "é,", "<&>", ""}
		u.State, u.ActivatedAt, u.CreatedAt = pbx.UserPending, time.Time{}, time.Date(1969, 1, 1, 0, 0, 0, 1000, time.UTC)
	})
	hash := schematest.Mailbox(w.World, func(m *pbx.Mailbox) { m.Email, m.LockedUntil = "a@example.com", schematest.Noon })
	for _, f := range hash.New.Fields(nil) {
		if f.Name == "pin_hash" {
			*f.Ptr.(*[]byte) = []byte{0, 1, 0, 255}
		}
	}
	require.NoError(t, apply(w.store, w.Tenant.ID, mobile, hash))
	for _, r := range []store.Record{
		w.Tenant, w.Pool, w.Place, w.Kind, w.User, mobile.New, w.Service, w.Bare, w.Device, w.Free, w.Number, w.Spare, w.Stock,
		w.Alias, w.Group, w.Port, w.Order, hash.New,
	} {
		got := get[store.Record](t, w.store, keyOf(r))
		if diff := cmp.Diff(values(r), values(got), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%T (-written +read):\n%s", r, diff)
		}
	}
}

func values(r store.Record) map[string]any {
	out := map[string]any{}
	for _, f := range r.Fields(nil) {
		out[f.Name] = f.Value()
	}
	return out
}

func TestGetByEveryUniqueIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, r := range []store.Record{w.Tenant, w.Place, w.User, w.Group, w.Device, w.Service, w.Number, w.Order} {
		for _, ix := range r.Table().Indexes {
			if _, in := ix.Values(r); ix.Unique && in {
				got := get[store.Record](t, w.store, keyIn(r, ix))
				require.NotNil(t, got, ix.Name)
				require.Equal(t, keyOf(r).Values, keyOf(got).Values, ix.Name)
			}
		}
	}
	missing := keyOf(&pbx.User{TenantID: w.Tenant.ID, ID: pbx.UserID(w.Service.ID)})
	require.Nil(t, get[store.Record](t, w.store, missing))
}

// Sixteen goroutines raise one counter 25 times each: all 400 succeed, and
// none without waiting its turn.
func TestUpdatesOfOneRowAllSucceed(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "pbx.db"), sqlite.WithSynchronous(sqlite.Normal))
	c := schematest.NewCustomer(t, db, 1, 1)
	ctx := context.Background()
	raise := func(w store.Writer) error {
		records, err := w.Get(ctx, keyOf(c.Pool))
		if err != nil {
			return err
		}
		return w.Apply(ctx, []store.Change{schematest.With(records[0].(*pbx.StationPool), func(p *pbx.StationPool) { p.Total++ })})
	}
	var wg sync.WaitGroup
	errs := make(chan error, 400)
	for range 16 {
		wg.Go(func() {
			for range 25 {
				errs <- db.Update(ctx, c.Tenant.ID, raise)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	pool := get[*pbx.StationPool](t, db, keyOf(c.Pool))
	require.Equal(t, c.Pool.Total+400, pool.Total)
	require.Equal(t, c.Pool.Rev+400, pool.Rev)
}

func TestStaleAndTakenAreRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stale := *w.Free
	stale.Rev--
	for name, change := range map[string]store.Change{
		"an update of an old version":    schematest.With(&stale, func(d *pbx.Device) { d.Model = "x" }),
		"a deletion of an old version":   {Old: &stale},
		"an update of what is not there": schematest.With(&pbx.Device{TenantID: w.Tenant.ID, ID: w.ID(), Rev: 1, MAC: "00:00:00:00:00:01"}, raise),
		"a key that is taken":            {New: w.Free},
		"a unique value that is taken":   schematest.With(w.Free, func(d *pbx.Device) { d.MAC = w.Device.MAC }),
		"one of another tenant":          schematest.With(w.Foreign.Devices[0], func(d *pbx.Device) { d.MAC = w.Device.MAC }),
	} {
		t.Run(name, func(t *testing.T) {
			harmless := schematest.With(w.Group, func(g *pbx.Group) { g.Name = name })
			err := apply(w.store, w.Tenant.ID, harmless, change)
			require.ErrorIs(t, err, store.ErrRetry)
			require.Equal(t, store.ErrRetry.Error(), err.Error(), "driver text is not shown")
			require.Equal(t, w.Group.Name, get[*pbx.Group](t, w.store, keyOf(w.Group)).Name, "all or none")
		})
	}
}

// A change that touches no column but the revision is one all the same.
func TestOnlyTheRevisionChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, apply(w.store, w.Tenant.ID, schematest.With(w.Free, raise)))
	require.EqualValues(t, 2, get[*pbx.Device](t, w.store, keyOf(w.Free)).Rev)
	require.ErrorIs(t, apply(w.store, w.Tenant.ID, schematest.With(w.Free, raise)), store.ErrRetry)
}

func TestAnApplyThatFailedFailsTheUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	err := w.store.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		_ = tx.Apply(ctx, []store.Change{schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" }), {New: w.Free}})
		records, err := tx.Get(ctx, keyOf(w.Group))
		require.NoError(t, err)
		require.Equal(t, w.Group.Name, records[0].(*pbx.Group).Name)
		return nil
	})
	require.ErrorIs(t, err, store.ErrRetry)
	require.Equal(t, w.Group.Name, get[*pbx.Group](t, w.store, keyOf(w.Group)).Name)
}

func TestReadsBehindApplySeeWhatWasCommitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	err := w.store.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		if err := tx.Apply(ctx, []store.Change{schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" })}); err != nil {
			return err
		}
		records, err := tx.Get(ctx, keyOf(w.Group))
		require.NoError(t, err)
		require.Equal(t, w.Group.Name, records[0].(*pbx.Group).Name)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, "x", get[*pbx.Group](t, w.store, keyOf(w.Group)).Name)
}

func TestViewsKeepTheirSnapshotAndNest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	name := func(r store.Reader) string {
		records, err := r.Get(ctx, keyOf(w.Group))
		require.NoError(t, err)
		return records[0].(*pbx.Group).Name
	}
	row := w.Group
	var down func(depth int) error
	down = func(depth int) error {
		return view(w.store, func(r store.Reader) error {
			before := name(r)
			change := schematest.With(row, func(g *pbx.Group) { g.Name += "." })
			require.NoError(t, apply(w.store, w.Tenant.ID, change))
			row = change.New.(*pbx.Group)
			if depth > 0 {
				require.NoError(t, down(depth-1))
			}
			require.Equal(t, before, name(r))
			return nil
		})
	}
	require.NoError(t, down(60))
	require.LessOrEqual(t, w.store.Idle(), runtime.GOMAXPROCS(0)+2)
	require.NoError(t, w.store.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		return view(w.store, func(r store.Reader) error {
			require.Equal(t, name(tx), name(r))
			return nil
		})
	}))
}

func TestErrorsAndPanicsRollBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	boom := errors.New("boom")
	change := []store.Change{schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" })}
	err := w.store.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		require.NoError(t, tx.Apply(ctx, change))
		return boom
	})
	require.Equal(t, boom, err)
	require.Equal(t, boom, view(w.store, func(store.Reader) error { return boom }))
	require.PanicsWithValue(t, boom, func() {
		_ = w.store.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
			require.NoError(t, tx.Apply(ctx, change))
			panic(boom)
		})
	})
	require.PanicsWithValue(t, boom, func() { _ = view(w.store, func(store.Reader) error { panic(boom) }) })
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = w.store.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
			_ = tx.Apply(ctx, change)
			runtime.Goexit()
			return nil
		})
	})
	wg.Wait()
	require.Equal(t, w.Group.Name, get[*pbx.Group](t, w.store, keyOf(w.Group)).Name)
	require.NoError(t, apply(w.store, w.Tenant.ID, change...))
}

func TestContextsEndWhatHasNotBegunToCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	change := []store.Change{schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" })}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	nothing := func(store.Writer) error { t.Error("called"); return nil }
	require.ErrorIs(t, w.store.Update(ended, w.Tenant.ID, nothing), context.Canceled)
	require.ErrorIs(t, w.store.View(ended, func(store.Reader) error { return nil }), context.Canceled)

	ctx, cancel := context.WithCancel(context.Background())
	err := w.store.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		require.NoError(t, tx.Apply(ctx, change))
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)

	err = w.store.Update(context.Background(), w.Tenant.ID, func(tx store.Writer) error {
		_, err := tx.Get(ended, keyOf(w.Group))
		require.ErrorIs(t, err, context.Canceled)
		for _, err := range tx.Find(ended, store.Query{Index: w.Group.Table().Key()}) {
			require.ErrorIs(t, err, context.Canceled)
		}
		return tx.Apply(ended, change)
	})
	require.ErrorIs(t, err, context.Canceled)

	err = w.store.Update(context.Background(), w.Tenant.ID, func(store.Writer) error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		return w.store.Update(ctx, w.Tenant.ID, nothing) // waits for its turn
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, w.Group.Name, get[*pbx.Group](t, w.store, keyOf(w.Group)).Name)
}

func TestMisuseIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	users := store.Query{Index: w.User.Table().Key(), Equal: []any{w.Tenant.ID}}
	var r store.Reader
	var tx store.Writer
	var next func() (store.Record, error, bool)
	require.NoError(t, view(w.store, func(inner store.Reader) error {
		r = inner
		var stop func()
		next, stop = iter.Pull2(r.Find(ctx, users))
		t.Cleanup(stop)
		_, err, ok := next()
		require.True(t, ok)
		return err
	}))
	_, err, ok := next()
	require.True(t, ok)
	require.ErrorIs(t, err, pbx.ErrMisuse, "a loop that outlives its view")
	err = w.store.Update(ctx, w.Tenant.ID, func(inner store.Writer) error {
		tx = inner
		require.NoError(t, tx.Apply(ctx, nil))
		return tx.Apply(ctx, nil)
	})
	require.ErrorIs(t, err, pbx.ErrMisuse, "Apply twice")
	require.ErrorIs(t, tx.Apply(ctx, nil), pbx.ErrMisuse, "Apply after the end")
	for _, r := range []store.Reader{r, tx} {
		_, err := r.Get(ctx, keyOf(w.User))
		require.ErrorIs(t, err, pbx.ErrMisuse)
		for record, err := range r.Find(ctx, users) {
			require.Nil(t, record)
			require.ErrorIs(t, err, pbx.ErrMisuse)
		}
	}
	require.NoError(t, view(w.store, func(r store.Reader) error {
		byLast := w.User.Table().Index("users_by_last")
		_, err := r.Get(ctx, store.Key{Index: byLast, Values: []any{w.Tenant.ID, "a", "b", w.User.ID}})
		require.ErrorIs(t, err, pbx.ErrMisuse, "not a unique index")
		_, err = r.Get(ctx, store.Key{Index: w.User.Table().Key(), Values: []any{w.Tenant.ID}})
		require.ErrorIs(t, err, pbx.ErrMisuse, "half a key")
		for _, q := range []store.Query{
			{Index: byLast, Equal: []any{w.Tenant.ID, "a", "b", w.User.ID, "c"}},
			{Index: byLast, Equal: []any{w.Tenant.ID, "a", "b", w.User.ID}, From: "c"},
			{Index: byLast, Equal: []any{w.Tenant.ID}, After: []any{"a"}},
			{Index: w.User.Table().Key(), Equal: []any{w.Tenant.ID}, Prefix: "a"},
		} {
			for _, err := range r.Find(ctx, q) {
				require.ErrorIs(t, err, pbx.ErrMisuse)
			}
		}
		return nil
	}))
	require.NoError(t, w.store.Close())
	require.ErrorIs(t, w.store.Close(), pbx.ErrMisuse)
	require.ErrorIs(t, w.store.Check(ctx), pbx.ErrMisuse)
	require.ErrorIs(t, view(w.store, func(store.Reader) error { return nil }), pbx.ErrMisuse)
	require.ErrorIs(t, apply(w.store, w.Tenant.ID), pbx.ErrMisuse)
}

func TestCloseWaitsForWhatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began, closing := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	var viewErr error
	wg.Go(func() {
		viewErr = view(w.store, func(r store.Reader) error {
			close(began)
			<-closing
			time.Sleep(20 * time.Millisecond)
			_, err := r.Get(context.Background(), keyOf(w.User))
			return err
		})
	})
	<-began
	close(closing)
	require.NoError(t, w.store.Close())
	wg.Wait()
	require.NoError(t, viewErr)
}

// Readers are shared by the goroutines of one view.
func TestAReaderMayBeSharedByGoroutines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	errs := make(chan error, 8)
	require.NoError(t, view(w.store, func(r store.Reader) error {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					if _, err := r.Get(ctx, keyOf(w.User), keyOf(w.Service)); err != nil {
						errs <- err
					}
				}
			})
		}
		wg.Wait()
		return nil
	}))
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

func TestViewsDoNotWaitForUpdates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	err := w.store.Update(ctx, w.Tenant.ID, func(tx store.Writer) error {
		if err := tx.Apply(ctx, []store.Change{schematest.With(w.Group, func(g *pbx.Group) { g.Name = "x" })}); err != nil {
			return err
		}
		done := make(chan string)
		go func() {
			var name string
			_ = view(w.store, func(r store.Reader) error {
				records, err := r.Get(ctx, keyOf(w.Group))
				if err == nil {
					name = records[0].(*pbx.Group).Name
				}
				return err
			})
			done <- name
		}()
		require.Equal(t, w.Group.Name, <-done)
		return nil
	})
	require.NoError(t, err)
}

func TestStatementsArePreparedOnce(t *testing.T) {
	t.Parallel()
	var texts []string
	store := open(t, newFile(t), sqlite.WithDriver(watching(func(kind, text string) error {
		if kind == "prepare" {
			texts = append(texts, text)
		}
		return nil
	})))
	c := schematest.NewCustomer(t, store, 1, 10)
	for range 10 {
		require.NoError(t, apply(store, c.Tenant.ID, c.SetUp()...))
		get[*pbx.Tenant](t, store, keyOf(c.Tenant))
	}
	counts := map[string]int{}
	for _, text := range texts {
		counts[text]++
	}
	for text, n := range counts {
		require.LessOrEqual(t, n, 2, text) // for the connection that writes, and for one that reads
	}
	require.Contains(t, texts, "UPDATE devices SET rev = ?, state = ?, user_id = ?, ports_used = ?, primary_of = ? "+
		"WHERE tenant_id = ? AND id = ? AND rev = ?", "only what changed is set")
}
