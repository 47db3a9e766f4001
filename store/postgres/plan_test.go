package postgres_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// crowded connects to a database whose tables have so many rows that it matters
// by which index they are read: 4000 of five tenants. They make no sense, so
// nothing checks them.
func crowded(t testing.TB) *pgx.Conn {
	t.Helper()
	c := connect(t, fresh(t))
	run := func(statement string) {
		_, err := c.Exec(ctx, statement)
		require.NoError(t, err, statement)
	}
	for _, drop := range texts(t, c, `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
		FROM pg_constraint WHERE connamespace = 'pbx'::regnamespace AND contype IN ('c', 'f') ORDER BY contype DESC`) {
		run(drop)
	}
	for _, table := range pbx.Tables() {
		var values []string
		for i, column := range table.Columns {
			values = append(values, crowd(table, i, column))
		}
		run("INSERT INTO pbx." + table.Name + " SELECT " + strings.Join(values, ", ") + " FROM generate_series(1, 4000) i")
	}
	run("ANALYZE")
	for _, set := range []string{"enable_seqscan = off", "enable_bitmapscan = off", "plan_cache_mode = force_generic_plan"} {
		run("SET " + set)
	}
	return c
}

// crowd is a column's value in the i-th row.
func crowd(table *store.Table, at int, column store.Column) string {
	n := "(i % 40)"
	for _, ix := range table.Indexes {
		if ix.Unique && slices.Contains(ix.Columns, at) {
			n = "i"
		}
	}
	if column.Name == "tenant_id" {
		n = "(i % 5)"
	}
	value := map[store.Type]string{
		store.Text: "md5(" + n + "::text)", store.UUID: "md5(" + n + "::text)::uuid", store.Int: n, store.Bool: "i % 2 = 0",
		store.Time: "now() + " + n + " * interval '1 minute'", store.List: "'{}'::text[]", store.Bytes: "'x'::bytea",
	}[column.Type]
	if column.Null {
		return "CASE WHEN i % 3 > 0 THEN " + value + " END"
	}
	return value
}

// planOf returns the plan of a statement, for any values of those types.
func planOf(t testing.TB, c *pgx.Conn, statement string, types []string) string {
	t.Helper()
	nulls := slices.Repeat([]string{"NULL"}, len(types))
	declared, given := "", ""
	if len(types) > 0 {
		declared, given = "("+strings.Join(types, ", ")+")", "("+strings.Join(nulls, ", ")+")"
	}
	_, err := c.Exec(ctx, "PREPARE asked "+declared+" AS "+statement)
	require.NoError(t, err, statement)
	lines := texts(t, c, "EXPLAIN (COSTS OFF) EXECUTE asked "+given)
	_, err = c.Exec(ctx, "DEALLOCATE asked")
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}

var dialect = sqlschema.Dialect{Param: sqlschema.Dollar, Schema: "pbx."}

func typeNames(types []store.Type) (names []string) {
	for _, kind := range types {
		names = append(names, columnTypes[kind])
	}
	return names
}

// Every statement can go by the index that its query names, and none sorts.
func TestStatementsGoByTheirIndex(t *testing.T) {
	t.Parallel()
	c := crowded(t)
	_, err := c.Exec(ctx, "SET enable_sort = off; SET enable_incremental_sort = off")
	require.NoError(t, err)
	for _, table := range pbx.Tables() {
		for _, ix := range table.Indexes {
			for _, shape := range shapes(ix) {
				text, types := shape.Text(dialect)
				plan := planOf(t, c, text, typeNames(types))
				require.NotContains(t, plan, "Seq Scan", text)
				require.NotContains(t, plan, "Sort", text)
				if shape.Verb == sqlschema.VerbGet || schematest.OneRow(ix, int(shape.Equal)) { // any unique index is good
					continue
				}
				// Beside those as good are the indexes of foreign keys, where they go on
				// after the key.
				require.Regexp(t, "using ("+strings.Join(schematest.AsGood(ix, int(shape.Equal)), "|")+`|fk_\w+) on`, plan, text)
				if shape.Equal > 0 || shape.Lower || shape.Upper || shape.After {
					require.Contains(t, plan, "Index Cond", text)
				}
			}
		}
	}
}

// shapes are all that queries over an index can have.
func shapes(ix *store.Index) (list []sqlschema.Statement) {
	if ix.Unique {
		list = append(list, sqlschema.Get(ix))
	}
	for equal := range len(ix.Columns) + 1 {
		for bits := range 16 {
			s := sqlschema.Statement{
				Verb: sqlschema.VerbFind, Index: ix, Equal: uint8(equal),
				Lower: bits&1 != 0, Upper: bits&2 != 0, After: bits&4 != 0, Desc: bits&8 != 0,
			}
			if equal == len(ix.Columns) && bits&7 != 0 || s.After && (s.Lower && !s.Desc || s.Upper && s.Desc) {
				continue
			}
			list = append(list, s)
		}
	}
	return list
}

// What follows from another read goes by the index too, and not through all
// rows of the tenant.
func TestReadsThatFollowGoByTheirIndex(t *testing.T) {
	t.Parallel()
	c := crowded(t)
	tenant, user := pbx.TenantID{1}, pbx.UserID{2}
	users, associations, services := new(pbx.User).Table(), new(pbx.Association).Table(), new(pbx.Service).Table()
	column := func(table *store.Table, name string) int {
		return slices.IndexFunc(table.Columns, func(c store.Column) bool { return c.Name == name })
	}
	reads := []store.Read{
		{Query: store.Query{Index: users.Key(), Equal: []any{tenant, user}}},
		{Query: store.Query{Index: associations.Index("associations_slot"), Equal: []any{tenant}}, Source: 1, Column: column(users, "id")},
		{Query: store.Query{Index: services.Key(), Equal: []any{tenant}}, Source: 2, Column: column(associations, "service_id")},
		{Query: store.Query{Index: new(pbx.Number).Table().Key()}, Source: 3, Column: column(services, "number")},
		{Query: store.Query{Index: new(pbx.Device).Table().Key(), Equal: []any{tenant}}, Source: 3, Column: column(services, "device_id")},
	}
	for at, want := range []string{"users_", "associations_", "services_", "numbers_pkey", "devices_"} {
		chain, _, err := sqlschema.Fetch(reads, at, nil)
		require.NoError(t, err)
		text, types := chain.Text(dialect)
		plan := planOf(t, c, text, typeNames(types))
		require.NotContains(t, plan, "Seq Scan", text)
		require.Contains(t, plan, want, text)
		for line := range strings.Lines(plan) {
			if strings.Contains(line, "Index Cond") && !strings.Contains(line, "e164") {
				require.Regexp(t, `tenant_id = .* AND`, line, "%s\n%s", text, plan)
			}
		}
	}
}
