package pbx

import (
	"context"
	"fmt"
	"iter"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Member is a user or an alias in a group (EXT-8).
type Member struct {
	TenantID TenantID
	GroupID  GroupID
	Rev      int64
	// Exactly one of the two is set.
	UserID  UserID
	AliasID AliasID

	memberID [16]byte // whichever it is
}

// Table returns the declaration of group members.
func (m *Member) Table() *store.Table { return membersTable }

// Fields appends the member's columns.
func (m *Member) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &m.TenantID), id("group_id", &m.GroupID),
		store.Field{Name: "member_id", Ptr: &m.memberID}, revision(&m.Rev),
		maybeID("user_id", &m.UserID), maybeID("alias_id", &m.AliasID),
	)
}

// ID says who the member is.
func (m *Member) ID() MemberID { return MemberID{m.UserID, m.AliasID} }

// MemberID says who is, or is to be, in a group (EXT-8) or on a line of a phone
// (EXT-9): a user or an alias. UserMember and AliasMember make one.
type MemberID struct {
	user  UserID
	alias AliasID
}

// UserMember is a user as a member of a group, or on a line of a phone.
func UserMember(id UserID) MemberID { return MemberID{user: id} }

// AliasMember is an alias as a member of a group, or on a line of a phone.
func AliasMember(id AliasID) MemberID { return MemberID{alias: id} }

// String returns what the member is and its ID.
func (m MemberID) String() string {
	if m.alias.IsZero() {
		return "user " + m.user.String()
	}
	return "alias " + m.alias.String()
}

func (m MemberID) UUID() [16]byte {
	if m.alias.IsZero() {
		return m.user
	}
	return m.alias
}

// AddMember puts a user or an alias into a group or queue (EXT-8), as in
// AddMember(ctx, group, pbx.AliasMember(alias)).
//
// Errors: ErrNotFound for the group, the user or the alias; ErrConflict for
// one that is a member already.
func (d *Directory) AddMember(ctx context.Context, group GroupID, who MemberID) error {
	return d.change(ctx, "AddMember", func(p *prefetch) {
		p.group(group)
		p.user(who.user)
		p.alias(who.alias)
		p.get(membersTable.Key(), group, who)
	}, func(t *tx) error {
		g, err := t.group(ctx, group)
		if err != nil {
			return err
		}
		name, _, err := t.identity(ctx, who)
		if err != nil {
			return err
		}
		already, err := one[*Member](ctx, t, membersTable.Key(), t.tenantID, g.ID, who)
		if err != nil {
			return err
		}
		if already != nil {
			return &Error{Code: rule.EXT8, Kind: ErrConflict, Field: "Member", Subject: g.ref(), Holder: name,
				Reason: fmt.Sprintf("%s is a member of %s already", name, g.ref())}
		}
		t.Insert(&Member{TenantID: t.tenantID, GroupID: g.ID, UserID: who.user, AliasID: who.alias, memberID: who.UUID()})
		t.did("group.member-added", g.ref(), who.String())
		return nil
	})
}

// identity names a user or an alias, and says whose identity it is.
func (t *tx) identity(ctx context.Context, who MemberID) (name Ref, owner UserID, err error) {
	if !who.alias.IsZero() {
		a, err := t.alias(ctx, who.alias)
		if err != nil {
			return Ref{}, UserID{}, err
		}
		return a.ref(), a.UserID, nil
	}
	u, err := t.user(ctx, who.user)
	if err != nil {
		return Ref{}, UserID{}, err
	}
	return u.ref(), u.ID, nil
}

// RemoveMember takes a user or an alias out of a group or queue (EXT-8).
//
// Errors: ErrNotFound for the group, or for one that is no member of it.
func (d *Directory) RemoveMember(ctx context.Context, group GroupID, who MemberID) error {
	return d.change(ctx, "RemoveMember", func(p *prefetch) {
		p.group(group)
		p.get(membersTable.Key(), group, who)
	}, func(t *tx) error {
		g, err := t.group(ctx, group)
		if err != nil {
			return err
		}
		m, err := one[*Member](ctx, t, membersTable.Key(), t.tenantID, g.ID, who)
		if err != nil {
			return err
		}
		if m == nil || m.ID() != who {
			return &Error{Code: rule.EXT8, Kind: ErrNotFound, Field: "Member", Subject: g.ref(),
				Reason: fmt.Sprintf("%s is not a member of %s", who, g.ref())}
		}
		t.Remove(m)
		t.did("group.member-removed", g.ref(), who.String())
		return nil
	})
}

// Members yields the members of a group or queue (EXT-8). A group that is not
// there has none.
func (d *Directory) Members(ctx context.Context, group GroupID) iter.Seq2[*Member, error] {
	return pages[*Member](ctx, d, "Members", store.Query{Index: membersTable.Key(), Equal: []any{d.scope(), group}}, 0, nil)
}

// leaveGroups takes a user or an alias that is about to go out of all its
// groups (EXT-8).
func (t *tx) leaveGroups(ctx context.Context, memberID [16]byte) error {
	in, err := store.Collect(find[*Member](ctx, t, store.Query{Index: membersByMember, Equal: []any{t.tenantID, memberID}}))
	if err != nil {
		return err
	}
	for _, m := range in {
		g, err := t.group(ctx, m.GroupID)
		if err != nil {
			return err
		}
		t.Remove(m)
		t.did("group.member-removed", g.ref(), m.ID().String())
	}
	return nil
}
