package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/pbxkit/pbx/store"
)

var errClosure = errors.New("the closure's own error")

// outcome ends updates in every way.
func outcome(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, map[string]func(*fixture){
		"committed, and there for whoever comes": func(f *fixture) {
			l := f.location("A")
			f.must(insert(l)...)
			bothReaders(f, func(f *fixture, r store.Reader) { f.equal(f.one(r, keyOf(l)), l) })
		},
		"the closure runs once": func(f *fixture) {
			runs := 0
			_ = f.store.Update(f.ctx, f.tenant.ID, func(store.Writer) error {
				runs++
				return store.ErrRetry
			})
			if runs != 1 {
				f.Fatalf("the closure ran %d times", runs)
			}
		},
		"nothing applied": func(f *fixture) {
			before := f.dump()
			f.ok(again(func() error {
				return f.store.Update(f.ctx, f.tenant.ID, func(store.Writer) error { return nil })
			}))
			f.must()
			f.unchanged(before)
		},
		"a tenant that is not there yet": func(f *fixture) {
			t := f.world.tenant(f.uuid(), "New")
			f.ok(again(func() error { return f.tryFor(t.ID, insert(t)...) }))
			f.holds(t)
		},
		"the closure fails before Apply": func(f *fixture) {
			f.is(f.store.Update(f.ctx, f.tenant.ID, func(store.Writer) error { return errClosure }), errClosure)
		},
		"the closure fails after Apply": func(f *fixture) {
			f.rolledBack(func(ctx context.Context, w store.Writer) error { return fmt.Errorf("wrapped: %w", errClosure) }, errClosure)
		},
		"the closure panics after Apply": func(f *fixture) {
			f.rolledBack(func(context.Context, store.Writer) error { panic(errClosure) }, nil)
		},
		"the goroutine ends after Apply": func(f *fixture) {
			f.rolledBack(func(context.Context, store.Writer) error {
				runtime.Goexit()
				return nil
			}, nil)
		},
		"the closure ignores that Apply failed": func(f *fixture) {
			p := f.pool("STANDARD", 5)
			f.must(insert(p)...)
			before := f.dump()
			f.is(f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
				_ = w.Apply(f.ctx, insert(f.location("A"), clone(p)))
				return nil
			}), store.ErrRetry)
			f.unchanged(before)
		},
		"reads after Apply see what is committed, or are refused": func(f *fixture) {
			p := f.pool("STANDARD", 5)
			f.must(insert(p)...)
			f.ok(again(func() error {
				return f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
					if err := w.Apply(f.ctx, []store.Change{update(p, with(revised(p), "total", int64(6)))}); err != nil {
						return err
					}
					got, err := w.Get(f.ctx, keyOf(p))
					if err == nil {
						f.equal(got[0], p)
					} else {
						f.is(err, store.ErrMisuse)
					}
					return nil
				})
			}))
			f.holds(with(revised(p), "total", int64(6)))
		},
		"the view's closure fails": func(f *fixture) {
			f.is(f.store.View(f.ctx, func(store.Reader) error { return errClosure }), errClosure)
		},
		"the view's closure panics in a loop": func(f *fixture) {
			q := store.Query{Index: f.tenant.Table().Key()}
			for range 20 {
				got := recovered(func() {
					_ = f.store.View(f.ctx, func(r store.Reader) error {
						for range r.Find(f.ctx, q) {
							panic(errClosure)
						}
						return nil
					})
				})
				if got != errClosure {
					f.Fatalf("recovered %v", got)
				}
			}
			f.must(insert(f.location("A"))...)
		},
	})
}

// rolledBack applies a change, ends the closure, and fails the test unless
// nothing was changed and the next update goes through. An error is what
// Update returns where want is not nil; else Update does not return.
func (f *fixture) rolledBack(end func(context.Context, store.Writer) error, want error) {
	f.Helper()
	p := f.pool("STANDARD", 5)
	f.must(insert(p)...)
	before := f.dump()
	ctx, cancel := context.WithTimeout(f.ctx, time.Minute)
	defer cancel()
	done := make(chan any, 1)
	go func() {
		var err error
		defer func() {
			if r := recover(); r != nil {
				done <- r
			} else {
				done <- err
			}
		}()
		err = f.store.Update(ctx, f.tenant.ID, func(w store.Writer) error {
			if err := w.Apply(ctx, []store.Change{update(p, revised(p)), {New: f.location("A")}}); err != nil {
				return err
			}
			return end(ctx, w)
		})
	}()
	got := <-done
	if err, _ := got.(error); want != nil && !errors.Is(err, want) {
		f.Fatalf("got %v, want an error that wraps %q", got, want)
	}
	f.unchanged(before)
	f.must(update(p, revised(p)))
}

// recovered returns what fn panicked with.
func recovered(fn func()) (value any) {
	defer func() { value = recover() }()
	fn()
	return nil
}
