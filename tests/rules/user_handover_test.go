package rules_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// leaver is a user with everything, whose words are found again.
func (w *world) leaver() *pbx.Provisioned {
	w.t.Helper()
	phone := w.phone("00:1b:54:00:00:01", "Polycom VVX 450")
	in := w.setUp(phone.ID)
	in.FirstName, in.LastName, in.Email, in.Login = "Zanzibar", "Quetzal", "zanzibar@quetzal.example", "quetzal@zanzibar.example"
	in.Mobile, in.SIPAddress = "+447700900123", "quetzal@acme.example.com"
	made, err := w.dir.SetUpUser(w.ctx, in)
	require.NoError(w.t, err)
	w.mailbox(made.Service.ID, pbx.NewMailbox{Email: "Zanzibar@Quetzal.example", PIN: rightPIN})
	w.issue(made.User.SIPAddress)
	return made
}

var ina = pbx.Successor{FirstName: "Ina", LastName: "Moe", Email: "ina@example.com"}

func TestUSR15_AUserIsHandedOverWithEverythingHeWorksWith(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		support := w.alias(made.User.ID, "Support", "7503")
		w.issue(support.SIPAddress)
		group := w.group("Sales", "7601")
		require.NoError(t, w.dir.AddMember(w.ctx, group.ID, pbx.UserMember(made.User.ID)))
		before, rev := dump(t, w.store), w.revision()

		u, err := w.dir.HandOver(w.ctx, made.User.ID, ina)
		require.NoError(t, err)
		want := *made.User
		want.Rev, want.FirstName, want.LastName, want.Email, want.Login = u.Rev, "Ina", "Moe", "ina@example.com", "ina@example.com"
		want.Mobile, want.SIPAddress = "", "ina@acme.example.com"
		require.Empty(t, cmp.Diff(&want, u, cmp.AllowUnexported(pbx.User{}), cmp.FilterPath(func(p cmp.Path) bool {
			return strings.HasSuffix(p.String(), "Folded")
		}, cmp.Ignore())))
		after := dump(t, w.store)
		for _, table := range []string{
			"services", "associations", "extensions", "numbers", "devices", "station_pools", "orders", "order_lines", "owners", "aliases", "call_group_members",
		} {
			require.Empty(t, cmp.Diff(before[table], after[table]), table)
		}
		require.Equal(t, []string{
			"user.credentials-ended", "user.handed-over", "alias.credentials-ended", "mailbox.modified", "mailbox.pin-cleared", "user.welcome-mail",
		}, w.journal(w.dir, rev))
		found, err := w.dir.UserByLogin(w.ctx, "INA@example.com")
		require.NoError(t, err)
		require.Equal(t, u.ID, found.ID)
		require.Len(t, collect(t, w.dir.Users(w.ctx, pbx.UserQuery{LastName: "moe"})), 1)
	})
}

func TestUSR15_CredentialsAndPINOfTheOldPersonEnd(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		support := w.alias(made.User.ID, "Support", "")
		w.issue(support.SIPAddress)
		to := ina
		to.SIPAddress = made.User.SIPAddress // the address of a post, not of a person
		old := w.issue(made.User.SIPAddress)
		_, err := w.dir.HandOver(w.ctx, made.User.ID, to)
		require.NoError(t, err)
		require.False(t, w.signsIn(made.User.SIPAddress, old))
		require.False(t, w.has(support.SIPAddress))
		w.refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.dir.CheckPIN(w.ctx, made.Service.ID, rightPIN) })
		box, err := w.dir.Mailbox(w.ctx, made.Service.ID)
		require.NoError(t, err)
		require.False(t, box.HasPIN())
		require.Equal(t, "ina@example.com", box.Email)
		require.NoError(t, w.dir.SetPIN(w.ctx, made.Service.ID, rightPIN))
		w.issue(made.User.SIPAddress)
	})
}

