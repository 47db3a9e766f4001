package overlay

import (
	"slices"
	"sort"

	"github.com/pbxkit/pbx/store"
)

// span is a part of an index that was read: all records that the store has
// from one entry to another.
type span struct {
	from, to string // from ≤ entry < to
	keys     []string
	recs     []store.Record
}

// newSpan is what a query's answer tells.
func newSpan(q store.Query, recs []store.Record) span {
	from, to := bounds(q)
	s := span{from: from, to: to, keys: make([]string, len(recs)), recs: recs}
	var fields []store.Field
	for i, rec := range recs {
		fields = rec.Fields(fields[:0])
		key, _ := q.Index.AppendFields(nil, fields)
		s.keys[i] = string(key)
	}
	if q.Desc {
		s.recs = slices.Clone(recs)
		slices.Reverse(s.keys)
		slices.Reverse(s.recs)
	}
	if q.Limit > 0 && len(recs) == q.Limit { // there may be more
		if q.Desc {
			s.from = s.keys[0]
		} else {
			s.to = s.keys[len(s.keys)-1] + "\x00"
		}
	}
	return s
}

// bounds are the entries between which a query's records lie.
func bounds(q store.Query) (from, to string) {
	low, high := q.Range()
	if high == nil {
		return string(low), "\xff"
	}
	return string(low), string(high)
}

// part is the part of a span from one entry to another.
func (s *span) part(from, to string) span {
	lo, hi := sort.SearchStrings(s.keys, from), sort.SearchStrings(s.keys, to)
	return span{from: from, to: to, keys: s.keys[lo:max(lo, hi)], recs: s.recs[lo:max(lo, hi)]}
}

// answer returns the records of a query from one entry to another, if the span
// has all of them, or as many as it wants.
func (s *span) answer(q store.Query, from, to string) ([]store.Record, bool) {
	begins, ends := s.from <= from, to <= s.to
	if q.Desc {
		begins, ends = ends, begins
	}
	if !begins {
		return nil, false
	}
	recs := s.part(max(from, s.from), min(to, s.to)).recs
	if !ends && (q.Limit == 0 || len(recs) < q.Limit) {
		return nil, false
	}
	if q.Desc {
		recs = slices.Clone(recs)
		slices.Reverse(recs)
	}
	if q.Limit > 0 && len(recs) > q.Limit {
		recs = recs[:q.Limit]
	}
	return recs, true
}

// spans are parts of one index of which none lies within another: so they are in
// the order of both their ends, and of those that begin before an entry the last
// goes furthest. A batch has as many of them as operations.
type spans []*span

// with adds a span, in the place of those within it.
func (all spans) with(s *span) spans {
	hi := sort.Search(len(all), func(i int) bool { return all[i].from > s.from })
	if s.from >= s.to || hi > 0 && all[hi-1].to >= s.to {
		return all
	}
	lo := hi
	if lo > 0 && all[lo-1].from == s.from {
		lo--
	}
	for hi < len(all) && all[hi].to <= s.to {
		hi++
	}
	return slices.Replace(all, lo, hi, s)
}

// reaching is the span that has most of what follows an entry; where desc, of
// what comes before the other. It is nil where none begins there.
func (all spans) reaching(from, to string, desc bool) *span {
	var at int
	if desc {
		at = sort.Search(len(all), func(i int) bool { return all[i].to >= to })
	} else {
		at = sort.Search(len(all), func(i int) bool { return all[i].from > from }) - 1
	}
	if at < 0 || at == len(all) {
		return nil
	}
	return all[at]
}
