package pbx

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// cursorEvery is how many events are handled before the cursor moves: after a
// crash so many, at most, are delivered again.
const cursorEvery = 16

// DeliveryError is an error of a subscriber's handler. It holds up the events
// of one tenant, from Event on.
type DeliveryError struct {
	Subscriber string
	Event      *Event
	Err        error
}

// Error says which event, by its key, and the handler's error.
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("subscriber %s at event %s (%s): %v", e.Subscriber, e.Event.Key(), e.Event.Type, e.Err)
}

// Unwrap returns the handler's error.
func (e *DeliveryError) Unwrap() error { return e.Err }

// Deliver hands every event that the named subscriber has not handled yet to
// handle, and returns how many it did (SYS-3). A new subscriber begins with the
// first event of every journal, the Provider's included; call it again, by a
// clock or after changes, for what came meanwhile. How far it is, is kept in the
// store, and survives a restart.
//
// The events of a tenant come in the order of its journal, each at least once:
// after a crash the last few come again, under the same Event.Key. Where handle
// returns an error, the tenant's later events wait, and next time that event
// comes again; the other tenants go on. handle may use a Directory. Two calls
// for one subscriber take turns within a process; several processes must not
// deliver to one subscriber at the same time.
//
// Errors: the handler's, each as a *DeliveryError, and the store's, joined;
// ErrInvalid for a name that is not 1 to 32 letters, digits, '.', '_' and '-';
// ErrMisuse inside a batch, a review or a handler;
// ErrDenied.
func (d *Directory) Deliver(ctx context.Context, subscriber string, handle func(ctx context.Context, e *Event) error) (int, error) {
	if _, err := d.enter(ctx, "Deliver"); err != nil {
		return 0, err
	}
	var look door
	look.code(SYS3, "Subscriber", subscriber)
	if err := look.err(); err != nil {
		return 0, err
	}
	mark := deliveringKey{d.core}
	if d.tx != nil || ctx.Value(mark) != nil {
		return 0, misuse("events are not delivered inside a batch, a review or a handler")
	}
	leave, err := d.core.delivering.take(ctx, subscriber)
	if err != nil {
		return 0, err
	}
	defer leave()
	run := &delivery{core: d.core, subscriber: subscriber, handle: handle}
	run.all(context.WithValue(ctx, mark, true))
	return run.handled, errors.Join(run.errs...)
}

type deliveringKey struct{ core *core }

// delivery is one run through the journals for one subscriber.
type delivery struct {
	core       *core
	subscriber string
	handle     func(context.Context, *Event) error
	handled    int
	errs       []error
}

// all walks the tenants in pages, by ID.
func (r *delivery) all(ctx context.Context) {
	var after []any
	for {
		var page []*Tenant
		err := r.core.store.View(ctx, func(rd Reader) (err error) {
			page, err = gather(rows[*Tenant](ctx, rd, Query{Index: tenantsTable.Key(), After: after, Limit: pageSize}))
			return err
		})
		if err != nil {
			r.errs = append(r.errs, err)
			return
		}
		for _, tenant := range page {
			if err := r.tenant(ctx, tenant); err != nil {
				r.errs = append(r.errs, err)
			}
			if ctx.Err() != nil {
				return
			}
		}
		if len(page) < pageSize {
			return
		}
		after = []any{page[len(page)-1].ID}
	}
}

// tenant delivers what one journal has up to the revision that the tenant was
// read with: what the handler itself adds is for the next time.
func (r *delivery) tenant(ctx context.Context, tenant *Tenant) error {
	var last *Event
	for {
		events, err := r.next(ctx, tenant, last)
		if err != nil {
			return err
		}
		for group := range slices.Chunk(events, cursorEvery) {
			if err := r.group(ctx, group); err != nil {
				return err
			}
		}
		if len(events) < pageSize {
			return nil
		}
		last = events[len(events)-1]
	}
}

// next reads a page of a tenant's journal: what follows the last event handled,
// by the cursor at first.
func (r *delivery) next(ctx context.Context, tenant *Tenant, last *Event) (page []*Event, err error) {
	err = r.core.store.View(ctx, func(rd Reader) error {
		q := Query{Index: eventsTable.Key(), Equal: []any{tenant.ID}, To: tenant.Rev + 1, Limit: pageSize}
		if last != nil {
			q.After = []any{last.Seq, last.Pos}
		} else if recs, err := rd.Get(ctx, r.cursor(tenant.ID)); err != nil {
			return err
		} else if recs[0] != nil {
			at := recs[0].(*Cursor)
			q.After = []any{at.Seq, at.Pos}
		}
		page, err = gather(rows[*Event](ctx, rd, q))
		return err
	})
	return page, err
}

func (r *delivery) cursor(tenant TenantID) Key {
	return Key{cursorsTable.Key(), []any{r.subscriber, tenant}}
}

// group hands a few events over, and moves the cursor behind the last one that
// was handled, also when the handler gives up or panics.
func (r *delivery) group(ctx context.Context, events []*Event) (err error) {
	var done *Event
	defer func() {
		if done != nil {
			err = errors.Join(err, r.move(ctx, done))
		}
	}()
	for _, e := range events {
		if err := ctx.Err(); err != nil {
			return err
		}
		given := copyOf(e)
		if err := r.handle(ctx, given); err != nil {
			return &DeliveryError{Subscriber: r.subscriber, Event: given, Err: err}
		}
		done = e
		r.handled++
	}
	return nil
}

// move writes the cursor, forwards only. What was handled is kept even when the
// caller's time is over. A cursor is no change of the tenant: its revision
// stays, and its journal. Writing it twice is writing it once, so an outcome
// that is unknown is simply tried again.
func (r *delivery) move(ctx context.Context, to *Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTime)
	defer cancel()
	return r.core.attempts(ctx, to.TenantID, func(w Writer) (int64, error) {
		recs, err := w.Get(ctx, r.cursor(to.TenantID))
		if err != nil {
			return 0, err
		}
		row := &Cursor{Subscriber: r.subscriber, TenantID: to.TenantID, Rev: 1, Seq: to.Seq, Pos: to.Pos}
		if recs[0] == nil {
			return 0, w.Apply(ctx, []Change{{New: row}})
		}
		was := recs[0].(*Cursor)
		if was.Seq > to.Seq || was.Seq == to.Seq && was.Pos >= to.Pos {
			return 0, nil
		}
		row.Rev = was.Rev + 1
		return 0, w.Apply(ctx, []Change{{Old: was, New: row}})
	}, OperationID{})
}

// rows yields a range's records of type R.
func rows[R Record](ctx context.Context, r Reader, q Query) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		for rec, err := range r.Find(ctx, q) {
			if err != nil {
				yield(none, err)
				return
			}
			if !yield(rec.(R), nil) {
				return
			}
		}
	}
}

// turns lets one at a time pass under each name.
type turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the one inside leaves
}

// take waits until nobody is inside under the name, or the context ends.
func (t *turns) take(ctx context.Context, name string) (leave func(), err error) {
	for {
		t.mu.Lock()
		before := t.taken[name]
		if before == nil {
			mine := make(chan struct{})
			if t.taken == nil {
				t.taken = make(map[string]chan struct{})
			}
			t.taken[name] = mine
			t.mu.Unlock()
			return func() { t.leave(name, mine) }, nil
		}
		t.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *turns) leave(name string, mine chan struct{}) {
	t.mu.Lock()
	delete(t.taken, name)
	t.mu.Unlock()
	close(mine)
}
