package rules_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

func TestNUM7_NumberAndExtensionChangeOnlyForAUserWithAProfile(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		bare := w.User("Ann", "Lee", "7001")
		typeless := w.User("Bob", "Day", "7002")
		s := w.Service(typeless.ID, "7003")
		other, mine := w.profiled("Cid", "7004", pbx.NumberChoice{})
		for _, in := range []pbx.NumberChange{
			{Number: pbx.ProposedNumber()}, {KeepCurrent: true, UpdateExtension: true}, {KeepCurrent: true, UpdateExtension: true, Extension: "7777"}, {},
		} {
			for _, u := range []*pbx.User{bare, typeless} {
				e := w.Refused(rule.NUM7, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.ChangeNumber(w.Ctx, u.ID, in); return err })
				require.Equal(t, u.ID.String(), e.Subject.ID)
			}
		}
		w.Refused(rule.NUM7, pbx.ErrFailedPrecondition, func() error {
			_, err := w.Dir.ChangeNumber(w.Ctx, typeless.ID, pbx.NumberChange{ServiceID: s.ID, Number: pbx.ProposedNumber()})
			return err
		})
		w.Refused(rule.SVC4, pbx.ErrNotFound, func() error { // a service that is not the user's
			_, err := w.Dir.ChangeNumber(w.Ctx, typeless.ID, pbx.NumberChange{ServiceID: mine.ID, Number: pbx.ProposedNumber()})
			return err
		})
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
			_, err := w.British.ChangeNumber(w.Ctx, other.ID, pbx.NumberChange{Number: pbx.ProposedNumber()})
			return err
		})
		require.NotEmpty(t, w.change(other, pbx.NumberChange{Number: pbx.ProposedNumber()}).Number)

		remote, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7005", UserID: typeless.ID, DeviceType: "Cisco 8851", Type: "PRO", RemoteSystem: "PBX-2"})
		require.NoError(t, err)
		w.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error {
			_, err := w.Dir.ChangeNumber(w.Ctx, typeless.ID, pbx.NumberChange{ServiceID: remote.ID, Number: pbx.ProposedNumber()})
			return err
		})
	})
}

func TestNUM8_ANumberIsReplacedByAnExistingOneOrANewOneOrUnassigned(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Own("+16175550200", "+16175550201")
		u, s := w.profiled("Ann", "7001", pbx.ExistingNumber("+16175550200"))
		for _, c := range []struct {
			name string
			in   pbx.NumberChange
			want pbx.E164
		}{
			{"by an existing one", pbx.NumberChange{Number: pbx.ExistingNumber("+16175550201"), Previous: pbx.KeepNumber}, "+16175550201"},
			{"by a proposed new one", pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.KeepNumber}, "+16175550100"},
			{"by a chosen new one", pbx.NumberChange{Number: pbx.OfferedNumber("+16175550109"), Previous: pbx.KeepNumber}, "+16175550109"},
			{"by none", pbx.NumberChange{Previous: pbx.KeepNumber}, ""},
			{"where there was none", pbx.NumberChange{Number: pbx.ExistingNumber("+16175550100")}, "+16175550100"},
		} {
			before, err := w.Dir.Service(w.Ctx, s.ID)
			require.NoError(t, err)
			now := w.change(u, c.in)
			require.Equal(t, c.want, now.Number, c.name)
			require.Equal(t, before.DN, now.DN)
			stored, err := w.Dir.Service(w.Ctx, s.ID)
			require.NoError(t, err)
			require.Equal(t, now, stored)
			if c.want != "" {
				require.Equal(t, s.ID, w.number(c.want).ServiceID)
			}
			if before.Number != "" {
				n := w.number(before.Number)
				require.Equal(t, pbx.NumberAvailable, n.State)
				require.True(t, n.ServiceID.IsZero())
				require.Equal(t, w.US.ID, n.TenantID)
			}
		}
		w.change(u, pbx.NumberChange{Previous: pbx.KeepNumber})
		e := w.Refused(rule.NUM8, pbx.ErrInvalid, func() error { _, err := w.Dir.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{}); return err })
		require.Equal(t, "Number", e.Field)
		w.Refused(rule.NUM8, pbx.ErrInvalid, func() error {
			_, err := w.Dir.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{KeepCurrent: true, UpdateExtension: true, Number: pbx.ProposedNumber()})
			return err
		})
	})
}

