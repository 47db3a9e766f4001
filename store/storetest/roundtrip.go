package storetest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// roundTrip writes every kind of record, with every column that may be empty
// once set and once empty, and reads it back.
func roundTrip(t *testing.T, open func(t *testing.T) store.Store) {
	f := start(t, open)
	variants := f.variants()
	f.save()
	for _, table := range pbx.Tables() {
		t.Run(table.Name, func(t *testing.T) {
			f := f.in(t)
			f.inserted(variants[table.Name])
			if table.Revision >= 0 {
				f.updated(variants[table.Name])
			}
		})
	}
}

// inserted inserts, reads and deletes each variant of a record.
func (f *fixture) inserted(variants []store.Record) {
	for _, v := range variants {
		f.must(insert(v)...)
		f.holds(v)
		f.must(remove(v))
		f.lacks(v)
	}
}

// updated turns each variant of a record into the next, and the last one into
// the first.
func (f *fixture) updated(variants []store.Record) {
	now := variants[0]
	f.must(insert(now)...)
	for _, v := range append(variants[1:], variants[0]) {
		v = at(v, *integer(now, "rev")+1)
		f.must(update(now, v))
		f.holds(v)
		f.view(func(r store.Reader) {
			f.equalAll(f.all(r, store.Query{Index: v.Table().Key(), Equal: keyOf(v).Values}), []store.Record{v})
		})
		now = v
	}
	f.must(remove(now))
	f.lacks(now)
}

// at returns a record with the revision, which the head of a tenant's journal repeats.
func at(r store.Record, rev int64) store.Record {
	r = with(r, "rev", rev)
	for _, f := range r.Fields(nil) {
		if f.Name == "journal_head" && f.Value() != nil {
			set(r, f.Name, headAt(rev))
		}
	}
	return r
}

// headAt is the head of a journal with one event, at a sequence.
func headAt(seq int64) string { return fmt.Sprint(seq, ":", eventHash) }

var eventHash = strings.Repeat("0123456789abcdef", 4)

// variants returns, for each table, some records with the same key: together
// they have every column set, and every column empty that may be. The records
// that they refer to are added to the world.
func (c *customer) variants() map[string][]store.Record {
	later := epoch.Add(time.Hour + time.Microsecond)
	site := add(c.world, c.location("W20"))
	add(c.world, c.serviceType("CONNECT"))
	add(c.world, c.pool("STANDARD", 5))
	person := add(c.world, c.user("Ada", "Lovelace"))
	subUser := add(c.world, c.alias(person))
	team := add(c.world, c.group(pbx.HuntGroup, "Sales"))
	phone := add(c.world, c.device())
	line := c.service()
	line.Number = c.e164()
	add(c.world, line)
	bare := add(c.world, c.service())
	port := add(c.world, c.port())
	provider := c.provider()
	porting := c.number()
	porting.State, porting.WaitingID, porting.PortID = pbx.NumberPorting, line.ID, port.ID
	add(c.world, porting)
	order := add(c.world, c.order(1))

	return map[string][]store.Record{
		"tenants":            c.tenantVariants(),
		"locations":          locationVariants(c.location("W21")),
		"service_types":      {with(with(withApplications(c.serviceType("PRO")), "one_time", int64(-5)), "fulfilment", true), c.serviceType("PRO")},
		"station_pools":      {withApplications(c.pool("PREMIER", 7)), with(c.pool("PREMIER", 7), "used", int64(7))},
		"users":              userVariants(c.user("Grace", "Hopper"), site, later),
		"aliases":            {c.alias(person)},
		"sip_identities":     c.identityVariants(),
		"call_groups":        groupVariants(c.group(pbx.HuntGroup, "Support")),
		"call_group_members": c.memberVariants(team),
		"devices":            deviceVariants(c.device(), person, site),
		"device_lines":       deviceLineVariants(c.deviceLine(phone, 2, person), subUser),
		"service_keys":       keyVariants(c.key(line, 27)),
		"services":           serviceVariants(c.service(), c.e164(), phone, site, later),
		"associations":       {c.association(person, line, 1, true), c.association(person, line, 8, false)},
		"extensions":         c.entryVariants(line, person, subUser, team),
		"owners":             {c.owner(line, "ada"), with(c.owner(line, "ada"), "since", later)},
		"mailboxes":          mailboxVariants(c.mailbox(line), later),
		"foreign_services":   foreignVariants(c.foreign(line), later),
		"port_requests":      portVariants(c.port()),
		"numbers":            c.numberVariants(provider, line, bare, porting, port, later),
		"orders":             orderVariants(c.order(2), site, person, later),
		"order_lines":        lineVariants(c.line(order, 1)),
		"events":             {with(with(c.event(math.MaxInt64, 3), "detail", "7001"), "hash", eventHash), c.event(math.MaxInt64, 3)},
		"cursors":            cursorVariants(c.cursor("mail"), later),
	}
}
