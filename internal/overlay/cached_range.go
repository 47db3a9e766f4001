package overlay

import (
	"slices"
	"sort"

	"github.com/pbxkit/pbx/store"
)

// cachedRange is a part of an index that was read: all records that the store
// has from one key up to another.
type cachedRange struct {
	from, to string // from ≤ key < to
	keys     []string
	recs     []store.Record
}

// newCachedRange returns the range that a query's answer covers.
func newCachedRange(q store.Query, recs []store.Record) cachedRange {
	from, to := bounds(q)
	r := cachedRange{from: from, to: to, keys: make([]string, len(recs)), recs: recs}
	var fields []store.Field
	for i, rec := range recs {
		fields = rec.Fields(fields[:0])
		key, _ := q.Index.AppendFields(nil, fields)
		r.keys[i] = string(key)
	}
	if q.Desc {
		r.recs = slices.Clone(recs)
		slices.Reverse(r.keys)
		slices.Reverse(r.recs)
	}
	if q.Limit > 0 && len(recs) == q.Limit { // there may be more
		if q.Desc {
			r.from = r.keys[0]
		} else {
			r.to = r.keys[len(r.keys)-1] + "\x00"
		}
	}
	return r
}

// bounds returns the keys between which a query's records lie: from ≤ key < to.
func bounds(q store.Query) (from, to string) {
	low, high := q.Range()
	if high == nil {
		return string(low), "\xff"
	}
	return string(low), string(high)
}

// part returns the part of a range from one key up to another.
func (r *cachedRange) part(from, to string) cachedRange {
	lo, hi := sort.SearchStrings(r.keys, from), sort.SearchStrings(r.keys, to)
	return cachedRange{from: from, to: to, keys: r.keys[lo:max(lo, hi)], recs: r.recs[lo:max(lo, hi)]}
}

// answer returns the records of a query, whose bounds are from and to, if the
// range has all of them, or as many as the query's limit.
func (r *cachedRange) answer(q store.Query, from, to string) ([]store.Record, bool) {
	begins, ends := r.from <= from, to <= r.to
	if q.Desc {
		begins, ends = ends, begins
	}
	if !begins {
		return nil, false
	}
	recs := r.part(max(from, r.from), min(to, r.to)).recs
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

// cachedRanges are ranges of one index, none of which lies within another. So they
// are in the order of both their bounds, and of those that begin before a key the
// last one reaches furthest. A batch has as many of them as operations.
type cachedRanges []*cachedRange

// with adds a range, which replaces those that lie within it.
func (all cachedRanges) with(r *cachedRange) cachedRanges {
	hi := sort.Search(len(all), func(i int) bool { return all[i].from > r.from })
	if r.from >= r.to || hi > 0 && all[hi-1].to >= r.to {
		return all
	}
	lo := hi
	if lo > 0 && all[lo-1].from == r.from {
		lo--
	}
	for hi < len(all) && all[hi].to <= r.to {
		hi++
	}
	return slices.Replace(all, lo, hi, r)
}

// reaching returns the range that has most of what follows the key from or, where
// desc, of what comes before the key to. It is nil where no range can have any.
func (all cachedRanges) reaching(from, to string, desc bool) *cachedRange {
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
