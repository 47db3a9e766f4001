package rules_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

func TestACC4_TheJournalIsWithoutGapsAndEndsWithTheTenantsRevision(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		w.Alias(ann.ID, "Help", "7100")
		require.Error(t, w.Dir.DeleteGroup(w.Ctx, pbx.GroupID(ann.ID)), "a refusal leaves no event")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range 3 {
				if _, err := dir.CreateGroup(ctx, pbx.NewGroup{Name: fmt.Sprint("G", i)}); err != nil {
					return err
				}
			}
			return nil
		}))
		require.NoError(t, w.Dir.Batch(w.Ctx, func(context.Context, *pbx.Directory) error { return nil }), "nothing is no change")

		for _, dir := range []*pbx.Directory{w.Dir, w.British, w.Support} {
			seq, pos := int64(0), int64(0)
			for _, e := range testbed.Collect(t, dir.Journal(w.Ctx, pbx.JournalQuery{})) {
				if e.Seq == seq {
					require.Equal(t, pos+1, e.Pos)
				} else {
					require.Equal(t, seq+1, e.Seq)
					require.EqualValues(t, 1, e.Pos)
				}
				seq, pos = e.Seq, e.Pos
			}
			tenant, err := dir.Tenant(w.Ctx)
			require.NoError(t, err)
			require.Equal(t, tenant.Rev, seq)
		}
		last := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 3}))
		require.Equal(t, []int64{3, 2, 1}, []int64{last[0].Pos, last[1].Pos, last[2].Pos}, "one batch, one change")
		require.Equal(t, last[0].Operation, last[2].Operation)
	})
}

func TestACC4_TheJournalSaysWhenWhoInWhichRoleAndWhat(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Clock = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
		ann := w.User("Ann", "Lee", "7001")
		var created *pbx.Event
		for _, e := range testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{})) {
			if e.Type == "user.created" {
				created = e
			}
		}
		require.NotNil(t, created)
		require.Equal(t, w.Clock, created.At)
		require.Equal(t, pbx.Principal("admin"), created.Actor)
		require.Equal(t, pbx.RoleAdministrator, created.Role)
		require.Equal(t, w.US.ID, created.TenantID)
		require.Equal(t, "user", created.Kind)
		require.Equal(t, ann.ID.String(), created.Subject)
	})
}

func TestACC3_TheJournalOfACustomerShowsSupportsOwnIdentity(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		inside := w.Support.As(pbx.Support("agent-smith")).In(w.US.ID)
		g, err := inside.CreateGroup(w.Ctx, pbx.NewGroup{Name: "Support"})
		require.NoError(t, err)
		last := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 1}))[0]
		require.Equal(t, pbx.Principal("agent-smith"), last.Actor)
		require.Equal(t, pbx.RoleSupport, last.Role)
		require.Equal(t, g.ID.String(), last.Subject)
		require.Equal(t, last, testbed.Collect(t, inside.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 1}))[0])
		for _, e := range testbed.Collect(t, w.British.Journal(w.Ctx, pbx.JournalQuery{})) {
			require.NotEqual(t, last.Subject, e.Subject)
		}
	})
}

func TestACC4_EachThingThatAnOperationDoesIsJournalledOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		phone := w.Phone("00:1b:54:00:00:01", "Polycom VVX 450")
		before := w.revision()
		_, err := w.Dir.SetUpUser(w.Ctx, w.setUp(phone.ID))
		require.NoError(t, err)
		require.Equal(t, []string{
			"user.created", "user.welcome-mail", "device.assigned", "service.created", "number.assigned", "service.associated",
			"station.taken", "order.placed",
		}, w.journal(w.Dir, before))
	})
}

