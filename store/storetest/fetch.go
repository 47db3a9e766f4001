package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// fetching asks for several reads at once, some of which have others as sources.
func fetching(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	f.company()
	f.save()
	var records []store.Record
	f.view(func(r store.Reader) { records = f.everything(r) })
	for name, reads := range f.fetches(records) {
		t.Run(name, func(t *testing.T) {
			f := f.in(t)
			want := followed(records, reads)
			f.everyFetcher(func(f *fixture, fetch fetcher) {
				got, err := fetch(f.ctx, reads...)
				f.ok(err)
				if len(got) != len(reads) {
					f.Fatalf("%d results of %d reads", len(got), len(reads))
				}
				for i := range want {
					f.equalAll(got[i], want[i])
				}
			})
		})
	}
	t.Run("misuse", func(t *testing.T) { f.in(t).misfetched() })
	t.Run("an ended context", func(t *testing.T) {
		ended, cancel := context.WithCancel(f.ctx)
		cancel()
		f.in(t).everyFetcher(func(f *fixture, fetch fetcher) {
			_, err := fetch(ended, store.Read{Query: store.Query{Index: f.tenant.Table().Key()}})
			f.is(err, context.Canceled)
		})
	})
}

type fetcher func(ctx context.Context, reads ...store.Read) ([][]store.Record, error)

// everyFetcher runs a test with the Reader of a view, that of an update, and
// the store where it is a Fetcher itself.
func (f *fixture) everyFetcher(test func(f *fixture, fetch fetcher)) {
	bothReaders(f, func(f *fixture, r store.Reader) {
		test(f, func(ctx context.Context, reads ...store.Read) ([][]store.Record, error) {
			return store.Fetch(ctx, r, reads...)
		})
	})
	if store, ok := f.store.(store.Fetcher); ok {
		f.Run("store", func(t *testing.T) { test(f.in(t), store.Fetch) })
	}
}

// columnOf returns the position of a column.
func columnOf(table *store.Table, name string) int {
	return slices.IndexFunc(table.Columns, func(c store.Column) bool { return c.Name == name })
}

// fetches are reads with sources, in every way that they can be combined.
func (f *fixture) fetches(records []store.Record) map[string][]store.Read {
	tables := make(map[string]*store.Table)
	for _, t := range pbx.Tables() {
		tables[t.Name] = t
	}
	by := func(table, index string, equal ...any) store.Read {
		return store.Read{Query: store.Query{Index: tables[table].Index(index), Equal: equal}}
	}
	of := func(source int, from, column, table, index string, equal ...any) store.Read {
		r := by(table, index, equal...)
		r.Source, r.Column = source, columnOf(tables[from], column)
		return r
	}
	me := f.tenant.ID
	users := ordered(records, tables["users"].Key())
	user := users[0].(*pbx.User)
	ofUser := func(source int) []store.Read {
		return []store.Read{
			of(source, "users", "id", "associations", "associations_slot", me),
			of(source+1, "associations", "service_id", "services", "services_pkey", me),
			of(source+2, "services", "device_id", "devices", "devices_pkey", me),
			of(source+2, "services", "number", "numbers", "numbers_pkey"),
			of(source+4, "numbers", "temporary_for", "numbers", "numbers_pkey"),
			of(source+1, "associations", "service_id", "extensions", "extensions_service", me),
			of(source, "users", "location_id", "locations", "locations_pkey", me),
			of(source, "users", "station", "station_pools", "station_pools_pkey", me),
		}
	}
	with := func(r store.Read, set func(*store.Query)) []store.Read {
		set(&r.Query)
		return append([]store.Read{r}, ofUser(1)...)
	}
	return map[string][]store.Read{
		"none":                              {},
		"one":                               {by("users", "users_pkey", me, user.ID)},
		"several that stand for themselves": {by("users", "users_by_last", me), by("tenants", "tenants_pkey"), by("users", "users_by_last", me)},
		"a user with all that is theirs":    append([]store.Read{by("users", "users_pkey", user.TenantID, user.ID)}, ofUser(1)...),
		"nobody":                            append([]store.Read{by("users", "users_pkey", me, pbx.UserID{7})}, ofUser(1)...),
		"everybody":                         append([]store.Read{by("users", "users_pkey", me)}, ofUser(1)...),
		"another tenant's people":           append([]store.Read{by("users", "users_pkey")}, ofUser(1)...),
		"behind another read":               append([]store.Read{by("tenants", "tenants_pkey", me), by("users", "users_pkey", me)}, ofUser(2)...),
		"a source with a limit":             with(by("users", "users_by_last", me), func(q *store.Query) { q.Limit = 3 }),
		"the last of a source":              with(by("users", "users_by_last", me), func(q *store.Query) { q.Limit, q.Desc = 2, true }),
		"a source within bounds":            with(by("users", "users_by_last", me), func(q *store.Query) { q.From, q.To = "ng", "nh" }),
		"a source by its beginning":         with(by("users", "users_by_first", me), func(q *store.Query) { q.Prefix = "a" }),
		"a source that goes on":             with(by("users", "users_pkey", me), func(q *store.Query) { q.After, q.Limit = []any{user.ID}, 4 }),
		"a source that leads there often":   {by("numbers", "numbers_pkey"), of(1, "numbers", "tenant_id", "tenants", "tenants_pkey"), of(2, "tenants", "id", "users", "users_by_last")},
		"by the middle of an index": {
			by("call_groups", "call_groups_pkey", me),
			of(1, "call_groups", "id", "call_group_members", "call_group_members_pkey", me),
			of(2, "call_group_members", "member_id", "aliases", "aliases_by_user", me),
			of(2, "call_group_members", "alias_id", "extensions", "extensions_by_alias", me),
		},
		"by an integer": {by("orders", "orders_number", me), of(1, "orders", "number", "events", "events_pkey", me)},
		"by text that no record can hold": {
			by("users", "users_login", "a\xff"), of(1, "users", "id", "associations", "associations_slot", me), by("tenants", "tenants_pkey", me),
		},
	}
}

