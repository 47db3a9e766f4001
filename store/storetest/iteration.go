package storetest

import (
	"iter"
	"slices"
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// iteration reads inside the loop of a Find.
func iteration(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	var pools []store.Record
	for _, code := range []string{"A", "B", "C", "D"} {
		pools = append(pools, f.pool(code, 1))
	}
	f.must(insert(pools...)...)
	q := store.Query{Index: pools[0].Table().Key(), Equal: []any{f.tenant.ID}}

	t.Run("nested five deep", func(t *testing.T) {
		bothReaders(f.in(t), func(f *fixture, r store.Reader) {
			if got := f.nested(r, q, 5); got != 4*4*4*4*4 {
				f.Fatalf("got %d records in the innermost loops, want 1024", got)
			}
		})
	})
	t.Run("the same sequence twice", func(t *testing.T) {
		bothReaders(f.in(t), func(f *fixture, r store.Reader) {
			all := r.Find(f.ctx, q)
			for range 2 {
				f.equalAll(f.drain(all), pools)
			}
		})
	})
	t.Run("broken off", func(t *testing.T) {
		bothReaders(f.in(t), func(f *fixture, r store.Reader) {
			for n := range pools {
				f.equalAll(f.first(r.Find(f.ctx, q), n+1), pools[:n+1])
				f.equal(f.one(r, keyOf(pools[n])), pools[n])
			}
		})
	})
	t.Run("pulled", func(t *testing.T) {
		bothReaders(f.in(t), func(f *fixture, r store.Reader) {
			next, stop := iter.Pull2(r.Find(f.ctx, q))
			defer stop()
			for _, want := range pools[:3] {
				got, err, _ := next()
				f.ok(err)
				f.equal(got, want)
			}
		})
	})
	t.Run("views in views", func(t *testing.T) {
		f := f.in(t)
		f.viewsInViews(q, pools, 5)
	})
	t.Run("broken off with nothing left open", func(t *testing.T) {
		f := f.in(t)
		for range 50 {
			f.view(func(r store.Reader) { f.first(r.Find(f.ctx, q), 1) })
		}
		now := pools[0].(*pbx.StationPool)
		f.must(update(now, revised(now)))
	})
}

// nested returns how often the body of the innermost loop ran.
func (f *fixture) nested(r store.Reader, q store.Query, depth int) (count int) {
	f.Helper()
	if depth == 0 {
		return 1
	}
	for record, err := range r.Find(f.ctx, q) {
		f.ok(err)
		f.equal(f.one(r, keyOf(record)), record)
		count += f.nested(r, q, depth-1)
	}
	return count
}

func (f *fixture) viewsInViews(q store.Query, want []store.Record, depth int) {
	f.Helper()
	f.view(func(r store.Reader) {
		for record, err := range r.Find(f.ctx, q) {
			f.ok(err)
			if depth > 0 {
				f.viewsInViews(q, want, depth-1)
			}
			f.equal(record, want[0])
			break
		}
		f.equalAll(f.all(r, q), want)
	})
}

func (f *fixture) drain(records iter.Seq2[store.Record, error]) (list []store.Record) {
	f.Helper()
	for record, err := range records {
		f.ok(err)
		list = append(list, record)
	}
	return list
}

// first takes n records and leaves the loop.
func (f *fixture) first(records iter.Seq2[store.Record, error], n int) (list []store.Record) {
	f.Helper()
	for record, err := range records {
		f.ok(err)
		if list = append(list, record); len(list) == n {
			break
		}
	}
	return slices.Clip(list)
}
