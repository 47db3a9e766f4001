package rules_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// sharing gives the US tenant Ann, with a line of her own, one that she shares with
// Bob, and an alias. Ann and the alias have credentials.
func (w *world) sharing() (ann, bob *pbx.User, own, common *pbx.Service, alias *pbx.Alias) {
	w.t.Helper()
	ann, bob = w.user("Ann", "Lee", "7001"), w.user("Bob", "Roe", "7002")
	own, common = w.service(ann.ID, "7101"), w.service(ann.ID, "7102")
	_, err := w.dir.Associate(w.ctx, bob.ID, common.ID)
	require.NoError(w.t, err)
	alias = w.alias(ann.ID, "Support", "7201")
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
		review := w.review(w.dir, func(dir *pbx.Directory) error { return second(dir.DisableUser(w.ctx, ann.ID)) })
		require.Equal(t, []rule.Code{rule.USR13}, codes(review.Warnings))
		require.Contains(t, review.Warnings[0].Text, "service 7102 goes on for Bob Roe")
		require.True(t, w.has(ann.SIPAddress), "a review changes nothing")

		off, err := w.dir.DisableUser(w.ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserDisabled, off.State)
		require.Equal(t, ann.ActivatedAt, off.ActivatedAt)
		require.Equal(t, []string{"user.disabled", "user.credentials-ended", "alias.credentials-ended", "service.stopped"}, w.journal(w.dir, before))
		require.False(t, w.has(ann.SIPAddress))
		require.False(t, w.has(alias.SIPAddress))
		for _, address := range []pbx.SIPAddress{ann.SIPAddress, alias.SIPAddress} {
			e := w.refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return second(w.dir.IssueCredentials(w.ctx, address)) })
			require.Equal(t, pbx.Ref{Kind: "user", ID: ann.ID.String(), Name: "Ann Lee"}, e.Holder)
		}
		for _, pin := range []pbx.PIN{rightPIN, "000111"} {
			e := w.refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.dir.CheckPIN(w.ctx, own.ID, pin) })
			require.Equal(t, ann.ID.String(), e.Holder.ID)
		}
		require.NoError(t, w.dir.CheckPIN(w.ctx, common.ID, rightPIN), "the other goes on")
	})
}

func TestUSR13_AServiceStopsWithTheLastOfItsUsers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob, _, common, _ := w.sharing()
		_, err := w.dir.DisableUser(w.ctx, ann.ID)
		require.NoError(t, err)
		before := w.revision()
		_, err = w.dir.DisableUser(w.ctx, bob.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"user.disabled", "service.stopped"}, w.journal(w.dir, before))
		w.refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.dir.CheckPIN(w.ctx, common.ID, rightPIN) })
		_, err = w.dir.EnableUser(w.ctx, bob.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"user.enabled", "service.resumed"}, w.journal(w.dir, before+1))
		require.NoError(t, w.dir.CheckPIN(w.ctx, common.ID, rightPIN))
		require.NoError(t, w.dir.Confirm(rule.SVC5).Disassociate(w.ctx, bob.ID, common.ID))
		w.refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.dir.CheckPIN(w.ctx, common.ID, rightPIN) })
	})
}

func TestUSR13_TheJournalTellsWhenAServiceStopsOrGoesOnBySomebodyWhoJoinsOrLeaves(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob, own, common, _ := w.sharing()
		cid := w.user("Cid", "Fox", "7003")
		_, err := w.dir.DisableUser(w.ctx, ann.ID)
		require.NoError(t, err)
		last := func(run func() error) string {
			before := w.revision()
			require.NoError(t, run())
			for _, typ := range w.journal(w.dir, before) {
				if typ == "service.stopped" || typ == "service.resumed" {
					return typ
				}
			}
			return ""
		}
		join := func(u *pbx.User, s *pbx.Service) func() error {
			return func() error { return second(w.dir.Associate(w.ctx, u.ID, s.ID)) }
		}
		leave := func(u *pbx.User, s *pbx.Service) func() error {
			return func() error { return w.dir.Confirm(rule.SVC5).Disassociate(w.ctx, u.ID, s.ID) }
		}
		require.Empty(t, last(join(cid, common)), "it served Bob already")
		require.Empty(t, last(leave(cid, common)))
		require.Equal(t, "service.resumed", last(join(cid, own)))
		require.Equal(t, "service.stopped", last(leave(cid, own)))
		require.Equal(t, "service.stopped", last(func() error { return w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, bob.ID, pbx.UserOnly) }))
		require.Equal(t, "service.resumed", last(leave(ann, common)), "nobody has it, and it serves whoever is there")
		require.Equal(t, "service.stopped", last(join(ann, common)))
		later, err := w.dir.AddService(w.ctx, pbx.NewService{DN: "7109", DeviceType: "Cisco 8851", ActivateLater: true})
		require.NoError(t, err)
		require.Empty(t, last(join(ann, later)), "it does not work yet")
	})
}

func TestUSR13_EnablingDoesNotBringTheOldCredentialsBack(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, _, own, _, alias := w.sharing()
		old := w.issue(ann.SIPAddress)
		require.True(t, w.signsIn(ann.SIPAddress, old))
		_, err := w.dir.DisableUser(w.ctx, ann.ID)
		require.NoError(t, err)
		before := w.revision()
		on, err := w.dir.EnableUser(w.ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserActive, on.State)
		require.Equal(t, ann.ActivatedAt, on.ActivatedAt)
		require.Equal(t, []string{"user.enabled", "service.resumed"}, w.journal(w.dir, before))
		require.False(t, w.has(alias.SIPAddress))
		require.False(t, w.signsIn(ann.SIPAddress, old))
		require.True(t, w.signsIn(ann.SIPAddress, w.issue(ann.SIPAddress)))
		require.NoError(t, w.dir.CheckPIN(w.ctx, own.ID, rightPIN))
	})
}

