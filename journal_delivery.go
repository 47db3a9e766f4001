package pbx

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/pbxkit/pbx/store"
)

// cursorEvery is after how many events the cursor moves. At most so many are
// delivered again after a crash.
const cursorEvery = 16

// delivery is one run through the journals for one subscriber. One goroutine looks
// for tenants with new events, and workers deliver them. A turn of a tenant is a page
// of its journal; for the next page it queues up again.
type delivery struct {
	core       *core
	subscriber string
	holder     LeaseID
	handle     func(context.Context, *Event) error

	stop    context.CancelFunc
	workers sync.WaitGroup

	mu      sync.Mutex
	waiting []*backlog // first come, first served
	working int        // how many workers there are
	handled int
	errs    []error
	cut     bool // events were left because the caller's context ended
	fallen  *caughtPanic
}

// backlog is the part of a tenant's journal that the subscriber has not handled.
// Events after upTo, such as those that the handler itself causes, are left for the
// next call.
type backlog struct {
	tenant   TenantID
	seq, pos int64 // of the last event handled
	upTo     int64 // the tenant's revision when it was read
}

// page is the read of its next page.
func (b *backlog) page() store.Read {
	return store.Read{Query: store.Query{
		Index: eventsTable.Key(), Equal: []any{b.tenant}, After: []any{b.seq, b.pos}, To: b.upTo + 1, Limit: pageSize,
	}}
}

// caughtPanic is how a part of the delivery failed: by a panic, or, if the value is
// nil, by runtime.Goexit.
type caughtPanic struct{ value any }

// run delivers, and returns when all workers have ended.
func (r *delivery) run(caller context.Context) {
	ctx, stop := context.WithCancel(caller)
	defer stop()
	r.stop = stop
	func() {
		defer r.workers.Wait()
		r.guard(func() { r.scan(ctx) })
	}()
	switch {
	case r.fallen != nil && r.fallen.value == nil:
		runtime.Goexit()
	case r.fallen != nil:
		panic(r.fallen.value)
	case r.cut && !errors.Is(errors.Join(r.errs...), caller.Err()):
		r.errs = append(r.errs, caller.Err())
	}
}

// guard runs a part of the delivery. If that panics or calls runtime.Goexit, as a
// failed test does, the other parts are stopped, and then Deliver does the same.
func (r *delivery) guard(part func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover()
		r.core.log.Error("a delivery fell", "stack", string(debug.Stack()))
		r.stop()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.fallen == nil {
			r.fallen = &caughtPanic{value}
		}
	}()
	part()
	returned = true
}

// scan looks for tenants with new events, page by page, and starts workers.
func (r *delivery) scan(ctx context.Context) {
	for page, err := range r.pages(ctx) {
		if err != nil {
			r.failed(err)
			return
		}
		r.mu.Lock()
		r.waiting = append(r.waiting, page...)
		more := min(len(page), r.core.deliveries-r.working)
		for range more {
			r.working++
			r.workers.Go(func() { r.guard(func() { r.work(ctx) }) })
		}
		r.mu.Unlock()
	}
}

// pages yields, for each page of tenants, those that have new events and are not
// leased to another delivery. A page takes two trips to the store: one for the
// tenants and their cursors, and one to see whether a cursor at the last revision is
// at its last event.
func (r *delivery) pages(ctx context.Context) iter.Seq2[[]*backlog, error] {
	return func(yield func([]*backlog, error) bool) {
		for after, last := []any(nil), false; !last; {
			var found []*backlog
			var leased []*Cursor
			err := r.core.view(ctx, func(rd store.Reader) error {
				page, err := store.Fetch(ctx, rd,
					store.Read{Query: store.Query{Index: tenantsTable.Key(), After: after, Limit: pageSize}},
					// There are no more cursors than tenants, so a page of them is enough.
					store.Read{Query: store.Query{Index: cursorsTable.Key(), Equal: []any{r.subscriber}, After: after, Limit: pageSize}})
				if err != nil {
					return err
				}
				if last = len(page[0]) < pageSize; !last {
					after = []any{page[0][pageSize-1].(*Tenant).ID}
				}
				found, leased, err = r.unread(ctx, rd, page[0], page[1])
				return err
			})
			for _, c := range leased {
				r.passOver(ctx, c)
			}
			if !yield(found, err) || err != nil {
				return
			}
		}
	}
}

