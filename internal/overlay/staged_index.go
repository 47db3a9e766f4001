package overlay

import (
	"context"
	"iter"
	"slices"
	"sort"

	"github.com/pbxkit/pbx/store"
)

// layer orders the staged records of one table by one index. It is built when
// a range of that index is first asked for, and kept up from then on.
type layer struct {
	index *store.Index
	keys  []string
	recs  []store.Record

	fields []store.Field // room for a record's
	buf    []byte
}

// layer returns the layer of an index.
func (o *Overlay) layer(ix *store.Index) *layer {
	if l := o.layers[ix]; l != nil {
		return l
	}
	l := &layer{index: ix}
	for _, e := range o.entries {
		if e.staged() && e.rec != nil && e.rec.Table() == ix.Table {
			l.add(e.rec)
		}
	}
	if o.layers == nil {
		o.layers = make(map[*store.Index]*layer)
	}
	o.layers[ix] = l
	return l
}

func (l *layer) entry(rec store.Record) (string, bool) {
	l.fields = rec.Fields(l.fields[:0])
	var in bool
	l.buf, in = l.index.AppendFields(l.buf[:0], l.fields)
	return string(l.buf), in
}

func (l *layer) add(rec store.Record) {
	if rec == nil {
		return
	}
	key, in := l.entry(rec)
	if !in {
		return
	}
	at := sort.SearchStrings(l.keys, key)
	l.keys = slices.Insert(l.keys, at, key)
	l.recs = slices.Insert(l.recs, at, rec)
}

func (l *layer) drop(rec store.Record) {
	if rec == nil {
		return
	}
	key, in := l.entry(rec)
	if !in {
		return
	}
	if at := sort.SearchStrings(l.keys, key); at < len(l.keys) && l.recs[at] == rec {
		l.keys = slices.Delete(l.keys, at, at+1)
		l.recs = slices.Delete(l.recs, at, at+1)
	}
}

func (l *layer) at(key string) store.Record {
	if at := sort.SearchStrings(l.keys, key); at < len(l.keys) && l.keys[at] == key {
		return l.recs[at]
	}
	return nil
}

// between returns the staged records of a query's range, in its order.
func (l *layer) between(q store.Query) ([]string, []store.Record) {
	from, to := q.Range()
	lo := sort.SearchStrings(l.keys, string(from))
	hi := len(l.keys)
	if to != nil {
		hi = sort.SearchStrings(l.keys, string(to))
	}
	if lo >= hi {
		return nil, nil
	}
	keys, recs := slices.Clone(l.keys[lo:hi]), slices.Clone(l.recs[lo:hi])
	if q.Desc {
		slices.Reverse(keys)
		slices.Reverse(recs)
	}
	return keys, recs
}

// scan is a range of committed records with the staged ones in their places.
// What the caller stages while it loops is not seen by the loop: operations
// gather first, then change.
func (o *Overlay) scan(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	switch staged := o.dirty[q.Index.Table]; {
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

// merge yields the committed records of a range and the staged ones in one
// order. A committed record that has been staged since is left out: the layer
// has its present version, or it is deleted.
func (o *Overlay) merge(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		l := o.layer(q.Index)
		keys, recs := l.between(q)
		for rec, err := range o.committed(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			if o.entries[o.primary(rec)].staged() {
				continue
			}
			key, _ := l.entry(rec)
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
