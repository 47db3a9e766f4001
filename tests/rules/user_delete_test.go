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

// fullUser is a user of the US tenant with everything that a user can have: two
// services, a number, a mailbox, an owner, a station, two devices, extensions,
// an alias with an extension, and memberships.
func (w *world) fullUser() (*pbx.User, []*pbx.Service) {
	w.T.Helper()
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	made, err := w.Dir.SetUpUser(w.Ctx, w.setUp(w.Phone("00:1b:54:00:00:01", "Polycom VVX 450").ID))
	ok(err)
	u := made.User
	_, err = w.Dir.AssignDevice(w.Ctx, w.Phone("00:1b:54:00:00:02", "Cisco 8851").ID, u.ID, 1)
	ok(err)
	_, err = w.Dir.AddMailbox(w.Ctx, made.Service.ID, pbx.NewMailbox{Email: "ann@example.com"})
	ok(err)
	_, err = w.Dir.AddOwner(w.Ctx, string(made.Service.Number)[2:], "kate")
	ok(err)
	for _, e := range []pbx.Extension{"7501", "7502"} {
		_, err = w.Dir.AddExtension(w.Ctx, u.ID, e)
		ok(err)
	}
	alias := w.Alias(u.ID, "Ann Support", "7503")
	group := w.Group("Hunters", "7504")
	ok(w.Dir.AddMember(w.Ctx, group.ID, pbx.UserMember(u.ID)))
	ok(w.Dir.AddMember(w.Ctx, group.ID, pbx.AliasMember(alias.ID)))
	return u, []*pbx.Service{made.Service, w.Service(u.ID, "7505")}
}

func TestUSR9_DeletingAUserIsConfirmed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		e := w.Refused(rule.USR9, pbx.ErrUnconfirmed, func() error { return w.Dir.DeleteUser(w.Ctx, u.ID, pbx.UserOnly) })
		require.Equal(t, "user Ann Lee will be deleted and cannot be recovered", e.Reason)
		w.Refused(rule.USR9, pbx.ErrUnconfirmed, func() error { return w.Dir.Confirm(rule.USR10).DeleteUser(w.Ctx, u.ID, pbx.UserOnly) })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, pbx.UserID{1}, pbx.UserOnly) })
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, pbx.UserOnly))
		_, err := w.Dir.User(w.Ctx, u.ID)
		require.ErrorIs(t, err, pbx.ErrNotFound)
		require.Empty(t, w.reaches("7001"))
	})
}

func TestUSR9_AReviewAsksOnceForEachConfirmationAndItsCommitGivesThem(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, services := w.fullUser()
		bob := w.User("Bob", "Ray", "7001")
		for _, s := range services {
			_, err := w.Dir.Associate(w.Ctx, bob.ID, s.ID)
			require.NoError(t, err)
		}
		_, err := w.Dir.Associate(w.Ctx, bob.ID, w.Service(pbx.UserID{}, "7600").ID)
		require.NoError(t, err)
		require.NoError(t, w.Dir.SetPrimary(w.Ctx, bob.ID, w.lookup("7600")))
		before := testbed.Dump(t, w.Store)
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.Ctx, u.ID, pbx.UserAndPhones) })
		require.Equal(t, before, testbed.Dump(t, w.Store))
		require.Equal(t, []rule.Code{rule.USR10, rule.USR10, rule.USR9}, testbed.Codes(review.Confirmations))
		require.Contains(t, review.Confirmations[0].Text, "Bob Ray")
		require.Equal(t, pbx.Money(-2500), review.Monthly())
		require.NoError(t, review.Commit(w.Ctx))
		left, err := w.Dir.UserServices(w.Ctx, bob.ID)
		require.NoError(t, err)
		require.Len(t, left, 1)
	})
}

// lookup is the service that a DN reaches.
func (w *world) lookup(dn pbx.Extension) pbx.ServiceID {
	w.T.Helper()
	target, err := w.Dir.Lookup(w.Ctx, dn)
	require.NoError(w.T, err)
	return target.Entry.ServiceID
}