func TestNUM8_AChangeThatWouldBePassedOverIsRefusedAllAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, _ := w.profiled("Ann", "7001", pbx.ProposedNumber())
		for _, in := range []pbx.NumberChange{{KeepCurrent: true}, {KeepCurrent: true, Previous: pbx.KeepNumber}} {
			e := w.Refused(rule.NUM8, pbx.ErrInvalid, func() error { _, err := w.Dir.ChangeNumber(w.Ctx, u.ID, in); return err })
			require.Equal(t, "KeepCurrent", e.Field)
		}
		for _, in := range []pbx.NumberChange{
			{KeepCurrent: true, UpdateExtension: true, Previous: "burn"}, {Number: pbx.ProposedNumber(), Previous: "burn"},
		} {
			e := w.Refused(rule.NUM10, pbx.ErrInvalid, func() error { _, err := w.Dir.ChangeNumber(w.Ctx, u.ID, in); return err })
			require.Equal(t, "Previous", e.Field)
		}
		for _, c := range []struct {
			in     pbx.NumberChange
			fields []string
		}{
			{pbx.NumberChange{KeepCurrent: true, Previous: "burn", Extension: "7777"}, []string{"Previous", "KeepCurrent", "Extension"}},
			{pbx.NumberChange{Number: pbx.NumberChoice{Source: "air"}, UpdateExtension: true, Extension: "70x1"}, []string{"Previous", "Number.Source", "Extension"}},
		} {
			_, err := w.Dir.ChangeNumber(w.Ctx, u.ID, c.in)
			var fields []string
			for _, e := range pbx.Errors(err) {
				fields = append(fields, e.Field)
			}
			require.Equal(t, c.fields, fields)
		}
		bare, _ := w.profiled("Bob", "7002", pbx.NumberChoice{}) // there is no previous number, but the word is wrong all the same
		w.Refused(rule.NUM10, pbx.ErrInvalid, func() error {
			_, err := w.Dir.ChangeNumber(w.Ctx, bare.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: "burn"})
			return err
		})
		require.NotEmpty(t, w.change(bare, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.KeepNumber}).Number)
	})
}

func TestNUM8_TheNumberOfASecondServiceIsChanged(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, first := w.profiled("Ann", "7001", pbx.ProposedNumber())
		second, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DN: "7002", DeviceType: "Cisco 8851", Type: "FREE"})
		require.NoError(t, err)
		now := w.change(u, pbx.NumberChange{ServiceID: second.ID, Number: pbx.ProposedNumber()})
		require.Equal(t, second.ID, now.ID)
		require.Equal(t, pbx.E164("+16175550101"), now.Number)
		still, err := w.Dir.Service(w.Ctx, first.ID)
		require.NoError(t, err)
		require.Equal(t, first, still)
	})
}

func TestNUM9_TheExtensionChangesOnlyWhenItIsToBeUpdated(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, s := w.profiled("Ann", "7005", pbx.ProposedNumber())
		require.Equal(t, pbx.Extension("7005"), w.change(u, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.KeepNumber}).DN, "not ticked")
		e := w.Refused(rule.NUM9, pbx.ErrInvalid, func() error {
			_, err := w.Dir.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.KeepNumber, Extension: "7777"})
			return err
		})
		require.Equal(t, "Extension", e.Field)

		filled := w.change(u, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.KeepNumber, UpdateExtension: true})
		require.Equal(t, pbx.Extension("7000"), filled.DN, "the lowest free one fills itself in")
		named := w.change(u, pbx.NumberChange{KeepCurrent: true, UpdateExtension: true, Extension: "7777"})
		require.Equal(t, pbx.Extension("7777"), named.DN)
		require.Equal(t, filled.Number, named.Number)
		reached, err := w.Dir.Lookup(w.Ctx, "7777")
		require.NoError(t, err)
		require.Equal(t, s.ID.String(), reached.Ref.ID)
		for _, gone := range []pbx.Extension{"7005", "7000"} {
			_, err := w.Dir.Lookup(w.Ctx, gone)
			require.ErrorIs(t, err, pbx.ErrNotFound)
		}

		w.User("Bob", "Day", "7001")
		for e, why := range map[pbx.Extension]rule.Code{"7001": rule.EXT2, "7777": rule.EXT2, "911": rule.EXT3, "9110": rule.EXT3, "7": rule.EXT1, "70x1": rule.EXT1} {
			kind := pbx.ErrInvalid
			if why == rule.EXT2 {
				kind = pbx.ErrConflict
			}
			w.Refused(why, kind, func() error {
				_, err := w.Dir.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber, UpdateExtension: true, Extension: e})
				return err
			})
		}
	})
}

