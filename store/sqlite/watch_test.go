package sqlite_test

import (
	"context"
	"database/sql/driver"

	modernc "modernc.org/sqlite"
)

// watching dresses up connections so that watch is asked before a statement is
// prepared ("prepare") and before it runs ("run"); its error takes the place of
// the engine's.
func watching(watch func(kind, text string) error) func(driver.Conn) driver.Conn {
	return func(c driver.Conn) driver.Conn { return watchedConn{c, watch} }
}

type watchedConn struct {
	driver.Conn
	watch func(kind, text string) error
}

func (c watchedConn) Prepare(text string) (driver.Stmt, error) {
	if err := c.watch("prepare", text); err != nil {
		return nil, err
	}
	s, err := c.Conn.Prepare(text)
	if err != nil {
		return nil, err
	}
	return watchedStmt{s, text, c.watch}, nil
}

func (c watchedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.watch("run", text); err != nil {
		return nil, err
	}
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
}

func (c watchedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.watch("run", text); err != nil {
		return nil, err
	}
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
}

func (c watchedConn) Status(op modernc.DBStatusOp, reset bool) (current, high int, err error) {
	return c.Conn.(modernc.DBStatus).Status(op, reset)
}

type watchedStmt struct {
	driver.Stmt
	text  string
	watch func(kind, text string) error
}

func (s watchedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.watch("run", s.text); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s watchedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.watch("run", s.text); err != nil {
		return nil, err
	}
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}
