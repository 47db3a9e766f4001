package storetest

import (
	"slices"
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// snapshots changes the store under running views.
func snapshots(t *testing.T, open func(t *testing.T) store.Store) {
	// The records A, B and C, and changes that delete A, alter B and insert D
	// and the pool of stations.
	world := func(f *fixture) (was []store.Record, changes []store.Change, is []store.Record, q store.Query) {
		a, b, c, d := f.location("A"), f.location("B"), f.location("C"), f.location("D")
		f.must(insert(a, b, c)...)
		b2 := with(revised(b), "building", "E")
		q = store.Query{Index: a.Table().Index("locations_building"), Equal: []any{f.tenant.ID}}
		changes = []store.Change{remove(a), update(b, b2), {New: d}, {New: f.pool("STANDARD", 1)}}
		return []store.Record{a, b, c}, changes, []store.Record{c, d, b2}, q
	}
	each(t, open, map[string]func(*fixture){
		"a view sees one state": func(f *fixture) {
			was, changes, is, q := world(f)
			f.view(func(r store.Reader) {
				f.equalAll(f.all(r, q), was)
				f.must(changes...)
				f.equalAll(f.all(r, q), was)
				got, err := r.Get(f.ctx, keyOf(was[0]), keyOf(was[1]), keyOf(is[1]), keyOf(f.pool("STANDARD", 1)))
				f.ok(err)
				f.equalAll(got, []store.Record{was[0], was[1], nil, nil})
				f.view(func(r store.Reader) { f.equalAll(f.all(r, q), is) })
				f.equalAll(f.all(r, q), was)
			})
			f.view(func(r store.Reader) { f.equalAll(f.all(r, q), is) })
		},
		"changed in the midst of a loop": func(f *fixture) {
			was, changes, is, q := world(f)
			f.view(func(r store.Reader) {
				var got []store.Record
				for record, err := range r.Find(f.ctx, q) {
					f.ok(err)
					if got = append(got, record); len(got) == 1 {
						f.must(changes...)
					}
				}
				f.equalAll(got, was)
			})
			f.view(func(r store.Reader) { f.equalAll(f.all(r, q), is) })
		},
		"changed in the midst of a long loop": func(f *fixture) {
			var was []store.Record
			var changes []store.Change
			for i := range int64(1000) {
				was = append(was, f.event(1+i, 1))
				changes = append(changes, remove(was[i]), store.Change{New: f.event(1+i, 2)})
			}
			f.must(insert(was...)...)
			f.view(func(r store.Reader) {
				next := 0
				for record, err := range r.Find(f.ctx, store.Query{Index: was[0].Table().Key()}) {
					f.ok(err)
					f.equal(record, was[next])
					if next++; next == 300 {
						f.must(changes...)
					}
				}
				if next != len(was) {
					f.Fatalf("the loop ended after %d records", next)
				}
			})
		},
		"a snapshot for each of many states": func(f *fixture) {
			p := f.pool("STANDARD", 0)
			f.must(insert(p)...)
			f.descend(p, 8)
		},
		"a view in an update": func(f *fixture) {
			was, changes, is, q := world(f)
			f.ok(again(func() error {
				return f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
					f.view(func(r store.Reader) { f.equalAll(f.all(r, q), was) })
					err := w.Apply(f.ctx, changes)
					f.view(func(r store.Reader) { f.equalAll(f.all(r, q), was) })
					return err
				})
			}))
			f.view(func(r store.Reader) { f.equalAll(f.all(r, q), is) })
		},
		"a view that goes on after an update that failed": func(f *fixture) {
			was, changes, _, q := world(f)
			f.view(func(r store.Reader) {
				f.equalAll(f.all(r, q), was)
				f.is(f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
					if err := w.Apply(f.ctx, changes); err != nil {
						return err
					}
					f.equalAll(f.all(r, q), was)
					return errClosure
				}), errClosure)
				f.equalAll(f.all(r, q), was)
			})
		},
		"a record that was read does not change": func(f *fixture) {
			p := f.pool("STANDARD", 1)
			p.Applications = []string{"A", "B"}
			f.must(insert(p)...)
			var got store.Record
			f.view(func(r store.Reader) { got = f.one(r, keyOf(p)) })
			before := clone(got)
			now := with(revised(p), "applications", slices.Clone(oddList))
			f.must(update(p, now))
			f.must(remove(now))
			f.equal(got, before)
		},
	})
}

// descend opens a view for each state of a record and checks them all when the
// last one is open.
func (f *fixture) descend(p *pbx.StationPool, depth int) {
	f.Helper()
	f.view(func(r store.Reader) {
		f.equal(f.one(r, keyOf(p)), p)
		if depth > 0 {
			now := with(revised(p), "total", p.Total+1)
			f.must(update(p, now))
			f.descend(now, depth-1)
		}
		f.equal(f.one(r, keyOf(p)), p)
	})
}
