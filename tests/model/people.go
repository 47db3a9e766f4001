package model

import (
	"strings"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// enabled are those of the users who are not disabled.
func enabled(users []*User) []*User {
	return all(users, func(u *User) bool { return u.State != pbx.UserDisabled })
}

// others are the users of a service except one.
func (t *Tenant) others(s *Service, but *User) []*User {
	return all(t.usersOf(s.ID), func(u *User) bool { return u.ID != but.ID })
}

// stopped reports whether all of some users are disabled.
func stopped(users []*User) bool { return len(users) > 0 && len(enabled(users)) == 0 }

// servedBy says that a service stops or goes on as it passes from some users to
// others.
func (x *step) servedBy(s *Service, before, after []*User) {
	switch was, is := stopped(before), stopped(after); {
	case !s.billed() || was == is:
	case is:
		x.did("service.stopped", s.ref(), "")
	default:
		x.did("service.resumed", s.ref(), "")
	}
}

// serving refuses a service whose users are all disabled (USR-13).
func (x *step) serving(s *Service) bool {
	if stopped(x.t.usersOf(s.ID)) {
		x.refuse(rule.USR13, pbx.ErrFailedPrecondition, "")
		return false
	}
	return true
}

// DisableUser is the method of that name.
type DisableUser struct{ User Handle }

func (o DisableUser) do(x *step) {
	u := x.user(o.User)
	if u == nil {
		return
	}
	if u.State == pbx.UserDisabled {
		x.refuse(rule.USR13, pbx.ErrFailedPrecondition, "")
		return
	}
	u.State = pbx.UserDisabled
	x.did("user.disabled", u.ref(), "")
	x.endCredentials(u.ref(), &u.IssuedAt)
	for _, a := range x.t.aliasesOf(u) {
		x.endCredentials(a.ref(), &a.IssuedAt)
	}
	for _, s := range x.t.servicesOf(u.ID) {
		switch going := enabled(x.t.others(s, u)); {
		case !s.billed():
		case len(going) == 0:
			x.did("service.stopped", s.ref(), "")
		default:
			x.warn(rule.USR13, s.ref(), names(going))
		}
	}
}

// EnableUser is the method of that name.
type EnableUser struct{ User Handle }

func (o EnableUser) do(x *step) {
	u := x.user(o.User)
	if u == nil {
		return
	}
	if u.State != pbx.UserDisabled {
		x.refuse(rule.USR13, pbx.ErrFailedPrecondition, "")
		return
	}
	if u.State = pbx.UserActive; u.ActivatedAt.IsZero() {
		u.State = pbx.UserPending
	}
	x.did("user.enabled", u.ref(), "")
	for _, s := range x.t.servicesOf(u.ID) {
		if s.billed() && len(enabled(x.t.others(s, u))) == 0 {
			x.did("service.resumed", s.ref(), "")
		}
	}
}

// HandOver is the method of that name; Stale, of a user as they were.
type HandOver struct {
	User                              Handle
	FirstName, LastName, Email, Login string
	Mobile                            pbx.E164
	SIPAddress                        pbx.SIPAddress
	NoMail, Stale                     bool
}

func (o HandOver) do(x *step) {
	u := x.user(o.User)
	if u == nil {
		return
	}
	if o.Stale {
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	was := *u
	u.FirstName, u.LastName, u.Email, u.Login, u.Mobile = o.FirstName, o.LastName, o.Email, o.Login, o.Mobile
	if o.Login == "" {
		if u.Login = o.Email; !emailForm.MatchString(o.Email) {
			u.Login = was.Login
		}
	}
	x.form(rule.USR1, "Email", u.Email, emailForm)
	x.login(u.Login)
	x.userFields(u)
	if !strings.EqualFold(u.Login, was.Login) && x.loginTaken(u.Login, u.ID) {
		x.refuse(rule.USR3, pbx.ErrConflict, "Login")
	}
	u.SIPAddress = "" // the new person may get the same
	main := x.t.mainExtension(u.ID)
	u.SIPAddress = x.address(o.SIPAddress, u.Login, main, u.ID)
	x.endCredentials(was.ref(), &u.IssuedAt)
	x.did("user.handed-over", u.ref(), "")
	x.leftBehind(&was, u)
	switch {
	case o.NoMail:
	case u.State == pbx.UserDisabled:
		x.warn(rule.USR12, u.ref())
	default:
		x.did("user.welcome-mail", u.ref(), "")
	}
}

// leftBehind ends all access of the old person, and warns of what may name
// them.
func (x *step) leftBehind(was, u *User) {
	for _, a := range x.t.aliasesOf(u) {
		x.endCredentials(a.ref(), &a.IssuedAt)
		x.warn(rule.USR15, a.ref(), string(a.SIPAddress))
	}
	for _, s := range x.t.servicesOf(u.ID) {
		x.warnOfNames(rule.USR15, s)
		if m := x.t.mailbox(s.ID); m != nil {
			x.handOverMailbox(m, was, u, x.t.others(s, u))
		}
		x.clearOutcomes(s)
		x.warnOfOwners(rule.USR15, s, was)
	}
}

// warnOfNames warns of what may name a person on a line that stays.
func (x *step) warnOfNames(code rule.Code, s *Service) {
	if s.Name != "" {
		x.warn(code, s.ref(), "name")
	}
	if len(x.t.keysOf(s.ID)) > 0 {
		x.warn(code, s.ref(), "keys")
	}
}

// warnOfOwners warns of owners of a line who may be a person.
func (x *step) warnOfOwners(code rule.Code, s *Service, was *User) {
	for _, o := range x.t.Owners {
		if o.Service == s.ID && was.goesBy(string(o.Principal)) {
			x.warn(code, s.ref(), string(o.Principal))
		}
	}
}

func (x *step) handOverMailbox(m *Mailbox, was, u *User, others []*User) {
	if m.Email != "" && !m.announcesTo(was) && !strings.EqualFold(m.Email, u.Email) {
		x.warn(rule.USR15, m.ref(), m.Email)
	}
	x.takeMailbox(m, was, u.Email, others, rule.USR15)
}

// announcesTo reports whether a mailbox announces its messages to a user.
func (m *Mailbox) announcesTo(u *User) bool {
	return m.Email != "" && (strings.EqualFold(m.Email, u.Email) || strings.EqualFold(m.Email, u.Login))
}

// takeMailbox takes a mailbox from a person who leaves it: to is whom it announces
// to instead of them.
func (x *step) takeMailbox(m *Mailbox, was *User, to string, others []*User, code rule.Code) {
	if m.announcesTo(was) {
		m.Email = to
		x.did("mailbox.modified", m.ref(), m.Number)
	}
	switch {
	case m.PIN == "":
	case len(others) == 0:
		m.PIN, m.Tries, m.LockedUntil = "", 0, noTime
		x.did("mailbox.pin-cleared", m.ref(), "")
	default:
		x.warn(code, m.ref(), names(others))
	}
}

// goesBy reports whether a principal may be a user: their user ID or their
// email address, or what comes before the @.
func (u *User) goesBy(principal string) bool {
	for _, address := range []string{u.Login, u.Email} {
		local, _, _ := strings.Cut(address, "@")
		if strings.EqualFold(principal, address) || strings.EqualFold(principal, local) {
			return true
		}
	}
	return false
}

func (t *Tenant) aliasesOf(u *User) []*Alias {
	return all(t.Aliases, func(a *Alias) bool { return a.User == u.ID })
}

// mainExtension is the DN of a user's primary service, or else the main one of
// the extensions that point at them (EXT-1).
func (t *Tenant) mainExtension(user Handle) pbx.Extension {
	if s := t.primary(user); s != nil {
		return s.DN
	}
	if e := t.main(user); e != nil {
		return e.Digits
	}
	return ""
}

// endCredentials ends the credentials of a SIP address, if it has any.
func (x *step) endCredentials(holder ref, issued *time.Time) {
	if !issued.IsZero() {
		*issued = noTime
		x.did(holder.kind+".credentials-ended", holder, "")
	}
}

// IssueCredentials is the method of that name: for the address of a user or of
// an alias, or for one that is named.
type IssueCredentials struct {
	User, Alias Handle
	Address     pbx.SIPAddress
}

func (o IssueCredentials) do(x *step) {
	address := pbx.SIPAddress(strings.ToLower(string(o.Address)))
	if u := x.t.user(o.User); u != nil {
		address = u.SIPAddress
	}
	if a := x.t.alias(o.Alias); a != nil {
		address = a.SIPAddress
	}
	u := first(x.t.Users, func(u *User) bool { return u.SIPAddress == address })
	a := first(x.t.Aliases, func(a *Alias) bool { return a.SIPAddress == address })
	if u == nil && a == nil {
		x.missing("")
		return
	}
	holder, issued := ref{}, (*time.Time)(nil)
	if u != nil {
		holder, issued = u.ref(), &u.IssuedAt
	} else {
		holder, issued, u = a.ref(), &a.IssuedAt, x.t.user(a.User)
	}
	if u.State != pbx.UserActive {
		x.refuse(rule.USR13, pbx.ErrFailedPrecondition, "")
		return
	}
	*issued = x.Now
	x.did(holder.kind+".credentials-issued", holder, "")
}