// passOver tells of a tenant whose journal another delivery has leased.
func (r *delivery) passOver(ctx context.Context, c *Cursor) {
	r.core.passedOver(ctx, PassedOver{Subscriber: r.subscriber, Tenant: c.TenantID, Holder: c.Holder, LeasedUntil: c.LeasedUntil})
}

// unread returns the tenants whose journals have events that are not handled, and the
// cursors of those that are leased to other deliveries.
func (r *delivery) unread(ctx context.Context, rd store.Reader, tenants, cursors []store.Record) (found []*backlog, leased []*Cursor, err error) {
	at := make(map[TenantID]*Cursor, len(cursors))
	for _, rec := range cursors {
		at[rec.(*Cursor).TenantID] = rec.(*Cursor)
	}
	var maybe []*backlog
	var next []store.Key
	now := r.core.moment()
	for _, rec := range tenants {
		tenant := rec.(*Tenant)
		b := &backlog{tenant: tenant.ID, upTo: tenant.Rev}
		if c := at[tenant.ID]; c != nil {
			if c.leased(r.holder, now, r.core.lease) {
				leased = append(leased, c)
				continue
			}
			b.seq, b.pos = c.Seq, c.Pos
		}
		if b.seq < b.upTo {
			found = append(found, b)
			continue
		}
		maybe = append(maybe, b)
		next = append(next, eventsTable.Key().At(b.tenant, b.seq, b.pos+1))
	}
	if len(next) == 0 {
		return found, leased, nil
	}
	events, err := rd.Get(ctx, next...)
	if err != nil {
		return nil, nil, err
	}
	for i, e := range events {
		if e != nil {
			found = append(found, maybe[i])
		}
	}
	return found, leased, nil
}

// work delivers the journals of the waiting tenants until none is left.
func (r *delivery) work(ctx context.Context) {
	for b := r.next(ctx); b != nil; b = r.next(ctx) {
		more, err := r.turn(ctx, b)
		if err != nil {
			r.failed(err)
		}
		if more {
			r.mu.Lock()
			r.waiting = append(r.waiting, b)
			r.mu.Unlock()
		}
	}
}

// next returns the first waiting tenant, or nil if the worker should end.
func (r *delivery) next(ctx context.Context) *backlog {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 || ctx.Err() != nil {
		r.cut = r.cut || len(r.waiting) > 0
		r.working--
		return nil
	}
	b := r.waiting[0]
	r.waiting = r.waiting[1:]
	return b
}

// turn delivers a page of a tenant's journal under a lease, and reports whether
// there may be more of it.
func (r *delivery) turn(ctx context.Context, b *backlog) (more bool, err error) {
	l, events, err := r.lease(ctx, b)
	if err != nil || len(events) == 0 {
		return false, err
	}
	var done *Event // the last one handled, if the cursor is not there yet
	defer func() {
		if back := l.giveBack(ctx, done); back != nil && !errors.Is(err, back) {
			err = errors.Join(err, back)
		}
		more = more && err == nil
	}()
	held, stop := l.keep(ctx, r.guard)
	defer stop()
	for i, e := range events {
		if held.Err() != nil {
			return false, r.brokenOff(held, l)
		}
		if err := l.sure(held); err != nil {
			return false, err
		}
		given := copyOf(e)
		if err := r.handle(held, given); err != nil {
			return false, &DeliveryError{Subscriber: r.subscriber, Event: given, Err: err}
		}
		done = e
		r.count()
		if (i+1)%cursorEvery == 0 && i+1 < len(events) {
			if err := l.move(ctx, done); err != nil {
				return false, err
			}
			done = nil
		}
	}
	b.seq, b.pos = done.Seq, done.Pos
	return len(events) == pageSize, nil
}

// brokenOff returns why a turn ends early: the lease was lost, or nil if the caller's
// context ended, which run reports once for all tenants.
func (r *delivery) brokenOff(held context.Context, l *lease) error {
	if context.Cause(held) == error(l.lost) {
		return l.lost
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	return nil
}

func (r *delivery) count() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handled++
}

func (r *delivery) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}
