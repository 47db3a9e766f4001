package pbx

import (
	"context"
	"errors"
	"fmt"

	"github.com/pbxkit/pbx/rule"
)

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
// handle, and returns how many this call did (SYS-3). A new subscriber begins
// with the first event of every journal, the Provider's included; call it again,
// by a clock or after changes, for what came meanwhile. How far it is, is kept in
// the store, and survives a restart.
//
// The events of a tenant come in the order of its journal, each at least once:
// after a crash the last few come again, under the same Event.Key. Where handle
// returns an error, the tenant's later events wait, and next time that event
// comes again; the other tenants go on.
//
// Tenants are delivered side by side, as many as WithDeliveries says, so handle
// is called by several goroutines at once, though never for two events of one
// tenant; they take turns of a page, so a long journal does not hold up a short
// one. A tenant whose handler is slow takes up one of those places until it
// returns, and Deliver returns when all have: a handler that may hang for ever
// sets itself a limit, with context.WithTimeout. handle may use a Directory. Its
// context ends with the tenant's turn.
//
// Any number of calls, in one process or in several, may deliver to one
// subscriber at once, and share the work: a tenant's journal is leased to one of
// them (WithLease), and the others pass it over without waiting. So a call that
// returns 0 says that there is nothing for it to do, not that all has been
// handled. The journal of a process that was killed is taken over, where it
// stopped, when its lease has run out. An event comes to two at the same time
// only where a process stands still in the middle of it, or the clocks of two
// machines differ, by more than the lease allows.
//
// Errors: the handler's, each as a *DeliveryError, and the store's, joined;
// ErrConflict for each tenant whose lease was lost while its events were handled;
// ErrInvalid for a name that is not 1 to 32 letters, digits, '.', '_' and '-';
// ErrMisuse inside a batch, a review or a handler; ErrDenied. A panic of handle
// goes on in the caller's goroutine, when the other tenants' handlers have
// returned.
func (d *Directory) Deliver(ctx context.Context, subscriber string, handle func(ctx context.Context, e *Event) error) (int, error) {
	if _, err := d.enter(ctx, "Deliver"); err != nil {
		return 0, err
	}
	var check validation
	check.code(rule.SYS3, "Subscriber", subscriber)
	if err := check.err(); err != nil {
		return 0, err
	}
	mark := deliveringKey{d.core}
	if d.tx != nil || ctx.Value(mark) != nil {
		return 0, misuse("events are not delivered inside a batch, a review or a handler")
	}
	r := &delivery{core: d.core, subscriber: subscriber, holder: d.core.newID(), handle: handle}
	r.run(context.WithValue(ctx, mark, true))
	return r.handled, errors.Join(r.errs...)
}

type deliveringKey struct{ core *core }
