package rules_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// sharing gives the US tenant Ann, with a line of her own, one that she shares with
// Bob, and an alias. Ann and the alias have credentials.
func (w *world) sharing() (ann, bob *pbx.User, own, common *pbx.Service, alias *pbx.Alias) {
	w.T.Helper()
	ann, bob = w.User("Ann", "Lee", "7001"), w.User("Bob", "Roe", "7002")
	own, common = w.Service(ann.ID, "7101"), w.Service(ann.ID, "7102")
	_, err := w.Dir.Associate(w.Ctx, bob.ID, common.ID)
	require.NoError(w.T, err)
	alias = w.Alias(ann.ID, "Support", "7201")
	w.issue(ann.SIPAddress)
	w.issue(alias.SIPAddress)
	w.mailbox(own.ID, pbx.NewMailbox{PIN: rightPIN})
	w.mailbox(common.ID, pbx.NewMailbox{PIN: rightPIN})
	return ann, bob, own, common, alias
}

func TestUSR13_DisablingStopsWhatServesTheUserAlone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, _, own, common, alias := w.sharing()
		before := w.revision()
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return second(dir.DisableUser(w.Ctx, ann.ID)) })
		require.Equal(t, []rule.Code{rule.USR13}, testbed.Codes(review.Warnings))
		require.Contains(t, review.Warnings[0].Text, "service 7102 goes on for Bob Roe")
		require.True(t, w.has(ann.SIPAddress), "a review changes nothing")

		off, err := w.Dir.DisableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserDisabled, off.State)
		require.Equal(t, ann.ActivatedAt, off.ActivatedAt)
		require.Equal(t, []string{"user.disabled", "user.credentials-ended", "alias.credentials-ended", "service.stopped"}, w.journal(w.Dir, before))
		require.False(t, w.has(ann.SIPAddress))
		require.False(t, w.has(alias.SIPAddress))
		for _, address := range []pbx.SIPAddress{ann.SIPAddress, alias.SIPAddress} {
			e := w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.IssueCredentials(w.Ctx, address)) })
			require.Equal(t, pbx.Ref{Kind: "user", ID: ann.ID.String(), Name: "Ann Lee"}, e.Holder)
		}
		for _, pin := range []pbx.PIN{rightPIN, "000111"} {
			e := w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, own.ID, pin) })
			require.Equal(t, ann.ID.String(), e.Holder.ID)
		}
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, common.ID, rightPIN), "the other goes on")
	})
}

func TestUSR13_AServiceStopsWithTheLastOfItsUsers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob, _, common, _ := w.sharing()
		_, err := w.Dir.DisableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		before := w.revision()
		_, err = w.Dir.DisableUser(w.Ctx, bob.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"user.disabled", "service.stopped"}, w.journal(w.Dir, before))
		w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, common.ID, rightPIN) })
		_, err = w.Dir.EnableUser(w.Ctx, bob.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"user.enabled", "service.resumed"}, w.journal(w.Dir, before+1))
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, common.ID, rightPIN))
		require.NoError(t, w.Dir.Confirm(rule.SVC5).Disassociate(w.Ctx, bob.ID, common.ID))
		w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, common.ID, rightPIN) })
	})
}

func TestUSR13_TheJournalTellsWhenAServiceStopsOrGoesOnBySomebodyWhoJoinsOrLeaves(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob, own, common, _ := w.sharing()
		cid := w.User("Cid", "Fox", "7003")
		_, err := w.Dir.DisableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		last := func(run func() error) string {
			before := w.revision()
			require.NoError(t, run())
			for _, typ := range w.journal(w.Dir, before) {
				if typ == "service.stopped" || typ == "service.resumed" {
					return typ
				}
			}
			return ""
		}
		join := func(u *pbx.User, s *pbx.Service) func() error {
			return func() error { return second(w.Dir.Associate(w.Ctx, u.ID, s.ID)) }
		}
		leave := func(u *pbx.User, s *pbx.Service) func() error {
			return func() error { return w.Dir.Confirm(rule.SVC5).Disassociate(w.Ctx, u.ID, s.ID) }
		}
		require.Empty(t, last(join(cid, common)), "it served Bob already")
		require.Empty(t, last(leave(cid, common)))
		require.Equal(t, "service.resumed", last(join(cid, own)))
		require.Equal(t, "service.stopped", last(leave(cid, own)))
		require.Equal(t, "service.stopped", last(func() error { return w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, bob.ID, pbx.UserOnly) }))
		require.Equal(t, "service.resumed", last(leave(ann, common)), "nobody has it, and it serves whoever is there")
		require.Equal(t, "service.stopped", last(join(ann, common)))
		later, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7109", DeviceType: "Cisco 8851", ActivateLater: true})
		require.NoError(t, err)
		require.Empty(t, last(join(ann, later)), "it does not work yet")
	})
}

func TestUSR13_EnablingDoesNotBringTheOldCredentialsBack(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, _, own, _, alias := w.sharing()
		old := w.issue(ann.SIPAddress)
		require.True(t, w.signsIn(ann.SIPAddress, old))
		_, err := w.Dir.DisableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		before := w.revision()
		on, err := w.Dir.EnableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserActive, on.State)
		require.Equal(t, ann.ActivatedAt, on.ActivatedAt)
		require.Equal(t, []string{"user.enabled", "service.resumed"}, w.journal(w.Dir, before))
		require.False(t, w.has(alias.SIPAddress))
		require.False(t, w.signsIn(ann.SIPAddress, old))
		require.True(t, w.signsIn(ann.SIPAddress, w.issue(ann.SIPAddress)))
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, own.ID, rightPIN))
	})
}

