package transfer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
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
			require.Contains(t, []*store.Table{tenantsTable, identitiesTable, cursorsTable}, table, table.Name)
			continue
		}
		require.Equal(t, tenantColumn[table], ix.Columns[0], table.Name)
		for _, column := range ix.Columns {
			require.False(t, table.Columns[column].Null, "%s: a record may be missing", ix.Name)
		}
	}
}

// Of a cursor arrives how far it is, and nothing that a subscriber at the source
// holds.
func TestACursorArrivesFree(t *testing.T) {
	at := &pbx.Cursor{Subscriber: "mail", TenantID: pbx.TenantID{1}, Rev: 7, Seq: 3, Pos: 2}
	for _, f := range at.Fields(nil) {
		if id, is := f.Ptr.(*[16]byte); is && f.Null {
			*id = [16]byte{1}
		}
		if moment, is := f.Ptr.(*time.Time); is && f.Null {
			*moment = time.Unix(1, 0).UTC()
		}
	}
	there := arriving(at)
	require.Equal(t, &pbx.Cursor{Subscriber: "mail", TenantID: pbx.TenantID{1}, Rev: 1, Seq: 3, Pos: 2}, there)
	at.Seq, at.Pos = 0, 0
	require.Nil(t, arriving(at))
}
