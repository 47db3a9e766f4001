package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/sqlite"
	"github.com/pbxkit/pbx/store/storetest"
)

// The suite runs on guests too, each in a transaction of its own: what a guest
// does in one is what a store does.
func TestGuestConformance(t *testing.T) {
	onlyLong(t)
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		path := newFile(t)
		return &hotel{
			turn:    make(chan struct{}, 1),
			writing: hostDB(t, path, "&_txlock=immediate"),
			reading: hostDB(t, path, ""),
		}
	})
}

// hotel is a store made of guests: each view and each update is a guest in a
// transaction that is begun for it and then ended.
type hotel struct {
	writing, reading *sql.DB
	turn             chan struct{} // holds one while a transaction writes
	mu               sync.RWMutex
	closed           bool
}

func (h *hotel) View(ctx context.Context, fn func(store.Reader) error) error {
	return h.stay(ctx, h.reading, func(g *sqlite.Guest) error { return g.View(ctx, fn) })
}

func (h *hotel) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.turn }()
	err := h.stay(ctx, h.writing, func(g *sqlite.Guest) error { return g.Update(ctx, tenant, fn) })
	if errors.Is(err, store.ErrHostRetry) {
		return errors.Join(store.ErrRetry, err)
	}
	return err
}

// stay begins a transaction, and commits it when the visit went well.
func (h *hotel) stay(ctx context.Context, db *sql.DB, visit func(*sqlite.Guest) error) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.closed {
		return &store.Error{Kind: pbx.ErrMisuse, Reason: "closed"}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// The transaction does not end with the context: a guest must see to that
	// by itself.
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // where it is not committed
	if err := visit(sqlite.FromTx(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

func (h *hotel) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return &store.Error{Kind: pbx.ErrMisuse, Reason: "closed"}
	}
	h.closed = true
	return errors.Join(h.writing.Close(), h.reading.Close())
}

// hostDB opens the file as a host does.
func hostDB(t testing.TB, path, more string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file://"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)"+more)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
