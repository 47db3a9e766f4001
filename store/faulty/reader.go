package faulty

import (
	"context"
	"iter"

	"github.com/pbxkit/pbx/store"
)

type reader struct {
	store    *Store
	inner    store.Reader
	updating bool
}

// Get returns the records at the keys, or fails.
func (r *reader) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	fault := r.store.reach(Get)
	if err := r.store.before(fault, Get, r.updating); err != nil {
		return nil, err
	}
	ctx, cancel := r.store.context(ctx, fault)
	defer cancel()
	records, err := r.inner.Get(ctx, keys...)
	if err == nil && fault == ErrorAfter {
		return nil, injected(Get)
	}
	return records, err
}

// Find yields the records of a range, or fails.
func (r *reader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		fault := r.store.reach(Find)
		if err := r.store.before(fault, Find, r.updating); err != nil {
			yield(nil, err)
			return
		}
		ctx, cancel := r.store.context(ctx, fault)
		defer cancel()
		if fault == ErrorAfter {
			r.lose(ctx, q)
			yield(nil, injected(Find))
			return
		}
		for record, err := range r.inner.Find(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !r.step(record, cancel, yield) {
				return
			}
		}
		if err := ctx.Err(); err != nil { // it ended at the last record
			yield(nil, err)
		}
	}
}

// lose begins a Find whose records are dropped.
func (r *reader) lose(ctx context.Context, q store.Query) {
	for range r.inner.Find(ctx, q) {
		return
	}
}

// step yields one record, and reports whether the loop goes on.
func (r *reader) step(record store.Record, cancel context.CancelFunc, yield func(store.Record, error) bool) bool {
	fault := r.store.reach(Step)
	if err := r.store.before(fault, Step, r.updating); err != nil {
		yield(nil, err)
		return false
	}
	if fault == ContextEnded {
		r.store.end(cancel)
	}
	if !yield(record, nil) {
		return false
	}
	if fault == ErrorAfter {
		yield(nil, injected(Step))
		return false
	}
	return true
}

type writer struct {
	reader
	inner   store.Writer
	applied bool
}

// Apply makes the changes, or fails.
func (w *writer) Apply(ctx context.Context, changes []store.Change) error {
	fault := w.store.reach(Apply)
	if err := w.store.before(fault, Apply, true); err != nil {
		return err
	}
	ctx, cancel := w.store.context(ctx, fault)
	defer cancel()
	if err := w.inner.Apply(ctx, changes); err != nil {
		return err
	}
	if fault == ErrorAfter {
		return injected(Apply)
	}
	w.applied = true
	return nil
}
