package model

import (
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

func (l *Location) ref() ref { return ref{"location", l.ID, l.Building} }

func (t *Tenant) location(id Handle) *Location {
	return first(t.Locations, func(l *Location) bool { return l.ID == id })
}

// place is the location that an input names; "" is none, and one that the
// tenant does not have is refused.
func (x *step) place(field string, id Handle) *Location {
	l := x.t.location(id)
	if l == nil && id != "" {
		x.missing(field)
	}
	return l
}

// dispatchable reports whether help can be sent there (USR-6).
func (l *Location) dispatchable() bool {
	return l.Street != "" && l.City != "" && l.PostalCode != "" && l.Country != ""
}

// Site is what a location consists of.
type Site struct {
	Building, Name                            string
	Street, City, Region, PostalCode, Country string
	NumberPrefix                              string
}

func (x *step) siteFields(s Site) {
	x.form(rule.ACC1, "Building", s.Building, codeForm)
	x.text(rule.ACC1, "Name", s.Name, 64)
	x.text(rule.ACC1, "Address.Street", s.Street, 128)
	x.text(rule.ACC1, "Address.City", s.City, 64)
	x.text(rule.ACC1, "Address.Region", s.Region, 64)
	x.text(rule.ACC1, "Address.PostalCode", s.PostalCode, 32)
	x.country("Address.Country", s.Country)
	if c, known := countries[s.Country]; known && s.NumberPrefix != "" && !c.begins(s.NumberPrefix) {
		x.invalid(rule.NUM4, "NumberPrefix")
	}
}

// begins reports whether numbers of the country can begin with a prefix.
func (c country) begins(prefix string) bool {
	return strings.HasPrefix(prefix, "+"+c.calling) && digitForm.MatchString(prefix[1:]) && len(prefix) <= 12
}

func (x *step) freeBuilding(building string) {
	if first(x.t.Locations, func(l *Location) bool { return l.Building == building }) != nil {
		x.refuse(rule.ACC1, pbx.ErrConflict, "Building")
	}
}

// AddLocation is the method of that name.
type AddLocation struct{ Site }

func (o AddLocation) do(x *step) {
	if x.siteFields(o.Site); len(x.bad) > 0 {
		return
	}
	x.freeBuilding(o.Building)
	l := &Location{ID: x.handle("l")}
	l.put(o.Site)
	x.t.Locations = after(x.t.Locations, l, func(l *Location) Handle { return l.ID })
	x.did("location.created", l.ref(), "")
}

func (l *Location) put(s Site) {
	l.Building, l.Name, l.Street, l.City, l.Region = s.Building, s.Name, s.Street, s.City, s.Region
	l.PostalCode, l.Country, l.NumberPrefix = s.PostalCode, s.Country, s.NumberPrefix
}

// ModifyLocation is the method of that name: the location becomes the site.
type ModifyLocation struct {
	Location Handle
	Site
	Kept  Set // what else the caller changed
	Stale bool
}

func (o ModifyLocation) do(x *step) {
	was := x.t.location(o.Location)
	switch {
	case was == nil:
		x.missing("")
		return
	case o.Stale:
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	x.kept(rule.ACC1, o.Kept, "TenantID")
	if x.siteFields(o.Site); len(x.bad) > 0 {
		return
	}
	l := *was
	l.put(o.Site)
	if l.Building != was.Building {
		if x.freeBuilding(l.Building); len(x.bad) > 0 {
			return
		}
	}
	here := func(u *User) bool { return u.Location == l.ID }
	if was.dispatchable() && !l.dispatchable() && first(all(x.t.Users, here), func(u *User) bool { return u.E911 }) != nil {
		x.refuse(rule.USR6, pbx.ErrFailedPrecondition, "Address")
		return
	}
	if l.Country != was.Country {
		x.dialledAt(&l)
	}
	*was = l
	x.did("location.modified", l.ref(), "")
}

// dialledAt refuses a country where extensions that are dialled there would
// conflict with its emergency numbers (EXT-3): it names those of the first user
// who has any.
func (x *step) dialledAt(l *Location) {
	for _, s := range x.t.Services {
		if s.Location == l.ID && !x.clearOfEmergency("Address.Country", s.DN, l) {
			return
		}
	}
	for _, u := range x.t.Users {
		if u.Location != l.ID {
			continue
		}
		for _, e := range x.t.reaching(u.ID) {
			x.clearOfEmergency("Address.Country", e, l)
		}
		if len(x.bad) > 0 {
			return
		}
	}
}

// DeleteLocation is the method of that name.
type DeleteLocation struct{ Location Handle }

func (o DeleteLocation) do(x *step) {
	l := x.t.location(o.Location)
	if l == nil {
		x.missing("")
		return
	}
	if first(x.t.Users, func(u *User) bool { return u.Location == l.ID }) != nil ||
		first(x.t.Services, func(s *Service) bool { return s.Location == l.ID }) != nil ||
		first(x.t.Devices, func(d *Device) bool { return d.Location == l.ID }) != nil {
		x.refuse(rule.ACC1, pbx.ErrFailedPrecondition, "")
		return
	}
	x.t.Locations = without(x.t.Locations, func(other *Location) bool { return other.ID == l.ID })
	x.did("location.deleted", l.ref(), "")
}
