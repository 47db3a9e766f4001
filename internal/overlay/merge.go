package overlay

import (
	"context"
	"iter"

	"github.com/pbxkit/pbx/store"
)

// scan yields the committed records of a range with the staged ones in their
// places. The staged records are taken when the loop begins: operations read
// first and change afterwards.
func (o *Overlay) scan(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	switch staged := o.staged[q.Index.Table]; {
	case !Storable(q.Prefix, q.From, q.To) || !Storable(q.Equal...) || !Storable(q.After...):
		return func(func(store.Record, error) bool) {}
	case staged == 0:
		return o.committed(ctx, q)
	case q.Limit > 0:
		wider := q
		wider.Limit += staged // so many committed records may be left out
		return limited(o.merge(ctx, wider), q.Limit)
	}
	return o.merge(ctx, q)
}

// merge yields the committed and the staged records of a range in one order. A
// committed record that has been staged since is left out: the staged index has
// its present version, or it is deleted.
func (o *Overlay) merge(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		s := o.stagedIndex(q.Index)
		keys, recs := s.between(q)
		for rec, err := range o.committed(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			if o.known[o.primary(rec)].staged() {
				continue
			}
			key, _ := s.key(rec)
			for len(keys) > 0 && (keys[0] < key) != q.Desc {
				next := recs[0]
				keys, recs = keys[1:], recs[1:]
				if !yield(next, nil) {
					return
				}
			}
			if !yield(rec, nil) {
				return
			}
		}
		for _, rec := range recs {
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// limited ends a sequence after so many records.
func limited(seq iter.Seq2[store.Record, error], limit int) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		given := 0
		for rec, err := range seq {
			if given++; !yield(rec, err) || given == limit {
				return
			}
		}
	}
}
