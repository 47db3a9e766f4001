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

// userAt creates a user of the US tenant at a location.
func (w *world) userAt(l *pbx.Location, first string, e pbx.Extension) (*pbx.User, error) {
	return w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: first, Email: first + "@example.com", LocationID: l.ID, Extension: e})
}

func TestEXT1_AUserHasAnyNumberOfExtensionsAndOneIsTheMainOne(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		for _, e := range []pbx.Extension{"7003", "7002"} {
			entry, err := w.Dir.AddExtension(w.Ctx, u.ID, e)
			require.NoError(t, err)
			require.Equal(t, u.ID, entry.UserID)
			require.True(t, entry.MainOf.IsZero())
		}
		own := pbx.ExtensionQuery{UserID: u.ID}
		require.Equal(t, []pbx.Extension{"7001", "7002", "7003"}, testbed.Digits(testbed.Collect(t, w.Dir.Extensions(w.Ctx, own))))
		require.Empty(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), "at no charge")
		main := func() pbx.Extension {
			e, err := w.Dir.MainExtension(w.Ctx, u.ID)
			require.NoError(t, err)
			return e
		}
		require.Equal(t, pbx.Extension("7001"), main())
		require.NoError(t, w.Dir.SetMainExtension(w.Ctx, u.ID, "7003"))
		require.Equal(t, pbx.Extension("7003"), main())
		before := w.revision()
		require.NoError(t, w.Dir.SetMainExtension(w.Ctx, u.ID, "7003"))
		require.Equal(t, before, w.revision(), "it was already")

		first := w.Service(u.ID, "7101")
		require.Equal(t, pbx.Extension("7101"), main(), "the DN of his primary service")
		require.NoError(t, w.Dir.SetMainExtension(w.Ctx, u.ID, "7002"))
		require.Equal(t, pbx.Extension("7101"), main())
		require.NoError(t, w.Dir.DeleteService(w.Ctx, first.ID))
		require.Equal(t, pbx.Extension("7002"), main(), "from then on")

		bob := w.User("Bob", "Ray", "7004")
		for _, e := range []pbx.Extension{"7004", "7999"} {
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.SetMainExtension(w.Ctx, u.ID, e) })
		}
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.SetMainExtension(w.Ctx, pbx.UserID{1}, "7004") })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.AddExtension(w.Ctx, pbx.UserID{1}, "7005"); return err })
		require.Equal(t, []pbx.Extension{"7004"}, testbed.Digits(testbed.Collect(t, w.Dir.Extensions(w.Ctx, pbx.ExtensionQuery{UserID: bob.ID}))))
		require.Equal(t, []pbx.Extension{"7001", "7002"}, testbed.Digits(testbed.Collect(t, w.Dir.Extensions(w.Ctx, pbx.ExtensionQuery{Prefix: "70", Limit: 2}))))
	})
}

func TestEXT1_AnExtensionIsRemovedUnlessSomethingNeedsIt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		_, err := w.Dir.AddExtension(w.Ctx, u.ID, "7002")
		require.NoError(t, err)
		e := w.Refused(rule.EXT1, pbx.ErrFailedPrecondition, func() error { return w.Dir.RemoveExtension(w.Ctx, "7001") })
		require.Equal(t, u.ID.String(), e.Holder.ID)
		require.NoError(t, w.Dir.RemoveExtension(w.Ctx, "7002"))
		w.Refused(rule.EXT1, pbx.ErrFailedPrecondition, func() error { return w.Dir.RemoveExtension(w.Ctx, "7001") })
		s := w.Service(u.ID, "7101")
		e = w.Refused(rule.EXT1, pbx.ErrFailedPrecondition, func() error { return w.Dir.RemoveExtension(w.Ctx, "7101") })
		require.Equal(t, s.ID.String(), e.Holder.ID)
		require.NoError(t, w.Dir.RemoveExtension(w.Ctx, "7001"), "he has a DN")
		entry, err := w.Dir.AddExtension(w.Ctx, u.ID, "7005")
		require.NoError(t, err)
		require.Equal(t, u.ID, entry.MainOf, "the first one again")

		a := w.Alias(u.ID, "Help", "7201")
		g := w.Group("All", "7202")
		require.NoError(t, w.Dir.RemoveExtension(w.Ctx, "7201"))
		require.NoError(t, w.Dir.RemoveExtension(w.Ctx, "7202"))
		_, err = w.Dir.Alias(w.Ctx, a.ID)
		require.NoError(t, err)
		_, err = w.Dir.Group(w.Ctx, g.ID)
		require.NoError(t, err)
		for _, none := range []pbx.Extension{"7999", "", "x", "7005\x00"} {
			w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.RemoveExtension(w.Ctx, none) })
		}
	})
}

