package pbx

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Extension is the digits by which something is dialled within a tenant.
type Extension string

// DialEntry is a line of a tenant's dial plan: the digits, and the one thing
// that they reach (EXT-2). The entry that reaches a service is its DN.
type DialEntry struct {
	TenantID TenantID
	Digits   Extension
	Rev      int64
	// Exactly one of the four is set.
	UserID    UserID
	ServiceID ServiceID
	AliasID   AliasID
	GroupID   GroupID
	// MainOf is UserID where this is the main one of the extensions that reach
	// the user, else zero. It is the user's main extension until they have a
	// service; from then on the DN of their primary service is (EXT-1).
	MainOf UserID
}

// Table returns the declaration of the dial plan.
func (e *DialEntry) Table() *store.Table { return extensionsTable }

// Fields appends the entry's columns.
func (e *DialEntry) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &e.TenantID), words("digits", (*string)(&e.Digits)), revision(&e.Rev),
		maybeID("user_id", &e.UserID), maybeID("service_id", &e.ServiceID),
		maybeID("alias_id", &e.AliasID), maybeID("group_id", &e.GroupID),
		maybeID("main_of", &e.MainOf),
	)
}

func (e *DialEntry) ref() Ref { return Ref{"extension", string(e.Digits), string(e.Digits)} }

// validateExtension checks the digits of an extension for use at some locations, any
// of which may be nil: the length (EXT-1) and the emergency numbers (EXT-3).
func (t *tx) validateExtension(field string, e Extension, at ...*Location) error {
	p := &t.tenant.Policy
	if !digits(string(e)) || int64(len(e)) < p.ExtensionMinLength || int64(len(e)) > p.ExtensionMaxLength {
		return &Error{Code: rule.EXT1, Kind: ErrInvalid, Field: field, Subject: Ref{Kind: "extension", ID: string(e)},
			Reason: fmt.Sprintf("not an extension of %d to %d digits", p.ExtensionMinLength, p.ExtensionMaxLength)}
	}
	return t.clearOfEmergency(field, e, at...)
}

// clearOfEmergency refuses an extension that gets in the way of an emergency
// number of the tenant's country, or of a location's (EXT-3).
func (t *tx) clearOfEmergency(field string, e Extension, at ...*Location) error {
	err := avoidEmergency(field, e, t.tenant.Country)
	for _, l := range at {
		if err == nil && l != nil {
			err = avoidEmergency(field, e, l.Address.Country)
		}
	}
	return err
}

// avoidEmergency refuses an extension that gets in the way of an emergency number of
// a country (EXT-3).
func avoidEmergency(field string, e Extension, country string) error {
	emergency, touches := touchesEmergency(country, e)
	if !touches {
		return nil
	}
	return &Error{Code: rule.EXT3, Kind: ErrInvalid, Field: field, Subject: Ref{"extension", string(e), string(e)},
		Reason: fmt.Sprintf("extension %s would get in the way of the emergency number %s of %s", e, emergency, country)}
}

// touchesEmergency reports whether an extension gets in the way of an emergency
// number of a country, and of which one. For a country whose emergency numbers are
// not known, those count that mobile phones dial everywhere: 112 and 911.
func touchesEmergency(country string, e Extension) (string, bool) {
	emergency, touches, known := numplan.TouchesEmergency(country, string(e))
	if known {
		return emergency, touches
	}
	for _, emergency := range []string{"112", "911"} {
		if e != "" && (strings.HasPrefix(string(e), emergency) || strings.HasPrefix(emergency, string(e))) {
			return emergency, true
		}
	}
	return "", false
}

// adviseExtension warns of an extension that does not have the advised form (EXT-4).
func (t *tx) adviseExtension(e Extension) {
	form := t.tenant.Policy.AdvisedExtension
	if form == "" {
		return
	}
	fits := len(e) == len(form)
	for i := 0; fits && i < len(form); i++ {
		fits = form[i] == 'x' || form[i] == e[i]
	}
	if !fits {
		t.warn(rule.EXT4, Ref{"extension", string(e), string(e)}, "extension %s does not have the advised form %s", e, form)
	}
}

