package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// Every statement goes by the index that its query names, and none sorts.
func TestStatementsGoByTheirIndex(t *testing.T) {
	t.Parallel()
	db := rawDB(t, newFile(t))
	for _, table := range pbx.Tables() {
		for _, ix := range table.Indexes {
			for _, shape := range shapes(ix) {
				text := shape.SQL(sqlschema.Dialect{Param: literal})
				plan := plan(t, db, text)
				require.NotContains(t, plan, "TEMP B-TREE", text)
				switch {
				case schematest.OneRow(ix, int(shape.Equal)): // any unique index is good
				case ix == table.Key():
					require.NotContains(t, plan, "INDEX", "%s: %s", text, plan)
				default:
					require.Regexp(t, "INDEX ("+strings.Join(schematest.AsGood(ix, int(shape.Equal)), "|")+")( |$)", plan, text)
				}
				if shape.Equal > 0 || shape.Lower || shape.Upper || shape.After || shape.Verb == sqlschema.VerbGet {
					require.Contains(t, plan, "SEARCH", text)
				}
			}
		}
	}
}

func literal(int) string { return "'x'" }

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

// A row that is deleted is looked for in the rows that may refer to it: the
// engine finds them by an index made for it, and not by a look through the
// tenant.
func TestReferringRowsAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	db := rawDB(t, newFile(t))
	tree := map[int]string{}
	for _, table := range column1(t, db, "SELECT rootpage || ' ' || name FROM sqlite_schema WHERE rootpage > 0") {
		var page int
		var name string
		_, err := fmt.Sscan(table, &page, &name)
		require.NoError(t, err)
		tree[page] = name
	}
	for table, want := range map[string][]string{
		"users":         {"extensions_by_user", "devices_by_user", "aliases_by_user", "fk_call_group_members_user", "device_lines_user"},
		"aliases":       {"extensions_by_alias", "fk_call_group_members_alias", "device_lines_alias"},
		"call_groups":   {"extensions_by_group"},
		"services":      {"associations_by_service", "numbers_waiting", "foreign_services_line"},
		"locations":     {"users_by_location", "services_by_location", "devices_by_location"},
		"devices":       {"services_by_device"},
		"service_types": {"services_by_type"},
		"station_pools": {"users_by_station"},
		"port_requests": {"numbers_by_port"},
		"numbers":       {"numbers_temporary"},
		"tenants":       {"fk_cursors_tenant"},
	} {
		rows, err := db.Query("EXPLAIN DELETE FROM " + table + " WHERE rev = 1")
		require.NoError(t, err)
		var got []string
		for rows.Next() {
			var addr, p1, p2, p3, p5 int
			var op string
			var p4, comment any
			require.NoError(t, rows.Scan(&addr, &op, &p1, &p2, &p3, &p4, &p5, &comment))
			if op == "OpenRead" {
				got = append(got, tree[p2])
			}
		}
		require.NoError(t, rows.Err())
		require.Subset(t, got, want, table)
	}
}
