package transfer

import (
	"context"
	"slices"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

var (
	tenantsTable    = new(pbx.Tenant).Table()
	identitiesTable = new(pbx.SIPIdentity).Table()
	numbersTable    = new(pbx.Number).Table()
	cursorsTable    = new(pbx.Cursor).Table()
)

// together is how many records are looked up in one trip.
const together = 256

// read returns all records of a tenant as they arrive in a copy, none where the
// tenant is not there. They can be inserted in their order: what a record refers
// to comes before it.
func read(ctx context.Context, r store.Reader, tenant pbx.TenantID) ([]store.Record, error) {
	own := &reading{ctx: ctx, reader: r, tenant: tenant}
	if err := own.get(keyOf(tenant)); err != nil || len(own.records) == 0 {
		return nil, err
	}
	for _, table := range pbx.Tables() {
		var err error
		switch table {
		case tenantsTable: // it is the first
		case identitiesTable:
			err = own.identities()
		case numbersTable:
			err = own.numbers()
		case cursorsTable:
			err = own.cursors()
		default:
			err = own.table(table)
		}
		if err != nil {
			return nil, err
		}
	}
	return own.records, nil
}

type reading struct {
	ctx     context.Context
	reader  store.Reader
	tenant  pbx.TenantID
	records []store.Record
}

// get adds the records at the keys, where there are any and they are the
// tenant's.
func (own *reading) get(keys ...store.Key) error {
	for some := range slices.Chunk(keys, together) {
		found, err := own.reader.Get(own.ctx, some...)
		if err != nil {
			return err
		}
		for _, rec := range found {
			if rec != nil && tenantOf(rec) == own.tenant {
				own.add(rec)
			}
		}
	}
	return nil
}

func (own *reading) add(rec store.Record) {
	if rec = arriving(rec); rec != nil {
		own.records = append(own.records, rec)
	}
}

// arriving returns the record as it is in a copy, or nil where a copy does not have
// it: a cursor before the first event is only a lease.
func arriving(rec store.Record) store.Record {
	at, is := rec.(*pbx.Cursor)
	switch {
	case !is:
		return rec
	case at.Seq == 0:
		return nil
	}
	return &pbx.Cursor{Subscriber: at.Subscriber, TenantID: at.TenantID, Rev: 1, Seq: at.Seq, Pos: at.Pos}
}

// table adds the records of a table that has an order by tenant.
func (own *reading) table(table *store.Table) error {
	for rec, err := range own.reader.Find(own.ctx, store.Query{Index: table.ByTenant(), Equal: []any{own.tenant}}) {
		if err != nil {
			return err
		}
		own.add(rec)
	}
	return nil
}

// numbers adds the numbers, with those that stand in for others last.
func (own *reading) numbers() error {
	from := len(own.records)
	if err := own.table(numbersTable); err != nil {
		return err
	}
	slices.SortStableFunc(own.records[from:], func(a, b store.Record) int { return standsIn(a) - standsIn(b) })
	return nil
}

func standsIn(rec store.Record) int {
	if rec.(*pbx.Number).TemporaryFor != "" {
		return 1
	}
	return 0
}

// identities adds those of the users and aliases, which have no order by
// tenant.
func (own *reading) identities() error {
	var keys []store.Key
	claim := func(address pbx.SIPAddress) {
		keys = append(keys, store.Key{Index: identitiesTable.Key(), Values: []any{string(address)}})
	}
	for _, rec := range own.records {
		switch r := rec.(type) {
		case *pbx.User:
			claim(r.SIPAddress)
		case *pbx.Alias:
			claim(r.SIPAddress)
		}
	}
	return own.get(keys...)
}

// cursors adds those of all subscribers. It finds their names by skipping all tenants
// of one subscriber to reach the next.
func (own *reading) cursors() error {
	var keys []store.Key
	q := store.Query{Index: cursorsTable.Key(), Limit: 1}
	for {
		var next *pbx.Cursor
		for rec, err := range own.reader.Find(own.ctx, q) {
			if err != nil {
				return err
			}
			next = rec.(*pbx.Cursor)
		}
		if next == nil {
			return own.get(keys...)
		}
		keys = append(keys, store.Key{Index: q.Index, Values: []any{next.Subscriber, own.tenant}})
		q.After = []any{next.Subscriber, lastTenant}
	}
}

// lastTenant is the highest ID that a tenant can have.
var lastTenant = func() (id pbx.TenantID) {
	for i := range id {
		id[i] = 0xff
	}
	return id
}()

// tenantColumn is where each table has the tenant.
var tenantColumn = func() map[*store.Table]int {
	at := make(map[*store.Table]int)
	for _, table := range pbx.Tables() {
		at[table] = slices.IndexFunc(table.Columns, func(c store.Column) bool { return c.Name == "tenant_id" })
	}
	at[tenantsTable] = tenantsTable.Key().Columns[0]
	return at
}()

func tenantOf(rec store.Record) pbx.TenantID {
	return pbx.TenantID(*store.FieldsOf(rec)[tenantColumn[rec.Table()]].Ptr.(*[16]byte))
}
