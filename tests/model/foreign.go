package model

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

var (
	systemForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,24}$`)
	linkForm   = regexp.MustCompile(`^https?://[a-z0-9.-]+(/[^ ]*)?$`)
)

// NewForeign is what a foreign service is recorded or asked for with.
type NewForeign struct {
	System, Name, Link                string
	Deletable, NeedsEmail, NeedsLogin bool
}

func (f *Foreign) ref() ref { return ref{"foreign service", f.ID, f.Name} }

// there reports whether its system provides it, or is going to.
func (f *Foreign) there() bool {
	return f.State == pbx.ForeignActive || f.State == pbx.ForeignRequested
}

// errand is how events name its system and, of several requests, which one.
func (f *Foreign) errand() string {
	if f.Requests > 1 {
		return fmt.Sprint(f.System, "#", f.Requests)
	}
	return f.System
}

// foreignOf are the foreign services of a line, by system and name.
func (t *Tenant) foreignOf(service Handle) []*Foreign {
	list := all(t.Foreign, func(f *Foreign) bool { return f.Service == service && service != "" })
	slices.SortStableFunc(list, func(a, b *Foreign) int { return strings.Compare(a.System+"\x00"+a.Name, b.System+"\x00"+b.Name) })
	return list
}

func (x *step) foreign(id Handle) *Foreign {
	f := first(x.t.Foreign, func(f *Foreign) bool { return f.ID == id })
	if f == nil {
		x.missing("")
	}
	return f
}

// foreignFields checks the fields of a foreign service (SVC-13); one that its
// system provides has a link.
func (x *step) foreignFields(f NewForeign, prefix string, there bool) {
	x.form(rule.SVC13, prefix+"System", f.System, systemForm)
	x.required(rule.SVC13, prefix+"Name", f.Name, 64)
	if there || f.Link != "" {
		x.form(rule.SVC13, prefix+"Link", f.Link, linkForm)
	}
}

// unmet refuses each user without an email address, if one is needed (USR-14).
func (x *step) unmet(needed bool, users ...*User) {
	for _, u := range users {
		if needed && u.Email == "" {
			x.refuse(rule.USR14, pbx.ErrFailedPrecondition, "Email")
		}
	}
}

// requests checks the foreign services that a new line is to come with.
func (x *step) requests(o AddService) {
	for i, f := range o.Foreign {
		x.foreignFields(f, fmt.Sprintf("Foreign[%d].", i), false)
		if slices.ContainsFunc(o.Foreign[:i], func(other NewForeign) bool { return other.System == f.System && other.Name == f.Name }) {
			x.invalid(rule.SVC13, fmt.Sprintf("Foreign[%d].Name", i))
		}
	}
}

// addForeign adds one; which says which one of the same call it is.
func (x *step) addForeign(in NewForeign, s *Service, state pbx.ForeignState, which string) {
	f := &Foreign{ID: x.handle("f") + Handle(which), Service: s.ID, System: in.System, Name: in.Name, Link: in.Link, Deletable: in.Deletable,
		NeedsEmail: in.NeedsEmail, NeedsLogin: in.NeedsLogin, State: state, At: x.Now}
	verb := "foreign.attached"
	if state == pbx.ForeignRequested {
		f.Requests, verb = 1, "foreign.requested"
	}
	x.t.Foreign = after(x.t.Foreign, f, func(f *Foreign) Handle { return f.ID })
	x.relate(verb, f.ref(), s.ref(), f.errand())
}

// AttachForeign is the method of that name.
type AttachForeign struct {
	Service Handle
	NewForeign
}

func (o AttachForeign) do(x *step) { x.joinForeign(o.Service, o.NewForeign, pbx.ForeignActive) }

// RequestForeign is the method of that name.
type RequestForeign struct {
	Service Handle
	NewForeign
}

func (o RequestForeign) do(x *step) { x.joinForeign(o.Service, o.NewForeign, pbx.ForeignRequested) }

func (x *step) joinForeign(service Handle, in NewForeign, state pbx.ForeignState) {
	s := x.service(service)
	if s == nil || !x.editable(s) {
		return
	}
	x.foreignFields(in, "", state == pbx.ForeignActive)
	for _, f := range x.t.foreignOf(s.ID) {
		if f.System == in.System && f.Name == in.Name {
			x.refuse(rule.SVC13, pbx.ErrConflict, "Name")
		}
	}
	x.unmet(in.NeedsEmail, x.t.usersOf(s.ID)...)
	x.addForeign(in, s, state, "")
}

// SettleForeign is the method of that name.
type SettleForeign struct {
	Foreign       Handle
	State         pbx.ForeignState
	Outcome, Link string
	Request       int64
}

