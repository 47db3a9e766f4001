package rules_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// fullUser is a user of the US tenant with everything that a user can have: two
// services, a number, a mailbox, an owner, a station, two devices, extensions,
// an alias with an extension, and memberships.
func (w *world) fullUser() (*pbx.User, []*pbx.Service) {
	w.t.Helper()
	ok := func(err error) { w.t.Helper(); require.NoError(w.t, err) }
	made, err := w.dir.SetUpUser(w.ctx, w.setUp(w.phone("00:1b:54:00:00:01", "Polycom VVX 450").ID))
	ok(err)
	u := made.User
	_, err = w.dir.AssignDevice(w.ctx, w.phone("00:1b:54:00:00:02", "Cisco 8851").ID, u.ID, 1)
	ok(err)
	_, err = w.dir.AddMailbox(w.ctx, made.Service.ID, pbx.NewMailbox{Email: "ann@example.com"})
	ok(err)
	_, err = w.dir.AddOwner(w.ctx, string(made.Service.Number)[2:], "kate")
	ok(err)
	for _, e := range []pbx.Extension{"7501", "7502"} {
		_, err = w.dir.AddExtension(w.ctx, u.ID, e)
		ok(err)
	}
	alias := w.alias(u.ID, "Ann Support", "7503")
	group := w.group("Hunters", "7504")
	ok(w.dir.AddMember(w.ctx, group.ID, pbx.UserMember(u.ID)))
	ok(w.dir.AddMember(w.ctx, group.ID, pbx.AliasMember(alias.ID)))
	return u, []*pbx.Service{made.Service, w.service(u.ID, "7505")}
}

func TestUSR9_DeletingAUserIsConfirmed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		e := w.refused(rule.USR9, pbx.ErrUnconfirmed, func() error { return w.dir.DeleteUser(w.ctx, u.ID, pbx.UserOnly) })
		require.Equal(t, "user Ann Lee will be deleted and cannot be recovered", e.Reason)
		w.refused(rule.USR9, pbx.ErrUnconfirmed, func() error { return w.dir.Confirm(rule.USR10).DeleteUser(w.ctx, u.ID, pbx.UserOnly) })
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, pbx.UserID{1}, pbx.UserOnly) })
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, u.ID, pbx.UserOnly))
		_, err := w.dir.User(w.ctx, u.ID)
		require.ErrorIs(t, err, pbx.ErrNotFound)
		require.Empty(t, w.reaches("7001"))
	})
}

func TestUSR9_AReviewAsksOnceForEachConfirmationAndItsCommitGivesThem(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, services := w.fullUser()
		bob := w.user("Bob", "Ray", "7001")
		for _, s := range services {
			_, err := w.dir.Associate(w.ctx, bob.ID, s.ID)
			require.NoError(t, err)
		}
		_, err := w.dir.Associate(w.ctx, bob.ID, w.service(pbx.UserID{}, "7600").ID)
		require.NoError(t, err)
		require.NoError(t, w.dir.SetPrimary(w.ctx, bob.ID, w.lookup("7600")))
		before := dump(t, w.store)
		review := w.review(w.dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.ctx, u.ID, pbx.UserAndPhones) })
		require.Equal(t, before, dump(t, w.store))
		require.Equal(t, []rule.Code{rule.USR10, rule.USR10, rule.USR9}, codes(review.Confirmations))
		require.Contains(t, review.Confirmations[0].Text, "Bob Ray")
		require.Equal(t, pbx.Money(-2500), review.Monthly())
		require.NoError(t, review.Commit(w.ctx))
		left, _, err := w.dir.UserServices(w.ctx, bob.ID)
		require.NoError(t, err)
		require.Len(t, left, 1)
	})
}

// lookup is the service that a DN reaches.
func (w *world) lookup(dn pbx.Extension) pbx.ServiceID {
	w.t.Helper()
	target, err := w.dir.Lookup(w.ctx, dn)
	require.NoError(w.t, err)
	return target.Entry.ServiceID
}

