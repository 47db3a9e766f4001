package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

func extension(e pbx.Extension) ref { return ref{"extension", Handle(e), string(e)} }

// holder is what an extension reaches, and whether it reaches anything.
func (t *Tenant) holder(e pbx.Extension) (ref, bool) {
	for _, s := range t.Services {
		if s.DN == e {
			return s.ref(), true
		}
	}
	entry := t.entry(e)
	switch {
	case entry == nil:
		return ref{}, false
	case entry.User != "":
		return t.user(entry.User).ref(), true
	case entry.Alias != "":
		return t.alias(entry.Alias).ref(), true
	}
	return t.group(entry.Group).ref(), true
}

// entry is the line of the dial plan, except for DNs.
func (t *Tenant) entry(e pbx.Extension) *Entry {
	return first(t.Entries, func(entry *Entry) bool { return entry.Digits == e })
}

func (t *Tenant) main(user Handle) *Entry {
	return first(t.Entries, func(entry *Entry) bool { return entry.MainOf == user })
}

// possible reports whether an extension has the length that the policy wants
// (EXT-1).
func (t *Tenant) possible(e pbx.Extension) bool {
	n := int64(len(e))
	return digitForm.MatchString(string(e)) && n >= t.Policy.ExtensionMinLength && n <= t.Policy.ExtensionMaxLength
}

// touches reports whether an extension begins with an emergency number of the
// tenant's country or of a place's, or is the beginning of one (EXT-3).
func (t *Tenant) touches(e pbx.Extension, at ...*Location) bool {
	near := countries[t.Country].emergency
	for _, l := range at {
		if l != nil {
			near = append(near[:len(near):len(near)], countries[l.Country].emergency...)
		}
	}
	for _, n := range near {
		if strings.HasPrefix(string(e), n) || strings.HasPrefix(n, string(e)) {
			return true
		}
	}
	return false
}

func (x *step) clearOfEmergency(field string, e pbx.Extension, at ...*Location) bool {
	if x.t.touches(e, at...) {
		x.invalid(rule.EXT3, field)
		return false
	}
	return true
}

// takeExtension checks an extension against the rules, and refuses it if it
// breaks one.
func (x *step) takeExtension(field string, e pbx.Extension, at ...*Location) bool {
	if !x.t.possible(e) {
		x.invalid(rule.EXT1, field)
		return false
	}
	if !x.clearOfEmergency(field, e, at...) {
		return false
	}
	if _, taken := x.t.holder(e); taken {
		x.refuse(rule.EXT2, pbx.ErrConflict, field)
		return false
	}
	x.advise(e)
	return true
}

// takeDN accepts an extension as a DN if it passes the rules, or points at one
// of these users.
func (x *step) takeDN(field string, dn pbx.Extension, users []*User, at ...*Location) {
	e := x.t.entry(dn)
	if e == nil || e.User == "" || !slices.ContainsFunc(users, func(u *User) bool { return u.ID == e.User }) {
		x.takeExtension(field, dn, at...)
		return
	}
	switch {
	case !x.t.possible(dn):
		x.invalid(rule.EXT1, field)
	case x.clearOfEmergency(field, dn, at...):
		x.advise(dn)
	}
}

// ownDN is what is filled in for a user's first service: their main extension,
// if it can be a DN (EXT-5); else "".
func (x *step) ownDN(user Handle, at ...*Location) pbx.Extension {
	if user == "" || len(x.t.servicesOf(user)) > 0 {
		return ""
	}
	e := x.t.main(user)
	if e == nil || !x.t.possible(e.Digits) || x.t.touches(e.Digits, at...) {
		return ""
	}
	x.advise(e.Digits)
	return e.Digits
}

