package model

import (
	"slices"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// Person has the fields of a new user.
type Person struct {
	FirstName, LastName, Email, Login string
	Mobile                            pbx.E164
	Department                        string
	Location                          Handle
	MusicOnHold                       string
	SIPAddress                        pbx.SIPAddress
	E911, ActivateLater, NoMail       bool
}

func (u *User) name() string { return strings.TrimSpace(u.FirstName + " " + u.LastName) }

func (u *User) ref() ref { return ref{"user", u.ID, u.name()} }

func (t *Tenant) user(id Handle) *User {
	return first(t.Users, func(u *User) bool { return u.ID == id })
}

// user is a user of the tenant; if there is none the operation is refused.
func (x *step) user(id Handle) *User {
	u := x.t.user(id)
	if u == nil {
		x.missing("")
	}
	return u
}

// newUser checks the fields of a new user (USR-1, USR-3, USR-5, USR-6).
func (x *step) newUser(p Person) *User {
	u := &User{ID: x.handle("u"), FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, Login: p.Login, State: pbx.UserActive,
		Mobile: p.Mobile, Department: p.Department, Location: p.Location, MusicOnHold: p.MusicOnHold, E911: p.E911,
		CreatedAt: x.Now, ActivatedAt: x.Now}
	if p.ActivateLater {
		u.State, u.ActivatedAt = pbx.UserPending, time.Time{}
	}
	if u.Login == "" {
		u.Login = u.Email
	}
	if u.Login != u.Email {
		x.login(u.Login)
	}
	x.form(rule.USR1, "Email", u.Email, emailForm)
	x.userFields(u)
	if x.loginTaken(u.Login, "") {
		x.refuse(rule.USR3, pbx.ErrConflict, "Login")
	}
	return u
}

// userFields checks the fields of a user, new or modified.
func (x *step) userFields(u *User) {
	if u.FirstName == "" && u.LastName == "" {
		x.invalid(rule.USR1, "Name")
	}
	x.text(rule.USR1, "FirstName", u.FirstName, 64)
	x.text(rule.USR1, "LastName", u.LastName, 64)
	if u.Mobile != "" && !e164(u.Mobile) {
		x.invalid(rule.USR5, "Mobile")
	}
	x.text(rule.USR5, "Department", u.Department, 64)
	x.text(rule.USR5, "MusicOnHold", u.MusicOnHold, 64)
	at := x.place("LocationID", u.Location)
	if u.E911 && (at == nil || !at.dispatchable()) {
		x.invalid(rule.USR6, "E911")
	}
}

func (x *step) login(login string) bool { return x.form(rule.USR3, "Login", login, emailForm) }

// loginTaken reports whether anybody in any tenant has a user ID, except one
// user (USR-3).
func (x *step) loginTaken(login string, but Handle) bool {
	if !emailForm.MatchString(login) {
		return false
	}
	for _, t := range x.Tenants {
		for _, u := range t.Users {
			if strings.EqualFold(u.Login, login) && u.ID != but {
				return true
			}
		}
	}
	return false
}

// welcome is what happens when a user is created.
func (x *step) welcome(u *User, p Person, e pbx.Extension) {
	x.t.Users = after(x.t.Users, u, func(u *User) Handle { return u.ID })
	x.did("user.created", u.ref(), string(e))
	if !p.NoMail {
		x.did("user.welcome-mail", u.ref(), "")
	}
}

// CreateUser is the method of that name.
type CreateUser struct {
	Person
	Extension pbx.Extension
}

func (o CreateUser) do(x *step) { o.create(x, true) }

// create makes the user, who may or may not need an extension.
func (o CreateUser) create(x *step, needs bool) {
	u := x.newUser(o.Person)
	switch {
	case o.Extension != "":
		x.takeExtension("Extension", o.Extension, x.t.location(u.Location))
	case needs:
		x.invalid(rule.USR1, "Extension")
	}
	u.SIPAddress = x.address(o.SIPAddress, u.Login, o.Extension, u.ID)
	if len(x.bad) > 0 {
		return
	}
	x.welcome(u, o.Person, o.Extension)
	if o.Extension != "" {
		x.t.Entries = append(x.t.Entries, &Entry{Digits: o.Extension, User: u.ID, MainOf: u.ID})
	}
}

// ModifyUser is the method of that name, on a user as they are; Stale, on one
// as they were.
type ModifyUser struct {
	User  Handle
	Set   Set
	Stale bool
}

func (o ModifyUser) do(x *step) {
	was := x.user(o.User)
	if was == nil {
		return
	}
	if o.Stale {
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	u := *was
	o.Set.each(func(field, value string) { setUser(&u, field, value) })
	x.kept(rule.USR7, o.Set, "TenantID", "CreatedAt", "ActivatedAt")
	if u.State != was.State {
		x.invalid(rule.USR7, "State")
	}
	if u.Station != was.Station {
		x.invalid(rule.USR7, "Station")
	}
	u.State, u.Station = was.State, was.Station
	x.cleared(&u, was)
	if u.Email != "" {
		x.form(rule.USR1, "Email", u.Email, emailForm)
	}
	x.login(u.Login)
	x.userFields(&u)
	if !strings.EqualFold(u.Login, was.Login) && x.loginTaken(u.Login, u.ID) {
		x.refuse(rule.USR3, pbx.ErrConflict, "Login")
	}
	if u.SIPAddress == "" {
		u.SIPAddress = x.defaultAddress(&u, was.SIPAddress)
	} else {
		u.SIPAddress = x.changedAddress(u.SIPAddress, was.SIPAddress)
	}
	if !slices.Equal(u.Applications, was.Applications) {
		x.codes(rule.STN2, "Applications", u.Applications)
		for _, a := range once(x.notIncluded(&u)) {
			if !slices.Contains(was.Applications, a) {
				x.invalid(rule.STN2, "Applications")
			}
		}
	}
	if at := x.t.location(u.Location); at != nil && u.Location != was.Location {
		for _, e := range x.t.reaching(u.ID) {
			x.clearOfEmergency("LocationID", e, at)
		}
	}
	if u.SIPAddress != was.SIPAddress {
		x.endCredentials(was.ref(), &u.IssuedAt)
	}
	*was = u
	x.did("user.modified", u.ref(), "")
}

// cleared refuses to clear what a foreign service needs (USR-14); a user ID that
// is cleared becomes the email address.
func (x *step) cleared(u, was *User) {
	noEmail, noLogin := u.Email == "" && was.Email != "", u.Login == ""
	if noLogin {
		u.Login = u.Email
	}
	for _, s := range x.t.servicesOf(u.ID) {
		for _, f := range x.t.foreignOf(s.ID) {
			if f.there() && noEmail && f.NeedsEmail {
				x.refuse(rule.USR14, pbx.ErrFailedPrecondition, "Email")
			}
			if f.there() && noLogin && f.NeedsLogin {
				x.refuse(rule.USR14, pbx.ErrFailedPrecondition, "Login")
			}
		}
	}
}

func setUser(u *User, field, value string) {
	switch field {
	case "FirstName":
		u.FirstName = value
	case "LastName":
		u.LastName = value
	case "Email":
		u.Email = value
	case "Login":
		u.Login = value
	case "Mobile":
		u.Mobile = pbx.E164(value)
	case "Department":
		u.Department = value
	case "LocationID":
		u.Location = Handle(value)
	case "MusicOnHold":
		u.MusicOnHold = value
	case "SIPAddress":
		u.SIPAddress = pbx.SIPAddress(value)
	case "E911":
		u.E911 = value == "yes"
	case "Applications":
		u.Applications = list(value)
	case "State":
		u.State = pbx.UserState(value)
	case "Station":
		u.Station = value
	case "TenantID", "CreatedAt", "ActivatedAt": // see kept
	default:
		panic("model: no field " + field)
	}
}

// ActivateUser is the method of that name.
type ActivateUser struct{ User Handle }

func (o ActivateUser) do(x *step) {
	u := x.user(o.User)
	switch {
	case u == nil:
	case u.State != pbx.UserPending:
		x.refuse(rule.USR13, pbx.ErrFailedPrecondition, "")
	default:
		u.State, u.ActivatedAt = pbx.UserActive, x.Now
		x.did("user.activated", u.ref(), "")
		for _, s := range x.t.servicesOf(u.ID) {
			x.activateWith(u, s)
		}
	}
}

// SendWelcomeMail is the method of that name.
type SendWelcomeMail struct{ User Handle }

func (o SendWelcomeMail) do(x *step) {
	u := x.user(o.User)
	switch {
	case u == nil:
	case u.State == pbx.UserDisabled:
		x.refuse(rule.USR13, pbx.ErrFailedPrecondition, "")
	case u.Email == "":
		x.refuse(rule.USR12, pbx.ErrFailedPrecondition, "Email")
	default:
		x.did("user.welcome-mail", u.ref(), "")
	}
}

// DeleteUser is the method of that name.
type DeleteUser struct {
	User Handle
	Form pbx.Deletion
}

func (o DeleteUser) do(x *step) {
	if o.Form != pbx.UserOnly && o.Form != pbx.UserAndPhones {
		x.invalid(rule.USR10, "Deletion")
		return
	}
	u := x.user(o.User)
	if u == nil {
		return
	}
	services := x.t.servicesOf(u.ID)
	for _, s := range services {
		x.mayGo(u, s, o.Form)
	}
	x.confirm(rule.USR9, u.ref())
	if len(x.bad) > 0 {
		return
	}
	var saved []bill
	for _, s := range services {
		before := x.t.usersOf(s.ID)
		x.t.Associations = without(x.t.Associations, func(a *Association) bool { return a.User == u.ID && a.Service == s.ID })
		x.relate("service.disassociated", s.ref(), u.ref(), "")
		if o.Form == pbx.UserAndPhones {
			saved = append(saved, bill{s.Location, x.dropService(s)})
			continue
		}
		x.servedBy(s, before, x.t.usersOf(s.ID))
		x.warnOfNames(rule.USR9, s)
		if m := x.t.mailbox(s.ID); m != nil {
			x.takeMailbox(m, u, "", x.t.others(s, u), rule.USR9)
		}
		x.clearOutcomes(s)
		x.warnOfOwners(rule.USR9, s, u)
	}
	x.orderEach(u.ID, x.Now, saved...)
	x.dropUser(u)
}

// mayGo checks a service of a user who is to be deleted (USR-10, USR-11,
// SVC-8).
func (x *step) mayGo(u *User, s *Service, form pbx.Deletion) {
	if s.RemoteSystem != "" {
		x.refuse(rule.USR11, pbx.ErrFailedPrecondition, "")
		return
	}
	if form == pbx.UserOnly {
		return
	}
	var others []*User
	for _, other := range x.t.usersOf(s.ID) {
		if other.ID != u.ID {
			others = append(others, other)
		}
	}
	x.notPrimary(s, others)
	if len(others) > 0 {
		x.confirm(rule.USR10, s.ref(), names(others))
	}
	foreign := x.t.foreignOf(s.ID)
	for _, f := range foreign {
		if f.there() && !f.Deletable {
			x.refuse(rule.USR11, pbx.ErrFailedPrecondition, "")
		}
	}
	x.confirmForeign(s, foreign)
}

func names(users []*User) string {
	var list []string
	for _, u := range users {
		list = append(list, u.name())
	}
	return strings.Join(list, ", ")
}

// dropUser takes back what a user had, and deletes them (USR-11).
func (x *step) dropUser(u *User) {
	t := x.t
	x.returnStation(u)
	for _, d := range all(t.Devices, func(d *Device) bool { return d.User == u.ID }) {
		x.freeDevice(d)
	}
	own := all(t.Entries, func(e *Entry) bool { return e.User == u.ID })
	slices.SortFunc(own, func(a, b *Entry) int { return strings.Compare(string(a.Digits), string(b.Digits)) })
	t.Entries = without(t.Entries, func(e *Entry) bool { return e.User == u.ID })
	for _, e := range own {
		x.did("extension.removed", u.ref(), string(e.Digits))
	}
	for _, a := range all(t.Aliases, func(a *Alias) bool { return a.User == u.ID }) {
		x.dropAlias(a)
	}
	x.leaveGroups(u.ID)
	x.endCredentials(u.ref(), &u.IssuedAt)
	t.Users = without(t.Users, func(other *User) bool { return other.ID == u.ID })
	x.did("user.deleted", u.ref(), "")
}

// reaching are the extensions that reach a user: their own, their aliases' and
// their DNs.
func (t *Tenant) reaching(user Handle) []pbx.Extension {
	var list []pbx.Extension
	for _, e := range t.Entries {
		a := t.alias(e.Alias)
		if e.User == user || a != nil && a.User == user {
			list = append(list, e.Digits)
		}
	}
	for _, s := range t.servicesOf(user) {
		list = append(list, s.DN)
	}
	return list
}
