package rules_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// needing are what needs an email address, what needs a user ID, and what needs
// neither.
func needing(email, login bool) pbx.NewForeign {
	in := testbed.MiCollab(map[bool]string{false: "plain", true: "mail"}[email] + map[bool]string{false: "", true: " login"}[login])
	in.Link = "https://micollab.example.com"
	in.NeedsEmail, in.NeedsLogin = email, login
	return in
}

// modified saves a change of a user, as they are now.
func modified(ctx context.Context, dir *pbx.Directory, id pbx.UserID, change func(*pbx.User)) (*pbx.User, error) {
	u, err := dir.User(ctx, id)
	if err != nil {
		return nil, err
	}
	change(u)
	return dir.ModifyUser(ctx, u)
}

func noEmail(u *pbx.User) { u.Email = "" }
func noLogin(u *pbx.User) { u.Login = "" }

func TestUSR14_EmailAndUserIDStayWhileAForeignServiceNeedsThem(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Lee", "7002")
		one, two := w.Service(ann.ID, "7101"), w.Service(ann.ID, "7102")
		_, err := w.Dir.Associate(w.Ctx, bob.ID, two.ID)
		require.NoError(t, err)
		mail := w.attach(one.ID, needing(true, false))
		asked, err := w.Dir.RequestForeign(w.Ctx, two.ID, needing(true, true))
		require.NoError(t, err)
		w.attach(one.ID, needing(false, false))
		for _, c := range []struct {
			user    *pbx.User
			change  func(*pbx.User)
			refused []string
		}{
			{ann, noEmail, []string{"Email " + mail.ID.String(), "Email " + asked.ID.String()}},
			{ann, noLogin, []string{"Login " + asked.ID.String()}},
			{bob, noEmail, []string{"Email " + asked.ID.String()}},
			{bob, noLogin, []string{"Login " + asked.ID.String()}},
		} {
			w.Refused(rule.USR14, pbx.ErrFailedPrecondition, func() error {
				_, err := modified(w.Ctx, w.Dir, c.user.ID, c.change)
				var found []string
				for _, e := range pbx.Errors(err) {
					require.Equal(t, rule.USR14, e.Code)
					require.Equal(t, c.user.ID.String(), e.Subject.ID)
					require.Equal(t, "foreign service", e.Holder.Kind)
					found = append(found, e.Field+" "+e.Holder.ID)
				}
				require.ElementsMatch(t, c.refused, found)
				return err
			})
			_, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				return second(modified(ctx, dir, c.user.ID, c.change))
			})
			require.Equal(t, rule.USR14, pbx.CodeOf(err))
		}
		_, err = modified(w.Ctx, w.Dir, ann.ID, func(u *pbx.User) { u.Email, u.Login = "ann@new.example.com", "ann@new.example.com" })
		require.NoError(t, err, "changing them is not clearing them")
	})
}

func TestUSR14_WhatNoForeignServiceNeedsCanBeCleared(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		line := w.Service(u.ID, "7101")
		w.attach(line.ID, needing(false, false))
		failed, err := w.Dir.RequestForeign(w.Ctx, line.ID, needing(true, true))
		require.NoError(t, err)
		_, err = w.Support.In(w.US.ID).SettleForeign(w.Ctx, failed.ID, pbx.Settlement{State: pbx.ForeignFailed})
		require.NoError(t, err)

		u, err = modified(w.Ctx, w.Dir, u.ID, noEmail)
		require.NoError(t, err)
		require.Empty(t, u.Email)
		require.Equal(t, "ann.lee@example.com", u.Login, "the user ID stays")
		read, err := w.Dir.UserByLogin(w.Ctx, u.Login)
		require.NoError(t, err)
		require.Equal(t, u, read)
		_, err = modified(w.Ctx, w.Dir, u.ID, func(u *pbx.User) { u.Department = "Sales" })
		require.NoError(t, err, "he is modified without one")
	})
}

