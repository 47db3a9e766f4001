package rules_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/sqlite"
)

// inbox is a receiver: what came, in order.
type inbox struct {
	mu     sync.Mutex
	events []*pbx.Event
}

func (b *inbox) take(_ context.Context, e *pbx.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
	return nil
}

func (b *inbox) of(tenant pbx.TenantID) []*pbx.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var own []*pbx.Event
	for _, e := range b.events {
		if e.TenantID == tenant {
			own = append(own, e)
		}
	}
	return own
}

func (b *inbox) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.events)
}

func (w *world) deliver(name string, handle func(context.Context, *pbx.Event) error) int {
	w.T.Helper()
	n, err := w.Support.Deliver(w.Ctx, name, handle)
	require.NoError(w.T, err)
	return n
}

func TestSYS3_EveryEventIsDeliveredInTheOrderOfItsTenantsJournal(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for i := range 150 { // more than a page
			w.Group(fmt.Sprintf("G%03d", i), "")
		}
		before, err := w.Dir.Tenant(w.Ctx)
		require.NoError(t, err)
		var box inbox
		n := w.deliver("mail", box.take)
		require.Len(t, box.events, n)
		after, err := w.Dir.Tenant(w.Ctx)
		require.NoError(t, err)
		require.Equal(t, before, after, "a cursor is no change of the tenant")
		for _, dir := range []*pbx.Directory{w.Dir, w.British, w.Support} {
			tenant, err := dir.Tenant(w.Ctx)
			require.NoError(t, err)
			require.Equal(t, testbed.Collect(t, dir.Journal(w.Ctx, pbx.JournalQuery{})), box.of(tenant.ID), "the Provider's too")
		}
		require.Zero(t, w.deliver("mail", box.take), "once is enough")

		w.Group("Late", "")
		require.Equal(t, 1, w.deliver("mail", box.take))
		require.Equal(t, n+1, w.deliver("other", new(inbox).take), "a new subscriber begins at the beginning")
	})
}

func TestSYS3_EachEventHasAKeyOfItsOwnThatStays(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		testbed.Everything(w.World)
		var box inbox
		w.deliver("one", box.take)
		keys := map[string]*pbx.Event{}
		for _, e := range box.events {
			require.NotContains(t, keys, e.Key())
			keys[e.Key()] = e
		}
		var again inbox
		w.deliver("two", again.take)
		require.Len(t, again.events, len(box.events))
		for _, e := range again.events {
			require.Equal(t, keys[e.Key()], e)
		}
	})
}

func TestSYS3_AnEventWhoseHandlerFailsComesAgainAndHoldsUpOnlyItsTenant(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for i := range 40 {
			w.Group(fmt.Sprint("G", i), "")
		}
		broken := errors.New("the line is down")
		var box inbox
		failAt := int64(20)
		_, err := w.Support.Deliver(w.Ctx, "mail", func(ctx context.Context, e *pbx.Event) error {
			if e.TenantID == w.US.ID && e.Seq == failAt {
				return broken
			}
			return box.take(ctx, e)
		})
		require.ErrorIs(t, err, broken)
		var failed *pbx.DeliveryError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, failAt, failed.Event.Seq)
		require.Equal(t, "mail", failed.Subscriber)
		require.Contains(t, err.Error(), failed.Event.Key())

		ours := box.of(w.US.ID)
		require.Equal(t, failAt-1, ours[len(ours)-1].Seq, "what comes behind it waits")
		require.Equal(t, testbed.Collect(t, w.British.Journal(w.Ctx, pbx.JournalQuery{})), box.of(w.UK.ID), "the others go on")

		w.deliver("mail", box.take)
		require.Equal(t, testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{})), box.of(w.US.ID), "and nothing comes twice but it")
	})
}

