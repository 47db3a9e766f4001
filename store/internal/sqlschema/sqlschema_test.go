package sqlschema_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

var (
	owners  = new(pbx.Owner).Table()
	events  = new(pbx.Event).Table()
	numbers = new(pbx.Number).Table()
	tenant  = pbx.TenantID{1}

	question = sqlschema.Dialect{Param: sqlschema.Question}
	dollar   = sqlschema.Dialect{Param: sqlschema.Dollar}

	service = pbx.ServiceID{2}
)

const ownerColumns = "SELECT tenant_id, service_id, principal, rev, since FROM owners"

func TestStatements(t *testing.T) {
	for want, s := range map[string]sqlschema.Statement{
		ownerColumns + " WHERE tenant_id = $1 AND service_id = $2 AND principal = $3":                                     sqlschema.Get(owners.Key()),
		"INSERT INTO owners (tenant_id, service_id, principal, rev, since) VALUES ($1, $2, $3, $4, $5)":                   sqlschema.Insert(owners),
		"UPDATE owners SET rev = $1, since = $2 WHERE tenant_id = $3 AND service_id = $4 AND principal = $5 AND rev = $6": sqlschema.Update(owners, 1<<3|1<<4),
		"DELETE FROM owners WHERE tenant_id = $1 AND service_id = $2 AND principal = $3 AND rev = $4":                     sqlschema.Delete(owners),
		"DELETE FROM events WHERE tenant_id = $1 AND seq = $2 AND pos = $3":                                               sqlschema.Delete(events),
	} {
		require.Equal(t, want, s.SQL(dollar))
	}
	require.Equal(t, ownerColumns+" WHERE tenant_id = ? AND service_id = ? AND principal = ?", sqlschema.Get(owners.Key()).SQL(question))
}

