package storetest

import (
	"slices"
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// findNothing asks for records that do not exist, and for records that an index
// leaves out.
func findNothing(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	site := add(f.world, f.location("W20"))
	with, without := add(f.world, f.user("With", "Site")), add(f.world, f.user("Without", "Site"))
	with.LocationID = site.ID
	f.save()
	users := with.Table()
	nothing := func(name string, q store.Query) {
		t.Run(name, func(t *testing.T) {
			bothReaders(f.in(t), func(f *fixture, r store.Reader) { f.equalAll(f.all(r, q), nil) })
		})
	}
	nothing("in an empty table", store.Query{Index: f.port().Table().Key()})
	nothing("of a tenant without records", store.Query{Index: users.Key(), Equal: []any{f.world.uuid()}})
	nothing("between a bound and itself", store.Query{
		Index: users.Index("users_by_last"), Equal: []any{f.tenant.ID}, From: "site", To: "site",
	})
	nothing("behind the last", store.Query{
		Index: users.Index("users_by_last"), Equal: []any{f.tenant.ID}, After: []any{"site", "without", without.ID},
	})
	t.Run("records with NULL in an index's column are not in it", func(t *testing.T) {
		bothReaders(f.in(t), func(f *fixture, r store.Reader) {
			f.equalAll(f.all(r, store.Query{Index: users.Index("users_by_location")}), []store.Record{with})
			f.equalAll(f.all(r, store.Query{Index: users.Index("users_by_station")}), nil)
		})
	})
	t.Run("a column set and cleared", func(t *testing.T) {
		f := f.in(t)
		byLocation := store.Query{Index: users.Index("users_by_location"), Equal: []any{f.tenant.ID, site.ID}}
		moved, left := revised(without), revised(with)
		moved.LocationID, left.LocationID = site.ID, pbx.LocationID{}
		f.must(update(without, moved), update(with, left))
		f.view(func(r store.Reader) { f.equalAll(f.all(r, byLocation), []store.Record{moved}) })
	})
}

// paging reads 2,000 records in pages of 7, both ways.
func paging(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	for i := range int64(2000) {
		add(f.world, f.event(1+i/7, 1+i%7))
	}
	want := slices.Clone(f.records)
	f.save()
	q := store.Query{Index: want[0].Table().Key(), Equal: []any{f.tenant.ID}, Limit: 7}
	t.Run("forwards", func(t *testing.T) {
		bothReaders(f.in(t), func(f *fixture, r store.Reader) { f.equalAll(f.pages(r, q), want) })
	})
	q.Desc = true
	t.Run("backwards", func(t *testing.T) {
		backwards := slices.Clone(want)
		slices.Reverse(backwards)
		bothReaders(f.in(t), func(f *fixture, r store.Reader) { f.equalAll(f.pages(r, q), backwards) })
	})
	t.Run("a view for each page", func(t *testing.T) {
		f := f.in(t)
		q := q
		q.Desc = false
		var got []store.Record
		for range 10 {
			f.view(func(r store.Reader) { got = append(got, f.all(r, q)...) })
			q.After = keyOf(got[len(got)-1]).Values[1:]
		}
		f.equalAll(got, want[:70])
	})
}

// pages reads page after page until one is not full.
func (f *fixture) pages(r store.Reader, q store.Query) (got []store.Record) {
	f.Helper()
	for {
		page := f.all(r, q)
		got = append(got, page...)
		if len(page) < q.Limit {
			return got
		}
		q.After = keyOf(page[len(page)-1]).Values[len(q.Equal):]
	}
}
