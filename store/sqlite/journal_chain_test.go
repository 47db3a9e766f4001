package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/journal"
	"github.com/pbxkit/pbx/store/sqlite"
)

// chained is a file with two customers whose journals the library has written.
func chained(t *testing.T) (path string, tenants []*pbx.Tenant) {
	t.Helper()
	path = newFile(t)
	db := open(t, path)
	support := pbx.New(db).As(pbx.Support("alice"))
	for _, name := range []string{"acme", "beta"} {
		tenant, err := support.CreateTenant(t.Context(), pbx.NewTenant{Name: name, Country: "US", SIPDomain: name + ".example.com"})
		require.NoError(t, err)
		tenants = append(tenants, tenant)
		for i := range 3 {
			_, err := support.In(tenant.ID).CreateGroup(t.Context(), pbx.NewGroup{Name: fmt.Sprint("G", i)})
			require.NoError(t, err)
		}
	}
	require.NoError(t, db.Close())
	return path, tenants
}

// unchained is a copy of a file as a library wrote it that knew no chain.
func unchained(t *testing.T, from string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.db")
	require.NoError(t, sqlite.CreateOld(path, 8))
	fill(t, path, from)
	return path
}

// lengthen adds events to a journal of an old file, a change each.
func lengthen(t *testing.T, path string, tenant pbx.TenantID, events int) {
	t.Helper()
	db := rawDB(t, path)
	for _, text := range []string{
		`WITH RECURSIVE n(seq) AS (SELECT rev + 1 FROM tenants WHERE id = ?1 UNION ALL SELECT seq + 1 FROM n LIMIT ?2)
			INSERT INTO events (tenant_id, seq, pos, at, operation, actor, role, type, kind, subject, detail)
			SELECT ?1, seq, 1, 0, randomblob(16), 'ann', 'support', 'group.created', 'group', 'x', '' FROM n`,
		`UPDATE tenants SET rev = rev + ?2 WHERE id = ?1`,
	} {
		_, err := db.Exec(text, tenant[:], events)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
}

func sound(t *testing.T, db store.Store) *pbx.CheckReport {
	t.Helper()
	report, err := pbx.New(db).As(pbx.Support("alice")).Check(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Violations)
	return report
}

func TestSYS11_AnOldFileGetsTheChainsThatItsJournalsWouldHave(t *testing.T) {
	t.Parallel()
	path, _ := chained(t)
	want := contents(t, open(t, path))
	old := unchained(t, path)
	db := open(t, old)
	require.Empty(t, cmp.Diff(want, contents(t, db)))
	sound(t, db)
	require.NoError(t, db.Close())
	require.Empty(t, cmp.Diff(want, contents(t, open(t, old))), "opened again")
}

func TestSYS11_AChainIsMadeInBatchesAndContinuedAfterAnInterruption(t *testing.T) {
	notShort(t)
	t.Parallel()
	path, tenants := chained(t)
	old := unchained(t, path)
	lengthen(t, old, tenants[0].ID, 2*journal.Batch)
	ctx, cancel := context.WithCancel(t.Context())
	updates, most := 0, 0
	inBatch := 0
	_, err := sqlite.Open(ctx, old, sqlite.WithDriver(watching(func(_, text string) error {
		switch {
		case text == "BEGIN IMMEDIATE":
			inBatch = 0
		case len(text) > 13 && text[:13] == "UPDATE events":
			inBatch++
			most = max(most, inBatch)
			if updates++; updates == journal.Batch+journal.Batch/2 {
				cancel()
			}
		}
		return nil
	})))
	require.ErrorIs(t, err, context.Canceled)
	require.LessOrEqual(t, most, journal.Batch)
	raw := rawDB(t, old)
	require.Equal(t, []string{"1"}, column1(t, raw, "SELECT count(*) FROM tenants WHERE journal_head IS NULL AND name = 'acme'"))
	done := column1(t, raw, "SELECT count(*) FROM events WHERE hash IS NOT NULL")[0]
	require.NotEqual(t, "0", done, "what was done stays")
	require.NoError(t, raw.Close())

	db := open(t, old)
	require.Greater(t, sound(t, db).Records, 2*journal.Batch)
	_, err = pbx.New(db).As(pbx.Administrator("bob", tenants[0].ID)).CreateGroup(t.Context(), pbx.NewGroup{Name: "later"})
	require.NoError(t, err)
	sound(t, db)
}

// A process of the version before may have the file open while this one opens it.
func TestSYS11_AWriterThatKnowsNoChainIsRefused(t *testing.T) {
	t.Parallel()
	path, tenants := chained(t)
	old := unchained(t, path)
	writer := rawDB(t, old)
	change := func() error {
		tx, err := writer.Begin()
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		for _, text := range []string{
			`UPDATE tenants SET rev = rev + 1 WHERE id = ?1`,
			`INSERT INTO events (tenant_id, seq, pos, at, operation, actor, role, type, kind, subject, detail)
				SELECT id, rev, 1, 0, randomblob(16), 'ann', 'support', 't', 'group', 'x', '' FROM tenants WHERE id = ?1`,
		} {
			if _, err := tx.Exec(text, tenants[0].ID[:]); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
	require.NoError(t, change(), "as long as it is alone")
	db := open(t, old)
	require.ErrorContains(t, change(), "tenants_journal_head")
	sound(t, db)
}

// A program that writes by itself leaves the hashes to the next Open.
func TestSYS11_AChainGoesOnAfterAHostThatWritesByItself(t *testing.T) {
	t.Parallel()
	path, tenants := chained(t)
	before := column1(t, rawDB(t, path), "SELECT hash FROM events ORDER BY tenant_id, seq, pos")
	raw := rawDB(t, path)
	for _, text := range []string{
		"UPDATE tenants SET rev = rev + 1, journal_head = NULL WHERE name = 'beta'",
		`INSERT INTO events (tenant_id, seq, pos, at, operation, actor, role, type, kind, subject, detail)
			SELECT id, rev, 1, 0, randomblob(16), 'crm', 'support', 'group.modified', 'group', 'x', '' FROM tenants WHERE name = 'beta'`,
	} {
		_, err := raw.Exec(text)
		require.NoError(t, err)
	}
	require.NoError(t, raw.Close())
	db := open(t, path)
	sound(t, db)
	_, err := pbx.New(db).As(pbx.Administrator("bob", tenants[1].ID)).CreateGroup(t.Context(), pbx.NewGroup{Name: "later"})
	require.NoError(t, err)
	after := column1(t, rawDB(t, path), "SELECT hash FROM events ORDER BY tenant_id, seq, pos")
	require.Equal(t, before, after[:len(before)], "beta's journal is the last one, and was continued")
	require.Len(t, after, len(before)+2)
}

// A journal that cannot be chained keeps nobody but its tenant from changing anything.
func TestSYS11_AJournalThatCannotBeChainedKeepsNobodyElseOut(t *testing.T) {
	t.Parallel()
	path, tenants := chained(t)
	for _, whole := range []int{0, 1} { // so many journals get their chain before the disk fails
		begun, journals := 0, 0
		db, err := sqlite.Open(t.Context(), unchained(t, path), sqlite.WithDriver(watching(func(_, text string) error {
			switch {
			case text == "BEGIN IMMEDIATE":
				begun = 0
			case strings.HasPrefix(text, "UPDATE events"):
				if begun++; begun == 1 {
					journals++
				}
				if journals > whole {
					return errors.New("disk I/O error") // the connection is given up
				}
			}
			return nil
		})))
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		done := 0
		for _, tenant := range append([]*pbx.Tenant{{ID: pbx.Provider}}, tenants...) {
			_, err := pbx.New(db).As(pbx.Support("bob")).In(tenant.ID).Tenant(t.Context())
			require.NoError(t, err, "it can be read")
			if tenant.ID == pbx.Provider {
				_, err = pbx.New(db).As(pbx.Support("bob")).StockNumbers(t.Context(), "+16175550100")
			} else {
				_, err = pbx.New(db).As(pbx.Administrator("bob", tenant.ID)).CreateGroup(t.Context(), pbx.NewGroup{Name: "later"})
			}
			if err == nil {
				done++
			} else {
				require.ErrorContains(t, err, "no head of its journal")
			}
		}
		require.Equal(t, whole, done)
	}
}
