package pbx

import (
	"context"
	"slices"

	"github.com/pbxkit/pbx/store"
)

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
