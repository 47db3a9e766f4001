package pbx

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/pbxkit/pbx/internal/chain"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Event is an entry of a tenant's journal: one effect of one operation (ACC-4). It
// names records by ID and holds no personal data.
type Event struct {
	TenantID  TenantID
	Seq       int64 // the tenant's revision that the operation made: 1, 2, 3 …
	Pos       int64 // the place within the operation: 1, 2, 3 …
	At        time.Time
	Operation OperationID
	Actor     Principal
	Role      Role
	Type      string // "user.created", "service.deleted", …
	Kind      string // what the subject is: "user", "number", …
	Subject   string // the subject's ID, number or code, as text
	Detail    string // what else a receiver needs: a DN, a code, another ID

	hash string // of all that stands above and of the event before (SYS-11)
}

// Table returns the declaration of events.
func (e *Event) Table() *store.Table { return eventsTable }

// Fields appends the event's columns.
func (e *Event) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &e.TenantID), integer("seq", &e.Seq), integer("pos", &e.Pos),
		moment("at", &e.At), id("operation", &e.Operation),
		words("actor", (*string)(&e.Actor)), words("role", (*string)(&e.Role)),
		words("type", &e.Type), words("kind", &e.Kind), words("subject", &e.Subject), words("detail", &e.Detail),
		store.Field{Name: chain.Column, Ptr: &e.hash, Null: true, Varies: store.Stamp},
	)
}

// Key returns a key that no other event has, and that is the same at every delivery.
// A receiver that keeps the keys of the events it has handled can drop repeats
// (SYS-3).
func (e *Event) Key() string { return fmt.Sprintf("%s/%d/%d", e.TenantID, e.Seq, e.Pos) }

// JournalQuery selects a part of a tenant's journal.
type JournalQuery struct {
	AfterSeq int64 // only the events of later changes; 0: from the first on
	Latest   bool  // newest first
	Limit    int   // 0: all
}

// Journal yields the events of the tenant that the Directory works in, oldest first
// or newest first: when it was, who did what, in which role and to which record
// (ACC-4). The journal has no gaps: changes are numbered 1, 2, 3 and so on, and so
// are the events of each change. The journal of the tenant Provider records the
// customers created and the numbers stocked.
func (d *Directory) Journal(ctx context.Context, q JournalQuery) iter.Seq2[*Event, error] {
	query := store.Query{Index: eventsTable.Key(), Equal: []any{d.scope()}, Desc: q.Latest}
	if q.AfterSeq > 0 {
		query.From = min(q.AfterSeq, math.MaxInt64-1) + 1
	}
	return pages[*Event](ctx, d, "Journal", query, q.Limit, nil)
}

// Cursor is how far a subscriber has read a tenant's journal, and who reads it
// now (SYS-3).
type Cursor struct {
	Subscriber  string
	TenantID    TenantID
	Rev         int64
	Seq         int64 // of the last event handled; 0 before the first
	Pos         int64
	Holder      LeaseID   // of the delivery that has leased the journal, or zero
	LeasedUntil time.Time // when another delivery may take it over; set with Holder
}

// Table returns the declaration of cursors.
func (c *Cursor) Table() *store.Table { return cursorsTable }

// Fields appends the cursor's columns.
func (c *Cursor) Fields(f []store.Field) []store.Field {
	return append(f,
		words("subscriber", &c.Subscriber), id("tenant_id", &c.TenantID), revision(&c.Rev),
		integer("seq", &c.Seq), integer("pos", &c.Pos),
		maybeID("holder", &c.Holder), maybeTime("leased_until", &c.LeasedUntil),
	)
}

// DeliveryError is an error of a subscriber's handler. The events of that tenant wait
// from Event on.
type DeliveryError struct {
	Subscriber string
	Event      *Event
	Err        error
}

