package pbx

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/pbxkit/pbx/internal/commit"
	"github.com/pbxkit/pbx/store"
)

// change runs one changing operation and returns its result. An operation that is
// refused or not committed returns its error and nothing else. Where it ran several
// times the result is that of the last run.
func change[R any](ctx context.Context, d *Directory, operation string, plan prefetchPlan, run func(*tx) (R, error)) (R, error) {
	var result R
	err := d.change(ctx, operation, plan, func(t *tx) (err error) {
		result, err = run(t)
		return err
	})
	return resultOr(err, result)
}

// save is change for an operation that saves a record which its caller has changed.
func save[R any](ctx context.Context, d *Directory, operation string, in *R, plan prefetchPlan, run func(*tx) (*R, error)) (*R, error) {
	if in == nil { // the plan and the operation read it
		plan, run = nil, func(*tx) (*R, error) { return nil, misuse(operation + " saves a record: nil was given") }
	}
	return change(ctx, d, operation, plan, run)
}

// read runs one reading operation and returns its result, or its error.
func read[R any](ctx context.Context, d *Directory, operation string, plan prefetchPlan, run func(*tx) (R, error)) (R, error) {
	var result R
	err := d.read(ctx, operation, plan, func(t *tx) (err error) {
		result, err = run(t)
		return err
	})
	return resultOr(err, result)
}

// resultOr returns an operation's error, or the result of its last run.
func resultOr[R any](err error, result R) (R, error) {
	if err != nil {
		var none R
		return none, err
	}
	return result, nil
}

// change runs one changing operation without a result: at once, or as a part of the
// batch or review that d belongs to. The plan says what it will read.
func (d *Directory) change(ctx context.Context, operation string, plan prefetchPlan, run func(*tx) error) error {
	tenant, err := d.enter(ctx, operation)
	if err != nil {
		return err
	}
	if len(d.seen) > 0 {
		plan, run = basedOn(ctx, d.seen, plan, run)
	}
	run = watched(ctx, operation, run)
	if d.tx != nil {
		return named(operation, d.tx.runOperation(ctx, d, plan, run))
	}
	return named(operation, d.core.update(ctx, operation, tenant, plan, func(t *tx) error {
		t.actor, t.confirmed = d.actor, d.confirmed
		if err := run(t); err != nil {
			return err
		}
		return t.unconfirmed(0)
	}))
}

// read runs one reading operation on a snapshot, or on what the batch or review that
// d belongs to has staged. On a far store it first runs on what the plan says, and
// runs again in a view if it needs more than that.
func (d *Directory) read(ctx context.Context, operation string, plan prefetchPlan, run func(*tx) error) error {
	tenant, err := d.enter(ctx, operation)
	if err != nil {
		return err
	}
	if d.tx != nil {
		return named(operation, d.tx.runOperation(ctx, d, plan, watched(ctx, operation, run)))
	}
	if f, ok := d.core.store.(store.Fetcher); ok {
		if all, err := d.readPrefetched(ctx, f, tenant, plan, run); all {
			return named(operation, asRefusal(err))
		}
		d.core.noteUnplanned(ctx, operation)
	}
	return named(operation, d.core.view(ctx, func(r store.Reader) error {
		t := d.core.newTx(tenant, r)
		t.actor = d.actor
		if err := t.begin(ctx, plan); err != nil {
			return err
		}
		return run(t)
	}))
}

// view runs fn in a view of the store, and returns the store's errors as operations
// give them. Do not run a caller's function in it, whose errors stay as they are.
func (c *core) view(ctx context.Context, fn func(store.Reader) error) error {
	return asRefusal(c.store.View(ctx, fn))
}

// enter is the first step of every operation. It checks access and the right use of
// batches, and returns the tenant that the operation works in.
func (d *Directory) enter(ctx context.Context, operation string) (TenantID, error) {
	switch {
	case d.core == nil:
		return TenantID{}, misuse("a Directory comes from New: this one does not")
	case d.core.store == nil:
		return TenantID{}, misuse("a Directory needs a store: New was given nil")
	case ctx == nil:
		return TenantID{}, misuse("an operation needs a context: nil was given")
	}
	tenant, err := d.allow(operation)
	switch {
	case err != nil:
	case d.tx == nil && ctx.Value(insideKey{d.core}) != nil:
		err = misuse("the outer Directory was called inside a batch or a review: use the one that its function was given")
	case d.tx != nil && ctx.Value(busyKey{d.tx}) != nil:
		err = misuse("a Directory was called from inside one of its own operations")
	case d.tx != nil && tenant != d.tx.tenantID:
		err = misuse("a batch stays in one tenant")
	case !keepableTime(d.core.moment()):
		err = misuse("the clock is not within the years 1 and 9999: no store can keep its time")
	}
	return tenant, named(operation, err)
}