// freeExtension refuses digits that already reach something in the tenant, and
// names what (EXT-2).
func (t *tx) freeExtension(ctx context.Context, field string, e Extension) error {
	taken, err := one[*DialEntry](ctx, t, extensionsTable.Key(), t.tenantID, string(e))
	if err != nil || taken == nil {
		return err
	}
	holder, err := t.reaches(ctx, taken)
	if err != nil {
		return err
	}
	return &Error{Code: rule.EXT2, Kind: ErrConflict, Field: field, Subject: taken.ref(), Holder: holder,
		Reason: fmt.Sprintf("extension %s is taken by %s", e, holder)}
}

// reaches names what a dial-plan entry reaches.
func (t *tx) reaches(ctx context.Context, e *DialEntry) (Ref, error) {
	switch {
	case !e.UserID.IsZero():
		u, err := one[*User](ctx, t, usersTable.Key(), t.tenantID, e.UserID)
		return refOf(u), err
	case !e.ServiceID.IsZero():
		s, err := one[*Service](ctx, t, servicesTable.Key(), t.tenantID, e.ServiceID)
		return refOf(s), err
	case !e.AliasID.IsZero():
		a, err := one[*Alias](ctx, t, aliasesTable.Key(), t.tenantID, e.AliasID)
		return refOf(a), err
	}
	g, err := one[*Group](ctx, t, groupsTable.Key(), t.tenantID, e.GroupID)
	return refOf(g), err
}

// takeExtension checks every rule about an extension for use at some locations:
// EXT-1, EXT-2 and EXT-3; and gives the advice of EXT-4.
func (t *tx) takeExtension(ctx context.Context, field string, e Extension, at ...*Location) error {
	if err := t.validateExtension(field, e, at...); err != nil {
		return err
	}
	if err := t.freeExtension(ctx, field, e); err != nil {
		return err
	}
	t.adviseExtension(e)
	return nil
}

// enterDialPlan stages an entry of the dial plan. What it reaches must be staged
// before it.
func (t *tx) enterDialPlan(e *DialEntry) {
	e.TenantID = t.tenantID
	t.Insert(e)
}

// leaveDialPlan stages the removal of an entry from the dial plan. The search for a
// free extension begins with its digits where they may be the lowest free ones.
func (t *tx) leaveDialPlan(e *DialEntry) {
	t.Remove(e)
	first, next := t.tenant.Policy.ExtensionFirst, t.tenant.nextExtension
	if len(e.Digits) == len(first) && first <= e.Digits && e.Digits < next {
		t.editTenant(func(row *Tenant) { row.nextExtension = e.Digits })
	}
}

// AddExtension gives a user another extension, at no charge (EXT-1). The first one
// is their main one. It warns of an extension that does not have the advised form
// (EXT-4).
//
// Errors: ErrNotFound for the user; ErrInvalid (EXT-1, EXT-3); ErrConflict with
// the holder (EXT-2).
func (d *Directory) AddExtension(ctx context.Context, user UserID, e Extension) (*DialEntry, error) {
	return change(ctx, d, "AddExtension", func(p *prefetch) {
		p.user(user).place()
		p.extension(e)
		p.get(extensionsByMain, user)
	}, func(t *tx) (*DialEntry, error) {
		u, err := t.user(ctx, user)
		if err != nil {
			return nil, err
		}
		at, err := t.location(ctx, u.LocationID)
		if err != nil {
			return nil, err
		}
		if err := t.takeExtension(ctx, "Extension", e, at); err != nil {
			return nil, err
		}
		entry := &DialEntry{Digits: e, UserID: u.ID}
		main, err := one[*DialEntry](ctx, t, extensionsByMain, t.tenantID, u.ID)
		if err != nil {
			return nil, err
		}
		if main == nil {
			entry.MainOf = u.ID
		}
		t.enterDialPlan(entry)
		t.did("extension.added", u.ref(), string(e))
		return copyOf(entry), nil
	})
}

// RemoveExtension removes an extension of a user, an alias or a group.
//
// Errors: ErrNotFound; ErrFailedPrecondition (EXT-1) for the DN of a service, which
// goes with the service or by a change of DN, and for a user's main extension while
// they have other extensions or no service.
func (d *Directory) RemoveExtension(ctx context.Context, e Extension) error {
	return d.change(ctx, "RemoveExtension", func(p *prefetch) {
		entry := p.extension(e)
		entry.holder()
		entry.to(extensionsByUser, "user_id")
		entry.to(associationsTable.Key(), "user_id")
	}, func(t *tx) error {
		entry, err := t.extension(ctx, e)
		if err != nil {
			return err
		}
		holder, err := t.reaches(ctx, entry)
		if err != nil {
			return err
		}
		if err := t.removable(ctx, entry, holder); err != nil {
			return err
		}
		t.leaveDialPlan(entry)
		t.did("extension.removed", holder, string(e))
		return nil
	})
}

