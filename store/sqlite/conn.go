package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"time"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// conn is the seam between the store and the engine: one connection that
// prepares each statement once, binds values and steps through rows. What is
// below it are the interfaces of database/sql/driver, used directly: a pool and
// conversions are not wanted here, and anything that can be adapted to a
// driver.Conn, such as a host's transaction, can take the driver's place. A conn is
// used by one goroutine at a time.
//
// No statement gets a context that can end: watching one costs a goroutine for
// each statement, and an interrupted write makes SQLite roll back by itself.
// Contexts are checked between statements.
type conn struct {
	raw      driver.Conn
	prepared map[sqlschema.Statement]*stmt
	plain    map[string]*stmt // BEGIN and the like
	again    error            // what asks for another run: store.ErrRetry or store.ErrHostRetry

	// Memory that statements need, used again by each.
	bound   int
	args    [maxValues]driver.NamedValue
	ids     [maxValues][16]byte
	boxed   [maxValues]driver.Value // boxed[i] is ids[i] as a []byte
	row     [maxValues]driver.Value
	values  []any
	fields  []store.Field
	changer sqlschema.Changer
}

const (
	// maxValues is more than any row has and any statement binds: an update that
	// sets every column also binds the old revision, a range two bounds and a limit.
	maxValues = store.MaxColumns + 4
	// maxPrepared bounds the statements that are kept: the shapes that a
	// program uses are far fewer.
	maxPrepared = 1000
)

var dialect = sqlschema.Dialect{Param: sqlschema.Question}

// stmt is a prepared statement.
type stmt struct {
	driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
}

func newConn(raw driver.Conn, again error) *conn {
	c := &conn{raw: raw, again: again, prepared: make(map[sqlschema.Statement]*stmt), plain: make(map[string]*stmt)}
	for i := range c.args {
		c.args[i].Ordinal = i + 1
		c.boxed[i] = c.ids[i][:]
	}
	return c
}

// close releases the connection; a transaction that is open is rolled back.
func (c *conn) close() error {
	c.forget()
	for _, s := range c.plain {
		_ = s.Close() // repeats the error of its last run
	}
	clear(c.plain)
	return c.raw.Close()
}

// forget closes the statements made of shapes.
func (c *conn) forget() {
	for _, s := range c.prepared {
		_ = s.Close()
	}
	clear(c.prepared)
}

func (c *conn) prepare(text string) (*stmt, error) {
	s, err := c.raw.Prepare(text)
	if err != nil {
		return nil, err
	}
	exec, canExec := s.(driver.StmtExecContext)
	query, canQuery := s.(driver.StmtQueryContext)
	if !canExec || !canQuery {
		return nil, errors.New("sqlite: the driver's statements take no context")
	}
	return &stmt{Stmt: s, exec: exec, query: query}, nil
}

// statement returns the statement of that shape, prepared once.
func (c *conn) statement(shape sqlschema.Statement) (*stmt, error) {
	if s := c.prepared[shape]; s != nil {
		return s, nil
	}
	if len(c.prepared) == maxPrepared {
		c.forget()
	}
	s, err := c.prepare(shape.SQL(dialect))
	if err != nil {
		return nil, err
	}
	c.prepared[shape] = s
	return s, nil
}

// run runs a statement without values, prepared once.
func (c *conn) run(text string) error {
	s := c.plain[text]
	if s == nil {
		var err error
		if s, err = c.prepare(text); err != nil {
			return err
		}
		c.plain[text] = s
	}
	_, err := s.exec.ExecContext(context.Background(), nil)
	return err
}

// script runs statements that are needed once.
func (c *conn) script(text string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), text, nil)
	return err
}

// list returns the rows of a query that is needed once. It alone can be ended
// by its context.
func (c *conn) list(ctx context.Context, text string) (rows [][]driver.Value, err error) {
	r, err := c.raw.(driver.QueryerContext).QueryContext(ctx, text, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		row := make([]driver.Value, len(r.Columns()))
		switch err := r.Next(row); err {
		case nil:
			rows = append(rows, row)
		case io.EOF:
			return rows, nil
		default:
			return nil, err
		}
	}
}

// number returns the one number that a query yields.
func (c *conn) number(text string) (int64, error) {
	rows, err := c.list(context.Background(), text)
	if err != nil {
		return 0, err
	}
	if len(rows) == 1 && len(rows[0]) == 1 {
		if n, ok := rows[0][0].(int64); ok {
			return n, nil
		}
	}
	return 0, errors.New("sqlite: not one number: " + text)
}

// exec runs a statement with the values that were bound, and returns how many
// rows it changed.
func (c *conn) exec(shape sqlschema.Statement) (int64, error) {
	s, err := c.statement(shape)
	if err != nil {
		return 0, err
	}
	result, err := s.exec.ExecContext(context.Background(), c.args[:c.bound])
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query runs a statement with the values that were bound, and appends to dst
// the records that it yields.
func (c *conn) query(dst []store.Record, shape sqlschema.Statement) (_ []store.Record, err error) {
	s, err := c.statement(shape)
	if err != nil {
		return dst, err
	}
	rows, err := s.query.QueryContext(context.Background(), c.args[:c.bound])
	if err != nil {
		return dst, err
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	table := shape.Index.Table
	row := c.row[:len(table.Columns)]
	for {
		switch err := rows.Next(row); err {
		case nil:
		case io.EOF:
			return dst, nil
		default:
			return dst, err
		}
		record := table.New()
		if err := c.decode(record, row); err != nil {
			return dst, err
		}
		dst = append(dst, record)
	}
}

// unbind begins the values of the next statement.
func (c *conn) unbind() { c.bound = 0 }

// bind binds the next values, given as keys and queries have them.
func (c *conn) bind(values ...any) {
	for _, v := range values {
		switch v := store.ColumnValue(v).(type) {
		case [16]byte:
			c.bindID(&v)
		case bool:
			c.bindBool(v)
		case time.Time:
			c.bindValue(v.UnixMicro())
		default:
			c.bindValue(v)
		}
	}
}

// BindField binds a record's field as the next value.
func (c *conn) BindField(f *store.Field) {
	switch p := f.Ptr.(type) {
	case *string:
		if f.Null && *p == "" {
			c.bindValue(nil)
		} else {
			c.bindValue(*p)
		}
	case *int64:
		c.bindValue(*p)
	case *bool:
		c.bindBool(*p)
	case *time.Time:
		if p.IsZero() {
			c.bindValue(nil)
		} else {
			c.bindValue(p.UnixMicro())
		}
	case *[16]byte:
		if *p == [16]byte{} {
			c.bindValue(nil)
		} else {
			c.bindID(p)
		}
	case *[]string:
		c.bindValue(encodeList(*p))
	case *[]byte:
		if *p == nil {
			c.bindValue(nil)
		} else {
			c.bindValue(*p)
		}
	}
}

func (c *conn) bindValue(v driver.Value) {
	c.args[c.bound].Value = v
	c.bound++
}

func (c *conn) bindID(id *[16]byte) {
	c.ids[c.bound] = *id
	c.bindValue(c.boxed[c.bound])
}

func (c *conn) bindBool(b bool) {
	if b {
		c.bindValue(int64(1))
	} else {
		c.bindValue(int64(0))
	}
}
