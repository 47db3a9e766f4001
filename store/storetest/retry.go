package storetest

import (
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// retry makes changes that do not fit what the store holds.
func retry(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("a taken key", func(t *testing.T) { takenKeys(t, open) })
	t.Run("a taken unique value", func(t *testing.T) { takenValues(t, open) })
	pool := func(f *fixture) *pbx.StationPool {
		p := f.pool("STANDARD", 5)
		f.must(insert(p)...)
		return p
	}
	each(t, open, map[string]func(*fixture){
		"an update of a stale revision": func(f *fixture) {
			p := pool(f)
			f.must(update(p, revised(p)))
			f.stale(update(p, with(revised(p), "total", int64(9))))
		},
		"a deletion of a stale revision": func(f *fixture) {
			p := pool(f)
			f.must(update(p, revised(p)))
			f.stale(remove(p))
		},
		"an update of a revision that is not there yet": func(f *fixture) {
			p := pool(f)
			f.stale(update(revised(p), revised(revised(p))))
		},
		"an update of a record that is not there": func(f *fixture) {
			p := f.pool("STANDARD", 5)
			f.stale(update(p, revised(p)))
		},
		"a deletion of a record that is not there": func(f *fixture) {
			f.stale(remove(f.pool("STANDARD", 5)))
		},
		"a deletion of an event that is not there": func(f *fixture) {
			f.stale(remove(f.event(1, 1)))
		},
		"an update of a deleted record": func(f *fixture) {
			p := pool(f)
			f.must(remove(p))
			f.stale(update(p, revised(p)))
		},
		"an update of a record deleted and inserted anew": func(f *fixture) {
			p := pool(f)
			now := revised(p)
			f.must(update(p, now))
			f.must(remove(now))
			f.must(insert(clone(p))...)
			f.stale(update(now, revised(now)))
		},
		"two updates of one revision in one Apply": func(f *fixture) {
			p := pool(f)
			f.stale(update(p, revised(p)), update(p, revised(p)))
		},
		"two insertions of one key in one Apply": func(f *fixture) {
			f.stale(insert(f.pool("A", 1), f.pool("A", 1))...)
		},
		"a copy of the record is as good as the record": func(f *fixture) {
			p := pool(f)
			now := with(revised(p), "total", int64(6))
			f.must(update(clone(p), now))
			f.holds(now)
			f.must(remove(clone(now)))
			f.lacks(now)
		},
	})
}

// stale fails the test unless the changes give ErrRetry, with nothing changed.
func (f *fixture) stale(changes ...store.Change) {
	f.Helper()
	before := f.dump()
	f.is(f.try(changes...), store.ErrRetry)
	f.unchanged(before)
}

func takenKeys(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	variants := f.variants()
	f.save()
	for _, table := range pbx.Tables() {
		t.Run(table.Name, func(t *testing.T) {
			f := f.in(t)
			r := variants[table.Name][0]
			f.must(insert(r)...)
			f.stale(insert(clone(r))...)
			f.must(remove(r))
			f.must(insert(r)...)
		})
	}
}

// takenValues has, for each unique index, a record take the value of another,
// by an insertion and by an update.
func takenValues(t *testing.T, open func(t *testing.T) store.Store) {
	for _, table := range pbx.Tables() {
		for _, ix := range table.Indexes[1:] {
			if !ix.Unique {
				continue
			}
			t.Run(ix.Name, func(t *testing.T) {
				f := start(t, open)
				clash, ok := clashes[ix.Name]
				if !ok {
					f.Fatalf("storetest has no two records that clash in %s", ix.Name)
				}
				free, taking := clash(f.customer)
				f.save()
				f.stale(insert(taking)...)
				f.must(insert(free)...)
				f.stale(update(free, revised(taking)))
				f.must(update(free, revised(free)))
			})
		}
	}
}