// removable refuses to remove a DN, and a main extension that is still needed (EXT-1).
func (t *tx) removable(ctx context.Context, entry *DialEntry, holder Ref) error {
	if !entry.ServiceID.IsZero() {
		return &Error{Code: rule.EXT1, Kind: ErrFailedPrecondition, Subject: entry.ref(), Holder: holder,
			Reason: "extension " + string(entry.Digits) + " is the DN of " + holder.String()}
	}
	if entry.MainOf.IsZero() {
		return nil
	}
	own, err := store.Collect(find[*DialEntry](ctx, t, store.Query{Index: extensionsByUser, Equal: []any{t.tenantID, entry.UserID}, Limit: 2}))
	if err != nil {
		return err
	}
	services, err := t.servicesOf(ctx, entry.UserID)
	if err != nil {
		return err
	}
	if len(own) == 1 && len(services) > 0 {
		return nil
	}
	return &Error{Code: rule.EXT1, Kind: ErrFailedPrecondition, Subject: entry.ref(), Holder: holder,
		Reason: "extension " + string(entry.Digits) + " is the main one of " + holder.String() + ": make another the main one first"}
}

// SetMainExtension makes one of a user's own extensions their main one (EXT-1). While
// they have services the DN of the primary one is the main extension, and this takes
// effect when they have none.
//
// Errors: ErrNotFound, also for an extension that is not the user's own.
func (d *Directory) SetMainExtension(ctx context.Context, user UserID, e Extension) error {
	return d.change(ctx, "SetMainExtension", func(p *prefetch) {
		p.user(user)
		p.extension(e)
		p.get(extensionsByMain, user)
	}, func(t *tx) error {
		u, err := t.user(ctx, user)
		if err != nil {
			return err
		}
		entry, err := t.extension(ctx, e)
		if err != nil {
			return err
		}
		if entry.UserID != user {
			return notFound("extension", string(e))
		}
		main, err := one[*DialEntry](ctx, t, extensionsByMain, t.tenantID, u.ID)
		if err != nil {
			return err
		}
		if main != nil && main.Digits == e {
			return nil
		}
		if main != nil {
			edit(t, main, func(m *DialEntry) { m.MainOf = UserID{} })
		}
		edit(t, entry, func(m *DialEntry) { m.MainOf = u.ID })
		t.did("extension.made-main", u.ref(), string(e))
		return nil
	})
}

// extension reads an entry of the dial plan.
func (t *tx) extension(ctx context.Context, e Extension) (*DialEntry, error) {
	entry, err := one[*DialEntry](ctx, t, extensionsTable.Key(), t.tenantID, string(e))
	if err == nil && entry == nil {
		err = notFound("extension", string(e))
	}
	return entry, err
}

// ExtensionQuery selects entries of the dial plan: all, those that begin with some
// digits, or those of one user.
type ExtensionQuery struct {
	Prefix string
	UserID UserID
	Limit  int
}

// Extensions yields entries of the dial plan in the order of their digits. Those of
// a user are their own ones, not the DNs of their services.
func (d *Directory) Extensions(ctx context.Context, q ExtensionQuery) iter.Seq2[*DialEntry, error] {
	query := store.Query{Index: extensionsTable.Key(), Equal: []any{d.scope()}, Prefix: q.Prefix}
	if !q.UserID.IsZero() {
		query.Index, query.Equal = extensionsByUser, []any{d.scope(), q.UserID}
	}
	return pages[*DialEntry](ctx, d, "Extensions", query, q.Limit, nil)
}

// DialTarget is what an extension reaches.
type DialTarget struct {
	Entry *DialEntry
	Ref   Ref // the user, service, alias or group
}

// Lookup returns what an extension reaches (EXT-2). Errors: ErrNotFound.
func (d *Directory) Lookup(ctx context.Context, e Extension) (*DialTarget, error) {
	return read(ctx, d, "Lookup", func(p *prefetch) { p.extension(e).holder() }, func(t *tx) (*DialTarget, error) {
		entry, err := t.extension(ctx, e)
		if err != nil {
			return nil, err
		}
		target, err := t.reaches(ctx, entry)
		if err != nil {
			return nil, err
		}
		return &DialTarget{Entry: copyOf(entry), Ref: target}, nil
	})
}

