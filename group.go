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

// NewGroup is what CreateGroup needs to know.
type NewGroup struct {
	Kind      GroupKind // HuntGroup or ACDQueue; empty: HuntGroup
	Name      string    // required, up to 64 characters, unique in the tenant whatever the case and accents
	Extension Extension // by which it is dialled; empty: by none
}

// CreateGroup creates a hunt group or an ACD queue without members (EXT-8).
//
// Errors: ErrInvalid for bad fields, all at once (EXT-1, EXT-3, EXT-8);
// ErrConflict with the holder for a name (EXT-8) or an extension (EXT-2) that
// is taken.
func (d *Directory) CreateGroup(ctx context.Context, in NewGroup) (*Group, error) {
	var made *Group
	err := d.change(ctx, "CreateGroup", func(p *prefetch) {
		p.extension(in.Extension)
		p.get(groupsByName, text.Fold(in.Name))
	}, func(t *tx) error {
		row := &Group{TenantID: t.tenantID, Kind: in.Kind, Name: in.Name, nameFolded: text.Fold(in.Name)}
		if row.Kind == "" {
			row.Kind = HuntGroup
		}
		if err := t.validateGroup(ctx, row, in.Extension); err != nil {
			return err
		}
		row.ID = t.newID()
		t.Insert(row)
		t.did("group.created", row.ref(), "")
		if in.Extension != "" {
			t.enterDialPlan(&DialEntry{Digits: in.Extension, GroupID: row.ID})
			t.did("extension.added", row.ref(), string(in.Extension))
		}
		made = copyOf(row)
		return nil
	})
	return made, err
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
	if len(check.refusals) > 0 { // a name that is none is not looked up
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
	var out *Group
	err := d.read(ctx, "Group", func(p *prefetch) { p.group(id) }, func(t *tx) error {
		g, err := t.group(ctx, id)
		if err == nil {
			out = copyOf(g)
		}
		return err
	})
	return out, err
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

// DeleteGroup deletes a group or queue, and with it its memberships and its
// extensions; the members stay as they are (EXT-8).
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