// followed returns what the reads must yield.
func followed(records []store.Record, reads []store.Read) [][]store.Record {
	results := make([][]store.Record, len(reads))
	for i, read := range reads {
		in := ordered(records, read.Index)
		if read.Source == 0 {
			results[i] = expected(in, read.Query)
			continue
		}
		for _, r := range in {
			values := keyIn(read.Index, r).Values
			if compareAll(read.Equal, values) == 0 && leads(results[read.Source-1], read.Column, values[len(read.Equal)]) {
				results[i] = append(results[i], r)
			}
		}
	}
	return results
}

// leads reports whether one of the records has the value in the column.
func leads(from []store.Record, column int, value any) bool {
	return slices.ContainsFunc(from, func(r store.Record) bool {
		v := r.Fields(nil)[column].Value()
		return v != nil && compare(v, value) == 0
	})
}

// misfetched asks for reads that do not fit those before them.
func (f *fixture) misfetched() {
	users := store.Query{Index: new(pbx.User).Table().Key(), Equal: []any{f.tenant.ID}}
	source := store.Read{Query: users}
	id, name := columnOf(users.Index.Table, "id"), columnOf(users.Index.Table, "first_name")
	follow := func(change func(*store.Read)) []store.Read {
		r := store.Read{Query: store.Query{Index: new(pbx.Association).Table().Key(), Equal: []any{f.tenant.ID}}, Source: 1, Column: id}
		change(&r)
		return []store.Read{source, r}
	}
	for name, reads := range map[string][]store.Read{
		"of itself":              follow(func(r *store.Read) { r.Source = 2 }),
		"of a later one":         follow(func(r *store.Read) { r.Source = 3 }),
		"of one below the first": follow(func(r *store.Read) { r.Source = -1 }),
		"no column":              follow(func(r *store.Read) { r.Column = -1 }),
		"a column too far":       follow(func(r *store.Read) { r.Column = len(users.Index.Table.Columns) }),
		"another type":           follow(func(r *store.Read) { r.Column = name }),
		"no place for the value": follow(func(r *store.Read) { r.Equal = []any{f.tenant.ID, pbx.UserID{1}, pbx.ServiceID{1}} }),
		"a limit":                follow(func(r *store.Read) { r.Limit = 1 }),
		"another order":          follow(func(r *store.Read) { r.Desc = true }),
		"a bound":                follow(func(r *store.Read) { r.From = pbx.UserID{1} }),
		"an upper bound":         follow(func(r *store.Read) { r.To = pbx.UserID{1} }),
		"a beginning":            follow(func(r *store.Read) { r.Prefix = "a" }),
		"after another":          follow(func(r *store.Read) { r.After = []any{pbx.UserID{1}, pbx.ServiceID{1}} }),
	} {
		f.Run(name, func(t *testing.T) {
			f.in(t).everyFetcher(func(f *fixture, fetch fetcher) {
				_, err := fetch(f.ctx, reads...)
				f.is(err, store.ErrMisuse)
				_, err = fetch(f.ctx, source)
				f.ok(err)
			})
		})
	}
}
