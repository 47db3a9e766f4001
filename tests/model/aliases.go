package model

import (
	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

func (a *Alias) ref() ref { return ref{"alias", a.ID, a.Name} }

func (t *Tenant) alias(id Handle) *Alias {
	return first(t.Aliases, func(a *Alias) bool { return a.ID == id })
}

// AddAlias is the method of that name.
type AddAlias struct {
	User       Handle
	Name       string
	SIPAddress pbx.SIPAddress
	Extension  pbx.Extension
}

func (o AddAlias) do(x *step) {
	u := x.user(o.User)
	if u == nil {
		return
	}
	a := &Alias{ID: x.handle("a"), User: u.ID, Name: o.Name}
	x.required(rule.EXT7, "Name", o.Name, 64)
	if o.Extension != "" {
		x.takeExtension("Extension", o.Extension, x.t.location(u.Location))
	}
	a.SIPAddress = x.address(o.SIPAddress, o.Name, o.Extension, a.ID)
	if len(x.bad) > 0 {
		return
	}
	x.t.Aliases = after(x.t.Aliases, a, func(a *Alias) Handle { return a.ID })
	x.relate("alias.added", a.ref(), u.ref(), "")
	if o.Extension != "" {
		x.t.Entries = append(x.t.Entries, &Entry{Digits: o.Extension, Alias: a.ID})
		x.did("extension.added", a.ref(), string(o.Extension))
	}
}

// ModifyAlias is the method of that name.
type ModifyAlias struct {
	Alias Handle
	Set   Set
	Stale bool
}

func (o ModifyAlias) do(x *step) {
	was := x.t.alias(o.Alias)
	switch {
	case was == nil:
		x.missing("")
		return
	case o.Stale:
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	a := *was
	o.Set.each(func(field, value string) {
		switch field {
		case "Name":
			a.Name = value
		case "SIPAddress":
			a.SIPAddress = pbx.SIPAddress(value)
		case "UserID":
			a.User = Handle(value)
		}
	})
	x.kept(rule.EXT7, o.Set, "TenantID")
	x.required(rule.EXT7, "Name", a.Name, 64)
	if a.User != was.User {
		x.invalid(rule.EXT7, "UserID")
	}
	a.SIPAddress = x.changedAddress(a.SIPAddress, was.SIPAddress)
	if a.SIPAddress != was.SIPAddress {
		x.endCredentials(was.ref(), &a.IssuedAt)
	}
	*was = a
	x.did("alias.modified", a.ref(), "")
}

// DeleteAlias is the method of that name.
type DeleteAlias struct{ Alias Handle }

func (o DeleteAlias) do(x *step) {
	a := x.t.alias(o.Alias)
	if a == nil {
		x.missing("")
		return
	}
	x.dropAlias(a)
}

// dropAlias deletes an alias, with everything that is its own (EXT-7).
func (x *step) dropAlias(a *Alias) {
	x.leaveGroups(a.ID)
	x.leaveLines(a.ID)
	for _, e := range all(x.t.Entries, func(e *Entry) bool { return e.Alias == a.ID }) {
		x.did("extension.removed", a.ref(), string(e.Digits))
	}
	x.t.Entries = without(x.t.Entries, func(e *Entry) bool { return e.Alias == a.ID })
	x.endCredentials(a.ref(), &a.IssuedAt)
	x.t.Aliases = without(x.t.Aliases, func(other *Alias) bool { return other.ID == a.ID })
	x.relate("alias.deleted", a.ref(), ref{"user", a.User, ""}, "")
}
