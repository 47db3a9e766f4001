package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/store/sqlite"
)

func TestTheMainJobEndsWellTwiceOnOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pbx.db")
	require.NoError(t, run(context.Background(), path, ""))
	require.NoError(t, run(context.Background(), path, ""))
}

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestTheMainJobEndsWellTwiceInOneDatabase(t *testing.T) {
	dsn := pgtest.Database(t)
	require.NoError(t, run(context.Background(), dsn, ""))
	require.NoError(t, run(context.Background(), dsn, ""))
}

func TestAMalformedFileNamesLineAndColumn(t *testing.T) {
	good := string(companyCSV)
	head, rest, _ := strings.Cut(good, "\n")
	first, _, _ := strings.Cut(rest, "\n")
	for name, bad := range map[string]struct{ file, message string }{
		"a column is missing":    {strings.Replace(good, ",owner", "", 1), "line 1"},
		"a field is missing":     {head + "\n" + first + "\nHarbor,user\n", "line 3, column 1"},
		"a quote is not closed":  {head + "\n\"" + first + "\n", "column"},
		"a kind that is not one": {head + "\n" + strings.Replace(first, ",user,", ",robot,", 1) + "\n", "line 2, column 26 (kind)"},
		"ports are no number":    {head + "\n" + strings.Replace(first, ",1,", ",one,", 1) + "\n", "(ports): is not a number"},
		"mailbox is neither":     {head + "\n" + strings.Replace(first, ",yes,", ",perhaps,", 1) + "\n", "(mailbox): is neither yes nor no"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readCompany(strings.NewReader(bad.file))
			require.ErrorContains(t, err, bad.message)
		})
	}
}

func TestABadRowProvisionsNothingOfItsBatch(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	file, path := filepath.Join(dir, "company.csv"), filepath.Join(dir, "pbx.db")
	lines := strings.SplitAfterN(string(companyCSV), "\n", 5)
	lines[3] = strings.Replace(lines[3], "@example.com", " at example.com", 1)
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600))
	require.ErrorContains(t, run(ctx, path, file), "company.csv, line 4: USR-1: Email")

	store, err := sqlite.Open(ctx, path)
	require.NoError(t, err)
	defer store.Close()
	support := pbx.New(store).As(pbx.Support("test"))
	for tenant, err := range support.Tenants(ctx, pbx.TenantQuery{}) {
		require.NoError(t, err)
		for u, err := range support.In(tenant.ID).Users(ctx, pbx.UserQuery{}) {
			require.NoError(t, err)
			t.Errorf("%s was provisioned", u.Name())
		}
	}
}