func TestUSR9_NothingOfThePersonIsLeftAnywhere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := w.setUp(pbx.DeviceID{})
		in.FirstName, in.LastName, in.Email, in.Login = "Zanzibar", "Quetzal", "zanzibar@quetzal.example", "quetzal@zanzibar.example"
		in.Mobile, in.Department, in.MusicOnHold, in.SIPAddress = "+447700900123", "Quetzal Care", "quetzal-song", "quetzal@acme.example.com"
		made, err := w.dir.SetUpUser(w.ctx, in)
		require.NoError(t, err)
		w.alias(made.User.ID, "Quetzal Support", "7503")
		made.User.LastName = "Quetzal-Zanzibar"
		_, err = w.dir.ModifyUser(w.ctx, made.User)
		require.NoError(t, err)
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, made.User.ID, pbx.UserAndPhones))

		for table, rows := range dump(t, w.store) {
			for _, row := range rows {
				for _, word := range []string{"zanzibar", "quetzal", "7700900123"} {
					require.NotContains(t, strings.ToLower(row), word, table)
				}
			}
		}
		require.Contains(t, w.journal(w.dir, 0), "user.deleted", "the journal keeps that it happened")
	})
}

func TestUSR9_TheMailboxesOfAUserWhoIsDeletedAloneAreNoLongerHis(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made, bob := w.leaver(), w.user("Bob", "Roe", "7002")
		common, team := w.service(made.User.ID, "7300"), w.service(made.User.ID, "7301")
		_, err := w.dir.Associate(w.ctx, bob.ID, common.ID)
		require.NoError(t, err)
		w.mailbox(common.ID, pbx.NewMailbox{Email: made.User.Login, PIN: rightPIN})
		w.mailbox(team.ID, pbx.NewMailbox{Email: "team@example.com"})
		review := w.review(w.dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.ctx, made.User.ID, pbx.UserOnly) })
		require.Equal(t, []rule.Code{rule.USR9}, codes(review.Warnings))
		require.Contains(t, review.Warnings[0].Text, "mailbox 7300 keeps its PIN, for it is shared with Bob Roe")
		require.NoError(t, review.Commit(w.ctx))

		require.ErrorIs(t, w.dir.CheckPIN(w.ctx, made.Service.ID, rightPIN), pbx.ErrFailedPrecondition, "he knows it")
		require.NoError(t, w.dir.CheckPIN(w.ctx, common.ID, rightPIN), "a shared one lets the others in")
		for service, email := range map[pbx.ServiceID]string{made.Service.ID: "", common.ID: "", team.ID: "team@example.com"} {
			box, err := w.dir.Mailbox(w.ctx, service)
			require.NoError(t, err)
			require.Equal(t, email, box.Email)
			require.Equal(t, service == common.ID, box.HasPIN())
		}
		for table, rows := range dump(t, w.store) {
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
			_, err := w.dir.AddOwner(w.ctx, string(made.Service.Number)[2:], principal)
			require.NoError(t, err)
		}
		review := w.review(w.dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.ctx, made.User.ID, pbx.UserAndPhones) })
		require.Empty(t, review.Warnings, "they go with their lines")
		review = w.review(w.dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.ctx, made.User.ID, pbx.UserOnly) })
		var texts []string
		for _, n := range review.Warnings {
			require.Equal(t, rule.USR9, n.Code)
			require.Equal(t, made.Service.ID.String(), n.Subject.ID)
			texts = append(texts, n.Text)
		}
		about := "service " + string(made.Service.DN)
		require.Equal(t, []string{"Quetzal is an owner of " + about + " still", "zanzibar@quetzal.example is an owner of " + about + " still"}, texts)
		require.NoError(t, review.Commit(w.ctx))
		line, err := w.dir.Line(w.ctx, string(made.Service.Number)[2:])
		require.NoError(t, err)
		require.Len(t, line.Owners, 3, "who they are is not certain")
	})
}

func TestUSR10_DeletingTheUserOnlyKeepsHisServices(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, services := w.fullUser()
		bob := w.user("Bob", "Ray", "7001")
		_, err := w.dir.Associate(w.ctx, bob.ID, services[1].ID)
		require.NoError(t, err)
		review := w.review(w.dir, func(dir *pbx.Directory) error { return dir.DeleteUser(w.ctx, u.ID, pbx.UserOnly) })
		require.Equal(t, []rule.Code{rule.USR9}, codes(review.Confirmations), "what stays need not be confirmed")
		require.Empty(t, review.Orders)
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, u.ID, pbx.UserOnly))

		for i, users := range [][]string{nil, {"Bob Ray"}} {
			s, err := w.dir.Service(w.ctx, services[i].ID)
			require.NoError(t, err)
			require.Equal(t, services[i].DN, s.DN)
			require.Equal(t, services[i].Number, s.Number)
			require.True(t, s.DeviceID.IsZero(), "the device was the user's")
			of, err := w.dir.ServiceUsers(w.ctx, s.ID)
			require.NoError(t, err)
			require.Equal(t, users, names(of))
		}
		_, err = w.dir.Mailbox(w.ctx, services[0].ID)
		require.NoError(t, err)
		line, err := w.dir.Line(w.ctx, string(services[0].Number)[2:])
		require.NoError(t, err)
		require.Equal(t, []pbx.Principal{"kate"}, line.Owners)
	})
}

