package transfer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
)

// Whatever the schema keeps unique across tenants has its rule and its name.
func TestEveryClaimIsNamed(t *testing.T) {
	found := make(map[string]bool)
	for _, indexes := range claimed {
		for _, ix := range indexes {
			require.NotEmpty(t, claims[ix.Name].code, ix.Name)
			require.NotEmpty(t, claims[ix.Name].kind, ix.Name)
			found[ix.Name] = true
		}
	}
	for name := range claims {
		require.True(t, found[name], "%s is no unique index without the tenant", name)
	}
}

// Every table is read by tenant, or in a way of its own.
func TestEveryTableIsRead(t *testing.T) {
	for _, table := range pbx.Tables() {
		require.GreaterOrEqual(t, tenantColumn[table], 0, table.Name)
		ix := table.ByTenant()
		if ix == nil {
			require.Contains(t, []*pbx.Table{tenantsTable, identitiesTable, cursorsTable}, table, table.Name)
			continue
		}
		require.Equal(t, tenantColumn[table], ix.Columns[0], table.Name)
		for _, column := range ix.Columns {
			require.False(t, table.Columns[column].Null, "%s: a record may be missing", ix.Name)
		}
	}
}
