package rules_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// profiled adds a user of the US tenant with one service that has a type, at
// Boston, and the number that is chosen.
func (w *world) profiled(name string, dn pbx.Extension, number pbx.NumberChoice) (*pbx.User, *pbx.Service) {
	w.T.Helper()
	u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: name, Email: strings.ToLower(name) + "@example.com", Extension: "1" + dn, LocationID: w.Boston.ID})
	require.NoError(w.T, err)
	s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: u.ID, DN: dn, DeviceType: "Cisco 8851", Type: "FREE", Number: number})
	require.NoError(w.T, err)
	return u, s
}

// number reads a number that the US tenant or the provider has.
func (w *world) number(e pbx.E164) *pbx.Number {
	w.T.Helper()
	n, err := w.Dir.Number(w.Ctx, e)
	if err != nil {
		n, err = w.Support.Number(w.Ctx, e)
	}
	require.NoError(w.T, err)
	return n
}

// stocked lists the numbers on offer to everybody.
func (w *world) stocked() []pbx.E164 {
	w.T.Helper()
	var list []pbx.E164
	for _, n := range testbed.Collect(w.T, w.Support.Numbers(w.Ctx, pbx.NumberQuery{State: pbx.NumberStock})) {
		list = append(list, n.E164)
	}
	return list
}

// exhaust takes away all new numbers of the US except the last n.
func (w *world) exhaust(n int) {
	w.T.Helper()
	list, err := w.Dir.OfferedNumbers(w.Ctx, w.Boston.ID, "", 1000)
	require.NoError(w.T, err)
	for _, e := range list[:len(list)-n] {
		_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: pbx.Extension("6" + e[len(e)-3:]), DeviceType: "Cisco 8851", Number: pbx.OfferedNumber(e)})
		require.NoError(w.T, err)
	}
}

func (w *world) change(u *pbx.User, in pbx.NumberChange) *pbx.Service {
	w.T.Helper()
	s, err := w.Dir.ChangeNumber(w.Ctx, u.ID, in)
	require.NoError(w.T, err)
	return s
}

func TestNUM1_NumbersAreE164AndBelongToOneTenantAtMost(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		inUS, inUK := w.Support.In(w.US.ID), w.Support.In(w.UK.ID)
		made, err := inUS.AddNumbers(w.Ctx, "+16175550200", "+16175550201")
		require.NoError(t, err)
		require.Len(t, made, 2)
		n := w.number("+16175550201")
		require.Equal(t, made[1], n)
		require.Equal(t, &pbx.Number{E164: "+16175550201", TenantID: w.US.ID, Rev: 1, State: pbx.NumberAvailable, CreatedAt: w.Clock}, n)
		stock := w.number("+16175550100")
		require.Equal(t, pbx.Provider, stock.TenantID)
		require.Equal(t, pbx.NumberStock, stock.State)

		for name, add := range map[string]func(...pbx.E164) error{
			"own tenant":     func(l ...pbx.E164) error { _, err := inUS.AddNumbers(w.Ctx, l...); return err },
			"another tenant": func(l ...pbx.E164) error { _, err := inUK.AddNumbers(w.Ctx, l...); return err },
			"provider":       func(l ...pbx.E164) error { _, err := w.Support.StockNumbers(w.Ctx, l...); return err },
			"port": func(l ...pbx.E164) error {
				_, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "C", Date: w.Clock, Numbers: l})
				return err
			},
		} {
			for _, taken := range []pbx.E164{"+16175550200", "+16175550100"} {
				e := w.Refused(rule.NUM1, pbx.ErrConflict, func() error { return add("+16175550299", taken) })
				require.Equal(t, "Numbers[1]", e.Field, name)
				require.Empty(t, e.Holder, "whose it is, is not said")
				require.Contains(t, e.Reason, string(taken))
			}
		}
		e := w.Refused(rule.NUM2, pbx.ErrNotFound, func() error { _, err := w.British.Number(w.Ctx, "+16175550200"); return err })
		require.Equal(t, "Number", e.Field)
	})
}

func TestNUM1_EveryBadNumberOfAListIsReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		bad := []pbx.E164{
			"", "+", "6175550200", "16175550200", "+1 6175550200", "+1-617-555-0200", "+1617555020", "+161755502000", "+11175550200",
			"+0123456789", "+99912345678", "+4402079460000", "+1617555020x", "+1617555020\x00", "+١٦١٧٥٥٥٠٢٠٠", " +16175550200",
		}
		add := func(list ...pbx.E164) error {
			_, err := w.Support.In(w.US.ID).AddNumbers(w.Ctx, list...)
			return err
		}
		w.Refused(rule.NUM1, pbx.ErrInvalid, func() error { return add(bad...) })
		w.Refused(rule.NUM1, pbx.ErrInvalid, func() error {
			return second(w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "C", Date: w.Clock, Numbers: bad}))
		})
		errs := pbx.Errors(add(bad...))
		require.Len(t, errs, len(bad))
		for i, e := range errs {
			require.Equal(t, fmt.Sprintf("Numbers[%d]", i), e.Field)
			require.Equal(t, rule.NUM1, e.Code)
			require.ErrorIs(t, e, pbx.ErrInvalid)
		}
		twice := w.Refused(rule.NUM1, pbx.ErrInvalid, func() error { return add("+16175550200", "+16175550201", "+16175550200") })
		require.Equal(t, "Numbers[2]", twice.Field)
		w.Refused(rule.NUM1, pbx.ErrInvalid, func() error { return add() })
		w.Refused(rule.NUM1, pbx.ErrInvalid, func() error { return add(testbed.Numbers("+1617555%04d", 1001)...) })
		require.NoError(t, add(testbed.Numbers("+1617556%04d", 1000)...))
		require.Len(t, testbed.Collect(t, w.Dir.Numbers(w.Ctx, pbx.NumberQuery{State: pbx.NumberAvailable})), 1000)

		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { _, err := w.Dir.AddNumbers(w.Ctx, "+16175550200"); return err })
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { _, err := w.Dir.StockNumbers(w.Ctx, "+16175550200"); return err })
	})
}

func TestNUM2_AnAvailableNumberOfTheTenantIsAssigned(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Own("+16175550200", "+16175550201")
		port, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "C", Date: w.Clock, Numbers: []pbx.E164{"+16175550300"}})
		require.NoError(t, err)
		section := func(s pbx.NumberState, prefix string) (list []pbx.E164) {
			for _, n := range testbed.Collect(t, w.Dir.Numbers(w.Ctx, pbx.NumberQuery{State: s, Prefix: prefix})) {
				list = append(list, n.E164)
			}
			return list
		}
		require.Equal(t, []pbx.E164{"+16175550200", "+16175550201"}, section(pbx.NumberAvailable, ""))
		require.Equal(t, []pbx.E164{"+16175550300"}, section(pbx.NumberPorting, ""))
		require.Empty(t, section(pbx.NumberAvailable, "+16175550202"))
		require.Empty(t, section(pbx.NumberAvailable, "+1617\x00"))
		require.Equal(t, port.ID, w.number("+16175550300").PortID)

		_, s := w.profiled("Ann", "7001", pbx.ExistingNumber("+16175550200"))
		require.Equal(t, pbx.E164("+16175550200"), s.Number)
		n := w.number("+16175550200")
		require.Equal(t, pbx.NumberAssigned, n.State)
		require.Equal(t, s.ID, n.ServiceID)
		require.Equal(t, w.US.ID, n.TenantID)
		require.Equal(t, []pbx.E164{"+16175550201"}, section(pbx.NumberAvailable, ""))
		require.Empty(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), "the tenant has it already")
	})
}

