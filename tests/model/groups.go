package model

import (
	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

func (g *Group) ref() ref { return ref{string(g.Kind), g.ID, g.Name} }

func (t *Tenant) group(id Handle) *Group {
	return first(t.Groups, func(g *Group) bool { return g.ID == id })
}

func (x *step) group(id Handle) *Group {
	g := x.t.group(id)
	if g == nil {
		x.missing("")
	}
	return g
}

// CreateGroup is the method of that name.
type CreateGroup struct {
	Kind      pbx.GroupKind
	Name      string
	Extension pbx.Extension
}

func (o CreateGroup) do(x *step) {
	g := &Group{ID: x.handle("g"), Kind: o.Kind, Name: o.Name}
	if g.Kind == "" {
		g.Kind = pbx.HuntGroup
	}
	x.required(rule.EXT8, "Name", o.Name, 64)
	if g.Kind != pbx.HuntGroup && g.Kind != pbx.ACDQueue {
		x.invalid(rule.EXT8, "Kind")
	}
	if o.Extension != "" {
		x.takeExtension("Extension", o.Extension)
	}
	if len(x.bad) > 0 {
		return
	}
	if first(x.t.Groups, func(other *Group) bool { return fold(other.Name) == fold(g.Name) }) != nil {
		x.refuse(rule.EXT8, pbx.ErrConflict, "Name")
		return
	}
	x.t.Groups = after(x.t.Groups, g, func(g *Group) Handle { return g.ID })
	x.did("group.created", g.ref(), "")
	if o.Extension != "" {
		x.t.Entries = append(x.t.Entries, &Entry{Digits: o.Extension, Group: g.ID})
		x.did("extension.added", g.ref(), string(o.Extension))
	}
}

// DeleteGroup is the method of that name.
type DeleteGroup struct{ Group Handle }

func (o DeleteGroup) do(x *step) {
	g := x.group(o.Group)
	if g == nil {
		return
	}
	x.t.Members = without(x.t.Members, func(m *Member) bool { return m.Group == g.ID })
	for _, e := range all(x.t.Entries, func(e *Entry) bool { return e.Group == g.ID }) {
		x.did("extension.removed", g.ref(), string(e.Digits))
	}
	x.t.Entries = without(x.t.Entries, func(e *Entry) bool { return e.Group == g.ID })
	x.t.Groups = without(x.t.Groups, func(other *Group) bool { return other.ID == g.ID })
	x.did("group.deleted", g.ref(), "")
}

// AddMember is the method of that name: of a user, or else of an alias.
type AddMember struct{ Group, User, Alias Handle }

func (o AddMember) do(x *step) {
	g := x.group(o.Group)
	if g == nil {
		return
	}
	if o.Alias == "" && x.t.user(o.User) == nil || o.Alias != "" && x.t.alias(o.Alias) == nil {
		x.missing("")
		return
	}
	m := memberOf(o.Group, o.User, o.Alias)
	if x.t.member(m) != nil {
		x.refuse(rule.EXT8, pbx.ErrConflict, "Member")
		return
	}
	x.t.Members = append(x.t.Members, &m)
	x.did("group.member-added", g.ref(), m.who())
}

// RemoveMember is the method of that name.
type RemoveMember struct{ Group, User, Alias Handle }

func (o RemoveMember) do(x *step) {
	g := x.group(o.Group)
	if g == nil {
		return
	}
	m := memberOf(o.Group, o.User, o.Alias)
	is := x.t.member(m)
	if is == nil {
		x.refuse(rule.EXT8, pbx.ErrNotFound, "Member")
		return
	}
	x.t.Members = without(x.t.Members, func(other *Member) bool { return other == is })
	x.did("group.member-removed", g.ref(), m.who())
}

func memberOf(group, user, alias Handle) Member {
	if alias != "" {
		user = ""
	}
	return Member{Group: group, User: user, Alias: alias}
}

func (t *Tenant) member(m Member) *Member {
	return first(t.Members, func(other *Member) bool { return *other == m })
}

func (m Member) who() string {
	if m.Alias != "" {
		return "alias " + string(m.Alias)
	}
	return "user " + string(m.User)
}

// leaveGroups takes a user or an alias out of all groups.
func (x *step) leaveGroups(id Handle) {
	is := func(m *Member) bool { return m.User == id || m.Alias == id }
	for _, m := range all(x.t.Members, is) {
		x.did("group.member-removed", x.t.group(m.Group).ref(), m.who())
	}
	x.t.Members = without(x.t.Members, is)
}
