package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// lastOrder reads the newest order, with its lines.
func (w *world) lastOrder() *pbx.Order {
	w.T.Helper()
	list := testbed.Collect(w.T, w.Dir.Orders(w.Ctx, 1))
	require.Len(w.T, list, 1)
	o, err := w.Dir.Order(w.Ctx, list[0].ID)
	require.NoError(w.T, err)
	return o
}

func TestORD1_AChangeThatCostsMoneyMakesAnOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly, p.NumberOneTime = 300, 100 })
		in := testbed.Newcomer("ann")
		in.LocationID = w.Boston.ID
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		o := w.lastOrder()
		require.Equal(t, made.Order, o, "what the set-up says, and what is stored")
		want := []*pbx.OrderLine{
			{TenantID: w.US.ID, OrderID: o.ID, Line: 1, Rev: 1, Product: "PRO", Name: "Connect Pro", Quantity: 1, Monthly: 2500, OneTime: 1000},
			{TenantID: w.US.ID, OrderID: o.ID, Line: 2, Rev: 1, Product: "NUMBER", Name: "Telephone number", Quantity: 1, Monthly: 300, OneTime: 100},
		}
		require.Equal(t, want, o.Lines())
		require.Equal(t, pbx.Money(2800), o.Monthly)
		require.Equal(t, pbx.Money(1100), o.OneTime)
		require.Equal(t, w.Boston.ID, o.LocationID, "the location charged")
		require.Equal(t, made.User.ID, o.UserID)
		require.Equal(t, pbx.OrderPlaced, o.Status)
		require.Equal(t, pbx.Principal("admin"), o.PlacedBy)
		require.Equal(t, pbx.RoleAdministrator, o.PlacedRole)
		require.Equal(t, w.Clock, o.PlacedAt)
		require.Equal(t, int64(1), o.Number)
	})
}

func TestORD1_AChangeThatCostsNothingMakesNone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := testbed.Newcomer("ann")
		in.ServiceType = "FREE"
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		require.Nil(t, made.Order)
		require.Empty(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)))
	})
}

func TestORD1_AChangeThatSavesMoneyMakesAnOrderToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made, err := w.Dir.SetUpUser(w.Ctx, testbed.Newcomer("ann"))
		require.NoError(t, err)
		made.Service.Type = "FREE"
		_, err = w.Dir.ModifyService(w.Ctx, made.Service)
		require.NoError(t, err)
		o := w.lastOrder()
		require.Equal(t, pbx.Money(-2500), o.Monthly)
		require.Zero(t, o.OneTime, "what was paid once is not paid back")
		require.Len(t, o.Lines(), 1, "the free type is no line")
		require.Equal(t, int64(-1), o.Lines()[0].Quantity)

		second, err := w.Dir.SetUpUser(w.Ctx, testbed.Newcomer("bob"))
		require.NoError(t, err)
		require.NoError(t, w.Dir.DeleteService(w.Ctx, second.Service.ID))
		require.Equal(t, pbx.Money(-2500), w.lastOrder().Monthly)
		var monthly pbx.Money
		for _, o := range testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)) {
			monthly += o.Monthly
		}
		require.Zero(t, monthly, "what is gone costs nothing")
	})
}

func TestORD1_TheReviewShowsTheOrderAndPlacingItPlacesIt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var made *pbx.Provisioned
		r := w.Review(w.Dir, func(dir *pbx.Directory) (err error) {
			made, err = dir.SetUpUser(w.Ctx, testbed.Newcomer("ann"))
			return err
		})
		require.Equal(t, pbx.Money(2500), r.Monthly())
		require.Equal(t, pbx.Money(1000), r.OneTime())
		require.Equal(t, []string{"Billing starts on 2026-03-02."}, r.NextInvoice())
		require.Len(t, r.Orders, 1)
		require.Empty(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), "it is not placed yet")

		// The caller may change what is returned.
		r.Orders[0].Monthly = 1
		r.Orders[0].Lines()[0].Monthly = 1
		r.Orders[0].ID = pbx.OrderID{1}
		for i := range r.Effects {
			r.Effects[i] = pbx.Effect{}
		}
		made.Order.Lines()[0].Monthly = 1
		made.User.FirstName = "Mallory"
		require.NoError(t, r.Commit(w.Ctx))
		o := w.lastOrder()
		require.Equal(t, made.Order.ID, o.ID)
		require.Equal(t, pbx.Money(2500), o.Monthly)
		require.Equal(t, pbx.Money(2500), o.Lines()[0].Monthly)
		u, err := w.Dir.User(w.Ctx, made.User.ID)
		require.NoError(t, err)
		require.Equal(t, "ann", u.FirstName)
	})
}