// MainExtension returns a user's main extension: the DN of their primary service, or
// without a service the main one of their own extensions (EXT-1); "" where they have
// neither. Errors: ErrNotFound.
func (d *Directory) MainExtension(ctx context.Context, user UserID) (Extension, error) {
	return read(ctx, d, "MainExtension", func(p *prefetch) {
		p.user(user)
		p.get(associationsByPrimary, user).to(servicesTable.Key(), "service_id")
		p.get(extensionsByMain, user)
	}, func(t *tx) (Extension, error) {
		u, err := t.user(ctx, user)
		if err != nil {
			return "", err
		}
		return t.mainExtension(ctx, u.ID)
	})
}

// mainExtension reads a user's main extension, or "" (EXT-1).
func (t *tx) mainExtension(ctx context.Context, user UserID) (Extension, error) {
	s, err := t.primaryOf(ctx, user)
	if err != nil {
		return "", err
	}
	if s != nil {
		return s.DN, nil
	}
	e, err := one[*DialEntry](ctx, t, extensionsByMain, t.tenantID, user)
	if err != nil || e == nil {
		return "", err
	}
	return e.Digits, nil
}

// takeDN checks whether an extension can be the DN of a service: one that passes every
// rule, as for takeExtension, or one that reaches one of the service's users already.
// In that case it returns the entry, which passes to the service; else nil.
func (t *tx) takeDN(ctx context.Context, field string, e Extension, users []*User, at ...*Location) (*DialEntry, error) {
	if err := t.validateExtension(field, e, at...); err != nil {
		return nil, err
	}
	entry, err := one[*DialEntry](ctx, t, extensionsTable.Key(), t.tenantID, string(e))
	if err != nil {
		return nil, err
	}
	if entry == nil || !entry.of(users) {
		entry = nil
		if err := t.freeExtension(ctx, field, e); err != nil {
			return nil, err
		}
	}
	t.adviseExtension(e)
	return entry, nil
}

// of reports whether an entry reaches one of some users. A user who is yet to be
// created has no ID.
func (e *DialEntry) of(users []*User) bool {
	return !e.UserID.IsZero() && slices.ContainsFunc(users, func(u *User) bool { return u.ID == e.UserID })
}

// ownDN is the extension that fills itself in as the DN of a user's first service:
// their main one, if it can be a DN at some locations; else nil (EXT-5).
func (t *tx) ownDN(ctx context.Context, at slot, sites ...*Location) (*DialEntry, error) {
	if at.user == nil || at.user.ID.IsZero() || !at.primary {
		return nil, nil
	}
	main, err := one[*DialEntry](ctx, t, extensionsByMain, t.tenantID, at.user.ID)
	if err != nil || main == nil || t.validateExtension("", main.Digits, sites...) != nil {
		return nil, err
	}
	t.adviseExtension(main.Digits)
	return main, nil
}

// enterDN stages the DN of a service in the dial plan: as a new entry, or as the entry
// that takeDN returned. When a user's main extension passes to the service, the lowest
// of their remaining ones becomes the main one, for the time when they have no
// service (EXT-1).
func (t *tx) enterDN(ctx context.Context, s *Service, passes *DialEntry) error {
	if passes == nil {
		t.enterDialPlan(&DialEntry{Digits: s.DN, ServiceID: s.ID})
		return nil
	}
	u, err := t.user(ctx, passes.UserID)
	if err != nil {
		return err
	}
	edit(t, passes, func(e *DialEntry) { e.UserID, e.MainOf, e.ServiceID = UserID{}, UserID{}, s.ID })
	t.relate("extension.passed-to-service", passes.ref(), u.ref(), "")
	if passes.MainOf.IsZero() {
		return nil
	}
	next, err := first[*DialEntry](ctx, t, store.Query{Index: extensionsByUser, Equal: []any{t.tenantID, u.ID}})
	if err != nil || next == nil {
		return err
	}
	edit(t, next, func(e *DialEntry) { e.MainOf = u.ID })
	t.did("extension.made-main", u.ref(), string(next.Digits))
	return nil
}
