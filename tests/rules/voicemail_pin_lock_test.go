package rules_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// wrong tries a wrong PIN, which is refused and counted.
func (w *world) wrong(id pbx.ServiceID) {
	w.T.Helper()
	require.ErrorIs(w.T, w.Dir.CheckPIN(w.Ctx, id, "493818"), pbx.ErrDenied)
}

func TestVM5_WithoutAPINNobodyGetsIn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7001")
		w.mailbox(s.ID, pbx.NewMailbox{})
		for _, pin := range []pbx.PIN{"", "7001", rightPIN} {
			w.Refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, s.ID, pin) })
		}
		require.NoError(t, w.Dir.SetPIN(w.Ctx, s.ID, rightPIN))
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, s.ID, rightPIN))
	})
}

func TestVM5_WrongTriesLockTheMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		id := w.guarded()
		for range 4 {
			w.wrong(id)
		}
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN), "the right PIN begins the count anew")
		for range 5 {
			w.wrong(id)
		}
		m, err := w.Dir.Mailbox(w.Ctx, id)
		require.NoError(t, err)
		require.Equal(t, w.Clock.Add(15*time.Minute), m.LockedUntil)
		e := w.Refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, id, rightPIN) })
		require.Equal(t, "the mailbox is locked until 2026-03-02T09:15:00Z", e.Reason)
		w.Refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, id, "493818") })

		w.Clock = w.Clock.Add(15*time.Minute - time.Microsecond)
		w.Refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, id, rightPIN) })
		w.Clock = w.Clock.Add(time.Microsecond)
		w.wrong(id)
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN))
		m, err = w.Dir.Mailbox(w.Ctx, id)
		require.NoError(t, err)
		require.Zero(t, m.LockedUntil)
		require.Contains(t, w.mailboxEvents(), "mailbox.locked")
	})
}

func TestVM5_ALockOfAClockThatWasAheadIsNone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		id, right := w.guarded(), w.Clock
		lock := func(ahead time.Duration) {
			w.Clock = right.Add(ahead)
			for range 5 {
				w.wrong(id)
			}
			w.Clock = right
		}
		lock(365 * 24 * time.Hour)
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN))
		lock(365 * 24 * time.Hour)
		w.wrong(id)
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN))
		lock(24 * time.Hour) // clocks may be so far apart
		w.Refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, id, rightPIN) })
		w.ModifyPolicy(func(p *pbx.Policy) { p.PINLock = 15*time.Minute - time.Microsecond })
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN), "a lock is as long as the policy says now")
	})
}

func TestVM5_TwoClocksThatAreApartGiveNoMoreTries(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		id, right := w.guarded(), w.Clock
		ahead := right.Add(20 * time.Minute)
		w.Clock = ahead
		for range 5 {
			w.wrong(id)
		}
		for range 3 { // whoever goes from one machine to the other and back
			for _, w.Clock = range []time.Time{right, ahead} {
				w.Refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, id, rightPIN) })
			}
		}
		w.Clock = ahead.Add(15 * time.Minute)
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN))
	})
}

func TestVM5_ANewPINOpensALockedMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		id := w.guarded()
		for range 5 {
			w.wrong(id)
		}
		require.NoError(t, w.Dir.SetPIN(w.Ctx, id, "852963071"))
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, "852963071"))
		w.wrong(id)
	})
}

func TestVM5_TriesAtOnceAreCountedOneByOne(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		id := w.guarded()
		w.ModifyPolicy(func(p *pbx.Policy) { p.PINTries = 3 })
		var wrong, locked, other atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch err := w.Dir.CheckPIN(w.Ctx, id, "493818"); {
				case errors.Is(err, pbx.ErrDenied):
					wrong.Add(1)
				case errors.Is(err, pbx.ErrFailedPrecondition):
					locked.Add(1)
				default:
					other.Add(1)
				}
			})
		}
		wg.Wait()
		require.Equal(t, [3]int64{3, 5, 0}, [3]int64{wrong.Load(), locked.Load(), other.Load()})
		require.ErrorIs(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN), pbx.ErrFailedPrecondition)
	})
}

// meddling is a store in which something happens after each view.
type meddling struct {
	store.Store
	after func()
}

func (m *meddling) View(ctx context.Context, fn func(store.Reader) error) error {
	err := m.Store.View(ctx, fn)
	if after := m.after; after != nil {
		m.after = nil
		after()
	}
	return err
}

func TestVM5_APINSetWhileOneIsCheckedIsTheOneThatCounts(t *testing.T) {
	testbed.NotShort(t)
	for name, open := range testbed.StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			store := &meddling{Store: open(t)}
			w := newWorld(t, store)
			id := w.guarded()
			store.after = func() { require.NoError(t, w.Dir.SetPIN(w.Ctx, id, "852963071")) }
			require.ErrorIs(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN), pbx.ErrDenied)
			store.after = func() { require.NoError(t, w.Dir.SetPIN(w.Ctx, id, rightPIN)) }
			require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN))
			// Somebody else's wrong tries lock the mailbox before the right PIN gets there.
			store.after = func() {
				for range 5 {
					w.wrong(id)
				}
			}
			require.ErrorIs(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN), pbx.ErrFailedPrecondition)
		})
	}
}

func TestVM5_APINIsNotTriedInABatchOrAReview(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		id := w.guarded()
		for _, pin := range []pbx.PIN{"493818", rightPIN} {
			try := func(ctx context.Context, dir *pbx.Directory) error { return dir.CheckPIN(ctx, id, pin) }
			w.Refused(rule.SYS1, pbx.ErrMisuse, func() error { return w.Dir.Batch(w.Ctx, try) })
			w.Refused(rule.SYS1, pbx.ErrMisuse, func() error { _, err := w.Dir.Review(w.Ctx, try); return err })
		}
	})
}
