package rules_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// primary is the DN of a user's primary service, or "".
func (w *world) primary(user pbx.UserID) pbx.Extension {
	w.t.Helper()
	services, err := w.dir.UserServices(w.ctx, user)
	require.NoError(w.t, err)
	var found pbx.Extension
	for _, has := range services {
		if has.Association.Primary() {
			require.Empty(w.t, found, "exactly one")
			found = has.Service.DN
		}
	}
	require.Equal(w.t, len(services) > 0, found != "")
	return found
}

func TestSVC3_AUserHasEightServicesAtMostSharedOnesCounted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.user("Ann", "Lee", "7001"), w.user("Bob", "Ray", "7002")
		for i := range 4 {
			w.service(ann.ID, pbx.Extension(fmt.Sprint(7100+i)))
			_, err := w.dir.Associate(w.ctx, ann.ID, w.service(bob.ID, pbx.Extension(fmt.Sprint(7200+i))).ID)
			require.NoError(t, err)
		}
		ninth := w.service(bob.ID, "7300")
		e := w.refused(rule.SVC3, pbx.ErrExhausted, func() error { _, err := w.dir.Associate(w.ctx, ann.ID, ninth.ID); return err })
		require.Equal(t, ann.ID.String(), e.Subject.ID)
		w.refused(rule.SVC3, pbx.ErrExhausted, func() error {
			_, err := w.dir.AddService(w.ctx, pbx.NewService{UserID: ann.ID, DN: "7301", DeviceType: "Cisco 8851"})
			return err
		})
		freed := w.lookup("7202")
		require.NoError(t, w.dir.Confirm(rule.SVC5).Disassociate(w.ctx, ann.ID, freed))
		a, err := w.dir.Associate(w.ctx, ann.ID, ninth.ID)
		require.NoError(t, err)
		require.EqualValues(t, 6, a.Slot, "the place that became free")
		w.refused(rule.SVC3, pbx.ErrExhausted, func() error { _, err := w.dir.Associate(w.ctx, ann.ID, freed); return err })
	})
}

func TestSVC3_TheNinthOfABatchIsRefusedAndTheOthersStand(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
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
		services, err := w.dir.UserServices(w.ctx, u.ID)
		require.NoError(t, err)
		require.Len(t, services, 8)
		for i, has := range services {
			require.EqualValues(t, i+1, has.Association.Slot)
		}
	})
}

func TestSVC4_AServiceMayHaveSeveralUsersEachOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.user("Ann", "Lee", "7001"), w.user("Bob", "Ray", "7002")
		s := w.service(pbx.UserID{}, "7101")
		for _, u := range []*pbx.User{ann, bob} {
			a, err := w.dir.Associate(w.ctx, u.ID, s.ID)
			require.NoError(t, err)
			require.Equal(t, u.ID, a.UserID)
			require.Equal(t, s.ID, a.ServiceID)
		}
		of, err := w.dir.ServiceUsers(w.ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"Ann Lee", "Bob Ray"}, names(of))
		e := w.refused(rule.SVC4, pbx.ErrConflict, func() error { _, err := w.dir.Associate(w.ctx, ann.ID, s.ID); return err })
		require.Equal(t, ann.ID.String(), e.Holder.ID)
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.dir.Associate(w.ctx, pbx.UserID{1}, s.ID); return err })
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.dir.Associate(w.ctx, ann.ID, pbx.ServiceID{1}); return err })
		_, err = w.dir.ServiceUsers(w.ctx, pbx.ServiceID{1})
		require.ErrorIs(t, err, pbx.ErrNotFound)
		cid := w.user("Cid", "Fox", "7003")
		e = w.refused(rule.SVC4, pbx.ErrNotFound, func() error { return w.dir.SetPrimary(w.ctx, cid.ID, s.ID) })
		require.Equal(t, "service 7101 is not a service of user Cid Fox", e.Reason)
	})
}

