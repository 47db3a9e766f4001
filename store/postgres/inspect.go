package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// library marks the schemas of this library.
const library = "github.com/pbxkit/pbx"

// identify returns the version of the schema, 0 where none of its tables is
// there. A schema that is not the library's, or newer than it, is an error. No
// outcome fails the transaction that identify may run in.
func (c *conn) identify(ctx context.Context, on *statements, newest int) (int, error) {
	tables, err := c.tables(ctx, on.schema)
	if err != nil {
		return 0, c.unread(ctx, err)
	}
	if len(tables) == 0 {
		return 0, nil
	}
	if tables["schema_version"] != "library version" {
		return 0, sqlstore.Foreign("the schema has tables of something else", nil)
	}
	rows, err := c.list(ctx, "SELECT library, version FROM "+on.dialect.Schema+"schema_version")
	if err != nil {
		return 0, c.unread(ctx, err)
	}
	if len(rows) != 1 || string(rows[0][0]) != library {
		return 0, sqlstore.Foreign("the schema is one of something else", nil)
	}
	version, err := strconv.Atoi(string(rows[0][1]))
	switch {
	case err != nil || version < 1:
		return 0, sqlstore.Foreign("the schema has no version", err)
	case version > newest:
		return 0, &store.Error{Kind: store.ErrStorage, Err: store.ErrNewerSchema,
			Reason: fmt.Sprintf("the schema is of version %d, and this library knows versions up to %d", version, newest)}
	case version < newest || complete(tables) == nil:
		return version, nil
	}
	// Another process may have made the last step since the tables were read.
	if tables, err = c.tables(ctx, on.schema); err != nil {
		return 0, c.unread(ctx, err)
	}
	return version, complete(tables)
}

// tables returns the relations in the schema that have names of the library's
// tables, each with the names of its columns.
func (c *conn) tables(ctx context.Context, schema string) (map[string]string, error) {
	names := []string{"schema_version"}
	for _, t := range pbx.Tables() {
		names = append(names, t.Name)
	}
	rows, err := c.list(ctx, `SELECT c.relname, array_to_string(ARRAY(
			SELECT a.attname FROM pg_catalog.pg_attribute a
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum), ' ')
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = ANY (string_to_array($2, ' '))`, schema, strings.Join(names, " "))
	if err != nil {
		return nil, err
	}
	found := make(map[string]string, len(rows))
	for _, row := range rows {
		found[string(row[0])] = string(row[1])
	}
	return found, nil
}

// complete reports whether all tables are there.
func complete(tables map[string]string) error {
	for _, t := range pbx.Tables() {
		if _, ok := tables[t.Name]; !ok {
			return sqlstore.Foreign("the schema has lost its table "+t.Name, nil)
		}
	}
	return nil
}

// list returns the rows, as text, of a query that is needed once; its values
// are text.
func (c *conn) list(ctx context.Context, query string, values ...string) ([][][]byte, error) {
	bytes, oids := make([][]byte, len(values)), make([]uint32, len(values))
	for i, v := range values {
		bytes[i], oids[i] = []byte(v), pgtype.TextOID
	}
	result := c.pg.ExecParams(ctx, query, bytes, oids, nil, nil).Read()
	return result.Rows, result.Err
}

// script runs statements that are needed once.
func (c *conn) script(ctx context.Context, text string) error {
	_, err := c.pg.Exec(ctx, text).ReadAll()
	return err
}

// unread returns the error of a schema that could not be read.
func (c *conn) unread(ctx context.Context, err error) error { return c.explain(ctx, "be read", err) }

// explain returns an error that says what could not be done. A store's own error,
// or a context's, stays as it is.
func (c *conn) explain(ctx context.Context, doing string, err error) error {
	if _, ok := errors.AsType[*store.Error](err); ok {
		return err
	}
	if err = c.seen(ctx, err); isContextError(err) {
		return err
	}
	return failure(doing, err)
}
