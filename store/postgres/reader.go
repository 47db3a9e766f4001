package postgres

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// session is where a reader's questions go: a transaction of the store's own
// or one of the host's.
type session interface {
	ask(ctx context.Context, questions []question) ([][]store.Record, error)
}

// reader is the Reader of a view, and of an update. It may be used by several
// goroutines, one of which reads at a time.
type reader struct {
	on      *statements
	session session
	failed  func(doing string, err error) error // what an error of the engine means
	ended   atomic.Bool

	mu     sync.Mutex
	broken error // what an earlier read failed with: the transaction is worth nothing any more
}

var _ store.Fetcher = (*reader)(nil)

// usable says why the reader cannot be used any more, or nothing.
func (r *reader) usable(ctx context.Context) error {
	if r.ended.Load() {
		return store.Misuse("a reader was used after the end of its view or update")
	}
	return ctx.Err()
}

// ask makes one trip.
func (r *reader) ask(ctx context.Context, questions []question) ([][]store.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	if r.broken != nil {
		return nil, r.broken
	}
	for i := range questions {
		if err := questions[i].check(); err != nil {
			return nil, err
		}
	}
	answers, err := r.session.ask(ctx, questions)
	if err != nil {
		r.broken = r.failed("read", err)
		return nil, r.broken
	}
	return answers, nil
}

// end makes every later use an error.
func (r *reader) end() {
	r.ended.Store(true)
	r.mu.Lock() // until nobody reads
	defer r.mu.Unlock()
}

// Get returns the records at the keys, in one trip.
func (r *reader) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	questions := make([]question, len(keys))
	for i, k := range keys {
		if !k.Index.Unique || len(k.Values) != len(k.Index.Columns) {
			return nil, store.Misuse("a key that is not one of a unique index")
		}
		questions[i] = question{statement: r.on.of(sqlschema.Get(k.Index)), table: k.Index.Table, values: k.Values}
	}
	if len(questions) == 0 {
		return nil, r.usable(ctx)
	}
	answers, err := r.ask(ctx, questions)
	if err != nil {
		return nil, err
	}
	records := make([]store.Record, len(keys))
	for i, found := range answers {
		if len(found) > 0 {
			records[i] = found[0]
		}
	}
	return records, nil
}

// Fetch returns the records of each read, in one trip.
func (r *reader) Fetch(ctx context.Context, reads ...store.Read) ([][]store.Record, error) {
	questions, err := r.on.questions(reads)
	if err != nil {
		return nil, err
	}
	if len(questions) == 0 {
		return nil, r.usable(ctx)
	}
	return r.ask(ctx, questions)
}

// questions returns the statement for each read.
func (s *statements) questions(reads []store.Read) ([]question, error) {
	questions := make([]question, len(reads))
	for i := range reads {
		chain, values, err := sqlschema.Fetch(reads, i, nil)
		if err != nil {
			return nil, err
		}
		questions[i] = question{statement: s.ofChain(chain), table: reads[i].Index.Table, values: values}
	}
	return questions, nil
}

// The sizes of the pieces in which Find reads: a trip costs more than a few
// records too many, and most ranges are short.
const (
	firstPiece   = 128
	largestPiece = 1024
)

// Find yields the records of a range. It reads a piece, and then yields it, so
// that the loop can read too.
func (r *reader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		q, left, size := q, q.Limit, firstPiece
		for {
			if left > 0 {
				size = min(left, largestPiece)
			}
			piece, err := r.piece(ctx, q, size)
			if err != nil {
				yield(nil, err)
				return
			}
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
			values, _ := q.Index.Values(piece[len(piece)-1])
			q.After = values[len(q.Equal):]
			if len(q.After) == 0 {
				return // a unique index, and all of it given
			}
			size = largestPiece
		}
	}
}

// piece returns the first records of a query's range, size of them at most.
func (r *reader) piece(ctx context.Context, q store.Query, size int) ([]store.Record, error) {
	shape, values, err := sqlschema.Find(q, nil)
	if err != nil {
		return nil, err
	}
	answers, err := r.ask(ctx, []question{{statement: r.on.of(shape), table: q.Index.Table, values: append(values, int64(size))}})
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}
