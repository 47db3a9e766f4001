package sqlite

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// reader is the Reader of a view, and of an update. It may be used by several
// goroutines, one of which reads at a time.
type reader struct {
	pool  *pool
	ended atomic.Bool

	mu     *sync.Mutex // whose turn it is to use conn: a guest's readers have one
	conn   *conn       // nil until it is needed
	mine   bool        // conn is the pool's, in a transaction begun here
	failed error       // of the engine: conn cannot be trusted any more
}

// usable says why the reader cannot be used any more, or nothing.
func (r *reader) usable(ctx context.Context) error {
	if r.ended.Load() {
		return store.Misuse("a reader was used after the end of its view or update")
	}
	return ctx.Err()
}

// lock returns the connection to read from; after nil, unlock must follow. The
// snapshot of a view is taken by the first statement that reads.
func (r *reader) lock(ctx context.Context) (*conn, error) {
	r.mu.Lock()
	err := r.usable(ctx)
	if err == nil {
		err = r.failed
	}
	if err == nil && r.conn == nil {
		err = r.begin()
	}
	if err != nil {
		r.mu.Unlock()
		return nil, err
	}
	return r.conn, nil
}

func (r *reader) begin() error {
	c, err := r.pool.get()
	if err != nil {
		return failure("be opened for reading", err)
	}
	if err := c.run("BEGIN DEFERRED"); err != nil {
		_ = c.close()
		return failure("begin to read", err)
	}
	r.conn, r.mine = c, true
	return nil
}

// fail keeps an error of the engine.
func (r *reader) fail(err error) error {
	r.failed = r.conn.unread(err)
	return r.failed
}

// end makes every later use an error, and gives back the connection if it is
// the pool's.
func (r *reader) end() {
	r.ended.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mine {
		r.release()
	}
}

func (r *reader) release() {
	if r.failed != nil || r.conn.run("COMMIT") != nil {
		_ = r.conn.close()
	} else {
		r.pool.put(r.conn)
	}
	r.conn, r.mine = nil, false
}

// Get returns the records at the keys.
func (r *reader) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	for _, k := range keys {
		if !k.Index.Unique || len(k.Values) != len(k.Index.Columns) {
			return nil, store.Misuse("a key that is not one of a unique index")
		}
	}
	c, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	var room [1]store.Record
	records := make([]store.Record, len(keys))
	for i, k := range keys {
		c.unbind()
		c.bind(k.Values...)
		found, err := c.query(room[:0], sqlschema.Get(k.Index))
		if err != nil {
			return nil, r.fail(err)
		}
		if len(found) > 0 {
			records[i] = found[0]
		}
	}
	return records, nil
}

// The sizes of the pieces in which Find reads: a small one first, for most
// ranges are short and many loops end early.
const (
	firstPiece   = 32
	largestPiece = 256
)

// Find yields the records of a range. It reads a piece, lets go of the
// connection, and then yields the piece, so that the loop can read too.
func (r *reader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		q, left, size := q, q.Limit, firstPiece
		var piece []store.Record
		for {
			if left > 0 {
				size = min(left, largestPiece)
			}
			var err error
			if piece, err = r.piece(ctx, piece[:0], q, size); err != nil {
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

// piece appends the first records of a query's range, size of them at most.
func (r *reader) piece(ctx context.Context, dst []store.Record, q store.Query, size int) ([]store.Record, error) {
	c, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	shape, values, err := sqlschema.Find(q, c.values[:0])
	c.values = values
	if err != nil {
		return nil, err
	}
	c.unbind()
	c.bind(values...)
	c.bindValue(int64(size))
	dst, err = c.query(dst, shape)
	if err != nil {
		return nil, r.fail(err)
	}
	return dst, nil
}
