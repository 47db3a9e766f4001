package pbx

import (
	"context"
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
	ForeignActive    ForeignState = "active"    // it is there
	ForeignFailed    ForeignState = "failed"    // its system refused to make it, or to delete it
	ForeignDeleting  ForeignState = "deleting"  // its line is gone, and its system is asked to delete it
	ForeignLeft      ForeignState = "left"      // its line is gone, and only its own system can delete it
	ForeignGone      ForeignState = "gone"      // it is no longer there; no record is kept of it
)

// The limits of a foreign service.
const (
	maxForeign = 32  // on one line
	maxSystem  = 24  // characters of a system's code, which names its subscriber too
	maxLink    = 512 // characters
	maxOutcome = 256
)

// ForeignService is something that another system provides on a line. Here it is
// a name, its system and a link to the right page there, and nothing that could
// be edited (SVC-13). It comes and goes with its line, or where it is made.
type ForeignService struct {
	TenantID  TenantID
	ID        ForeignID
	Rev       int64
	ServiceID ServiceID // its line; zero when that is gone
	FormerDN  Extension // the DN of the line that is gone, or ""
	System    string    // the code of the system that provides it, such as "MICOLLAB"
	Name      string
	Link      string // its page in that system; "" where that is not known
	// Deletable says that its system deletes it when asked to; else only an
	// administrator of that system can (SVC-10).
	Deletable  bool
	NeedsEmail bool // the users of its line keep their email addresses (USR-14)
	NeedsLogin bool // the users of its line keep their user IDs (USR-14)
	State      ForeignState
	Outcome    string    // what its system said last, where it said something
	At         time.Time // of the last change of state
	Requests   int64     // how often its system was asked to make or to delete it
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

// there reports whether its system provides it on a line, or is about to.
func (f *ForeignService) there() bool { return f.State == ForeignActive || f.State == ForeignRequested }

// whereabouts is where it is found: its system, and the page there if that is known.
func (f *ForeignService) whereabouts() string {
	if f.Link == "" {
		return f.System
	}
	return f.System + " (" + f.Link + ")"
}

// errand is how an event says whose request it is, and which of several; readErrand
// reads it.
func (f *ForeignService) errand() string {
	if f.Requests <= 1 {
		return f.System
	}
	return f.System + "#" + strconv.FormatInt(f.Requests, 10)
}

// readErrand takes a system and the number of a request out of an event's detail.
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

// NewForeign is what a foreign service is recorded or asked for with.
type NewForeign struct {
	System string // the code of the system that provides it: up to 24 letters, digits and . _ -
	Name   string // up to 64 characters
	// Link is its page in that system: http or https. It is required of one that is
	// there already; of one that is asked for, its system may say it later.
	Link string

	Deletable  bool // its system deletes it when asked to
	NeedsEmail bool
	NeedsLogin bool
}

// validate checks the input; the fields' names begin with prefix. present is one that
// is there already.
func (in *NewForeign) validate(check *validation, prefix string, present bool) {
	check.system(prefix+"System", in.System)
	check.required(rule.SVC13, prefix+"Name", in.Name, maxName)
	if present || in.Link != "" {
		check.link(rule.SVC13, prefix+"Link", in.Link)
	}
}

// system looks at the code of another system.
func (check *validation) system(field, s string) {
	if len(s) > maxSystem {
		check.refuse(rule.SVC13, field, "longer than %d characters", maxSystem)
		return
	}
	check.code(rule.SVC13, field, s)
}

// link looks at the address of a page that a portal may lead to.
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
	var out *ForeignService
	err := d.read(ctx, "ForeignService", func(p *prefetch) { p.foreign(id) }, func(t *tx) error {
		f, err := t.foreign(ctx, id)
		if err == nil {
			out = copyOf(f)
		}
		return err
	})
	return out, err
}

// ForeignServices yields the foreign services of a line by system and name, or,
// for the zero ID, those of the whole tenant in the order in which they came:
// also those whose line is gone (SVC-10, SVC-13).
func (d *Directory) ForeignServices(ctx context.Context, service ServiceID) iter.Seq2[*ForeignService, error] {
	q := store.Query{Index: foreignTable.Key(), Equal: []any{d.scope()}}
	if !service.IsZero() {
		q.Index, q.Equal = foreignByLine, []any{d.scope(), service}
	}
	return pages[*ForeignService](ctx, d, "ForeignServices", q, 0, nil)
}
