package sqlite_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/sqlite"
)

func TestChecksRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, b := range schematest.Broken {
		t.Run(fmt.Sprintf("%s/%d", b.Constraint, i), func(t *testing.T) {
			err := w.Apply(b.Change(w.World))
			require.ErrorIs(t, err, store.ErrConstraint)
			require.ErrorIs(t, err, pbx.ErrStorage)
			require.Regexp(t, `CHECK constraint failed: (length\()?`+b.Constraint+`\b`, cause(err))
			require.NotContains(t, err.Error(), "CHECK", "driver text is not shown")
		})
	}
	require.NoError(t, w.store.Check(t.Context()))
}

func TestEveryNamedCheckIsTested(t *testing.T) { schematest.EveryNamedCheck(t, sqlite.Migrations()) }

// cause is what the engine said.
func cause(err error) string {
	var e *store.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err.Error()
	}
	return ""
}

// Records cannot even say these.
func TestChecksRefuseWhatOnlyAnotherProgramWouldWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.store.Close())
	db := rawDB(t, w.path)
	for _, statement := range []string{
		"UPDATE tenants SET sip_domain = ''",
		"UPDATE tenants SET next_extension = ''",
		"UPDATE tenants SET number_criteria = ''",
		"UPDATE numbers SET billed = 2",
		"UPDATE service_types SET applications = 'x'",
		"UPDATE service_types SET applications = '{}'",
		"UPDATE station_pools SET applications = '[\"x\"'",
		"UPDATE station_pools SET applications = '1'",
		"UPDATE users SET applications = ''",
		"UPDATE users SET applications = 'null'",
		"UPDATE users SET e911 = 2",
		"UPDATE users SET station = ''",
		"UPDATE users SET rev = 'abc'",
		"UPDATE users SET location_id = '1234567890123456'",
		"UPDATE users SET first_name = NULL",
		"UPDATE services SET type = ''",
		"UPDATE port_requests SET toll_free = -1",
		"UPDATE service_types SET fulfilment = 2",
		"UPDATE services SET activate_later = 2",
		"INSERT INTO foreign_services SELECT tenant_id, id, 1, id, NULL, 'S', 'n', '', 2, 0, 0, 'active', '', 0, 0 FROM services",
		"INSERT INTO foreign_services SELECT tenant_id, id, 1, id, NULL, 'S', 'n', '', 0, 2, 0, 'active', '', 0, 0 FROM services",
		"INSERT INTO foreign_services SELECT tenant_id, id, 1, id, NULL, 'S', 'n', '', 0, 0, 2, 'active', '', 0, 0 FROM services",
	} {
		_, err := db.Exec(statement)
		var refusal *driver.Error
		require.ErrorAs(t, err, &refusal, statement)
		require.Equal(t, sqlite3.SQLITE_CONSTRAINT, refusal.Code()&0xff, "%s: %v", statement, err)
	}
}

// Every ID is of 16 bytes: by its own CHECK, or by one that makes it equal to
// another.
func TestEveryIDHasItsLengthChecked(t *testing.T) {
	t.Parallel()
	db := rawDB(t, newFile(t))
	for _, table := range pbx.Tables() {
		text := column1(t, db, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '"+table.Name+"'")[0]
		for _, c := range table.Columns {
			if c.Type == store.UUID && c.Name != "primary_of" && c.Name != "main_of" {
				require.Regexp(t, `\b`+c.Name+`\s+BLOB\s.*CHECK \(length\(`+c.Name+`\) = 16\)`, text)
			}
		}
	}
}

func TestForeignKeysRefuseWhatPointsAtNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for key, change := range schematest.Dangling {
		t.Run(key, func(t *testing.T) {
			err := w.Apply(change(w.World))
			require.ErrorIs(t, err, store.ErrConstraint)
			require.Contains(t, cause(err), "FOREIGN KEY")
		})
	}
}

func TestEveryForeignKeyIsTested(t *testing.T) {
	t.Parallel()
	db := rawDB(t, newFile(t))
	var want []string
	for _, table := range pbx.Tables() {
		for _, columns := range column1(t, db, fmt.Sprintf(
			`SELECT group_concat("from", ', ' ORDER BY seq) FROM pragma_foreign_key_list('%s') GROUP BY id`, table.Name)) {
			want = append(want, table.Name+"("+columns+")")
		}
	}
	schematest.EveryForeignKey(t, want)
}

// What others point at stays.
func TestForeignKeysRefuseToLeaveSomethingPointingAtNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, change := range schematest.InUse(w.World) {
		t.Run(name, func(t *testing.T) {
			err := w.Apply(change)
			require.ErrorIs(t, err, store.ErrConstraint)
			require.Contains(t, cause(err), "FOREIGN KEY")
		})
	}
	require.NoError(t, w.Apply(schematest.Harmless(w.World)))
}