func TestORD1_WhatIsReadOfAnOrderIsACopy(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.Dir.SetUpUser(w.Ctx, testbed.Newcomer("ann"))
		require.NoError(t, err)
		o := w.lastOrder()
		o.Monthly, o.Lines()[0].Monthly = 1, 1
		listed := testbed.Collect(t, w.Dir.Orders(w.Ctx, 0))[0]
		require.Empty(t, listed.Lines(), "the list has none")
		require.Equal(t, pbx.Money(2500), listed.Monthly)
		require.Equal(t, pbx.Money(2500), w.lastOrder().Lines()[0].Monthly)
	})
}

func TestORD2_BillingStartsTodayOrOnActivation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		r := w.Review(w.Dir, func(dir *pbx.Directory) error {
			if _, err := dir.SetUpUser(w.Ctx, testbed.Newcomer("ann")); err != nil {
				return err
			}
			later := testbed.Newcomer("bob")
			later.ActivateLater = true
			if _, err := dir.SetUpUser(w.Ctx, later); err != nil {
				return err
			}
			_, err := dir.SetUpUser(w.Ctx, testbed.Newcomer("cid"))
			return err
		})
		require.Equal(t, []string{"Billing starts on 2026-03-02.", "Billing starts on activation."}, r.NextInvoice())
		require.NoError(t, r.Commit(w.Ctx))
		orders := testbed.Collect(t, w.Dir.Orders(w.Ctx, 0))
		require.Equal(t, w.Clock, orders[0].BillingFrom)
		require.True(t, orders[1].BillingFrom.IsZero())
		for name, want := range map[string]pbx.ServiceStatus{"ann": pbx.StatusActive, "bob": pbx.StatusPendingActivation} {
			u, err := w.Dir.UserByLogin(w.Ctx, name+"@example.com")
			require.NoError(t, err)
			services, err := w.Dir.UserServices(w.Ctx, u.ID)
			require.NoError(t, err)
			s := services[0].Service
			require.Equal(t, want, s.Status)
			if name == "bob" { // what a pending line's change costs is billed then too
				s.Type = "FREE"
				_, err := w.Dir.ModifyService(w.Ctx, s)
				require.NoError(t, err)
				require.True(t, w.lastOrder().BillingFrom.IsZero())
			}
		}
	})
}

func TestORD2_TheNextInvoiceSaysWhenBillingStartsAndEnds(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Fibre()
		s := w.Service(pbx.UserID{}, "7101")
		s.Type = "PRO"
		_, err := w.Dir.ModifyService(w.Ctx, s)
		require.NoError(t, err)
		today := w.Clock.Format(time.DateOnly)
		for want, run := range map[string]func(dir *pbx.Directory) error{
			"[]": func(dir *pbx.Directory) error {
				return second(dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Al", Email: "al@example.com", Extension: "7501"}))
			},
			"[Billing starts on activation.]": func(dir *pbx.Directory) error { // the provider has something to do first
				return second(dir.AddService(w.Ctx, pbx.NewService{DN: "7102", DeviceType: "Cisco 8851", Type: "FIBRE"}))
			},
			"[Billing starts on " + today + ".]": func(dir *pbx.Directory) error {
				return second(dir.AddService(w.Ctx, pbx.NewService{DN: "7102", DeviceType: "Cisco 8851", Type: "PRO"}))
			},
			"[Billing ends on " + today + ".]": func(dir *pbx.Directory) error { return dir.DeleteService(w.Ctx, s.ID) },
		} {
			require.Equal(t, want, fmt.Sprint(w.Review(w.Dir, run).NextInvoice()))
		}
	})
}

