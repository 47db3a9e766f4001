package rules_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/memory"
)

// clock is one that a test sets while others read it.
type clock struct{ at atomic.Int64 }

func (w *world) hands() *clock {
	c := new(clock)
	c.at.Store(w.Clock.UnixMicro())
	return c
}

func (c *clock) now() time.Time { return time.UnixMicro(c.at.Load()).UTC() }

func (c *clock) pass(d time.Duration) { c.at.Add(d.Microseconds()) }

// process is a Directory such as another process on the same store would have,
// with a clock of its own or, nil, the world's.
func (w *world) process(c *clock, opts ...pbx.Option) *pbx.Directory {
	now := func() time.Time { return w.Clock }
	if c != nil {
		now = c.now
	}
	return pbx.New(w.Store, append([]pbx.Option{pbx.WithClock(now)}, opts...)...).As(pbx.Support("agent"))
}

// cursors are a subscriber's.
func (w *world) cursors(subscriber string) map[pbx.TenantID]*pbx.Cursor {
	w.T.Helper()
	found := map[pbx.TenantID]*pbx.Cursor{}
	require.NoError(w.T, w.Store.View(w.Ctx, func(r store.Reader) error {
		for rec, err := range r.Find(w.Ctx, store.Query{Index: new(pbx.Cursor).Table().Key(), Equal: []any{subscriber}}) {
			if err != nil {
				return err
			}
			found[rec.(*pbx.Cursor).TenantID] = rec.(*pbx.Cursor)
		}
		return nil
	}))
	return found
}

// eventsOf is a tenant's journal.
func (w *world) eventsOf(tenant pbx.TenantID) []*pbx.Event {
	w.T.Helper()
	return testbed.Collect(w.T, w.Support.In(tenant).Journal(w.Ctx, pbx.JournalQuery{}))
}

// busy is a handler that stops at one event until it is released.
type busy struct {
	inbox
	tenant  pbx.TenantID
	seq     int64
	arrived chan struct{}
	letGo   chan struct{}
	once    sync.Once
}

func busyAt(tenant pbx.TenantID, seq int64) *busy {
	return &busy{tenant: tenant, seq: seq, arrived: make(chan struct{}), letGo: make(chan struct{})}
}

func (b *busy) take(ctx context.Context, e *pbx.Event) error {
	if e.TenantID == b.tenant && e.Seq == b.seq {
		b.once.Do(func() {
			close(b.arrived)
			<-b.letGo
		})
	}
	return b.inbox.take(ctx, e)
}

// outcome is the result of a Deliver that runs in the background.
type outcome struct {
	n   int
	err error
}

func background(ctx context.Context, dir *pbx.Directory, subscriber string, handle func(context.Context, *pbx.Event) error) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		n, err := dir.Deliver(ctx, subscriber, handle)
		done <- outcome{n, err}
	}()
	return done
}

func TestSYS3_ATenantLeasedToAnotherDeliveryIsPassedOver(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		slow := busyAt(w.US.ID, 2)
		var mu sync.Mutex
		var told []pbx.PassedOver // of the tenant; the others may be at work too
		tell := pbx.WithPassedOver(func(_ context.Context, p pbx.PassedOver) {
			mu.Lock()
			defer mu.Unlock()
			if p.Tenant == w.US.ID {
				told = append(told, p)
			}
		})
		one, two := w.process(nil), w.process(nil, tell)
		done := background(w.Ctx, one, "mail", slow.take)
		<-slow.arrived

		leased := w.cursors("mail")[w.US.ID]
		require.NotZero(t, leased.Holder)
		require.Equal(t, w.Clock.Add(30*time.Second), leased.LeasedUntil)
		require.Zero(t, leased.Seq, "nothing was written behind the first event yet")
		report, err := w.Support.Check(w.Ctx)
		require.NoError(t, err)
		require.Empty(t, report.Violations, "a cursor before the first event is right")

		var quick inbox
		for _, dir := range []*pbx.Directory{one, two} {
			_, err := dir.Deliver(w.Ctx, "mail", quick.take)
			require.NoError(t, err)
		}
		require.Empty(t, quick.of(w.US.ID))
		require.Equal(t, []pbx.PassedOver{
			{Subscriber: "mail", Tenant: w.US.ID, Holder: leased.Holder, LeasedUntil: leased.LeasedUntil},
		}, told, "and who asks is told")
		require.Contains(t, told[0].String(), "is leased to another delivery to mail, until 2026-03-02T09:00:30Z")
		_, err = two.Deliver(w.Ctx, "other", quick.take)
		require.NoError(t, err)
		require.Equal(t, w.eventsOf(w.US.ID), quick.of(w.US.ID), "another subscriber is not concerned")

		close(slow.letGo)
		out := <-done
		require.NoError(t, out.err)
		require.Len(t, slow.events, out.n)
		require.Equal(t, w.eventsOf(w.US.ID), slow.of(w.US.ID))
		for _, c := range w.cursors("mail") {
			require.Zero(t, c.Holder)
			require.Zero(t, c.LeasedUntil)
		}
		require.Zero(t, w.deliver("mail", quick.take))
	})
}

