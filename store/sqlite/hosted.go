package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/pbxkit/pbx/store"
)

// hosted adapts a host's transaction to a driver's connection. It knows when the
// transaction is over: every statement then gives the same error.
//
// After some errors, such as a full disk, SQLite rolls back the whole transaction
// by itself, and whatever ran in it afterwards would be committed at once, one
// statement after the other. So after an error nothing runs until it is clear that
// the transaction is still there.
type hosted struct {
	tx   *sql.Tx
	over error // why nothing runs any more

	// Memory that statements need, used again by each.
	values [maxValues]any
	cells  [maxValues]any
	into   [maxValues]any // pointers to cells
}

func newHosted(tx *sql.Tx) *hosted {
	h := &hosted{tx: tx}
	for i := range h.into {
		h.into[i] = &h.cells[i]
	}
	return h
}

// there returns nil while the transaction is still there. Cause is the error that
// raised the question, if there was one. Inside a transaction SQLite refuses BEGIN,
// which changes nothing; if BEGIN succeeds, the host's transaction has gone. No other
// statement shows it, and database/sql cannot be asked.
func (h *hosted) there(cause error) error {
	if h.over != nil {
		return h.over
	}
	_, err := h.tx.ExecContext(context.Background(), "BEGIN")
	switch {
	case err == nil:
		h.lose(cause)
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, sql.ErrConnDone), errors.Is(err, driver.ErrBadConn):
		h.over = &store.Error{Kind: store.ErrMisuse, Err: errors.Join(err, cause),
			Reason: "the host's transaction is over: it was committed or rolled back, or its context has ended"}
	}
	return h.over
}

// lose gives up a transaction that SQLite has rolled back, or that cannot be
// brought back to where it was. For database/sql it is over too: what the host
// runs in it from now on is refused, where it would be committed at once.
func (h *hosted) lose(cause error) {
	if h.over != nil {
		return
	}
	h.over = &store.Error{Kind: store.ErrStorage, Err: cause,
		Reason: "the database has taken back the host's whole transaction"}
	_ = h.tx.Rollback() // it may say that there is none
}

// doubt returns a statement's error, or the transaction's when that is over.
func (h *hosted) doubt(err error) error {
	if err == nil {
		return nil
	}
	if over := h.there(err); over != nil {
		return over
	}
	return err
}

func (h *hosted) bound(args []driver.NamedValue) []any {
	values := h.values[:0]
	for i := range args {
		values = append(values, args[i].Value)
	}
	return values
}

// Prepare prepares a statement, as long as the transaction lives.
func (h *hosted) Prepare(text string) (driver.Stmt, error) {
	if h.over != nil {
		return nil, h.over
	}
	s, err := h.tx.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, h.doubt(err)
	}
	return &hostedStmt{h, s}, nil
}

// ExecContext runs a statement that is needed once.
func (h *hosted) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if h.over != nil {
		return nil, h.over
	}
	result, err := h.tx.ExecContext(ctx, text, h.bound(args)...)
	return result, h.doubt(err)
}

// QueryContext runs a query that is needed once.
func (h *hosted) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if h.over != nil {
		return nil, h.over
	}
	return h.rows(h.tx.QueryContext(ctx, text, h.bound(args)...))
}

// Begin always fails: the transaction has begun.
func (h *hosted) Begin() (driver.Tx, error) { return nil, errBegun }

// Close leaves the transaction to the host.
func (h *hosted) Close() error { return nil }

var errBegun = errors.New("sqlite: the transaction is the host's")

// hostedStmt is a statement prepared in a host's transaction.
type hostedStmt struct {
	host *hosted
	stmt *sql.Stmt
}

// ExecContext runs the statement.
func (s *hostedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if s.host.over != nil {
		return nil, s.host.over
	}
	result, err := s.stmt.ExecContext(ctx, s.host.bound(args)...)
	return result, s.host.doubt(err)
}

// QueryContext runs the query.
func (s *hostedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if s.host.over != nil {
		return nil, s.host.over
	}
	return s.host.rows(s.stmt.QueryContext(ctx, s.host.bound(args)...))
}

// Close releases the statement.
func (s *hostedStmt) Close() error { return s.stmt.Close() }

// NumInput leaves it to the driver to count the values.
func (s *hostedStmt) NumInput() int { return -1 }

// Exec is the form without a context, which nothing here uses.
func (s *hostedStmt) Exec([]driver.Value) (driver.Result, error) { return nil, driver.ErrSkip }

// Query is the form without a context, which nothing here uses.
func (s *hostedStmt) Query([]driver.Value) (driver.Rows, error) { return nil, driver.ErrSkip }

// rows adapts a query's rows.
func (h *hosted) rows(rows *sql.Rows, err error) (driver.Rows, error) {
	if err != nil {
		return nil, h.doubt(err)
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, h.doubt(errors.Join(err, rows.Close()))
	}
	return &hostedRows{h, rows, columns}, nil
}

// hostedRows are a query's rows. They use memory of the transaction, so they have to
// be read to their end, or closed, before the next query.
type hostedRows struct {
	host    *hosted
	rows    *sql.Rows
	columns []string
}

// Columns returns the columns' names.
func (r *hostedRows) Columns() []string { return r.columns }

// Next puts the next row into dest. Rows that failed are closed first, because
// another statement has to find out whether the transaction is still there.
func (r *hostedRows) Next(dest []driver.Value) error {
	if !r.rows.Next() {
		if err := errors.Join(r.rows.Err(), r.rows.Close()); err != nil {
			return r.host.doubt(err)
		}
		return io.EOF
	}
	if err := r.rows.Scan(r.host.into[:len(dest)]...); err != nil {
		return r.host.doubt(errors.Join(err, r.rows.Close()))
	}
	for i := range dest {
		dest[i] = r.host.cells[i]
	}
	return nil
}

// Close ends the rows.
func (r *hostedRows) Close() error { return r.host.doubt(r.rows.Close()) }