func TestSYS3_TheErrorsOfAllTenantsComeTogether(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		n, err := w.Support.Deliver(w.Ctx, "mail", func(_ context.Context, e *pbx.Event) error {
			return errors.New("refused in " + e.TenantID.String())
		})
		require.Zero(t, n)
		for _, tenant := range []pbx.TenantID{w.US.ID, w.UK.ID, pbx.Provider} {
			require.ErrorContains(t, err, "refused in "+tenant.String())
		}
		for _, c := range w.cursors("mail") {
			require.Zero(t, c.Seq)
			require.Zero(t, c.Holder, "all were given back")
		}
	})
}

func TestSYS3_APanickingHandlerLosesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var box inbox
		require.PanicsWithValue(t, "oops", func() {
			_, _ = w.Support.Deliver(w.Ctx, "mail", func(ctx context.Context, e *pbx.Event) error {
				if box.size() == 3 {
					panic("oops")
				}
				return box.take(ctx, e)
			})
		})
		require.Positive(t, w.deliver("mail", box.take), "the lease was given back")
		seen := map[string]bool{}
		for _, e := range box.events {
			require.False(t, seen[e.Key()], "the cursor was moved behind what was handled")
			seen[e.Key()] = true
		}
	})
}

func TestSYS3_APanicEndsWhatTheOtherTenantsHandlersDo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		begun := make(chan struct{})
		require.PanicsWithValue(t, "oops", func() {
			_, _ = w.Support.Deliver(w.Ctx, "mail", func(ctx context.Context, e *pbx.Event) error {
				switch e.TenantID {
				case w.US.ID:
					close(begun)
					<-ctx.Done()
					return ctx.Err()
				case w.UK.ID:
					<-begun
					panic("oops")
				}
				return nil
			})
		})
		for _, c := range w.cursors("mail") {
			require.Zero(t, c.Holder, "nothing of it goes on")
		}
	})
}

func TestSYS3_ACallThatLeavesTenantsBecauseItsTimeIsOverSaysSo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(w.Ctx)
		defer cancel()
		left := len(w.eventsOf(pbx.Provider)) // it comes first, by ID
		n, err := w.process(nil, pbx.WithDeliveries(1)).Deliver(ctx, "mail", func(context.Context, *pbx.Event) error {
			if left--; left == 0 {
				cancel()
			}
			return nil
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, len(w.eventsOf(pbx.Provider)), n)
	})
}

func TestSYS3_TheCursorSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pbx.db")
	open := func() store.Store {
		s, err := sqlite.Open(context.Background(), path, sqlite.WithSynchronous(sqlite.Off))
		require.NoError(t, err)
		return s
	}
	w := newWorld(t, open())
	w.User("Ann", "Lee", "7001")
	var box inbox
	stop := errors.New("the process ends here")
	_, err := w.Support.Deliver(w.Ctx, "mail", func(ctx context.Context, e *pbx.Event) error {
		if e.TenantID == w.US.ID && e.Seq == 3 {
			return stop
		}
		return box.take(ctx, e)
	})
	require.ErrorIs(t, err, stop)
	require.NoError(t, w.Store.Close())

	w.Store = open()
	t.Cleanup(func() { _ = w.Store.Close() })
	w.Support = pbx.New(w.Store).As(pbx.Support("agent"))
	w.Dir = w.Support.In(w.US.ID)
	w.deliver("mail", box.take)
	require.Equal(t, testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{})), box.of(w.US.ID))
	require.Zero(t, w.deliver("mail", box.take))
}