func TestNUM2_ANumberThatIsTakenUnknownOrAnotherTenantsIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Own("+16175550200", "+16175550201")
		_, err := w.Support.In(w.UK.ID).AddNumbers(w.Ctx, "+442079461000")
		require.NoError(t, err)
		ann, s := w.profiled("Ann", "7001", pbx.ExistingNumber("+16175550200"))
		paths := []struct {
			name   string
			choose func(pbx.NumberChoice) error
		}{
			{"AddService", func(c pbx.NumberChoice) error {
				_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceType: "Cisco 8851", Number: c})
				return err
			}},
			{"SetUpUser", func(c pbx.NumberChoice) error {
				_, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Bob", Email: "bob@example.com"}, Number: c})
				return err
			}},
			{"ChangeNumber", func(c pbx.NumberChoice) error {
				_, err := w.Dir.ChangeNumber(w.Ctx, ann.ID, pbx.NumberChange{Number: c, Previous: pbx.KeepNumber})
				return err
			}},
		}
		for _, path := range paths {
			taken := w.Refused(rule.NUM2, pbx.ErrConflict, func() error { return path.choose(pbx.ExistingNumber("+16175550200")) })
			require.Equal(t, pbx.Ref{Kind: "service", ID: s.ID.String(), Name: "7001"}, taken.Holder, path.name)
			require.Equal(t, "Number", taken.Field)
			unknown := w.Refused(rule.NUM2, pbx.ErrNotFound, func() error { return path.choose(pbx.ExistingNumber("+16175550999")) })
			foreign := w.Refused(rule.NUM2, pbx.ErrNotFound, func() error { return path.choose(pbx.ExistingNumber("+442079461000")) })
			require.Equal(t, strings.ReplaceAll(unknown.Error(), "+16175550999", "N"), strings.ReplaceAll(foreign.Error(), "+442079461000", "N"))
			w.Refused(rule.NUM2, pbx.ErrNotFound, func() error { return path.choose(pbx.ExistingNumber("+16175550100")) }) // in stock
			w.Refused(rule.NUM2, pbx.ErrNotFound, func() error { return path.choose(pbx.ExistingNumber("+1617555\x00")) })
			w.Refused(rule.NUM2, pbx.ErrInvalid, func() error { return path.choose(pbx.ExistingNumber("")) })
			w.Refused(rule.NUM2, pbx.ErrInvalid, func() error { return path.choose(pbx.NumberChoice{Number: "+16175550201"}) })
			w.Refused(rule.NUM2, pbx.ErrInvalid, func() error { return path.choose(pbx.NumberChoice{Source: "found", Number: "+16175550201"}) })
		}
	})
}

func TestNUM2_TheTwoSectionsToChooseFromAreListedApart(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Own("+16175550200")
		w.port("+16175550300", "+16175550301")
		_, s := w.profiled("Ann", "7001", pbx.ExistingNumber("+16175550300"))
		list := func(q pbx.NumberQuery) (list []pbx.E164) {
			for _, n := range testbed.Collect(t, w.Dir.Numbers(w.Ctx, q)) {
				list = append(list, n.E164)
			}
			return list
		}
		require.Equal(t, []pbx.E164{"+16175550200"}, list(pbx.NumberQuery{State: pbx.NumberAvailable}))
		require.Equal(t, []pbx.E164{"+16175550300", "+16175550301"}, list(pbx.NumberQuery{State: pbx.NumberPorting}))
		require.Equal(t, []pbx.E164{"+16175550301"}, list(pbx.NumberQuery{State: pbx.NumberPorting, Unawaited: true}), "of which one can be chosen")
		require.Equal(t, []pbx.E164{s.Number}, list(pbx.NumberQuery{State: pbx.NumberAssigned, Unawaited: true}))
		for _, none := range []pbx.NumberState{"", "lost", "Stock"} {
			e := w.Refused(rule.NUM2, pbx.ErrInvalid, func() error {
				for _, err := range w.Dir.Numbers(w.Ctx, pbx.NumberQuery{State: none}) {
					return err
				}
				return nil
			})
			require.Equal(t, "State", e.Field)
		}
	})
}

func TestNUM2_TheSameNumberIsNotChosenTwiceInOneBatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Own("+16175550200")
		for _, choice := range []pbx.NumberChoice{pbx.ExistingNumber("+16175550200"), pbx.OfferedNumber("+16175550105")} {
			dn := pbx.Extension("71" + string(choice.Number[10:]))
			var second error
			err := w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				first, err := dir.AddService(ctx, pbx.NewService{DN: dn, DeviceType: "Cisco 8851", Number: choice})
				require.NoError(t, err)
				require.Equal(t, choice.Number, first.Number)
				_, second = dir.AddService(ctx, pbx.NewService{DN: dn + "1", DeviceType: "Cisco 8851", Number: choice})
				require.Error(t, second)
				return nil
			})
			require.NoError(t, err)
			if choice.Source == pbx.FromTenant {
				require.ErrorIs(t, second, pbx.ErrConflict)
				require.Equal(t, string(dn), pbx.Errors(second)[0].Holder.Name)
			} else {
				require.ErrorIs(t, second, pbx.ErrNotFound)
			}
			services := testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{Number: string(choice.Number)}))
			require.Len(t, services, 1)
			require.Equal(t, dn, services[0].DN)
		}
	})
}