func TestUSR9_NothingOfThePersonIsLeftAnywhere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := w.setUp(pbx.DeviceID{})
		in.FirstName, in.LastName, in.Email, in.Login = "Zanzibar", "Quetzal", "zanzibar@quetzal.example", "quetzal@zanzibar.example"
		in.Mobile, in.Department, in.MusicOnHold, in.SIPAddress = "+447700900123", "Quetzal Care", "quetzal-song", "quetzal@acme.example.com"
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		w.Alias(made.User.ID, "Quetzal Support", "7503")
		made.User.LastName = "Quetzal-Zanzibar"
		_, err = w.Dir.ModifyUser(w.Ctx, made.User)
		require.NoError(t, err)
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, made.User.ID, pbx.UserAndPhones))

		for table, rows := range testbed.Dump(t, w.Store) {
			for _, row := range rows {
				for _, word := range []string{"zanzibar", "quetzal", "7700900123"} {
					require.NotContains(t, strings.ToLower(row), word, table)
				}
			}
		}
		require.Contains(t, w.journal(w.Dir, 0), "user.deleted", "the journal keeps that it happened")
	})
}

func TestUSR9_TheMailboxesOfAUserWhoIsDeletedAloneAreNoLongerHis(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made, bob := w.leaver(), w.User("Bob", "Roe", "7002")
		common, team := w.Service(made.User.ID, "7300"), w.Service(made.User.ID, "7301")
		_, err := w.Dir.Associate(w.Ctx, bob.ID, common.ID)
		require.NoError(t, err)
		w.mailbox(common.ID, pbx.NewMailbox{Email: made.User.Login, PIN: rightPIN})
		w.mailbox(team.ID, pbx.NewMailbox{Email: "team@example.com"})
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.Ctx, made.User.ID, pbx.UserOnly) })
		require.Equal(t, []rule.Code{rule.USR9}, testbed.Codes(review.Warnings))
		require.Contains(t, review.Warnings[0].Text, "mailbox 7300 keeps its PIN, for it is shared with Bob Roe")
		require.NoError(t, review.Commit(w.Ctx))

		require.ErrorIs(t, w.Dir.CheckPIN(w.Ctx, made.Service.ID, rightPIN), pbx.ErrFailedPrecondition, "he knows it")
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, common.ID, rightPIN), "a shared one lets the others in")
		for service, email := range map[pbx.ServiceID]string{made.Service.ID: "", common.ID: "", team.ID: "team@example.com"} {
			box, err := w.Dir.Mailbox(w.Ctx, service)
			require.NoError(t, err)
			require.Equal(t, email, box.Email)
			require.Equal(t, service == common.ID, box.HasPIN())
		}
		for table, rows := range testbed.Dump(t, w.Store) {
			for _, row := range rows {
				for _, word := range []string{"zanzibar", "quetzal", "7700900123"} {
					require.NotContains(t, strings.ToLower(row), word, table)
				}
			}
		}
	})
}

func TestUSR9_OwnersOfTheLinesThatStayWhoMayBeThePersonAreWarnedOf(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.leaver()
		for _, principal := range []pbx.Principal{"Quetzal", "zanzibar@quetzal.example", "kate"} {
			_, err := w.Dir.AddOwner(w.Ctx, string(made.Service.Number)[2:], principal)
			require.NoError(t, err)
		}
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.Ctx, made.User.ID, pbx.UserAndPhones) })
		require.Empty(t, review.Warnings, "they go with their lines")
		review = w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.Ctx, made.User.ID, pbx.UserOnly) })
		var texts []string
		for _, n := range review.Warnings {
			require.Equal(t, rule.USR9, n.Code)
			require.Equal(t, made.Service.ID.String(), n.Subject.ID)
			texts = append(texts, n.Text)
		}
		about := "service " + string(made.Service.DN)
		require.Equal(t, []string{"Quetzal is an owner of " + about + " still", "zanzibar@quetzal.example is an owner of " + about + " still"}, texts)
		require.NoError(t, review.Commit(w.Ctx))
		line, err := w.Dir.Line(w.Ctx, string(made.Service.Number)[2:])
		require.NoError(t, err)
		require.Len(t, line.Owners, 3, "who they are is not certain")
	})
}