func TestUSR10_DeletingUserAndPhonesDeletesHisServicesForTheirOtherUsersToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, services := w.fullUser()
		bob, cid := w.user("Bob", "Ray", "7001"), w.user("Cid", "Fox", "7002")
		for _, other := range []*pbx.User{bob, cid} {
			_, err := w.dir.Associate(w.ctx, other.ID, services[1].ID)
			require.NoError(t, err)
		}
		confirmed := w.dir.Confirm(rule.USR9)
		e := w.refused(rule.USR10, pbx.ErrUnconfirmed, func() error { return w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, u.ID, pbx.UserAndPhones) })
		require.Contains(t, e.Reason, "Bob Ray")
		require.Contains(t, e.Reason, "Cid Fox")
		require.NotContains(t, e.Reason, "Ann", "he knows")
		require.NoError(t, confirmed.Confirm(rule.USR10).DeleteUser(w.ctx, u.ID, pbx.UserAndPhones))
		require.Empty(t, collect(t, w.dir.Services(w.ctx, pbx.ServiceQuery{})))
		require.Equal(t, []string{"Cid Fox", "Bob Ray"}, names(collect(t, w.dir.Users(w.ctx, pbx.UserQuery{}))))
		orders := collect(t, w.dir.Orders(w.ctx, 0))
		require.Equal(t, pbx.Money(-2500), orders[0].Monthly, "what it saves is ordered")
	})
}

func TestUSR10_TheReviewOfADeletionNamesWhoLosesTheServices(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		w.service(u.ID, "7101")
		for _, form := range []pbx.Deletion{pbx.UserOnly, pbx.UserAndPhones} {
			review, err := w.dir.Review(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
				return dir.DeleteUser(ctx, u.ID, form)
			})
			require.NoError(t, err)
			require.Equal(t, "service 7101 disassociated, user Ann Lee", review.Effects[0].String(), form)
		}
	})
}

func TestUSR10_OneOfTheTwoFormsHasToBeChosen(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		for _, form := range []pbx.Deletion{"", "phones", "User Only"} {
			e := w.refused(rule.USR10, pbx.ErrInvalid, func() error { return w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, u.ID, form) })
			require.Equal(t, "Deletion", e.Field)
		}
	})
}

func TestUSR10_WhatDeletingUserAndPhonesSavesIsOneOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, err := w.userAt(w.boston, "ann", "7001")
		require.NoError(t, err)
		for _, in := range []pbx.NewService{{Type: "PRO"}, {Type: "PRO"}, {Type: "FREE"}, {Type: "PRO", ActivateLater: true}} {
			in.UserID, in.DeviceType = u.ID, "Cisco 8851"
			_, err := w.dir.AddService(w.ctx, in)
			require.NoError(t, err)
		}
		before := len(collect(t, w.dir.Orders(w.ctx, 0)))
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, u.ID, pbx.UserAndPhones))
		orders := collect(t, w.dir.Orders(w.ctx, 0))
		require.Len(t, orders, before+1)
		require.Equal(t, pbx.Money(-5000), orders[0].Monthly, "what was never billed saves nothing")
		require.Equal(t, w.boston.ID, orders[0].LocationID)
	})
}

