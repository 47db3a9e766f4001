package postgres_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/internal/pgwire"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
	"github.com/pbxkit/pbx/store/postgres"
)

// run runs statements of somebody else's.
func run(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	c := connect(t, dsn)
	for _, s := range statements {
		_, err := c.Exec(ctx, s)
		require.NoError(t, err, s)
	}
	require.NoError(t, c.Close(ctx))
}

// as returns a DSN with another role and database; "" leaves what there is.
func as(t testing.TB, dsn, role, database string) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	if role == "" {
		role = config.User
	}
	if database == "" {
		database = config.Database
	}
	return fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=%s", config.Host, config.Port, role, config.Password, database)
}

func TestADSNThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://joe:secret@%zz/pbx", "postgres://joe:secret@host:port/pbx", "host=localhost password=secret port=none",
		"secret", "host=localhost password=secret sslmode=perhaps", "postgres://joe:secret@host/pbx?pool_max_conns=many",
	} {
		_, err := postgres.Open(ctx, dsn)
		require.ErrorIs(t, err, pbx.ErrInvalid, dsn)
		require.Equal(t, "dsn", pbx.Errors(err)[0].Field)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, pbx.Errors(err)[0].Err), "secret")
	}
}

func TestASchemaThatCannotBeOne(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "a\x00b", "\xff", strings.Repeat("x", 64)} {
		_, err := postgres.Open(ctx, "postgres://localhost", postgres.WithSchema(name))
		require.ErrorIs(t, err, pbx.ErrInvalid)
		require.Equal(t, "schema", pbx.Errors(err)[0].Field)
	}
}

func TestOpenStopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err := postgres.Open(ended, pgtest.Database(t))
	require.ErrorIs(t, err, context.Canceled)
}

func TestAServerThatIsAway(t *testing.T) {
	t.Parallel()
	proxy := pgwire.Listen(t, pgtest.Database(t))
	proxy.Refuse(true)
	_, err := postgres.Open(ctx, proxy.DSN())
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.ErrorContains(t, err, "the server cannot be reached")
	config, parseErr := pgx.ParseConfig(proxy.DSN())
	require.NoError(t, parseErr)
	require.ErrorContains(t, err, fmt.Sprintf("database %q at 127.0.0.1:%d", config.Database, config.Port))
	proxy.Refuse(false)
	open(t, proxy.DSN())
}

func TestOpenNamesTheServerAndNeverThePassword(t *testing.T) {
	t.Parallel()
	for dsn, names := range map[string]string{
		"postgres://joe:secret@127.0.0.1:1/pbx":                     `database "pbx" at 127.0.0.1:1, as "joe"`,
		"host=127.0.0.1 port=1 user=joe password=secret dbname=pbx": `connection refused`,
		"postgres://joe:secret@/pbx?host=/nowhere":                  `database "pbx" at /nowhere, as "joe"`,
	} {
		_, err := postgres.Open(ctx, dsn)
		require.ErrorIs(t, err, pbx.ErrStorage)
		require.ErrorContains(t, err, names)
		require.NotContains(t, fmt.Sprintf("%+v %#v %+v", err, err, pbx.Errors(err)[0]), "secret")
	}
}

func TestAServerThatRefuses(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	for wrong, reason := range map[string]string{
		as(t, dsn, "pbxtest_nobody", ""):  "refuses the role",
		as(t, dsn, "", "pbxtest_nowhere"): "no database of that name",
	} {
		_, err := postgres.Open(ctx, wrong)
		require.ErrorIs(t, err, pbx.ErrStorage)
		require.ErrorContains(t, err, reason)
		require.NotContains(t, err.Error(), "FATAL", "driver text is not shown")
	}
}

// contents describes what a database holds.
func contents(t testing.TB, dsn string) []string {
	t.Helper()
	c := connect(t, dsn)
	defer c.Close(ctx)
	return texts(t, c, `SELECT n.nspname || '.' || c.relname || ' ' || c.relkind::text || ' ' || coalesce(string_agg(a.attname, ','  ORDER BY a.attnum), '')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
		GROUP BY n.nspname, c.relname, c.relkind ORDER BY 1`)
}

func TestOpenLeavesAloneWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want   error
		reason string
		ours   bool
		spoil  string
	}{
		"a newer schema":                {store.ErrNewerSchema, "version 99", true, "UPDATE pbx.schema_version SET version = 99"},
		"no version":                    {store.ErrForeignStore, "no version", true, "UPDATE pbx.schema_version SET version = 0"},
		"no row of the version":         {store.ErrForeignStore, "something else", true, "DELETE FROM pbx.schema_version"},
		"half migrated":                 {store.ErrForeignStore, "cursors", true, "DROP TABLE pbx.cursors"},
		"half migrated, no version":     {store.ErrForeignStore, "something else", true, "DROP TABLE pbx.schema_version"},
		"something else's users":        {store.ErrForeignStore, "something else", false, "CREATE SCHEMA pbx; CREATE TABLE pbx.users (name text)"},
		"something else's view":         {store.ErrForeignStore, "something else", false, "CREATE SCHEMA pbx; CREATE VIEW pbx.orders AS SELECT 1 AS one"},
		"something else's version":      {store.ErrForeignStore, "something else", false, "CREATE SCHEMA pbx; CREATE TABLE pbx.schema_version (version int)"},
		"a version like ours, not ours": {store.ErrForeignStore, "something else", false, "CREATE SCHEMA pbx; CREATE TABLE pbx.schema_version (library text, version bigint); INSERT INTO pbx.schema_version VALUES ('x', 1)"},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := pgtest.Database(t)
			if c.ours {
				dsn = fresh(t)
			}
			run(t, dsn, c.spoil)
			before := contents(t, dsn)
			_, err := postgres.Open(ctx, dsn)
			require.ErrorIs(t, err, c.want)
			require.ErrorIs(t, err, pbx.ErrStorage)
			require.ErrorContains(t, err, c.reason)
			require.Empty(t, cmp.Diff(before, contents(t, dsn)), "it was touched")
		})
	}
}

// Names of ours that are taken by something that is no table are found out when
// the schema is made, and then nothing of it stays.
func TestOpenLeavesNothingHalfMade(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	run(t, dsn, "CREATE SCHEMA pbx", "CREATE TABLE pbx.theirs (x int)", "CREATE INDEX users_login ON pbx.theirs (x)")
	before := contents(t, dsn)
	_, err := postgres.Open(ctx, dsn)
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.ErrorContains(t, err, "version 1")
	require.Empty(t, cmp.Diff(before, contents(t, dsn)))
}

// The host's tables stay out of the way, whatever they are called and wherever
// its search_path leads, and so do its defaults.
func TestAHostsDatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	database := "ALTER DATABASE " + config.Database + " SET "
	run(t, dsn, "CREATE TABLE users (id int)", "CREATE TABLE schema_version (id int)", "CREATE TABLE orders (id int)",
		database+"search_path = public", database+"default_transaction_isolation = 'serializable'",
		database+"default_transaction_read_only = on", database+"default_transaction_deferrable = on",
		database+"timezone = 'Asia/Kathmandu'", database+"datestyle = 'SQL, DMY'", database+"bytea_output = 'escape'",
		database+"standard_conforming_strings = off", database+"client_encoding = 'LATIN1'")
	w := schematest.New(t, open(t, dsn))
	require.NoError(t, w.Apply(schematest.Harmless(w)))
}

func TestTheSchemaCanBeAnyOne(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	run(t, dsn, "CREATE TABLE tickets (id int)")
	for _, name := range []string{"public", "pbx", `we"ird Schéma; --`, "SELECT", strings.Repeat("x", 63)} {
		schematest.New(t, open(t, dsn, postgres.WithSchema(name)))
	}
	open(t, dsn, postgres.WithSchema("public"))
}

