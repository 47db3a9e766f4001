package rules_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// leaver is a user with everything, whose words are found again.
func (w *world) leaver() *pbx.Provisioned {
	w.T.Helper()
	phone := w.Phone("00:1b:54:00:00:01", "Polycom VVX 450")
	in := w.setUp(phone.ID)
	in.FirstName, in.LastName, in.Email, in.Login = "Zanzibar", "Quetzal", "zanzibar@quetzal.example", "quetzal@zanzibar.example"
	in.Mobile, in.SIPAddress = "+447700900123", "quetzal@acme.example.com"
	made, err := w.Dir.SetUpUser(w.Ctx, in)
	require.NoError(w.T, err)
	w.mailbox(made.Service.ID, pbx.NewMailbox{Email: "Zanzibar@Quetzal.example", PIN: rightPIN})
	w.issue(made.User.SIPAddress)
	return made
}

var ina = pbx.Successor{FirstName: "Ina", LastName: "Moe", Email: "ina@example.com"}

func TestUSR15_AUserIsHandedOverWithEverythingHeWorksWith(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		support := w.Alias(made.User.ID, "Support", "7503")
		w.issue(support.SIPAddress)
		group := w.Group("Sales", "7601")
		require.NoError(t, w.Dir.AddMember(w.Ctx, group.ID, pbx.UserMember(made.User.ID)))
		before, rev := testbed.Dump(t, w.Store), w.revision()

		u, err := w.Dir.HandOver(w.Ctx, made.User.ID, ina)
		require.NoError(t, err)
		want := *made.User
		want.Rev, want.FirstName, want.LastName, want.Email, want.Login = u.Rev, "Ina", "Moe", "ina@example.com", "ina@example.com"
		want.Mobile, want.SIPAddress = "", "ina@acme.example.com"
		require.Empty(t, cmp.Diff(&want, u, cmp.AllowUnexported(pbx.User{}), cmp.FilterPath(func(p cmp.Path) bool {
			return strings.HasSuffix(p.String(), "Folded")
		}, cmp.Ignore())))
		after := testbed.Dump(t, w.Store)
		for _, table := range []string{
			"services", "associations", "extensions", "numbers", "devices", "station_pools", "orders", "order_lines", "owners", "aliases", "call_group_members",
		} {
			require.Empty(t, cmp.Diff(before[table], after[table]), table)
		}
		require.Equal(t, []string{
			"user.credentials-ended", "user.handed-over", "alias.credentials-ended", "mailbox.modified", "mailbox.pin-cleared", "user.welcome-mail",
		}, w.journal(w.Dir, rev))
		found, err := w.Dir.UserByLogin(w.Ctx, "INA@example.com")
		require.NoError(t, err)
		require.Equal(t, u.ID, found.ID)
		require.Len(t, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{LastName: "moe"})), 1)
	})
}

func TestUSR15_CredentialsAndPINOfTheOldPersonEnd(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		support := w.Alias(made.User.ID, "Support", "")
		w.issue(support.SIPAddress)
		to := ina
		to.SIPAddress = made.User.SIPAddress // the address of a post, not of a person
		old := w.issue(made.User.SIPAddress)
		_, err := w.Dir.HandOver(w.Ctx, made.User.ID, to)
		require.NoError(t, err)
		require.False(t, w.signsIn(made.User.SIPAddress, old))
		require.False(t, w.has(support.SIPAddress))
		w.Refused(rule.VM5, pbx.ErrFailedPrecondition, func() error { return w.Dir.CheckPIN(w.Ctx, made.Service.ID, rightPIN) })
		box, err := w.Dir.Mailbox(w.Ctx, made.Service.ID)
		require.NoError(t, err)
		require.False(t, box.HasPIN())
		require.Equal(t, "ina@example.com", box.Email)
		require.NoError(t, w.Dir.SetPIN(w.Ctx, made.Service.ID, rightPIN))
		w.issue(made.User.SIPAddress)
	})
}

