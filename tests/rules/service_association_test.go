package rules_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// primary is the DN of a user's primary service, or "".
func (w *world) primary(user pbx.UserID) pbx.Extension {
	w.T.Helper()
	services, err := w.Dir.UserServices(w.Ctx, user)
	require.NoError(w.T, err)
	var found pbx.Extension
	for _, has := range services {
		if has.Association.Primary() {
			require.Empty(w.T, found, "exactly one")
			found = has.Service.DN
		}
	}
	require.Equal(w.T, len(services) > 0, found != "")
	return found
}

func TestSVC3_AUserHasEightServicesAtMostSharedOnesCounted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Ray", "7002")
		for i := range 4 {
			w.Service(ann.ID, pbx.Extension(fmt.Sprint(7100+i)))
			_, err := w.Dir.Associate(w.Ctx, ann.ID, w.Service(bob.ID, pbx.Extension(fmt.Sprint(7200+i))).ID)
			require.NoError(t, err)
		}
		ninth := w.Service(bob.ID, "7300")
		e := w.Refused(rule.SVC3, pbx.ErrExhausted, func() error { _, err := w.Dir.Associate(w.Ctx, ann.ID, ninth.ID); return err })
		require.Equal(t, ann.ID.String(), e.Subject.ID)
		w.Refused(rule.SVC3, pbx.ErrExhausted, func() error {
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann.ID, DN: "7301", DeviceType: "Cisco 8851"})
			return err
		})
		freed := w.lookup("7202")
		require.NoError(t, w.Dir.Confirm(rule.SVC5).Disassociate(w.Ctx, ann.ID, freed))
		a, err := w.Dir.Associate(w.Ctx, ann.ID, ninth.ID)
		require.NoError(t, err)
		require.EqualValues(t, 6, a.Slot, "the place that became free")
		w.Refused(rule.SVC3, pbx.ErrExhausted, func() error { _, err := w.Dir.Associate(w.Ctx, ann.ID, freed); return err })
	})
}

func TestSVC3_TheNinthOfABatchIsRefusedAndTheOthersStand(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range 9 {
				_, err := dir.AddService(ctx, pbx.NewService{UserID: u.ID, Type: "FREE", DeviceType: "Cisco 8851"})
				if i == 8 {
					require.ErrorIs(t, err, pbx.ErrExhausted)
					return nil
				}
				require.NoError(t, err)
			}
			return nil
		}))
		services, err := w.Dir.UserServices(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Len(t, services, 8)
		for i, has := range services {
			require.EqualValues(t, i+1, has.Association.Slot)
		}
	})
}

func TestSVC4_AServiceMayHaveSeveralUsersEachOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Ray", "7002")
		s := w.Service(pbx.UserID{}, "7101")
		for _, u := range []*pbx.User{ann, bob} {
			a, err := w.Dir.Associate(w.Ctx, u.ID, s.ID)
			require.NoError(t, err)
			require.Equal(t, u.ID, a.UserID)
			require.Equal(t, s.ID, a.ServiceID)
		}
		of, err := w.Dir.ServiceUsers(w.Ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"Ann Lee", "Bob Ray"}, names(of))
		e := w.Refused(rule.SVC4, pbx.ErrConflict, func() error { _, err := w.Dir.Associate(w.Ctx, ann.ID, s.ID); return err })
		require.Equal(t, ann.ID.String(), e.Holder.ID)
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Associate(w.Ctx, pbx.UserID{1}, s.ID); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Associate(w.Ctx, ann.ID, pbx.ServiceID{1}); return err })
		_, err = w.Dir.ServiceUsers(w.Ctx, pbx.ServiceID{1})
		require.ErrorIs(t, err, pbx.ErrNotFound)
		cid := w.User("Cid", "Fox", "7003")
		e = w.Refused(rule.SVC4, pbx.ErrNotFound, func() error { return w.Dir.SetPrimary(w.Ctx, cid.ID, s.ID) })
		require.Equal(t, "service 7101 is not a service of user Cid Fox", e.Reason)
	})
}