func TestNUM10_WhatBecomesOfThePreviousNumberHasToBeChosen(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u, _ := w.profiled("Ann", "7001", pbx.ProposedNumber())
		for _, previous := range []pbx.Disposal{"", "Keep", "burn"} {
			for _, choice := range []pbx.NumberChoice{{}, pbx.ProposedNumber()} {
				e := w.Refused(rule.NUM10, pbx.ErrInvalid, func() error {
					_, err := w.Dir.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{Number: choice, Previous: previous})
					return err
				})
				require.Equal(t, "Previous", e.Field)
				require.Contains(t, e.Reason, "+16175550100")
			}
		}
		// Bad fields are reported at once.
		_, err := w.Dir.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{Number: pbx.ExistingNumber("+16175550999")})
		require.Len(t, pbx.Errors(err), 2)
	})
}

func TestNUM10_AReturnedNumberLeavesTheTenantAndRests(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberRest = 2 * 24 * time.Hour })
		w.exhaust(1)
		u, s := w.profiled("Ann", "7001", pbx.ProposedNumber())
		require.Equal(t, pbx.E164("+16175550109"), s.Number)
		w.change(u, pbx.NumberChange{Previous: pbx.ReturnNumber})
		n, err := w.Support.Number(w.Ctx, s.Number)
		require.NoError(t, err)
		until := w.Clock.Add(48 * time.Hour)
		require.Equal(t, &pbx.Number{E164: s.Number, TenantID: pbx.Provider, Rev: 3, State: pbx.NumberResting, FreeFrom: until, CreatedAt: n.CreatedAt}, n,
			"nothing of the tenant stays with it")
		w.Refused(rule.NUM2, pbx.ErrNotFound, func() error { _, err := w.Dir.Number(w.Ctx, s.Number); return err })

		take := func(c pbx.NumberChoice) error {
			_, err := w.Dir.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{Number: c})
			return err
		}
		w.Clock = until.Add(-time.Microsecond)
		w.Refused(rule.NUM4, pbx.ErrExhausted, func() error { return take(pbx.ProposedNumber()) })
		w.Refused(rule.NUM4, pbx.ErrNotFound, func() error { return take(pbx.OfferedNumber(s.Number)) })
		w.Refused(rule.NUM2, pbx.ErrNotFound, func() error { return take(pbx.ExistingNumber(s.Number)) })
		list, err := w.Dir.OfferedNumbers(w.Ctx, w.Boston.ID, "", 0)
		require.NoError(t, err)
		require.Empty(t, list)

		w.Clock = until
		list, err = w.Dir.OfferedNumbers(w.Ctx, w.Boston.ID, "", 0)
		require.NoError(t, err)
		require.Equal(t, []pbx.E164{s.Number}, list)
		require.NoError(t, take(pbx.ProposedNumber()))
		again := w.number(s.Number)
		require.Equal(t, pbx.NumberAssigned, again.State)
		require.True(t, again.FreeFrom.IsZero())
	})
}

func TestNUM10_ARestedNumberIsFoundBehindMoreThanAPageOfForeignOnes(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Support.In(w.UK.ID).AddNumbers(w.Ctx, testbed.Numbers("+4420794620%02d", 70)...)
		require.NoError(t, err)
		for _, e := range testbed.Numbers("+4420794620%02d", 70) {
			require.NoError(t, w.British.ReturnNumber(w.Ctx, e))
		}
		w.exhaust(1)
		u, s := w.profiled("Ann", "7001", pbx.ProposedNumber())
		w.Clock = w.Clock.Add(time.Hour)
		w.change(u, pbx.NumberChange{Previous: pbx.ReturnNumber})
		w.Clock = w.Clock.Add(45 * 24 * time.Hour)
		require.Equal(t, s.Number, w.change(u, pbx.NumberChange{Number: pbx.ProposedNumber()}).Number)
	})
}

