package store

import (
	"slices"
)

// Query is a range of an index.
type Query struct {
	Index *Index
	// Equal holds the values of the first columns.
	Equal []any
	// Either Prefix, or From and To, bound the next column: text that begins with
	// Prefix, or From ≤ value < To. Zero values set no bound.
	Prefix   string
	From, To any
	// After holds the values of all columns that follow Equal, as a page's last
	// record has them; the range begins after that record in its order.
	After []any
	// Desc reverses the order.
	Desc bool
	// Limit ends the range after so many records; 0 sets no limit.
	Limit int
}

// Range returns the sort keys between which the query's records lie, in the form
// of Index.AppendFields: from ≤ key < to. Nil for to sets no bound.
func (q Query) Range() (from, to []byte) {
	base := q.Index.AppendValues(make([]byte, 0, 64), q.Equal...)
	from, to = base, PrefixEnd(base)
	switch {
	case q.Prefix != "":
		from = append(slices.Clip(base), q.Prefix...)
		to = PrefixEnd(from)
	default:
		if q.From != nil {
			from = appendValues(slices.Clip(base), []any{q.From})
		}
		if q.To != nil {
			to = appendValues(slices.Clip(base), []any{q.To})
		}
	}
	if q.After == nil {
		return from, to
	}
	after := appendValues(slices.Clip(base), q.After)
	if q.Desc {
		if string(after) < string(to) {
			to = after
		}
	} else if after = append(after, 0); string(after) > string(from) {
		from = after
	}
	return from, to
}

// PrefixEnd returns the least string above all those that begin with prefix, or
// nil where there is none.
func PrefixEnd(prefix []byte) []byte {
	up := slices.Clone(prefix)
	for i := len(up) - 1; i >= 0; i-- {
		if up[i] < 0xff {
			up[i]++
			return up[:i+1]
		}
	}
	return nil
}
