package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// The schema is written by hand; here it is held against the declarations.

// columnTypes are the types of PostgreSQL in which the columns are kept.
var columnTypes = map[store.Type]string{
	store.Text: "text", store.List: "text[]", store.UUID: "uuid", store.Bytes: "bytea",
	store.Int: "bigint", store.Bool: "boolean", store.Time: "timestamp with time zone",
}

type column struct {
	Name, Type string
	NotNull    bool
	Bytewise   bool
}

type index struct {
	Name    string
	Columns string
	Unique  bool
	Where   string // that the columns are not NULL, or nothing
}

// rows returns the rows of a query.
func rows[R any](t testing.TB, c *pgx.Conn, query string, values ...any) []R {
	t.Helper()
	found, err := c.Query(ctx, query, values...)
	require.NoError(t, err)
	list, err := pgx.CollectRows(found, pgx.RowToStructByPos[R])
	require.NoError(t, err)
	return list
}

type text struct{ Text string }

func texts(t testing.TB, c *pgx.Conn, query string, values ...any) (list []string) {
	t.Helper()
	for _, row := range rows[text](t, c, query, values...) {
		list = append(list, row.Text)
	}
	return list
}

func TestSchemaHasEveryDeclaredTableAndNoOther(t *testing.T) {
	t.Parallel()
	c := connect(t, fresh(t))
	want := []string{"r schema_version"}
	for _, table := range pbx.Tables() {
		want = append(want, "r "+table.Name)
	}
	got := texts(t, c, `SELECT relkind::text || ' ' || relname FROM pg_class WHERE relnamespace = 'pbx'::regnamespace AND relkind <> 'i'`)
	require.ElementsMatch(t, want, got, "tables, and nothing else: no sequence, no view")
	require.Empty(t, texts(t, c, `SELECT tgname FROM pg_trigger JOIN pg_class r ON r.oid = tgrelid
		WHERE NOT tgisinternal AND relnamespace = 'pbx'::regnamespace`))
	require.Empty(t, texts(t, c, `SELECT conname FROM pg_constraint WHERE connamespace = 'pbx'::regnamespace AND condeferrable`))
}

func TestSchemaSaysWhatEachTableIs(t *testing.T) {
	t.Parallel()
	require.Empty(t, texts(t, connect(t, fresh(t)), `SELECT relname FROM pg_class
		WHERE relnamespace = 'pbx'::regnamespace AND relkind = 'r' AND obj_description(oid, 'pg_class') IS NULL`))
}

func TestSchemaHasTheDeclaredColumns(t *testing.T) {
	t.Parallel()
	c := connect(t, fresh(t))
	for _, table := range pbx.Tables() {
		var want []column
		for _, c := range table.Columns {
			want = append(want, column{c.Name, columnTypes[c.Type], !c.Null, c.Type == store.Text})
		}
		got := rows[column](t, c, `SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, coalesce(o.collname = 'C', false)
			FROM pg_attribute a LEFT JOIN pg_collation o ON o.oid = a.attcollation
			WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, "pbx."+table.Name)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-declared +schema):\n%s", table.Name, diff)
		}
	}
}

func TestSchemaHasTheDeclaredIndexesAndThoseOfForeignKeys(t *testing.T) {
	t.Parallel()
	c := connect(t, fresh(t))
	for _, table := range pbx.Tables() {
		var want, got []index
		for _, ix := range table.Indexes {
			w := index{Name: ix.Name, Unique: ix.Unique}
			var names, nullable []string
			for _, c := range ix.Columns {
				names = append(names, table.Columns[c].Name)
				if table.Columns[c].Null {
					nullable = append(nullable, "("+table.Columns[c].Name+" IS NOT NULL)")
				}
			}
			w.Columns, w.Where = strings.Join(names, " "), strings.Join(nullable, " AND ")
			want = append(want, w)
		}
		for _, ix := range rows[index](t, c, `SELECT i.relname,
			(SELECT string_agg(a.attname, ' ' ORDER BY k.n) FROM unnest(x.indkey) WITH ORDINALITY k(at, n)
				JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.at),
			x.indisunique, coalesce(pg_get_expr(x.indpred, x.indrelid), '')
			FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = $1::regclass`, "pbx."+table.Name) {
			if !strings.HasPrefix(ix.Name, "fk_"+table.Name+"_") && ix.Name != "fk_cursors_tenant" {
				got = append(got, ix)
			}
		}
		byName := cmp.Transformer("byName", func(list []index) map[string]index {
			m := make(map[string]index)
			for _, ix := range list {
				m[ix.Name] = ix
			}
			return m
		})
		if diff := cmp.Diff(want, got, byName); diff != "" {
			t.Errorf("%s (-declared +schema):\n%s", table.Name, diff)
		}
	}
}

// A row that is deleted, or whose key changes, is looked for in the rows that
// may refer to it: there must be an index for that, which begins with the
// columns of the foreign key, or with all but one where that is a row's own.
func TestSchemaFindsTheRowsThatReferToOneByAnIndex(t *testing.T) {
	t.Parallel()
	c := connect(t, fresh(t))
	_, err := c.Exec(ctx, "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
	require.NoError(t, err)
	type foreignKey struct{ Table, Name, Columns string }
	keys := rows[foreignKey](t, c, `SELECT r.relname, c.conname, (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, NULL), ',' ORDER BY k.n)
		FROM unnest(c.conkey) WITH ORDINALITY k(at, n) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.at)
		FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid WHERE c.contype = 'f' AND c.connamespace = 'pbx'::regnamespace`)
	require.NotEmpty(t, keys)
	for _, key := range keys {
		var terms, types []string
		for i, column := range strings.Split(key.Columns, ",") {
			name, kind, _ := strings.Cut(column, " ")
			terms = append(terms, fmt.Sprintf("%s = $%d", name, i+1))
			types = append(types, kind)
		}
		plan := planOf(t, c, "SELECT 1 FROM pbx."+key.Table+" WHERE "+strings.Join(terms, " AND "), types)
		require.NotContains(t, plan, "Seq Scan", key.Name)
		if len(terms) > 1 {
			last, _, _ := strings.Cut(terms[1], " ")
			require.Regexp(t, `Index Cond: .*\b(`+last+`|digits|e164|address)\b`, plan, key.Name)
		}
	}
}