func TestSVC4_ThePictureForChoosingShowsWhatDistinguishesUsers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", LastName: "Lee", Email: "ann@example.com", Extension: "7001", Department: "Sales", LocationID: w.Boston.ID})
		require.NoError(t, err)
		bob := w.User("Bob", "Lée", "7002")
		w.User("Cid", "Fox", "7003")
		w.Service(ann.ID, "7102")
		w.Service(ann.ID, "7101")
		for q, want := range map[pbx.UserQuery][]pbx.Choice{
			{LastName: "lee"}: {
				{User: ann.ID, Name: "Ann Lee", Department: "Sales", Location: "BOS-1", DNs: []string{"7102", "7101"}},
				{User: bob.ID, Name: "Bob Lée"},
			},
			{FirstName: "b"}: {{User: bob.ID, Name: "Bob Lée"}},
			{LastName: "x"}:  nil,
		} {
			require.Equal(t, want, testbed.Collect(t, w.Dir.AssociationChoices(w.Ctx, q)))
		}
		require.Len(t, testbed.Collect(t, w.Dir.AssociationChoices(w.Ctx, pbx.UserQuery{})), 3, "blank shows all")
		for _, err := range w.Dir.AssociationChoices(w.Ctx, pbx.UserQuery{Page: "x"}) {
			require.ErrorIs(t, err, pbx.ErrInvalid)
		}
		var seen []string
		for c, err := range w.Dir.AssociationChoices(w.Ctx, pbx.UserQuery{LastName: "lee"}) {
			require.NoError(t, err)
			if seen = append(seen, c.Name); len(seen) == 1 {
				require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, bob.ID, pbx.UserOnly), "somebody deletes the next one")
			}
		}
		require.Equal(t, []string{"Ann Lee", "Bob Lée"}, seen, "the picture is that of the moment at which its page was read")
	})
}

func TestSVC5_DisassociatingIsConfirmedAndBothLiveOn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		s := w.Service(u.ID, "7101")
		e := w.Refused(rule.SVC5, pbx.ErrUnconfirmed, func() error { return w.Dir.Disassociate(w.Ctx, u.ID, s.ID) })
		require.Equal(t, s.ID.String(), e.Subject.ID)
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.Disassociate(w.Ctx, u.ID, s.ID) })
		require.Equal(t, []rule.Code{rule.SVC5}, testbed.Codes(review.Confirmations))
		require.NoError(t, review.Commit(w.Ctx))
		require.Empty(t, w.primary(u.ID))
		_, err := w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		read, err := w.Dir.Service(w.Ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, s.Status, read.Status)
		require.Equal(t, "service 7101", w.reaches("7101"))
		w.Refused(rule.SVC4, pbx.ErrNotFound, func() error { return w.Dir.Confirm(rule.SVC5).Disassociate(w.Ctx, u.ID, s.ID) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.Confirm(rule.SVC5).Disassociate(w.Ctx, pbx.UserID{1}, s.ID) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.Confirm(rule.SVC5).Disassociate(w.Ctx, u.ID, pbx.ServiceID{1}) })
	})
}

func TestSVC5_WhoeverGetsTheServiceNextDoesNotShareItsPIN(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Roe", "7002")
		own, common, team := w.Service(ann.ID, "7101"), w.Service(ann.ID, "7102"), w.Service(ann.ID, "7103")
		_, err := w.Dir.Associate(w.Ctx, bob.ID, common.ID)
		require.NoError(t, err)
		w.mailbox(own.ID, pbx.NewMailbox{Email: ann.Email, PIN: rightPIN})
		w.mailbox(common.ID, pbx.NewMailbox{Email: ann.Email, PIN: rightPIN})
		w.mailbox(team.ID, pbx.NewMailbox{Email: "team@example.com"})
		w.wrong(own.ID)
		review := w.Review(w.Dir, func(dir *pbx.Directory) error {
			for _, s := range []*pbx.Service{team, common, own} {
				if err := dir.Disassociate(w.Ctx, ann.ID, s.ID); err != nil {
					return err
				}
			}
			return nil
		})
		require.Equal(t, []rule.Code{rule.SVC5}, testbed.Codes(review.Warnings))
		require.Equal(t, "mailbox 7102 keeps its PIN, for it is shared with Bob Roe: set another one", review.Warnings[0].Text)
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, own.ID, rightPIN), "nothing is done yet")
		require.NoError(t, review.Commit(w.Ctx))

		for service, email := range map[pbx.ServiceID]string{own.ID: "", common.ID: "", team.ID: "team@example.com"} {
			box, err := w.Dir.Mailbox(w.Ctx, service)
			require.NoError(t, err)
			require.Equal(t, email, box.Email)
			require.Equal(t, service == common.ID, box.HasPIN())
		}
		_, err = w.Dir.Associate(w.Ctx, bob.ID, own.ID)
		require.NoError(t, err)
		w.Refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, own.ID, rightPIN) })
		require.NoError(t, w.Dir.SetPIN(w.Ctx, own.ID, rightPIN))
	})
}