func (o SettleForeign) do(x *step) {
	f := x.foreign(o.Foreign)
	if f == nil {
		return
	}
	from, known := map[pbx.ForeignState][]pbx.ForeignState{
		pbx.ForeignActive: {pbx.ForeignRequested},
		pbx.ForeignFailed: {pbx.ForeignRequested, pbx.ForeignDeleting},
		pbx.ForeignGone:   {pbx.ForeignActive, pbx.ForeignFailed, pbx.ForeignDeleting, pbx.ForeignLeft},
	}[o.State]
	if !known {
		x.invalid(rule.SVC18, "State")
	}
	x.text(rule.SVC18, "Outcome", o.Outcome, 256)
	if o.Link != "" {
		x.form(rule.SVC13, "Link", o.Link, linkForm)
	}
	switch {
	case len(x.bad) > 0:
	case o.Request != 0 && o.Request != f.Requests:
		x.refuse(rule.SVC18, pbx.ErrFailedPrecondition, "Request")
	case !slices.Contains(from, f.State):
		x.refuse(rule.SVC18, pbx.ErrFailedPrecondition, "")
	}
	if len(x.bad) > 0 {
		return
	}
	x.did("foreign."+string(o.State), f.ref(), f.errand())
	if o.State == pbx.ForeignGone {
		x.forget(f)
		return
	}
	f.State, f.Outcome, f.At = o.State, o.Outcome, x.Now
	if o.State == pbx.ForeignActive && o.Link != "" {
		f.Link = o.Link
	}
}

func (x *step) forget(f *Foreign) {
	x.t.Foreign = without(x.t.Foreign, func(other *Foreign) bool { return other == f })
}

// RetryForeign is the method of that name.
type RetryForeign struct{ Foreign Handle }

func (o RetryForeign) do(x *step) {
	f := x.foreign(o.Foreign)
	switch {
	case f == nil:
	case f.State != pbx.ForeignFailed:
		x.refuse(rule.SVC18, pbx.ErrFailedPrecondition, "")
	case f.Service == "":
		x.ask(f, pbx.ForeignDeleting, "foreign.delete-requested", ref{})
	default:
		x.unmet(f.NeedsEmail, x.t.usersOf(f.Service)...)
		x.ask(f, pbx.ForeignRequested, "foreign.requested", x.t.service(f.Service).ref())
	}
}

// ask asks a foreign service's system once more.
func (x *step) ask(f *Foreign, state pbx.ForeignState, verb string, line ref) {
	f.State, f.Outcome, f.At, f.Requests = state, "", x.Now, f.Requests+1
	x.relate(verb, f.ref(), line, f.errand())
}

// DetachForeign is the method of that name.
type DetachForeign struct{ Foreign Handle }

func (o DetachForeign) do(x *step) {
	f := x.foreign(o.Foreign)
	switch {
	case f == nil:
	case f.State != pbx.ForeignLeft && f.State != pbx.ForeignFailed:
		x.refuse(rule.SVC13, pbx.ErrFailedPrecondition, "")
	default:
		x.forget(f)
		x.did("foreign.detached", f.ref(), f.errand())
	}
}

// clearOutcomes forgets what the systems of a line's foreign services said: it may
// name a person who has left.
func (x *step) clearOutcomes(s *Service) {
	for _, f := range x.t.foreignOf(s.ID) {
		if f.Outcome != "" {
			f.Outcome = ""
			x.relate("foreign.outcome-cleared", f.ref(), s.ref(), "")
		}
	}
}

// confirmForeign asks to confirm what happens to a line's foreign services
// (SVC-10).
func (x *step) confirmForeign(s *Service, has []*Foreign) {
	var about []string
	for _, f := range has {
		if f.there() {
			about = append(about, fmt.Sprint(f.Deletable, f.Name, f.System, f.Link))
		}
	}
	if len(about) > 0 {
		x.confirm(rule.SVC10, s.ref(), about...)
	}
}

// orphanForeign is what happens to a line's foreign services when the line is
// deleted (SVC-10).
func (x *step) orphanForeign(s *Service) {
	for _, f := range x.t.foreignOf(s.ID) {
		f.Service, f.FormerDN = "", s.DN
		switch {
		case f.State == pbx.ForeignFailed:
			x.forget(f)
			x.relate("foreign.detached", f.ref(), s.ref(), f.errand())
		case f.Deletable:
			x.ask(f, pbx.ForeignDeleting, "foreign.delete-requested", s.ref())
		default:
			f.State, f.Outcome, f.At = pbx.ForeignLeft, "", x.Now
			x.relate("foreign.left", f.ref(), s.ref(), f.errand())
		}
	}
}
