package overlay

import (
	"slices"
	"sort"

	"github.com/pbxkit/pbx/store"
)

// stagedIndex holds the staged records of one table in the order of one index. It
// is built when the index is first read, and kept up to date from then on.
type stagedIndex struct {
	index *store.Index
	keys  []string
	recs  []store.Record

	fields []store.Field // used again for each record
	buf    []byte        // used again for each key
}

// stagedIndex returns the staged records in the order of an index.
func (o *Overlay) stagedIndex(ix *store.Index) *stagedIndex {
	if s := o.indexes[ix]; s != nil {
		return s
	}
	s := &stagedIndex{index: ix}
	for _, k := range o.known {
		if k.staged() && k.rec != nil && k.rec.Table() == ix.Table {
			s.add(k.rec)
		}
	}
	if o.indexes == nil {
		o.indexes = make(map[*store.Index]*stagedIndex)
	}
	o.indexes[ix] = s
	return s
}

// key returns a record's sort key, and whether it is in the index.
func (s *stagedIndex) key(rec store.Record) (string, bool) {
	s.fields = rec.Fields(s.fields[:0])
	var in bool
	s.buf, in = s.index.AppendFields(s.buf[:0], s.fields)
	return string(s.buf), in
}

// add adds a record, unless it is nil or not in the index.
func (s *stagedIndex) add(rec store.Record) {
	if rec == nil {
		return
	}
	key, in := s.key(rec)
	if !in {
		return
	}
	at := sort.SearchStrings(s.keys, key)
	s.keys = slices.Insert(s.keys, at, key)
	s.recs = slices.Insert(s.recs, at, rec)
}

// drop removes a record, unless it is nil or not in the index.
func (s *stagedIndex) drop(rec store.Record) {
	if rec == nil {
		return
	}
	key, in := s.key(rec)
	if !in {
		return
	}
	if at := sort.SearchStrings(s.keys, key); at < len(s.keys) && s.recs[at] == rec {
		s.keys = slices.Delete(s.keys, at, at+1)
		s.recs = slices.Delete(s.recs, at, at+1)
	}
}

// at returns the record with that key, or nil.
func (s *stagedIndex) at(key string) store.Record {
	if at := sort.SearchStrings(s.keys, key); at < len(s.keys) && s.keys[at] == key {
		return s.recs[at]
	}
	return nil
}

// between returns the keys and records of a query's range, in its order.
func (s *stagedIndex) between(q store.Query) ([]string, []store.Record) {
	from, to := q.Range()
	lo := sort.SearchStrings(s.keys, string(from))
	hi := len(s.keys)
	if to != nil {
		hi = sort.SearchStrings(s.keys, string(to))
	}
	if lo >= hi {
		return nil, nil
	}
	keys, recs := slices.Clone(s.keys[lo:hi]), slices.Clone(s.recs[lo:hi])
	if q.Desc {
		slices.Reverse(keys)
		slices.Reverse(recs)
	}
	return keys, recs
}