func TestUSR10_DeletingTheUserOnlyKeepsHisServices(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, services := w.fullUser()
		bob := w.User("Bob", "Ray", "7001")
		_, err := w.Dir.Associate(w.Ctx, bob.ID, services[1].ID)
		require.NoError(t, err)
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.Ctx, u.ID, pbx.UserOnly) })
		require.Equal(t, []rule.Code{rule.USR9}, testbed.Codes(review.Confirmations), "what stays need not be confirmed")
		require.Empty(t, review.Orders)
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, pbx.UserOnly))

		for i, users := range [][]string{nil, {"Bob Ray"}} {
			s, err := w.Dir.Service(w.Ctx, services[i].ID)
			require.NoError(t, err)
			require.Equal(t, services[i].DN, s.DN)
			require.Equal(t, services[i].Number, s.Number)
			require.True(t, s.DeviceID.IsZero(), "the device was the user's")
			of, err := w.Dir.ServiceUsers(w.Ctx, s.ID)
			require.NoError(t, err)
			require.Equal(t, users, names(of))
		}
		_, err = w.Dir.Mailbox(w.Ctx, services[0].ID)
		require.NoError(t, err)
		line, err := w.Dir.Line(w.Ctx, string(services[0].Number)[2:])
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"kate"}, line.Owners)
	})
}

func TestUSR10_DeletingUserAndPhonesDeletesHisServicesForTheirOtherUsersToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, services := w.fullUser()
		bob, cid := w.User("Bob", "Ray", "7001"), w.User("Cid", "Fox", "7002")
		for _, other := range []*pbx.User{bob, cid} {
			_, err := w.Dir.Associate(w.Ctx, other.ID, services[1].ID)
			require.NoError(t, err)
		}
		confirmed := w.Dir.Confirm(rule.USR9)
		e := w.Refused(rule.USR10, pbx.ErrUnconfirmed, func() error { return w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, pbx.UserAndPhones) })
		require.Contains(t, e.Reason, "Bob Ray")
		require.Contains(t, e.Reason, "Cid Fox")
		require.NotContains(t, e.Reason, "Ann", "he knows")
		require.NoError(t, confirmed.Confirm(rule.USR10).DeleteUser(w.Ctx, u.ID, pbx.UserAndPhones))
		require.Empty(t, testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{})))
		require.Equal(t, []string{"Cid Fox", "Bob Ray"}, names(testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{}))))
		orders := testbed.Collect(t, w.Dir.Orders(w.Ctx, 0))
		require.Equal(t, pbx.Money(-2500), orders[0].Monthly, "what it saves is ordered")
	})
}

func TestUSR10_TheReviewOfADeletionNamesWhoLosesTheServices(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		w.Service(u.ID, "7101")
		for _, form := range []pbx.Deletion{pbx.UserOnly, pbx.UserAndPhones} {
			review, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				return dir.DeleteUser(ctx, u.ID, form)
			})
			require.NoError(t, err)
			require.Equal(t, "service 7101 disassociated, user Ann Lee", review.Effects[0].String(), form)
		}
	})
}

func TestUSR10_OneOfTheTwoFormsHasToBeChosen(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		for _, form := range []pbx.Deletion{"", "phones", "User Only"} {
			e := w.Refused(rule.USR10, pbx.ErrInvalid, func() error { return w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, form) })
			require.Equal(t, "Deletion", e.Field)
		}
	})
}

func TestUSR10_WhatDeletingUserAndPhonesSavesIsOneOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, err := w.userAt(w.Boston, "ann", "7001")
		require.NoError(t, err)
		for _, in := range []pbx.NewService{{Type: "PRO"}, {Type: "PRO"}, {Type: "FREE"}, {Type: "PRO", ActivateLater: true}} {
			in.UserID, in.DeviceType = u.ID, "Cisco 8851"
			_, err := w.Dir.AddService(w.Ctx, in)
			require.NoError(t, err)
		}
		before := len(testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)))
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, pbx.UserAndPhones))
		orders := testbed.Collect(t, w.Dir.Orders(w.Ctx, 0))
		require.Len(t, orders, before+1)
		require.Equal(t, pbx.Money(-5000), orders[0].Monthly, "what was never billed saves nothing")
		require.Equal(t, w.Boston.ID, orders[0].LocationID)
	})
}

