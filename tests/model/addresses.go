package model

import (
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// addressTaken reports whether anybody has a SIP address (EXT-6).
func (s *State) addressTaken(a pbx.SIPAddress) bool {
	for _, t := range s.Tenants {
		if first(t.Users, func(u *User) bool { return u.SIPAddress == a }) != nil ||
			first(t.Aliases, func(other *Alias) bool { return other.SIPAddress == a }) != nil {
			return true
		}
	}
	return false
}

// addressForm is a SIP address in its one form, if it can be one of the
// tenant's.
func (x *step) addressForm(wanted pbx.SIPAddress) (pbx.SIPAddress, bool) {
	local, domain, _ := strings.Cut(strings.ToLower(string(wanted)), "@")
	if !sipForm.MatchString(local) || domain != x.t.SIPDomain {
		x.invalid(rule.EXT6, "SIPAddress")
		return "", false
	}
	return pbx.SIPAddress(local + "@" + domain), true
}

// address is the SIP address of somebody new: the wanted one, or one that is
// generated.
func (x *step) address(wanted pbx.SIPAddress, from string, e pbx.Extension, id Handle) pbx.SIPAddress {
	if wanted == "" {
		return x.generated(from, e, id)
	}
	a, ok := x.addressForm(wanted)
	if ok && x.addressTaken(a) {
		x.refuse(rule.EXT6, pbx.ErrConflict, "SIPAddress")
	}
	return a
}

// changedAddress is the SIP address of somebody who had another.
func (x *step) changedAddress(wanted, was pbx.SIPAddress) pbx.SIPAddress {
	a, ok := x.addressForm(wanted)
	if ok && a != was && x.addressTaken(a) {
		x.refuse(rule.EXT6, pbx.ErrConflict, "SIPAddress")
	}
	return a
}

// defaultAddress is the address of a user who cleared theirs: a generated one,
// which may be the same as before; or the same as before, if the generated ones
// are taken.
func (x *step) defaultAddress(u *User, was pbx.SIPAddress) pbx.SIPAddress {
	row := x.t.user(u.ID)
	row.SIPAddress = ""
	a := x.generated(u.Login, x.t.mainExtension(u.ID), u.ID)
	row.SIPAddress = was
	if strings.Contains(string(a), "?") {
		return was
	}
	return a
}

// generated is an address made of a user ID or a name; if that is taken,
// followed by the extension, or else by an end that cannot be predicted, for
// which the handle stands.
func (x *step) generated(from string, e pbx.Extension, id Handle) pbx.SIPAddress {
	local, _, _ := strings.Cut(from, "@")
	local = strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '.'
		case !sipForm.MatchString(string(r)):
			return -1
		}
		return r
	}, fold(local))
	if local = strings.Trim(local, "."); local == "" {
		local = "user"
	}
	ends := []string{""}
	if e != "" {
		ends = append(ends, "-"+string(e))
	}
	for _, end := range ends {
		a := pbx.SIPAddress(local + end + "@" + x.t.SIPDomain)
		if !x.addressTaken(a) {
			return a
		}
	}
	return pbx.SIPAddress(local + "-?" + string(id) + "@" + x.t.SIPDomain)
}
