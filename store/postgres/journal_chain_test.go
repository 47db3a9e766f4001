package postgres_test

import (
	"context"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/journal"
	"github.com/pbxkit/pbx/store/postgres"
)

// hashes are all hashes of a database, with where they belong.
func hashes(t *testing.T, c *pgx.Conn) []string {
	return texts(t, c, `SELECT tenant_id || '/' || seq || '/' || pos || ' ' || coalesce(hash, '') FROM pbx.events
		UNION ALL SELECT id || ' ' || coalesce(journal_head, '') FROM pbx.tenants ORDER BY 1`)
}

// unchained makes a database one of a library that knew no chain.
func unchained(t *testing.T, c *pgx.Conn) {
	t.Helper()
	_, err := c.Exec(ctx, `ALTER TABLE pbx.events DROP COLUMN hash; ALTER TABLE pbx.tenants DROP COLUMN journal_head;
		UPDATE pbx.schema_version SET version = 7`)
	require.NoError(t, err)
}

// customer writes a customer with a journal.
func customer(t *testing.T, dsn string) *pbx.Tenant {
	t.Helper()
	db := open(t, dsn)
	support := pbx.New(db).As(pbx.Support("alice"))
	acme, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	require.NoError(t, err)
	for i := range 3 {
		_, err := support.In(acme.ID).CreateGroup(ctx, pbx.NewGroup{Name: fmt.Sprint("G", i)})
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	return acme
}

func sound(t *testing.T, db store.Store) {
	t.Helper()
	report, err := pbx.New(db).As(pbx.Support("alice")).Check(ctx)
	require.NoError(t, err)
	require.Empty(t, report.Violations)
}

func TestSYS11_AnOldDatabaseGetsTheChainsThatItsJournalsWouldHave(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	customer(t, dsn)
	c := connect(t, dsn)
	want := hashes(t, c)
	unchained(t, c)
	sound(t, open(t, dsn))
	require.Equal(t, want, hashes(t, c))
}

func TestSYS11_AChainIsContinuedAfterAnInterruption(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	acme := customer(t, dsn)
	c := connect(t, dsn)
	unchained(t, c)
	for _, text := range []string{
		`INSERT INTO pbx.events SELECT id, rev + n, 1, now(), gen_random_uuid(), 'ann', 'support', 'group.created', 'group', 'x', ''
			FROM pbx.tenants, generate_series(1, $2) n WHERE id = $1`,
		`UPDATE pbx.tenants SET rev = rev + $2 WHERE id = $1`,
	} {
		_, err := c.Exec(ctx, text, [16]byte(acme.ID), 2*journal.Batch)
		require.NoError(t, err)
	}
	text, err := fs.ReadFile(postgres.Migrations(), "0008_journal_chain.sql")
	require.NoError(t, err)
	_, err = c.Exec(ctx, "SET search_path = pbx; "+string(text)+"; UPDATE schema_version SET version = 8")
	require.NoError(t, err)

	// The last batch waits for a lock, and is given up.
	tx := begin(t, connect(t, dsn))
	_, err = tx.Exec(ctx, `SELECT 1 FROM pbx.events WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1 FOR UPDATE`, [16]byte(acme.ID))
	require.NoError(t, err)
	interrupted, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ended := make(chan error)
	go func() {
		_, err := postgres.Open(interrupted, dsn)
		ended <- err
	}()
	waitForLock(t, dsn, 1)
	count := func() string {
		return texts(t, c, "SELECT count(hash)::text FROM pbx.events WHERE tenant_id = $1", [16]byte(acme.ID))[0]
	}
	require.Equal(t, fmt.Sprint(2*journal.Batch), count(), "what was done stays")
	require.Empty(t, texts(t, c, "SELECT journal_head FROM pbx.tenants WHERE id = $1 AND journal_head IS NOT NULL", [16]byte(acme.ID)))
	cancel()
	_, err = c.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	require.NoError(t, err) // its COMMIT is on the way, and is not cancelled
	require.Error(t, <-ended)
	require.NoError(t, tx.Rollback(ctx))
	db := open(t, dsn)
	sound(t, db)
	_, err = pbx.New(db).As(pbx.Administrator("bob", acme.ID)).CreateGroup(ctx, pbx.NewGroup{Name: "later"})
	require.NoError(t, err)
	sound(t, db)
}

// A process of the version before may be running while this one opens the database.
func TestSYS11_AWriterThatKnowsNoChainIsRefused(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	acme := customer(t, dsn)
	c := connect(t, dsn)
	unchained(t, c)
	change := func() error {
		_, err := c.Exec(ctx, "UPDATE pbx.tenants SET rev = rev + 1 WHERE id = $1", [16]byte(acme.ID))
		if err != nil {
			return err
		}
		_, err = c.Exec(ctx, `INSERT INTO pbx.events (tenant_id, seq, pos, at, operation, actor, role, type, kind, subject, detail)
			SELECT id, rev, 1, now(), id, 'ann', 'support', 't', 'group', 'x', '' FROM pbx.tenants WHERE id = $1`, [16]byte(acme.ID))
		return err
	}
	require.NoError(t, change(), "as long as it is alone")
	db := open(t, dsn)
	require.ErrorContains(t, change(), "tenants_journal_head")
	sound(t, db)
}

// Who may not write to the journal reads, and leaves the chain to somebody else.
func TestSYS11_ARoleThatMayNotChainReadsAndChangesNothing(t *testing.T) {
	t.Parallel()
	dsn := fresh(t)
	acme := customer(t, dsn)
	c := connect(t, dsn)
	_, err := c.Exec(ctx, "UPDATE pbx.events SET hash = NULL; UPDATE pbx.tenants SET journal_head = NULL")
	require.NoError(t, err)
	limited := role(t, dsn, "USAGE ON SCHEMA pbx", "SELECT, INSERT ON ALL TABLES IN SCHEMA pbx", "UPDATE ON pbx.tenants, pbx.call_groups, pbx.schema_version")
	admin := pbx.New(open(t, limited)).As(pbx.Administrator("bob", acme.ID))
	_, err = admin.Tenant(ctx)
	require.NoError(t, err)
	_, err = admin.CreateGroup(ctx, pbx.NewGroup{Name: "later"})
	require.ErrorIs(t, err, pbx.ErrStorage)
	require.Equal(t, rule.SYS11, pbx.CodeOf(err))
	sound(t, open(t, dsn))
	_, err = admin.CreateGroup(ctx, pbx.NewGroup{Name: "later"})
	require.NoError(t, err)
}
