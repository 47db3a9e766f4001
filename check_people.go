package pbx

import (
	"slices"
	"time"

	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// peopleInvariants hold for users, aliases and their SIP addresses.
var peopleInvariants = []invariant{
	each(usersTable, rule.USR3, "a user ID is kept folded too", func(c *tenantCheck, u *User) {
		if u.loginFolded != text.FoldLogin(u.Login) {
			c.broken(subjectOf(u), "it is another one")
		}
	}),
	each(usersTable, rule.USR8, "names are kept folded, for searching", func(c *tenantCheck, u *User) {
		if u.firstFolded != text.Fold(u.FirstName) || u.lastFolded != text.Fold(u.LastName) {
			c.broken(subjectOf(u), "they are others")
		}
	}),
	each(usersTable, rule.USR13, "a user is pending and was never activated, or active and was, or disabled", func(c *tenantCheck, u *User) {
		activated := !u.ActivatedAt.IsZero()
		switch {
		case u.State == UserPending && !activated, u.State == UserActive && activated, u.State == UserDisabled:
		case activated:
			c.broken(subjectOf(u), "the user is %s, and was activated", u.State)
		default:
			c.broken(subjectOf(u), "the user is %s, and was not activated", u.State)
		}
	}),
	each(usersTable, rule.USR6, "the emergency calls of an e911 user have a location with street, city and postal code", func(c *tenantCheck, u *User) {
		at, there := c.places[u.LocationID]
		switch {
		case !u.E911:
		case u.LocationID.IsZero():
			c.broken(subjectOf(u), "the user is at none")
		case there && !at.dispatchable:
			c.broken(subjectOf(u), "help cannot be sent to %s", u.LocationID)
		}
	}),
	inTheEnd(rule.SVC6, "a user with services has exactly one primary one", func(c *tenantCheck) {
		for id, u := range c.users {
			if u.services > 0 && u.primaries != 1 {
				c.broken(Ref{Kind: "user", ID: id.String()}, "of %d services %d are", u.services, u.primaries)
			}
		}
	}),
	inTheEnd(rule.SVC3, "a user has eight services at most", func(c *tenantCheck) {
		for id, u := range c.users {
			if u.services > maxServices {
				c.broken(Ref{Kind: "user", ID: id.String()}, "the user has %d", u.services)
			}
		}
	}),
	inTheEnd(rule.DEV4, "a user with devices has exactly one primary one", func(c *tenantCheck) {
		for id, u := range c.users {
			if u.devices > 0 && u.primaryDevices != 1 {
				c.broken(Ref{Kind: "user", ID: id.String()}, "of %d devices %d are", u.devices, u.primaryDevices)
			}
		}
	}),
	inTheEnd(rule.EXT1, "of the extensions that point at a user exactly one is the main one", func(c *tenantCheck) {
		for id, u := range c.users {
			if u.extensions > 0 && u.mainEntries != 1 {
				c.broken(Ref{Kind: "user", ID: id.String()}, "of %d extensions %d are", u.extensions, u.mainEntries)
			}
		}
	}),
	each(usersTable, rule.EXT6, "a user's SIP address is claimed for them", func(c *tenantCheck, u *User) {
		c.claimedFor(u, u.SIPAddress, u.ID, AliasID{})
	}),
	each(aliasesTable, rule.EXT6, "an alias's SIP address is claimed for it", func(c *tenantCheck, a *Alias) {
		c.claimedFor(a, a.SIPAddress, UserID{}, a.ID)
	}),
	each(usersTable, rule.USR13, "a user who is not active has no SIP credentials", func(c *tenantCheck, u *User) {
		c.credentialsOnlyOf(u, u.SIPAddress, u.State == UserActive)
	}),
	each(aliasesTable, rule.USR13, "an alias of a user who is not active has no SIP credentials", func(c *tenantCheck, a *Alias) {
		u := c.users[a.UserID]
		c.credentialsOnlyOf(a, a.SIPAddress, u == nil || u.active)
	}),
}

// claimedFor checks that an address is claimed for the user or the alias that has it.
func (c *tenantCheck) claimedFor(rec store.Record, address SIPAddress, user UserID, alias AliasID) {
	c.askFor(sipIdentitiesTable.Key(), []any{string(address)}, func(found store.Record) {
		s, _ := found.(*SIPIdentity)
		c.claim(s)
		switch {
		case s == nil:
			c.broken(subjectOf(rec), "it is not claimed")
		case s.TenantID != c.tenant.ID || s.UserID != user || s.AliasID != alias:
			c.broken(subjectOf(rec), "it is claimed for somebody else")
		}
	})
}

// credentialsOnlyOf checks that an address has no credentials unless the user is
// active.
func (c *tenantCheck) credentialsOnlyOf(rec store.Record, address SIPAddress, active bool) {
	if active {
		return
	}
	c.askFor(sipIdentitiesTable.Key(), []any{string(address)}, func(found store.Record) {
		if s, _ := found.(*SIPIdentity); s != nil && !s.IssuedAt.IsZero() {
			c.broken(subjectOf(rec), "some were issued at %s", s.IssuedAt.Format(time.RFC3339))
		}
	})
}

// groupInvariants hold for groups, queues and their members.
var groupInvariants = []invariant{
	each(groupsTable, rule.EXT8, "a group is a hunt group or a queue, and its name is kept folded too", func(c *tenantCheck, g *Group) {
		switch {
		case g.Kind != HuntGroup && g.Kind != ACDQueue:
			c.broken(subjectOf(g), "it is a %s", g.Kind)
		case g.nameFolded != text.Fold(g.Name):
			c.broken(subjectOf(g), "it is another one")
		}
	}),
	each(membersTable, rule.EXT8, "a member is a user or an alias, and is listed as what it is", func(c *tenantCheck, m *Member) {
		switch {
		case m.UserID.IsZero() == m.AliasID.IsZero():
			c.broken(subjectOf(m), "it is neither or both")
		case m.memberID != m.ID().UUID():
			c.broken(subjectOf(m), "it is %s", m.ID())
		}
	}),
}

// deviceInvariants hold for the inventory of phones.
var deviceInvariants = []invariant{
	each(devicesTable, rule.DEV1, "a MAC is kept in its one form", func(c *tenantCheck, d *Device) {
		if mac, err := ParseMAC(string(d.MAC)); err != nil || mac != d.MAC {
			c.broken(subjectOf(d), "it is %q", d.MAC)
		}
	}),
	each(devicesTable, rule.DEV2, "a device is assigned exactly where it has a user", func(c *tenantCheck, d *Device) {
		switch {
		case d.State != DeviceAvailable && d.State != DeviceAssigned && d.State != DeviceInService:
			c.broken(subjectOf(d), "it is %q", d.State)
		case (d.State == DeviceAssigned) == d.UserID.IsZero():
			c.broken(subjectOf(d), "it is %s, and the user %s has it", d.State, d.UserID)
		}
	}),
	each(devicesTable, rule.DEV3, "an assigned device gives its user 1 to all of its ports, any other gives none", func(c *tenantCheck, d *Device) {
		least, most := int64(0), int64(0)
		if d.State == DeviceAssigned {
			least, most = 1, d.Ports
		}
		if d.PortsUsed < least || d.PortsUsed > most {
			c.broken(subjectOf(d), "it is %s, and gives %d of %d", d.State, d.PortsUsed, d.Ports)
		}
	}),
	each(devicesTable, rule.DEV4, "a device is the primary one of nobody but its user", func(c *tenantCheck, d *Device) {
		if !d.PrimaryOf.IsZero() && d.PrimaryOf != d.UserID {
			c.broken(subjectOf(d), "it is that of user %s", d.PrimaryOf)
		}
	}),
	inTheEnd(rule.DEV2, "the phone of a service is one of its users', or nobody's where it has none", func(c *tenantCheck) {
		for id, s := range c.services {
			d := c.devices[s.device]
			if d != nil && d.user.IsZero() != (len(s.users) == 0) || d != nil && !d.user.IsZero() && !slices.Contains(s.users, d.user) {
				c.broken(Ref{Kind: "service", ID: id.String()}, "its %d users, and user %s has the phone", len(s.users), d.user)
			}
		}
	}),
	inTheEnd(rule.DEV2, "a device without a user carries one service at most", func(c *tenantCheck) {
		for id, d := range c.devices {
			if d.user.IsZero() && d.carries > 1 {
				c.broken(Ref{Kind: "device", ID: id.String()}, "it carries %d", d.carries)
			}
		}
	}),
	inTheEnd(rule.DEV2, "a device without a user is in service exactly where it carries services", func(c *tenantCheck) {
		for id, d := range c.devices {
			if d.state == DeviceAvailable && d.carries > 0 || d.state == DeviceInService && d.carries == 0 {
				c.broken(Ref{Kind: "device", ID: id.String()}, "it is %s, and carries %d", d.state, d.carries)
			}
		}
	}),
}