func TestNUM10_WithoutARestANumberGoesStraightBackToStock(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberRest = 0 })
		u, s := w.profiled("Ann", "7001", pbx.ProposedNumber())
		now := w.change(u, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber})
		require.NotEqual(t, s.Number, now.Number, "a number does not replace itself")
		require.Contains(t, w.stocked(), s.Number)
	})
}

func TestNUM10_AnAvailableNumberIsReturned(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly = 500 })
		w.Own("+16175550200", "+16175550201")
		port, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "C", Date: w.Clock, Numbers: []pbx.E164{"+16175550300", "+16175550301"}})
		require.NoError(t, err)
		w.profiled("Ann", "7001", pbx.ExistingNumber("+16175550201"))
		require.NoError(t, w.Dir.ReturnNumber(w.Ctx, "+16175550200"))
		require.Equal(t, pbx.NumberResting, w.number("+16175550200").State)
		require.Empty(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), "what was never charged is not credited")

		for _, e := range []pbx.E164{"+16175550201", "+16175550300"} {
			w.Refused(rule.NUM10, pbx.ErrFailedPrecondition, func() error { return w.Dir.ReturnNumber(w.Ctx, e) })
		}
		for _, e := range []pbx.E164{"+16175550200", "+16175550100", "+16175550999", ""} {
			w.Refused(rule.NUM2, pbx.ErrNotFound, func() error { return w.Dir.ReturnNumber(w.Ctx, e) })
		}
		// One that was ported in does not stay with its port request.
		_, err = w.Support.In(w.US.ID).ActivatePort(w.Ctx, port.ID)
		require.NoError(t, err)
		require.NoError(t, w.Dir.ReturnNumber(w.Ctx, "+16175550300"))
		require.True(t, w.number("+16175550300").PortID.IsZero())
	})
}

func TestNUM10_AReturnedNumberSavesWhatItWasOrderedAt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly, p.NumberOneTime = 500, 200 })
		u, s := w.profiled("Ann", "7001", pbx.ProposedNumber())
		require.Equal(t, pbx.Money(500), w.number(s.Number).Monthly)
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly = 700 })
		w.change(u, pbx.NumberChange{Previous: pbx.KeepNumber})
		require.NoError(t, w.Dir.ReturnNumber(w.Ctx, s.Number))
		order := testbed.Collect(t, w.Dir.Orders(w.Ctx, 1))[0]
		require.Equal(t, pbx.Money(-500), order.Monthly)
		require.Zero(t, order.OneTime)
		require.Zero(t, w.number(s.Number).Monthly)
	})
}

func TestNUM10_ReturningAndReplacingIsOneOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly, p.NumberOneTime = 500, 200 })
		u, _ := w.profiled("Ann", "7001", pbx.ProposedNumber())
		w.change(u, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber})
		o, err := w.Dir.Order(w.Ctx, testbed.Collect(t, w.Dir.Orders(w.Ctx, 1))[0].ID)
		require.NoError(t, err)
		require.Equal(t, int64(2), o.Number)
		require.Equal(t, u.ID, o.UserID)
		require.Zero(t, o.Monthly)
		require.Equal(t, pbx.Money(200), o.OneTime)
		require.Len(t, o.Lines(), 2)
		require.Equal(t, int64(-1), o.Lines()[1].Quantity)
		require.Equal(t, pbx.Money(-500), o.Lines()[1].Monthly)
	})
}

func TestNUM12_UsersWithAnExtensionAndNoNumberAreLegal(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.User("Ann", "Lee", "7001")
		made, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Bob", Email: "bob@example.com", Extension: "7002"}})
		require.NoError(t, err)
		require.Empty(t, made.Service.Number)
		require.Equal(t, pbx.Extension("7002"), made.Service.DN)
		require.Empty(t, w.Service(made.User.ID, "7003").Number)
		require.Len(t, w.stocked(), 20)
	})
}
