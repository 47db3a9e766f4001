package model

import (
	"slices"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// servicesOf are the services of a user.
func (t *Tenant) servicesOf(user Handle) []*Service {
	return all(t.Services, func(s *Service) bool { return t.association(user, s.ID) != nil })
}

// usersOf are the users of a service.
func (t *Tenant) usersOf(service Handle) []*User {
	return all(t.Users, func(u *User) bool { return t.association(u.ID, service) != nil })
}

func (t *Tenant) association(user, service Handle) *Association {
	return first(t.Associations, func(a *Association) bool { return a.User == user && a.Service == service })
}

// primary is the primary service of a user, or nil.
func (t *Tenant) primary(user Handle) *Service {
	a := first(t.Associations, func(a *Association) bool { return a.PrimaryOf == user })
	if a == nil {
		return nil
	}
	return t.service(a.Service)
}

// seat refuses a service that a user already has (SVC-4), and a ninth one
// (SVC-3).
func (x *step) seat(u *User, service Handle) bool {
	switch {
	case x.t.association(u.ID, service) != nil:
		x.refuse(rule.SVC4, pbx.ErrConflict, "")
	case len(x.t.servicesOf(u.ID)) >= 8:
		x.refuse(rule.SVC3, pbx.ErrExhausted, "")
	default:
		return true
	}
	return false
}

// associate gives a service to a user: the first is their primary one (SVC-6).
func (x *step) associate(u *User, s *Service) {
	a := &Association{User: u.ID, Service: s.ID, Slot: 1}
	var taken []int64
	for _, other := range x.t.Associations {
		if other.User == u.ID {
			taken = append(taken, other.Slot)
		}
	}
	if len(taken) == 0 {
		a.PrimaryOf = u.ID
	}
	for slices.Contains(taken, a.Slot) {
		a.Slot++
	}
	x.t.Associations = append(x.t.Associations, a)
	x.relate("service.associated", s.ref(), u.ref(), "")
}

// dissolve takes a service from a user.
func (x *step) dissolve(u *User, s *Service) {
	x.t.Associations = without(x.t.Associations, func(a *Association) bool { return a.User == u.ID && a.Service == s.ID })
	x.relate("service.disassociated", s.ref(), u.ref(), "")
	if x.t.mainExtension(u.ID) == "" {
		x.warn(rule.EXT1, u.ref(), "none")
	}
	x.trimFor(u, s)
}

// Associate is the method of that name.
type Associate struct{ User, Service Handle }

func (o Associate) do(x *step) {
	u := x.user(o.User)
	if u == nil {
		return
	}
	s := x.service(o.Service)
	if s == nil || !x.seat(u, s.ID) || !x.clearOfEmergency("DN", s.DN, x.t.location(u.Location)) {
		return
	}
	for _, f := range x.t.foreignOf(s.ID) {
		if f.there() {
			x.unmet(f.NeedsEmail, u)
		}
	}
	before := x.t.usersOf(s.ID)
	x.associate(u, s)
	if d := x.t.device(s.Device); d != nil && len(before) == 0 {
		x.give(d, u, 1)
	}
	x.servedBy(s, before, x.t.usersOf(s.ID))
}

// both are a user and a service of theirs (SVC-4).
func (x *step) both(user, service Handle) (*User, *Service, *Association) {
	u := x.user(user)
	if u == nil {
		return nil, nil, nil
	}
	s := x.service(service)
	if s == nil {
		return nil, nil, nil
	}
	a := x.t.association(user, service)
	if a == nil {
		x.refuse(rule.SVC4, pbx.ErrNotFound, "")
	}
	return u, s, a
}

// Disassociate is the method of that name.
type Disassociate struct{ User, Service Handle }

func (o Disassociate) do(x *step) {
	u, s, a := x.both(o.User, o.Service)
	switch {
	case a == nil:
	case a.PrimaryOf != "" && len(x.t.servicesOf(u.ID)) > 1:
		x.refuse(rule.SVC7, pbx.ErrFailedPrecondition, "")
	default:
		x.confirm(rule.SVC5, s.ref(), u.name())
		before := x.t.usersOf(s.ID)
		x.dissolve(u, s)
		if d := x.t.device(s.Device); d != nil && d.User == u.ID {
			x.takeOff(s, d)
		}
		x.servedBy(s, before, x.t.usersOf(s.ID))
		if m := x.t.mailbox(s.ID); m != nil {
			x.takeMailbox(m, u, "", x.t.others(s, u), rule.SVC5)
		}
	}
}

// SetPrimary is the method of that name.
type SetPrimary struct{ User, Service Handle }

func (o SetPrimary) do(x *step) {
	u, s, a := x.both(o.User, o.Service)
	if a == nil || a.PrimaryOf != "" {
		return
	}
	for _, other := range x.t.Associations {
		if other.User == u.ID {
			other.PrimaryOf = ""
		}
	}
	a.PrimaryOf = u.ID
	x.relate("service.made-primary", s.ref(), u.ref(), "")
}