func TestSVC6_AUserWithServicesHasExactlyOnePrimaryOne(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		require.Empty(t, w.primary(u.ID))
		first := w.Service(u.ID, "7101")
		require.Equal(t, pbx.Extension("7101"), w.primary(u.ID), "the first one becomes it")
		second := w.Service(u.ID, "7102")
		require.Equal(t, pbx.Extension("7101"), w.primary(u.ID))
		require.NoError(t, w.Dir.SetPrimary(w.Ctx, u.ID, second.ID))
		require.Equal(t, pbx.Extension("7102"), w.primary(u.ID))
		before := w.revision()
		require.NoError(t, w.Dir.SetPrimary(w.Ctx, u.ID, second.ID))
		require.Equal(t, before, w.revision(), "it was already")
		require.NoError(t, w.Dir.DeleteService(w.Ctx, first.ID))
		require.Equal(t, pbx.Extension("7102"), w.primary(u.ID))

		theirs := w.Service(w.User("Bob", "Ray", "7002").ID, "7103")
		w.Refused(rule.SVC4, pbx.ErrNotFound, func() error { return w.Dir.SetPrimary(w.Ctx, u.ID, theirs.ID) })
		require.NoError(t, w.Dir.DeleteService(w.Ctx, second.ID), "the only one can go")
		require.Empty(t, w.primary(u.ID))
		_, err := w.Dir.Associate(w.Ctx, u.ID, theirs.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("7103"), w.primary(u.ID), "a shared one too")
	})
}

func TestSVC6_ThePrimaryOneMovesToAndFroInABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		first, second := w.Service(u.ID, "7101"), w.Service(u.ID, "7102")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for _, id := range []pbx.ServiceID{second.ID, first.ID, second.ID} {
				if err := dir.SetPrimary(ctx, u.ID, id); err != nil {
					return err
				}
			}
			if err := dir.Confirm(rule.SVC5).Disassociate(ctx, u.ID, first.ID); err != nil {
				return err
			}
			_, err := dir.Associate(ctx, u.ID, first.ID)
			return err
		}))
		require.Equal(t, pbx.Extension("7102"), w.primary(u.ID))
	})
}

func TestSVC7_ThePrimaryServiceIsNotDisassociatedWhileThereAreOthers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		first, second := w.Service(u.ID, "7101"), w.Service(u.ID, "7102")
		confirmed := w.Dir.Confirm(rule.SVC5)
		e := w.Refused(rule.SVC7, pbx.ErrFailedPrecondition, func() error { return w.Dir.Confirm(rule.SVC5).Disassociate(w.Ctx, u.ID, first.ID) })
		require.Equal(t, u.ID.String(), e.Holder.ID)
		require.NoError(t, confirmed.Disassociate(w.Ctx, u.ID, second.ID))
		require.NoError(t, confirmed.Disassociate(w.Ctx, u.ID, first.ID), "alone it can go")
		require.Empty(t, w.primary(u.ID))
	})
}

func TestSVC7_ItHoldsWithinABatchToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		first := w.Service(u.ID, "7101")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			dir = dir.Confirm(rule.SVC5)
			second, err := dir.AddService(ctx, pbx.NewService{UserID: u.ID, DN: "7102", DeviceType: "Cisco 8851"})
			require.NoError(t, err)
			require.ErrorIs(t, dir.Disassociate(ctx, u.ID, first.ID), pbx.ErrFailedPrecondition)
			require.NoError(t, dir.SetPrimary(ctx, u.ID, second.ID))
			return dir.Disassociate(ctx, u.ID, first.ID)
		}))
		require.Equal(t, pbx.Extension("7102"), w.primary(u.ID))
	})
}
