package overlay

import (
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
