package pbx

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pbxkit/pbx/internal/commit"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// The defaults of WithLease and WithDeliveries.
const (
	defaultLease      = 30 * time.Second
	defaultDeliveries = 8
)

// lastWrite is how long a delivery tries to write how far it came, also after
// the caller's time is over.
const lastWrite = 10 * time.Second

// lease is the right of one delivery to a tenant's journal. It is kept in the
// cursor's row; the cursor moves only while the row names this holder. Writing it is
// no change of the tenant: the tenant's revision and journal stay as they are.
type lease struct {
	core   *core
	tenant TenantID
	holder LeaseID
	cursor store.Key
	lost   *Error // the error if another delivery has taken the journal over

	mu    sync.Mutex
	until time.Time // when it runs out by our clock, as written last
	gone  bool      // the row names another holder
}

// believed is how many lease lengths ahead the end of a lease may be. One that is
// further ahead was taken by a clock that was wrong, and would keep others out until
// then.
const believed = 4

// leased reports whether another delivery has leased the journal. The length is that
// of this delivery's own leases.
func (c *Cursor) leased(holder LeaseID, now time.Time, length time.Duration) bool {
	if c.LeasedUntil.Sub(now)/believed > length {
		return false
	}
	return !c.Holder.IsZero() && c.Holder != holder && c.LeasedUntil.After(now)
}

// PassedOver is a tenant that a delivery passes over, and why: another delivery to the
// same subscriber has leased its journal.
type PassedOver struct {
	Subscriber  string
	Tenant      TenantID
	Holder      LeaseID   // of the other delivery
	LeasedUntil time.Time // when the lease runs out, unless it is renewed
}

// String returns the sentence.
func (p PassedOver) String() string {
	return fmt.Sprintf("the journal of tenant %s is leased to another delivery to %s, until %s", p.Tenant, p.Subscriber,
		p.LeasedUntil.Format(time.RFC3339))
}

func (c *core) logPassedOver(ctx context.Context, p PassedOver) {
	c.log.DebugContext(ctx, "pbx: a tenant was passed over", "subscriber", p.Subscriber, "tenant", p.Tenant, "why", p.String())
}

// reached reports whether the cursor is at an event, or after it.
func (c *Cursor) reached(e *Event) bool {
	return c.Seq > e.Seq || c.Seq == e.Seq && c.Pos >= e.Pos
}

// lease leases a tenant's journal and reads the events after the cursor, in one
// update. It returns no events, and takes no lease, if another delivery has leased
// the journal or has handled all of it.
func (r *delivery) lease(ctx context.Context, b *backlog) (l *lease, events []*Event, err error) {
	taken := &lease{
		core: r.core, tenant: b.tenant, holder: r.holder, cursor: cursorsTable.Key().At(r.subscriber, b.tenant),
		lost: &Error{Code: rule.SYS3, Kind: ErrConflict, Subject: Ref{Kind: "tenant", ID: b.tenant.String()},
			Reason: "the lease of the journal ran out while its events were handled"},
	}
	var others *Cursor // leased to another delivery
	err = r.core.commit(ctx, "Deliver", b.tenant, OperationID{}, func(wait *wait, w store.Writer) (int64, error) {
		was, found, err := r.position(wait.ctx, w, b)
		if err != nil {
			return 0, err
		}
		wait.over()
		row, now := &Cursor{Subscriber: r.subscriber, TenantID: b.tenant}, r.core.moment()
		change := store.Change{New: row}
		if was != nil {
			*row, change.Old = *was, was
		}
		events, others = found, nil
		if row.leased(r.holder, now, r.core.lease) {
			events, others = nil, row
		}
		if len(events) == 0 {
			return 0, nil
		}
		row.Rev++
		row.Holder, row.LeasedUntil = r.holder, now.Add(r.core.lease)
		taken.until = row.LeasedUntil
		return 0, w.Apply(ctx, []store.Change{change})
	})
	if err != nil {
		return nil, nil, err
	}
	if others != nil {
		r.passOver(ctx, others)
	}
	return taken, events, nil
}

// position reads the cursor, which is nil before the first lease, and the page of the
// journal after it. That is one trip, unless another delivery has moved the cursor
// since the scan.
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

// keep renews the lease each time a third of it has passed, until stop is called. The
// context that it returns ends if the lease runs out or is lost. Renewing may come
// too late because a long change of the tenant holds it up, and another delivery may
// take the journal over then.
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

// sure renews the lease if it has run out, because the process stalled or the store
// could not be reached. That fails if another delivery has taken the journal over.
func (l *lease) sure(ctx context.Context) error {
	if l.current() {
		return nil
	}
	return l.renew(ctx)
}

// current reports whether the lease runs, by our clock. If that was set back since, the
// lease is not as long as it seems.
func (l *lease) current() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.until.Sub(l.core.moment())
	return !l.gone && 0 < left && left <= l.core.lease
}

// renewInTime is renew with the end of the lease as its deadline; after the end of the
// lease it has that of renew.
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

// move moves the cursor to an event, and renews the lease. It does so even if the
// caller's context has ended.
func (l *lease) move(ctx context.Context, to *Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	return l.write(ctx, to, false)
}

// giveBack ends the lease, and moves the cursor to an event unless that is nil.
func (l *lease) giveBack(ctx context.Context, to *Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
	defer cancel()
	return l.write(ctx, to, true)
}

// write changes the cursor's row as long as it names this delivery as the holder.
// Writing it twice does no harm, so after an unknown outcome it is simply tried
// again; if the first try did give the lease back, another delivery may have it then.
func (l *lease) write(ctx context.Context, to *Event, end bool) error {
	tried := false
	var until time.Time
	err := l.core.commit(ctx, "Deliver", l.tenant, OperationID{}, func(wait *wait, w store.Writer) (int64, error) {
		recs, err := w.Get(wait.ctx, l.cursor)
		if err != nil {
			return 0, err
		}
		wait.over()
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
