package rules_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// badFields lists the fields that an error is about, each with its code.
func badFields(err error) []string {
	var list []string
	for _, e := range pbx.Errors(err) {
		list = append(list, e.Field+" "+string(e.Code))
	}
	slices.Sort(list)
	return list
}

// journal lists the types of a tenant's events from a revision on.
func (w *world) journal(dir *pbx.Directory, after int64) []string {
	w.T.Helper()
	var list []string
	for _, e := range testbed.Collect(w.T, dir.Journal(w.Ctx, pbx.JournalQuery{AfterSeq: after})) {
		list = append(list, e.Type)
	}
	return list
}

// revision is the present one of the US tenant.
func (w *world) revision() int64 {
	w.T.Helper()
	tenant, err := w.Dir.Tenant(w.Ctx)
	require.NoError(w.T, err)
	return tenant.Rev
}

// reaches names what an extension of the US tenant reaches, or nothing.
func (w *world) reaches(e pbx.Extension) string {
	w.T.Helper()
	target, err := w.Dir.Lookup(w.Ctx, e)
	if err != nil {
		require.ErrorIs(w.T, err, pbx.ErrNotFound)
		return ""
	}
	return target.Ref.String()
}

// names lists users by their names.
func names(users []*pbx.User) []string {
	var list []string
	for _, u := range users {
		list = append(list, u.Name())
	}
	return list
}

func TestUSR1_ANameAnEmailAddressAndAnExtensionAreEnough(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		before := w.revision()
		made, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", LastName: "Lee", Email: "ann@example.com", Extension: "7001"})
		require.NoError(t, err)
		require.False(t, made.ID.IsZero())
		require.Equal(t, "Ann Lee", made.Name())
		require.Equal(t, pbx.UserActive, made.State)
		require.Equal(t, w.Clock, made.CreatedAt)
		require.Equal(t, w.Clock, made.ActivatedAt)

		read, err := w.Dir.User(w.Ctx, made.ID)
		require.NoError(t, err)
		require.Equal(t, made, read)
		require.Equal(t, "user Ann Lee", w.reaches("7001"))
		main, err := w.Dir.MainExtension(w.Ctx, made.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("7001"), main)
		services, err := w.Dir.UserServices(w.Ctx, made.ID)
		require.NoError(t, err)
		require.Empty(t, services)
		require.Equal(t, []string{"user.created", "user.welcome-mail"}, w.journal(w.Dir, before))
	})
}

func TestUSR1_OneOfTheTwoNamesIsEnough(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for i, in := range []pbx.NewUser{{FirstName: "Ann"}, {LastName: "Lee"}} {
			in.Email, in.Extension = fmt.Sprintf("a%d@example.com", i), pbx.Extension(fmt.Sprint(7001+i))
			u, err := w.Dir.CreateUser(w.Ctx, in)
			require.NoError(t, err)
			require.Equal(t, in.FirstName+in.LastName, u.Name())
		}
		w.Refused(rule.USR1, pbx.ErrInvalid, func() error {
			_, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{Email: "b@example.com", Extension: "7003"})
			return err
		})
	})
}

func TestUSR1_SeveralBadFieldsAreReportedAllAtOnceEachByName(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.User("Ann", "Lee", "7001")
		cases := map[string]struct {
			in   pbx.NewUser
			want []string
		}{
			"nothing": {pbx.NewUser{}, []string{"Email USR-1", "Extension USR-1", "Name USR-1"}},
			"everything malformed": {
				pbx.NewUser{
					FirstName: " Ann", LastName: "Lee\n", Email: "ann at example", Login: "ann", Extension: "70a1", Mobile: "617 555",
					Department: strings.Repeat("d", 65), LocationID: pbx.LocationID{1}, MusicOnHold: "\x00", SIPAddress: "ann@elsewhere.example", E911: true,
				},
				[]string{
					"Department USR-5", "E911 USR-6", "Email USR-1", "Extension EXT-1", "FirstName USR-1", "LastName USR-1",
					"LocationID ACC-1", "Login USR-3", "Mobile USR-5", "MusicOnHold USR-5", "SIPAddress EXT-6",
				},
			},
			"everything taken": {
				pbx.NewUser{FirstName: "Ann", Email: "b@example.com", Login: "ANN.LEE@example.com", Extension: "7001", SIPAddress: "ann.lee@acme.example.com"},
				[]string{"Extension EXT-2", "Login USR-3", "SIPAddress EXT-6"},
			},
			"a bad address counts once": {
				pbx.NewUser{FirstName: "Ann", Email: "ann", Extension: "7002"},
				[]string{"Email USR-1"},
			},
			"text that is no text": {
				pbx.NewUser{FirstName: "A\xff", LastName: "B\x00", Email: "a\xff@example.com", Login: "b\x00@example.com", Extension: "7002"},
				[]string{"Email USR-1", "FirstName USR-1", "LastName USR-1", "Login USR-3"},
			},
		}
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				before := testbed.Dump(t, w.Store)
				_, err := w.Dir.CreateUser(w.Ctx, c.in)
				require.Equal(t, c.want, badFields(err))
				for _, e := range pbx.Errors(err) {
					require.NotEmpty(t, e.Reason)
				}
				require.Equal(t, before, testbed.Dump(t, w.Store))
			})
		}
	})
}