func TestEXT1_AnExtensionIsDigitsOfThePolicysLength(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "70")
		for _, bad := range []pbx.Extension{"7", "7000000", "70a1", "+7001", "70 1", "٧٠٠١", "-701"} {
			e := w.Refused(rule.EXT1, pbx.ErrInvalid, func() error { _, err := w.Dir.AddExtension(w.Ctx, u.ID, bad); return err })
			require.Equal(t, "Extension", e.Field)
		}
		_, err := w.Dir.AddExtension(w.Ctx, u.ID, "700000")
		require.NoError(t, err)
		w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionMinLength, p.ExtensionMaxLength = 3, 7 })
		_, err = w.Dir.AddExtension(w.Ctx, u.ID, "7000000")
		require.NoError(t, err)
		w.Refused(rule.EXT1, pbx.ErrInvalid, func() error { _, err := w.Dir.AddExtension(w.Ctx, u.ID, "71"); return err })

		u.LocationID = w.Boston.ID
		_, err = w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err, "what exists stays as it is")
	})
}

func TestEXT2_AnExtensionIsUniqueAcrossEverythingThatCanBeDialled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		s := w.Service(ann.ID, "7002")
		alias := w.Alias(ann.ID, "Ann Support", "7003")
		group := w.Group("Hunters", "7004")
		bob := w.User("Bob", "Ray", "7100")
		mine := w.Service(bob.ID, "7101")

		takers := map[string]func(e pbx.Extension) error{
			"a user": func(e pbx.Extension) error { _, err := w.userAt(w.Boston, "Eve", e); return err },
			"a set-up": func(e pbx.Extension) error {
				_, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Eve", Email: "eve@example.com", Extension: e}})
				return err
			},
			"a further one": func(e pbx.Extension) error { _, err := w.Dir.AddExtension(w.Ctx, bob.ID, e); return err },
			"a DN": func(e pbx.Extension) error {
				_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: e, DeviceType: "Cisco 8851"})
				return err
			},
			"a new DN": func(e pbx.Extension) error {
				moved := *mine
				moved.DN = e
				_, err := w.Dir.ModifyService(w.Ctx, &moved)
				return err
			},
			"an alias": func(e pbx.Extension) error {
				_, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: bob.ID, Name: "Help", Extension: e})
				return err
			},
			"a group": func(e pbx.Extension) error {
				_, err := w.Dir.CreateGroup(w.Ctx, pbx.NewGroup{Name: "All", Extension: e})
				return err
			},
		}
		for e, holder := range map[pbx.Extension]pbx.Ref{
			"7001": {Kind: "user", ID: ann.ID.String(), Name: "Ann Lee"}, "7002": {Kind: "service", ID: s.ID.String(), Name: "7002"},
			"7003": {Kind: "alias", ID: alias.ID.String(), Name: "Ann Support"}, "7004": {Kind: "group", ID: group.ID.String(), Name: "Hunters"},
		} {
			for who, take := range takers {
				refusal := w.Refused(rule.EXT2, pbx.ErrConflict, func() error { return take(e) })
				require.Equal(t, holder, refusal.Holder, "%s takes %s", who, e)
				require.Contains(t, refusal.Reason, holder.Name)
			}
		}
		_, err := w.British.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Eve", Email: "eve@example.co.uk", Extension: "7001"})
		require.NoError(t, err, "another tenant has a dial plan of its own")
	})
}

func TestEXT2_DigitsMoveFromOneToAnotherInABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Ray", "7002")
		a, b := w.Service(ann.ID, "7101"), w.Service(bob.ID, "7102")
		dial := func(dir *pbx.Directory, id pbx.ServiceID, dn pbx.Extension) error {
			s, err := dir.Service(w.Ctx, id)
			if err == nil {
				s.DN = dn
				_, err = dir.ModifyService(w.Ctx, s)
			}
			return err
		}
		exchange := func(dir *pbx.Directory, first, second pbx.ServiceID) error {
			require.ErrorIs(t, dial(dir, first, "7102"), pbx.ErrConflict, "the others of the batch stand")
			for _, step := range []struct {
				id pbx.ServiceID
				dn pbx.Extension
			}{{first, "7199"}, {second, "7101"}, {first, "7102"}} {
				if err := dial(dir, step.id, step.dn); err != nil {
					return err
				}
			}
			if _, err := dir.AddExtension(w.Ctx, ann.ID, "7199"); err != nil {
				return err
			}
			return dir.RemoveExtension(w.Ctx, "7199")
		}
		require.NoError(t, w.Dir.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error { return exchange(dir, a.ID, b.ID) }))
		require.Equal(t, b.ID, w.lookup("7101"))
		require.Equal(t, a.ID, w.lookup("7102"))
		require.NoError(t, w.Review(w.Dir, func(dir *pbx.Directory) error { return exchange(dir, b.ID, a.ID) }).Commit(w.Ctx), "and back")
		require.Equal(t, a.ID, w.lookup("7101"))
		require.Equal(t, b.ID, w.lookup("7102"))
		require.Empty(t, w.reaches("7199"))
	})
}

