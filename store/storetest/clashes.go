package storetest

import (
	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// clashes returns, for each unique index, a record that can be inserted and
// the same one with a value that a record of the world has. Where the value is
// unique across tenants, the record is another tenant's.
var clashes = map[string]func(c *customer) (free, taking store.Record){
	"tenants_sip_domain": func(c *customer) (free, taking store.Record) {
		t := c.world.tenant(c.uuid(), "Beta")
		return t, with(t, "sip_domain", c.tenant.SIPDomain)
	},
	"locations_building": func(c *customer) (free, taking store.Record) {
		add(c.world, c.location("W20"))
		l := c.location("W21")
		return l, with(l, "building", "W20")
	},
	"users_login": func(c *customer) (free, taking store.Record) {
		holder := add(c.world, c.user("Ada", "Lovelace"))
		set(holder, "login_folded", "ada@example.com")
		u := c.world.customer("Beta").user("Ada", "Byron")
		return u, with(u, "login_folded", "ada@example.com")
	},
	"call_groups_name": func(c *customer) (free, taking store.Record) {
		add(c.world, c.group(pbx.HuntGroup, "Sales"))
		g := c.group(pbx.ACDQueue, "Support")
		return g, with(g, "name_folded", "sales")
	},
	"devices_mac": func(c *customer) (free, taking store.Record) {
		holder := add(c.world, c.device())
		d := c.world.customer("Beta").device()
		return d, with(d, "mac", string(holder.MAC))
	},
	"devices_primary": func(c *customer) (free, taking store.Record) {
		u := add(c.world, c.user("Ada", "Lovelace"))
		assigned(add(c.world, c.device()), u, true)
		d := assigned(c.device(), u, false)
		return d, with(d, "primary_of", [16]byte(u.ID))
	},
	"device_lines_user": func(c *customer) (free, taking store.Record) {
		u, other := add(c.world, c.user("Ada", "Lovelace")), add(c.world, c.user("Ada", "Byron"))
		d := assigned(add(c.world, c.device()), u, true)
		add(c.world, c.deviceLine(d, 1, u))
		l := c.deviceLine(d, 2, other)
		return l, with(l, "user_id", [16]byte(u.ID))
	},
	"device_lines_alias": func(c *customer) (free, taking store.Record) {
		u := add(c.world, c.user("Ada", "Lovelace"))
		d := assigned(add(c.world, c.device()), u, true)
		byAlias := func(line int64) *pbx.DeviceLine {
			l := c.deviceLine(d, line, u)
			l.UserID, l.AliasID = pbx.UserID{}, add(c.world, c.alias(u)).ID
			return l
		}
		holder, l := byAlias(1), byAlias(2)
		add(c.world, holder)
		return l, with(l, "alias_id", [16]byte(holder.AliasID))
	},
	"services_dn": func(c *customer) (free, taking store.Record) {
		holder := add(c.world, c.service())
		s := c.service()
		return s, with(s, "dn", string(holder.DN))
	},
	"services_number": func(c *customer) (free, taking store.Record) {
		holder := add(c.world, c.service())
		holder.Number = c.e164()
		s := c.world.customer("Beta").service()
		return s, with(s, "number", string(holder.Number))
	},
	"associations_slot": func(c *customer) (free, taking store.Record) {
		u := add(c.world, c.user("Ada", "Lovelace"))
		add(c.world, c.association(u, add(c.world, c.service()), 1, true))
		a := c.association(u, add(c.world, c.service()), 2, false)
		return a, with(a, "slot", int64(1))
	},
	"associations_primary": func(c *customer) (free, taking store.Record) {
		u := add(c.world, c.user("Ada", "Lovelace"))
		add(c.world, c.association(u, add(c.world, c.service()), 1, true))
		a := c.association(u, add(c.world, c.service()), 2, false)
		return a, with(a, "primary_of", [16]byte(u.ID))
	},
	"extensions_main": func(c *customer) (free, taking store.Record) {
		u := add(c.world, c.user("Ada", "Lovelace"))
		add(c.world, c.entry(u)).MainOf = u.ID
		e := c.entry(u)
		return e, with(e, "main_of", [16]byte(u.ID))
	},
	"extensions_service": func(c *customer) (free, taking store.Record) {
		s := add(c.world, c.service())
		add(c.world, c.dnOf(s))
		e := c.entry(add(c.world, c.user("Ada", "Lovelace")))
		taken := clone(e)
		taken.UserID, taken.ServiceID = pbx.UserID{}, s.ID
		return e, taken
	},
	"mailboxes_number": func(c *customer) (free, taking store.Record) {
		holder := add(c.world, c.mailbox(add(c.world, c.service())))
		m := c.mailbox(add(c.world, c.service()))
		return m, with(m, "number", holder.Number)
	},
	"foreign_services_line": func(c *customer) (free, taking store.Record) {
		line := add(c.world, c.service())
		holder := add(c.world, c.foreign(line))
		f := c.foreign(line)
		return f, with(f, "name", holder.Name)
	},
	"numbers_service": func(c *customer) (free, taking store.Record) {
		s := add(c.world, c.service())
		s.Number = c.e164()
		add(c.world, c.numberOf(s))
		n := c.number()
		taken := with(n, "service_id", [16]byte(s.ID))
		taken.State = pbx.NumberAssigned
		return n, taken
	},
	"numbers_waiting": func(c *customer) (free, taking store.Record) {
		s := add(c.world, c.service())
		holder := add(c.world, c.number())
		holder.State, holder.WaitingID = pbx.NumberPorting, s.ID
		n := c.number()
		n.State = pbx.NumberPorting
		return n, with(n, "waiting_id", [16]byte(s.ID))
	},
	"numbers_temporary": func(c *customer) (free, taking store.Record) {
		porting := add(c.world, c.number())
		porting.State = pbx.NumberPorting
		standIn := func(c *customer) *pbx.Number {
			s := add(c.world, c.service())
			s.Number = c.e164()
			n := c.numberOf(s)
			n.Loan = true
			return n
		}
		add(c.world, standIn(c)).TemporaryFor = porting.E164
		n := standIn(c.world.customer("Beta"))
		return n, with(n, "temporary_for", string(porting.E164))
	},
	"orders_number": func(c *customer) (free, taking store.Record) {
		add(c.world, c.order(1))
		o := c.order(2)
		return o, with(o, "number", int64(1))
	},
}