func TestUSR1_FieldsHaveLimits(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		long := func(n int) string { return strings.Repeat("é", n) }
		local := strings.Repeat("a", 254-len("@example.com"))
		u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{
			FirstName: long(64), LastName: long(64), Email: local + "@example.com", Extension: "7001", Department: long(64), MusicOnHold: long(64),
		})
		require.NoError(t, err)
		read, err := w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, u, read)
		_, err = w.Dir.CreateUser(w.Ctx, pbx.NewUser{
			FirstName: long(65), LastName: long(65), Email: local + "a@example.com", Extension: "7002", Department: long(65), MusicOnHold: long(65),
		})
		require.Equal(t, []string{"Department USR-5", "Email USR-1", "FirstName USR-1", "LastName USR-1", "MusicOnHold USR-5"}, badFields(err))
	})
}

func TestUSR3_TheUserIDIsTheEmailAddressUnlessItIsAnother(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "Ann@Example.com", Extension: "7001"})
		require.NoError(t, err)
		require.Equal(t, "Ann@Example.com", ann.Login)
		bob, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Bob", Email: "ann@example.com", Login: "bob@corp.example", Extension: "7002"})
		require.NoError(t, err, "email addresses may be shared, user IDs not")
		require.Equal(t, "bob@corp.example", bob.Login)

		for login, want := range map[string]pbx.UserID{"ANN@EXAMPLE.COM": ann.ID, "ann@example.com": ann.ID, "Bob@Corp.Example": bob.ID} {
			u, err := w.Dir.UserByLogin(w.Ctx, login)
			require.NoError(t, err)
			require.Equal(t, want, u.ID)
		}
	})
}

func TestUSR3_TheUserIDHasTheFormOfAnEmailAddress(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, login := range []string{"bob", "bob@", "@corp.example", "bob corp@corp.example", "Bob <bob@corp.example>", "bob@corp.example ", "\"b ob\"@corp.example", "bob@corp@example"} {
			e := w.Refused(rule.USR3, pbx.ErrInvalid, func() error {
				_, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Bob", Email: "bob@corp.example", Login: login, Extension: "7002"})
				return err
			})
			require.Equal(t, "Login", e.Field, login)
		}
	})
}

func TestUSR3_TheUserIDIsUniqueAcrossTheWholeSystemWhateverTheCase(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		create := func(dir *pbx.Directory) func() error {
			return func() error {
				_, err := dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Bob", Email: "bob@corp.example", Login: "ANN.LEE@Example.COM", Extension: "7002"})
				return err
			}
		}
		e := w.Refused(rule.USR3, pbx.ErrConflict, create(w.Dir))
		require.Equal(t, "Login", e.Field)
		require.Equal(t, pbx.Ref{Kind: "user", ID: ann.ID.String(), Name: "Ann Lee"}, e.Holder)

		e = w.Refused(rule.USR3, pbx.ErrConflict, create(w.British))
		require.Equal(t, pbx.Ref{}, e.Holder, "who has it in another tenant is not told")
		require.NotContains(t, e.Error(), "Ann")

		bob := w.User("Bob", "Ray", "7002")
		bob.Login = "Ann.Lee@example.com"
		w.Refused(rule.USR3, pbx.ErrConflict, func() error { _, err := w.Dir.ModifyUser(w.Ctx, bob); return err })

		ann.Login = "Ann.Lee@Example.com"
		ann, err := w.Dir.ModifyUser(w.Ctx, ann)
		require.NoError(t, err, "his own in another case")
		ann.Login = "lee@example.com"
		_, err = w.Dir.ModifyUser(w.Ctx, ann)
		require.NoError(t, err)
		_, err = w.Dir.ModifyUser(w.Ctx, bob)
		require.NoError(t, err, "it is free now")
	})
}