func TestEXT3_AnExtensionKeepsClearOfTheEmergencyNumbersOfTheCountry(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.AdvisedExtension = "" })
		ann := w.User("Ann", "Lee", "7001")
		brit, err := w.British.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Eve", Email: "eve@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		for _, c := range []struct {
			dir      *pbx.Directory
			user     pbx.UserID
			bad, fit []pbx.Extension
		}{
			{w.Dir, ann.ID, []pbx.Extension{"91", "911", "9110", "911000", "11", "112", "1123"}, []pbx.Extension{"92", "910", "9010", "113", "999", "9991", "19", "1911"}},
			{w.British, brit.ID, []pbx.Extension{"99", "999", "9990", "999123", "11", "112", "1120"}, []pbx.Extension{"91", "911", "9110", "998", "9899", "118", "1999"}},
		} {
			for _, bad := range c.bad {
				e := w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { _, err := c.dir.AddExtension(w.Ctx, c.user, bad); return err })
				require.Equal(t, "Extension", e.Field)
				require.Contains(t, e.Reason, "emergency number")
			}
			for _, fit := range c.fit {
				_, err := c.dir.AddExtension(w.Ctx, c.user, fit)
				require.NoError(t, err, fit)
			}
		}
	})
}

func TestEXT3_AnExtensionKeepsClearOfTheEmergencyNumbersWhereItsUserIs(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		london := w.Abroad()
		brit, err := w.userAt(london, "brit", "7001")
		require.NoError(t, err)
		yank, err := w.userAt(w.Boston, "yank", "9990")
		require.NoError(t, err)
		for _, e := range []pbx.Extension{"911", "9110", "999", "9991", "112"} {
			w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { _, err := w.userAt(london, "eve", e); return err })
			w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { _, err := w.Dir.AddExtension(w.Ctx, brit.ID, e); return err })
			w.Refused(rule.EXT3, pbx.ErrInvalid, func() error {
				_, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: brit.ID, Name: "Help", Extension: e})
				return err
			})
			for _, in := range []pbx.NewService{{UserID: brit.ID}, {LocationID: london.ID}, {UserID: brit.ID, LocationID: w.Boston.ID}, {UserID: yank.ID, LocationID: london.ID}} {
				in.DN, in.DeviceType = e, "Cisco 8851"
				w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { _, err := w.Dir.AddService(w.Ctx, in); return err })
			}
		}
		own := w.Service(brit.ID, "7002")
		own.DN = "9992"
		w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { _, err := w.Dir.ModifyService(w.Ctx, own); return err })
		s := w.Service(yank.ID, "9993")
		w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { _, err := w.Dir.Associate(w.Ctx, brit.ID, s.ID); return err })
		moved := *s
		moved.LocationID = london.ID
		e := w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { _, err := w.Dir.ModifyService(w.Ctx, &moved); return err })
		require.Equal(t, "LocationID", e.Field)
	})
}

func TestEXT3_NobodyMovesToWhereAnExtensionThatReachesHimWouldBeInTheWay(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		london := w.Abroad()
		own, err := w.userAt(w.Boston, "own", "9990")
		require.NoError(t, err)
		lined := w.User("Bob", "Lined", "7001")
		w.Service(lined.ID, "9991")
		aliased := w.User("Cid", "Aliased", "7002")
		w.Alias(aliased.ID, "Cid Support", "9992")
		for _, u := range []*pbx.User{own, lined, aliased} {
			u.LocationID = london.ID
			e := w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { _, err := w.Dir.ModifyUser(w.Ctx, u); return err })
			require.Equal(t, "LocationID", e.Field)
		}
		free := w.User("Dan", "Free", "7003")
		free.LocationID = london.ID
		_, err = w.Dir.ModifyUser(w.Ctx, free)
		require.NoError(t, err)
	})
}

