package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/pbxkit/pbx/store"
)

// contexts ends contexts before, during and after.
func contexts(t *testing.T, open func(t *testing.T) store.Store) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	each(t, open, map[string]func(*fixture){
		"ended before a view": func(f *fixture) {
			f.is(f.store.View(ended, func(store.Reader) error { return nil }), context.Canceled)
		},
		"ended before an update": func(f *fixture) {
			before := f.dump()
			f.is(f.store.Update(ended, f.tenant.ID, func(w store.Writer) error {
				return w.Apply(f.ctx, insert(f.location("A")))
			}), context.Canceled)
			f.unchanged(before)
		},
		"ended before Get and Find": func(f *fixture) {
			bothReaders(f, func(f *fixture, r store.Reader) {
				_, err := r.Get(ended, keyOf(f.tenant))
				f.is(err, context.Canceled)
				f.sameError(r.Find(ended, store.Query{Index: f.tenant.Table().Key()}), context.Canceled)
				f.equal(f.one(r, keyOf(f.tenant)), f.tenant)
			})
		},
		"ended before Apply": func(f *fixture) {
			before := f.dump()
			f.is(f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
				return w.Apply(ended, insert(f.location("A")))
			}), context.Canceled)
			f.unchanged(before)
			f.must(insert(f.location("A"))...)
		},
		"ended between Apply and the commit": func(f *fixture) {
			before := f.dump()
			ctx, cancel := context.WithCancel(f.ctx)
			f.is(f.store.Update(ctx, f.tenant.ID, func(w store.Writer) error {
				if err := w.Apply(ctx, insert(f.location("A"))); err != nil {
					return err
				}
				cancel()
				return nil
			}), context.Canceled)
			f.unchanged(before)
			f.must(insert(f.location("A"))...)
		},
		"ended after the commit": func(f *fixture) {
			ctx, cancel := context.WithCancel(f.ctx)
			l := f.location("A")
			f.ok(again(func() error {
				return f.store.Update(ctx, f.tenant.ID, func(w store.Writer) error { return w.Apply(ctx, insert(l)) })
			}))
			cancel()
			f.holds(l)
		},
		"ended in the midst of a loop": func(f *fixture) {
			for i := range int64(1000) {
				add(f.world, f.event(1+i, 1))
			}
			f.save()
			q := store.Query{Index: f.event(1, 1).Table().Key()}
			bothReaders(f, func(f *fixture, r store.Reader) {
				ctx, cancel := context.WithCancel(f.ctx)
				defer cancel()
				var last error
				for _, err := range r.Find(ctx, q) {
					cancel()
					last = err
				}
				f.is(last, context.Canceled)
			})
			f.must(insert(f.location("A"))...)
		},
		"ended while waiting for the tenant": func(f *fixture) {
			l := f.location("A")
			f.ok(again(func() error {
				return f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
					f.equal(f.one(w, keyOf(f.tenant)), f.tenant) // from here on it has the tenant to itself
					waiting := make(chan error, 1)
					go func() {
						ctx, cancel := context.WithTimeout(f.ctx, 20*time.Millisecond)
						defer cancel()
						waiting <- f.store.Update(ctx, f.tenant.ID, func(w store.Writer) error {
							return w.Apply(ctx, insert(f.location("B")))
						})
					}()
					f.is(<-waiting, context.DeadlineExceeded)
					return w.Apply(f.ctx, insert(l))
				})
			}))
			f.holds(l)
			f.must(insert(f.location("B"))...)
		},
	})
}