func TestNUM4_ANewNumberIsProposedNearTheUser(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Support.StockNumbers(w.Ctx, "+12025550100", "+12125550100")
		require.NoError(t, err)
		u, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", LocationID: w.Boston.ID}, Number: pbx.ProposedNumber()})
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+16175550100"), u.Service.Number, "the lowest of Boston's")
		n := w.number("+16175550100")
		require.Equal(t, w.US.ID, n.TenantID)
		require.Equal(t, pbx.NumberAssigned, n.State)
		require.Equal(t, u.Service.ID, n.ServiceID)

		nowhere, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceType: "Cisco 8851", Number: pbx.ProposedNumber()})
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+12025550100"), nowhere.Number, "the lowest of the country's")
		york := w.Location(w.Dir, "NYC-1", "US", "+1212")
		near, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", LocationID: york.ID, Number: pbx.ProposedNumber()})
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+12125550100"), near.Number)
		far, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7102", DeviceType: "Cisco 8851", LocationID: york.ID, Number: pbx.ProposedNumber()})
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+16175550101"), far.Number, "none is left near, so the country's")
	})
}

func TestNUM4_WhoHasMovedGetsANumberNearHisPresentLocation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Support.StockNumbers(w.Ctx, testbed.Numbers("+1212555010%d", 4)...)
		require.NoError(t, err)
		york := w.Location(w.Dir, "NYC-1", "US", "+1212")
		u, s := w.profiled("Ann", "7001", pbx.ProposedNumber())
		require.Equal(t, pbx.E164("+16175550100"), s.Number)
		u.LocationID = york.ID
		u, err = w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		now := w.change(u, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber})
		require.Equal(t, pbx.E164("+12125550100"), now.Number, "the service was added in Boston")
		require.Equal(t, w.Boston.ID, now.LocationID)

		w.port("+16175550300", "+16175550301")
		now = w.change(u, pbx.NumberChange{Number: pbx.ExistingNumber("+16175550300"), Previous: pbx.ReturnNumber})
		require.Equal(t, pbx.E164("+12125550101"), now.Number, "a temporary one too")
		line := pbx.NewService{UserID: u.ID, DN: "7002", DeviceType: "Cisco 8851", LocationID: w.Boston.ID, Number: pbx.ProposedNumber()}
		second, err := w.Dir.AddService(w.Ctx, line)
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+12125550102"), second.Number, "wherever the line is")
		line.DN, line.Number = "7003", pbx.ExistingNumber("+16175550301")
		third, err := w.Dir.AddService(w.Ctx, line)
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+12125550103"), third.Number)

		// A user without a location is where their service is. Then a user at another
		// place than their service.
		u.LocationID = pbx.LocationID{}
		u, err = w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+16175550101"), w.change(u, pbx.NumberChange{Number: pbx.ProposedNumber()}).Number)
		nowhere, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Bob", Email: "bob@example.com", Extension: "17010"})
		require.NoError(t, err)
		_, err = w.Dir.AddService(w.Ctx, pbx.NewService{UserID: nowhere.ID, DN: "7010", DeviceType: "Cisco 8851", Type: "FREE"})
		require.NoError(t, err)
		_, err = w.Support.StockNumbers(w.Ctx, "+12025550100")
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+12025550100"), w.change(nowhere, pbx.NumberChange{Number: pbx.ProposedNumber()}).Number)
		nowhere, err = w.Dir.User(w.Ctx, nowhere.ID)
		require.NoError(t, err)
		nowhere.LocationID = w.Boston.ID
		nowhere, err = w.Dir.ModifyUser(w.Ctx, nowhere)
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+16175550102"), w.change(nowhere, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.KeepNumber}).Number)
	})
}