// Error returns the subscriber, the event's key and type, and the handler's error.
func (e *DeliveryError) Error() string {
	if e.Event == nil {
		return fmt.Sprintf("subscriber %s: %v", e.Subscriber, e.Err)
	}
	return fmt.Sprintf("subscriber %s at event %s (%s): %v", e.Subscriber, e.Event.Key(), e.Event.Type, e.Err)
}

// Unwrap returns the handler's error.
func (e *DeliveryError) Unwrap() error { return e.Err }

// Format writes the message, and for the verb %+v the causes of the handler's error too.
func (e *DeliveryError) Format(s fmt.State, verb rune) {
	text := e.Error()
	if verb == 'v' && s.Flag('+') {
		text += fmt.Sprintf(" (%+v)", e.Err)
	}
	_, _ = io.WriteString(s, text)
}

// Deliver calls handle with every event that the named subscriber has not handled
// yet, and returns how many this call handled (SYS-3), with an error too. A new
// subscriber starts with the first event of every journal, that of the tenant
// Provider included. Call it again, periodically or after changes, for new events.
// The subscriber's position is kept in the store, and survives a restart.
//
// The events of a tenant come in the order of its journal, each at least once: after
// a crash the last few come again, with the same Event.Key. If handle returns an
// error, the tenant's later events wait, and the next call of Deliver starts with
// that event; other tenants are not affected.
//
// Several tenants, as many as WithDeliveries says, are delivered at the same time, so
// handle is called by several goroutines at once, but never for two events of one
// tenant. Tenants take turns of one page each, so that a long journal does not hold
// up a short one. Deliver returns when all handlers have returned: a handler that may
// hang should set itself a limit, with context.WithTimeout. handle may use a
// Directory. Its context ends with the tenant's turn.
//
// Any number of calls, in one process or in several, may deliver to one subscriber at
// once, and share the work: one of them leases a tenant's journal (WithLease), and
// the others skip that tenant without waiting. So a result of 0 says that there was
// nothing for this call to do, not that all events have been handled; WithPassedOver
// tells which tenants were skipped. If a process is
// killed, its journals are taken over where it stopped, after its leases have run
// out. Two processes handle the same event at once only if one of them stalls while
// it handles the event, or their clocks differ, by more than the lease allows.
//
// Errors: the handler's, each as a *DeliveryError, and the store's, joined;
// ErrConflict for each tenant whose lease was lost while its events were handled;
// ErrInvalid for a name that is not 1 to 32 letters, digits, '.', '_' and '-', and for
// one that begins with "foreign.", as the subscribers of [Directory.Connect] do;
// ErrMisuse inside a batch, a review or a handler; ErrDenied. If handle panics,
// Deliver panics with the same value after the other handlers have returned.
func (d *Directory) Deliver(ctx context.Context, subscriber string, handle func(ctx context.Context, e *Event) error) (int, error) {
	if _, err := d.enter(ctx, "Deliver"); err != nil {
		return 0, err
	}
	var check validation
	check.code(rule.SYS3, "Subscriber", subscriber)
	if strings.HasPrefix(subscriber, connectorPrefix) {
		check.refuse(rule.SYS3, "Subscriber", "a name that begins with %s is one of Connect's", connectorPrefix)
	}
	if err := check.err(); err != nil {
		return 0, err
	}
	return d.deliver(ctx, subscriber, handle)
}

// deliver is Deliver to a subscriber of any valid name.
func (d *Directory) deliver(ctx context.Context, subscriber string, handle func(ctx context.Context, e *Event) error) (int, error) {
	mark := deliveringKey{d.core}
	if d.tx != nil || ctx.Value(mark) != nil {
		return 0, misuse("events are not delivered inside a batch, a review or a handler")
	}
	if handle == nil {
		return 0, misuse("events are delivered to a function: nil was given")
	}
	holder, err := d.core.newID()
	if err != nil {
		return 0, err
	}
	r := &delivery{core: d.core, subscriber: subscriber, holder: holder, handle: handle}
	r.run(context.WithValue(ctx, mark, true))
	return r.handled, allOf("Deliver", r.errs)
}

type deliveringKey struct{ core *core }