func TestEXT3_ALocationDoesNotMoveToACountryWhereAnExtensionWouldBeInTheWay(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, err := w.userAt(w.Boston, "ann", "9990")
		require.NoError(t, err)
		toLondon := func() error {
			l, err := w.Dir.Location(w.Ctx, w.Boston.ID)
			require.NoError(t, err)
			l.Address.Country, l.NumberPrefix = "GB", ""
			_, err = w.Dir.ModifyLocation(w.Ctx, l)
			return err
		}
		e := w.Refused(rule.EXT3, pbx.ErrInvalid, toLondon)
		require.Equal(t, "Address.Country", e.Field)
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, pbx.UserOnly))
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "9991", DeviceType: "Cisco 8851", LocationID: w.Boston.ID})
		require.NoError(t, err)
		w.Refused(rule.EXT3, pbx.ErrInvalid, toLondon)
		require.NoError(t, w.Dir.DeleteService(w.Ctx, s.ID))
		require.NoError(t, toLondon())
	})
}

func TestEXT4_AnExtensionThatHasNotTheAdvisedFormWarns(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		warnings := func(e pbx.Extension) []pbx.Notice {
			return w.Review(w.Dir, func(dir *pbx.Directory) error { _, err := dir.AddExtension(w.Ctx, u.ID, e); return err }).Warnings
		}
		for _, fit := range []pbx.Extension{"7000", "7999"} {
			require.Empty(t, warnings(fit), fit)
		}
		for _, other := range []pbx.Extension{"8000", "700", "70000"} {
			list := warnings(other)
			require.Equal(t, []rule.Code{rule.EXT4}, testbed.Codes(list))
			require.Contains(t, list[0].Text, "7xxx")
		}
		_, err := w.Dir.AddExtension(w.Ctx, u.ID, "8000")
		require.NoError(t, err, "it is advice")
		w.ModifyPolicy(func(p *pbx.Policy) { p.AdvisedExtension = "8x1" })
		require.Empty(t, warnings("821"))
		require.Len(t, warnings("7002"), 1)
		w.ModifyPolicy(func(p *pbx.Policy) { p.AdvisedExtension = "" })
		require.Empty(t, warnings("90"))
	})
}

func TestEXT1_AnExtensionOfAUserPassesToHisService(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		for _, e := range []pbx.Extension{"7003", "7002"} {
			_, err := w.Dir.AddExtension(w.Ctx, ann.ID, e)
			require.NoError(t, err)
		}
		own := func() []pbx.Extension {
			return testbed.Digits(testbed.Collect(t, w.Dir.Extensions(w.Ctx, pbx.ExtensionQuery{UserID: ann.ID})))
		}
		var desk *pbx.Service
		review, err := w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) (err error) {
			desk, err = dir.AddService(ctx, pbx.NewService{UserID: ann.ID, DN: "7001", DeviceType: "Cisco 8851"})
			return err
		})
		require.NoError(t, err)
		var effects []string
		for _, e := range review.Effects {
			effects = append(effects, e.String())
		}
		require.Equal(t, []string{"service 7001 created: 7001", "extension 7001 passed to service, user Ann Lee",
			"user Ann Lee made main: 7002", "service 7001 associated, user Ann Lee"}, effects)
		require.NoError(t, review.Commit(w.Ctx))
		reached, err := w.Dir.Lookup(w.Ctx, "7001")
		require.NoError(t, err)
		require.Equal(t, desk.ID, reached.Entry.ServiceID)
		require.Equal(t, desk.ID.String(), reached.Ref.ID)
		require.Equal(t, []pbx.Extension{"7002", "7003"}, own())
		next, err := w.Dir.Lookup(w.Ctx, "7002")
		require.NoError(t, err)
		require.Equal(t, ann.ID, next.Entry.MainOf)

		// By a change of the service, and of number and extension.
		desk, err = w.Dir.Service(w.Ctx, desk.ID)
		require.NoError(t, err)
		desk.DN, desk.Type = "7003", "PRO"
		desk, err = w.Dir.ModifyService(w.Ctx, desk)
		require.NoError(t, err)
		require.Equal(t, []pbx.Extension{"7002"}, own())
		_, err = w.Dir.ChangeNumber(w.Ctx, ann.ID, pbx.NumberChange{KeepCurrent: true, UpdateExtension: true, Extension: "7002"})
		require.NoError(t, err)
		require.Empty(t, own())

		// An extension that points at somebody else is taken, as always.
		bob := w.User("Bob", "Ray", "7004")
		for _, user := range []pbx.UserID{ann.ID, {}} {
			e := w.Refused(rule.EXT2, pbx.ErrConflict, func() error {
				_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: user, DN: "7004", DeviceType: "Cisco 8851"})
				return err
			})
			require.Equal(t, "DN", e.Field)
			require.Equal(t, bob.ID.String(), e.Holder.ID)
		}
		e := w.Refused(rule.EXT2, pbx.ErrConflict, func() error {
			_, err := w.Dir.ChangeNumber(w.Ctx, ann.ID, pbx.NumberChange{KeepCurrent: true, UpdateExtension: true, Extension: "7004"})
			return err
		})
		require.Equal(t, "Extension", e.Field)
	})
}