func TestNUM4_NumbersOfTheCountryAreThoseOfItsRegionAndNotTollFree(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.exhaust(1)
		foreign := []pbx.E164{"+14165550100", "+14165550101", "+18765550100"} // Toronto, Kingston
		free := pbx.E164("+18005550100")
		_, err := w.Support.StockNumbers(w.Ctx, append(testbed.Numbers("+120455501%02d", 70), append(foreign, free)...)...)
		require.NoError(t, err)
		add := func(dn pbx.Extension, choice pbx.NumberChoice) (*pbx.Service, error) {
			return w.Dir.AddService(w.Ctx, pbx.NewService{DN: dn, DeviceType: "Cisco 8851", LocationID: w.Boston.ID, Number: choice})
		}
		list, err := w.Dir.OfferedNumbers(w.Ctx, pbx.LocationID{}, "", 0)
		require.NoError(t, err)
		require.Equal(t, []pbx.E164{"+16175550109"}, list)
		last, err := add("7001", pbx.ProposedNumber())
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+16175550109"), last.Number)
		w.Refused(rule.NUM4, pbx.ErrExhausted, func() error { _, err := add("7002", pbx.ProposedNumber()); return err })
		w.port("+16175550300")
		w.Refused(rule.NUM3, pbx.ErrExhausted, func() error { _, err := add("7002", pbx.ExistingNumber("+16175550300")); return err })

		canadian := w.Tenant("Acme Canada", "CA", "ca.acme.example.com")
		toronto := w.Support.In(canadian.ID)
		_, err = w.Support.StockNumbers(w.Ctx, "+12025550100")
		require.NoError(t, err)
		list, err = toronto.OfferedNumbers(w.Ctx, pbx.LocationID{}, "", 100)
		require.NoError(t, err)
		require.Equal(t, append(testbed.Numbers("+120455501%02d", 70), foreign[:2]...), list)
		washington, err := add("7002", pbx.ProposedNumber())
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+12025550100"), washington.Number)

		// It can be chosen by the whole number or its first digits.
		chosen, err := add("7003", pbx.OfferedNumber(free))
		require.NoError(t, err)
		require.Equal(t, free, chosen.Number)
		abroad, err := add("7004", pbx.ProposedNumberLike("+1416"))
		require.NoError(t, err)
		require.Equal(t, foreign[0], abroad.Number)
	})
}

func TestNUM4_ALocationAbroadOffersTheNumbersNearItInEveryWay(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		abroad := w.Location(w.Dir, "LON-9", "GB", "+4420")
		add := func(dn pbx.Extension, at pbx.LocationID, choice pbx.NumberChoice) (pbx.E164, error) {
			s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: dn, DeviceType: "Cisco 8851", LocationID: at, Number: choice})
			if err != nil {
				return "", err
			}
			return s.Number, nil
		}
		for _, prefix := range []string{"", "+4420", "+44207946"} {
			list, err := w.Dir.OfferedNumbers(w.Ctx, abroad.ID, prefix, 0)
			require.NoError(t, err)
			require.Equal(t, testbed.Numbers("+44207946000%d", 10), list)
		}
		for i, choice := range []pbx.NumberChoice{pbx.ProposedNumber(), pbx.ProposedNumberLike("+44207946"), pbx.OfferedNumber("+442079460002")} {
			got, err := add(pbx.Extension("710"+string(rune('0'+i))), abroad.ID, choice)
			require.NoError(t, err)
			require.Equal(t, testbed.Numbers("+44207946000%d", 10)[i], got)
		}
		for _, prefix := range []string{"+44", "+4416", "+4420x", "+442079460001"} { // no numbers that are near, or none at all
			e := w.Refused(rule.NUM4, pbx.ErrInvalid, func() error { _, err := w.Dir.OfferedNumbers(w.Ctx, abroad.ID, prefix, 0); return err })
			require.Equal(t, "Prefix", e.Field)
			e = w.Refused(rule.NUM4, pbx.ErrInvalid, func() error { _, err := add("7110", abroad.ID, pbx.ProposedNumberLike(prefix)); return err })
			require.Equal(t, "Number.Prefix", e.Field)
		}
		w.Refused(rule.NUM4, pbx.ErrInvalid, func() error { _, err := add("7110", w.Boston.ID, pbx.ProposedNumberLike("+4420")); return err })
		e := w.Refused(rule.NUM5, pbx.ErrInvalid, func() error { // the other users are elsewhere
			_, err := add("7110", abroad.ID, pbx.ProposedNumberLike("+4420").Keeping())
			return err
		})
		require.Equal(t, "Number.Keep", e.Field)
	})
}