func TestSVC4_ThePictureForChoosingShowsWhatDistinguishesUsers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, err := w.dir.CreateUser(w.ctx, pbx.NewUser{FirstName: "Ann", LastName: "Lee", Email: "ann@example.com", Extension: "7001", Department: "Sales", LocationID: w.boston.ID})
		require.NoError(t, err)
		bob := w.user("Bob", "Lée", "7002")
		w.user("Cid", "Fox", "7003")
		w.service(ann.ID, "7102")
		w.service(ann.ID, "7101")
		for q, want := range map[pbx.UserQuery][]pbx.Choice{
			{LastName: "lee"}: {
				{User: ann.ID, Name: "Ann Lee", Department: "Sales", Location: "BOS-1", DNs: []string{"7102", "7101"}},
				{User: bob.ID, Name: "Bob Lée"},
			},
			{FirstName: "b"}: {{User: bob.ID, Name: "Bob Lée"}},
			{LastName: "x"}:  nil,
		} {
			require.Equal(t, want, collect(t, w.dir.AssociationChoices(w.ctx, q)))
		}
		require.Len(t, collect(t, w.dir.AssociationChoices(w.ctx, pbx.UserQuery{})), 3, "blank shows all")
		for _, err := range w.dir.AssociationChoices(w.ctx, pbx.UserQuery{Page: "x"}) {
			require.ErrorIs(t, err, pbx.ErrInvalid)
		}
		var seen []string
		for c, err := range w.dir.AssociationChoices(w.ctx, pbx.UserQuery{LastName: "lee"}) {
			require.NoError(t, err)
			if seen = append(seen, c.Name); len(seen) == 1 {
				require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, bob.ID, pbx.UserOnly), "somebody deletes the next one")
			}
		}
		require.Equal(t, []string{"Ann Lee", "Bob Lée"}, seen, "the picture is that of the moment at which its page was read")
	})
}

func TestSVC5_DisassociatingIsConfirmedAndBothLiveOn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		s := w.service(u.ID, "7101")
		e := w.refused(rule.SVC5, pbx.ErrUnconfirmed, func() error { return w.dir.Disassociate(w.ctx, u.ID, s.ID) })
		require.Equal(t, s.ID.String(), e.Subject.ID)
		review := w.review(w.dir, func(dir *pbx.Directory) error { return dir.Disassociate(w.ctx, u.ID, s.ID) })
		require.Equal(t, []rule.Code{rule.SVC5}, codes(review.Confirmations))
		require.NoError(t, review.Commit(w.ctx))
		require.Empty(t, w.primary(u.ID))
		_, err := w.dir.User(w.ctx, u.ID)
		require.NoError(t, err)
		read, err := w.dir.Service(w.ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, s.Status, read.Status)
		require.Equal(t, "service 7101", w.reaches("7101"))
		w.refused(rule.SVC4, pbx.ErrNotFound, func() error { return w.dir.Confirm(rule.SVC5).Disassociate(w.ctx, u.ID, s.ID) })
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.dir.Confirm(rule.SVC5).Disassociate(w.ctx, pbx.UserID{1}, s.ID) })
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.dir.Confirm(rule.SVC5).Disassociate(w.ctx, u.ID, pbx.ServiceID{1}) })
	})
}

