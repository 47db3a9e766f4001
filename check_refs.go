package pbx

import (
	"fmt"
	"slices"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// reference is a column that holds the ID or the code of a record of another
// table, in the same tenant.
type reference struct {
	from   *store.Table
	column string
	to     *store.Table
	code   rule.Code
}

// references are all references, except those of the journal and the user and the
// location of an order, as events and orders are kept after these are deleted.
var references = []reference{
	{usersTable, "location_id", locationsTable, rule.USR5},
	{usersTable, "station", stationPoolsTable, rule.STN1},
	{aliasesTable, "user_id", usersTable, rule.EXT7},
	{membersTable, "group_id", groupsTable, rule.EXT8},
	{membersTable, "user_id", usersTable, rule.EXT8},
	{membersTable, "alias_id", aliasesTable, rule.EXT8},
	{devicesTable, "location_id", locationsTable, rule.DEV1},
	{devicesTable, "user_id", usersTable, rule.DEV2},
	{deviceLinesTable, "device_id", devicesTable, rule.EXT9},
	{deviceLinesTable, "user_id", usersTable, rule.EXT9},
	{deviceLinesTable, "alias_id", aliasesTable, rule.EXT9},
	{servicesTable, "type", serviceTypesTable, rule.SVC16},
	{servicesTable, "device_id", devicesTable, rule.SVC2},
	{servicesTable, "location_id", locationsTable, rule.OWN7},
	{serviceKeysTable, "service_id", servicesTable, rule.DEV7},
	{associationsTable, "user_id", usersTable, rule.SVC4},
	{associationsTable, "service_id", servicesTable, rule.SVC4},
	{extensionsTable, "user_id", usersTable, rule.EXT2},
	{extensionsTable, "service_id", servicesTable, rule.EXT2},
	{extensionsTable, "alias_id", aliasesTable, rule.EXT2},
	{extensionsTable, "group_id", groupsTable, rule.EXT2},
	{ownersTable, "service_id", servicesTable, rule.OWN3},
	{mailboxesTable, "service_id", servicesTable, rule.VM1},
	{foreignTable, "service_id", servicesTable, rule.SVC10},
	{numbersTable, "service_id", servicesTable, rule.NUM1},
	{numbersTable, "waiting_id", servicesTable, rule.NUM3},
	{numbersTable, "port_id", portRequestsTable, rule.NUM11},
	{orderLinesTable, "order_id", ordersTable, rule.ORD1},
}

// referTo are the columns by which the records of each table refer to others.
var referTo = func() map[*store.Table][]link {
	from := make(map[*store.Table][]link)
	for i := range references {
		r := &references[i]
		at := slices.IndexFunc(r.from.Columns, func(c store.Column) bool { return c.Name == r.column })
		holds := fmt.Sprintf("the %s of %s %s is in its tenant", kinds[r.to], article(kinds[r.from]), kinds[r.from])
		from[r.from] = append(from[r.from], link{at, r.to, &invariant{code: r.code, holds: holds}})
	}
	return from
}()

type link struct {
	column    int
	to        *store.Table
	invariant *invariant
}

func article(noun string) string {
	if slices.Contains([]byte("aeio"), noun[0]) {
		return "an"
	}
	return "a"
}

// referred are the tables that others refer to.
var referred = func() map[*store.Table]bool {
	to := make(map[*store.Table]bool)
	for _, r := range references {
		to[r.to] = true
	}
	return to
}()

// know notes the key of a record that others may refer to.
func (c *tenantCheck) know(rec store.Record) {
	table := rec.Table()
	if !referred[table] {
		return
	}
	if c.known[table] == nil {
		c.known[table] = make(map[any]bool)
	}
	columns := table.Key().Columns
	c.known[table][store.FieldsOf(rec)[columns[len(columns)-1]].Value()] = true
}

// references checks that the records that a record refers to exist in its tenant.
func (c *tenantCheck) references(rec store.Record) {
	fields := store.FieldsOf(rec)
	for _, l := range referTo[rec.Table()] {
		value := fields[l.column].Value()
		if value == nil || c.known[l.to][value] {
			continue
		}
		if raw, ok := value.([16]byte); ok {
			value = ID[Tenant](raw)
		}
		c.running = l.invariant
		c.broken(subjectOf(rec), "there is no %s %v", kinds[l.to], value)
	}
}

// claim is a unique index.
type claim struct {
	index *store.Index
	code  rule.Code
}

// claims are the unique indexes that are not covered by the tallies: a record must be
// the one that is found by its values.
var claims = []claim{
	{tenantsBySIPDomain, rule.ACC1},
	{locationsByBuilding, rule.ACC1},
	{usersByLogin, rule.USR3},
	{groupsByName, rule.EXT8},
	{devicesByMAC, rule.DEV1},
	{deviceLinesByUser, rule.EXT9},
	{deviceLinesByAlias, rule.EXT9},
	{mailboxesByNumber, rule.VM4},
	{foreignByLine, rule.SVC13},
	{numbersByWaiting, rule.NUM3},
	{numbersByTemporary, rule.NUM3},
	{ordersByNumber, rule.ORD4},
}

var claimed = func() map[*store.Table][]*claim {
	by := make(map[*store.Table][]*claim)
	for i := range claims {
		table := claims[i].index.Table
		by[table] = append(by[table], &claims[i])
	}
	return by
}()

// claims checks that a record is the one that is found by its unique values.
func (c *tenantCheck) claims(rec store.Record) {
	for _, cl := range claimed[rec.Table()] {
		values, in := cl.index.Values(rec)
		if !in {
			continue
		}
		c.running = &invariant{code: cl.code, holds: "the values of the unique index " + cl.index.Name + " are one record's"}
		c.askFor(cl.index, values, func(found store.Record) {
			switch {
			case found == nil:
				c.broken(subjectOf(rec), "it is not found by its own")
			case !sameKey(rec, found):
				c.broken(subjectOf(rec), "%s has the same", c.other(found))
			}
		})
	}
}

func sameKey(a, b store.Record) bool {
	var keyA, keyB [128]byte
	key := a.Table().Key()
	entryA, _ := key.AppendFields(keyA[:0], store.FieldsOf(a))
	entryB, _ := key.AppendFields(keyB[:0], store.FieldsOf(b))
	return string(entryA) == string(entryB)
}

// other names a record that has the same value, unless it is another tenant's.
func (c *tenantCheck) other(rec store.Record) string {
	fields := rec.Fields(nil)
	at := slices.IndexFunc(fields, func(f store.Field) bool { return f.Name == "tenant_id" })
	if at < 0 || fields[at].Value() != [16]byte(c.tenant.ID) {
		return "a " + kinds[rec.Table()] + " that is not of this tenant"
	}
	return subjectOf(rec).String()
}
