package faulty_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/storetest"
)

var ctx = context.Background()

// A store without a plan is the store.
func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return faulty.New(memory.New(), faulty.Plan{}) })
}

// rooms returns a store with three locations, and the query that finds them.
func rooms(t *testing.T) (*faulty.Store, store.Query) {
	db := faulty.New(memory.New(), faulty.Plan{})
	var changes []store.Change
	for i, building := range []string{"A", "B", "C"} {
		changes = append(changes, store.Change{New: &pbx.Location{
			TenantID: pbx.TenantID{1}, ID: pbx.LocationID{byte(i + 1)}, Rev: 1, Building: building,
		}})
	}
	require.NoError(t, db.Update(ctx, pbx.TenantID{1}, func(w store.Writer) error { return w.Apply(ctx, changes) }))
	ix := new(pbx.Location).Table().Index("locations_building")
	return db, store.Query{Index: ix, Equal: []any{pbx.TenantID{1}}}
}

func building(name string) store.Key {
	return store.Key{Index: new(pbx.Location).Table().Index("locations_building"), Values: []any{pbx.TenantID{1}, name}}
}

// rename reads in every way there is, in an update and in a view, and renames
// building A to Z in between.
func rename(db store.Store, q store.Query) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(errPanic, r.(error))
		}
	}()
	if err := db.Update(ctx, pbx.TenantID{1}, func(w store.Writer) error {
		got, err := w.Get(ctx, building("A"))
		if err != nil {
			return err
		}
		if err := count(w, q); err != nil {
			return err
		}
		now := *got[0].(*pbx.Location)
		now.Rev, now.Building = now.Rev+1, "Z"
		return w.Apply(ctx, []store.Change{{Old: got[0], New: &now}})
	}); err != nil {
		return err
	}
	return db.View(ctx, func(r store.Reader) error {
		if _, err := r.Get(ctx, building("Z")); err != nil {
			return err
		}
		return count(r, q)
	})
}

var errPanic = errors.New("panic")

func count(r store.Reader, q store.Query) error {
	n := 0
	for _, err := range r.Find(ctx, q) {
		if err != nil {
			return err
		}
		n++
	}
	if n != 3 {
		return errors.New("a loop ended early without an error")
	}
	return nil
}

// points are the calls that rename makes.
var points = []faulty.Point{
	faulty.Update, faulty.Get, faulty.Find, faulty.Step, faulty.Step, faulty.Step, faulty.Apply, faulty.Commit,
	faulty.View, faulty.Get, faulty.Find, faulty.Step, faulty.Step, faulty.Step,
}

const commitCall = 8 // in points, counted from 1

func TestCalls(t *testing.T) {
	store, q := rooms(t)
	store.Arm(faulty.Plan{})
	require.NoError(t, rename(store, q))
	require.Empty(t, cmp.Diff(points, store.Calls()))
}

// Every fault at every call: the error says what happened, and the store has
// what the error says.
func TestEveryFault(t *testing.T) {
	for plan := range faulty.Plans(len(points)) {
		t.Run(plan.String(), func(t *testing.T) {
			store, q := rooms(t)
			store.Arm(plan)
			err := rename(store, q)
			calls := store.Calls()
			store.Arm(faulty.Plan{})
			committed := renamed(t, store)

			require.GreaterOrEqual(t, len(calls), plan.At, "the fault never came")
			require.Equal(t, plan.At > commitCall || plan.At == commitCall && plan.Fault == faulty.ErrorAfter, committed)
			requireError(t, plan, err)
		})
	}
}

func renamed(t *testing.T, db store.Store) (committed bool) {
	require.NoError(t, db.View(ctx, func(r store.Reader) error {
		got, err := r.Get(ctx, building("A"), building("Z"))
		require.NoError(t, err)
		require.True(t, (got[0] == nil) != (got[1] == nil), "half done")
		committed = got[1] != nil
		return nil
	}))
	return committed
}

func requireError(t *testing.T, plan faulty.Plan, err error) {
	point := points[plan.At-1]
	updating := plan.At <= commitCall
	switch {
	case plan.Fault == faulty.Panic:
		require.ErrorIs(t, err, errPanic)
		require.ErrorIs(t, err, faulty.ErrInjected)
	case plan.Fault == faulty.ContextEnded:
		require.ErrorIs(t, err, context.Canceled)
	case plan.Fault == faulty.Retry && updating:
		require.ErrorIs(t, err, store.ErrRetry)
	case point == faulty.Commit:
		require.ErrorIs(t, err, pbx.ErrCommitUnknown)
		require.ErrorIs(t, err, faulty.ErrInjected)
	default:
		require.ErrorIs(t, err, pbx.ErrStorage)
		require.ErrorIs(t, err, faulty.ErrInjected)
		require.NotErrorIs(t, err, pbx.ErrCommitUnknown)
	}
}

func TestContextEndedEndsTheCallersToo(t *testing.T) {
	store, q := rooms(t)
	ctx, cancel := context.WithCancel(ctx)
	store.Arm(faulty.Plan{At: commitCall, Fault: faulty.ContextEnded, Cancel: cancel})
	require.ErrorIs(t, rename(store, q), context.Canceled)
	require.ErrorIs(t, ctx.Err(), context.Canceled)
	require.False(t, renamed(t, store))
}

func TestOn(t *testing.T) {
	db, q := rooms(t)
	db.Arm(faulty.Plan{At: 1, Fault: faulty.Retry, On: true})
	for range 3 {
		require.ErrorIs(t, rename(db, q), store.ErrRetry)
	}
	db.Arm(faulty.Plan{At: 1, Fault: faulty.Retry})
	require.ErrorIs(t, rename(db, q), store.ErrRetry)
	require.NoError(t, rename(db, q))
}

// An update that applies nothing has nothing to commit.
func TestNoCommitWithoutApply(t *testing.T) {
	db, _ := rooms(t)
	db.Arm(faulty.Plan{})
	require.NoError(t, db.Update(ctx, pbx.TenantID{1}, func(store.Writer) error { return nil }))
	require.Empty(t, cmp.Diff([]faulty.Point{faulty.Update}, db.Calls()))
}