func TestUSR13_OneWhoWasNeverActivatedIsPendingAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := w.setUp(pbx.DeviceID{})
		in.ActivateLater = true
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		u, s := made.User, made.Service
		issue := func() error { return second(w.Dir.IssueCredentials(w.Ctx, u.SIPAddress)) }
		require.Equal(t, u.ID.String(), w.Refused(rule.USR13, pbx.ErrFailedPrecondition, issue).Subject.ID, "nothing works before activation")
		before := w.revision()
		off, err := w.Dir.DisableUser(w.Ctx, u.ID)
		require.NoError(t, err)
		require.True(t, off.ActivatedAt.IsZero())
		require.Equal(t, []string{"user.disabled"}, w.journal(w.Dir, before), "what does not work yet does not stop")
		w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.ActivateUser(w.Ctx, u.ID)) })
		w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.ActivateService(w.Ctx, s.ID)) })
		w.Refused(rule.USR13, pbx.ErrFailedPrecondition, issue)
		on, err := w.Dir.EnableUser(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserPending, on.State)
		_, err = w.Dir.ActivateUser(w.Ctx, u.ID)
		require.NoError(t, err)
		require.NoError(t, issue())
	})
}

func TestUSR13_OnlyOneWhoIsNotDisabledIsDisabledAndOnlyADisabledOneEnabled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		brit, err := w.British.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ben", Email: "ben@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		enable := func() error { return second(w.Dir.EnableUser(w.Ctx, ann.ID)) }
		disable := func() error { return second(w.Dir.DisableUser(w.Ctx, ann.ID)) }
		e := w.Refused(rule.USR13, pbx.ErrFailedPrecondition, enable)
		require.Contains(t, e.Reason, "is active")
		require.NoError(t, disable())
		e = w.Refused(rule.USR13, pbx.ErrFailedPrecondition, disable)
		require.Equal(t, ann.ID.String(), e.Subject.ID)
		for _, id := range []pbx.UserID{brit.ID, {1}} {
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.Dir.DisableUser(w.Ctx, id)) })
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.Dir.EnableUser(w.Ctx, id)) })
		}
		require.NoError(t, enable())
	})
}

func TestUSR13_ADisabledUserKeepsWhatHeHasAndIsBilled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		phone := w.Phone("00:1b:54:00:00:01", "Polycom VVX 450")
		made, err := w.Dir.SetUpUser(w.Ctx, w.setUp(phone.ID))
		require.NoError(t, err)
		before := testbed.Dump(t, w.Store)
		_, err = w.Dir.DisableUser(w.Ctx, made.User.ID)
		require.NoError(t, err)
		after := testbed.Dump(t, w.Store)
		for _, table := range []string{"services", "associations", "extensions", "numbers", "devices", "station_pools", "orders", "order_lines"} {
			require.Empty(t, cmp.Diff(before[table], after[table]), table)
		}
	})
}

func TestUSR13_WhatADisabledUserGetsStartsLater(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		_, err := w.Dir.DisableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.Dir.SendWelcomeMail(w.Ctx, ann.ID) })
		s := w.Service(ann.ID, "7101")
		require.Equal(t, pbx.StatusPendingActivation, s.Status)
		require.True(t, s.ActivatedAt.IsZero())
		activate := func() error { return second(w.Dir.ActivateService(w.Ctx, s.ID)) }
		e := w.Refused(rule.USR13, pbx.ErrFailedPrecondition, activate)
		require.Equal(t, ann.ID.String(), e.Holder.ID)
		bob := w.User("Bob", "Roe", "7002")
		_, err = w.Dir.Associate(w.Ctx, bob.ID, s.ID)
		require.NoError(t, err)
		require.NoError(t, activate(), "for the other")
		before := w.revision()
		_, err = w.Dir.EnableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"user.enabled"}, w.journal(w.Dir, before), "what went on does not resume")
		require.NoError(t, w.Dir.SendWelcomeMail(w.Ctx, ann.ID))
	})
}

func TestUSR13_InABatchAndThroughAReview(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob, _, _, _ := w.sharing()
		err := w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.NoError(t, second(dir.DisableUser(ctx, ann.ID)))
			require.ErrorIs(t, second(dir.DisableUser(ctx, ann.ID)), pbx.ErrFailedPrecondition)
			require.ErrorIs(t, second(dir.IssueCredentials(ctx, ann.SIPAddress)), pbx.ErrFailedPrecondition)
			require.NoError(t, second(dir.DisableUser(ctx, bob.ID)))
			return second(dir.EnableUser(ctx, bob.ID))
		})
		require.NoError(t, err)
		w.Clock = w.Clock.Add(time.Hour)
		review := w.Review(w.Dir, func(dir *pbx.Directory) error {
			if err := second(dir.EnableUser(w.Ctx, ann.ID)); err != nil {
				return err
			}
			return second(dir.IssueCredentials(w.Ctx, ann.SIPAddress))
		})
		require.NoError(t, review.Commit(w.Ctx))
		u, err := w.Dir.User(w.Ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserActive, u.State)
		require.True(t, w.has(ann.SIPAddress))

		review = w.Review(w.Dir, func(dir *pbx.Directory) error { return second(dir.DisableUser(w.Ctx, ann.ID)) })
		w.issue(ann.SIPAddress)
		require.NoError(t, review.Commit(w.Ctx), "it ends other credentials than were reviewed, and ends them all the same")
		require.False(t, w.has(ann.SIPAddress))
	})
}