func TestUSR13_OneWhoWasNeverActivatedIsPendingAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := w.setUp(pbx.DeviceID{})
		in.ActivateLater = true
		made, err := w.dir.SetUpUser(w.ctx, in)
		require.NoError(t, err)
		u, s := made.User, made.Service
		issue := func() error { return second(w.dir.IssueCredentials(w.ctx, u.SIPAddress)) }
		require.Equal(t, u.ID.String(), w.refused(rule.USR13, pbx.ErrFailedPrecondition, issue).Subject.ID, "nothing works before activation")
		before := w.revision()
		off, err := w.dir.DisableUser(w.ctx, u.ID)
		require.NoError(t, err)
		require.True(t, off.ActivatedAt.IsZero())
		require.Equal(t, []string{"user.disabled"}, w.journal(w.dir, before), "what does not work yet does not stop")
		w.refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return second(w.dir.ActivateUser(w.ctx, u.ID)) })
		w.refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return second(w.dir.ActivateService(w.ctx, s.ID)) })
		w.refused(rule.USR13, pbx.ErrFailedPrecondition, issue)
		on, err := w.dir.EnableUser(w.ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserPending, on.State)
		_, err = w.dir.ActivateUser(w.ctx, u.ID)
		require.NoError(t, err)
		require.NoError(t, issue())
	})
}

func TestUSR13_OnlyOneWhoIsNotDisabledIsDisabledAndOnlyADisabledOneEnabled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		brit, err := w.british.CreateUser(w.ctx, pbx.NewUser{FirstName: "Ben", Email: "ben@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		enable := func() error { return second(w.dir.EnableUser(w.ctx, ann.ID)) }
		disable := func() error { return second(w.dir.DisableUser(w.ctx, ann.ID)) }
		e := w.refused(rule.USR13, pbx.ErrFailedPrecondition, enable)
		require.Contains(t, e.Reason, "is active")
		require.NoError(t, disable())
		e = w.refused(rule.USR13, pbx.ErrFailedPrecondition, disable)
		require.Equal(t, ann.ID.String(), e.Subject.ID)
		for _, id := range []pbx.UserID{brit.ID, {1}} {
			w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.dir.DisableUser(w.ctx, id)) })
			w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.dir.EnableUser(w.ctx, id)) })
		}
		require.NoError(t, enable())
	})
}

func TestUSR13_ADisabledUserKeepsWhatHeHasAndIsBilled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		phone := w.phone("00:1b:54:00:00:01", "Polycom VVX 450")
		made, err := w.dir.SetUpUser(w.ctx, w.setUp(phone.ID))
		require.NoError(t, err)
		before := dump(t, w.store)
		_, err = w.dir.DisableUser(w.ctx, made.User.ID)
		require.NoError(t, err)
		after := dump(t, w.store)
		for _, table := range []string{"services", "associations", "extensions", "numbers", "devices", "station_pools", "orders", "order_lines"} {
			require.Empty(t, cmp.Diff(before[table], after[table]), table)
		}
	})
}

func TestUSR13_WhatADisabledUserGetsStartsLater(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		_, err := w.dir.DisableUser(w.ctx, ann.ID)
		require.NoError(t, err)
		w.refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.dir.SendWelcomeMail(w.ctx, ann.ID) })
		s := w.service(ann.ID, "7101")
		require.Equal(t, pbx.StatusPendingActivation, s.Status)
		require.True(t, s.ActivatedAt.IsZero())
		activate := func() error { return second(w.dir.ActivateService(w.ctx, s.ID)) }
		e := w.refused(rule.USR13, pbx.ErrFailedPrecondition, activate)
		require.Equal(t, ann.ID.String(), e.Holder.ID)
		bob := w.user("Bob", "Roe", "7002")
		_, err = w.dir.Associate(w.ctx, bob.ID, s.ID)
		require.NoError(t, err)
		require.NoError(t, activate(), "for the other")
		before := w.revision()
		_, err = w.dir.EnableUser(w.ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"user.enabled"}, w.journal(w.dir, before), "what went on does not resume")
		require.NoError(t, w.dir.SendWelcomeMail(w.ctx, ann.ID))
	})
}

func TestUSR13_InABatchAndThroughAReview(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob, _, _, _ := w.sharing()
		err := w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.NoError(t, second(dir.DisableUser(ctx, ann.ID)))
			require.ErrorIs(t, second(dir.DisableUser(ctx, ann.ID)), pbx.ErrFailedPrecondition)
			require.ErrorIs(t, second(dir.IssueCredentials(ctx, ann.SIPAddress)), pbx.ErrFailedPrecondition)
			require.NoError(t, second(dir.DisableUser(ctx, bob.ID)))
			return second(dir.EnableUser(ctx, bob.ID))
		})
		require.NoError(t, err)
		w.clock = w.clock.Add(time.Hour)
		review := w.review(w.dir, func(dir *pbx.Directory) error {
			if err := second(dir.EnableUser(w.ctx, ann.ID)); err != nil {
				return err
			}
			return second(dir.IssueCredentials(w.ctx, ann.SIPAddress))
		})
		require.NoError(t, review.Commit(w.ctx))
		u, err := w.dir.User(w.ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserActive, u.State)
		require.True(t, w.has(ann.SIPAddress))

		review = w.review(w.dir, func(dir *pbx.Directory) error { return second(dir.DisableUser(w.ctx, ann.ID)) })
		w.issue(ann.SIPAddress)
		require.NoError(t, review.Commit(w.ctx), "it ends other credentials than were reviewed, and ends them all the same")
		require.False(t, w.has(ann.SIPAddress))
	})
}