func TestUSR15_NothingOfTheOldPersonIsLeftAnywhere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		other := w.user("Bob", "Roe", "7002")
		common, err := w.dir.AddService(w.ctx, pbx.NewService{UserID: made.User.ID, DN: "7300", DeviceType: "Cisco 8851"})
		require.NoError(t, err)
		_, err = w.dir.Associate(w.ctx, other.ID, common.ID)
		require.NoError(t, err)
		w.mailbox(common.ID, pbx.NewMailbox{Email: made.User.Login, PIN: rightPIN})
		review := w.review(w.dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.ctx, made.User.ID, ina)) })
		require.Len(t, review.Warnings, 1)
		require.Equal(t, rule.USR15, review.Warnings[0].Code)
		require.Contains(t, review.Warnings[0].Text, "mailbox 7300 keeps its PIN, for it is shared with Bob Roe")
		require.NoError(t, review.Commit(w.ctx))
		require.NoError(t, w.dir.CheckPIN(w.ctx, common.ID, rightPIN), "a shared one lets the others in")

		for table, rows := range dump(t, w.store) {
			for _, row := range rows {
				for _, word := range []string{"zanzibar", "quetzal", "7700900123"} {
					require.NotContains(t, strings.ToLower(row), word, table)
				}
			}
		}
	})
}

func TestUSR15_ItWarnsOfWhatMayNameTheOldPersonOrLetHimIn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		w.alias(made.User.ID, "Quetzal Care", "")
		s, err := w.dir.Service(w.ctx, made.Service.ID)
		require.NoError(t, err)
		s.Name = "Quetzal's line"
		s, err = w.dir.ModifyService(w.ctx, s)
		require.NoError(t, err)
		s, err = w.dir.SetKeys(w.ctx, s.ID, s.Rev, []pbx.PhoneKey{{Position: 3, Kind: pbx.KeySpeedDial, Label: "Home", Target: "+16175550142"}})
		require.NoError(t, err)
		box, err := w.dir.Mailbox(w.ctx, s.ID)
		require.NoError(t, err)
		box.Email = "team@example.com"
		_, err = w.dir.ModifyMailbox(w.ctx, box)
		require.NoError(t, err)
		for _, principal := range []pbx.Principal{"Quetzal", "zanzibar@quetzal.example", "kate"} {
			_, err = w.dir.AddOwner(w.ctx, string(s.Number)[2:], principal)
			require.NoError(t, err)
		}
		review := w.review(w.dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.ctx, made.User.ID, ina)) })
		var texts []string
		for _, n := range review.Warnings {
			require.Equal(t, rule.USR15, n.Code)
			texts = append(texts, n.Text)
		}
		about := "service Quetzal's line (" + string(s.DN) + ")"
		require.Equal(t, []string{
			"alias Quetzal Care stays, with its name and its SIP address quetzal.care@acme.example.com",
			about + " stays, with its name",
			"the programmed keys of " + about + " stay, with their labels",
			"mailbox " + string(s.DN) + " goes on announcing its messages to team@example.com",
			"Quetzal is an owner of " + about + " still",
			"zanzibar@quetzal.example is an owner of " + about + " still",
		}, texts)
	})
}

func TestUSR15_ASuccessorsBadFieldsAreReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		other := w.user("Bob", "Roe", "7002")
		brit, err := w.british.CreateUser(w.ctx, pbx.NewUser{FirstName: "Ben", Email: "ben@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		fields := func(to pbx.Successor) []string {
			var list []string
			before := dump(t, w.store)
			_, err := w.dir.HandOver(w.ctx, made.User.ID, to)
			require.Error(t, err)
			require.Empty(t, cmp.Diff(before, dump(t, w.store)))
			for _, e := range pbx.Errors(err) {
				list = append(list, string(e.Code)+" "+e.Field)
			}
			return list
		}
		require.Equal(t, []string{"USR-1 Name", "USR-1 Email"}, fields(pbx.Successor{}))
		require.Equal(t, []string{"USR-1 FirstName", "USR-1 Email", "USR-5 Mobile", "USR-3 Login", "EXT-6 SIPAddress"}, fields(pbx.Successor{
			FirstName: " x", Email: "x", Login: "y", Mobile: "0", SIPAddress: "ina@example.com",
		}))
		require.Equal(t, []string{"USR-3 Login", "EXT-6 SIPAddress"}, fields(pbx.Successor{
			FirstName: "X", Email: "x@example.com", Login: strings.ToUpper(other.Login), SIPAddress: other.SIPAddress,
		}))
		to := ina
		to.Login = brit.Login
		e := w.refused(rule.USR3, pbx.ErrConflict, func() error { return second(w.dir.HandOver(w.ctx, made.User.ID, to)) })
		require.Zero(t, e.Holder, "another tenant's is taken, and not said by whom")
		for _, id := range []pbx.UserID{brit.ID, {1}} {
			w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.dir.HandOver(w.ctx, id, ina)) })
		}
		owner := w.support.As(pbx.LineOwner("kate", w.us.ID))
		w.refused(rule.OWN6, pbx.ErrDenied, func() error { return second(owner.HandOver(w.ctx, made.User.ID, ina)) })
	})
}

