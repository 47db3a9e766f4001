package pbx

import (
	"context"
	"fmt"
	"iter"

	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// GroupKind tells a hunt group from a queue.
type GroupKind string

// The kinds of group.
const (
	HuntGroup GroupKind = "group"
	ACDQueue  GroupKind = "queue"
)

// Group is a hunt group or an ACD queue, as far as its membership and its
// extensions go.
type Group struct {
	TenantID TenantID
	ID       GroupID
	Rev      int64
	Kind     GroupKind
	Name     string // up to 64 characters, unique in the tenant whatever the case

	nameFolded string
}

// Table returns the declaration of groups.
func (g *Group) Table() *store.Table { return groupsTable }

// Fields appends the group's columns.
func (g *Group) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &g.TenantID), id("id", &g.ID), revision(&g.Rev),
		words("kind", (*string)(&g.Kind)), words("name", &g.Name), words("name_folded", &g.nameFolded),
	)
}

func (g *Group) ref() Ref { return Ref{string(g.Kind), g.ID.String(), g.Name} }

// NewGroup is what CreateGroup needs to know of a group.
type NewGroup struct {
	Kind      GroupKind // HuntGroup or ACDQueue; empty: HuntGroup
	Name      string    // required, up to 64 characters, unique in the tenant whatever the case and accents
	Extension Extension // by which it is dialled, or empty
}

// CreateGroup creates a hunt group or an ACD queue without members (EXT-8).
//
// Errors: ErrInvalid for bad fields, all at once (EXT-1, EXT-3, EXT-8);
// ErrConflict for a name (EXT-8) or an extension (EXT-2) that is taken, with
// whoever has it as the holder.
func (d *Directory) CreateGroup(ctx context.Context, in NewGroup) (*Group, error) {
	return change(ctx, d, "CreateGroup", func(p *prefetch) {
		p.extension(in.Extension)
		p.get(groupsByName, text.Fold(in.Name))
	}, func(t *tx) (*Group, error) {
		row := &Group{TenantID: t.tenantID, Kind: in.Kind, Name: in.Name, nameFolded: text.Fold(in.Name)}
		if row.Kind == "" {
			row.Kind = HuntGroup
		}
		if err := t.validateGroup(ctx, row, in.Extension); err != nil {
			return nil, err
		}
		row.ID = t.newID()
		t.Insert(row)
		t.did("group.created", row.ref(), "")
		if in.Extension != "" {
			t.enterDialPlan(&DialEntry{Digits: in.Extension, GroupID: row.ID})
			t.did("extension.added", row.ref(), string(in.Extension))
		}
		return copyOf(row), nil
	})
}

func (t *tx) validateGroup(ctx context.Context, g *Group, e Extension) error {
	var check validation
	check.required(rule.EXT8, "Name", g.Name, maxName)
	if g.Kind != HuntGroup && g.Kind != ACDQueue {
		check.refuse(rule.EXT8, "Kind", "not one of %s and %s", HuntGroup, ACDQueue)
	}
	if e != "" {
		if err := check.collect(t.takeExtension(ctx, "Extension", e, nil)); err != nil {
			return err
		}
	}
	if len(check.refusals) > 0 { // an invalid name is not looked up
		return check.err()
	}
	return t.freeGroupName(ctx, g)
}

func (t *tx) freeGroupName(ctx context.Context, g *Group) error {
	taken, err := one[*Group](ctx, t, groupsByName, t.tenantID, g.nameFolded)
	if err != nil || taken == nil {
		return err
	}
	return &Error{Code: rule.EXT8, Kind: ErrConflict, Field: "Name", Subject: Ref{Kind: "group name", ID: g.Name}, Holder: taken.ref(),
		Reason: fmt.Sprintf("the name %s is taken by %s", g.Name, taken.ref())}
}

// group reads a group of the tenant.
func (t *tx) group(ctx context.Context, id GroupID) (*Group, error) {
	g, err := one[*Group](ctx, t, groupsTable.Key(), t.tenantID, id)
	if err == nil && g == nil {
		err = notFound("group", id.String())
	}
	return g, err
}

// Group returns a group or queue of the tenant (EXT-8). Errors: ErrNotFound.
func (d *Directory) Group(ctx context.Context, id GroupID) (*Group, error) {
	return read(ctx, d, "Group", func(p *prefetch) { p.group(id) }, func(t *tx) (*Group, error) {
		g, err := t.group(ctx, id)
		if err != nil {
			return nil, err
		}
		return copyOf(g), nil
	})
}

