package pbx

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// ForeignState is where a foreign service stands (SVC-10, SVC-18).
type ForeignState string

// The states of a foreign service.
const (
	ForeignRequested ForeignState = "requested" // its system is asked to make it
	ForeignActive    ForeignState = "active"    // its system provides it
	ForeignFailed    ForeignState = "failed"    // its system refused to make it, or to delete it
	ForeignDeleting  ForeignState = "deleting"  // its line is gone, and its system is asked to delete it
	ForeignLeft      ForeignState = "left"      // its line is gone, and only its own system can delete it
	ForeignGone      ForeignState = "gone"      // its system no longer has it; no record is kept
)

// The limits of a foreign service.
const (
	maxForeign = 32  // on one line
	maxSystem  = 24  // characters of a system's code, which names its subscriber too
	maxLink    = 512 // characters
	maxOutcome = 256
)

// ForeignService is something that another system provides on a line. This system
// knows its name, its system and a link to its page there, and cannot edit it
// (SVC-13). It is deleted with its line, or by its own system.
type ForeignService struct {
	TenantID  TenantID
	ID        ForeignID
	Rev       int64
	ServiceID ServiceID // its line; zero after the line was deleted
	FormerDN  Extension // the DN of the deleted line, or ""
	System    string    // the code of the system that provides it, such as "MICOLLAB"
	Name      string
	Link      string // its page in that system; "" if unknown
	// Deletable says that its system deletes it on request. Otherwise only an
	// administrator of that system can (SVC-10).
	Deletable  bool
	NeedsEmail bool // the users of its line keep their email addresses (USR-14)
	NeedsLogin bool // the users of its line keep their user IDs (USR-14)
	State      ForeignState
	Outcome    string    // the last message of its system, or ""
	At         time.Time // of the last change of state
	Requests   int64     // how often its system was asked to create or to delete it
}

// Table returns the declaration of foreign services.
func (f *ForeignService) Table() *store.Table { return foreignTable }

// Fields appends the foreign service's columns.
func (f *ForeignService) Fields(to []store.Field) []store.Field {
	return append(to,
		id("tenant_id", &f.TenantID), id("id", &f.ID), revision(&f.Rev),
		maybeID("service_id", &f.ServiceID), optional("former_dn", (*string)(&f.FormerDN)),
		words("system", &f.System), words("name", &f.Name), words("link", &f.Link),
		boolean("deletable", &f.Deletable), boolean("needs_email", &f.NeedsEmail), boolean("needs_login", &f.NeedsLogin),
		words("state", (*string)(&f.State)), words("outcome", &f.Outcome), moment("at", &f.At), integer("requests", &f.Requests),
	)
}

func (f *ForeignService) ref() Ref {
	if f.ID.IsZero() { // not recorded yet
		return Ref{Kind: "foreign service", Name: f.Name}
	}
	return Ref{"foreign service", f.ID.String(), f.Name}
}

// there reports whether its system provides it on a line, or has been asked to.
func (f *ForeignService) there() bool { return f.State == ForeignActive || f.State == ForeignRequested }

// whereabouts is its system, and its page there if that is known.
func (f *ForeignService) whereabouts() string {
	if f.Link == "" {
		return f.System
	}
	return f.System + " (" + f.Link + ")"
}

// errand is the text by which an event names the system and, after the first
// request, the number of the request; readErrand reads it.
func (f *ForeignService) errand() string {
	if f.Requests <= 1 {
		return f.System
	}
	return f.System + "#" + strconv.FormatInt(f.Requests, 10)
}

// readErrand reads the system and the number of the request from an event's detail.
func readErrand(detail string) (system string, request int64) {
	errand := detail[strings.LastIndexByte(detail, ' ')+1:]
	system, number, several := strings.Cut(errand, "#")
	if !several {
		return system, 1
	}
	request, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return "", 0
	}
	return system, request
}

// NewForeign is what AttachForeign and RequestForeign need to know of a foreign
// service.
type NewForeign struct {
	System string // the code of the system that provides it: up to 24 letters, digits and . _ -
	Name   string // up to 64 characters
	// Link is its page in that system: http or https, up to 512 characters.
	// AttachForeign requires it; after RequestForeign the other system can give it.
	Link string

	Deletable  bool // its system deletes it on request (SVC-10)
	NeedsEmail bool // the users of the line keep their email addresses (USR-14)
	NeedsLogin bool // the users of the line keep their user IDs (USR-14)
}