func TestNUM4_AnotherNewNumberIsChosenFromAList(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Support.StockNumbers(w.Ctx, "+12125550100")
		require.NoError(t, err)
		list := func(at pbx.LocationID, prefix string, limit int) []pbx.E164 {
			l, err := w.Dir.OfferedNumbers(w.Ctx, at, prefix, limit)
			require.NoError(t, err)
			return l
		}
		require.Equal(t, testbed.Numbers("+1617555010%d", 10), list(w.Boston.ID, "", 0))
		require.Equal(t, testbed.Numbers("+1617555010%d", 3), list(w.Boston.ID, "", 3))
		require.Equal(t, []pbx.E164{"+12125550100"}, list(w.Boston.ID, "+1212", 0))
		require.Len(t, list(pbx.LocationID{}, "", 0), 11)
		require.Len(t, list(pbx.LocationID{}, "", 1), 1)
		require.Empty(t, list(w.Boston.ID, "+1303", 0))
		denver := w.Location(w.Dir, "DEN-1", "US", "+1303")
		require.Equal(t, pbx.E164("+12125550100"), list(denver.ID, "", 0)[0], "where none is near, the country's")

		for _, prefix := range []string{"1617", "+44", "+1 617", "+1617x", "617", "+161755501001", "+1\x00"} {
			e := w.Refused(rule.NUM4, pbx.ErrInvalid, func() error { _, err := w.Dir.OfferedNumbers(w.Ctx, w.Boston.ID, prefix, 0); return err })
			require.Equal(t, "Prefix", e.Field)
		}
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.OfferedNumbers(w.Ctx, w.London.ID, "", 0); return err })

		office := w.Location(w.Dir, "LON-1", "GB", "+4420")
		abroad, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7200", DeviceType: "Cisco 8851", LocationID: office.ID, Number: pbx.OfferedNumber("+442079460005")})
		require.NoError(t, err, "an office abroad has the numbers there")
		require.Equal(t, pbx.E164("+442079460005"), abroad.Number)

		_, s := w.profiled("Ann", "7001", pbx.OfferedNumber("+16175550107"))
		require.Equal(t, pbx.E164("+16175550107"), s.Number)
		require.NotContains(t, list(w.Boston.ID, "", 0), pbx.E164("+16175550107"))
		w.Own("+16175550200")
		for _, not := range []pbx.E164{"+16175550107", "+16175550200", "+16175550999", "+442079460000", "+1617\x00", "x"} {
			e := w.Refused(rule.NUM4, pbx.ErrNotFound, func() error {
				_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceType: "Cisco 8851", Number: pbx.OfferedNumber(not)})
				return err
			})
			require.Equal(t, "Number", e.Field)
		}
	})
}

func TestNUM4_TheLastNumberOfTheStockIsTakenAndThenThereIsNone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.exhaust(1)
		_, s := w.profiled("Ann", "7001", pbx.ProposedNumber())
		require.Equal(t, pbx.E164("+16175550109"), s.Number)
		e := w.Refused(rule.NUM4, pbx.ErrExhausted, func() error {
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceType: "Cisco 8851", Number: pbx.ProposedNumber(), LocationID: w.Boston.ID})
			return err
		})
		require.Equal(t, "Number", e.Field)
		require.Len(t, w.stocked(), 10, "the British ones")

		require.NoError(t, w.Dir.DeleteService(w.Ctx, testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{Limit: 1}))[0].ID))
		w.Refused(rule.NUM4, pbx.ErrExhausted, func() error { // what a tenant keeps is not new
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7100", DeviceType: "Cisco 8851", Number: pbx.ProposedNumber()})
			return err
		})
	})
}