func TestUSR11_DeletingGivesBackLicenceDevicesExtensionsAndNumbers(t *testing.T) {
	for _, form := range []pbx.Deletion{pbx.UserOnly, pbx.UserAndPhones} {
		t.Run(string(form), func(t *testing.T) {
			eachStore(t, func(t *testing.T, w *world) {
				u, services := w.fullUser()
				require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, form))
				pool := testbed.Collect(t, w.Dir.StationPools(w.Ctx))[0]
				require.EqualValues(t, 0, pool.Used)
				require.Len(t, testbed.Collect(t, w.Dir.Devices(w.Ctx, pbx.DeviceQuery{})), 2, "both devices are available")
				for _, e := range []pbx.Extension{"7501", "7502", "7503"} {
					require.Empty(t, w.reaches(e))
				}
				require.Equal(t, "group Hunters", w.reaches("7504"))
				require.Empty(t, testbed.Collect(t, w.Dir.Aliases(w.Ctx, pbx.UserID{})))
				n := w.number(services[0].Number)
				require.Equal(t, w.US.ID, n.TenantID, "the number stays with the tenant")
				if form == pbx.UserOnly {
					require.Equal(t, services[0].ID, n.ServiceID)
					return
				}
				require.Equal(t, pbx.NumberAvailable, n.State)
				require.Empty(t, w.reaches(services[0].DN))
				again, err := w.Dir.SetUpUser(w.Ctx, w.setUp(testbed.Collect(t, w.Dir.Devices(w.Ctx, pbx.DeviceQuery{MAC: "00:1b:54:00:00:01"}))[0].ID))
				require.NoError(t, err, "everything can be had again")
				require.Equal(t, services[0].DN, again.Service.DN)
			})
		})
	}
}

func TestUSR11_ATemporaryNumberGoesBackAndThePortingOneWaitsForNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Old Bell", Date: w.Clock, Numbers: []pbx.E164{"+16175550180"}})
		require.NoError(t, err)
		made, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@example.com"}, Number: pbx.ExistingNumber("+16175550180")})
		require.NoError(t, err)
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, made.User.ID, pbx.UserAndPhones))
		require.Equal(t, pbx.NumberPorting, w.number("+16175550180").State)
		require.True(t, w.number("+16175550180").WaitingID.IsZero())
		require.Equal(t, pbx.Provider, w.number(made.Service.Number).TenantID)
	})
}

func TestUSR11_AUserWithARemoteServiceIsNotDeleted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		w.Service(u.ID, "7002")
		for _, dn := range []pbx.Extension{"7003", "7004"} {
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DN: dn, DeviceType: "Cisco 8851", RemoteSystem: "Leeds"})
			require.NoError(t, err)
		}
		for _, form := range []pbx.Deletion{pbx.UserOnly, pbx.UserAndPhones} {
			e := w.Refused(rule.USR11, pbx.ErrFailedPrecondition, func() error {
				err := w.Dir.Confirm(rule.USR9, rule.USR10).DeleteUser(w.Ctx, u.ID, form)
				require.Len(t, pbx.Errors(err), 2, "each is named")
				return err
			})
			require.Equal(t, "Leeds", e.Holder.ID)
		}
	})
}

func TestSVC11_ARemoteServiceGoesWhenItsOwnSystemHasDroppedIt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		bridge := w.acting(w.Support.In(w.US.ID))
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Day", "7002")
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann.ID, DN: "7101", DeviceType: "Cisco 8851", Type: "PRO", RemoteSystem: "Leeds"})
		require.NoError(t, err)
		_, err = w.Dir.Associate(w.Ctx, bob.ID, s.ID)
		require.NoError(t, err)
		ours := w.Service(ann.ID, "7102")

		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { return w.Dir.DropRemoteService(w.Ctx, s.ID) })
		e := bridge.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { return bridge.Dir.DropRemoteService(w.Ctx, ours.ID) })
		require.Equal(t, ours.ID.String(), e.Subject.ID)
		bridge.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return bridge.Dir.DropRemoteService(w.Ctx, pbx.ServiceID{1}) })
		e = bridge.Refused(rule.SVC8, pbx.ErrFailedPrecondition, func() error { return bridge.Dir.DropRemoteService(w.Ctx, s.ID) })
		require.Equal(t, ann.ID.String(), e.Holder.ID)
		require.NoError(t, w.Dir.SetPrimary(w.Ctx, ann.ID, ours.ID))
		bridge.Refused(rule.SVC9, pbx.ErrUnconfirmed, func() error { return bridge.Dir.DropRemoteService(w.Ctx, s.ID) })

		review := w.Review(bridge.Dir, func(dir *pbx.Directory) error { return dir.DropRemoteService(w.Ctx, s.ID) })
		require.Equal(t, pbx.Money(-2500), review.Monthly(), "it is billed no longer")
		require.NoError(t, review.Commit(w.Ctx))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.Dir.Service(w.Ctx, s.ID)) })
		require.Equal(t, pbx.Extension("7101"), w.Service(bob.ID, "7101").DN, "the DN is free")
	})
}

