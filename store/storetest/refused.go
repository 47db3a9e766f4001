package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// refused gives changes that no store makes, whatever it holds.
func refused(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	variants := f.variants()
	f.save()
	before := f.dump()
	for _, table := range pbx.Tables() {
		t.Run("text in "+table.Name, func(t *testing.T) {
			f := f.in(t)
			for _, column := range table.Columns {
				for name, value := range badValues(column.Type) {
					f.refuses(with(variants[table.Name][0], column.Name, value), column.Name, name)
				}
			}
			f.unchanged(before)
		})
	}
	each(t, open, map[string]func(*fixture){
		"text of an update": func(f *fixture) {
			l := f.location("W20")
			f.must(insert(l)...)
			before := f.dump()
			f.is(f.try(update(l, with(revised(l), "name", "a\x00b"))), store.ErrInvalid)
			f.unchanged(before)
		},
		"text of the last of many changes": func(f *fixture) {
			before := f.dump()
			f.is(f.try(insert(f.location("A"), f.location("B"), f.location("C\xff"))...), store.ErrInvalid)
			f.unchanged(before)
		},
		"a time that is not UTC": func(f *fixture) {
			o := f.order(1)
			o.PlacedAt = epoch.In(time.FixedZone("east", 3600))
			f.refuses(o, "placed_at", "another zone")
		},
		"a time with nanoseconds": func(f *fixture) {
			o := f.order(1)
			o.BillingFrom = epoch.Add(time.Nanosecond)
			f.refuses(o, "billing_from", "nanoseconds")
		},
		"a column without the value that it needs": func(f *fixture) {
			f.refuses(with(f.location("A"), "tenant_id", [16]byte{}), "tenant_id", "no tenant")
			f.refuses(with(f.order(1), "placed_at", time.Time{}), "placed_at", "no time")
		},
		"a change without a record": func(f *fixture) {
			f.is(f.try(store.Change{}), store.ErrMisuse)
		},
		"an update that does not raise the revision": func(f *fixture) {
			l := f.location("A")
			f.must(insert(l)...)
			f.is(f.try(update(l, with(l, "name", "other"))), store.ErrMisuse)
			f.holds(l)
		},
		"an update of a key": func(f *fixture) {
			p := f.pool("A", 1)
			f.must(insert(p)...)
			f.is(f.try(update(p, with(revised(p), "package", "B"))), store.ErrMisuse)
			f.holds(p)
		},
		"an update of an event": func(f *fixture) {
			e := f.event(1, 1)
			f.must(insert(e)...)
			f.is(f.try(update(e, with(e, "detail", "other"))), store.ErrMisuse)
			f.holds(e)
		},
		"an update to another kind of record": func(f *fixture) {
			l := f.location("A")
			f.must(insert(l)...)
			f.is(f.try(update(l, f.pool("A", 1))), store.ErrMisuse)
			f.holds(l)
		},
	})
}

// badValues returns values of a type that no store takes, by what is wrong.
func badValues(kind store.Type) map[string]any {
	switch kind {
	case store.Text:
		return map[string]any{"NUL": "a\x00b", "a NUL at the end": "a\x00", "half a character": "a\xc3", "a surrogate": "\xed\xa0\x80"}
	case store.List:
		return map[string]any{"NUL": []string{"a", "\x00"}, "invalid UTF-8": []string{"a", "\xff"}}
	}
	return nil
}

// refuses fails the test unless an insertion of the record is an error of kind
// ErrInvalid that names the column.
func (f *fixture) refuses(r store.Record, column, what string) {
	f.Helper()
	err := f.try(insert(r)...)
	var e *store.Error
	if !errors.As(err, &e) || !errors.Is(err, store.ErrInvalid) || e.Field != column {
		f.Fatalf("%s in column %s: got error %v, want one of kind ErrInvalid that names the column", what, column, err)
	}
}