func TestUSR3_OfSeveralTenantsAtOnceOneGetsTheUserID(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var wins, losses atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			dir := []*pbx.Directory{w.Dir, w.British}[i%2]
			all.Go(func() {
				_, err := dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: pbx.Extension(fmt.Sprint(7001 + i))})
				switch {
				case err == nil:
					wins.Add(1)
				case pbx.CodeOf(err) == rule.USR3:
					losses.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, wins.Load())
		require.EqualValues(t, 7, losses.Load())
	})
}

func TestUSR3_TwoUsersExchangeTheirUserIDsInABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Ray", "7002")
		rename := func(dir *pbx.Directory, id pbx.UserID, login string) error {
			u, err := dir.User(w.Ctx, id)
			if err == nil {
				u.Login = login
				_, err = dir.ModifyUser(w.Ctx, u)
			}
			return err
		}
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.ErrorIs(t, rename(dir, ann.ID, bob.Login), pbx.ErrConflict)
			for _, step := range []struct {
				id    pbx.UserID
				login string
			}{{ann.ID, "aside@example.com"}, {bob.ID, ann.Login}, {ann.ID, bob.Login}} {
				if err := rename(dir, step.id, step.login); err != nil {
					return err
				}
			}
			return nil
		}))
		u, err := w.Dir.UserByLogin(w.Ctx, ann.Login)
		require.NoError(t, err)
		require.Equal(t, bob.ID, u.ID)
	})
}

func TestUSR5_TheOtherDetailsAreOptional(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{
			FirstName: "Ann", LastName: "Lee", Email: "ann@example.com", Extension: "7001", Mobile: "+447700900123", Department: "Sales & Öl",
			LocationID: w.Boston.ID, MusicOnHold: "jazz", SIPAddress: "Desk@acme.example.com", E911: true,
		})
		require.NoError(t, err)
		read, err := w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, u, read)
		require.Equal(t, pbx.SIPAddress("desk@acme.example.com"), read.SIPAddress)
		require.Equal(t, "Sales & Öl", read.Department)

		for field, spoil := range map[string]func(u *pbx.User){
			"Mobile":      func(u *pbx.User) { u.Mobile = "0170 1234" },
			"Department":  func(u *pbx.User) { u.Department = strings.Repeat("x", 65) },
			"MusicOnHold": func(u *pbx.User) { u.MusicOnHold = " jazz" },
		} {
			bad := *read
			spoil(&bad)
			e := w.Refused(rule.USR5, pbx.ErrInvalid, func() error { return second(w.Dir.ModifyUser(w.Ctx, &bad)) })
			require.Equal(t, field, e.Field)
		}
		read.Mobile, read.Department, read.LocationID, read.MusicOnHold, read.E911 = "", "", pbx.LocationID{}, "", false
		_, err = w.Dir.ModifyUser(w.Ctx, read)
		require.NoError(t, err, "and can be cleared")
	})
}

func TestUSR5_AMobileNumberIsOneThatCanBeDialled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, bad := range []pbx.E164{"6175550142", "+1 617 555 0142", "+1", "+999123456789", "mobile"} {
			refusal := w.Refused(rule.USR5, pbx.ErrInvalid, func() error {
				_, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001", Mobile: bad})
				return err
			})
			require.Equal(t, "Mobile", refusal.Field)
		}
	})
}

func TestUSR6_E911NeedsADispatchableLocation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		bare := w.BareSite("BARE")
		for _, at := range []pbx.LocationID{{}, bare.ID} {
			e := w.Refused(rule.USR6, pbx.ErrInvalid, func() error {
				_, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001", LocationID: at, E911: true})
				return err
			})
			require.Equal(t, "E911", e.Field)
		}
		u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001", LocationID: w.Boston.ID, E911: true})
		require.NoError(t, err)
		for _, at := range []pbx.LocationID{{}, bare.ID} {
			moved := *u
			moved.LocationID = at
			w.Refused(rule.USR6, pbx.ErrInvalid, func() error { _, err := w.Dir.ModifyUser(w.Ctx, &moved); return err })
		}
	})
}