func TestNUM4_ManyTenantsTakeNewNumbersAtOnce(t *testing.T) {
	testbed.NotShort(t)
	const tenants, each = 64, 10
	w := newWorld(t, distant{testbed.Stores["memory"](t)})
	_, err := w.Support.StockNumbers(w.Ctx, testbed.Numbers("+1617557%04d", tenants*each)...)
	require.NoError(t, err)
	var all sync.WaitGroup
	for i := range tenants {
		dir := w.Support.In(w.Tenant(fmt.Sprint("Tenant ", i), "US", fmt.Sprintf("t%d.example.com", i)).ID)
		all.Go(func() {
			for j := range each {
				_, err := dir.AddService(w.Ctx, pbx.NewService{DN: pbx.Extension(fmt.Sprint(7000 + j)), DeviceType: "Cisco 8851", Number: pbx.ProposedNumber()})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, w.stocked(), 20)
}

// distant is a store with some delay, so that writers overlap.
type distant struct{ store.Store }

func (d distant) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	return d.Store.Update(ctx, tenant, func(w store.Writer) error { return fn(distantWriter{w}) })
}

type distantWriter struct{ store.Writer }

func (d distantWriter) Apply(ctx context.Context, changes []store.Change) error {
	time.Sleep(5 * time.Millisecond)
	return d.Writer.Apply(ctx, changes)
}

func TestNUM4_TheNumberOfANewServiceIsOrdered(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly, p.NumberOneTime = 500, 200 })
		_, s := w.profiled("Ann", "7001", pbx.ProposedNumber())
		orders := testbed.Collect(t, w.Dir.Orders(w.Ctx, 0))
		require.Len(t, orders, 1)
		o, err := w.Dir.Order(w.Ctx, orders[0].ID)
		require.NoError(t, err)
		require.Equal(t, pbx.Money(500), o.Monthly)
		require.Equal(t, pbx.Money(200), o.OneTime)
		require.Equal(t, s.LocationID, o.LocationID)
		require.Len(t, o.Lines(), 1)
		require.Equal(t, "NUMBER", o.Lines()[0].Product)
	})
}

func TestNUM6_AUKTenantGetsNoNewNumbers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Support.In(w.UK.ID).AddNumbers(w.Ctx, "+442079461000")
		require.NoError(t, err)
		s, err := w.British.AddService(w.Ctx, pbx.NewService{DN: "7001", DeviceType: "Cisco 8851", Type: "PRO", Number: pbx.ExistingNumber("+442079461000")})
		require.NoError(t, err, "its own it can use")
		u, err := w.British.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.co.uk", Extension: "7002"})
		require.NoError(t, err)
		_, err = w.British.Associate(w.Ctx, u.ID, s.ID)
		require.NoError(t, err)
		for name, run := range map[string]func() error{
			"list": func() error { _, err := w.British.OfferedNumbers(w.Ctx, w.London.ID, "", 0); return err },
			"assignment": func() error {
				_, err := w.British.AddService(w.Ctx, pbx.NewService{DN: "7003", DeviceType: "Cisco 8851", Number: pbx.ProposedNumber()})
				return err
			},
			"assignment of a named one": func() error {
				_, err := w.British.AddService(w.Ctx, pbx.NewService{DN: "7003", DeviceType: "Cisco 8851", Number: pbx.OfferedNumber("+442079460000")})
				return err
			},
			"set-up": func() error {
				_, err := w.British.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Bob", Email: "bob@example.co.uk"}, Number: pbx.ProposedNumber()})
				return err
			},
			"replacement": func() error {
				_, err := w.British.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.KeepNumber})
				return err
			},
		} {
			e := w.Refused(rule.NUM6, pbx.ErrDenied, run)
			require.Equal(t, "Number", e.Field, name)
			require.Contains(t, e.Reason, "GB")
		}
		// Which countries it concerns is the provider's policy.
		open := pbx.New(w.Store, pbx.WithoutNewNumbers("US"), pbx.WithClock(func() time.Time { return w.Clock }))
		uk := open.As(pbx.Administrator("admin", w.UK.ID))
		changed, err := uk.ChangeNumber(w.Ctx, u.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.KeepNumber})
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+442079460000"), changed.Number)
		w.Refused(rule.NUM6, pbx.ErrDenied, func() error {
			_, err := open.As(pbx.Administrator("admin", w.US.ID)).OfferedNumbers(w.Ctx, pbx.LocationID{}, "", 0)
			return err
		})
	})
}
