package memory

import (
	"context"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/pbxkit/pbx/store"
)

// reader is the Reader of a view, and of an update.
type reader struct {
	state    *state
	snapshot *snapshot // nil in an update, which reads what is committed
	ended    atomic.Bool
}

func (r *reader) end() {
	r.ended.Store(true)
	if r.snapshot != nil {
		r.snapshot.unpin()
	}
}

func (r *reader) read(fn func(*tree)) {
	if r.snapshot != nil {
		r.snapshot.read(fn)
	} else {
		r.state.read(fn)
	}
}

// usable returns why the reader cannot be used any more, or nil.
func (r *reader) usable(ctx context.Context) error {
	if r.ended.Load() {
		return store.Misuse("a reader was used after the end of its view or update")
	}
	return ctx.Err()
}

// Get returns the records at the keys.
func (r *reader) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	var room [256]byte
	var marks [16]int
	entries, ends := room[:0], marks[:0]
	for _, k := range keys {
		entries = k.Index.AppendValues(entries, k.Values...)
		ends = append(ends, len(entries))
	}
	text, start := string(entries), 0
	records := make([]store.Record, len(keys))
	r.read(func(t *tree) {
		for i, end := range ends {
			records[i], _ = t.Get(text[start:end])
			start = end
		}
	})
	return records, nil
}

// The sizes of the pieces in which Find reads.
const (
	firstPiece   = 16
	largestPiece = 256
)

// Find yields the records of a range. It reads a piece, lets go of the lock,
// and then yields the piece, so that the loop can do whatever it likes.
func (r *reader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		rest, left := rangeOf(q), q.Limit
		var piece []store.Record
		for size := firstPiece; ; size = min(2*size, largestPiece) {
			if left > 0 {
				size = min(left, largestPiece)
			}
			if err := r.usable(ctx); err != nil {
				yield(nil, err)
				return
			}
			piece, rest = r.piece(piece[:0], rest, size)
			for _, record := range piece {
				if err := r.usable(ctx); err != nil {
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
		}
	}
}

// piece appends up to size records of the range, and returns the range after
// them.
func (r *reader) piece(records []store.Record, s keyRange, size int) ([]store.Record, keyRange) {
	records = slices.Grow(records, size)
	var last string
	r.read(func(t *tree) {
		s.scan(t, func(entry string, record store.Record) bool {
			records, last = append(records, record), entry
			return len(records) < size
		})
	})
	if len(records) == size {
		s = s.after(last)
	}
	return records, s
}

// keyRange is a range of the tree: from ≤ entry < to.
type keyRange struct {
	from, to string
	desc     bool
}

func rangeOf(q store.Query) keyRange {
	from, to := q.Range()
	return keyRange{from: string(from), to: string(to), desc: q.Desc}
}

// scan calls visit with the entries in order until it returns false.
func (s keyRange) scan(t *tree, visit func(entry string, record store.Record) bool) {
	if s.desc {
		t.Descend(s.to, func(entry string, record store.Record) bool {
			return entry == s.to || entry >= s.from && visit(entry, record)
		})
		return
	}
	t.Ascend(s.from, func(entry string, record store.Record) bool {
		return entry < s.to && visit(entry, record)
	})
}

// after returns the part of the range that comes after the entry, in its order.
func (s keyRange) after(entry string) keyRange {
	if s.desc {
		s.to = entry
	} else {
		s.from = entry + "\x00"
	}
	return s
}