func TestUSR6_ALocationKeepsTheAddressThatHelpIsSentTo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001", LocationID: w.Boston.ID, E911: true})
		require.NoError(t, err)
		for _, take := range []func(*pbx.CivicAddress){
			func(a *pbx.CivicAddress) { a.Street = "" },
			func(a *pbx.CivicAddress) { a.City = "" },
			func(a *pbx.CivicAddress) { a.PostalCode = "" },
		} {
			l := *w.Boston
			take(&l.Address)
			e := w.Refused(rule.USR6, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.ModifyLocation(w.Ctx, &l); return err })
			require.Equal(t, u.ID.String(), e.Holder.ID)
		}
		u.E911 = false
		_, err = w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		l := *w.Boston
		l.Address.Street = ""
		_, err = w.Dir.ModifyLocation(w.Ctx, &l)
		require.NoError(t, err, "nobody's e911 needs it any more")
	})
}

func TestUSR7_AnySectionIsModifiedAndNothingIsStoredUntilSaved(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made := w.User("Ann", "Lee", "7001")
		before := testbed.Dump(t, w.Store)
		u, err := w.Dir.User(w.Ctx, made.ID)
		require.NoError(t, err)
		u.FirstName, u.LastName, u.Email, u.Login = "Änne", "Léa", "anne@example.com", "anne@corp.example"
		u.Mobile, u.Department, u.LocationID, u.MusicOnHold = "+16175550199", "Sales", w.Boston.ID, "jazz"
		u.SIPAddress, u.E911 = "ANNE@acme.example.com", true
		require.Equal(t, before, testbed.Dump(t, w.Store), "a copy is changed, not the record")

		saved, err := w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		require.Equal(t, made.Rev+1, saved.Rev)
		require.Equal(t, pbx.SIPAddress("anne@acme.example.com"), saved.SIPAddress)
		read, err := w.Dir.User(w.Ctx, made.ID)
		require.NoError(t, err)
		require.Equal(t, saved, read)
		require.Len(t, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{LastName: "lea", FirstName: "anne"})), 1, "he is found by his new names")
		require.Empty(t, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{LastName: "lee"})))
		bob, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Bob", Email: "ann.lee@example.com", Extension: "7002", SIPAddress: made.SIPAddress})
		require.NoError(t, err, "what he had is free")
		require.Equal(t, made.SIPAddress, bob.SIPAddress)
	})
}

func TestUSR7_WhatHasAnOperationOfItsOwnIsNotModified(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		u.State, u.Station, u.CreatedAt, u.ActivatedAt = pbx.UserDisabled, "STANDARD", time.Time{}, time.Time{}
		u.Email, u.LocationID, u.Applications = "ann", pbx.LocationID{9}, []string{"crm"}
		w.Refused(rule.USR7, pbx.ErrInvalid, func() error {
			_, err := w.Dir.ModifyUser(w.Ctx, u)
			require.Equal(t, []string{
				"ActivatedAt USR-7", "Applications STN-2", "CreatedAt USR-7", "Email USR-1", "LocationID ACC-1", "State USR-7", "Station USR-7",
			}, badFields(err))
			return err
		})
	})
}

func TestUSR7_AReviewThatIsDroppedLeavesEverythingAsItWas(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		before := testbed.Dump(t, w.Store)
		u.LastName = "Ray"
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { _, err := dir.ModifyUser(w.Ctx, u); return err })
		require.Equal(t, before, testbed.Dump(t, w.Store))
		require.Len(t, review.Effects, 1)
		require.NoError(t, review.Commit(w.Ctx))
		read, err := w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, "Ray", read.LastName)
	})
}

