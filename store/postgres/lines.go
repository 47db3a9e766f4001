package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// lines are the connections to the server: a pool and, where it is exhausted
// for a while, more that are closed after use. So views can be nested in one
// another, and in updates, to any depth.
type lines struct {
	pool     *pgxpool.Pool
	patience time.Duration // with a pool that is exhausted
}

// get returns a connection; its release must follow.
func (l *lines) get(ctx context.Context) (*conn, error) {
	for wait := l.patience; ; {
		c, err := l.pooled(ctx, wait)
		switch {
		case err == nil:
			return c, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case tooMany(err):
			if err := pause(ctx); err != nil {
				return nil, err
			}
			continue
		case !errors.Is(err, context.DeadlineExceeded):
			return nil, failure("be opened", err)
		case !l.exhausted():
			wait *= 50 // it is connecting: what comes of that is worth waiting for
			continue
		}
		c, err = l.connect(ctx)
		switch {
		case err == nil:
			return c, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !tooMany(err):
			return nil, failure("be opened", err)
		}
	}
}

func (l *lines) pooled(ctx context.Context, wait time.Duration) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	c, err := l.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return newConn(c.Conn().PgConn(), c.Release), nil
}

func (l *lines) exhausted() bool {
	now := l.pool.Stat()
	return now.AcquiredConns() >= now.MaxConns()
}

// renew has the connections that lie idle closed: one of them was found dead,
// and where the server went away they all are.
func (l *lines) renew() { l.pool.Reset() }

// connect opens a connection beside the pool, as the pool would.
func (l *lines) connect(ctx context.Context) (*conn, error) {
	config := l.pool.Config()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	c, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, err
	}
	if config.AfterConnect != nil {
		if err := config.AfterConnect(ctx, c); err != nil {
			hangUp(c)
			return nil, err
		}
	}
	return newConn(c.PgConn(), func() { hangUp(c) }), nil
}

func hangUp(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.Close(ctx) // nothing is open in it
}

// tooMany reports whether the server has no connection to spare.
func tooMany(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "53300"
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
