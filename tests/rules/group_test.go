package rules_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

func TestEXT8_AGroupOrQueueHasANameOfItsOwnAndMayBeDialled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		support := w.Group("Support", "7200")
		require.Equal(t, pbx.HuntGroup, support.Kind)
		queue, err := w.Dir.CreateGroup(w.Ctx, pbx.NewGroup{Kind: pbx.ACDQueue, Name: "Équipe"})
		require.NoError(t, err)

		create := func(in pbx.NewGroup) func() error {
			return func() error { _, err := w.Dir.CreateGroup(w.Ctx, in); return err }
		}
		taken := w.Refused(rule.EXT8, pbx.ErrConflict, create(pbx.NewGroup{Name: "EQUIPE"}))
		require.Equal(t, pbx.Ref{Kind: "queue", ID: queue.ID.String(), Name: "Équipe"}, taken.Holder)
		taken = w.Refused(rule.EXT2, pbx.ErrConflict, create(pbx.NewGroup{Name: "Sales", Extension: "7200"}))
		require.Equal(t, "group Support", taken.Holder.String())
		w.Refused(rule.EXT8, pbx.ErrInvalid, create(pbx.NewGroup{Name: ""}))
		w.Refused(rule.EXT8, pbx.ErrInvalid, create(pbx.NewGroup{Name: strings.Repeat("x", 65)}))
		w.Refused(rule.EXT8, pbx.ErrInvalid, create(pbx.NewGroup{Name: "Sales", Kind: "party"}))
		w.Refused(rule.EXT3, pbx.ErrInvalid, create(pbx.NewGroup{Name: "Sales", Extension: "9110"}))
		require.NoError(t, second(w.British.CreateGroup(w.Ctx, pbx.NewGroup{Name: "Support", Extension: "7200"})), "another tenant's is no clash")

		reached, err := w.Dir.Lookup(w.Ctx, "7200")
		require.NoError(t, err)
		require.Equal(t, "group Support", reached.Ref.String())
	})
}

func TestEXT8_GroupsAreListedByNameAndKind(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		b, a := w.Group("Beta", ""), w.Group("alpha", "")
		q, err := w.Dir.CreateGroup(w.Ctx, pbx.NewGroup{Kind: pbx.ACDQueue, Name: "Alpine"})
		require.NoError(t, err)
		require.Equal(t, []*pbx.Group{a, q, b}, testbed.Collect(t, w.Dir.Groups(w.Ctx, pbx.GroupQuery{})))
		require.Equal(t, []*pbx.Group{a, q}, testbed.Collect(t, w.Dir.Groups(w.Ctx, pbx.GroupQuery{Name: "ALP"})))
		require.Equal(t, []*pbx.Group{q}, testbed.Collect(t, w.Dir.Groups(w.Ctx, pbx.GroupQuery{Kind: pbx.ACDQueue})))
		require.Equal(t, []*pbx.Group{a}, testbed.Collect(t, w.Dir.Groups(w.Ctx, pbx.GroupQuery{Limit: 1})))
		require.Empty(t, testbed.Collect(t, w.British.Groups(w.Ctx, pbx.GroupQuery{})))
		one, err := w.Dir.Group(w.Ctx, q.ID)
		require.NoError(t, err)
		require.Equal(t, q, one)
		_, err = w.British.Group(w.Ctx, q.ID)
		require.ErrorIs(t, err, pbx.ErrNotFound)
	})
}

