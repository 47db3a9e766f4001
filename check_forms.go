package pbx

import (
	"slices"

	"github.com/pbxkit/pbx/internal/secret"
	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// formInvariants hold for the fields of each record by itself: what the validation of
// its own operation refuses must not be stored. Those of tenants, locations and
// catalogues are among the bookInvariants.
var formInvariants = []invariant{
	each(usersTable, rule.USR1, "a user has a name, and an email address of some form or none", func(c *tenantCheck, u *User) {
		c.validate(u, func(check *validation) {
			check.names(u)
			if u.Email != "" {
				check.email(rule.USR1, "Email", u.Email)
			}
		})
	}),
	each(usersTable, rule.USR3, "a user ID has the form of an email address", func(c *tenantCheck, u *User) {
		c.validate(u, func(check *validation) { check.email(rule.USR3, "Login", u.Login) })
	}),
	each(usersTable, rule.USR5, "a user is such that they could be saved", func(c *tenantCheck, u *User) {
		c.validate(u, u.validate)
	}),
	each(usersTable, rule.EXT6, "a user's SIP address is one of the tenant's domain, in its one form", func(c *tenantCheck, u *User) {
		c.form(u, u.SIPAddress)
	}),
	each(aliasesTable, rule.EXT6, "an alias's SIP address is one of the tenant's domain, in its one form", func(c *tenantCheck, a *Alias) {
		c.form(a, a.SIPAddress)
	}),
	each(aliasesTable, rule.EXT7, "an alias has a name", func(c *tenantCheck, a *Alias) {
		c.validate(a, func(check *validation) { check.required(rule.EXT7, "Name", a.Name, maxName) })
	}),
	each(groupsTable, rule.EXT8, "a group has a name", func(c *tenantCheck, g *Group) {
		c.validate(g, func(check *validation) { check.required(rule.EXT8, "Name", g.Name, maxName) })
	}),
	each(devicesTable, rule.DEV1, "a device has a model, and is of its category and ports", func(c *tenantCheck, d *Device) {
		model, known := c.models[d.Model]
		if d.Model == "" || known && (d.Category != model.Category || d.Ports != model.Ports) {
			c.broken(subjectOf(d), "it is a %q, of category %q with %d", d.Model, d.Category, d.Ports)
		}
	}),
	each(servicesTable, rule.SVC2, "a service is such that it could be saved", func(c *tenantCheck, s *Service) {
		c.validate(s, func(check *validation) {
			check.text(rule.SVC2, "Name", s.Name, maxName)
			check.text(rule.OWN8, "LocationKeptBy", s.LocationKeptBy, maxName)
			check.text(rule.SVC11, "RemoteSystem", s.RemoteSystem, maxName)
		})
	}),
	each(ownersTable, rule.OWN3, "an owner is a principal", func(c *tenantCheck, o *Owner) {
		c.validate(o, func(check *validation) { check.principal(rule.OWN3, "Principal", o.Principal) })
	}),
	each(mailboxesTable, rule.VM4, "a mailbox is such that it could be saved", func(c *tenantCheck, m *Mailbox) {
		c.validate(m, m.validate)
	}),
	each(mailboxesTable, rule.VM5, "a PIN is kept as a hash, and its wrong tries are counted", func(c *tenantCheck, m *Mailbox) {
		if m.pinHash != nil {
			c.refused(m, damaged(secret.WellFormed(m.pinHash)))
		}
		if m.tries < 0 {
			c.broken(subjectOf(m), "there were %d", m.tries)
		}
	}),
	each(portRequestsTable, rule.NUM11, "a port request names a carrier", func(c *tenantCheck, p *PortRequest) {
		c.validate(p, func(check *validation) { check.required(rule.NUM11, "Carrier", p.Carrier, maxName) })
	}),
}

// form checks that a SIP address is well-formed and in lower case.
func (c *tenantCheck) form(rec store.Record, address SIPAddress) {
	one, err := c.tenant.validateSIP(address)
	if c.refused(rec, err); err == nil && one != address {
		c.broken(subjectOf(rec), "it is in capitals")
	}
}

// bookInvariants hold for the tenant itself, its catalogue, its licences and
// its orders.
var bookInvariants = []invariant{
	each(tenantsTable, rule.ACC1, "a tenant's settings are such that they could be saved", func(c *tenantCheck, t *Tenant) {
		if t.ID != Provider {
			c.refused(t, t.validate())
		}
	}),
	each(tenantsTable, rule.ACC3, "a tenant's name is kept folded, for searching", func(c *tenantCheck, t *Tenant) {
		if t.nameFolded != text.Fold(t.Name) {
			c.broken(subjectOf(t), "it is another one")
		}
	}),
	each(locationsTable, rule.ACC1, "a location is such that it could be saved", func(c *tenantCheck, l *Location) {
		c.refused(l, l.validate())
	}),
	each(serviceTypesTable, rule.SVC16, "a service type is such that it could be saved", func(c *tenantCheck, s *ServiceType) {
		c.refused(s, s.validate())
	}),
	each(stationPoolsTable, rule.STN1, "a package is such that it could be saved, and no more of its stations are used than there are", func(c *tenantCheck, p *StationPool) {
		c.refused(p, p.validate())
		if p.Used < 0 || p.Used > p.Total {
			c.broken(subjectOf(p), "%d of %d are", p.Used, p.Total)
		}
	}),
	inTheEnd(rule.STN1, "as many stations of a package are used as users have one", func(c *tenantCheck) {
		for name, used := range c.used {
			if users := c.stations[name]; users != used {
				c.broken(Ref{Kind: "station package", ID: name}, "%d are, and %d users have one", used, users)
			}
		}
	}),
	each(ordersTable, rule.ORD4, "an order is placed, and has a number up to the tenant's last", func(c *tenantCheck, o *Order) {
		if o.Status != OrderPlaced || o.Number < 1 || o.Number > c.tenant.lastOrder {
			c.broken(subjectOf(o), "it is %q, number %d of %d", o.Status, o.Number, c.tenant.lastOrder)
		}
	}),
	inTheEnd(rule.ORD4, "orders are numbered without a gap", func(c *tenantCheck) {
		if n := int64(len(c.orders)); n != c.tenant.lastOrder {
			c.broken(subjectOf(c.tenant), "there are %d, and the last has number %d", n, c.tenant.lastOrder)
		}
	}),
	each(ordersTable, rule.ORD4, "an order says who placed it, in which role", func(c *tenantCheck, o *Order) {
		if o.PlacedBy == "" || !slices.Contains(everyRole, o.PlacedRole) {
			c.broken(subjectOf(o), "it is %q, as %q", o.PlacedBy, o.PlacedRole)
		}
	}),
	each(orderLinesTable, rule.ORD1, "the lines of an order count from 1, each of some of a product", func(c *tenantCheck, l *OrderLine) {
		o := c.orders[l.OrderID]
		if o != nil && l.Line != o.lines || l.Line < 1 || l.Quantity == 0 || l.Product == "" {
			c.broken(subjectOf(l), "line %d, %d of %q", l.Line, l.Quantity, l.Product)
		}
	}),
	inTheEnd(rule.ORD1, "an order has lines, and comes to their sum", func(c *tenantCheck) {
		for id, o := range c.orders {
			if o.lines == 0 || o.monthly != 0 || o.oneTime != 0 {
				c.broken(Ref{Kind: "order", ID: id.String()}, "it has %d, and differs by %d monthly and %d one-time", o.lines, o.monthly, o.oneTime)
			}
		}
	}),
}
