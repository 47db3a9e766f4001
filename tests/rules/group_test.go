package rules_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

func (w *world) group(name string, e pbx.Extension) *pbx.Group {
	w.t.Helper()
	g, err := w.dir.CreateGroup(w.ctx, pbx.NewGroup{Name: name, Extension: e})
	require.NoError(w.t, err)
	return g
}

func TestEXT8_AGroupOrQueueHasANameOfItsOwnAndMayBeDialled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		support := w.group("Support", "7200")
		require.Equal(t, pbx.HuntGroup, support.Kind)
		queue, err := w.dir.CreateGroup(w.ctx, pbx.NewGroup{Kind: pbx.ACDQueue, Name: "Équipe"})
		require.NoError(t, err)

		create := func(in pbx.NewGroup) func() error {
			return func() error { _, err := w.dir.CreateGroup(w.ctx, in); return err }
		}
		taken := w.refused(rule.EXT8, pbx.ErrConflict, create(pbx.NewGroup{Name: "EQUIPE"}))
		require.Equal(t, pbx.Ref{Kind: "queue", ID: queue.ID.String(), Name: "Équipe"}, taken.Holder)
		taken = w.refused(rule.EXT2, pbx.ErrConflict, create(pbx.NewGroup{Name: "Sales", Extension: "7200"}))
		require.Equal(t, "group Support", taken.Holder.String())
		w.refused(rule.EXT8, pbx.ErrInvalid, create(pbx.NewGroup{Name: ""}))
		w.refused(rule.EXT8, pbx.ErrInvalid, create(pbx.NewGroup{Name: strings.Repeat("x", 65)}))
		w.refused(rule.EXT8, pbx.ErrInvalid, create(pbx.NewGroup{Name: "Sales", Kind: "party"}))
		w.refused(rule.EXT3, pbx.ErrInvalid, create(pbx.NewGroup{Name: "Sales", Extension: "9110"}))
		require.NoError(t, second(w.british.CreateGroup(w.ctx, pbx.NewGroup{Name: "Support", Extension: "7200"})), "another tenant's is no clash")

		reached, err := w.dir.Lookup(w.ctx, "7200")
		require.NoError(t, err)
		require.Equal(t, "group Support", reached.Ref.String())
	})
}

func TestEXT8_GroupsAreListedByNameAndKind(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		b, a := w.group("Beta", ""), w.group("alpha", "")
		q, err := w.dir.CreateGroup(w.ctx, pbx.NewGroup{Kind: pbx.ACDQueue, Name: "Alpine"})
		require.NoError(t, err)
		require.Equal(t, []*pbx.Group{a, q, b}, collect(t, w.dir.Groups(w.ctx, pbx.GroupQuery{})))
		require.Equal(t, []*pbx.Group{a, q}, collect(t, w.dir.Groups(w.ctx, pbx.GroupQuery{Name: "ALP"})))
		require.Equal(t, []*pbx.Group{q}, collect(t, w.dir.Groups(w.ctx, pbx.GroupQuery{Kind: pbx.ACDQueue})))
		require.Equal(t, []*pbx.Group{a}, collect(t, w.dir.Groups(w.ctx, pbx.GroupQuery{Limit: 1})))
		require.Empty(t, collect(t, w.british.Groups(w.ctx, pbx.GroupQuery{})))
		one, err := w.dir.Group(w.ctx, q.ID)
		require.NoError(t, err)
		require.Equal(t, q, one)
		_, err = w.british.Group(w.ctx, q.ID)
		require.ErrorIs(t, err, pbx.ErrNotFound)
	})
}

