package postgres

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/guard"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// session is where a reader's questions go: a transaction of the store, or one of
// the host's.
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
	broken error // the error of an earlier read: the transaction cannot be used any more
}

var _ store.Fetcher = (*reader)(nil)

// Usable returns why the reader cannot be used any more, or nil.
func (r *reader) Usable(ctx context.Context) error {
	if r.ended.Load() {
		return store.Misuse("a reader was used after the end of its view or update")
	}
	return ctx.Err()
}

// ask makes one trip.
func (r *reader) ask(ctx context.Context, questions []question) ([][]store.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.Usable(ctx); err != nil {
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
		if err := guard.Key(k); err != nil {
			return nil, err
		}
		questions[i] = question{statement: r.on.of(sqlschema.Get(k.Index)), table: k.Index.Table, values: k.Values}
	}
	if len(questions) == 0 {
		return nil, r.Usable(ctx)
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
		return nil, r.Usable(ctx)
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

// A trip costs more than a few records too many.
var sizes = sqlstore.Sizes{First: 128, Largest: 1024}

// Find yields the records of a range, one trip for each piece.
func (r *reader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return sqlstore.Find(ctx, r, q, sizes)
}

// Piece returns the first records of a query's range, at most size of them.
func (r *reader) Piece(ctx context.Context, _ []store.Record, q store.Query, size int) ([]store.Record, error) {
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
