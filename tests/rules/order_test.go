package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// newcomer is a set-up that costs money: a type, and a number where it has a
// price.
func newcomer(name string) pbx.SetUp {
	return pbx.SetUp{NewUser: pbx.NewUser{FirstName: name, Email: name + "@example.com"}, ServiceType: "PRO", Number: pbx.ProposedNumber()}
}

// lastOrder reads the newest order, with its lines.
func (w *world) lastOrder() *pbx.Order {
	w.t.Helper()
	list := collect(w.t, w.dir.Orders(w.ctx, 1))
	require.Len(w.t, list, 1)
	o, err := w.dir.Order(w.ctx, list[0].ID)
	require.NoError(w.t, err)
	return o
}

func TestORD1_AChangeThatCostsMoneyMakesAnOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.policy(func(p *pbx.Policy) { p.NumberMonthly, p.NumberOneTime = 300, 100 })
		in := newcomer("ann")
		in.LocationID = w.boston.ID
		made, err := w.dir.SetUpUser(w.ctx, in)
		require.NoError(t, err)
		o := w.lastOrder()
		require.Equal(t, made.Order, o, "what the set-up says, and what is stored")
		want := []*pbx.OrderLine{
			{TenantID: w.us.ID, OrderID: o.ID, Line: 1, Rev: 1, Product: "PRO", Name: "Connect Pro", Quantity: 1, Monthly: 2500, OneTime: 1000},
			{TenantID: w.us.ID, OrderID: o.ID, Line: 2, Rev: 1, Product: "NUMBER", Name: "Telephone number", Quantity: 1, Monthly: 300, OneTime: 100},
		}
		require.Equal(t, want, o.Lines())
		require.Equal(t, pbx.Money(2800), o.Monthly)
		require.Equal(t, pbx.Money(1100), o.OneTime)
		require.Equal(t, w.boston.ID, o.LocationID, "the location charged")
		require.Equal(t, made.User.ID, o.UserID)
		require.Equal(t, pbx.OrderPlaced, o.Status)
		require.Equal(t, pbx.Principal("admin"), o.PlacedBy)
		require.Equal(t, pbx.RoleAdministrator, o.PlacedRole)
		require.Equal(t, w.clock, o.PlacedAt)
		require.Equal(t, int64(1), o.Number)
	})
}

func TestORD1_AChangeThatCostsNothingMakesNone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		in := newcomer("ann")
		in.ServiceType = "FREE"
		made, err := w.dir.SetUpUser(w.ctx, in)
		require.NoError(t, err)
		require.Nil(t, made.Order)
		require.Empty(t, collect(t, w.dir.Orders(w.ctx, 0)))
	})
}

func TestORD1_AChangeThatSavesMoneyMakesAnOrderToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made, err := w.dir.SetUpUser(w.ctx, newcomer("ann"))
		require.NoError(t, err)
		made.Service.Type = "FREE"
		_, err = w.dir.ModifyService(w.ctx, made.Service)
		require.NoError(t, err)
		o := w.lastOrder()
		require.Equal(t, pbx.Money(-2500), o.Monthly)
		require.Zero(t, o.OneTime, "what was paid once is not paid back")
		require.Len(t, o.Lines(), 1, "the free type is no line")
		require.Equal(t, int64(-1), o.Lines()[0].Quantity)

		second, err := w.dir.SetUpUser(w.ctx, newcomer("bob"))
		require.NoError(t, err)
		require.NoError(t, w.dir.DeleteService(w.ctx, second.Service.ID))
		require.Equal(t, pbx.Money(-2500), w.lastOrder().Monthly)
		var monthly pbx.Money
		for _, o := range collect(t, w.dir.Orders(w.ctx, 0)) {
			monthly += o.Monthly
		}
		require.Zero(t, monthly, "what is gone costs nothing")
	})
}