// GroupQuery selects groups by the beginning of their name, without regard to
// case and accents, and by their kind. Empty fields select all.
type GroupQuery struct {
	Name  string
	Kind  GroupKind
	Limit int // 0: all
}

// Groups yields the tenant's groups and queues in the order of their names
// (EXT-8).
func (d *Directory) Groups(ctx context.Context, q GroupQuery) iter.Seq2[*Group, error] {
	var keep func(*Group) bool
	if q.Kind != "" {
		keep = func(g *Group) bool { return g.Kind == q.Kind }
	}
	return pages(ctx, d, "Groups", store.Query{Index: groupsByName, Equal: []any{d.scope()}, Prefix: text.Fold(q.Name)}, q.Limit, keep)
}

// DeleteGroup deletes a group or queue with its memberships and its extensions. The
// users and aliases that were members stay (EXT-8).
//
// Errors: ErrNotFound.
func (d *Directory) DeleteGroup(ctx context.Context, id GroupID) error {
	return d.change(ctx, "DeleteGroup", func(p *prefetch) {
		p.group(id)
		p.get(membersTable.Key(), id)
		p.get(extensionsByGroup, id)
	}, func(t *tx) error {
		g, err := t.group(ctx, id)
		if err != nil {
			return err
		}
		members, err := store.Collect(find[*Member](ctx, t, store.Query{Index: membersTable.Key(), Equal: []any{t.tenantID, g.ID}}))
		if err != nil {
			return err
		}
		own, err := store.Collect(find[*DialEntry](ctx, t, store.Query{Index: extensionsByGroup, Equal: []any{t.tenantID, g.ID}}))
		if err != nil {
			return err
		}
		for _, m := range members {
			t.Remove(m)
		}
		for _, e := range own {
			t.leaveDialPlan(e)
			t.did("extension.removed", g.ref(), string(e.Digits))
		}
		t.Remove(g)
		t.did("group.deleted", g.ref(), "")
		return nil
	})
}

// Member is a user or an alias in a group (EXT-8).
type Member struct {
	TenantID TenantID
	GroupID  GroupID
	Rev      int64
	// Exactly one of the two is set.
	UserID  UserID
	AliasID AliasID

	memberID [16]byte // the one that is set
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

// ID returns the user or the alias that is the member.
func (m *Member) ID() MemberID { return MemberID{m.UserID, m.AliasID} }

// MemberID identifies a user or an alias, as a member of a group (EXT-8) or on a
// line of a phone (EXT-9). UserMember and AliasMember make one.
type MemberID struct {
	user  UserID
	alias AliasID
}

// UserMember returns the MemberID of a user.
func UserMember(id UserID) MemberID { return MemberID{user: id} }

// AliasMember returns the MemberID of an alias.
func AliasMember(id AliasID) MemberID { return MemberID{alias: id} }

// String returns "user" or "alias", and its ID.
func (m MemberID) String() string {
	if m.alias.IsZero() {
		return "user " + m.user.String()
	}
	return "alias " + m.alias.String()
}

// UUID returns the ID of the user or the alias, which stores keep.
func (m MemberID) UUID() [16]byte {
	if m.alias.IsZero() {
		return m.user
	}
	return m.alias
}

// AddMember adds a user or an alias to a group or queue (EXT-8), as in
// AddMember(ctx, group, pbx.AliasMember(alias)).
//
// Errors: ErrNotFound for the group, the user or the alias; ErrConflict if it is a
// member already.
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

// identity returns the name of a user or an alias, and the user that it belongs to.
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

// RemoveMember removes a user or an alias from a group or queue (EXT-8).
//
// Errors: ErrNotFound for the group, and for a user or an alias that is not a
// member of it.
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

// Members yields the members of a group or queue (EXT-8). A group that does not
// exist has none.
func (d *Directory) Members(ctx context.Context, group GroupID) iter.Seq2[*Member, error] {
	return pages[*Member](ctx, d, "Members", store.Query{Index: membersTable.Key(), Equal: []any{d.scope(), group}}, 0, nil)
}

// leaveGroups removes a user or an alias that is about to be deleted from all its
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