func TestUSR11_DeletingGivesBackLicenceDevicesExtensionsAndNumbers(t *testing.T) {
	for _, form := range []pbx.Deletion{pbx.UserOnly, pbx.UserAndPhones} {
		t.Run(string(form), func(t *testing.T) {
			eachStore(t, func(t *testing.T, w *world) {
				u, services := w.fullUser()
				require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, u.ID, form))
				pool := collect(t, w.dir.StationPools(w.ctx))[0]
				require.EqualValues(t, 0, pool.Used)
				require.Len(t, collect(t, w.dir.Devices(w.ctx, pbx.DeviceQuery{})), 2, "both devices are available")
				for _, e := range []pbx.Extension{"7501", "7502", "7503"} {
					require.Empty(t, w.reaches(e))
				}
				require.Equal(t, "group Hunters", w.reaches("7504"))
				require.Empty(t, collect(t, w.dir.Aliases(w.ctx, pbx.UserID{})))
				n := w.number(services[0].Number)
				require.Equal(t, w.us.ID, n.TenantID, "the number stays with the tenant")
				if form == pbx.UserOnly {
					require.Equal(t, services[0].ID, n.ServiceID)
					return
				}
				require.Equal(t, pbx.NumberAvailable, n.State)
				require.Empty(t, w.reaches(services[0].DN))
				again, err := w.dir.SetUpUser(w.ctx, w.setUp(collect(t, w.dir.Devices(w.ctx, pbx.DeviceQuery{MAC: "00:1b:54:00:00:01"}))[0].ID))
				require.NoError(t, err, "everything can be had again")
				require.Equal(t, services[0].DN, again.Service.DN)
			})
		})
	}
}

func TestUSR11_ATemporaryNumberGoesBackAndThePortingOneWaitsForNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.dir.RequestPort(w.ctx, pbx.NewPort{Carrier: "Old Bell", Date: w.clock, Numbers: []pbx.E164{"+16175550180"}})
		require.NoError(t, err)
		made, err := w.dir.SetUpUser(w.ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@example.com"}, Number: pbx.ExistingNumber("+16175550180")})
		require.NoError(t, err)
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, made.User.ID, pbx.UserAndPhones))
		require.Equal(t, pbx.NumberPorting, w.number("+16175550180").State)
		require.True(t, w.number("+16175550180").WaitingID.IsZero())
		require.Equal(t, pbx.Provider, w.number(made.Service.Number).TenantID)
	})
}

func TestUSR11_AUserWithARemoteServiceIsNotDeleted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		w.service(u.ID, "7002")
		for _, dn := range []pbx.Extension{"7003", "7004"} {
			_, err := w.dir.AddService(w.ctx, pbx.NewService{UserID: u.ID, DN: dn, DeviceType: "Cisco 8851", RemoteSystem: "Leeds"})
			require.NoError(t, err)
		}
		for _, form := range []pbx.Deletion{pbx.UserOnly, pbx.UserAndPhones} {
			e := w.refused(rule.USR11, pbx.ErrFailedPrecondition, func() error {
				err := w.dir.Confirm(rule.USR9, rule.USR10).DeleteUser(w.ctx, u.ID, form)
				require.Len(t, pbx.Errors(err), 2, "each is named")
				return err
			})
			require.Equal(t, "Leeds", e.Holder.ID)
		}
	})
}

func TestSVC11_ARemoteServiceGoesWhenItsOwnSystemHasDroppedIt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		bridge := w.acting(w.support.In(w.us.ID))
		ann, bob := w.user("Ann", "Lee", "7001"), w.user("Bob", "Day", "7002")
		s, err := w.dir.AddService(w.ctx, pbx.NewService{UserID: ann.ID, DN: "7101", DeviceType: "Cisco 8851", Type: "PRO", RemoteSystem: "Leeds"})
		require.NoError(t, err)
		_, err = w.dir.Associate(w.ctx, bob.ID, s.ID)
		require.NoError(t, err)
		ours := w.service(ann.ID, "7102")

		w.refused(rule.ACC2, pbx.ErrDenied, func() error { return w.dir.DropRemoteService(w.ctx, s.ID) })
		e := bridge.refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { return bridge.dir.DropRemoteService(w.ctx, ours.ID) })
		require.Equal(t, ours.ID.String(), e.Subject.ID)
		bridge.refused(rule.ACC1, pbx.ErrNotFound, func() error { return bridge.dir.DropRemoteService(w.ctx, pbx.ServiceID{1}) })
		e = bridge.refused(rule.SVC8, pbx.ErrFailedPrecondition, func() error { return bridge.dir.DropRemoteService(w.ctx, s.ID) })
		require.Equal(t, ann.ID.String(), e.Holder.ID)
		require.NoError(t, w.dir.SetPrimary(w.ctx, ann.ID, ours.ID))
		bridge.refused(rule.SVC9, pbx.ErrUnconfirmed, func() error { return bridge.dir.DropRemoteService(w.ctx, s.ID) })

		review := w.review(bridge.dir, func(dir *pbx.Directory) error { return dir.DropRemoteService(w.ctx, s.ID) })
		require.Equal(t, pbx.Money(-2500), review.Monthly(), "it is billed no longer")
		require.NoError(t, review.Commit(w.ctx))
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.dir.Service(w.ctx, s.ID)) })
		require.Equal(t, pbx.Extension("7101"), w.service(bob.ID, "7101").DN, "the DN is free")
	})
}