// validate checks the input. Refusals name its fields with the prefix. present says
// that the other system has it already, so that there must be a link.
func (in *NewForeign) validate(check *validation, prefix string, present bool) {
	check.system(prefix+"System", in.System)
	check.required(rule.SVC13, prefix+"Name", in.Name, maxName)
	if present || in.Link != "" {
		check.link(rule.SVC13, prefix+"Link", in.Link)
	}
}

// system checks the code of another system.
func (check *validation) system(field, s string) {
	if len(s) > maxSystem {
		check.refuse(rule.SVC13, field, "longer than %d characters", maxSystem)
		return
	}
	check.code(rule.SVC13, field, s)
}

// link checks the address of a page that a portal may link to.
func (check *validation) link(code rule.Code, field, s string) {
	if s == "" {
		check.refuse(code, field, "is missing")
		return
	}
	if len(s) > maxLink || !validLink(s) {
		check.refuse(code, field, "not the address of a page of up to %d characters: http or https, a host, no password", maxLink)
	}
}

func validLink(s string) bool {
	if !keepable(s) || strings.ContainsFunc(s, unprintable) {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// foreign reads a foreign service of the tenant.
func (t *tx) foreign(ctx context.Context, id ForeignID) (*ForeignService, error) {
	f, err := one[*ForeignService](ctx, t, foreignTable.Key(), t.tenantID, id)
	if err == nil && f == nil {
		err = notFound("foreign service", id.String())
	}
	return f, err
}

// foreignOf reads the foreign services of a line.
func (t *tx) foreignOf(ctx context.Context, service ServiceID) ([]*ForeignService, error) {
	return store.Collect(find[*ForeignService](ctx, t, store.Query{Index: foreignByLine, Equal: []any{t.tenantID, service}}))
}

// ForeignService returns a foreign service of the tenant (SVC-13). Errors:
// ErrNotFound.
func (d *Directory) ForeignService(ctx context.Context, id ForeignID) (*ForeignService, error) {
	return read(ctx, d, "ForeignService", func(p *prefetch) { p.foreign(id) }, func(t *tx) (*ForeignService, error) {
		f, err := t.foreign(ctx, id)
		if err != nil {
			return nil, err
		}
		return copyOf(f), nil
	})
}

// ForeignServices yields the foreign services of a line in the order of system and
// name. For the zero ID it yields those of the whole tenant, in the order in which
// they were added, with those whose line was deleted (SVC-10, SVC-13).
func (d *Directory) ForeignServices(ctx context.Context, service ServiceID) iter.Seq2[*ForeignService, error] {
	q := store.Query{Index: foreignTable.Key(), Equal: []any{d.scope()}}
	if !service.IsZero() {
		q.Index, q.Equal = foreignByLine, []any{d.scope(), service}
	}
	return pages[*ForeignService](ctx, d, "ForeignServices", q, 0, nil)
}

// AttachForeign records something that another system already provides on a line
// (SVC-13).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service, whose foreign
// services its own system keeps (SVC-11); and all of these at once: ErrInvalid for
// bad fields, ErrConflict if the line has one of that system and name already,
// ErrExhausted if the line has 32 (SVC-13), ErrFailedPrecondition for each user of
// the line without the email address that it needs (USR-14).
func (d *Directory) AttachForeign(ctx context.Context, service ServiceID, in NewForeign) (*ForeignService, error) {
	return d.addForeign(ctx, "AttachForeign", service, in, ForeignActive)
}

// RequestForeign asks another system to provide something on a line (SVC-18). It
// records the foreign service as requested and writes the request into the journal;
// [Directory.Connect] takes the request to the other system and records the answer.
// AddService and SetUpUser can make such requests for a new line in the same
// operation.
//
// Errors: those of AttachForeign.
func (d *Directory) RequestForeign(ctx context.Context, service ServiceID, in NewForeign) (*ForeignService, error) {
	return d.addForeign(ctx, "RequestForeign", service, in, ForeignRequested)
}

// addForeign runs AttachForeign or RequestForeign.
func (d *Directory) addForeign(ctx context.Context, operation string, service ServiceID, in NewForeign, state ForeignState) (*ForeignService, error) {
	return change(ctx, d, operation, func(p *prefetch) {
		p.service(service).foreign()
		p.usersOf(service)
	}, func(t *tx) (*ForeignService, error) {
		s, err := t.service(ctx, service)
		if err != nil {
			return nil, err
		}
		if err := t.editable(s); err != nil {
			return nil, err
		}
		if err := t.validateForeign(ctx, s, &in, state); err != nil {
			return nil, err
		}
		return copyOf(t.stageForeign(s, &in, state)), nil
	})
}

// validateForeign checks a foreign service that is about to be added to a line.
func (t *tx) validateForeign(ctx context.Context, s *Service, in *NewForeign, state ForeignState) error {
	var check validation
	in.validate(&check, "", state == ForeignActive)
	has, err := t.foreignOf(ctx, s.ID)
	if err != nil {
		return err
	}
	if len(has) >= maxForeign {
		check.refusals = append(check.refusals, &Error{Code: rule.SVC13, Kind: ErrExhausted, Subject: s.ref(),
			Reason: fmt.Sprintf("%s has %d foreign services already, and no line can have more", s.ref(), maxForeign)})
	}
	for _, f := range has {
		if f.System == in.System && f.Name == in.Name {
			check.refusals = append(check.refusals, &Error{Code: rule.SVC13, Kind: ErrConflict, Field: "Name", Subject: s.ref(), Holder: f.ref(),
				Reason: fmt.Sprintf("%s has %s of %s already", s.ref(), f.Name, f.System)})
		}
	}
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil {
		return err
	}
	check.refusals = append(check.refusals, unmet(in.row(s, state), users...)...)
	return check.err()
}

// unmet refuses a foreign service for each user who lacks what it needs (USR-14).
// That can only be the email address, as every user has a user ID.
func unmet(f *ForeignService, users ...*User) (bad []*Error) {
	for _, u := range users {
		if f.NeedsEmail && u.Email == "" {
			bad = append(bad, &Error{Code: rule.USR14, Kind: ErrFailedPrecondition, Field: "Email", Subject: u.ref(), Holder: f.ref(),
				Reason: fmt.Sprintf("%s has no email address, which %s of %s needs", u.ref(), f.Name, f.System)})
		}
	}
	return bad
}

// unmetBy refuses a user who is about to be associated with a line and lacks what
// its foreign services need (USR-14).
func (t *tx) unmetBy(ctx context.Context, service ServiceID, u *User) error {
	has, err := t.foreignOf(ctx, service)
	if err != nil {
		return err
	}
	var check validation
	for _, f := range has {
		if f.there() {
			check.refusals = append(check.refusals, unmet(f, u)...)
		}
	}
	return check.err()
}

// row returns the record of a foreign service of a line.
func (in *NewForeign) row(s *Service, state ForeignState) *ForeignService {
	return &ForeignService{
		TenantID: s.TenantID, ServiceID: s.ID, System: in.System, Name: in.Name, Link: in.Link,
		Deletable: in.Deletable, NeedsEmail: in.NeedsEmail, NeedsLogin: in.NeedsLogin, State: state,
	}
}

// stageForeign stages a foreign service that was validated.
func (t *tx) stageForeign(s *Service, in *NewForeign, state ForeignState) *ForeignService {
	f := in.row(s, state)
	f.ID, f.At = t.newID(), t.now
	verb := foreignAttached
	if state == ForeignRequested {
		f.Requests, verb = 1, foreignRequested
	}
	t.Insert(f)
	t.relate(verb, f.ref(), s.ref(), f.errand())
	return f
}

// validateRequests checks the foreign services that are requested together with a
// new line (SVC-18).
func (l *newLine) validateRequests(check *validation) {
	if len(l.in.Foreign) > maxForeign {
		check.refuse(rule.SVC13, "Foreign", "more than %d on one line", maxForeign)
		return
	}
	seen := make(map[[2]string]bool, len(l.in.Foreign))
	for i := range l.in.Foreign {
		in := &l.in.Foreign[i]
		in.validate(check, fmt.Sprintf("Foreign[%d].", i), false)
		if seen[[2]string{in.System, in.Name}] {
			check.refuse(rule.SVC13, fmt.Sprintf("Foreign[%d].Name", i), "is listed twice")
		}
		seen[[2]string{in.System, in.Name}] = true
	}
}

// unmet refuses the foreign services of a new line for an existing user without
// the email address that they need (USR-14).
func (l *newLine) unmet() (bad []*Error) {
	if l.slot.user == nil {
		return nil
	}
	for i := range l.in.Foreign {
		bad = append(bad, unmet(l.in.Foreign[i].row(new(Service), ForeignRequested), l.slot.user)...)
	}
	return bad
}
