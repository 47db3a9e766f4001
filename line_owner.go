package pbx

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Principal is the name of a person or account in the provider's sign-in system, such as
// a Kerberos principal.
type Principal string

// principal checks the form of a principal: letters, digits and . _ - @ / or an email
// address, which user IDs are (USR-3).
func (check *validation) principal(code rule.Code, field string, p Principal) {
	if p == "" {
		check.refuse(code, field, "is missing")
		return
	}
	plain := !strings.ContainsFunc(string(p), func(r rune) bool { return notInCode(r) && r != '@' && r != '/' })
	if len(p) > maxEmail || !plain && !validEmail(string(p)) {
		check.refuse(code, field, "not a principal of up to %d letters, digits, '.', '_', '-', '@' and '/', nor an email address", maxEmail)
	}
}

// Owner lets a principal read and change the management record of a line (OWN-1 to
// OWN-9). It has no other effect (OWN-5).
type Owner struct {
	TenantID  TenantID
	ServiceID ServiceID
	Principal Principal
	Rev       int64
	Since     time.Time
}

// Table returns the declaration of owners.
func (o *Owner) Table() *store.Table { return ownersTable }

// Fields appends the owner's columns.
func (o *Owner) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &o.TenantID), id("service_id", &o.ServiceID),
		words("principal", (*string)(&o.Principal)), revision(&o.Rev), moment("since", &o.Since),
	)
}

// ref names an owner of a line. Its ID is the line's, so the journal, which keeps only
// IDs, does not name the principal; a review shows the name.
func (o *Owner) ref(of *Service) Ref {
	return Ref{"owner", o.ServiceID.String(), string(o.Principal) + " of " + of.ref().String()}
}

// AddOwner makes a principal an owner of a line, as [Directory.ChangeLine] does (OWN-3).
func (d *Directory) AddOwner(ctx context.Context, nationalNumber string, p Principal) (*Line, error) {
	return d.ChangeLine(ctx, nationalNumber, LineChange{AddOwners: []Principal{p}})
}

// RemoveOwner removes a principal from the owners of a line, as [Directory.ChangeLine]
// does (OWN-3, OWN-4).
func (d *Directory) RemoveOwner(ctx context.Context, nationalNumber string, p Principal) (*Line, error) {
	return d.ChangeLine(ctx, nationalNumber, LineChange{RemoveOwners: []Principal{p}})
}

// ownersOf reads the owners of a line, sorted by principal.
func (t *tx) ownersOf(ctx context.Context, service ServiceID) ([]*Owner, error) {
	return store.Collect(find[*Owner](ctx, t, store.Query{Index: ownersTable.Key(), Equal: []any{t.tenantID, service}}))
}

// unknownOwners asks the sign-in system whether each new owner is a known principal
// (OWN-3), and returns the refusals of those who are not. The answer may take long, so
// it is asked for before the tenant is locked. Access to the line is checked first, so
// that nobody else learns which principals exist.
func (d *Directory) unknownOwners(ctx context.Context, nationalNumber string, added []Principal) ([]*Error, error) {
	if len(added) == 0 {
		return nil, nil
	}
	if _, err := d.enter(ctx, "ChangeLine"); err != nil || d.core.principals == nil {
		return nil, err
	}
	err := d.read(ctx, "ChangeLine", func(p *prefetch) { p.line(nationalNumber).to(ownersTable.Key(), "id") }, func(t *tx) error {
		_, err := t.lineAt(ctx, nationalNumber)
		return err
	})
	if err != nil {
		return nil, err
	}
	var unknown []*Error
	for _, p := range added {
		var form validation
		if form.principal(rule.OWN3, "AddOwners", p); form.err() != nil {
			continue // updateLine refuses it with the other bad fields
		}
		err := d.core.principals(ctx, p)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			unknown = append(unknown, &Error{Code: rule.OWN3, Kind: ErrInvalid, Field: "AddOwners", Subject: p.ref(),
				Reason: "there is no principal " + string(p), Err: err})
		}
	}
	return unknown, nil
}

func (p Principal) ref() Ref { return Ref{"principal", string(p), string(p)} }

// owners checks a change of a line's owners (OWN-3), and returns those who are removed.
func (check *validation) owners(s *Service, owners []*Owner, in LineChange) []*Owner {
	at := func(p Principal) int {
		return slices.IndexFunc(owners, func(o *Owner) bool { return o.Principal == p })
	}
	for i, p := range in.AddOwners {
		if check.listed(in.AddOwners, i, "AddOwners") && at(p) >= 0 {
			check.refusals = append(check.refusals, &Error{Code: rule.OWN3, Kind: ErrConflict, Field: "AddOwners", Subject: p.ref(), Holder: s.ref(),
				Reason: string(p) + " is an owner of the line already"})
		}
	}
	var removed []*Owner
	for i, p := range in.RemoveOwners {
		switch {
		case !check.listed(in.RemoveOwners, i, "RemoveOwners"):
		case at(p) < 0:
			check.refusals = append(check.refusals, &Error{Code: rule.OWN3, Kind: ErrNotFound, Field: "RemoveOwners", Subject: p.ref(), Holder: s.ref(),
				Reason: string(p) + " is not an owner of the line"})
		default:
			removed = append(removed, owners[at(p)])
		}
	}
	return removed
}

// listed reports whether the i-th principal of a list is well formed, and listed for
// the first time. It refuses one that is not.
func (check *validation) listed(list []Principal, i int, field string) bool {
	bad := len(check.refusals)
	if check.principal(rule.OWN3, field, list[i]); len(check.refusals) > bad {
		return false
	}
	if slices.Contains(list[:i], list[i]) {
		check.refuse(rule.OWN3, field, "%s is listed twice", list[i])
		return false
	}
	return true
}

// changeOwners stages a change that owners has checked. It warns of actors who remove
// themselves, and of lines that have no owner any more (OWN-4). before is how many
// owners there were.
func (t *tx) changeOwners(s *Service, before int, added []Principal, removed []*Owner) {
	for _, o := range removed {
		t.Remove(o)
		t.did("owner.removed", o.ref(s), "")
		if o.Principal == t.actor.Principal {
			t.warn(rule.OWN4, s.ref(), "you are no longer an owner of %s, and cannot open it as one", s.ref())
		}
	}
	for _, p := range added {
		o := &Owner{TenantID: t.tenantID, ServiceID: s.ID, Principal: p, Since: t.now}
		t.Insert(o)
		t.did("owner.added", o.ref(s), "")
	}
	if len(removed) > 0 && before+len(added) == len(removed) {
		t.warn(rule.OWN4, s.ref(), "%s has no owner any more", s.ref())
	}
}
