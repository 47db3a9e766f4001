package sqlite

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

// Usable returns why the reader cannot be used any more, or nil.
func (r *reader) Usable(ctx context.Context) error {
	if r.ended.Load() {
		return store.Misuse("a reader was used after the end of its view or update")
	}
	return ctx.Err()
}

// lock returns the connection to read from; after nil, unlock must follow. The
// snapshot of a view is taken by the first statement that reads.
func (r *reader) lock(ctx context.Context) (*conn, error) {
	r.mu.Lock()
	err := r.Usable(ctx)
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
		return err
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
		if err := guard.Key(k); err != nil {
			return nil, err
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

var sizes = sqlstore.Sizes{First: 32, Largest: 256}

// Find yields the records of a range. Between the pieces it does not hold the
// connection.
func (r *reader) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return sqlstore.Find(ctx, r, q, sizes)
}

// Piece appends the first records of a query's range, at most size of them.
func (r *reader) Piece(ctx context.Context, dst []store.Record, q store.Query, size int) ([]store.Record, error) {
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
