package model

import (
	"slices"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// ChangeLine is the method of that name.
type ChangeLine struct {
	Number      string // national
	Add, Remove []pbx.Principal
	Building    string
	Stale       bool

	moves bool // "" is no building to stay at
}

// Nobody is a principal that the sign-in does not know.
const Nobody pbx.Principal = "nobody"

func (o ChangeLine) do(x *step) {
	s := x.lineAt(o.Number)
	if s == nil {
		return
	}
	if o.Stale {
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	x.principals(s, o)
	to := x.building(s, o)
	if len(x.bad) > 0 {
		return
	}
	x.changeOwners(s, o)
	if to != nil {
		s.Location = to.ID
		x.did("service.relocated", s.ref(), to.Building)
		x.warnOfE911(s)
	}
}

// lineAt is the service with a national number, for somebody who may open it
// (OWN-1, OWN-2).
func (x *step) lineAt(national string) *Service {
	c := countries[x.t.Country]
	if !digitForm.MatchString(national) || !slices.Contains(c.lengths, len(national)) || national[0] == '0' ||
		c.calling == "1" && national[0] == '1' {
		x.invalid(rule.OWN1, "Number")
		return nil
	}
	s := first(x.t.Services, func(s *Service) bool { return string(s.Number) == "+"+c.calling+national })
	switch {
	case x.actor.Role == pbx.RoleOwner && (s == nil || x.t.owner(s.ID, x.actor.Name) == nil):
		x.refuse(rule.OWN2, pbx.ErrNotFound, "")
		return nil
	case s == nil:
		x.missing("")
	}
	return s
}

func (t *Tenant) owner(service Handle, p pbx.Principal) *Owner {
	return first(t.Owners, func(o *Owner) bool { return o.Service == service && o.Principal == p })
}

// principals checks who is to be added as an owner, and who removed (OWN-3).
func (x *step) principals(s *Service, o ChangeLine) {
	for i, p := range o.Add {
		if !principalForm(p) {
			x.invalid(rule.OWN3, "AddOwners")
			continue
		}
		if p == Nobody {
			x.invalid(rule.OWN3, "AddOwners")
		}
		switch {
		case slices.Contains(o.Add[:i], p):
			x.invalid(rule.OWN3, "AddOwners")
		case x.t.owner(s.ID, p) != nil:
			x.refuse(rule.OWN3, pbx.ErrConflict, "AddOwners")
		}
	}
	for i, p := range o.Remove {
		switch {
		case !principalForm(p), slices.Contains(o.Remove[:i], p):
			x.invalid(rule.OWN3, "RemoveOwners")
		case x.t.owner(s.ID, p) == nil:
			x.refuse(rule.OWN3, pbx.ErrNotFound, "RemoveOwners")
		}
	}
}

func principalForm(p pbx.Principal) bool {
	return nameForm.MatchString(string(p)) || emailForm.MatchString(string(p))
}

// building is where a line moves to; nil if it stays (OWN-7, OWN-8).
func (x *step) building(s *Service, o ChangeLine) *Location {
	code := o.Building
	if code == "" && !o.moves || !x.form(rule.OWN7, "Building", code, codeForm) {
		return nil
	}
	to := first(x.t.Locations, func(l *Location) bool { return l.Building == code })
	switch {
	case to == nil:
		x.refuse(rule.OWN7, pbx.ErrNotFound, "Building")
	case to.ID == s.Location:
	case x.relocatable(s) && x.clearOfEmergency("Building", s.DN, to):
		return to
	}
	return nil
}

// warnOfE911 warns of users who have e911 elsewhere than where a line has moved
// (USR-6).
func (x *step) warnOfE911(s *Service) {
	for _, u := range x.t.usersOf(s.ID) {
		if u.E911 && u.Location != s.Location {
			x.warn(rule.USR6, u.ref(), s.ref().name)
		}
	}
}

func (x *step) changeOwners(s *Service, o ChangeLine) {
	owner := func(p pbx.Principal) ref { return ref{"owner", s.ID, string(p) + s.ref().name} }
	for _, p := range o.Remove {
		x.t.Owners = without(x.t.Owners, func(o *Owner) bool { return o.Service == s.ID && o.Principal == p })
		x.did("owner.removed", owner(p), "")
		if p == x.actor.Name {
			x.warn(rule.OWN4, s.ref(), "you")
		}
	}
	for _, p := range o.Add {
		x.t.Owners = append(x.t.Owners, &Owner{s.ID, p, x.Now})
		x.did("owner.added", owner(p), "")
	}
	if len(o.Remove) > 0 && first(x.t.Owners, func(o *Owner) bool { return o.Service == s.ID }) == nil {
		x.warn(rule.OWN4, s.ref(), "nobody")
	}
}

// AddOwner is the method of that name.
type AddOwner struct {
	Number    string
	Principal pbx.Principal
}

func (o AddOwner) do(x *step) { ChangeLine{Number: o.Number, Add: []pbx.Principal{o.Principal}}.do(x) }

// RemoveOwner is the method of that name.
type RemoveOwner struct {
	Number    string
	Principal pbx.Principal
}

func (o RemoveOwner) do(x *step) {
	ChangeLine{Number: o.Number, Remove: []pbx.Principal{o.Principal}}.do(x)
}

// SetLineLocation is the method of that name.
type SetLineLocation struct{ Number, Building string }

func (o SetLineLocation) do(x *step) {
	ChangeLine{Number: o.Number, Building: o.Building, moves: true}.do(x)
}
