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

// cursorEvery is how many events are handled before the cursor moves: after a
// crash so many, at most, are delivered again.
const cursorEvery = 16

// delivery is one run through the journals for one subscriber. Its own goroutine
// looks for tenants with something new, up to so many others deliver. A tenant
// gets a page of its journal a turn, and waits behind the others for the next.
type delivery struct {
	core       *core
	subscriber string
	holder     LeaseID
	handle     func(context.Context, *Event) error

	stop    context.CancelFunc
	workers sync.WaitGroup

	mu      sync.Mutex
	waiting []*backlog // first come, first served
	working int        // workers
	handled int
	errs    []error
	cut     bool // something was left because the caller's time is over
	fallen  *caughtPanic
}

// backlog is what a tenant's journal has that the subscriber has not handled.
// What the handler itself adds behind upTo is for the next time.
type backlog struct {
	tenant   TenantID
	seq, pos int64 // of the last event handled
	upTo     int64 // the tenant's revision when it was looked at
}

// page is the next of it.
func (b *backlog) page() store.Read {
	return store.Read{Query: store.Query{
		Index: eventsTable.Key(), Equal: []any{b.tenant}, After: []any{b.seq, b.pos}, To: b.upTo + 1, Limit: pageSize,
	}}
}

// caughtPanic is how a part of the delivery went down: by a panic, or, where the value
// is nil, by the end of its goroutine.
type caughtPanic struct{ value any }

// run delivers, and returns when nothing of it goes on.
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

// guard runs a part of the delivery. Where that panics or ends its goroutine,
// as a failed test does, the rest comes to an end, and Deliver does the same.
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

// scan walks the tenants in pages, by ID, for those with something new.
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

// pages yields, for each page of tenants, those that have something new and are
// not somebody else's now. Two trips answer it for all of them: the tenants with
// their cursors, and whether a cursor at the last revision is at its last event.
func (r *delivery) pages(ctx context.Context) iter.Seq2[[]*backlog, error] {
	return func(yield func([]*backlog, error) bool) {
		for after, last := []any(nil), false; !last; {
			var found []*backlog
			err := r.core.view(ctx, func(rd store.Reader) error {
				page, err := store.Fetch(ctx, rd,
					store.Read{Query: store.Query{Index: tenantsTable.Key(), After: after, Limit: pageSize}},
					// No more of them than tenants, and as far as those go.
					store.Read{Query: store.Query{Index: cursorsTable.Key(), Equal: []any{r.subscriber}, After: after, Limit: pageSize}})
				if err != nil {
					return err
				}
				if last = len(page[0]) < pageSize; !last {
					after = []any{page[0][pageSize-1].(*Tenant).ID}
				}
				found, err = r.unread(ctx, rd, page[0], page[1])
				return err
			})
			if !yield(found, err) || err != nil {
				return
			}
		}
	}
}

// unread returns what of the tenants' journals is not handled.
func (r *delivery) unread(ctx context.Context, rd store.Reader, tenants, cursors []store.Record) (found []*backlog, err error) {
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
			if c.leased(r.holder, now) {
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
		return found, nil
	}
	events, err := rd.Get(ctx, next...)
	for i, e := range events {
		if e != nil {
			found = append(found, maybe[i])
		}
	}
	return found, err
}

// work delivers to the tenants that wait, until none does.
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

// next returns the first tenant that waits; nil is the end of a worker.
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
	var done *Event // handled, and the cursor is not there yet
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

// brokenOff says why a turn ends early: the lease is lost, or time is over.
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