func TestEXT8_UsersAndAliasesAreMembersOfGroupsAndQueues(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		a := w.alias(john.ID, "John Support", "")
		g := w.group("Support", "7200")
		user, alias := pbx.UserMember(john.ID), pbx.AliasMember(a.ID)
		require.NoError(t, w.dir.AddMember(w.ctx, g.ID, user))
		require.NoError(t, w.dir.AddMember(w.ctx, g.ID, alias))
		var ids []pbx.MemberID
		for _, m := range collect(t, w.dir.Members(w.ctx, g.ID)) {
			ids = append(ids, m.ID())
		}
		require.ElementsMatch(t, []pbx.MemberID{user, alias}, ids)

		add := func(g pbx.GroupID, who pbx.MemberID) func() error {
			return func() error { return w.dir.AddMember(w.ctx, g, who) }
		}
		twice := w.refused(rule.EXT8, pbx.ErrConflict, add(g.ID, alias))
		require.Equal(t, "alias John Support", twice.Holder.String())
		require.Equal(t, "group Support", twice.Subject.String())
		w.refused(rule.ACC1, pbx.ErrNotFound, add(g.ID, pbx.MemberID{}))
		w.refused(rule.ACC1, pbx.ErrNotFound, add(g.ID, pbx.UserMember(pbx.UserID(a.ID))))
		w.refused(rule.ACC1, pbx.ErrNotFound, add(g.ID, pbx.AliasMember(pbx.AliasID(john.ID))))
		w.refused(rule.ACC1, pbx.ErrNotFound, add(pbx.GroupID(john.ID), user))
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.british.AddMember(w.ctx, g.ID, user) })
		brit, err := w.british.CreateUser(w.ctx, pbx.NewUser{LastName: "Brit", Email: "brit@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		w.refused(rule.ACC1, pbx.ErrNotFound, add(g.ID, pbx.UserMember(brit.ID)))

		require.NoError(t, w.dir.RemoveMember(w.ctx, g.ID, user))
		w.refused(rule.EXT8, pbx.ErrNotFound, func() error { return w.dir.RemoveMember(w.ctx, g.ID, user) })
		w.refused(rule.EXT8, pbx.ErrNotFound, func() error {
			return w.dir.RemoveMember(w.ctx, g.ID, pbx.UserMember(pbx.UserID(a.ID)))
		})
		require.Len(t, collect(t, w.dir.Members(w.ctx, g.ID)), 1)
		require.NoError(t, add(g.ID, user)(), "and in again")
	})
}

func TestEXT8_AUserWhoIsDeletedIsAMemberOfNothingAnyMore(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john, ann := w.user("John", "Doe", "7001"), w.user("Ann", "Lee", "7002")
		g := w.group("Support", "7200")
		require.NoError(t, w.dir.AddMember(w.ctx, g.ID, pbx.UserMember(john.ID)))
		require.NoError(t, w.dir.AddMember(w.ctx, g.ID, pbx.UserMember(ann.ID)))
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, john.ID, pbx.UserOnly))
		left := collect(t, w.dir.Members(w.ctx, g.ID))
		require.Len(t, left, 1)
		require.Equal(t, pbx.UserMember(ann.ID), left[0].ID())
	})
}

func TestEXT8_AGroupGoesWithItsMembershipsAndExtensions(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		g := w.group("Support", "7200")
		require.NoError(t, w.dir.AddMember(w.ctx, g.ID, pbx.UserMember(john.ID)))
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.british.DeleteGroup(w.ctx, g.ID) })
		require.NoError(t, w.dir.DeleteGroup(w.ctx, g.ID))
		require.Empty(t, collect(t, w.dir.Members(w.ctx, g.ID)))
		w.group("Support", "7200")
		_, err := w.dir.User(w.ctx, john.ID)
		require.NoError(t, err)
	})
}

func TestEXT8_AGroupIsMadeFilledAndDeletedInABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.user("John", "Doe", "7001")
		kept := w.group("Kept", "7300")
		make := func(ctx context.Context, dir *pbx.Directory) error {
			g, err := dir.CreateGroup(ctx, pbx.NewGroup{Name: "Support", Extension: "7200"})
			if err != nil {
				return err
			}
			if err := dir.AddMember(ctx, g.ID, pbx.UserMember(john.ID)); err != nil {
				return err
			}
			if err := dir.DeleteGroup(ctx, kept.ID); err != nil {
				return err
			}
			_, err = dir.CreateGroup(ctx, pbx.NewGroup{Name: "kept", Extension: "7300"})
			return err
		}
		review, err := w.dir.Review(w.ctx, make)
		require.NoError(t, err)
		require.NoError(t, review.Commit(w.ctx))
		groups := collect(t, w.dir.Groups(w.ctx, pbx.GroupQuery{}))
		require.Len(t, groups, 2)
		require.Len(t, collect(t, w.dir.Members(w.ctx, groups[1].ID)), 1)
	})
}

func TestEXT8_GroupsAreNotAnOwners(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		owner := w.support.As(pbx.LineOwner("kate", w.us.ID))
		w.refused(rule.ACC2, pbx.ErrDenied, func() error {
			_, err := owner.CreateGroup(w.ctx, pbx.NewGroup{Name: "X"})
			return err
		})
	})
}