func TestSVC5_WhoeverGetsTheServiceNextDoesNotShareItsPIN(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.user("Ann", "Lee", "7001"), w.user("Bob", "Roe", "7002")
		own, common, team := w.service(ann.ID, "7101"), w.service(ann.ID, "7102"), w.service(ann.ID, "7103")
		_, err := w.dir.Associate(w.ctx, bob.ID, common.ID)
		require.NoError(t, err)
		w.mailbox(own.ID, pbx.NewMailbox{Email: ann.Email, PIN: rightPIN})
		w.mailbox(common.ID, pbx.NewMailbox{Email: ann.Email, PIN: rightPIN})
		w.mailbox(team.ID, pbx.NewMailbox{Email: "team@example.com"})
		w.wrong(own.ID)
		review := w.review(w.dir, func(dir *pbx.Directory) error {
			for _, s := range []*pbx.Service{team, common, own} {
				if err := dir.Disassociate(w.ctx, ann.ID, s.ID); err != nil {
					return err
				}
			}
			return nil
		})
		require.Equal(t, []rule.Code{rule.SVC5}, codes(review.Warnings))
		require.Equal(t, "mailbox 7102 keeps its PIN, for it is shared with Bob Roe: set another one", review.Warnings[0].Text)
		require.NoError(t, w.dir.CheckPIN(w.ctx, own.ID, rightPIN), "nothing is done yet")
		require.NoError(t, review.Commit(w.ctx))

		for service, email := range map[pbx.ServiceID]string{own.ID: "", common.ID: "", team.ID: "team@example.com"} {
			box, err := w.dir.Mailbox(w.ctx, service)
			require.NoError(t, err)
			require.Equal(t, email, box.Email)
			require.Equal(t, service == common.ID, box.HasPIN())
		}
		_, err = w.dir.Associate(w.ctx, bob.ID, own.ID)
		require.NoError(t, err)
		w.refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.dir.CheckPIN(w.ctx, own.ID, rightPIN) })
		require.NoError(t, w.dir.SetPIN(w.ctx, own.ID, rightPIN))
	})
}

func TestSVC6_AUserWithServicesHasExactlyOnePrimaryOne(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		require.Empty(t, w.primary(u.ID))
		first := w.service(u.ID, "7101")
		require.Equal(t, pbx.Extension("7101"), w.primary(u.ID), "the first one becomes it")
		second := w.service(u.ID, "7102")
		require.Equal(t, pbx.Extension("7101"), w.primary(u.ID))
		require.NoError(t, w.dir.SetPrimary(w.ctx, u.ID, second.ID))
		require.Equal(t, pbx.Extension("7102"), w.primary(u.ID))
		before := w.revision()
		require.NoError(t, w.dir.SetPrimary(w.ctx, u.ID, second.ID))
		require.Equal(t, before, w.revision(), "it was already")
		require.NoError(t, w.dir.DeleteService(w.ctx, first.ID))
		require.Equal(t, pbx.Extension("7102"), w.primary(u.ID))

		theirs := w.service(w.user("Bob", "Ray", "7002").ID, "7103")
		w.refused(rule.SVC4, pbx.ErrNotFound, func() error { return w.dir.SetPrimary(w.ctx, u.ID, theirs.ID) })
		require.NoError(t, w.dir.DeleteService(w.ctx, second.ID), "the only one can go")
		require.Empty(t, w.primary(u.ID))
		_, err := w.dir.Associate(w.ctx, u.ID, theirs.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("7103"), w.primary(u.ID), "a shared one too")
	})
}

func TestSVC6_ThePrimaryOneMovesToAndFroInABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		first, second := w.service(u.ID, "7101"), w.service(u.ID, "7102")
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
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
		u := w.user("Ann", "Lee", "7001")
		first, second := w.service(u.ID, "7101"), w.service(u.ID, "7102")
		confirmed := w.dir.Confirm(rule.SVC5)
		e := w.refused(rule.SVC7, pbx.ErrFailedPrecondition, func() error { return w.dir.Confirm(rule.SVC5).Disassociate(w.ctx, u.ID, first.ID) })
		require.Equal(t, u.ID.String(), e.Holder.ID)
		require.NoError(t, confirmed.Disassociate(w.ctx, u.ID, second.ID))
		require.NoError(t, confirmed.Disassociate(w.ctx, u.ID, first.ID), "alone it can go")
		require.Empty(t, w.primary(u.ID))
	})
}

func TestSVC7_ItHoldsWithinABatchToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		first := w.service(u.ID, "7101")
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
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