func TestUSR15_NothingOfTheOldPersonIsLeftAnywhere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		other := w.User("Bob", "Roe", "7002")
		common, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: made.User.ID, DN: "7300", DeviceType: "Cisco 8851"})
		require.NoError(t, err)
		_, err = w.Dir.Associate(w.Ctx, other.ID, common.ID)
		require.NoError(t, err)
		w.mailbox(common.ID, pbx.NewMailbox{Email: made.User.Login, PIN: rightPIN})
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.Ctx, made.User.ID, ina)) })
		require.Len(t, review.Warnings, 1)
		require.Equal(t, rule.USR15, review.Warnings[0].Code)
		require.Contains(t, review.Warnings[0].Text, "mailbox 7300 keeps its PIN, for it is shared with Bob Roe")
		require.NoError(t, review.Commit(w.Ctx))
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, common.ID, rightPIN), "a shared one lets the others in")

		for table, rows := range testbed.Dump(t, w.Store) {
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
		w.Alias(made.User.ID, "Quetzal Care", "")
		s, err := w.Dir.Service(w.Ctx, made.Service.ID)
		require.NoError(t, err)
		s.Name = "Quetzal's line"
		s, err = w.Dir.ModifyService(w.Ctx, s)
		require.NoError(t, err)
		s, err = w.Dir.SetKeys(w.Ctx, s.ID, s.Rev, []pbx.PhoneKey{{Position: 3, Kind: pbx.KeySpeedDial, Label: "Home", Target: "+16175550142"}})
		require.NoError(t, err)
		box, err := w.Dir.Mailbox(w.Ctx, s.ID)
		require.NoError(t, err)
		box.Email = "team@example.com"
		_, err = w.Dir.ModifyMailbox(w.Ctx, box)
		require.NoError(t, err)
		for _, principal := range []pbx.Principal{"Quetzal", "zanzibar@quetzal.example", "kate"} {
			_, err = w.Dir.AddOwner(w.Ctx, string(s.Number)[2:], principal)
			require.NoError(t, err)
		}
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.Ctx, made.User.ID, ina)) })
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
		other := w.User("Bob", "Roe", "7002")
		brit, err := w.British.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ben", Email: "ben@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		fields := func(to pbx.Successor) []string {
			var list []string
			before := testbed.Dump(t, w.Store)
			_, err := w.Dir.HandOver(w.Ctx, made.User.ID, to)
			require.Error(t, err)
			require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))
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
		e := w.Refused(rule.USR3, pbx.ErrConflict, func() error { return second(w.Dir.HandOver(w.Ctx, made.User.ID, to)) })
		require.Zero(t, e.Holder, "another tenant's is taken, and not said by whom")
		for _, id := range []pbx.UserID{brit.ID, {1}} {
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.Dir.HandOver(w.Ctx, id, ina)) })
		}
		owner := w.Support.As(pbx.LineOwner("kate", w.US.ID))
		w.Refused(rule.OWN6, pbx.ErrDenied, func() error { return second(owner.HandOver(w.Ctx, made.User.ID, ina)) })
	})
}

func TestUSR15_TheUserIDAndTheSIPAddressOfAPostCanStay(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		desk, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "desk@example.com", Extension: "7001"})
		require.NoError(t, err)
		u, err := w.Dir.HandOver(w.Ctx, desk.ID, pbx.Successor{FirstName: "Bob", Email: "desk@example.com", Mobile: "+16175550198"})
		require.NoError(t, err)
		require.Equal(t, "desk@example.com", u.Login)
		require.Equal(t, desk.SIPAddress, u.SIPAddress, "generated, it is the same again")
		require.Equal(t, pbx.E164("+16175550198"), u.Mobile)
		w.User("Cid", "Roe", "7002")
		u, err = w.Dir.HandOver(w.Ctx, desk.ID, pbx.Successor{FirstName: "Cid", Email: "cid.roe@example.org"})
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("cid.roe-7001@acme.example.com"), u.SIPAddress, "with the main extension where that is taken")
	})
}

func TestUSR15_AStaleViewIsNotHandedOver(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		to := ina
		to.Rev = u.Rev
		u.Department = "Sales"
		_, err := w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		var now *pbx.User
		w.Refused(rule.SVC15, pbx.ErrStale, func() error {
			given, err := w.Dir.HandOver(w.Ctx, u.ID, to)
			require.Nil(t, given)
			now = inStale[*pbx.User](t, err)
			return err
		})
		require.Equal(t, "Sales", now.Department)
		to.Rev = now.Rev
		_, err = w.Dir.HandOver(w.Ctx, u.ID, to)
		require.NoError(t, err)
	})
}

func TestUSR12_ADisabledUserGetsNoWelcomeMail(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		_, err := w.Dir.DisableUser(w.Ctx, made.User.ID)
		require.NoError(t, err)
		w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { return w.Dir.SendWelcomeMail(w.Ctx, made.User.ID) })
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.Ctx, made.User.ID, ina)) })
		require.Contains(t, testbed.Codes(review.Warnings), rule.USR12)
		before := w.revision()
		require.NoError(t, review.Commit(w.Ctx), "and it goes through")
		require.NotContains(t, w.journal(w.Dir, before), "user.welcome-mail")
	})
}

func TestUSR15_TheWelcomeMailIsSentUnlessItIsLeftOutOrHeIsDisabled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		quiet := ina
		quiet.NoWelcomeMail = true
		before := w.revision()
		_, err := w.Dir.HandOver(w.Ctx, u.ID, quiet)
		require.NoError(t, err)
		require.Equal(t, []string{"user.handed-over"}, w.journal(w.Dir, before))
		_, err = w.Dir.DisableUser(w.Ctx, u.ID)
		require.NoError(t, err)
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return second(dir.HandOver(w.Ctx, u.ID, ina)) })
		require.Equal(t, []rule.Code{rule.USR12}, testbed.Codes(review.Warnings))
		require.NoError(t, review.Commit(w.Ctx))
		now, err := w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserDisabled, now.State, "handing over does not enable")
		require.Equal(t, "user.handed-over", last(1, w.journal(w.Dir, before))[0])
	})
}

func TestUSR15_InABatchWithWhatTheNewPersonNeeds(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		var credentials *pbx.Credentials
		err := w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
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
