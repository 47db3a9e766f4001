package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/postgres"
	"github.com/pbxkit/pbx/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, fresh(t)) })
}

// The suite runs on guests too: what one does in a transaction of the host's is
// what a store does.
func TestGuestConformance(t *testing.T) {
	onlyLong(t)
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		config, err := pgxpool.ParseConfig(fresh(t))
		require.NoError(t, err)
		config.MaxConns = 150 // views are nested, and updates wait for one another
		pool, err := pgxpool.NewWithConfig(ctx, config)
		require.NoError(t, err)
		return &hotel{pool: pool}
	})
}

// hotel is a store made of guests: each view and each update is a guest in a
// transaction that is begun for it and then ended.
type hotel struct {
	pool   *pgxpool.Pool
	mu     sync.RWMutex
	closed bool
}

var errClosed = &store.Error{Kind: pbx.ErrMisuse, Reason: "closed"}

func (h *hotel) View(ctx context.Context, fn func(store.Reader) error) error {
	return h.stay(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(g *postgres.Guest) error {
		return g.View(ctx, fn)
	})
}

func (h *hotel) Fetch(ctx context.Context, reads ...store.Read) (results [][]store.Record, err error) {
	err = h.stay(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(g *postgres.Guest) error {
		results, err = g.Fetch(ctx, reads...)
		return err
	})
	return results, err
}

func (h *hotel) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	err := h.stay(ctx, pgx.TxOptions{}, func(g *postgres.Guest) error { return g.Update(ctx, tenant, fn) })
	if errors.Is(err, store.ErrHostRetry) {
		return errors.Join(store.ErrRetry, err)
	}
	return err
}

// stay begins a transaction, and commits it when the visit went well.
func (h *hotel) stay(ctx context.Context, how pgx.TxOptions, visit func(*postgres.Guest) error) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, err := h.pool.BeginTx(context.Background(), how)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.Background()) }() // where it is not committed
	if err := visit(postgres.FromTx(tx)); err != nil {
		return err
	}
	return tx.Commit(context.Background())
}

func (h *hotel) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errClosed
	}
	h.closed = true
	h.pool.Close()
	return nil
}
