package rules_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/faulty"
)

// crowd makes some more customers, which have only their settings.
func (w *world) crowd(n int) []pbx.TenantID {
	w.T.Helper()
	ids := []pbx.TenantID{w.US.ID, w.UK.ID, pbx.Provider}
	for i := range n {
		ids = append(ids, w.Tenant(fmt.Sprint("Customer ", i), "US", fmt.Sprintf("c%d.example.com", i)).ID)
	}
	return ids
}

// Three processes, each with two calls at a time, while events come in.
func TestSYS3_DeliveriesShareTheWorkAndNeverDeliverATenantTwiceAtATime(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		tenants := w.crowd(5)
		var box inbox
		var inside sync.Map // by tenant
		handle := func(ctx context.Context, e *pbx.Event) error {
			mine, _ := inside.LoadOrStore(e.TenantID, new(atomic.Int64))
			if mine.(*atomic.Int64).Add(1) != 1 {
				return errors.New("two at the same time")
			}
			defer mine.(*atomic.Int64).Add(-1)
			time.Sleep(50 * time.Microsecond)
			return box.take(ctx, e)
		}
		var total atomic.Int64
		var writing atomic.Bool
		var wg sync.WaitGroup
		errs := make(chan error, 6)
		writing.Store(true)
		for range 3 {
			process := w.process(nil)
			for range 2 {
				wg.Go(func() {
					var err error
					for n := 1; err == nil && (n > 0 || writing.Load()); {
						n, err = process.Deliver(w.Ctx, "mail", handle)
						total.Add(int64(n))
					}
					errs <- err
				})
			}
		}
		for i := range 40 {
			w.Group(fmt.Sprint("G", i), "")
		}
		writing.Store(false)
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		total.Add(int64(w.deliver("mail", box.take))) // what came when a call had just passed by
		require.EqualValues(t, box.size(), total.Load())
		for _, id := range tenants {
			require.Equal(t, w.eventsOf(id), box.of(id), "each once, in order")
		}
	})
}

func TestSYS3_TenantsAreDeliveredSideBySide(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.crowd(9)
		var inside, most atomic.Int64
		var mu sync.Mutex
		full := make(chan struct{})
		_, err := w.process(nil, pbx.WithDeliveries(4)).Deliver(w.Ctx, "mail", func(context.Context, *pbx.Event) error {
			mu.Lock()
			most.Store(max(most.Load(), inside.Add(1)))
			if most.Load() == 4 && inside.Load() == 4 {
				select {
				case <-full:
				default:
					close(full)
				}
			}
			mu.Unlock()
			<-full // the first four wait for one another
			inside.Add(-1)
			return nil
		})
		require.NoError(t, err)
		require.EqualValues(t, 4, most.Load())
	})
}

func TestSYS3_ASlowTenantDelaysNoOther(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		tenants := w.crowd(20)
		want := 0
		for _, id := range tenants[1:] {
			want += len(w.eventsOf(id))
		}
		var box inbox
		rest := make(chan struct{})
		n, err := w.process(nil, pbx.WithDeliveries(2)).Deliver(w.Ctx, "mail", func(ctx context.Context, e *pbx.Event) error {
			if e.TenantID == w.US.ID {
				<-rest // until all the others are through
				return nil
			}
			err := box.take(ctx, e)
			if box.size() == want {
				close(rest)
			}
			return err
		})
		require.NoError(t, err)
		require.Equal(t, want+len(w.eventsOf(w.US.ID)), n)
	})
}

func TestSYS3_ALongJournalTakesTurnsWithTheOthers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Clock = w.Clock.Add(time.Second)
		for i := range 300 {
			w.Group(fmt.Sprintf("G%03d", i), "")
		}
		tenants := w.crowd(3)
		var box inbox
		_, err := w.process(nil, pbx.WithDeliveries(1)).Deliver(w.Ctx, "mail", box.take)
		require.NoError(t, err)
		events := w.eventsOf(w.US.ID)
		require.Equal(t, events, box.of(w.US.ID))
		second := slices.IndexFunc(box.events, func(e *pbx.Event) bool { return e.Key() == events[128].Key() })
		for _, id := range tenants[1:] {
			first := box.of(id)[0].Key()
			require.Less(t, slices.IndexFunc(box.events, func(e *pbx.Event) bool { return e.Key() == first }), second)
		}
	})
}

