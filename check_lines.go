package pbx

import (
	"slices"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// lineInvariants hold for services, and for what belongs to them.
var lineInvariants = []invariant{
	each(servicesTable, rule.SVC17, "a service has a status, and is billed while active or pending cancellation, and not before", func(c *tenantCheck, s *Service) {
		switch s.Status {
		case StatusNone:
			return
		case StatusActive, StatusPendingCancellation:
			if s.billed() {
				return
			}
		case StatusPendingActivation, StatusOrderProcessing, StatusOrderFailed:
			if !s.billed() {
				return
			}
		}
		c.broken(subjectOf(s), "it is %q, billed: %t", s.Status, s.billed())
	}),
	each(servicesTable, rule.SVC17, "the status of a remote service, and of no other, is its own system's", func(c *tenantCheck, s *Service) {
		if (s.Status == StatusNone) != (s.RemoteSystem != "") {
			c.broken(subjectOf(s), "it is %q, and hosted by %q", s.Status, s.RemoteSystem)
		}
	}),
	each(servicesTable, rule.SVC11, "a remote service has no number and no phone of this system", func(c *tenantCheck, s *Service) {
		if s.RemoteSystem != "" && (s.Number != "" || !s.DeviceID.IsZero()) {
			c.broken(subjectOf(s), "it has number %q and device %s", s.Number, s.DeviceID)
		}
	}),
	each(servicesTable, rule.SVC17, "a service to be cancelled has a time for it, one whose order failed a reason, and one to be activated later an order", func(c *tenantCheck, s *Service) {
		cancelled, failed := s.Status == StatusPendingCancellation, s.Status == StatusOrderFailed
		ordered := failed || s.Status == StatusOrderProcessing
		if cancelled == s.CancelAt.IsZero() || failed == (s.Failure == "") || s.ActivateLater && !ordered {
			c.broken(subjectOf(s), "it is %q, cancelled at %v, reason given: %t, later: %t", s.Status, s.CancelAt, s.Failure != "", s.ActivateLater)
		}
	}),
	each(associationsTable, rule.SVC3, "a user's services lie in slots of their own, 1 to 8", func(c *tenantCheck, a *Association) {
		u := c.users[a.UserID]
		switch {
		case a.Slot < 1 || a.Slot > maxServices:
			c.broken(subjectOf(a), "it is slot %d", a.Slot)
		case u != nil && u.slots[a.Slot]:
			c.broken(subjectOf(a), "slot %d is another one's too", a.Slot)
		case u != nil:
			u.slots[a.Slot] = true
		}
	}),
	each(associationsTable, rule.SVC6, "a service is the primary one of its own users alone", func(c *tenantCheck, a *Association) {
		if !a.PrimaryOf.IsZero() && a.PrimaryOf != a.UserID {
			c.broken(subjectOf(a), "it is that of user %s", a.PrimaryOf)
		}
	}),
	each(servicesTable, rule.SVC14, "a service has a type of phone, and is of its category", func(c *tenantCheck, s *Service) {
		model, known := c.models[s.DeviceType]
		if s.DeviceType == "" || known && s.Category != model.Category {
			c.broken(subjectOf(s), "it is a %q, of category %q", s.DeviceType, s.Category)
		}
	}),
	each(servicesTable, rule.SVC14, "the type of a service's phone is that of the device that carries it", func(c *tenantCheck, s *Service) {
		if d := c.devices[s.DeviceID]; d != nil && d.model != s.DeviceType {
			c.broken(subjectOf(s), "it is a %q, and the device a %q", s.DeviceType, d.model)
		}
	}),
	each(serviceKeysTable, rule.SVC11, "the keys of a remote service are its own system's", func(c *tenantCheck, k *ServiceKey) {
		c.notRemote(k, k.ServiceID)
	}),
	each(mailboxesTable, rule.SVC11, "the mailbox of a remote service is its own system's", func(c *tenantCheck, m *Mailbox) {
		c.notRemote(m, m.ServiceID)
	}),
	each(foreignTable, rule.SVC11, "the foreign services of a remote service are its own system's", func(c *tenantCheck, f *ForeignService) {
		c.notRemote(f, f.ServiceID)
	}),
}

// notRemote checks that a record does not belong to a remote service.
func (c *tenantCheck) notRemote(rec store.Record, service ServiceID) {
	if s := c.services[service]; s != nil && s.remote {
		c.broken(subjectOf(rec), "service %s is one", service)
	}
}

// dialable reports whether digits can be an extension under any policy.
func dialable(e string) bool { return digits(e) && len(e) >= 2 && len(e) <= 7 }

// dialPlanInvariants hold for what can be dialled.
var dialPlanInvariants = []invariant{
	each(extensionsTable, rule.EXT1, "an extension is 2 to 7 digits", func(c *tenantCheck, e *DialEntry) {
		if !dialable(string(e.Digits)) {
			c.broken(subjectOf(e), "it is %q", e.Digits)
		}
	}),
	each(extensionsTable, rule.EXT1, "an extension is the main one of nobody but the user that it points at", func(c *tenantCheck, e *DialEntry) {
		if !e.MainOf.IsZero() && e.MainOf != e.UserID {
			c.broken(subjectOf(e), "it is that of user %s", e.MainOf)
		}
	}),
	each(extensionsTable, rule.EXT2, "an extension reaches exactly one thing", func(c *tenantCheck, e *DialEntry) {
		targets := oneIf(!e.UserID.IsZero()) + oneIf(!e.ServiceID.IsZero()) + oneIf(!e.AliasID.IsZero()) + oneIf(!e.GroupID.IsZero())
		if targets != 1 {
			c.broken(subjectOf(e), "it reaches %d", targets)
		}
	}),
	each(extensionsTable, rule.EXT2, "the extension that reaches a service is its DN", func(c *tenantCheck, e *DialEntry) {
		s := c.services[e.ServiceID]
		if s == nil {
			return
		}
		if s.dialled++; s.dn != e.Digits {
			c.broken(subjectOf(e), "the DN is %s", s.dn)
		}
	}),
	inTheEnd(rule.EXT2, "a service has one entry in the dial plan", func(c *tenantCheck) {
		for id, s := range c.services {
			if s.dialled != 1 {
				c.broken(Ref{Kind: "service", ID: id.String()}, "DN %s has %d", s.dn, s.dialled)
			}
		}
	}),
	each(extensionsTable, rule.EXT3, "no extension gets in the way of an emergency number of the tenant's country, or of one where it reaches", func(c *tenantCheck, e *DialEntry) {
		for _, country := range c.reached(e) {
			if emergency, touches := touchesEmergency(country, e.Digits); touches {
				c.broken(subjectOf(e), "it does of %s in %s", emergency, country)
				return
			}
		}
	}),
	each(extensionsTable, rule.EXT5, searchHolds, func(c *tenantCheck, e *DialEntry) {
		if len(e.Digits) == len(c.next) {
			c.pass(e.Digits)
			if e.Digits == c.next {
				c.next = following(c.next)
			}
		}
	}),
	inTheEnd(rule.EXT5, searchHolds, func(c *tenantCheck) { c.pass(c.tenant.nextExtension) }),
}

// reached returns the tenant's country, and those of the users and the line that an
// extension reaches.
func (c *tenantCheck) reached(e *DialEntry) []string {
	var at []LocationID
	users := []UserID{e.UserID, c.aliases[e.AliasID]}
	if s := c.services[e.ServiceID]; s != nil {
		at, users = append(at, s.at), append(users, s.users...)
	}
	for _, id := range users {
		if u := c.users[id]; u != nil {
			at = append(at, u.at)
		}
	}
	countries := []string{c.tenant.Country}
	for _, id := range at {
		if place, there := c.places[id]; there && !slices.Contains(countries, place.country) {
			countries = append(countries, place.country)
		}
	}
	return countries
}

const searchHolds = "no extension for automatic use is free below the one with which the search begins"

// pass checks the extensions of the range up to the one given, which are not in the
// dial plan. It reports the first one that is free although the search begins after
// it.
func (c *tenantCheck) pass(to Extension) {
	start := c.tenant.nextExtension
	for len(c.next) == len(start) && c.next < start && c.next < to {
		if _, touches := touchesEmergency(c.tenant.Country, c.next); !touches {
			c.broken(subjectOf(c.tenant), "%s is free, and the search begins with %s", c.next, start)
			c.next = start
			return
		}
		c.next = following(c.next)
	}
}

// phoneInvariants hold for the lines and the keys of phones.
var phoneInvariants = []invariant{
	each(deviceLinesTable, rule.EXT9, "a line of a phone carries a user or an alias, one of the two", func(c *tenantCheck, l *DeviceLine) {
		if l.UserID.IsZero() == l.AliasID.IsZero() {
			c.broken(subjectOf(l), "it is neither or both")
		}
	}),
	each(deviceLinesTable, rule.EXT9, "a line is one of the ports that the phone's user was given", func(c *tenantCheck, l *DeviceLine) {
		if d := c.devices[l.DeviceID]; d != nil && (l.Line < 1 || l.Line > d.ports) {
			c.broken(subjectOf(l), "the user was given %d", d.ports)
		}
	}),
	each(deviceLinesTable, rule.EXT9, "a line carries the phone's user or an alias of theirs", func(c *tenantCheck, l *DeviceLine) {
		d := c.devices[l.DeviceID]
		owner := l.UserID
		if owner.IsZero() {
			owner = c.aliases[l.AliasID]
		}
		if d != nil && !d.user.IsZero() && c.users[owner] != nil && owner != d.user {
			c.broken(subjectOf(l), "it carries one of user %s, and user %s has the phone", owner, d.user)
		}
	}),
	each(serviceKeysTable, rule.DEV7, "a programmable key is such that it could be saved", func(c *tenantCheck, k *ServiceKey) {
		var check validation
		k.validate(&check, "Key")
		c.refused(k, check.err())
	}),
	each(serviceKeysTable, rule.DEV7, "a programmable key is one of those of the phone's model", func(c *tenantCheck, k *ServiceKey) {
		s := c.services[k.ServiceID]
		if s == nil {
			return
		}
		if model, known := c.models[s.model]; k.Position < 1 || known && k.Position > model.Keys {
			c.broken(subjectOf(k), "a %s has %d", s.model, model.Keys)
		}
	}),
	each(serviceKeysTable, rule.DEV7, "a programmable key of a phone is one service's", func(c *tenantCheck, k *ServiceKey) {
		s := c.services[k.ServiceID]
		if s == nil || s.device.IsZero() {
			return
		}
		at := keyOf{s.device, k.Position}
		if other, taken := c.keys[at]; taken {
			c.broken(subjectOf(k), "it is one of service %s too", other)
		}
		c.keys[at] = k.ServiceID
	}),
}

// foreignInvariants hold for foreign services.
var foreignInvariants = []invariant{
	each(foreignTable, rule.SVC13, "a foreign service is such that it could be recorded", func(c *tenantCheck, f *ForeignService) {
		var check validation
		in := NewForeign{System: f.System, Name: f.Name, Link: f.Link}
		in.validate(&check, "", false)
		c.refused(f, check.err())
	}),
	each(foreignTable, rule.SVC10, "a foreign service has a line, or the DN of one that is gone", func(c *tenantCheck, f *ForeignService) {
		if f.ServiceID.IsZero() == (f.FormerDN == "") {
			c.broken(subjectOf(f), "its line is %s, and the former DN %q", f.ServiceID, f.FormerDN)
		}
	}),
	each(foreignTable, rule.SVC10, "a foreign service is there with its line; without it, it is being deleted where its system does that, and else left", func(c *tenantCheck, f *ForeignService) {
		gone := f.ServiceID.IsZero()
		switch f.State {
		case ForeignRequested, ForeignActive:
			if !gone {
				return
			}
		case ForeignFailed:
			if !gone || f.Deletable {
				return
			}
		case ForeignDeleting:
			if gone && f.Deletable {
				return
			}
		case ForeignLeft:
			if gone && !f.Deletable {
				return
			}
		}
		c.broken(subjectOf(f), "it is %q, its line gone: %t, deletable: %t", f.State, gone, f.Deletable)
	}),
	each(foreignTable, rule.SVC18, "what another system is to do, or refused, it was asked for", func(c *tenantCheck, f *ForeignService) {
		asked := f.State == ForeignRequested || f.State == ForeignFailed || f.State == ForeignDeleting
		if f.Requests < 0 || asked && f.Requests == 0 {
			c.broken(subjectOf(f), "it is %q, and %d requests were made", f.State, f.Requests)
		}
	}),
	each(foreignTable, rule.USR14, "the users of a line have the email address and the user ID that a foreign service of it needs", func(c *tenantCheck, f *ForeignService) {
		s := c.services[f.ServiceID]
		if s == nil || !f.there() {
			return
		}
		for _, id := range s.users {
			u := c.users[id]
			if u != nil && (f.NeedsEmail && !u.email || f.NeedsLogin && !u.login) {
				c.broken(subjectOf(f), "user %s does not", id)
			}
		}
	}),
}
