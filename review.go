package pbx

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/pbxkit/pbx/internal/commit"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Review is what operations would do (SYS-2). Nothing is changed until Commit, so to
// cancel is to drop it.
type Review struct {
	Effects       []Effect
	Warnings      []Notice
	Confirmations []Notice // Commit confirms them all
	Orders        []*Order // with their lines; they get their numbers when they are placed

	mu       sync.Mutex
	dir      *Directory
	fn       func(context.Context, *Directory) error
	reviewed *tx
	done     bool

	applied   *tx         // what the last try to commit applied
	operation OperationID // of the commit
	unsure    int64       // the sequence of a commit that got no answer, or 0
}

// Monthly returns the sum of the orders' monthly charges (ORD-1), negative where they
// save money.
func (r *Review) Monthly() Money {
	var sum Money
	for _, o := range r.Orders {
		sum += o.Monthly
	}
	return sum
}

// OneTime returns the sum of the orders' one-time charges (ORD-1).
func (r *Review) OneTime() Money {
	var sum Money
	for _, o := range r.Orders {
		sum += o.OneTime
	}
	return sum
}

// NextInvoice says when the billing of the orders starts or ends (ORD-2): each answer
// once, in a sentence, and nothing where nothing is ordered. Billing starts on
// activation where the user is pending, where a service was added for later, and where
// the provider has something to do first.
func (r *Review) NextInvoice() []string {
	var sentences []string
	for _, o := range r.Orders {
		if s := o.nextInvoice(); !slices.Contains(sentences, s) {
			sentences = append(sentences, s)
		}
	}
	return sentences
}

func (o *Order) nextInvoice() string {
	day := o.BillingFrom.Format(time.DateOnly)
	switch {
	case o.BillingFrom.IsZero():
		return "Billing starts on activation."
	case !slices.ContainsFunc(o.lines, func(l *OrderLine) bool { return l.Quantity > 0 }):
		return "Billing ends on " + day + "."
	}
	return "Billing starts on " + day + "."
}

// StaleReview refuses a commit because something changed since the review (SYS-2).
// Fresh is a review of the same operations on what is there now.
type StaleReview struct {
	Fresh *Review
	err   *Error
}

// Error returns the refusal's message.
func (s *StaleReview) Error() string { return s.err.Error() }

// Unwrap returns the *Error, of kind ErrStale.
func (s *StaleReview) Unwrap() error { return s.err }

// Batch runs fn, and makes all changes of the operations that fn calls on the Directory
// that it is given, or none of them (SYS-1). If an operation is refused, what the others
// did stays, and fn decides whether to go on. If fn returns an error, nothing is
// changed. fn may run several times, when others get in the way, so it should do
// nothing else. A Batch inside a batch is a part of it.
//
// Errors: that of fn, as it is; ErrConflict when others kept getting in the way;
// ErrStale on a Directory from Seen. A call of an outer Directory in fn is
// refused with ErrMisuse.
func (d *Directory) Batch(ctx context.Context, fn func(ctx context.Context, dir *Directory) error) error {
	tenant, err := d.enterFunction(ctx, "Batch", fn)
	if err != nil {
		return err
	}
	if d.tx != nil {
		return d.tx.runBatch(ctx, d, fn)
	}
	return d.core.update(ctx, tenant, nil, func(t *tx) error {
		return d.inside(ctx, t, fn)
	})
}

// Review runs fn as Batch does, but changes nothing. It returns what the operations
// would do, what they warn of, what has to be confirmed, and what they cost (SYS-2,
// ORD-1).
//
// Errors: that of fn, as it is; ErrMisuse inside a batch or another review.
func (d *Directory) Review(ctx context.Context, fn func(ctx context.Context, dir *Directory) error) (*Review, error) {
	tenant, err := d.enterFunction(ctx, "Review", fn)
	if err != nil {
		return nil, err
	}
	if d.tx != nil {
		return nil, misuse("a review cannot be made inside a batch or another review")
	}
	var t *tx
	err = d.core.store.View(ctx, func(r store.Reader) error {
		t = d.core.newTx(tenant, r)
		return d.runReview(ctx, t, fn)
	})
	switch own, err := commit.Unwrap(err); {
	case own:
		return nil, err
	case err != nil:
		return nil, asRefusal(err)
	}
	return d.review(t, fn), nil
}

