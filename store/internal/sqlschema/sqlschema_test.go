package sqlschema_test

import (
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
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
	const numberColumns = "SELECT e164, tenant_id, rev, state, service_id, waiting_id, temporary_for, port_id, free_from, monthly, created_at, billed, loan FROM numbers"
	other := pbx.ServiceID{3}
	for _, c := range []struct {
		q      store.Query
		want   string
		values []any
	}{
		{store.Query{Index: key}, ownerColumns + " ORDER BY tenant_id, service_id, principal LIMIT ?", nil},
		{store.Query{Index: key, Equal: []any{tenant}, Desc: true}, ownerColumns + " WHERE tenant_id = ?" + down + " LIMIT ?", []any{tenant}},
		{store.Query{Index: key, Equal: []any{tenant, service, "a"}}, ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal = ? LIMIT ?", []any{tenant, service, "a"}},
		{
			store.Query{Index: key, Equal: []any{tenant, service}, Prefix: "ab"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? AND principal < ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "ab", "ac"},
		},
		{ // nothing but UTF-8 is asked for
			store.Query{Index: key, Equal: []any{tenant, service}, Prefix: "a\x7f\U0010ffff"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? AND principal < ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "a\x7f\U0010ffff", "a\u0080"},
		},
		{
			store.Query{Index: key, Equal: []any{tenant, service}, Prefix: "\ud7ff"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? AND principal < ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "\ud7ff", "\ue000"},
		},
		{
			store.Query{Index: key, Equal: []any{tenant, service}, Prefix: "a\xff\xff"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? AND principal < ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "a\xff\xff", "b"},
		},
		{
			store.Query{Index: key, Equal: []any{tenant, service}, Prefix: "\xff"},
			ownerColumns + " WHERE tenant_id = ? AND service_id = ? AND principal >= ? ORDER BY principal LIMIT ?",
			[]any{tenant, service, "\xff"},
		},
		{
			store.Query{Index: key, Equal: []any{tenant}, From: service, To: other},
			ownerColumns + " WHERE tenant_id = ? AND service_id >= ? AND service_id < ?" + order + " LIMIT ?",
			[]any{tenant, service, other},
		},
		// Of a bound and a record on one side, the tighter.
		{
			store.Query{Index: key, Equal: []any{tenant}, From: service, After: []any{service, "a"}},
			ownerColumns + " WHERE tenant_id = ? AND (service_id, principal) > (?, ?)" + order + " LIMIT ?",
			[]any{tenant, service, "a"},
		},
		{
			store.Query{Index: key, Equal: []any{tenant}, From: other, After: []any{service, "a"}},
			ownerColumns + " WHERE tenant_id = ? AND service_id >= ?" + order + " LIMIT ?",
			[]any{tenant, other},
		},
		{
			store.Query{Index: key, Equal: []any{tenant}, To: other, After: []any{service, "a"}, Desc: true},
			ownerColumns + " WHERE tenant_id = ? AND (service_id, principal) < (?, ?)" + down + " LIMIT ?",
			[]any{tenant, service, "a"},
		},
		{
			store.Query{Index: key, Equal: []any{tenant}, To: other, After: []any{other, "a"}, Desc: true},
			ownerColumns + " WHERE tenant_id = ? AND service_id < ?" + down + " LIMIT ?",
			[]any{tenant, other},
		},
		{
			store.Query{Index: key, Equal: []any{tenant}, To: other, After: []any{service, "a"}},
			ownerColumns + " WHERE tenant_id = ? AND service_id < ? AND (service_id, principal) > (?, ?)" + order + " LIMIT ?",
			[]any{tenant, other, service, "a"},
		},
		// Records with NULL in the index are not in it.
		{
			store.Query{Index: byRest, Equal: []any{tenant, "resting"}},
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

func TestFetch(t *testing.T) {
	users, associations := new(pbx.User).Table(), new(pbx.Association).Table()
	column := func(table *store.Table, name string) int {
		return slices.IndexFunc(table.Columns, func(c store.Column) bool { return c.Name == name })
	}
	reads := []store.Read{
		{Query: store.Query{Index: users.Index("users_by_last"), Equal: []any{tenant}, Prefix: "ng", Limit: 3}},
		{Query: store.Query{Index: associations.Index("associations_slot"), Equal: []any{tenant}}, Source: 1, Column: column(users, "id")},
		{Query: store.Query{Index: numbers.Index("numbers_waiting"), Equal: []any{tenant}}, Source: 2, Column: column(associations, "service_id")},
		{Query: store.Query{Index: owners.Key(), Equal: []any{tenant}}},
		{Query: store.Query{Index: owners.Key(), Equal: []any{tenant}, Limit: 1}, Source: 1},
	}
	chain, values, err := sqlschema.Fetch(reads, 2, nil)
	require.NoError(t, err)
	text, types := chain.Text(sqlschema.Dialect{Param: sqlschema.Dollar, Schema: "pbx."})
	require.Equal(t, "SELECT e164, tenant_id, rev, state, service_id, waiting_id, temporary_for, port_id, free_from, monthly, created_at, billed, loan FROM pbx.numbers"+
		" WHERE tenant_id = $1 AND waiting_id IN (SELECT service_id FROM pbx.associations"+
		" WHERE tenant_id = $2 AND user_id IN (SELECT id FROM pbx.users WHERE tenant_id = $3 AND last_folded >= $4 AND last_folded < $5"+
		" ORDER BY last_folded, first_folded, id LIMIT $6)) AND waiting_id IS NOT NULL ORDER BY waiting_id", text)
	require.Equal(t, []any{tenant, tenant, tenant, "ng", "nh", int64(3)}, values)
	require.Equal(t, []store.Type{store.UUID, store.UUID, store.UUID, store.Text, store.Text, store.Int}, types)

	chain, values, err = sqlschema.Fetch(reads, 3, nil)
	require.NoError(t, err)
	text, _ = chain.Text(question)
	require.Equal(t, ownerColumns+" WHERE tenant_id = ? ORDER BY service_id, principal", text, "without a limit")
	require.Equal(t, []any{tenant}, values)

	_, _, err = sqlschema.Fetch(reads, 4, nil)
	require.ErrorIs(t, err, pbx.ErrMisuse)
}

// Statements of different texts have different keys.
func TestKeysTellStatementsApart(t *testing.T) {
	texts := make(map[string]string)
	add := func(key []byte, text string) {
		other, known := texts[string(key)]
		require.True(t, !known || other == text, "%s\n%s", other, text)
		texts[string(key)] = text
	}
	for _, table := range pbx.Tables() {
		for _, s := range []sqlschema.Statement{sqlschema.Insert(table), sqlschema.Delete(table), sqlschema.Update(table, 1<<3), sqlschema.Update(table, 1<<4|1<<2)} {
			add(s.AppendKey(nil), s.SQL(dollar))
		}
		for _, ix := range table.Indexes {
			add(sqlschema.Get(ix).AppendKey(nil), sqlschema.Get(ix).SQL(dollar))
			for equal := range ix.Columns {
				for bits := range 32 {
					s := sqlschema.Statement{
						Verb: sqlschema.VerbFind, Index: ix, Equal: uint8(equal), Lower: bits&1 != 0, Upper: bits&2 != 0,
						After: bits&4 != 0, Desc: bits&8 != 0, Whole: bits&16 != 0,
					}
					add(s.AppendKey(nil), s.SQL(dollar))
					for column := range 3 {
						chain := sqlschema.Chain{{Statement: sqlschema.Statement{Verb: sqlschema.VerbFind, Index: owners.Key(), Equal: 1, Whole: true}}, {Statement: s, Column: column}}
						text, _ := chain.Text(dollar)
						add(chain.AppendKey([]byte{0}), text)
					}
				}
			}
		}
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
