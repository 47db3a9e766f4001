package postgres

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// heed is what a connection of the store's own minds while it waits for the answer to
// a COMMIT.
//
// The driver sends a cancel request whenever it gives a connection up. A server that
// waits for a synchronous standby then stops waiting, and the change is there for all
// to see although the standby does not have it. So none is sent in that time.
//
// Where somebody else cancels the wait (an operator) the server answers COMMIT all the
// same, and says what it did in a warning.
type heed struct {
	committing atomic.Bool
	warning    error // of the server, during COMMIT; of the goroutine that uses the connection
}

// heedKey is where a connection keeps its heed.
const heedKey = roomKey + "#heed"

var errCommitting = errors.New("postgres: a COMMIT is not cancelled")

// heeding has each new connection of a pool, or beside it, heed a COMMIT.
func heeding(config *pgxpool.Config) {
	before := config.BeforeConnect
	config.BeforeConnect = func(ctx context.Context, c *pgx.ConnConfig) error {
		if before != nil {
			if err := before(ctx, c); err != nil {
				return err
			}
		}
		new(heed).attach(&c.Config)
		return nil
	}
}

// attach makes the settings of one connection those of one that heeds.
func (h *heed) attach(c *pgconn.Config) {
	dial, notice, connected := c.DialFunc, c.OnNotice, c.AfterConnect
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if h.committing.Load() { // it dials for a cancel request
			return nil, errCommitting
		}
		return dial(ctx, network, address)
	}
	c.OnNotice = func(pg *pgconn.PgConn, n *pgconn.Notice) {
		if h.committing.Load() && gaveUp(n) {
			h.warning = (*pgconn.PgError)(n)
		}
		if notice != nil {
			notice(pg, n)
		}
	}
	c.AfterConnect = func(ctx context.Context, pg *pgconn.PgConn) error {
		pg.CustomData()[heedKey] = h
		if _, err := pg.Exec(ctx, hearWarnings).ReadAll(); err != nil {
			return err
		}
		if connected != nil {
			return connected(ctx, pg)
		}
		return nil
	}
}

// hearWarnings has the server send warnings where the role's or the database's
// settings say that it does not.
const hearWarnings = `SELECT pg_catalog.set_config('client_min_messages', 'warning', false)
	WHERE pg_catalog.current_setting('client_min_messages') IN ('error', 'fatal', 'panic')`

// gaveUp reports whether a notice may say that a COMMIT did not wait for the standby.
// Its SQLSTATE is that of any warning. So every warning counts, unless a function of the
// database has raised it: to be wrong costs a look and a commit.
func gaveUp(n *pgconn.Notice) bool {
	return n.SeverityUnlocalized == "WARNING" && n.Routine != "exec_stmt_raise"
}

// commit begins the time in which nothing is cancelled.
func (h *heed) commit() {
	h.warning = nil
	h.committing.Store(true)
}

// over ends it. A connection that was given up stays as it is.
func (h *heed) over() { h.committing.Store(false) }

// hangUp closes the socket of a connection that the driver has given up, which else
// goes on reading for a while.
func (c *conn) hangUp() { _ = c.pg.Conn().Close() }
