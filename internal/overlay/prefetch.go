package overlay

import (
	"context"
	"iter"

	"github.com/pbxkit/pbx/store"
)

// Fetcher returns the Reader as a store.Fetcher, where it is one: then every
// question to it costs a trip to a server.
func (o *Overlay) Fetcher() (store.Fetcher, bool) {
	f, ok := o.reader.(store.Fetcher)
	return f, ok
}

// Prefetch reads in one trip, and keeps what it reads. It asks nothing where all
// of it is known already, or where the Reader is no Fetcher, so that reading later
// costs no more.
func (o *Overlay) Prefetch(ctx context.Context, reads []store.Read) error {
	f, ok := o.Fetcher()
	if !ok || o.knowsAll(reads) {
		return nil
	}
	_, err := o.Fetch(ctx, f, reads)
	return err
}

// Prefetched reports whether anything was prefetched: then reads cost trips, and
// cached ranges save them.
func (o *Overlay) Prefetched() bool { return o.ranges != nil }

// Unplanned returns how many reads had to ask the Reader because nothing had
// prefetched what they read. Each was a trip where the Reader is a Fetcher.
func (o *Overlay) Unplanned() int { return o.unplanned }

// Fetch reads in one trip, and keeps and returns what it reads.
func (o *Overlay) Fetch(ctx context.Context, f store.Fetcher, reads []store.Read) ([][]store.Record, error) {
	results, err := f.Fetch(ctx, reads...)
	if err != nil {
		return nil, o.fail(err)
	}
	o.learnReads(reads, results)
	return results, nil
}

// learnReads keeps the answers to reads as cached ranges.
func (o *Overlay) learnReads(reads []store.Read, results [][]store.Record) {
	for i := range reads {
		r := &reads[i]
		all := newCachedRange(r.Query, results[i])
		if r.Source == 0 {
			o.learnRange(r.Index, all)
			continue
		}
		for _, q := range r.Queries(results[r.Source-1]) {
			o.learnRange(r.Index, all.part(bounds(q)))
		}
	}
}

// learnRange keeps a cached range, and its records under their primary keys.
func (o *Overlay) learnRange(ix *store.Index, r cachedRange) {
	if o.ranges == nil {
		o.ranges = make(map[*store.Index]cachedRanges)
	}
	o.ranges[ix] = o.ranges[ix].with(&r)
	for _, rec := range r.recs {
		o.learnRecord(rec)
	}
}

// learnFromRanges keeps what the cached ranges say of a key, if they cover it.
func (o *Overlay) learnFromRanges(k store.Key) bool {
	if o.ranges == nil {
		return false
	}
	recs, known := o.answer(store.Query{Index: k.Index, Equal: k.Values})
	if !known {
		return false
	}
	var rec store.Record
	if len(recs) > 0 {
		rec = recs[0]
	}
	o.learn(k, rec)
	return true
}

// answer returns the committed records of a query, if a cached range has them.
func (o *Overlay) answer(q store.Query) ([]store.Record, bool) {
	if len(o.ranges[q.Index]) == 0 {
		return nil, false
	}
	from, to := bounds(q)
	if r := o.ranges[q.Index].reaching(from, to, q.Desc); r != nil {
		return r.answer(q, from, to)
	}
	return nil, false
}

// knowsAll reports whether the reads would tell nothing new.
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

// recall is answer, but for a primary key it also uses what is known of the key.
func (o *Overlay) recall(q store.Query) ([]store.Record, bool) {
	if q.Index == q.Index.Table.Key() && len(q.Equal) == len(q.Index.Columns) {
		switch k, known := o.known[string(o.encode(q.Index.At(q.Equal...)))]; {
		case known && k.rec != nil:
			return []store.Record{k.rec}, true
		case known:
			return nil, true
		}
	}
	return o.answer(q)
}

// committed yields the records of a range as the store has them. With a Fetcher,
// what is not cached is read in one trip, as soon as the loop gets there, and kept.
func (o *Overlay) committed(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	f, ok := o.Fetcher()
	if !ok && o.ranges == nil {
		return o.reader.Find(ctx, q)
	}
	return func(yield func(store.Record, error) bool) {
		for q := q; ; {
			recs, rest, all := o.cachedStart(q)
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
			case !ok:
				o.reader.Find(ctx, q)(yield)
				return
			}
			o.unplanned++
			results, err := f.Fetch(ctx, store.Read{Query: q})
			if err != nil {
				yield(nil, err)
				return
			}
			o.learnRange(q.Index, newCachedRange(q, results[0]))
			for _, rec := range results[0] {
				if !yield(rec, nil) {
					return
				}
			}
			return
		}
	}
}

// cachedStart returns the first records of a query, as far as they are cached,
// and the query for the rest, unless that is all.
func (o *Overlay) cachedStart(q store.Query) (recs []store.Record, rest store.Query, all bool) {
	if recs, all = o.answer(q); all || q.Desc || len(q.Equal) == len(q.Index.Columns) {
		return recs, q, all
	}
	from, to := bounds(q)
	r := o.ranges[q.Index].reaching(from, to, false)
	if r == nil || from >= r.to {
		return nil, q, false
	}
	if recs = r.part(from, min(to, r.to)).recs; len(recs) == 0 {
		return nil, q, false
	}
	values, _ := q.Index.Values(recs[len(recs)-1])
	q.After = values[len(q.Equal):]
	if q.Limit > 0 {
		q.Limit -= len(recs)
	}
	return recs, q, false
}
