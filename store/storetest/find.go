package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pbxkit/pbx"
)

// find asks for ranges of every index, in every shape that a query can have,
// and compares with what a filter and a sort of all records give.
func find(t *testing.T, open func(t *testing.T) pbx.Store) {
	f := start(t, open)
	f.company()
	f.save()
	var records []pbx.Record
	f.view(func(r pbx.Reader) { records = f.everything(r) })
	for _, table := range pbx.Tables() {
		for _, ix := range table.Indexes {
			t.Run(ix.Name, func(t *testing.T) {
				f := f.in(t)
				in := ordered(records, ix)
				bothReaders(f, func(f *fixture, r pbx.Reader) {
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
func same(a, b []pbx.Record) bool {
	return slices.EqualFunc(a, b, func(a, b pbx.Record) bool {
		return a.Table() == b.Table() && compareAll(keyOf(a).Values, keyOf(b).Values) == 0
	})
}

// ordered returns the records that are in the index, in its order.
func ordered(records []pbx.Record, ix *pbx.Index) []pbx.Record {
	var in []pbx.Record
	for _, r := range records {
		if r.Table() != ix.Table {
			continue
		}
		if _, ok := ix.Values(r); ok {
			in = append(in, r)
		}
	}
	slices.SortFunc(in, func(a, b pbx.Record) int { return compareAll(keyIn(ix, a).Values, keyIn(ix, b).Values) })
	return in
}

// expected returns what the query must yield of the records in its index.
func expected(in []pbx.Record, q pbx.Query) []pbx.Record {
	var found []pbx.Record
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
func within(q pbx.Query, values []any) bool {
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
func shapes(ix *pbx.Index, in []pbx.Record) []pbx.Query {
	var queries []pbx.Query
	picked := samples(in)
	for i, sample := range picked {
		values, others := keyIn(ix, sample).Values, keyIn(ix, picked[(i+1)%len(picked)]).Values
		queries = append(queries, pbx.Query{Index: ix, Equal: values})
		for fixed := range ix.Columns {
			q := pbx.Query{Index: ix, Equal: values[:fixed]}
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
func bounds(q pbx.Query, value, other any) []pbx.Query {
	from, to, both, crossed := q, q, q, q
	from.From = value
	to.To = other
	both.From, both.To = value, beyond(value)
	crossed.From, crossed.To = beyond(value), value
	queries := []pbx.Query{q, from, to, both, crossed}
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
func samples(in []pbx.Record) []pbx.Record {
	if len(in) < 3 {
		return in
	}
	return []pbx.Record{in[0], in[len(in)/2], in[len(in)-1]}
}

func distinct(queries []pbx.Query) []pbx.Query {
	seen := make(map[string]bool)
	return slices.DeleteFunc(queries, func(q pbx.Query) bool {
		text := describe(q)
		again := seen[text]
		seen[text] = true
		return again
	})
}

// describe renders a query for a failure's message.
func describe(q pbx.Query) string {
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