// How many trips a delivery makes: one read of a page of tenants, and two
// updates for each tenant with something new.
func TestSYS3_ATenantWithNothingNewCostsNothing(t *testing.T) {
	shaky(t, func(t *testing.T, w *world, store *faulty.Store) {
		tenants := w.crowd(3)
		count := func(point faulty.Point) (n int) {
			for _, p := range store.Calls() {
				if p == point {
					n++
				}
			}
			return n
		}
		ranges := func() int { return count(faulty.Find) + 2*count(faulty.Fetch) } // a Fetch here is of two
		delivered := func() int {
			store.Arm(faulty.Plan{})
			return w.deliver("mail", new(inbox).take)
		}
		require.Positive(t, delivered())
		require.Equal(t, 1, count(faulty.View), "a new subscriber")
		require.Equal(t, 2*len(tenants)+1, count(faulty.Update), "the provider has more than 16")

		require.Zero(t, delivered())
		require.Equal(t, []int{1, 2, 1, 0}, []int{count(faulty.View), ranges(), count(faulty.Get), count(faulty.Update)})

		w.Group("New", "")
		require.Equal(t, 1, delivered())
		require.Equal(t, []int{1, 4, 2, 2}, []int{count(faulty.View), ranges(), count(faulty.Get), count(faulty.Update)})

		for i := range 40 {
			w.Group(fmt.Sprint("G", i), "")
		}
		require.Equal(t, 40, delivered())
		require.Equal(t, 4, count(faulty.Update), "the lease, and behind the 16th, the 32nd and the last")
	})
}

// Where a cursor stands in the middle of what one operation did, at the tenant's
// last revision, the rest is not forgotten.
func TestSYS3_TheRestOfTheLastOperationIsDelivered(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range 5 {
				if _, err := dir.CreateGroup(ctx, pbx.NewGroup{Name: fmt.Sprint("G", i)}); err != nil {
					return err
				}
			}
			return nil
		}))
		events := w.eventsOf(w.US.ID)
		last := events[len(events)-1]
		require.EqualValues(t, 5, last.Pos)
		var box inbox
		_, err := w.Support.Deliver(w.Ctx, "mail", func(ctx context.Context, e *pbx.Event) error {
			if e.TenantID == w.US.ID && e.Seq == last.Seq && e.Pos == 4 {
				return errDropped
			}
			return box.take(ctx, e)
		})
		require.ErrorIs(t, err, errDropped)
		require.Equal(t, 2, w.deliver("mail", box.take))
		require.Equal(t, events, box.of(w.US.ID))
	})
}

// Every fault at every call that a delivery makes to its store, while the last
// event of each page of the loops stands for all of them.
func TestSYS3_WhateverFailsAllComesInOrderAndLittleComesTwice(t *testing.T) {
	shaky(t, func(t *testing.T, w *world, store *faulty.Store) {
		tenants := []pbx.TenantID{w.US.ID, w.UK.ID, pbx.Provider}
		journals := map[pbx.TenantID][]*pbx.Event{}
		for _, id := range tenants {
			journals[id] = w.eventsOf(id)
		}
		hands := w.hands()
		process := w.process(hands, pbx.WithDeliveries(1))
		store.Arm(faulty.Plan{})
		_, err := process.Deliver(w.Ctx, "none", new(inbox).take)
		require.NoError(t, err)
		calls := store.Calls()
		tried := 0
		for plan := range faulty.Plans(len(calls)) {
			at := calls[plan.At-1]
			if at == faulty.Step && plan.At < len(calls) && calls[plan.At] == faulty.Step {
				continue // one of many
			}
			if plan.On && (at == faulty.Commit || plan.Fault == faulty.Retry) {
				continue // an outcome that stays unknown, or is never reached, is waited for in real time
			}
			tried++
			subscriber := fmt.Sprint("s", tried)
			var box inbox
			ctx, cancel := context.WithCancel(w.Ctx)
			plan.Cancel = cancel
			store.Arm(plan)
			n, failed := recovered(func() (int, error) { return process.Deliver(ctx, subscriber, box.take) })
			cancel()
			store.Arm(faulty.Plan{})
			require.True(t, failed != nil || n == box.size(), "%s: %d", plan, n)
			if at == faulty.Commit && plan.Fault != faulty.Panic && plan.Fault != faulty.ContextEnded {
				require.NoError(t, failed, "%s: whether it was written can be found out", plan)
			}
			first := box.size()
			hands.pass(time.Minute) // a lease that could not be given back
			_, err := process.Deliver(w.Ctx, subscriber, box.take)
			require.NoError(t, err, "%s", plan)
			for _, id := range tenants {
				w.comesToAll(plan.String(), journals[id], box.of(id), first)
			}
			for _, c := range w.cursors(subscriber) {
				require.Zero(t, c.Holder, "%s", plan)
			}
		}
		require.Greater(t, tried, 200)
	})
}

// recovered makes an error of a panic.
func recovered(deliver func() (int, error)) (n int, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	return deliver()
}

// comesToAll asserts that all events came in order, and that only the last few
// came again.
func (w *world) comesToAll(when string, journal, got []*pbx.Event, most int) {
	w.T.Helper()
	at := 0 // in the journal: what comes next at the latest
	repeats := 0
	for _, e := range got {
		i := slices.IndexFunc(journal, func(j *pbx.Event) bool { return j.Key() == e.Key() })
		require.GreaterOrEqual(w.T, i, 0, when)
		require.LessOrEqual(w.T, i, at, "%s: an event was left out", when)
		if i < at {
			repeats++
		}
		at = max(at, i+1)
	}
	require.Len(w.T, journal, at, "%s: all of them", when)
	require.LessOrEqual(w.T, repeats, min(16, most), when)
}