func TestSYS3_AJournalIsTakenOverWhereItStoppedWhenItsLeaseHasRunOut(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for i := range 40 {
			w.Group(fmt.Sprint("G", i), "")
		}
		hands := w.hands()
		late, heir := busyAt(w.US.ID, 20), busyAt(w.US.ID, 30)
		lateDone := background(w.Ctx, w.process(hands), "mail", late.take)
		<-late.arrived
		hands.pass(30*time.Second - time.Microsecond)
		_, err := w.process(hands).Deliver(w.Ctx, "mail", heir.take)
		require.NoError(t, err)
		require.Empty(t, heir.of(w.US.ID), "not before")
		hands.pass(time.Microsecond)
		heirDone := background(w.Ctx, w.process(hands), "mail", heir.take)
		<-heir.arrived

		before := w.cursors("mail")[w.US.ID]
		close(late.letGo)
		out := <-lateDone
		require.ErrorIs(t, out.err, pbx.ErrConflict)
		require.Equal(t, rule.SYS3, pbx.CodeOf(out.err))
		events := w.eventsOf(w.US.ID)
		require.Equal(t, events[:20], late.of(w.US.ID), "nothing more is handed over")
		require.Equal(t, before, w.cursors("mail")[w.US.ID], "who is late moves nothing")

		close(heir.letGo)
		out = <-heirDone
		require.NoError(t, out.err)
		require.Equal(t, events[16:], heir.of(w.US.ID), "from where the cursor was")
		require.Zero(t, w.deliver("mail", new(inbox).take))
	})
}

func TestSYS3_ALeaseOfAClockThatWasAheadHasLapsed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ahead := w.hands()
		ahead.pass(365 * 24 * time.Hour)
		late := busyAt(w.US.ID, 2)
		lateDone := background(w.Ctx, w.process(ahead), "mail", late.take)
		<-late.arrived
		ahead.pass(-365 * 24 * time.Hour) // somebody set it right

		var heir inbox
		until := w.cursors("mail")[w.US.ID].LeasedUntil
		near := w.hands()
		near.at.Store(until.Add(-4 * 30 * time.Second).UnixMicro())
		_, err := w.process(near).Deliver(w.Ctx, "mail", heir.take)
		require.NoError(t, err)
		require.Empty(t, heir.of(w.US.ID), "four lease lengths are believed")
		_, err = w.process(nil).Deliver(w.Ctx, "mail", heir.take)
		require.NoError(t, err)
		require.Equal(t, w.eventsOf(w.US.ID), heir.of(w.US.ID), "a year is not")
		require.Zero(t, w.cursors("mail")[w.US.ID].LeasedUntil)
		close(late.letGo)
		out := <-lateDone
		require.ErrorIs(t, out.err, pbx.ErrConflict)
	})
}

func TestSYS3_ALeaseIsRenewedWhileTheHandlerWorks(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		const lease = 60 * time.Millisecond // of the test's clock, which stands still while the other one runs
		hands := w.hands()
		slow := busyAt(w.US.ID, 3)
		done := background(w.Ctx, w.process(hands, pbx.WithLease(lease)), "mail", slow.take)
		<-slow.arrived
		for range 3 {
			hands.pass(lease / 2)
			require.Eventually(t, func() bool {
				return w.cursors("mail")[w.US.ID].LeasedUntil.Equal(hands.now().Add(lease))
			}, time.Minute, time.Millisecond)
		}
		var other inbox
		_, err := w.process(hands).Deliver(w.Ctx, "mail", other.take)
		require.NoError(t, err)
		require.Empty(t, other.of(w.US.ID))
		close(slow.letGo)
		require.NoError(t, (<-done).err)
		require.Equal(t, w.eventsOf(w.US.ID), slow.of(w.US.ID))
	})
}

// A lease that ran out while nobody else wanted the journal goes on.
func TestSYS3_ALeaseThatRanOutUnnoticedIsTakenUpAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		hands := w.hands()
		var box inbox
		_, err := w.process(hands).Deliver(w.Ctx, "mail", func(ctx context.Context, e *pbx.Event) error {
			if e.TenantID == w.US.ID {
				require.True(t, w.cursors("mail")[w.US.ID].LeasedUntil.After(hands.now()))
				hands.pass(time.Minute)
			}
			return box.take(ctx, e)
		})
		require.NoError(t, err)
		require.Equal(t, w.eventsOf(w.US.ID), box.of(w.US.ID))
	})
}