func TestORD3_TheWelcomeMailIsSentUnlessItIsLeftOut(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		quiet := testbed.Newcomer("bob")
		quiet.NoWelcomeMail = true
		for _, in := range []pbx.SetUp{testbed.Newcomer("ann"), quiet} {
			r := w.Review(w.Dir, func(dir *pbx.Directory) error { _, err := dir.SetUpUser(w.Ctx, in); return err })
			mails := 0
			for _, e := range r.Effects {
				if e.Type == "user.welcome-mail" {
					mails++
				}
			}
			require.Equal(t, in.NoWelcomeMail, mails == 0)
			require.LessOrEqual(t, mails, 1)
		}
	})
}

func TestORD4_PlacedOrdersAreListedNewestFirst(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, name := range []string{"ann", "bob", "cid"} {
			_, err := w.Dir.SetUpUser(w.Ctx, testbed.Newcomer(name))
			require.NoError(t, err)
			w.Clock = w.Clock.Add(time.Hour)
		}
		var listed []int64
		for _, o := range testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)) {
			listed = append(listed, o.Number)
		}
		require.Equal(t, []int64{3, 2, 1}, listed)
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 2)), 2)
		require.Empty(t, testbed.Collect(t, w.British.Orders(w.Ctx, 0)))
		id := w.lastOrder().ID
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.British.Order(w.Ctx, id); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Order(w.Ctx, pbx.OrderID{1}); return err })

		_, err := w.British.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@example.co.uk"}, ServiceType: "PRO"})
		require.NoError(t, err)
		require.Equal(t, int64(1), testbed.Collect(t, w.British.Orders(w.Ctx, 0))[0].Number, "each tenant counts its own")
	})
}

func TestORD4_PlacingTheSameReviewTwicePlacesOneOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		r := w.Review(w.Dir, func(dir *pbx.Directory) error { _, err := dir.SetUpUser(w.Ctx, testbed.Newcomer("ann")); return err })
		require.NoError(t, r.Commit(w.Ctx))
		before := testbed.Dump(t, w.Store)
		require.NoError(t, r.Commit(w.Ctx))
		require.Equal(t, before, testbed.Dump(t, w.Store))
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), 1)
	})
}

// charged is what the orders come to at each location, monthly.
func (w *world) charged() map[pbx.LocationID]pbx.Money {
	w.T.Helper()
	at := map[pbx.LocationID]pbx.Money{}
	for _, o := range testbed.Collect(w.T, w.Dir.Orders(w.Ctx, 0)) {
		at[o.LocationID] += o.Monthly
	}
	return at
}

func TestORD1_WhatIsSavedIsCreditedWhereItWasCharged(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		york := w.Location(w.Dir, "NYC", "US", "")
		in := testbed.Newcomer("ann")
		in.LocationID = w.Boston.ID
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		ann := made.User.ID
		there, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann, LocationID: york.ID, Type: "PRO", DeviceType: "Cisco 8851"})
		require.NoError(t, err)
		require.Equal(t, map[pbx.LocationID]pbx.Money{w.Boston.ID: 2500, york.ID: 2500}, w.charged())

		r := w.Review(w.Dir, func(dir *pbx.Directory) error {
			return dir.Confirm(rule.USR9).DeleteUser(w.Ctx, ann, pbx.UserAndPhones)
		})
		require.Len(t, r.Orders, 2, "one for each location")
		require.Equal(t, pbx.Money(-5000), r.Monthly())

		there.Type, there.LocationID = "FREE", w.Boston.ID
		there, err = w.Dir.ModifyService(w.Ctx, there)
		require.NoError(t, err)
		require.Equal(t, map[pbx.LocationID]pbx.Money{w.Boston.ID: 2500, york.ID: 0}, w.charged(), "the old type where the line was")
		there.Type, there.LocationID = "PRO", york.ID
		_, err = w.Dir.ModifyService(w.Ctx, there)
		require.NoError(t, err)
		require.Equal(t, map[pbx.LocationID]pbx.Money{w.Boston.ID: 2500, york.ID: 2500}, w.charged(), "the new one where it is")

		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, ann, pbx.UserAndPhones))
		require.Equal(t, map[pbx.LocationID]pbx.Money{w.Boston.ID: 0, york.ID: 0}, w.charged())
	})
}
