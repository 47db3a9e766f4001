package sqlite_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// The schema is written by hand; here it is held against the declarations.

// columnTypes are the types of SQLite in which the columns are kept.
var columnTypes = map[store.Type]string{
	store.Text: "TEXT", store.List: "TEXT", store.UUID: "BLOB", store.Bytes: "BLOB",
	store.Int: "INTEGER", store.Bool: "INTEGER", store.Time: "INTEGER",
}

type column struct {
	Name, Type string
	NotNull    bool
}

type index struct {
	Name    string // "" is the primary key
	Columns string
	Unique  bool
	Partial bool
}

func TestSchemaHasEveryDeclaredTableAndNoOther(t *testing.T) {
	t.Parallel()
	db := rawDB(t, newFile(t))
	var want []string
	for _, table := range pbx.Tables() {
		want = append(want, table.Name)
	}
	got := column1(t, db, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite%' AND strict")
	require.ElementsMatch(t, want, got)
}

func TestSchemaHasTheDeclaredColumns(t *testing.T) {
	t.Parallel()
	db := rawDB(t, newFile(t))
	for _, table := range pbx.Tables() {
		var want, got []column
		for _, c := range table.Columns {
			want = append(want, column{c.Name, columnTypes[c.Type], !c.Null})
		}
		rows, err := db.Query("SELECT name, type, \"notnull\" FROM pragma_table_info(?) ORDER BY cid", table.Name)
		require.NoError(t, err)
		for rows.Next() {
			var c column
			require.NoError(t, rows.Scan(&c.Name, &c.Type, &c.NotNull))
			got = append(got, c)
		}
		require.NoError(t, rows.Err())
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-declared +schema):\n%s", table.Name, diff)
		}
	}
}

func TestSchemaHasTheDeclaredIndexesAndThoseOfForeignKeys(t *testing.T) {
	t.Parallel()
	db := rawDB(t, newFile(t))
	for _, table := range pbx.Tables() {
		want := map[string]index{}
		for i, ix := range table.Indexes {
			w := index{Name: ix.Name, Unique: ix.Unique}
			if i == 0 {
				w.Name = ""
			}
			var names []string
			for _, c := range ix.Columns {
				names = append(names, table.Columns[c].Name)
				w.Partial = w.Partial || table.Columns[c].Null
			}
			w.Columns = strings.Join(names, " ")
			want[w.Name] = w
		}
		got := indexes(t, db, table.Name)
		for name := range got {
			if strings.HasPrefix(name, "fk_"+table.Name+"_") {
				delete(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-declared +schema):\n%s", table.Name, diff)
		}
	}
}

func indexes(t *testing.T, db *sql.DB, table string) map[string]index {
	t.Helper()
	got := map[string]index{}
	rows, err := db.Query(`SELECT l.name, l.origin, l."unique", l.partial,
		(SELECT group_concat(i.name, ' ' ORDER BY i.seqno) FROM pragma_index_info(l.name) i)
		FROM pragma_index_list(?) l`, table)
	require.NoError(t, err)
	for rows.Next() {
		var ix index
		var origin string
		require.NoError(t, rows.Scan(&ix.Name, &origin, &ix.Unique, &ix.Partial, &ix.Columns))
		if origin == "pk" {
			ix.Name = ""
		}
		got[ix.Name] = ix
	}
	require.NoError(t, rows.Err())
	return got
}

// A row that is deleted, or whose key changes, is looked for in the rows that
// may refer to it: there must be an index for that.
func TestSchemaFindsTheRowsThatReferToOneByAnIndex(t *testing.T) {
	t.Parallel()
	db := rawDB(t, newFile(t))
	for _, table := range pbx.Tables() {
		byKey := map[int][]string{}
		rows, err := db.Query(`SELECT id, "from" FROM pragma_foreign_key_list(?) ORDER BY id, seq`, table.Name)
		require.NoError(t, err)
		for rows.Next() {
			var id int
			var from string
			require.NoError(t, rows.Scan(&id, &from))
			byKey[id] = append(byKey[id], from+" = 'x'")
		}
		require.NoError(t, rows.Err())
		for _, terms := range byKey {
			plan := plan(t, db, fmt.Sprintf("SELECT 1 FROM %s WHERE %s", table.Name, strings.Join(terms, " AND ")))
			require.Contains(t, plan, "SEARCH", "%s by %v", table.Name, terms)
			require.Regexp(t, `\(.*(`+lastColumn(terms)+`|digits|e164|address)=\?`, plan, "%s by %v", table.Name, terms)
		}
	}
}

// lastColumn is the column that a foreign key is about, after the tenant.
func lastColumn(terms []string) string {
	name, _, _ := strings.Cut(terms[min(1, len(terms)-1)], " ")
	return name
}

func plan(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.Query("EXPLAIN QUERY PLAN " + query)
	require.NoError(t, err)
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		lines = append(lines, detail)
	}
	require.NoError(t, rows.Err())
	return strings.Join(lines, "; ")
}

func column1(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.Query(query)
	require.NoError(t, err)
	var out []string
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		out = append(out, s)
	}
	require.NoError(t, rows.Err())
	return out
}
