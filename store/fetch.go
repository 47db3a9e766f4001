package store

import (
	"context"
	"iter"
	"slices"
)

// Fetcher is what the Readers and Writers of a store are too where every
// question is a trip to a server. The library tells it what an operation is
// going to read, as far as that can be foretold, and reads what it did not
// foretell with Get and Find. A Store may be a Fetcher itself: then Fetch reads
// one snapshot, and needs no View around it.
type Fetcher interface {
	// Fetch returns the records of each read in its index's order, all in one
	// trip.
	Fetch(ctx context.Context, reads ...Read) ([][]Record, error)
}

// Read is a range of an index; or, where Source is set, the ranges that follow from
// the records of an earlier read.
type Read struct {
	Query

	// Source is the place of an earlier read of the same Fetch, counted from 1. Then
	// Equal goes on with the value that each of its records has in Column: the
	// columns of the index are one more than Equal has, at least, and the query
	// has nothing else. Records with NULL there lead nowhere.
	Source int
	Column int // a position in the columns of the earlier read's table
}

// Fetch answers the reads: in one trip where the Reader is a Fetcher, else one
// by one. Errors: ErrMisuse for a read that does not fit its index.
func Fetch(ctx context.Context, r Reader, reads ...Read) ([][]Record, error) {
	if f, ok := r.(Fetcher); ok {
		return f.Fetch(ctx, reads...)
	}
	results := make([][]Record, len(reads))
	for i, read := range reads {
		if err := read.Check(reads[:i]); err != nil {
			return nil, err
		}
		queries := []Query{read.Query}
		if read.Source > 0 {
			queries = read.Queries(results[read.Source-1])
		}
		for _, q := range queries {
			found, err := Collect(r.Find(ctx, q))
			if err != nil {
				return nil, err
			}
			results[i] = append(results[i], found...)
		}
	}
	return results, nil
}

// Check refuses a read that cannot follow from those before it: every Fetcher
// asks it of every read. Errors: ErrMisuse.
func (r *Read) Check(before []Read) error {
	switch q := &r.Query; {
	case r.Source == 0:
		return nil
	case r.Source < 0 || r.Source > len(before) || r.Column < 0 || r.Column >= len(before[r.Source-1].Index.Table.Columns):
		return Misuse("a read that follows from none before it")
	case len(q.Equal) >= len(q.Index.Columns) || q.Prefix != "" || q.From != nil || q.To != nil || q.After != nil || q.Desc || q.Limit != 0:
		return Misuse("a read that follows from another is by one more value of its index, and by nothing else")
	case q.Index.Table.Columns[q.Index.Columns[len(q.Equal)]].Type != before[r.Source-1].Index.Table.Columns[r.Column].Type:
		return Misuse("a read by a value of another type")
	}
	return nil
}

// Queries are the ranges to which the records of the earlier read lead, each
// once and in the order of the index.
func (r *Read) Queries(from []Record) []Query {
	var queries []Query
	var keys []string
	for _, rec := range from {
		q, ok := r.after(rec)
		if !ok {
			continue
		}
		key := string(q.Index.AppendValues(nil, q.Equal...))
		at, known := slices.BinarySearch(keys, key)
		if !known {
			keys, queries = slices.Insert(keys, at, key), slices.Insert(queries, at, q)
		}
	}
	return queries
}

// after is the range to which one record leads, if it leads anywhere.
func (r *Read) after(rec Record) (Query, bool) {
	var room [40]Field
	value := rec.Fields(room[:0])[r.Column].Value()
	q := r.Query
	q.Equal = append(slices.Clip(q.Equal), value)
	return q, value != nil
}

// Collect collects a sequence.
func Collect[R any](seq iter.Seq2[R, error]) ([]R, error) {
	var out []R
	for r, err := range seq {
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
