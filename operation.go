package pbx

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// How often a closure is run when others get in its way, and how long it waits
// in between: a random part of a bound that doubles.
const (
	maxAttempts = 12
	firstPause  = time.Millisecond
	longestWait = 100 * time.Millisecond
	resolveTime = 10 * time.Second
)

// change runs one changing operation and returns what it gives. An operation
// that is refused, or not committed, gives its error and nothing else; one that
// runs again gives what its last run gave.
func change[R any](ctx context.Context, d *Directory, operation string, plan prefetchPlan, run func(*tx) (R, error)) (R, error) {
	return resultOf(run, func(run func(*tx) error) error { return d.change(ctx, operation, plan, run) })
}

// read runs one reading operation and returns what it gives, or its error.
func read[R any](ctx context.Context, d *Directory, operation string, plan prefetchPlan, run func(*tx) (R, error)) (R, error) {
	return resultOf(run, func(run func(*tx) error) error { return d.read(ctx, operation, plan, run) })
}

// resultOf calls an operation whose function has a result, and returns the
// result of its last run unless the operation failed.
func resultOf[R any](run func(*tx) (R, error), call func(func(*tx) error) error) (R, error) {
	var result, none R
	err := call(func(t *tx) (err error) {
		result, err = run(t)
		return err
	})
	if err != nil {
		return none, err
	}
	return result, nil
}

// change runs a changing operation that gives nothing: at once, or as a part of the batch or
// review that d belongs to. The plan says what it will read.
func (d *Directory) change(ctx context.Context, operation string, p prefetchPlan, run func(*tx) error) error {
	tenant, err := d.enter(ctx, operation)
	if err != nil {
		return err
	}
	if d.tx != nil {
		return d.tx.runOperation(ctx, d, p, run)
	}
	return d.core.update(ctx, tenant, p, func(t *tx) error {
		t.actor, t.confirmed = d.actor, d.confirmed
		if err := run(t); err != nil {
			return err
		}
		return t.unconfirmed(0)
	})
}

// read runs one reading operation on a snapshot, or on what the batch or
// review that d belongs to has staged. It may run twice: where a store is far
// away, first on what the plan says, and if that was not all, in a view.
func (d *Directory) read(ctx context.Context, operation string, p prefetchPlan, run func(*tx) error) error {
	tenant, err := d.enter(ctx, operation)
	if err != nil {
		return err
	}
	if d.tx != nil {
		return d.tx.runOperation(ctx, d, p, run)
	}
	if f, ok := d.core.store.(store.Fetcher); ok {
		if all, err := d.readPrefetched(ctx, f, tenant, p, run); all {
			return asRefusal(err)
		}
	}
	return d.core.view(ctx, func(r store.Reader) error {
		t := d.core.newTx(tenant, r)
		t.actor = d.actor
		if err := t.begin(ctx, p); err != nil {
			return err
		}
		return run(t)
	})
}

// view is a view of the store, whose errors are operations'.
func (c *core) view(ctx context.Context, fn func(store.Reader) error) error {
	return asRefusal(c.store.View(ctx, fn))
}

// enter is what every operation passes first: access, and the right use of
// batches.
func (d *Directory) enter(ctx context.Context, operation string) (TenantID, error) {
	tenant, err := d.allow(operation)
	if err != nil {
		return tenant, err
	}
	if d.tx == nil {
		if ctx.Value(insideKey{d.core}) != nil || d.core.inside.here() {
			return tenant, misuse("the outer Directory was called inside a batch or a review: use the one that its function was given")
		}
		return tenant, nil
	}
	if tenant != d.tx.tenantID {
		return tenant, misuse("a batch stays in one tenant")
	}
	return tenant, nil
}

// update runs operations and commits what they staged. When others get in the
// way all of them run again, on what is there now.
func (c *core) update(ctx context.Context, tenant TenantID, p prefetchPlan, run func(*tx) error) error {
	operation := OperationID(c.newID())
	reruns := -1
	var t *tx
	err := c.attempts(ctx, tenant, func(w store.Writer) (int64, error) {
		reruns++
		t = c.newTx(tenant, w)
		t.op, t.reruns = operation, reruns
		if err := t.perform(ctx, p, func() error { return run(t) }); err != nil {
			return 0, err
		}
		return t.apply(ctx, w)
	}, operation)
	if err == nil {
		t.reveal()
	}
	return err
}

// perform begins, runs operations, and ends. Their error is a verdict; any
// other is the store's, also when the operations made something else of it:
// what they decided on a read that failed is worth nothing.
func (t *tx) perform(ctx context.Context, p prefetchPlan, run func() error) error {
	defer t.end()
	if err := t.begin(ctx, p); err != nil {
		return err
	}
	err := run()
	switch {
	case errors.Is(t.Failed(), store.ErrRetry) || errors.Is(t.Failed(), store.ErrHostRetry):
		return t.Failed()
	case err != nil:
		return finalError{err}
	}
	return t.Failed()
}