func TestORD1_TheReviewShowsTheOrderAndPlacingItPlacesIt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var made *pbx.Provisioned
		r := w.review(w.dir, func(dir *pbx.Directory) (err error) {
			made, err = dir.SetUpUser(w.ctx, newcomer("ann"))
			return err
		})
		require.Equal(t, pbx.Money(2500), r.Monthly())
		require.Equal(t, pbx.Money(1000), r.OneTime())
		require.Equal(t, []string{"Billing starts on 2026-03-02."}, r.NextInvoice())
		require.Len(t, r.Orders, 1)
		require.Empty(t, collect(t, w.dir.Orders(w.ctx, 0)), "it is not placed yet")

		// What is shown is the caller's, to do with as he likes.
		r.Orders[0].Monthly = 1
		r.Orders[0].Lines()[0].Monthly = 1
		r.Orders[0].ID = pbx.OrderID{1}
		for i := range r.Effects {
			r.Effects[i] = pbx.Effect{}
		}
		made.Order.Lines()[0].Monthly = 1
		made.User.FirstName = "Mallory"
		require.NoError(t, r.Commit(w.ctx))
		o := w.lastOrder()
		require.Equal(t, made.Order.ID, o.ID)
		require.Equal(t, pbx.Money(2500), o.Monthly)
		require.Equal(t, pbx.Money(2500), o.Lines()[0].Monthly)
		u, err := w.dir.User(w.ctx, made.User.ID)
		require.NoError(t, err)
		require.Equal(t, "ann", u.FirstName)
	})
}

func TestORD1_WhatIsReadOfAnOrderIsACopy(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		_, err := w.dir.SetUpUser(w.ctx, newcomer("ann"))
		require.NoError(t, err)
		o := w.lastOrder()
		o.Monthly, o.Lines()[0].Monthly = 1, 1
		listed := collect(t, w.dir.Orders(w.ctx, 0))[0]
		require.Empty(t, listed.Lines(), "the list has none")
		require.Equal(t, pbx.Money(2500), listed.Monthly)
		require.Equal(t, pbx.Money(2500), w.lastOrder().Lines()[0].Monthly)
	})
}

func TestORD2_BillingStartsTodayOrOnActivation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		r := w.review(w.dir, func(dir *pbx.Directory) error {
			if _, err := dir.SetUpUser(w.ctx, newcomer("ann")); err != nil {
				return err
			}
			later := newcomer("bob")
			later.ActivateLater = true
			if _, err := dir.SetUpUser(w.ctx, later); err != nil {
				return err
			}
			_, err := dir.SetUpUser(w.ctx, newcomer("cid"))
			return err
		})
		require.Equal(t, []string{"Billing starts on 2026-03-02.", "Billing starts on activation."}, r.NextInvoice())
		require.NoError(t, r.Commit(w.ctx))
		orders := collect(t, w.dir.Orders(w.ctx, 0))
		require.Equal(t, w.clock, orders[0].BillingFrom)
		require.True(t, orders[1].BillingFrom.IsZero())
		for name, want := range map[string]pbx.ServiceStatus{"ann": pbx.StatusActive, "bob": pbx.StatusPendingActivation} {
			u, err := w.dir.UserByLogin(w.ctx, name+"@example.com")
			require.NoError(t, err)
			services, err := w.dir.UserServices(w.ctx, u.ID)
			require.NoError(t, err)
			s := services[0].Service
			require.Equal(t, want, s.Status)
			if name == "bob" { // what a pending line's change costs is billed then too
				s.Type = "FREE"
				_, err := w.dir.ModifyService(w.ctx, s)
				require.NoError(t, err)
				require.True(t, w.lastOrder().BillingFrom.IsZero())
			}
		}
	})
}

func TestORD2_TheNextInvoiceSaysWhenBillingStartsAndEnds(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.fibre()
		s := w.service(pbx.UserID{}, "7101")
		s.Type = "PRO"
		_, err := w.dir.ModifyService(w.ctx, s)
		require.NoError(t, err)
		today := w.clock.Format(time.DateOnly)
		for want, run := range map[string]func(dir *pbx.Directory) error{
			"[]": func(dir *pbx.Directory) error {
				return second(dir.CreateUser(w.ctx, pbx.NewUser{FirstName: "Al", Email: "al@example.com", Extension: "7501"}))
			},
			"[Billing starts on activation.]": func(dir *pbx.Directory) error { // the provider has something to do first
				return second(dir.AddService(w.ctx, pbx.NewService{DN: "7102", DeviceType: "Cisco 8851", Type: "FIBRE"}))
			},
			"[Billing starts on " + today + ".]": func(dir *pbx.Directory) error {
				return second(dir.AddService(w.ctx, pbx.NewService{DN: "7102", DeviceType: "Cisco 8851", Type: "PRO"}))
			},
			"[Billing ends on " + today + ".]": func(dir *pbx.Directory) error { return dir.DeleteService(w.ctx, s.ID) },
		} {
			require.Equal(t, want, fmt.Sprint(w.review(w.dir, run).NextInvoice()))
		}
	})
}