func TestEXT8_UsersAndAliasesAreMembersOfGroupsAndQueues(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		a := w.Alias(john.ID, "John Support", "")
		g := w.Group("Support", "7200")
		user, alias := pbx.UserMember(john.ID), pbx.AliasMember(a.ID)
		require.NoError(t, w.Dir.AddMember(w.Ctx, g.ID, user))
		require.NoError(t, w.Dir.AddMember(w.Ctx, g.ID, alias))
		var ids []pbx.MemberID
		for _, m := range testbed.Collect(t, w.Dir.Members(w.Ctx, g.ID)) {
			ids = append(ids, m.ID())
		}
		require.ElementsMatch(t, []pbx.MemberID{user, alias}, ids)

		add := func(g pbx.GroupID, who pbx.MemberID) func() error {
			return func() error { return w.Dir.AddMember(w.Ctx, g, who) }
		}
		twice := w.Refused(rule.EXT8, pbx.ErrConflict, add(g.ID, alias))
		require.Equal(t, "alias John Support", twice.Holder.String())
		require.Equal(t, "group Support", twice.Subject.String())
		w.Refused(rule.ACC1, pbx.ErrNotFound, add(g.ID, pbx.MemberID{}))
		w.Refused(rule.ACC1, pbx.ErrNotFound, add(g.ID, pbx.UserMember(pbx.UserID(a.ID))))
		w.Refused(rule.ACC1, pbx.ErrNotFound, add(g.ID, pbx.AliasMember(pbx.AliasID(john.ID))))
		w.Refused(rule.ACC1, pbx.ErrNotFound, add(pbx.GroupID(john.ID), user))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.British.AddMember(w.Ctx, g.ID, user) })
		brit, err := w.British.CreateUser(w.Ctx, pbx.NewUser{LastName: "Brit", Email: "brit@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		w.Refused(rule.ACC1, pbx.ErrNotFound, add(g.ID, pbx.UserMember(brit.ID)))

		require.NoError(t, w.Dir.RemoveMember(w.Ctx, g.ID, user))
		w.Refused(rule.EXT8, pbx.ErrNotFound, func() error { return w.Dir.RemoveMember(w.Ctx, g.ID, user) })
		w.Refused(rule.EXT8, pbx.ErrNotFound, func() error {
			return w.Dir.RemoveMember(w.Ctx, g.ID, pbx.UserMember(pbx.UserID(a.ID)))
		})
		require.Len(t, testbed.Collect(t, w.Dir.Members(w.Ctx, g.ID)), 1)
		require.NoError(t, add(g.ID, user)(), "and in again")
	})
}

func TestEXT8_AUserWhoIsDeletedIsAMemberOfNothingAnyMore(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john, ann := w.User("John", "Doe", "7001"), w.User("Ann", "Lee", "7002")
		g := w.Group("Support", "7200")
		require.NoError(t, w.Dir.AddMember(w.Ctx, g.ID, pbx.UserMember(john.ID)))
		require.NoError(t, w.Dir.AddMember(w.Ctx, g.ID, pbx.UserMember(ann.ID)))
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, john.ID, pbx.UserOnly))
		left := testbed.Collect(t, w.Dir.Members(w.Ctx, g.ID))
		require.Len(t, left, 1)
		require.Equal(t, pbx.UserMember(ann.ID), left[0].ID())
	})
}

func TestEXT8_AGroupGoesWithItsMembershipsAndExtensions(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		g := w.Group("Support", "7200")
		require.NoError(t, w.Dir.AddMember(w.Ctx, g.ID, pbx.UserMember(john.ID)))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.British.DeleteGroup(w.Ctx, g.ID) })
		require.NoError(t, w.Dir.DeleteGroup(w.Ctx, g.ID))
		require.Empty(t, testbed.Collect(t, w.Dir.Members(w.Ctx, g.ID)))
		w.Group("Support", "7200")
		_, err := w.Dir.User(w.Ctx, john.ID)
		require.NoError(t, err)
	})
}

func TestEXT8_AGroupIsMadeFilledAndDeletedInABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		john := w.User("John", "Doe", "7001")
		kept := w.Group("Kept", "7300")
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
		review, err := w.Dir.Review(w.Ctx, make)
		require.NoError(t, err)
		require.NoError(t, review.Commit(w.Ctx))
		groups := testbed.Collect(t, w.Dir.Groups(w.Ctx, pbx.GroupQuery{}))
		require.Len(t, groups, 2)
		require.Len(t, testbed.Collect(t, w.Dir.Members(w.Ctx, groups[1].ID)), 1)
	})
}

func TestEXT8_GroupsAreNotAnOwners(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		owner := w.Support.As(pbx.LineOwner("kate", w.US.ID))
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error {
			_, err := owner.CreateGroup(w.Ctx, pbx.NewGroup{Name: "X"})
			return err
		})
	})
}