// update runs operations and commits what they staged. When others get in the way,
// all of them run again on what is committed by then.
func (c *core) update(ctx context.Context, name string, tenant TenantID, plan prefetchPlan, run func(*tx) error) error {
	operation, err := c.newID()
	if err != nil {
		return err
	}
	reruns := -1
	var t *tx
	err = c.commit(ctx, name, tenant, operation, func(wait *wait, w store.Writer) (seq int64, err error) {
		reruns++
		t = c.newTx(tenant, w)
		t.op, t.reruns = operation, reruns
		err = t.perform(wait.ctx, plan, func() error {
			wait.over()
			return run(t)
		})
		if err != nil {
			return 0, err
		}
		wait.applied = t
		return t.apply(ctx, w)
	})
	if err == nil {
		t.reveal()
	}
	return err
}

// commit makes attempts at an operation until it is committed, refused or given up.
// An attempt makes its first read with the context of the wait, which is over then,
// and returns the sequence that its events have in the journal: by that it is found
// if its commit gets no answer.
func (c *core) commit(ctx context.Context, name string, tenant TenantID, operation OperationID, attempt func(*wait, store.Writer) (seq int64, err error)) error {
	var seq int64
	var final bool // the error is the operations' own, also where it wraps that of another store
	wait := c.wait(ctx)
	defer wait.close()
	u := c.commitOf(tenant, operation, &seq)
	u.Attempt = func(w store.Writer) (err error) {
		seq, err = attempt(wait, w)
		final, _ = commit.Unwrap(err)
		return err
	}
	err := u.Run(wait.ctx)
	if final {
		return err
	}
	return named(name, c.repeated(ctx, wait.applied, asRefusal(wait.refusal(err, c.batchWait))))
}

// commitOf returns the commit of an operation, which is there if the journal has its
// event at the sequence.
func (c *core) commitOf(tenant TenantID, operation OperationID, seq *int64) *commit.Update {
	return &commit.Update{Store: c.store, Tenant: tenant, Counts: &c.stats.Counts,
		Committed: func(ctx context.Context, r store.Reader) (bool, error) {
			recs, err := r.Get(ctx, eventsTable.Key().At(tenant, *seq, int64(1)))
			if err != nil || recs[0] == nil {
				return false, err
			}
			return recs[0].(*Event).Operation == operation, nil
		}}
}

// perform begins the transaction, runs operations, and ends it. Their error is final.
// But where the store wants another run its own error is returned, whatever the
// operations made of it: they decided on a read that failed.
func (t *tx) perform(ctx context.Context, plan prefetchPlan, run func() error) error {
	defer t.end()
	if err := t.begin(ctx, plan); err != nil {
		return err
	}
	err := run()
	switch {
	case errors.Is(t.Failed(), store.ErrRetry) || errors.Is(t.Failed(), store.ErrHostRetry):
		return t.Failed()
	case err != nil:
		return commit.Final(err)
	}
	return t.Failed()
}

// end makes every later use of the transaction's Directory an error.
func (t *tx) end() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
}

type insideKey struct{ core *core }

// busyKey marks the context of a function that runs inside an operation of a batch or
// a review, which has the transaction to itself until it ends.
type busyKey struct{ tx *tx }

// inside runs the function of a batch or review with a Directory of its own.
func (d *Directory) inside(ctx context.Context, t *tx, fn func(context.Context, *Directory) error) error {
	inner, err := d.inTransaction(ctx, t)
	if err != nil {
		return err
	}
	return fn(insideOf(ctx, t), inner)
}

// inTransaction returns the Directory for the function of a batch or review. The
// records given to Seen are checked once, here: what the function itself changes
// makes none of its operations stale.
func (d *Directory) inTransaction(ctx context.Context, t *tx) (*Directory, error) {
	if len(d.seen) > 0 {
		if err := t.prefetch(ctx, func(p *prefetch) { p.seen(d.seen) }); err != nil {
			return nil, err
		}
		if err := t.unchanged(ctx, d.seen); err != nil {
			return nil, err
		}
	}
	inner := *d
	inner.tx, inner.tenant, inner.seen = t, t.tenantID, nil
	return &inner, nil
}

// insideOf returns the context for what runs inside an operation. With it a call of
// the outer Directory is refused, which would wait for a lock that its caller holds.
func insideOf(ctx context.Context, t *tx) context.Context {
	return context.WithValue(ctx, insideKey{t.core}, t)
}

// Stats counts what came between operations and their commits, since New and
// over all Directories that came of it.
type Stats struct {
	// Retries is how often operations ran again, on what was there then, because
	// others had got in their way.
	Retries int64
	// GaveUp is how many of them were refused in the end (SYS-1, ErrConflict).
	GaveUp int64
	// Resolved is how many commits got no answer and turned out to be there, or
	// not to be; Unknown is how many did not turn out (ErrCommitUnknown).
	Resolved, Unknown int64
	// Unplanned is how many operations had to ask a store on another machine for
	// something that they had not planned to read. Each took more trips than it
	// should; the logger has their names, at debug level.
	Unplanned int64
}

// stats are the counters behind Stats.
type stats struct {
	commit.Counts
	unplanned atomic.Int64
}

// Stats returns the counts so far.
func (d *Directory) Stats() Stats {
	if d.core == nil {
		return Stats{}
	}
	s := &d.core.stats
	return Stats{Retries: s.Retries.Load(), GaveUp: s.GaveUp.Load(), Resolved: s.Resolved.Load(), Unknown: s.Unknown.Load(),
		Unplanned: s.unplanned.Load()}
}
