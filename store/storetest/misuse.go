package storetest

import (
	"iter"
	"testing"
	"time"

	"github.com/pbxkit/pbx/store"
)

// misuse uses readers and writers after their end, and twice.
func misuse(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, map[string]func(*fixture){
		"a view's reader after its end": func(f *fixture) {
			var kept store.Reader
			var records iter.Seq2[store.Record, error]
			f.view(func(r store.Reader) {
				kept = r
				records = r.Find(f.ctx, store.Query{Index: f.tenant.Table().Key()})
			})
			f.useless(kept)
			f.sameError(records, store.ErrMisuse)
		},
		"a view's reader after its error": func(f *fixture) {
			var kept store.Reader
			_ = f.store.View(f.ctx, func(r store.Reader) error {
				kept = r
				return errClosure
			})
			f.useless(kept)
		},
		"a view's reader after its panic": func(f *fixture) {
			var kept store.Reader
			recovered(func() {
				_ = f.store.View(f.ctx, func(r store.Reader) error {
					kept = r
					panic(errClosure)
				})
			})
			f.useless(kept)
		},
		"a sequence pulled after its view's end": func(f *fixture) {
			add(f.world, f.location("A"))
			add(f.world, f.location("B"))
			f.save()
			var next func() (store.Record, error, bool)
			var stop func()
			f.view(func(r store.Reader) {
				next, stop = iter.Pull2(r.Find(f.ctx, store.Query{Index: f.location("").Table().Key()}))
				_, err, _ := next()
				f.ok(err)
			})
			defer stop()
			_, err, _ := next()
			f.is(err, store.ErrMisuse)
		},
		"a writer after its end": func(f *fixture) {
			before := f.dump()
			var kept store.Writer
			f.ok(f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
				kept = w
				return nil
			}))
			f.useless(kept)
			f.is(kept.Apply(f.ctx, insert(f.location("A"))), store.ErrMisuse)
			f.unchanged(before)
		},
		"a writer after its panic": func(f *fixture) {
			before := f.dump()
			var kept store.Writer
			recovered(func() {
				_ = f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
					kept = w
					panic(errClosure)
				})
			})
			f.useless(kept)
			f.is(kept.Apply(f.ctx, insert(f.location("A"))), store.ErrMisuse)
			f.unchanged(before)
		},
		"Apply twice": func(f *fixture) {
			before := f.dump()
			f.is(f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
				f.ok(w.Apply(f.ctx, insert(f.location("A"))))
				return w.Apply(f.ctx, insert(f.location("B")))
			}), store.ErrMisuse)
			f.unchanged(before)
		},
		"Apply twice, the error ignored": func(f *fixture) {
			before := f.dump()
			f.is(f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
				f.ok(w.Apply(f.ctx, insert(f.location("A"))))
				f.is(w.Apply(f.ctx, insert(f.location("B"))), store.ErrMisuse)
				return nil
			}), store.ErrMisuse)
			f.unchanged(before)
		},
	})
}

// useless fails the test unless every method of the reader is refused.
func (f *fixture) useless(r store.Reader) {
	f.Helper()
	_, err := r.Get(f.ctx, keyOf(f.tenant))
	f.is(err, store.ErrMisuse)
	f.sameError(r.Find(f.ctx, store.Query{Index: f.tenant.Table().Key()}), store.ErrMisuse)
	_, err = store.Fetch(f.ctx, r, store.Read{Query: store.Query{Index: f.tenant.Table().Key()}})
	f.is(err, store.ErrMisuse)
}

// sameError fails the test unless the sequence is one error, without a record.
func (f *fixture) sameError(records iter.Seq2[store.Record, error], want error) {
	f.Helper()
	steps := 0
	for record, err := range records {
		steps++
		f.equal(record, nil)
		f.is(err, want)
	}
	if steps != 1 {
		f.Fatalf("the sequence had %d steps, want one with the error %q", steps, want)
	}
}

// closing closes stores.
func closing(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, map[string]func(*fixture){
		"nothing works afterwards": func(f *fixture) {
			f.ok(f.store.Close())
			f.is(f.store.View(f.ctx, func(store.Reader) error { return nil }), store.ErrMisuse)
			f.is(f.store.Update(f.ctx, f.tenant.ID, func(store.Writer) error { return nil }), store.ErrMisuse)
			f.is(f.store.Close(), store.ErrMisuse)
			if far, ok := f.store.(store.Fetcher); ok {
				_, err := far.Fetch(f.ctx)
				f.is(err, store.ErrMisuse)
			}
		},
		"it waits for a view": func(f *fixture) {
			f.closesAfter(func(run func()) error {
				return f.store.View(f.ctx, func(r store.Reader) error {
					run()
					_, err := r.Get(f.ctx, keyOf(f.tenant))
					return err
				})
			})
		},
		"it waits for an update": func(f *fixture) {
			f.closesAfter(func(run func()) error {
				return f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
					run()
					return w.Apply(f.ctx, insert(f.location("A")))
				})
			})
		},
	})
}

// closesAfter closes the store while work runs, which calls run at some point, and
// fails the test unless the work succeeds and the store closes after it.
func (f *fixture) closesAfter(work func(run func()) error) {
	f.Helper()
	closed := make(chan error, 1)
	f.ok(work(func() {
		go func() { closed <- f.store.Close() }()
		select {
		case <-closed:
			f.Fatal("the store was closed under what ran")
		case <-time.After(20 * time.Millisecond):
		}
	}))
	select {
	case err := <-closed:
		f.ok(err)
	case <-time.After(time.Minute):
		f.Fatal("Close waits for what has ended")
	}
}