// A crash between the handler and the cursor: the last few come again, under
// the same keys, in order.
func TestSYS3_AfterACrashTheLastFewEventsComeAgain(t *testing.T) {
	store := &crashing{Store: memory.New()}
	store.left.Store(1 << 30)
	w := newWorld(t, store, pbx.WithIDs(new(testbed.Counted).Next)) // the American tenant comes before the British one
	for i := range 40 {
		w.Group(fmt.Sprint("G", i), "")
	}
	var box inbox
	store.left.Store(5) // the provider's lease, its cursor twice, then a lease and the cursor once
	_, err := w.process(nil, pbx.WithDeliveries(1)).Deliver(w.Ctx, "mail", box.take)
	require.ErrorIs(t, err, errCrash)
	store.left.Store(1 << 30)
	first := box.size()
	require.Equal(t, len(w.eventsOf(w.UK.ID)), w.deliver("mail", box.take), "the lease of the dead runs on")
	w.Clock = w.Clock.Add(time.Minute)
	w.deliver("mail", box.take)
	seen, repeats := map[string]bool{}, 0
	for _, e := range box.events {
		if seen[e.Key()] {
			repeats++
		}
		seen[e.Key()] = true
	}
	require.Positive(t, repeats)
	require.LessOrEqual(t, repeats, 16, "a small group in the tenant that it was at")
	require.Less(t, repeats, first)
	for _, dir := range []*pbx.Directory{w.Dir, w.British, w.Support} {
		for e, err := range dir.Journal(w.Ctx, pbx.JournalQuery{}) {
			require.NoError(t, err)
			require.True(t, seen[e.Key()])
		}
	}
}

var errCrash = errors.New("the machine is gone")

// crashing is a store that fails for good after so many writes.
type crashing struct {
	store.Store
	left atomic.Int64
}

func (s *crashing) Update(ctx context.Context, t [16]byte, fn func(store.Writer) error) error {
	if s.left.Add(-1) < 0 {
		return errCrash
	}
	return s.Store.Update(ctx, t, fn)
}

func TestSYS3_AHandlerMayChangeThingsAndItsEventsComeNextTime(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		rounds := 0
		echo := func(ctx context.Context, e *pbx.Event) error {
			if e.Type != "tenant.created" && e.Type != "group.created" || e.TenantID != w.US.ID {
				return nil
			}
			rounds++
			_, err := w.Dir.CreateGroup(ctx, pbx.NewGroup{Name: fmt.Sprint("Echo", rounds)})
			return err
		}
		w.deliver("echo", echo)
		require.Equal(t, 1, rounds, "a delivery comes to an end")
		require.Equal(t, 1, w.deliver("echo", echo))
		require.Equal(t, 2, rounds)
	})
}

func TestSYS3_WhatWasHandledIsKeptWhenTheCallersTimeIsOver(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(w.Ctx)
		defer cancel()
		var box inbox
		n, err := w.process(nil, pbx.WithDeliveries(1)).Deliver(ctx, "mail", func(ctx context.Context, e *pbx.Event) error {
			if box.size() == 2 {
				cancel()
			}
			return box.take(ctx, e)
		})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, "context canceled", err.Error(), "once")
		require.Equal(t, 3, n)
		require.Positive(t, w.deliver("mail", box.take), "the lease was given back")
		require.Equal(t, testbed.Collect(t, w.Support.Journal(w.Ctx, pbx.JournalQuery{})), box.of(pbx.Provider))
	})
}

func TestSYS3_DeliveryIsSupportsInTheProvidersTenant(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		deliver := func(ctx context.Context, dir *pbx.Directory, name string) func() error {
			return func() error { _, err := dir.Deliver(ctx, name, new(inbox).take); return err }
		}
		w.Refused(rule.ACC2, pbx.ErrDenied, deliver(w.Ctx, w.Dir, "mail"))
		w.Refused(rule.ACC2, pbx.ErrDenied, deliver(w.Ctx, w.Support.In(w.US.ID), "mail"))
		for _, name := range []string{"", "two words", "a/b", "123456789012345678901234567890123", "foreign.crm"} {
			w.Refused(rule.SYS3, pbx.ErrInvalid, deliver(w.Ctx, w.Support, name))
		}
		w.Refused(rule.SYS1, pbx.ErrMisuse, func() error {
			return w.Support.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				return deliver(ctx, dir, "mail")()
			})
		})
		_, err := w.Support.Deliver(w.Ctx, "mail", func(ctx context.Context, _ *pbx.Event) error {
			return deliver(ctx, w.Support, "mail")()
		})
		require.ErrorIs(t, err, pbx.ErrMisuse)
	})
}