// passOn takes the DN of a service from the user that it points at, if there is
// one. Then the lowest of their other extensions is their main one.
func (x *step) passOn(s *Service) {
	e := x.t.entry(s.DN)
	if e == nil {
		return
	}
	u := x.t.user(e.User)
	x.t.Entries = without(x.t.Entries, func(other *Entry) bool { return other == e })
	x.relate("extension.passed-to-service", extension(e.Digits), u.ref(), "")
	own := all(x.t.Entries, func(other *Entry) bool { return other.User == u.ID })
	if e.MainOf == "" || len(own) == 0 {
		return
	}
	next := slices.MinFunc(own, func(a, b *Entry) int { return strings.Compare(string(a.Digits), string(b.Digits)) })
	next.MainOf = u.ID
	x.did("extension.made-main", u.ref(), string(next.Digits))
}

// advise warns of an extension that does not have the recommended form (EXT-4).
func (x *step) advise(e pbx.Extension) {
	form := x.t.Policy.AdvisedExtension
	fits := len(e) == len(form)
	for i := 0; fits && i < len(form); i++ {
		fits = form[i] == 'x' || form[i] == e[i]
	}
	if form != "" && !fits {
		x.warn(rule.EXT4, extension(e), form)
	}
}

// fillIn chooses the lowest free extension of the policy's range (EXT-5); "" is
// refused.
func (x *step) fillIn(field string, at ...*Location) pbx.Extension {
	from, _ := strconv.Atoi(string(x.t.Policy.ExtensionFirst))
	to, _ := strconv.Atoi(string(x.t.Policy.ExtensionLast))
	for n := from; n <= to; n++ {
		e := pbx.Extension(fmt.Sprintf("%0*d", len(x.t.Policy.ExtensionFirst), n))
		if _, taken := x.t.holder(e); !taken && x.t.possible(e) && !x.t.touches(e, at...) {
			x.advise(e)
			return e
		}
	}
	x.refuse(rule.EXT5, pbx.ErrExhausted, field)
	return ""
}

// AddExtension is the method of that name.
type AddExtension struct {
	User      Handle
	Extension pbx.Extension
}

func (o AddExtension) do(x *step) {
	u := x.user(o.User)
	if u == nil || !x.takeExtension("Extension", o.Extension, x.t.location(u.Location)) {
		return
	}
	e := &Entry{Digits: o.Extension, User: u.ID}
	if x.t.main(u.ID) == nil {
		e.MainOf = u.ID
	}
	x.t.Entries = append(x.t.Entries, e)
	x.did("extension.added", u.ref(), string(o.Extension))
}

// RemoveExtension is the method of that name.
type RemoveExtension struct{ Extension pbx.Extension }

func (o RemoveExtension) do(x *step) {
	holder, taken := x.t.holder(o.Extension)
	e := x.t.entry(o.Extension)
	switch {
	case !taken:
		x.missing("")
		return
	case e == nil: // a DN
		x.refuse(rule.EXT1, pbx.ErrFailedPrecondition, "")
		return
	case e.MainOf != "":
		own := all(x.t.Entries, func(other *Entry) bool { return other.User == e.User })
		if len(own) > 1 || len(x.t.servicesOf(e.User)) == 0 {
			x.refuse(rule.EXT1, pbx.ErrFailedPrecondition, "")
			return
		}
	}
	x.t.Entries = without(x.t.Entries, func(other *Entry) bool { return other == e })
	x.did("extension.removed", holder, string(o.Extension))
}

// SetMainExtension is the method of that name.
type SetMainExtension struct {
	User      Handle
	Extension pbx.Extension
}

func (o SetMainExtension) do(x *step) {
	u := x.user(o.User)
	if u == nil {
		return
	}
	e := x.t.entry(o.Extension)
	if e == nil || e.User != u.ID {
		x.missing("")
		return
	}
	if e.MainOf == u.ID {
		return
	}
	if main := x.t.main(u.ID); main != nil {
		main.MainOf = ""
	}
	e.MainOf = u.ID
	x.did("extension.made-main", u.ref(), string(o.Extension))
}
