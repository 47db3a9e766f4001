package postgres_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/postgres"
)

// refusedBy returns the constraint that refused a change, and the SQLSTATE.
func refusedBy(err error) (constraint, code string) {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.ConstraintName, e.Code
	}
	return "", ""
}

func TestChecksRefuse(t *testing.T) {
	t.Parallel()
	w := schematest.New(t, open(t, fresh(t)))
	for i, b := range schematest.Broken {
		t.Run(fmt.Sprintf("%s/%d", b.Constraint, i), func(t *testing.T) {
			err := w.Apply(b.Change(w))
			require.ErrorIs(t, err, store.ErrConstraint)
			require.ErrorIs(t, err, pbx.ErrStorage)
			constraint, code := refusedBy(err)
			require.Equal(t, "23514", code)
			require.Regexp(t, `^(\w+_)?`+b.Constraint+`(_check)?$`, constraint)
			require.NotContains(t, err.Error(), "check", "driver text is not shown")
		})
	}
}

func TestEveryNamedCheckIsTested(t *testing.T) { schematest.EveryNamedCheck(t, postgres.Migrations()) }

// Records cannot even say these.
func TestChecksRefuseWhatOnlyAnotherProgramWouldWrite(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	schematest.New(t, open(t, dsn))
	c := connect(t, dsn)
	for statement, code := range map[string]string{
		"UPDATE pbx.tenants SET sip_domain = ''":                            "23514",
		"UPDATE pbx.tenants SET next_extension = ''":                        "23514",
		"UPDATE pbx.tenants SET number_criteria = ''":                       "23514",
		"UPDATE pbx.service_types SET applications = '{NULL}'":              "23514",
		"UPDATE pbx.station_pools SET applications = '{a,NULL}'":            "23514",
		"UPDATE pbx.users SET applications = '{NULL,b}'":                    "23514",
		"UPDATE pbx.users SET applications = NULL":                          "23502",
		"UPDATE pbx.users SET station = ''":                                 "23514",
		"UPDATE pbx.users SET first_name = NULL":                            "23502",
		"UPDATE pbx.services SET type = ''":                                 "23514",
		"UPDATE pbx.users SET mobile = E'+16175550100\\n'":                  "23514",
		"UPDATE pbx.numbers SET e164 = '+\u0661\u0662\u0663\u0664\u0665'":   "23514",
		"INSERT INTO pbx.schema_version VALUES ('something else', 1)":       "23514",
		"INSERT INTO pbx.schema_version VALUES ('github.com/pbxkit/pbx',1)": "23505",
	} {
		_, err := c.Exec(ctx, statement)
		_, got := refusedBy(err)
		require.Equal(t, code, got, "%s: %v", statement, err)
	}
}

func TestForeignKeysRefuseWhatPointsAtNothing(t *testing.T) {
	t.Parallel()
	w := schematest.New(t, open(t, fresh(t)))
	for key, change := range schematest.Dangling {
		t.Run(key, func(t *testing.T) {
			err := w.Apply(change(w))
			require.ErrorIs(t, err, store.ErrConstraint)
			_, code := refusedBy(err)
			require.Equal(t, "23503", code)
		})
	}
}

func TestEveryForeignKeyIsTested(t *testing.T) {
	t.Parallel()
	want := texts(t, connect(t, fresh(t)), `SELECT r.relname || '(' || (SELECT string_agg(a.attname, ', ' ORDER BY k.n)
		FROM unnest(c.conkey) WITH ORDINALITY k(at, n) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.at) || ')'
		FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid WHERE c.contype = 'f' AND c.connamespace = 'pbx'::regnamespace`)
	schematest.EveryForeignKey(t, want)
}

// What others point at stays.
func TestForeignKeysRefuseToLeaveSomethingPointingAtNothing(t *testing.T) {
	t.Parallel()
	w := schematest.New(t, open(t, fresh(t)))
	for name, change := range schematest.InUse(w) {
		t.Run(name, func(t *testing.T) {
			err := w.Apply(change)
			require.ErrorIs(t, err, store.ErrConstraint)
			_, code := refusedBy(err)
			require.Equal(t, "23503", code)
		})
	}
	require.NoError(t, w.Apply(schematest.Harmless(w)))
}
