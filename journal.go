package pbx

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/pbxkit/pbx/store"
)

// Event is an entry of a tenant's journal: one thing that one operation did
// (ACC-4). It names records by ID and holds no personal data.
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
	)
}

// Key returns the event's own key, the same whenever and to whomever it is
// delivered and no other event's: a receiver that keeps the keys of what it has
// done drops repeats by it (SYS-3).
func (e *Event) Key() string { return fmt.Sprintf("%s/%d/%d", e.TenantID, e.Seq, e.Pos) }

// JournalQuery selects a part of a tenant's journal.
type JournalQuery struct {
	AfterSeq int64 // only the events of later changes; 0: from the first on
	Latest   bool  // newest first
	Limit    int   // 0: all
}

// Journal yields the events of the tenant that the Directory works in, oldest
// first or newest first: when, who in which role, what, on which record
// (ACC-4). The journal has no gaps: the changes are numbered 1, 2, 3 and so on,
// and so are the events of each. The Provider's own records the customers
// created and the numbers stocked.
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
	Holder      LeaseID   // of the delivery that the journal is leased to, or zero
	LeasedUntil time.Time // when somebody else may take it over; set with Holder
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
