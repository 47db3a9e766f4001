package overlay

import (
	"context"
	"iter"
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

// learnReads keeps what was read ahead.
func (o *Overlay) learnReads(reads []store.Read, results [][]store.Record) {
	for i := range reads {
		r := &reads[i]
		if r.Source == 0 {
			o.learnSpan(r.Index, newSpan(r.Query, results[i]))
			continue
		}
		whole := newSpan(r.Query, results[i])
		for _, q := range r.Queries(results[r.Source-1]) {
			o.learnSpan(r.Index, whole.part(bounds(q)))
		}
	}
}

func (o *Overlay) learnSpan(ix *store.Index, s span) {
	if o.spans == nil {
		o.spans = make(map[*store.Index]spans)
	}
	o.spans[ix] = o.spans[ix].with(&s)
	for _, rec := range s.recs {
		o.learnRecord(rec)
	}
}

// answer returns the committed records of a query, if they were read ahead.
func (o *Overlay) answer(q store.Query) ([]store.Record, bool) {
	if len(o.spans[q.Index]) == 0 {
		return nil, false
	}
	from, to := bounds(q)
	if s := o.spans[q.Index].reaching(from, to, q.Desc); s != nil {
		return s.answer(q, from, to)
	}
	return nil, false
}

// knowsAll reports whether nothing of the reads is new.
func (o *Overlay) knowsAll(reads []store.Read) bool {
	results := make([][]store.Record, len(reads))
	for i := range reads {
		queries := []store.Query{reads[i].Query}
		if reads[i].Source > 0 {
			queries = reads[i].Queries(results[reads[i].Source-1])
		}
		for _, q := range queries {
			recs, known := o.recall(q)
			if !known {
				return false
			}
			results[i] = append(results[i], recs...)
		}
	}
	return true
}

// recall is answer, or what is known of a record by its primary key.
func (o *Overlay) recall(q store.Query) ([]store.Record, bool) {
	if q.Index == q.Index.Table.Key() && len(q.Equal) == len(q.Index.Columns) {
		switch e, known := o.entries[string(o.encode(q.Index.At(q.Equal...)))]; {
		case known && e.rec != nil:
			return []store.Record{e.rec}, true
		case known:
			return nil, true
		}
	}
	return o.answer(q)
}

// committed yields the records of a range as the store has them. Where asking
// is a trip, what was not read ahead is read in one, as soon as the loop gets
// there, and remembered.
func (o *Overlay) committed(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	f, far := o.reader.(store.Fetcher)
	if !far && o.spans == nil {
		return o.reader.Find(ctx, q)
	}
	return func(yield func(store.Record, error) bool) {
		for q := q; ; {
			recs, rest, all := o.beginning(q)
			for _, rec := range recs {
				if !yield(rec, nil) {
					return
				}
			}
			switch {
			case all:
				return
			case len(recs) > 0:
				q = rest
				continue
			case !far:
				o.reader.Find(ctx, q)(yield)
				return
			}
			results, err := f.Fetch(ctx, store.Read{Query: q})
			if err != nil {
				yield(nil, err)
				return
			}
			o.learnSpan(q.Index, newSpan(q, results[0]))
			for _, rec := range results[0] {
				if !yield(rec, nil) {
					return
				}
			}
			return
		}
	}
}

// beginning returns the first records of a query, as far as they were read
// ahead, and the query of the rest, unless that is all.
func (o *Overlay) beginning(q store.Query) (recs []store.Record, rest store.Query, all bool) {
	if recs, all = o.answer(q); all || q.Desc || len(q.Equal) == len(q.Index.Columns) {
		return recs, q, all
	}
	from, to := bounds(q)
	s := o.spans[q.Index].reaching(from, to, false)
	if s == nil || from >= s.to {
		return nil, q, false
	}
	if recs = s.part(from, min(to, s.to)).recs; len(recs) == 0 {
		return nil, q, false
	}
	values, _ := q.Index.Values(recs[len(recs)-1])
	q.After = values[len(q.Equal):]
	if q.Limit > 0 {
		q.Limit -= len(recs)
	}
	return recs, q, false
}
