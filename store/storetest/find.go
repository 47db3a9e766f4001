package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// find asks for ranges of every index, in every shape that a query can have,
// and compares with what a filter and a sort of all records give.
func find(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	f.company()
	f.save()
	var records []store.Record
	f.view(func(r store.Reader) { records = f.everything(r) })
	for _, table := range pbx.Tables() {
		for _, ix := range table.Indexes {
			t.Run(ix.Name, func(t *testing.T) {
				f := f.in(t)
				in := ordered(records, ix)
				bothReaders(f, func(f *fixture, r store.Reader) {
					for _, q := range shapes(ix, in) {
						got, want := f.all(r, q), expected(in, q)
						if !same(got, want) {
							f.Fatalf("%s:\n%s", describe(q), difference(showAll(want), showAll(got)))
						}
					}
				})
			})
		}
	}
}

// same reports whether two lists have the same records: by their keys, since
// other tests compare the other columns.
func same(a, b []store.Record) bool {
	return slices.EqualFunc(a, b, func(a, b store.Record) bool {
		return a.Table() == b.Table() && compareAll(keyOf(a).Values, keyOf(b).Values) == 0
	})
}

// ordered returns the records that are in the index, in its order.
func ordered(records []store.Record, ix *store.Index) []store.Record {
	var in []store.Record
	for _, r := range records {
		if r.Table() != ix.Table {
			continue
		}
		if _, ok := ix.Values(r); ok {
			in = append(in, r)
		}
	}
	slices.SortFunc(in, func(a, b store.Record) int { return compareAll(keyIn(ix, a).Values, keyIn(ix, b).Values) })
	return in
}

// expected returns what the query must yield of the records in its index.
func expected(in []store.Record, q store.Query) []store.Record {
	var found []store.Record
	for _, r := range in {
		if within(q, keyIn(q.Index, r).Values) {
			found = append(found, r)
		}
	}
	if q.Desc {
		slices.Reverse(found)
	}
	if q.Limit > 0 && len(found) > q.Limit {
		found = found[:q.Limit]
	}
	return found
}

// within reports whether a record with these values of the index's columns is
// in the range.
func within(q store.Query, values []any) bool {
	if compareAll(q.Equal, values) != 0 {
		return false
	}
	rest := values[len(q.Equal):]
	if q.After != nil {
		if c := compareAll(q.After, rest); c == 0 || (c < 0) == q.Desc {
			return false
		}
	}
	if q.Prefix != "" && !strings.HasPrefix(rest[0].(string), q.Prefix) {
		return false
	}
	return (q.From == nil || compare(rest[0], q.From) >= 0) && (q.To == nil || compare(rest[0], q.To) < 0)
}

// shapes returns queries of the index: with each number of leading columns
// fixed, the next one bounded in each way, with and without After, in both
// orders, limited and not, by the values of records and by others.
func shapes(ix *store.Index, in []store.Record) []store.Query {
	var queries []store.Query
	picked := samples(in)
	for i, sample := range picked {
		values, others := keyIn(ix, sample).Values, keyIn(ix, picked[(i+1)%len(picked)]).Values
		queries = append(queries, store.Query{Index: ix, Equal: values})
		for fixed := range ix.Columns {
			q := store.Query{Index: ix, Equal: values[:fixed]}
			for j, q := range bounds(q, values[fixed], others[fixed]) {
				queries = append(queries, q)
				q.After = [][]any{values, others}[j%2][fixed:]
				queries = append(queries, q)
			}
		}
	}
	for _, q := range slices.Clone(queries) {
		q.Desc = true
		queries = append(queries, q)
	}
	for i, q := range slices.Clone(queries) {
		q.Limit = 1 + i%3
		queries = append(queries, q)
	}
	return distinct(queries)
}

// bounds returns the query unbounded, and bounded by From, To, both, and
// Prefix.
func bounds(q store.Query, value, other any) []store.Query {
	from, to, both, crossed := q, q, q, q
	from.From = value
	to.To = other
	both.From, both.To = value, beyond(value)
	crossed.From, crossed.To = beyond(value), value
	queries := []store.Query{q, from, to, both, crossed}
	if text, ok := value.(string); ok && text != "" {
		for _, prefix := range []string{text[:1], text[:(len(text)+1)/2], text, text + "~"} {
			q.Prefix = strings.ToValidUTF8(prefix, "")
			queries = append(queries, q)
		}
	}
	return queries
}

// beyond returns a value above this one that no record has.
func beyond(value any) any {
	switch v := value.(type) {
	case string:
		return v + " "
	case int64:
		return v + 1
	case time.Time:
		return v.Add(time.Microsecond)
	case [16]byte:
		v[15]++
		return v
	}
	panic(fmt.Sprintf("storetest: an index of %T", value))
}

// samples returns the first, the last, and one of the records between.
func samples(in []store.Record) []store.Record {
	if len(in) < 3 {
		return in
	}
	return []store.Record{in[0], in[len(in)/2], in[len(in)-1]}
}

func distinct(queries []store.Query) []store.Query {
	seen := make(map[string]bool)
	return slices.DeleteFunc(queries, func(q store.Query) bool {
		text := describe(q)
		again := seen[text]
		seen[text] = true
		return again
	})
}

// describe renders a query for a failure's message.
func describe(q store.Query) string {
	text := "Find " + q.Index.Name
	for _, v := range q.Equal {
		text += " = " + showValue(v)
	}
	if q.Prefix != "" {
		text += " prefix " + showValue(q.Prefix)
	}
	if q.From != nil {
		text += " from " + showValue(q.From)
	}
	if q.To != nil {
		text += " to " + showValue(q.To)
	}
	for i, v := range q.After {
		text += []string{" after ", ", "}[min(i, 1)] + showValue(v)
	}
	return fmt.Sprintf("%s desc=%t limit=%d", text, q.Desc, q.Limit)
}