func TestFind(t *testing.T) {
	key, byRest := owners.Key(), numbers.Index("numbers_by_rest")
	const order, down = " ORDER BY service_id, principal", " ORDER BY service_id DESC, principal DESC"
	const numberColumns = "SELECT e164, tenant_id, rev, state, service_id, waiting_id, temporary_for, port_id, free_from, monthly, created_at FROM numbers"
	other := pbx.ServiceID{3}
	for _, c := range []struct {
		q      pbx.Query
		want   string
		values []any
	}{
		{pbx.Query{Index: key}, ownerColumns + " ORDER BY tenant_id, service_id, principal LIMIT ?", nil},
		{pbx.Query{Index: key, Equal: []any{tenant}, Desc: true}, ownerColumns + " WHERE tenant_id = ?" + down + " LIMIT ?", []any{tenant}},
		{pbx.Query{Index: key, Equal: []any{tenant, service, "a"}}, ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal = ? LIMIT ?", []any{tenant, service, "a"}},
		{
			pbx.Query{Index: key, Equal: []any{tenant, service}, Prefix: "ab"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? AND principal < ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "ab", "ac"},
		},
		{ // nothing but UTF-8 is asked for
			pbx.Query{Index: key, Equal: []any{tenant, service}, Prefix: "a\x7f\U0010ffff"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? AND principal < ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "a\x7f\U0010ffff", "a\u0080"},
		},
		{
			pbx.Query{Index: key, Equal: []any{tenant, service}, Prefix: "\ud7ff"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? AND principal < ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "\ud7ff", "\ue000"},
		},
		{
			pbx.Query{Index: key, Equal: []any{tenant, service}, Prefix: "a\xff\xff"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? AND principal < ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "a\xff\xff", "b"},
		},
		{
			pbx.Query{Index: key, Equal: []any{tenant, service}, Prefix: "\xff"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "\xff"},
		},
		{
			pbx.Query{Index: key, Equal: []any{tenant}, From: service, To: other},
			ownerColumns + " WHERE tenant_id = ? AND service_id >= ? AND service_id < ?" + order + " LIMIT ?",
			[]any{tenant, service, other},
		},
		// Of a bound and a record on one side, the tighter.
		{
			pbx.Query{Index: key, Equal: []any{tenant}, From: service, After: []any{service, "a"}},
			ownerColumns + " WHERE tenant_id = ? AND (service_id, principal) > (?, ?)" + order + " LIMIT ?",
			[]any{tenant, service, "a"},
		},
		{
			pbx.Query{Index: key, Equal: []any{tenant}, From: other, After: []any{service, "a"}},
			ownerColumns + " WHERE tenant_id = ? AND service_id >= ?" + order + " LIMIT ?",
			[]any{tenant, other},
		},
		{
			pbx.Query{Index: key, Equal: []any{tenant}, To: other, After: []any{service, "a"}, Desc: true},
			ownerColumns + " WHERE tenant_id = ? AND (service_id, principal) < (?, ?)" + down + " LIMIT ?",
			[]any{tenant, service, "a"},
		},
		{
			pbx.Query{Index: key, Equal: []any{tenant}, To: other, After: []any{other, "a"}, Desc: true},
			ownerColumns + " WHERE tenant_id = ? AND service_id < ?" + down + " LIMIT ?",
			[]any{tenant, other},
		},
		{
			pbx.Query{Index: key, Equal: []any{tenant}, To: other, After: []any{service, "a"}},
			ownerColumns + " WHERE tenant_id = ? AND service_id < ? AND (service_id, principal) > (?, ?)" + order + " LIMIT ?",
			[]any{tenant, other, service, "a"},
		},
		// Records with NULL in the index are not in it.
		{
			pbx.Query{Index: byRest, Equal: []any{tenant, "resting"}},
			numberColumns + " WHERE tenant_id = ? AND state = ? AND free_from IS NOT NULL ORDER BY free_from, e164 LIMIT ?",
			[]any{tenant, "resting"},
		},
	} {
		s, values, err := sqlschema.Find(c.q, nil)
		require.NoError(t, err)
		require.Equal(t, c.want, s.SQL(question))
		require.Equal(t, c.values, values)
	}
}

func TestChanged(t *testing.T) {
	old := &pbx.Owner{TenantID: tenant, ServiceID: service, Principal: "a", Rev: 1, Since: time.Unix(1, 0)}
	row := *old
	require.Zero(t, sqlschema.Changed(old.Fields(nil), row.Fields(nil)))
	row.Since = row.Since.UTC()
	require.Zero(t, sqlschema.Changed(old.Fields(nil), row.Fields(nil)), "the same moment")
	row.Rev, row.Since = 2, time.Unix(2, 0)
	require.EqualValues(t, 1<<3|1<<4, sqlschema.Changed(old.Fields(nil), row.Fields(nil)))

	box := new(pbx.Mailbox)
	with := *box
	*with.Fields(nil)[5].Ptr.(*[]byte) = []byte{}
	require.EqualValues(t, 1<<5, sqlschema.Changed(box.Fields(nil), with.Fields(nil)), "nothing is not an empty hash")
	user, none := &pbx.User{Applications: []string{}}, new(pbx.User)
	require.Zero(t, sqlschema.Changed(user.Fields(nil), none.Fields(nil)), "an empty list is no list")
}

func TestEveryTableFitsTheBits(t *testing.T) {
	for _, table := range pbx.Tables() {
		require.Less(t, len(table.Columns)+len(table.Key().Columns)+1, 64, table.Name)
	}
}

func TestMigrationsAreNumbered(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	list, err := sqlschema.Migrations(fstest.MapFS{"0002_b.sql": file("B"), "0001_a.sql": file("A"), "README": file("")})
	require.NoError(t, err)
	require.Equal(t, []sqlschema.Migration{{Version: 1, Name: "a", SQL: "A"}, {Version: 2, Name: "b", SQL: "B"}}, list)
	for _, bad := range []fstest.MapFS{
		{"0002_b.sql": file("")},
		{"0001_a.sql": file(""), "0003_c.sql": file("")},
		{"0001_a.sql": file(""), "0001_b.sql": file("")},
		{"initial.sql": file("")},
	} {
		_, err := sqlschema.Migrations(bad)
		require.Error(t, err)
	}
}