func TestADatabaseOfAnotherEncoding(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	name := config.Database + "_ascii"
	run(t, dsn, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
	t.Cleanup(func() { run(t, dsn, "DROP DATABASE "+name+" WITH (FORCE)") })
	_, err = postgres.Open(ctx, as(t, dsn, "", name))
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.ErrorContains(t, err, "UTF8")
}

// role makes a role that may do nothing but what the grants say, and returns
// the DSN for it.
func role(t testing.TB, dsn string, grants ...string) string {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	name := config.Database + "_role"
	run(t, dsn, "CREATE ROLE "+name+" LOGIN PASSWORD 'x'")
	for _, grant := range grants {
		run(t, dsn, "GRANT "+grant+" TO "+name)
	}
	t.Cleanup(func() { run(t, dsn, "DROP OWNED BY "+name, "DROP ROLE "+name) })
	return strings.Replace(as(t, dsn, name, ""), "password=''", "password=x", 1)
}

func TestARoleWithoutRights(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, err error) {
		t.Helper()
		require.ErrorIs(t, err, pbx.ErrStorage)
		require.ErrorContains(t, err, "the role has not the right to")
		require.NotErrorIs(t, err, store.ErrRetry)
	}
	t.Run("to make the schema", func(t *testing.T) {
		_, err := postgres.Open(ctx, role(t, pgtest.Database(t)))
		refused(t, err)
	})
	t.Run("to read the schema", func(t *testing.T) {
		_, err := postgres.Open(ctx, role(t, fresh(t)))
		refused(t, err)
	})
	t.Run("to read a table", func(t *testing.T) {
		db := open(t, role(t, fresh(t), "USAGE ON SCHEMA pbx", "SELECT ON pbx.schema_version"))
		refused(t, view(db, func(r store.Reader) error {
			_, err := r.Get(ctx, tenantKey)
			return err
		}))
		_, err := db.Fetch(ctx, store.Read{Query: store.Query{Index: tenantKey.Index}})
		refused(t, err)
	})
	t.Run("to write", func(t *testing.T) {
		dsn := fresh(t)
		sound := schematest.New(t, open(t, dsn))
		db := open(t, role(t, dsn, "USAGE ON SCHEMA pbx", "SELECT ON ALL TABLES IN SCHEMA pbx"))
		require.NoError(t, view(db, func(r store.Reader) error {
			_, err := r.Get(ctx, tenantKey)
			return err
		}))
		refused(t, db.Update(ctx, pbx.Provider, func(w store.Writer) error {
			_, err := w.Get(ctx, tenantKey)
			return err
		}))
		refused(t, db.Update(ctx, pbx.Provider, func(w store.Writer) error {
			return w.Apply(ctx, []store.Change{schematest.Harmless(sound)})
		}))
	})
	t.Run("to write one table", func(t *testing.T) {
		dsn := fresh(t)
		w := schematest.New(t, open(t, dsn))
		db := open(t, role(t, dsn, "USAGE ON SCHEMA pbx", "SELECT, UPDATE, INSERT, DELETE ON pbx.tenants", "SELECT ON pbx.schema_version", "SELECT ON pbx.devices"))
		refused(t, db.Update(ctx, pbx.Provider, func(tx store.Writer) error {
			return tx.Apply(ctx, []store.Change{schematest.Harmless(w)})
		}))
	})
}

// Of many that open an empty database at once one makes the schema; the others
// wait for it.
func TestManyMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	var opening sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		opening.Go(func() {
			store, err := postgres.Open(ctx, dsn)
			if err == nil {
				err = store.Close()
			}
			errs[i] = err
		})
	}
	opening.Wait()
	require.Equal(t, make([]error, len(errs)), errs)
	files, err := fs.Glob(postgres.Migrations(), "*.sql")
	require.NoError(t, err)
	require.Equal(t, []string{fmt.Sprint(len(files))}, texts(t, connect(t, dsn), "SELECT version::text FROM pbx.schema_version"))
}

func TestThePoolIsTheHosts(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	db := open(t, dsn, postgres.WithPool(func(c *pgxpool.Config) {
		c.MaxConns = 1
		c.ConnConfig.RuntimeParams["application_name"] = "theirs"
	}))
	require.NoError(t, view(db, func(r store.Reader) error {
		_, err := r.Get(ctx, tenantKey)
		return err
	}))
	require.Equal(t, []string{"theirs"}, texts(t, connect(t, dsn), `SELECT application_name FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`))
}

// Where the role may not make the schema, its owner runs the migrations.
func TestMigrationsRunByOtherMeans(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	c := connect(t, dsn)
	_, err := c.Exec(ctx, "CREATE SCHEMA pbx; SET search_path = pbx")
	require.NoError(t, err)
	files, err := fs.Glob(postgres.Migrations(), "*.sql")
	require.NoError(t, err)
	for i, name := range files {
		text, err := fs.ReadFile(postgres.Migrations(), name)
		require.NoError(t, err)
		_, err = c.Exec(ctx, string(text)+fmt.Sprintf("; UPDATE schema_version SET version = %d", i+1))
		require.NoError(t, err)
	}
	before := contents(t, dsn)
	limited := role(t, dsn, "USAGE ON SCHEMA pbx", "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pbx")
	schematest.New(t, open(t, limited))
	require.Empty(t, cmp.Diff(before, contents(t, dsn)))
}
