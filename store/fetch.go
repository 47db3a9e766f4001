package store

import (
	"context"
	"slices"
)

// Fetcher is implemented by the Readers and Writers of a store where every
// question is a trip to a server. The domain tells it what an operation is going
// to read, as far as it can be known in advance, and reads the rest with Get and
// Find. A Store may be a Fetcher itself: then Fetch reads one snapshot, and needs
// no View around it.
type Fetcher interface {
	// Fetch returns the records of each read in its index's order, all in one
	// trip. It calls Read.Check on every read.
	Fetch(ctx context.Context, reads ...Read) ([][]Record, error)
}

// Read is a range of an index. Where Source is set it is several ranges instead:
// one for each record of an earlier read, as a join.
type Read struct {
	Query

	// Source is the number of an earlier read of the same Fetch, counted from 1;
	// 0 is none. Equal is then followed by the value that each of that read's
	// records has in Column. The index must have a column for it, and the Query
	// must set nothing but Index and Equal. Records with NULL in Column are
	// passed over.
	Source int
	Column int // a position in the columns of the source's table
}

// Fetch returns the records of each read: in one trip where the Reader is a
// Fetcher, otherwise read by read. Errors: ErrMisuse for a read that does not fit
// its index.
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

// Check refuses a read that does not fit those before it: its Source is not one of
// them, or it sets more than such a read may. Errors: ErrMisuse.
func (r *Read) Check(earlier []Read) error {
	switch q := &r.Query; {
	case r.Source == 0:
		return nil
	case r.Source < 0 || r.Source > len(earlier) || r.Column < 0 || r.Column >= len(earlier[r.Source-1].Index.Table.Columns):
		return Misuse("a read whose source is no earlier read")
	case len(q.Equal) >= len(q.Index.Columns) || q.Prefix != "" || q.From != nil || q.To != nil || q.After != nil || q.Desc || q.Limit != 0:
		return Misuse("a read with a source takes one more value of its index from it, and sets nothing else")
	case q.Index.Table.Columns[q.Index.Columns[len(q.Equal)]].Type != earlier[r.Source-1].Index.Table.Columns[r.Column].Type:
		return Misuse("a read by a value of another type")
	}
	return nil
}

// Queries returns the ranges to which the records of the source lead, each once
// and in the order of the index.
func (r *Read) Queries(source []Record) []Query {
	var queries []Query
	var keys []string
	for _, rec := range source {
		q, ok := r.query(rec)
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

// query returns the range to which one record of the source leads, if it leads
// anywhere.
func (r *Read) query(rec Record) (Query, bool) {
	value := FieldsOf(rec)[r.Column].Value()
	q := r.Query
	q.Equal = append(slices.Clip(q.Equal), value)
	return q, value != nil
}
