package pbx

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pbxkit/pbx/internal/commit"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// What a subscriber has unless options say otherwise.
const (
	defaultLease      = 30 * time.Second
	defaultDeliveries = 8
)

// lastWrite is how long a delivery tries to write how far it came, also after
// the caller's time is over.
const lastWrite = 10 * time.Second

// lease is a tenant's journal in the hands of one delivery. It stands in the
// cursor's row; the cursor moves only while the row names this holder. Writing
// it is no change of the tenant: its revision stays, and its journal.
type lease struct {
	core   *core
	tenant TenantID
	holder LeaseID
	cursor store.Key
	lost   *Error // what it is when somebody else has the journal

	mu    sync.Mutex
	until time.Time // by our clock, as it was written last
	gone  bool      // the row names another holder
}

// leased reports whether the journal is somebody else's.
func (c *Cursor) leased(holder LeaseID, now time.Time) bool {
	return !c.Holder.IsZero() && c.Holder != holder && c.LeasedUntil.After(now)
}

// reached reports whether the cursor is at an event, or behind it.
func (c *Cursor) reached(e *Event) bool {
	return c.Seq > e.Seq || c.Seq == e.Seq && c.Pos >= e.Pos
}

// lease leases a tenant's journal and reads what comes behind the cursor, in one
// update. There is no event, and no lease, where another delivery has the journal
// or has handled all of it.
func (r *delivery) lease(ctx context.Context, b *backlog) (l *lease, events []*Event, err error) {
	l = &lease{
		core: r.core, tenant: b.tenant, holder: r.holder, cursor: cursorsTable.Key().At(r.subscriber, b.tenant),
		lost: &Error{Code: rule.SYS3, Kind: ErrConflict, Subject: Ref{Kind: "tenant", ID: b.tenant.String()},
			Reason: "the lease of the journal ran out while its events were handled"},
	}
	err = r.core.commit(ctx, b.tenant, OperationID{}, func(w store.Writer) (int64, error) {
		was, found, err := r.position(ctx, w, b)
		if err != nil {
			return 0, err
		}
		row, now := &Cursor{Subscriber: r.subscriber, TenantID: b.tenant}, r.core.moment()
		change := store.Change{New: row}
		if was != nil {
			*row, change.Old = *was, was
		}
		if events = found; row.leased(r.holder, now) {
			events = nil
		}
		if len(events) == 0 {
			return 0, nil
		}
		row.Rev++
		row.Holder, row.LeasedUntil = r.holder, now.Add(r.core.lease)
		l.until = row.LeasedUntil
		return 0, w.Apply(ctx, []store.Change{change})
	})
	return l, events, err
}

// position reads the cursor's row, nil where there is none, and a page of the
// journal behind it: in one trip, unless another delivery has been here since the
// tenant was looked at.
func (r *delivery) position(ctx context.Context, w store.Writer, b *backlog) (at *Cursor, page []*Event, err error) {
	cursor := store.Read{Query: store.Query{Index: cursorsTable.Key(), Equal: []any{r.subscriber, b.tenant}}}
	found, err := store.Fetch(ctx, w, cursor, b.page())
	if err == nil && len(found[0]) > 0 {
		at = found[0][0].(*Cursor)
		if at.Seq != b.seq || at.Pos != b.pos {
			b.seq, b.pos = at.Seq, at.Pos
			found, err = store.Fetch(ctx, w, cursor, b.page())
		}
	}
	if err != nil {
		return nil, nil, err
	}
	for _, rec := range found[1] {
		page = append(page, rec.(*Event))
	}
	return at, page, nil
}

// keep renews the lease at a third of its time, as long as events are handled.
// The context ends when that fails, or has not been done when the lease runs out:
// a change of the tenant that takes long holds up whoever renews, and afterwards
// another delivery may be first. stop is the end of it.
func (l *lease) keep(ctx context.Context, guard func(func())) (held context.Context, stop func()) {
	held, end := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		guard(func() {
			third := time.NewTicker(l.core.lease / 3)
			defer third.Stop()
			for {
				select {
				case <-held.Done():
					return
				case <-third.C:
				}
				if l.renewInTime(held) != nil && !l.current() {
					end(l.lost)
					return
				}
			}
		})
	})
	return held, func() {
		end(nil)
		renewing.Wait()
	}
}

// sure renews a lease that has run out, which it can where nobody has taken the
// journal over: the process stood still, or the store was away.
func (l *lease) sure(ctx context.Context) error {
	if l.current() {
		return nil
	}
	return l.renew(ctx)
}

func (l *lease) current() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.gone && l.core.moment().Before(l.until)
}

// renewInTime is renew, for as long as the lease lasts; a process that stood
// still tries what it can.
func (l *lease) renewInTime(ctx context.Context) error {
	l.mu.Lock()
	left := l.until.Sub(l.core.moment())
	l.mu.Unlock()
	if left > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	return l.renew(ctx)
}

func (l *lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.core.lease)
	defer cancel()
	return l.write(ctx, nil, false)
}

// move writes that everything up to an event is handled, and renews the lease.
// It does so even when the caller's time is over.
func (l *lease) move(ctx context.Context, to *Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	return l.write(ctx, to, false)
}

// giveBack ends the lease, and moves the cursor where anything was handled.
func (l *lease) giveBack(ctx context.Context, to *Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	return l.write(ctx, to, true)
}

// write changes the cursor's row, while that is ours. Writing it twice is
// writing it once, so an outcome that is unknown is simply tried again; a lease
// that was given back then may be gone.
func (l *lease) write(ctx context.Context, to *Event, end bool) error {
	tried := false
	var until time.Time
	err := l.core.commit(ctx, l.tenant, OperationID{}, func(w store.Writer) (int64, error) {
		recs, err := w.Get(ctx, l.cursor)
		if err != nil {
			return 0, err
		}
		was, _ := recs[0].(*Cursor)
		if was == nil || was.Holder != l.holder {
			if tried && end && was != nil && (to == nil || was.reached(to)) {
				return 0, nil
			}
			return 0, commit.Final(l.lost)
		}
		tried = true
		row := *was
		row.Rev++
		if to != nil {
			row.Seq, row.Pos = to.Seq, to.Pos
		}
		row.Holder, row.LeasedUntil = LeaseID{}, time.Time{}
		if !end {
			until = l.core.moment().Add(l.core.lease)
			row.Holder, row.LeasedUntil = l.holder, until
		}
		return 0, w.Apply(ctx, []store.Change{{Old: was, New: &row}})
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case errors.Is(err, l.lost):
		l.gone = true
	case err == nil:
		l.until = until
	}
	return err
}
