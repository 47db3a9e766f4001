package pbx

import (
	"context"
	"slices"

	"github.com/pbxkit/pbx/store"
)

// takeDN lets an extension be the DN of a service: one that passes every rule
// (takeExtension), or that points at one of the service's users already. That one
// passes to the service, and is returned; else the entry is nil.
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

// of reports whether an entry points at one of some users, of whom one to be created
// has no ID yet.
func (e *DialEntry) of(users []*User) bool {
	return !e.UserID.IsZero() && slices.ContainsFunc(users, func(u *User) bool { return u.ID == e.UserID })
}

// ownDN is the extension that fills itself in as the DN of a user's first service:
// his main one, if it may be a DN at some locations; else nil (EXT-5).
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

// enterDN puts the DN of a service into the dial plan: as an entry of its own, or
// in the place of the one that takeDN returned. A user whose main extension passes
// to his service has the lowest of those that point at him still as the next one,
// for the time when he has no service (EXT-1).
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