func TestSYS3_ALostLeaseEndsTheHandlersContext(t *testing.T) {
	const lease = 30 * time.Millisecond
	for how, lose := range map[string]func(w *world, store *faulty.Store, hands *clock){
		"another took it": func(w *world, _ *faulty.Store, hands *clock) {
			for err := store.ErrRetry; errors.Is(err, store.ErrRetry); { // it is being renewed
				was := w.cursors("mail")[w.US.ID]
				now := *was
				now.Rev, now.Holder, now.LeasedUntil = now.Rev+1, pbx.LeaseID{15: 9}, hands.now()
				err = w.Store.Update(w.Ctx, w.US.ID, func(tx store.Writer) error {
					return tx.Apply(w.Ctx, []store.Change{{Old: was, New: &now}})
				})
			}
			require.Equal(w.T, pbx.LeaseID{15: 9}, w.cursors("mail")[w.US.ID].Holder)
		},
		"the store is away": func(w *world, store *faulty.Store, hands *clock) {
			store.Arm(faulty.Plan{At: 1, Fault: faulty.ErrorBefore, On: true})
			hands.pass(lease)
		},
	} {
		t.Run(how, func(t *testing.T) {
			shaky(t, func(t *testing.T, w *world, store *faulty.Store) {
				hands := w.hands()
				arrived, again := make(chan struct{}), make(chan error, 1)
				done := background(w.Ctx, w.process(hands, pbx.WithLease(lease)), "mail", func(ctx context.Context, e *pbx.Event) error {
					if e.TenantID != w.US.ID {
						return nil
					}
					if e.Seq > 1 {
						again <- errors.New("an event came after that")
						return nil
					}
					close(arrived)
					<-ctx.Done()
					again <- context.Cause(ctx)
					return nil
				})
				<-arrived
				for len(w.cursors("mail")) < 3 || slices.ContainsFunc([]pbx.TenantID{w.UK.ID, pbx.Provider}, func(id pbx.TenantID) bool {
					return !w.cursors("mail")[id].Holder.IsZero()
				}) {
					runtime.Gosched() // the others are done
				}
				lose(w, store, hands)
				require.ErrorIs(t, <-again, pbx.ErrConflict)
				require.ErrorIs(t, (<-done).err, pbx.ErrConflict)
				store.Arm(faulty.Plan{})
				hands.pass(time.Minute)
				var box inbox
				_, err := w.process(hands).Deliver(w.Ctx, "mail", box.take)
				require.NoError(t, err)
				require.Equal(t, w.eventsOf(w.US.ID), box.of(w.US.ID))
			})
		})
	}
}

// counting is a store that counts its updates.
type counting struct {
	store.Store
	updates atomic.Int64
}

func (s *counting) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	s.updates.Add(1)
	return s.Store.Update(ctx, tenant, fn)
}

// A delivery that waits for the tenant's lock to renew its lease has no lease
// when it runs out: another delivery may get the lock first.
func TestSYS3_ALeaseThatRunsOutBehindALockEndsTheHandlersContext(t *testing.T) {
	const lease, left = 3 * time.Second, 20 * time.Millisecond
	w := newWorld(t, memory.New())
	hands, db := w.hands(), &counting{Store: w.Store}
	dir := pbx.New(db, pbx.WithClock(hands.now), pbx.WithLease(lease), pbx.WithDeliveries(1)).As(pbx.Support("agent"))
	arrived, ended := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(w.Ctx)
	defer cancel()
	done := background(ctx, dir, "mail", func(ctx context.Context, e *pbx.Event) error {
		if e.TenantID == w.US.ID && e.Seq == 1 {
			close(arrived)
			<-ctx.Done()
			ended <- context.Cause(ctx)
		}
		return nil
	})
	<-arrived
	hands.pass(lease - left)
	require.NoError(t, w.Store.Update(w.Ctx, w.US.ID, func(tx store.Writer) error {
		_, err := tx.Get(w.Ctx, store.Key{Index: new(pbx.Tenant).Table().Key(), Values: []any{w.US.ID}})
		require.NoError(t, err)
		for before := db.updates.Load(); db.updates.Load() == before; { // it is to be renewed
			time.Sleep(time.Millisecond)
		}
		hands.pass(left)
		select {
		case err := <-ended:
			require.ErrorIs(t, err, pbx.ErrConflict)
		case <-time.After(lease * 2 / 3):
			t.Error("the handler goes on without a lease")
			cancel()
		}
		return nil
	}))
	require.ErrorIs(t, (<-done).err, pbx.ErrConflict)
}

// A test that fails within a handler ends its goroutine, and the delivery's.
func TestSYS3_AHandlerThatEndsItsGoroutineEndsTheDelivery(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var box inbox
		returned, ended := false, make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = w.Support.Deliver(w.Ctx, "mail", func(ctx context.Context, e *pbx.Event) error {
				if e.TenantID == w.US.ID && e.Seq == 2 {
					runtime.Goexit()
				}
				return box.take(ctx, e)
			})
			returned = true
		}()
		<-ended
		require.False(t, returned)
		w.deliver("mail", box.take)
		require.Equal(t, w.eventsOf(w.US.ID), box.of(w.US.ID))
	})
}
