package model

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// ImportUsers is the method of that name, on a file with these rows (SYS-5).
type ImportUsers struct{ Rows []ImportRow }

// ImportRow is a row, of some of the columns that a file can have.
type ImportRow struct {
	FirstName, LastName, Email, Login string
	Extension                         pbx.Extension
	ServiceType, Building             string
	Line, WelcomeMail                 string // yes, no, or not said
}

// first refuses a file that is not text, before anything else is checked.
func (o ImportUsers) first(x *step) {
	for _, r := range o.Rows {
		if !utf8.ValidString(r.FirstName + r.LastName + r.Email + r.Login) {
			x.invalid(rule.SYS5, "")
			return
		}
	}
}

func (o ImportUsers) do(x *step) {
	var bad []Refusal
	wanted := map[Refusal][]string{} // by rows that were refused
	for i, r := range o.Rows {
		if r == (ImportRow{}) {
			continue
		}
		x.bad, x.which = nil, []string{"", "b", "c"}[i]
		r.do(x)
		for claim, value := range r.claims() {
			if value != "" && slices.Contains(wanted[claim], value) && !slices.ContainsFunc(x.bad, func(b Refusal) bool { return b.Code == claim.Code && b.Field == claim.Field }) {
				x.bad = append(x.bad, claim)
			}
		}
		if len(x.bad) > 0 {
			for claim, value := range r.claims() {
				wanted[claim] = append(wanted[claim], value)
			}
		}
		bad = append(bad, x.bad...)
	}
	x.bad = bad
}

// do makes what a row says: with the guided set-up if the row says more than
// the creation of a user accepts.
func (r ImportRow) do(x *step) {
	p := Person{FirstName: r.FirstName, LastName: r.LastName, Email: r.Email, Login: r.Login}
	at := first(x.t.Locations, func(l *Location) bool { return l.Building == r.Building })
	switch {
	case at != nil:
		p.Location = at.ID
	case r.Building != "":
		x.missing("LocationID")
	}
	p.NoMail = r.WelcomeMail == "no"
	said := r.Line == "yes" || r.Line == "no"
	addressless := said && p.NoMail && r.Email == "" && emailForm.MatchString(r.Login)
	if addressless {
		p.Email = r.Login
	}
	if !said && r.Line != "" || r.Line == "no" && r.ServiceType != "" {
		x.invalid(rule.SYS5, "Line")
	}
	switch {
	case r.Line != "no" && (r.ServiceType != "" || r.Line == "yes"):
		SetUpUser{Person: p, Extension: r.Extension, ServiceType: r.ServiceType}.do(x)
	default:
		CreateUser{Person: p, Extension: r.Extension}.create(x, r.Line != "no")
	}
	if addressless && len(x.bad) == 0 {
		x.t.user(x.handle("u")).Email = ""
	}
}

// claims are what a row takes for itself, by the refusal that another row gets
// for the same.
func (r ImportRow) claims() map[Refusal]string {
	login := r.Login
	if login == "" {
		login = r.Email
	}
	taken := pbx.ErrConflict.Error()
	return map[Refusal]string{
		{rule.USR3, taken, "Login"}: strings.ToLower(login), {rule.EXT2, taken, "Extension"}: string(r.Extension),
	}
}