func TestSVC8_NoUsersPrimaryServiceGoesWithAnotherUserWhileHeHasOthers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Ray", "7002")
		shared := w.Service(ann.ID, "7003")
		_, err := w.Dir.Associate(w.Ctx, bob.ID, shared.ID)
		require.NoError(t, err)
		other := w.Service(bob.ID, "7004")
		all := w.Dir.Confirm(rule.USR9, rule.USR10)
		e := w.Refused(rule.SVC8, pbx.ErrFailedPrecondition, func() error { return w.Dir.Confirm(rule.USR9, rule.USR10).DeleteUser(w.Ctx, ann.ID, pbx.UserAndPhones) })
		require.Equal(t, bob.ID.String(), e.Holder.ID)
		require.NoError(t, w.Dir.SetPrimary(w.Ctx, bob.ID, other.ID))
		require.NoError(t, all.DeleteUser(w.Ctx, ann.ID, pbx.UserAndPhones))
	})
}

func TestUSR10_ADeletedUserIsReplacedInTheSameBatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, services := w.fullUser()
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.ErrorIs(t, dir.DeleteUser(ctx, u.ID, pbx.UserAndPhones), pbx.ErrUnconfirmed)
			if err := dir.Confirm(rule.USR9).DeleteUser(ctx, u.ID, pbx.UserAndPhones); err != nil {
				return err
			}
			in := w.setUp(testbed.Collect(t, dir.Devices(ctx, pbx.DeviceQuery{}))[0].ID)
			in.SIPAddress, in.Extension, in.Number = u.SIPAddress, services[0].DN, pbx.ExistingNumber(services[0].Number)
			_, err := dir.SetUpUser(ctx, in)
			return err
		}))
		made, err := w.Dir.UserByLogin(w.Ctx, u.Login)
		require.NoError(t, err)
		require.NotEqual(t, u.ID, made.ID)
		require.Equal(t, u.SIPAddress, made.SIPAddress)
		list, err := w.Dir.UserServices(w.Ctx, made.ID)
		require.NoError(t, err)
		has := list[0].Service
		require.Equal(t, services[0].Number, has.Number)
		require.Equal(t, has.ID, w.number(has.Number).ServiceID)
	})
}

func TestUSR9_WhatMayNameThePersonOnTheLinesThatStayIsWarnedOf(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DN: "7101", Name: "Desk of Ann", DeviceType: "Cisco 8851"})
		require.NoError(t, err)
		_, err = w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DN: "7102", DeviceType: "Cisco 8851",
			Keys: []pbx.PhoneKey{{Position: 1, Kind: pbx.KeySpeedDial, Target: "7101", Label: "Ann"}}})
		require.NoError(t, err)
		w.Service(u.ID, "7103")
		goes := func(form pbx.Deletion) func(dir *pbx.Directory) error {
			return func(dir *pbx.Directory) error { return dir.DeleteUser(w.Ctx, u.ID, form) }
		}
		var texts []string
		for _, n := range w.Review(w.Dir, goes(pbx.UserOnly)).Warnings {
			require.Equal(t, rule.USR9, n.Code)
			texts = append(texts, n.Text)
		}
		require.ElementsMatch(t, []string{"service Desk of Ann (7101) stays, with its name", "the programmed keys of service 7102 stay, with their labels"}, texts)
		require.Empty(t, w.Review(w.Dir, goes(pbx.UserAndPhones)).Warnings, "nothing stays")
		require.NoError(t, w.Review(w.Dir, goes(pbx.UserOnly)).Commit(w.Ctx))
	})
}