// enterFunction is enter for what runs a caller's function.
func (d *Directory) enterFunction(ctx context.Context, operation string, fn func(context.Context, *Directory) error) (TenantID, error) {
	tenant, err := d.enter(ctx, operation)
	if err == nil && fn == nil {
		return tenant, misuse(operation + " runs a function: nil was given")
	}
	return tenant, err
}

// runReview runs the function of a review, and stages what its operations do.
func (d *Directory) runReview(ctx context.Context, t *tx, fn func(context.Context, *Directory) error) error {
	t.reviewing = true
	return t.perform(ctx, nil, func() error { return d.inside(ctx, t, fn) })
}

// review returns the review of what a transaction staged. Its lists and orders are
// copies for the caller.
func (d *Directory) review(t *tx, fn func(context.Context, *Directory) error) *Review {
	r := &Review{
		Effects: slices.Clone(t.effects), Warnings: slices.Clone(t.warnings), Confirmations: slices.Clone(t.confirmations),
		dir: d, fn: fn, reviewed: t,
	}
	for _, o := range t.orders {
		r.Orders = append(r.Orders, copyOf(o))
	}
	return r
}

// Commit does exactly what was reviewed, with the same IDs and numbers, and gives the
// confirmations that were asked for (SYS-2). Committing again what was committed does
// nothing (ORD-4); after ErrCommitUnknown, Commit first finds out whether it was. The
// journal and the orders have the time of the commit. Where nothing changed in the
// tenant, everything else has the time of the review, earlier on the same day (UTC).
//
// Errors: a *StaleReview (ErrStale) with a fresh review, where something changed that
// the outcome depends on; an *Error of kind ErrStale around the refusal, where the
// operations are no longer possible; ErrConflict when others kept getting in the way;
// ErrCommitUnknown. After a failure of the store nothing is changed, and Commit can be
// called again.
func (r *Review) Commit(ctx context.Context) error {
	if r.dir == nil {
		return misuse("a review comes from Review: this one does not")
	}
	tenant, err := r.dir.enter(ctx, "Review")
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return nil
	}
	c := r.dir.core
	if r.operation.IsZero() {
		if r.operation, err = c.newID(); err != nil {
			return err
		}
	}
	if r.unsure > 0 {
		if r.done, err = c.commitOf(tenant, r.operation, &r.unsure).Resolve(ctx); r.done {
			r.applied.reveal()
		}
		if r.done || err != nil {
			return asRefusal(err)
		}
	}
	asReviewed := true
	err = c.commit(ctx, tenant, r.operation, func(w store.Writer) (seq int64, err error) {
		t, err := r.again(ctx, w, asReviewed)
		if err != nil {
			return 0, err
		}
		asReviewed = false // should the store refuse it, the rules run again
		r.applied, t.op = t, r.operation
		seq, err = t.apply(ctx, w)
		r.unsure = seq
		return seq, err
	})
	if !errors.Is(err, ErrCommitUnknown) {
		r.unsure = 0
	}
	if r.done = err == nil; r.done {
		r.applied.reveal()
	}
	return err
}

// again returns the transaction to be applied: the reviewed one where nothing in the
// tenant has changed, or else one in which the same operations ran again, if they do
// the same.
func (r *Review) again(ctx context.Context, w store.Writer, asReviewed bool) (*tx, error) {
	now := r.dir.core.newTx(r.reviewed.tenantID, w)
	if err := now.begin(ctx, nil); err != nil {
		return nil, err
	}
	sameDay := now.now.Format(time.DateOnly) == r.reviewed.now.Format(time.DateOnly)
	if asReviewed && sameDay && revisionOf(now.base) == revisionOf(r.reviewed.base) {
		r.reviewed.stampTime(now.now)
		return r.reviewed, nil
	}
	now.replay = r.reviewed.ids
	refused, err := commit.Unwrap(r.dir.runReview(ctx, now, r.fn))
	switch {
	case now.Failed() != nil: // not a refusal, whatever the operations made of it
		return nil, now.Failed()
	case refused && ctx.Err() == nil:
		return nil, commit.Final(&Error{Code: rule.SYS2, Kind: ErrStale, Reason: "what was reviewed is no longer possible: " + err.Error(), Err: err})
	case err != nil:
		return nil, err
	case !sameOutcome(r.reviewed, now):
		return nil, commit.Final(&StaleReview{Fresh: r.dir.review(now, r.fn), err: &Error{Code: rule.SYS2, Kind: ErrStale,
			Reason: "something changed since the review; review it again"}})
	}
	return now, nil
}

