// Package sqlstore holds what the stores over SQL engines share besides their
// statements: reading ranges in pieces, keeping changes for the commit, and the
// errors that both give.
package sqlstore

import (
	"context"
	"iter"

	"github.com/pbxkit/pbx/store"
)

// PieceReader reads the pieces of a range.
type PieceReader interface {
	// Usable returns why nothing can be read any more, or nil.
	Usable(ctx context.Context) error
	// Piece appends the first records of a query's range, at most size of them.
	Piece(ctx context.Context, dst []store.Record, q store.Query, size int) ([]store.Record, error)
}

// Sizes are those of the pieces in which a range is read. Most ranges are short
// and many loops end early, so the first piece is a small one.
type Sizes struct{ First, Largest int }

// Find yields the records of a range. It reads a piece and then yields it, so
// that the loop can read too.
func Find(ctx context.Context, r PieceReader, q store.Query, sizes Sizes) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		q, left, size := q, q.Limit, sizes.First
		var piece []store.Record
		for {
			if left > 0 {
				size = min(left, sizes.Largest)
			}
			var err error
			if piece, err = r.Piece(ctx, piece[:0], q, size); err != nil {
				yield(nil, err)
				return
			}
			for _, record := range piece {
				if err := r.Usable(ctx); err != nil {
					yield(nil, err)
					return
				}
				left--
				if !yield(record, nil) || left == 0 {
					return
				}
			}
			if len(piece) < size {
				return
			}
			values, _ := q.Index.Values(piece[len(piece)-1])
			q.After = values[len(q.Equal):]
			if len(q.After) == 0 {
				return // a unique index, and all of it given
			}
			size = sizes.Largest
		}
	}
}