func TestORD3_TheWelcomeMailIsSentUnlessItIsLeftOut(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		quiet := newcomer("bob")
		quiet.NoWelcomeMail = true
		for _, in := range []pbx.SetUp{newcomer("ann"), quiet} {
			r := w.review(w.dir, func(dir *pbx.Directory) error { _, err := dir.SetUpUser(w.ctx, in); return err })
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
			_, err := w.dir.SetUpUser(w.ctx, newcomer(name))
			require.NoError(t, err)
			w.clock = w.clock.Add(time.Hour)
		}
		var listed []int64
		for _, o := range collect(t, w.dir.Orders(w.ctx, 0)) {
			listed = append(listed, o.Number)
		}
		require.Equal(t, []int64{3, 2, 1}, listed)
		require.Len(t, collect(t, w.dir.Orders(w.ctx, 2)), 2)
		require.Empty(t, collect(t, w.british.Orders(w.ctx, 0)))
		id := w.lastOrder().ID
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.british.Order(w.ctx, id); return err })
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.dir.Order(w.ctx, pbx.OrderID{1}); return err })

		_, err := w.british.SetUpUser(w.ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@example.co.uk"}, ServiceType: "PRO"})
		require.NoError(t, err)
		require.Equal(t, int64(1), collect(t, w.british.Orders(w.ctx, 0))[0].Number, "each tenant counts its own")
	})
}

func TestORD4_PlacingTheSameReviewTwicePlacesOneOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		r := w.review(w.dir, func(dir *pbx.Directory) error { _, err := dir.SetUpUser(w.ctx, newcomer("ann")); return err })
		require.NoError(t, r.Commit(w.ctx))
		before := dump(t, w.store)
		require.NoError(t, r.Commit(w.ctx))
		require.Equal(t, before, dump(t, w.store))
		require.Len(t, collect(t, w.dir.Orders(w.ctx, 0)), 1)
	})
}

// charged is what the orders come to at each location, monthly.
func (w *world) charged() map[pbx.LocationID]pbx.Money {
	w.t.Helper()
	at := map[pbx.LocationID]pbx.Money{}
	for _, o := range collect(w.t, w.dir.Orders(w.ctx, 0)) {
		at[o.LocationID] += o.Monthly
	}
	return at
}

func TestORD1_WhatIsSavedIsCreditedWhereItWasCharged(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		york := w.location(w.dir, "NYC", "US", "")
		in := newcomer("ann")
		in.LocationID = w.boston.ID
		made, err := w.dir.SetUpUser(w.ctx, in)
		require.NoError(t, err)
		ann := made.User.ID
		there, err := w.dir.AddService(w.ctx, pbx.NewService{UserID: ann, LocationID: york.ID, Type: "PRO", DeviceType: "Cisco 8851"})
		require.NoError(t, err)
		require.Equal(t, map[pbx.LocationID]pbx.Money{w.boston.ID: 2500, york.ID: 2500}, w.charged())

		r := w.review(w.dir, func(dir *pbx.Directory) error {
			return dir.Confirm(rule.USR9).DeleteUser(w.ctx, ann, pbx.UserAndPhones)
		})
		require.Len(t, r.Orders, 2, "one for each location")
		require.Equal(t, pbx.Money(-5000), r.Monthly())

		there.Type, there.LocationID = "FREE", w.boston.ID
		there, err = w.dir.ModifyService(w.ctx, there)
		require.NoError(t, err)
		require.Equal(t, map[pbx.LocationID]pbx.Money{w.boston.ID: 2500, york.ID: 0}, w.charged(), "the old type where the line was")
		there.Type, there.LocationID = "PRO", york.ID
		_, err = w.dir.ModifyService(w.ctx, there)
		require.NoError(t, err)
		require.Equal(t, map[pbx.LocationID]pbx.Money{w.boston.ID: 2500, york.ID: 2500}, w.charged(), "the new one where it is")

		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, ann, pbx.UserAndPhones))
		require.Equal(t, map[pbx.LocationID]pbx.Money{w.boston.ID: 0, york.ID: 0}, w.charged())
	})
}
