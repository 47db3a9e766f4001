package pbx

import (
	"github.com/pbxkit/pbx/internal/secret"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// doorInvariants hold for the fields of each record by itself: what the door of its
// own operation refuses is not kept either. The doors of the tenant and of its
// catalogue are among the books.
var doorInvariants = []invariant{
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
	each(usersTable, rule.USR5, "a user is such that he could be saved", func(c *tenantCheck, u *User) {
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

// form looks at a SIP address. What it is refused for does not name another
// tenant's domain.
func (c *tenantCheck) form(rec store.Record, address SIPAddress) {
	one, err := c.tenant.validateSIP(address)
	if c.refused(rec, err); err == nil && one != address {
		c.broken(subjectOf(rec), "it is in capitals")
	}
}
