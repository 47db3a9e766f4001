package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// lines are the connections to the server: a pool and, where it is exhausted
// for a while, further ones that are closed after use. So views can be nested in
// one another, and in updates, to any depth.
type lines struct {
	pool     *pgxpool.Pool
	patience time.Duration // how long an exhausted pool is waited for
	mercy    time.Duration // how long a server without a connection to spare is asked again
}

// get returns a connection; its release must follow. A server that has none to
// spare is asked again for a while: others may give one back. Where this process
// itself holds all of them, in views around this one, nobody will.
func (l *lines) get(ctx context.Context) (*conn, error) {
	var until time.Time
	for wait := l.patience; ; {
		c, waited, err := l.pooled(ctx, wait)
		if waited {
			if !l.exhausted() {
				wait *= 50 // it is connecting: what comes of that is worth waiting for
				continue
			}
			c, err = l.connect(ctx)
		}
		switch {
		case err == nil:
			return c, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case until.IsZero():
			until = time.Now().Add(l.mercy)
		}
		if codeOf(err) != noneToSpare || !time.Now().Before(until) {
			return nil, failure("be opened", err)
		}
		if err := sqlstore.Pause(ctx, retryPause); err != nil {
			return nil, err
		}
	}
}

// pooled returns a connection of the pool, or reports that it has waited for one
// without success.
func (l *lines) pooled(ctx context.Context, wait time.Duration) (_ *conn, waited bool, _ error) {
	short, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	c, err := l.pool.Acquire(short)
	if err != nil {
		return nil, short.Err() != nil && ctx.Err() == nil, err
	}
	return newConn(c.Conn().PgConn(), c.Release), false, nil
}

func (l *lines) exhausted() bool {
	now := l.pool.Stat()
	return now.AcquiredConns() >= now.MaxConns()
}

// renew closes the idle connections: one of them was found dead, and where the
// server went away they all are.
func (l *lines) renew() { l.pool.Reset() }

// connect opens a connection outside the pool, as the pool would.
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
	if prepare := preparation(config); prepare != nil {
		if ok, err := prepare(ctx, c); !ok || err != nil {
			hangUp(c)
			return nil, cmp.Or(err, errors.New("postgres: a new connection is not fit for use, as the pool's settings say"))
		}
	}
	return newConn(c.PgConn(), func() { hangUp(c) }), nil
}

// preparation is what the pool does with a connection each time before it gives
// it out.
func preparation(config *pgxpool.Config) func(context.Context, *pgx.Conn) (bool, error) {
	//lint:ignore SA1019 a host may still set it, and the pool heeds it
	before := config.BeforeAcquire
	if config.PrepareConn != nil || before == nil {
		return config.PrepareConn
	}
	return func(ctx context.Context, c *pgx.Conn) (bool, error) { return before(ctx, c), nil }
}

func hangUp(c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.Close(ctx) // nothing is open in it
}

// retryPause is how long what may succeed soon is left alone before it is tried
// again.
const retryPause = 20 * time.Millisecond