// finalError is an error that the operations gave. It is final, whatever it wraps:
// the host's own code may have asked another store, and ErrRetry or
// ErrCommitUnknown of that one say nothing of ours.
type finalError struct{ error }

func (v finalError) Unwrap() error { return v.error }

// unwrapFinal takes an error out of its verdict, and reports whether it was in one.
func unwrapFinal(err error) (final bool, _ error) {
	if v, ok := errors.AsType[finalError](err); ok {
		return true, v.error
	}
	return false, err
}

// attempts is the one loop that retries: it runs an attempt until it is
// committed, refused, or given up. An unknown outcome is resolved before
// anything is tried again.
func (c *core) attempts(ctx context.Context, tenant TenantID, attempt func(store.Writer) (int64, error), operation OperationID) error {
	pause := firstPause
	for n := 1; ; n++ {
		var seq int64
		err := c.store.Update(ctx, tenant, func(w store.Writer) (err error) {
			seq, err = attempt(w)
			return err
		})
		final, err := unwrapFinal(err)
		switch {
		case err == nil || final:
			return err
		case errors.Is(err, ErrCommitUnknown):
			if done, resolveErr := c.committed(ctx, tenant, seq, operation); done || resolveErr != nil {
				c.stats.settle(resolveErr)
				return resolveErr
			}
			c.stats.settle(nil)
			err = store.ErrRetry // for now it is known: nothing was committed
		case errors.Is(err, store.ErrHostRetry):
			return &Error{Code: rule.SYS1, Kind: ErrConflict, Reason: "other changes got in the way: roll your transaction back and run it again", Err: err}
		case errors.Is(err, store.ErrConstraint):
			return &Error{Code: rule.SYS4, Kind: ErrStorage, Reason: "the store refused a change that would break its constraints", Err: err}
		case !errors.Is(err, store.ErrRetry):
			return asRefusal(err)
		}
		if n == maxAttempts {
			c.stats.gaveUp.Add(1)
			return &Error{Code: rule.SYS1, Kind: ErrConflict, Reason: "other changes kept getting in the way; nothing was changed", Err: err}
		}
		if err := sleep(ctx, rand.N(pause)); err != nil {
			return err
		}
		pause = min(2*pause, longestWait)
		c.stats.retries.Add(1)
	}
}

// committed finds out whether an operation whose commit got no answer is there:
// with the tenant locked, no earlier commit can still be under way, and the
// journal says whose the sequence is. The caller's time may be over: the answer
// is worth waiting for. Errors: ErrCommitUnknown when there is none.
func (c *core) committed(ctx context.Context, tenant TenantID, seq int64, operation OperationID) (done bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTime)
	defer cancel()
	pause := firstPause
	for {
		err := c.store.Update(ctx, tenant, func(w store.Writer) error {
			recs, err := w.Get(ctx, eventsTable.Key().At(tenant, seq, int64(1)))
			if err != nil {
				return err
			}
			done = recs[0] != nil && recs[0].(*Event).Operation == operation
			return nil
		})
		if err == nil {
			return done, nil
		}
		if errors.Is(err, ErrMisuse) || sleep(ctx, rand.N(pause)) != nil {
			return false, &Error{Code: rule.SYS1, Kind: ErrCommitUnknown, Err: err,
				Reason: "the store did not say whether the change was saved: look before trying again"}
		}
		pause = min(2*pause, longestWait)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// end makes every later use of the transaction's Directory an error.
func (t *tx) end() {
	t.mu.Lock()
	t.over = true
	t.mu.Unlock()
}

type insideKey struct{ core *core }

// inside runs the function of a batch or review with a Directory of its own.
func (d *Directory) inside(ctx context.Context, t *tx, fn func(context.Context, *Directory) error) error {
	leave := d.core.inside.enter()
	defer leave()
	inner := *d
	inner.tx = t
	inner.tenant = t.tenantID
	return fn(context.WithValue(ctx, insideKey{d.core}, t), &inner)
}

// callers knows the goroutines that run the function of a batch. The context
// given to the function tells a call of the outer Directory apart, unless the
// function uses an outer context too; such a call would wait for the lock that
// its own goroutine holds. While no batch runs this costs one atomic load.
type callers struct {
	count atomic.Int64
	ids   sync.Map
}

func (c *callers) enter() (leave func()) {
	me := goroutine()
	_, nested := c.ids.Swap(me, true)
	c.count.Add(1)
	return func() {
		if !nested {
			c.ids.Delete(me)
		}
		c.count.Add(-1)
	}
}

func (c *callers) here() bool {
	if c.count.Load() == 0 {
		return false
	}
	_, in := c.ids.Load(goroutine())
	return in
}

// goroutine returns the calling goroutine's number as the runtime prints it in
// a stack trace: "goroutine 7 [running]:". It only serves to refuse a misuse.
func goroutine() string {
	var buf [32]byte
	line := buf[:runtime.Stack(buf[:], false)]
	if fields := bytes.Fields(line); len(fields) > 1 {
		return string(fields[1])
	}
	return ""
}