func TestEXT5_AUsersFirstServiceTakesHisMainExtension(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		add := func(u *pbx.User, at pbx.LocationID) pbx.Extension {
			t.Helper()
			s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DeviceType: "Cisco 8851", Type: "PRO", LocationID: at})
			require.NoError(t, err)
			return s.DN
		}
		ann := w.User("Ann", "Lee", "7333")
		require.Equal(t, pbx.Extension("7333"), add(ann, pbx.LocationID{}))
		require.Equal(t, pbx.Extension("7000"), add(ann, pbx.LocationID{}), "his main extension stays")
		main, err := w.Dir.MainExtension(w.Ctx, ann.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("7333"), main)
		bob := w.User("Bob", "Ray", "9990")
		require.Equal(t, pbx.Extension("7001"), add(bob, w.Abroad().ID), "which 999 is in the way of in London")
		require.Equal(t, []pbx.Extension{"9990"}, testbed.Digits(testbed.Collect(t, w.Dir.Extensions(w.Ctx, pbx.ExtensionQuery{UserID: bob.ID}))))
	})
}

func TestEXT1_WhoHasNoExtensionAnyMoreIsWarnedOf(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Ray", "7002")
		_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann.ID, DN: "7001", DeviceType: "Cisco 8851"})
		require.NoError(t, err)
		reached, err := w.Dir.Lookup(w.Ctx, "7001")
		require.NoError(t, err)
		_, err = w.Dir.Associate(w.Ctx, bob.ID, reached.Entry.ServiceID)
		require.NoError(t, err)
		for _, end := range []func(dir *pbx.Directory) error{
			func(dir *pbx.Directory) error { return dir.Disassociate(w.Ctx, ann.ID, reached.Entry.ServiceID) },
			func(dir *pbx.Directory) error { return dir.DeleteService(w.Ctx, reached.Entry.ServiceID) },
		} {
			review := w.Review(w.Dir, end)
			require.Equal(t, []pbx.Notice{{Code: rule.EXT1, Subject: pbx.Ref{Kind: "user", ID: ann.ID.String(), Name: "Ann Lee"},
				Text: "user Ann Lee has no extension any more"}}, review.Warnings, "and Bob has one of his own")
		}
		require.Empty(t, w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.Disassociate(w.Ctx, bob.ID, reached.Entry.ServiceID) }).Warnings)
		require.NoError(t, w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.DeleteService(w.Ctx, reached.Entry.ServiceID) }).Commit(w.Ctx))
		main, err := w.Dir.MainExtension(w.Ctx, ann.ID)
		require.NoError(t, err)
		require.Empty(t, main)
	})
}

func TestEXT3_WhereNoEmergencyNumberIsKnown112And911AreKeptFree(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for i, country := range []string{"GN", "GQ", "IO", "TA", "TK"} {
			at := w.Location(w.Dir, fmt.Sprint("FAR-", i), country, "")
			for _, e := range []pbx.Extension{"1120", "112", "91", "9110"} {
				refusal := w.Refused(rule.EXT3, pbx.ErrInvalid, func() error { return second(w.userAt(at, country, e)) })
				require.Equal(t, "Extension", refusal.Field)
			}
			_, err := w.userAt(at, country, pbx.Extension(fmt.Sprint(1130+i)))
			require.NoError(t, err)
		}
		far := w.Tenant("Far", "TK", "tk.example.com")
		dir := w.Dir
		w.Dir = w.Support.In(far.ID)
		w.Refused(rule.EXT3, pbx.ErrInvalid, func() error {
			return second(w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@tk.example.com", Extension: "1121"}))
		})
		w.Dir = dir
	})
}
