package overlay

import (
	"context"
	"iter"

	"github.com/pbxkit/pbx/store"
)

// Far is the Reader as a Fetcher, where each question to it is a trip.
func (o *Overlay) Far() (store.Fetcher, bool) {
	f, far := o.reader.(store.Fetcher)
	return f, far
}

// Ahead answers the reads in one trip where asking is a trip, and remembers what
// they say. It asks nothing where all of it is known, or asking costs nothing.
func (o *Overlay) Ahead(ctx context.Context, reads []store.Read) error {
	f, far := o.Far()
	if !far || o.knowsAll(reads) {
		return nil
	}
	_, err := o.Fetch(ctx, f, reads)
	return err
}

// Fetch answers the reads and remembers what they say.
func (o *Overlay) Fetch(ctx context.Context, f store.Fetcher, reads []store.Read) ([][]store.Record, error) {
	results, err := f.Fetch(ctx, reads...)
	if err != nil {
		return nil, o.fail(err)
	}
	o.learnReads(reads, results)
	return results, nil
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