func TestACC4_TheExtensionsOfADeletedUserAreJournalled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7002")
		_, err := w.Dir.AddExtension(w.Ctx, u.ID, "7001")
		require.NoError(t, err)
		review, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			return dir.DeleteUser(ctx, u.ID, pbx.UserOnly)
		})
		require.NoError(t, err)
		var effects []string
		for _, e := range review.Effects {
			effects = append(effects, e.Type+" "+e.Subject.ID+" "+e.Detail)
		}
		id := u.ID.String()
		require.Equal(t, []string{"extension.removed " + id + " 7001", "extension.removed " + id + " 7002", "user.deleted " + id + " "}, effects)
		before := w.revision()
		require.NoError(t, review.Commit(w.Ctx))
		require.Equal(t, []string{"extension.removed", "extension.removed", "user.deleted"}, w.journal(w.Dir, before))
	})
}

func TestACC4_ADeviceThatIsTakenOrFreedIsTold(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		phone := w.Phone("00:1b:54:00:00:01", "Polycom VVX 450")
		begun := w.revision()
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceID: phone.ID})
		require.NoError(t, err)
		require.Equal(t, []string{"service.created", "device.put-in-service"}, w.journal(w.Dir, begun))
		goes := func(dir *pbx.Directory) error { return dir.DeleteService(w.Ctx, s.ID) }
		effects := w.Review(w.Dir, goes).Effects
		require.Len(t, effects, 2)
		freed := effects[1]
		require.Equal(t, []string{"device.freed", phone.ID.String(), s.ID.String()}, []string{freed.Type, freed.Subject.ID, freed.Object.ID})
		begun = w.revision()
		require.NoError(t, goes(w.Dir))
		require.Equal(t, []string{"service.deleted", "device.freed"}, w.journal(w.Dir, begun))

		ann := w.User("Ann", "Lee", "7001")
		desk := w.Alias(ann.ID, "Desk", "")
		_, err = w.Dir.AssignDevice(w.Ctx, phone.ID, ann.ID, 3)
		require.NoError(t, err)
		_, err = w.Dir.SetDeviceLine(w.Ctx, phone.ID, 3, pbx.AliasMember(desk.ID))
		require.NoError(t, err)
		begun = w.revision()
		require.NoError(t, w.Dir.UnassignDevice(w.Ctx, phone.ID))
		require.Equal(t, []string{"device.line-cleared", "device.unassigned"}, w.journal(w.Dir, begun))
	})
}

func TestACC4_TheJournalIsReadForwardsBackwardsAndFromAPlace(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for i := range 140 { // more than a page
			w.Group(fmt.Sprintf("G%03d", i), "")
		}
		all := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{}))
		require.Greater(t, len(all), 140)
		back := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{Latest: true}))
		require.Len(t, back, len(all))
		for i, e := range back {
			require.Equal(t, all[len(all)-1-i], e)
		}
		mid := all[len(all)-5].Seq
		for _, latest := range []bool{false, true} {
			rest := testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{AfterSeq: mid, Latest: latest}))
			require.Len(t, rest, 4)
			for _, e := range rest {
				require.Greater(t, e.Seq, mid)
			}
		}
		require.Empty(t, testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{AfterSeq: 1<<63 - 1})))
	})
}

func TestACC4_TheJournalIsNotAnOwnersNorAnotherTenants(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		first := func(dir *pbx.Directory) error {
			for _, err := range dir.Journal(w.Ctx, pbx.JournalQuery{}) {
				return err
			}
			return nil
		}
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { return first(w.Support.As(pbx.LineOwner("kate", w.US.ID))) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return first(w.Dir.In(w.UK.ID)) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return first(w.Dir.In(pbx.Provider)) })
	})
}

// The journal outlives the people: nothing that was ever known of them is in it.
func TestUSR9_NoEventHoldsPersonalData(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		testbed.Everything(w.World)
		marks := []string{"zanzibar", "quetzal", "marker", "secret", "main street", "carrier of dreams"}
		for _, dir := range []*pbx.Directory{w.Dir, w.British, w.Support} {
			for _, e := range testbed.Collect(t, dir.Journal(w.Ctx, pbx.JournalQuery{})) {
				text := strings.ToLower(fmt.Sprintf("%+v", *e))
				for _, m := range marks {
					require.NotContains(t, text, m, "%s", e.Type)
				}
				require.NotContains(t, e.Detail+e.Subject, "@", "%s", e.Type)
			}
		}
	})
}