func TestSVC8_NoUsersPrimaryServiceGoesWithAnotherUserWhileHeHasOthers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.user("Ann", "Lee", "7001"), w.user("Bob", "Ray", "7002")
		shared := w.service(ann.ID, "7003")
		_, err := w.dir.Associate(w.ctx, bob.ID, shared.ID)
		require.NoError(t, err)
		other := w.service(bob.ID, "7004")
		all := w.dir.Confirm(rule.USR9, rule.USR10)
		e := w.refused(rule.SVC8, pbx.ErrFailedPrecondition, func() error { return w.dir.Confirm(rule.USR9, rule.USR10).DeleteUser(w.ctx, ann.ID, pbx.UserAndPhones) })
		require.Equal(t, bob.ID.String(), e.Holder.ID)
		require.NoError(t, w.dir.SetPrimary(w.ctx, bob.ID, other.ID))
		require.NoError(t, all.DeleteUser(w.ctx, ann.ID, pbx.UserAndPhones))
	})
}

func TestUSR10_ADeletedUserIsReplacedInTheSameBatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, services := w.fullUser()
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.ErrorIs(t, dir.DeleteUser(ctx, u.ID, pbx.UserAndPhones), pbx.ErrUnconfirmed)
			if err := dir.Confirm(rule.USR9).DeleteUser(ctx, u.ID, pbx.UserAndPhones); err != nil {
				return err
			}
			in := w.setUp(collect(t, dir.Devices(ctx, pbx.DeviceQuery{}))[0].ID)
			in.SIPAddress, in.Extension, in.Number = u.SIPAddress, services[0].DN, pbx.ExistingNumber(services[0].Number)
			_, err := dir.SetUpUser(ctx, in)
			return err
		}))
		made, err := w.dir.UserByLogin(w.ctx, u.Login)
		require.NoError(t, err)
		require.NotEqual(t, u.ID, made.ID)
		require.Equal(t, u.SIPAddress, made.SIPAddress)
		_, has, err := w.dir.UserServices(w.ctx, made.ID)
		require.NoError(t, err)
		require.Equal(t, services[0].Number, has[0].Number)
		require.Equal(t, has[0].ID, w.number(has[0].Number).ServiceID)
	})
}

func TestUSR9_WhatMayNameThePersonOnTheLinesThatStayIsWarnedOf(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		_, err := w.dir.AddService(w.ctx, pbx.NewService{UserID: u.ID, DN: "7101", Name: "Desk of Ann", DeviceType: "Cisco 8851"})
		require.NoError(t, err)
		_, err = w.dir.AddService(w.ctx, pbx.NewService{UserID: u.ID, DN: "7102", DeviceType: "Cisco 8851",
			Keys: []pbx.PhoneKey{{Position: 1, Kind: pbx.KeySpeedDial, Target: "7101", Label: "Ann"}}})
		require.NoError(t, err)
		w.service(u.ID, "7103")
		goes := func(form pbx.Deletion) func(dir *pbx.Directory) error {
			return func(dir *pbx.Directory) error { return dir.DeleteUser(w.ctx, u.ID, form) }
		}
		var texts []string
		for _, n := range w.review(w.dir, goes(pbx.UserOnly)).Warnings {
			require.Equal(t, rule.USR9, n.Code)
			texts = append(texts, n.Text)
		}
		require.ElementsMatch(t, []string{"service Desk of Ann (7101) stays, with its name", "the programmed keys of service 7102 stay, with their labels"}, texts)
		require.Empty(t, w.review(w.dir, goes(pbx.UserAndPhones)).Warnings, "nothing stays")
		require.NoError(t, w.review(w.dir, goes(pbx.UserOnly)).Commit(w.ctx))
	})
}