func TestUSR3_AUserIDThatIsClearedIsTheEmailAddressAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		u, err := modified(w.Ctx, w.Dir, u.ID, func(u *pbx.User) { u.Login = "other@example.com" })
		require.NoError(t, err)
		u, err = modified(w.Ctx, w.Dir, u.ID, noLogin)
		require.NoError(t, err)
		require.Equal(t, "ann.lee@example.com", u.Login)

		bob := w.User("Bob", "Lee", "7002")
		refusal := w.Refused(rule.USR3, pbx.ErrConflict, func() error {
			return second(modified(w.Ctx, w.Dir, bob.ID, func(u *pbx.User) { u.Login, u.Email = "", "ann.lee@example.com" }))
		})
		require.Equal(t, u.ID.String(), refusal.Holder.ID)
		refusal = w.Refused(rule.USR3, pbx.ErrInvalid, func() error {
			return second(modified(w.Ctx, w.Dir, bob.ID, func(u *pbx.User) { u.Login, u.Email = "", "" }))
		})
		require.Equal(t, "Login", refusal.Field, "there is no email address to take its place")
	})
}

func TestUSR12_AUserWithoutAnAddressGetsNoWelcomeMail(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		_, err := modified(w.Ctx, w.Dir, u.ID, noEmail)
		require.NoError(t, err)
		refusal := w.Refused(rule.USR12, pbx.ErrFailedPrecondition, func() error { return w.Dir.SendWelcomeMail(w.Ctx, u.ID) })
		require.Equal(t, u.ID.String(), refusal.Subject.ID)
		require.Equal(t, "Email", refusal.Field)
	})
}

func TestUSR14_AUserWithoutAnEmailAddressGetsNothingThatNeedsOne(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		_, err := modified(w.Ctx, w.Dir, u.ID, noEmail)
		require.NoError(t, err)
		his, other := w.Service(u.ID, "7101"), w.Service(pbx.UserID{}, "7102")
		f := w.attach(other.ID, needing(true, false))
		failed, err := w.Dir.RequestForeign(w.Ctx, other.ID, needing(true, true))
		require.NoError(t, err)
		_, err = w.Support.In(w.US.ID).SettleForeign(w.Ctx, failed.ID, pbx.Settlement{State: pbx.ForeignFailed})
		require.NoError(t, err)
		for what, call := range map[string]func() error{
			"attached":  func() error { return second(w.Dir.AttachForeign(w.Ctx, his.ID, needing(true, false))) },
			"requested": func() error { return second(w.Dir.RequestForeign(w.Ctx, his.ID, needing(true, false))) },
			"with a new line": func() error {
				return second(w.Dir.AddService(w.Ctx, pbx.NewService{
					UserID: u.ID, DN: "7103", DeviceType: "Cisco 8851", Foreign: []pbx.NewForeign{needing(true, false)},
				}))
			},
			"with a line that has one": func() error { return second(w.Dir.Associate(w.Ctx, u.ID, other.ID)) },
		} {
			refusal := w.Refused(rule.USR14, pbx.ErrFailedPrecondition, call)
			require.Equal(t, "Email", refusal.Field, what)
			require.Equal(t, u.ID.String(), refusal.Subject.ID, what)
			require.Equal(t, "foreign service", refusal.Holder.Kind, what)
			require.Equal(t, "mail", refusal.Holder.Name, what)
		}
		w.attach(his.ID, needing(false, true)) // this user has a user ID
		_, err = w.Support.In(w.US.ID).SettleForeign(w.Ctx, f.ID, pbx.Settlement{State: pbx.ForeignGone})
		require.NoError(t, err)
		_, err = w.Dir.Associate(w.Ctx, u.ID, other.ID)
		require.NoError(t, err, "what failed needs nothing")
		w.Refused(rule.USR14, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.RetryForeign(w.Ctx, failed.ID)) })
	})
}