func TestUSR15_TheUserIDAndTheSIPAddressOfAPostCanStay(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		desk, err := w.dir.CreateUser(w.ctx, pbx.NewUser{FirstName: "Ann", Email: "desk@example.com", Extension: "7001"})
		require.NoError(t, err)
		u, err := w.dir.HandOver(w.ctx, desk.ID, pbx.Successor{FirstName: "Bob", Email: "desk@example.com", Mobile: "+16175550198"})
		require.NoError(t, err)
		require.Equal(t, "desk@example.com", u.Login)
		require.Equal(t, desk.SIPAddress, u.SIPAddress, "generated, it is the same again")
		require.Equal(t, pbx.E164("+16175550198"), u.Mobile)
		w.user("Cid", "Roe", "7002")
		u, err = w.dir.HandOver(w.ctx, desk.ID, pbx.Successor{FirstName: "Cid", Email: "cid.roe@example.org"})
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("cid.roe-7001@acme.example.com"), u.SIPAddress, "with the main extension where that is taken")
	})
}

func TestUSR15_AStaleViewIsNotHandedOver(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		to := ina
		to.Rev = u.Rev
		u.Department = "Sales"
		_, err := w.dir.ModifyUser(w.ctx, u)
		require.NoError(t, err)
		var now *pbx.User
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			given, err := w.dir.HandOver(w.ctx, u.ID, to)
			require.Nil(t, given)
			now = inStale[*pbx.User](t, err)
			return err
		})
		require.Equal(t, "Sales", now.Department)
		to.Rev = now.Rev
		_, err = w.dir.HandOver(w.ctx, u.ID, to)
		require.NoError(t, err)
	})
}

func TestUSR12_ADisabledUserGetsNoWelcomeMail(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		_, err := w.dir.DisableUser(w.ctx, made.User.ID)
		require.NoError(t, err)
		w.refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.dir.SendWelcomeMail(w.ctx, made.User.ID) })
		review := w.review(w.dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.ctx, made.User.ID, ina)) })
		require.Contains(t, codes(review.Warnings), rule.USR12)
		before := w.revision()
		require.NoError(t, review.Commit(w.ctx), "and it goes through")
		require.NotContains(t, w.journal(w.dir, before), "user.welcome-mail")
	})
}

func TestUSR15_TheWelcomeMailIsSentUnlessItIsLeftOutOrHeIsDisabled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		quiet := ina
		quiet.NoWelcomeMail = true
		before := w.revision()
		_, err := w.dir.HandOver(w.ctx, u.ID, quiet)
		require.NoError(t, err)
		require.Equal(t, []string{"user.handed-over"}, w.journal(w.dir, before))
		_, err = w.dir.DisableUser(w.ctx, u.ID)
		require.NoError(t, err)
		review := w.review(w.dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.ctx, u.ID, ina)) })
		require.Equal(t, []rule.Code{rule.USR12}, codes(review.Warnings))
		require.NoError(t, review.Commit(w.ctx))
		now, err := w.dir.User(w.ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserDisabled, now.State, "handing over does not enable")
		require.Equal(t, "user.handed-over", last(1, w.journal(w.dir, before))[0])
	})
}

func TestUSR15_InABatchWithWhatTheNewPersonNeeds(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		var credentials *pbx.Credentials
		err := w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			bad := ina
			bad.Email = "x"
			require.ErrorIs(t, second(dir.HandOver(ctx, made.User.ID, bad)), pbx.ErrInvalid)
			u, err := dir.HandOver(ctx, made.User.ID, ina)
			if err != nil {
				return err
			}
			if credentials, err = dir.IssueCredentials(ctx, u.SIPAddress); err != nil {
				return err
			}
			_, err = dir.CreateUser(ctx, pbx.NewUser{FirstName: "Zan", Email: made.User.Login, Extension: "7999", SIPAddress: made.User.SIPAddress})
			return err
		})
		require.NoError(t, err)
		password, err := credentials.Password.Reveal()
		require.NoError(t, err)
		require.True(t, w.signsIn("ina@acme.example.com", password))
	})
}
