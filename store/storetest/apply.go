package storetest

import (
	"slices"
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// inOrder makes changes that fit only in their order.
func inOrder(t *testing.T, open func(t *testing.T) store.Store) {
	// Three records, of which the first has the value of a unique index that
	// the second is to get, and the second the one that the third is.
	three := func(f *fixture) (a, b, c *pbx.Location) {
		a, b = f.location("A"), f.location("B")
		f.must(insert(a, b)...)
		return a, b, f.location("B")
	}
	each(t, open, map[string]func(*fixture){
		"a unique value freed by an update and taken": func(f *fixture) {
			a, b, c := three(f)
			a2, b2 := with(revised(a), "building", "Z"), with(revised(b), "building", "A")
			f.must(update(a, a2), update(b, b2), store.Change{New: c})
			f.holds(a2)
			f.holds(b2)
			f.holds(c)
		},
		"a unique value freed by a deletion and taken": func(f *fixture) {
			a, b, c := three(f)
			b2 := with(revised(b), "building", "A")
			f.must(remove(a), update(b, b2), store.Change{New: c})
			f.lacks(a)
			f.holds(b2)
			f.holds(c)
		},
		"a unique value taken before it is freed": func(f *fixture) {
			a, b, _ := three(f)
			f.stale(update(b, with(revised(b), "building", "A")), remove(a))
			f.stale(update(b, with(revised(b), "building", "A")), update(a, with(revised(a), "building", "Z")))
		},
		"two records swap a unique value by way of a third value": func(f *fixture) {
			a, b, _ := three(f)
			aside, a2, b2 := with(revised(a), "building", ""), with(revised(revised(a)), "building", "B"), with(revised(b), "building", "A")
			f.must(update(a, aside), update(b, b2), update(aside, a2))
			f.holds(a2)
			f.holds(b2)
		},
		"inserted, updated and deleted": func(f *fixture) {
			before := f.dump()
			l := f.location("A")
			l2 := with(revised(l), "building", "B")
			f.must(store.Change{New: l}, update(l, l2), remove(l2))
			f.unchanged(before)
		},
		"inserted and updated": func(f *fixture) {
			l := f.location("A")
			l2 := with(revised(l), "building", "B")
			f.must(store.Change{New: l}, update(l, l2))
			f.holds(l2)
		},
		"deleted and inserted anew": func(f *fixture) {
			a, _, _ := three(f)
			anew := with(a, "name", "anew")
			f.must(remove(a), store.Change{New: anew})
			f.holds(anew)
		},
		"everything inserted at once, and deleted at once, children first": func(f *fixture) {
			before := f.dump()
			f.company()
			records := f.records
			f.must(insert(records...)...)
			for _, r := range records {
				f.holds(r)
			}
			var changes []store.Change
			for i := len(records) - 1; i >= 0; i-- {
				changes = append(changes, remove(records[i]))
			}
			f.must(changes...)
			f.unchanged(before)
		},
		"records of another tenant": func(f *fixture) {
			n := f.world.provider().number()
			f.records = append(f.records, n)
			f.save()
			got := revised(n)
			got.TenantID, got.State = f.tenant.ID, pbx.NumberAvailable
			f.must(update(n, got))
			f.holds(got)
		},
	})
}

// allOrNothing makes changes of which one does not fit.
func allOrNothing(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, map[string]func(*fixture){
		"wherever the one is that does not fit": func(f *fixture) {
			a, b, kept := f.location("A"), f.location("B"), f.location("K")
			p := f.pool("STANDARD", 5)
			f.must(insert(a, b, kept, p)...)
			good := []store.Change{
				{New: f.location("C")},
				update(a, with(revised(a), "building", "D")),
				remove(b),
				{New: f.location("A")},
				update(p, with(revised(p), "total", int64(6))),
				{New: f.event(2, 1)},
			}
			for _, bad := range []store.Change{
				{New: clone(p)},
				{New: f.location("K")},
				remove(f.location("X")),
				update(revised(b), revised(revised(b))),
			} {
				for at := range len(good) + 1 {
					f.stale(slices.Insert(slices.Clone(good), at, bad)...)
				}
			}
			f.must(good...)
		},
		"the last of a thousand": func(f *fixture) {
			var changes []store.Change
			for i := range int64(1000) {
				changes = append(changes, store.Change{New: f.event(1+i/10, 1+i%10)})
			}
			f.stale(append(changes, changes[0])...)
			f.must(changes...)
		},
	})
}