// stampTime sets the time of the commit, which the journal and the orders have.
func (t *tx) stampTime(now time.Time) {
	t.now = now
	for _, c := range t.Changes() {
		if o, ok := c.New.(*Order); ok {
			o.PlacedAt = now
		}
	}
}

// revisionOf returns the revision of a tenant's row, or 0 where there is none yet.
func revisionOf(t *Tenant) int64 {
	if t == nil {
		return 0
	}
	return t.Rev
}

// sameOutcome reports whether two runs of the same operations do the same, warn of the
// same, and cost the same. They may differ in the columns of a changed record that
// neither run changes, and in what store.Volatility allows: revisions, times of day,
// counts that others change too, order numbers. A number that is given back rests
// equally long in both.
func sameOutcome(a, b *tx) bool {
	later := b.ran.Sub(a.ran)
	sameChange := func(a, b store.Change) bool { return sameChange(a, b, later) }
	return slices.Equal(a.effects, b.effects) && slices.Equal(a.warnings, b.warnings) &&
		slices.Equal(a.confirmations, b.confirmations) && slices.EqualFunc(a.Changes(), b.Changes(), sameChange)
}

// sameChange reports whether two changes do the same to the same record. later is how
// much later the second run was.
func sameChange(a, b store.Change, later time.Duration) bool {
	if (a.Old == nil) != (b.Old == nil) || (a.New == nil) != (b.New == nil) {
		return false
	}
	if a.New == nil {
		return sameFields(a.Old, b.Old, later, nil)
	}
	return sameFields(a.New, b.New, later, func(i int) bool {
		return !changesColumn(a, i) && !changesColumn(b, i)
	})
}

// changesColumn reports whether a change sets the i-th column: any of an insertion, the
// key, and those of an update that differ.
func changesColumn(c store.Change, i int) bool {
	if c.Old == nil || slices.Contains(c.New.Table().Key().Columns, i) {
		return true
	}
	old, now := c.Old.Fields(nil)[i], c.New.Fields(nil)[i]
	return !reflect.DeepEqual(old.Value(), now.Value())
}

// sameFields compares two records, except in the columns that skip reports.
func sameFields(a, b store.Record, later time.Duration, skip func(int) bool) bool {
	if a.Table() != b.Table() {
		return false
	}
	fa, fb := a.Fields(nil), b.Fields(nil)
	for i := range fa {
		if !sameField(a.Table().Columns[i], fa[i], fb[i], later) && (skip == nil || !skip(i)) {
			return false
		}
	}
	return true
}

// sameField compares two values of a column, as far as two runs must agree in it.
func sameField(c store.Column, a, b store.Field, later time.Duration) bool {
	switch c.Varies {
	case store.Volatile:
		return true
	case store.Stamp:
		return (a.Value() == nil) == (b.Value() == nil)
	case store.TimeOfDay:
		return a.Ptr.(*time.Time).Format(time.DateOnly) == b.Ptr.(*time.Time).Format(time.DateOnly)
	case store.Deadline:
		p, q := a.Ptr.(*time.Time), b.Ptr.(*time.Time)
		if p.IsZero() {
			return q.IsZero()
		}
		return q.Sub(*p) == later
	}
	if c.Type == store.List {
		return slices.Equal(*a.Ptr.(*[]string), *b.Ptr.(*[]string))
	}
	return a.Value() == b.Value()
}