func TestUSR12_AWelcomeEmailGoesOutUnlessItIsLeftOutAndCanBeSentAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		quiet, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001", NoWelcomeMail: true})
		require.NoError(t, err)
		var sent []string
		mails := func() (list []string) {
			for _, e := range testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{})) {
				if e.Type == "user.welcome-mail" {
					list = append(list, e.Subject)
				}
			}
			return list
		}
		require.Equal(t, sent, mails())
		loud := w.User("Bob", "Ray", "7002")
		require.Equal(t, []string{loud.ID.String()}, mails())
		for range 2 {
			require.NoError(t, w.Dir.SendWelcomeMail(w.Ctx, quiet.ID))
		}
		require.Equal(t, []string{loud.ID.String(), quiet.ID.String(), quiet.ID.String()}, mails())
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.SendWelcomeMail(w.Ctx, pbx.UserID{1}) })
	})
}

func TestUSR13_APendingUserIsActivatedLaterAndNobodyElse(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001", ActivateLater: true})
		require.NoError(t, err)
		require.Equal(t, pbx.UserPending, u.State)
		require.True(t, u.ActivatedAt.IsZero())
		own, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DN: "7101", DeviceType: "Cisco 8851", Type: "PRO"})
		require.NoError(t, err)
		require.Equal(t, pbx.StatusPendingActivation, own.Status, "his services wait with him")
		require.True(t, own.ActivatedAt.IsZero())
		shared := w.Service(pbx.UserID{}, "7102")
		_, err = w.Dir.Associate(w.Ctx, u.ID, shared.ID)
		require.NoError(t, err)

		w.Clock = w.Clock.Add(time.Hour)
		active, err := w.Dir.ActivateUser(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.UserActive, active.State)
		require.Equal(t, w.Clock, active.ActivatedAt)
		s, err := w.Dir.Service(w.Ctx, own.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.StatusActive, s.Status)
		require.Equal(t, w.Clock, s.ActivatedAt)
		s, err = w.Dir.Service(w.Ctx, shared.ID)
		require.NoError(t, err)
		require.Equal(t, shared.ActivatedAt, s.ActivatedAt, "what was active was so before")

		e := w.Refused(rule.USR13, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.ActivateUser(w.Ctx, u.ID); return err })
		require.Contains(t, e.Reason, "is active")
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.ActivateUser(w.Ctx, pbx.UserID{1}); return err })
	})
}

func TestUSR5_ASIPAddressThatIsClearedIsGeneratedAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001", SIPAddress: "desk@acme.example.com"})
		require.NoError(t, err)
		clear := func(u *pbx.User) { u.SIPAddress = "" }
		u, err = modified(w.Ctx, w.Dir, u.ID, clear)
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("ann@acme.example.com"), u.SIPAddress)
		u, err = modified(w.Ctx, w.Dir, u.ID, clear)
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("ann@acme.example.com"), u.SIPAddress, "it was already")
		_, err = w.Dir.SIPIdentity(w.Ctx, "ann@acme.example.com")
		require.NoError(t, err)
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.Dir.SIPIdentity(w.Ctx, "desk@acme.example.com")) })

		other := func(first string, e pbx.Extension, a pbx.SIPAddress) *pbx.User {
			made, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: first, Email: "ann@" + first + ".example.com", Extension: e, SIPAddress: a})
			require.NoError(t, err)
			return made
		}
		bo := other("bo", "7002", "hall@acme.example.com")
		bo, err = modified(w.Ctx, w.Dir, bo.ID, clear)
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("ann-7002@acme.example.com"), bo.SIPAddress, "the first is taken")
		other("di", "7004", "ann-7003@acme.example.com")
		cy := other("cy", "7003", "hall@acme.example.com")
		cy, err = modified(w.Ctx, w.Dir, cy.ID, clear)
		require.NoError(t, err)
		require.Equal(t, pbx.SIPAddress("hall@acme.example.com"), cy.SIPAddress, "both are taken")
	})
}

func TestUSR3_AUserIDIsOneHoweverItsAccentsAreWritten(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		zoe, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Zoë", Email: "zoe\u0308@example.com", Extension: "7001"})
		require.NoError(t, err)
		require.Equal(t, "zoe\u0308@example.com", zoe.Login, "it is kept as it was given")
		refusal := w.Refused(rule.USR3, pbx.ErrConflict, func() error {
			return second(w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Zoë", Email: "ZO\u00cb@example.com", Extension: "7002"}))
		})
		require.Equal(t, zoe.ID.String(), refusal.Holder.ID)
		read, err := w.Dir.UserByLogin(w.Ctx, "zo\u00eb@example.com")
		require.NoError(t, err)
		require.Equal(t, zoe, read)
	})
}
