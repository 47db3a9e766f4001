package model

import (
	"fmt"
	"time"

	"github.com/pbxkit/pbx"
)

// charge is one product of an order.
type charge struct {
	product, name    string
	quantity         int64
	monthly, oneTime pbx.Money
}

// order places an order for what is not free (ORD-1). Billing starts from, or
// with the zero time on activation.
func (x *step) order(user, at Handle, from time.Time, charges ...charge) {
	o := &Order{Status: pbx.OrderPlaced, PlacedBy: x.actor.Name, PlacedRole: x.actor.Role, PlacedAt: x.Now,
		Location: at, BillingFrom: from, User: user}
	var lines []*OrderLine
	about := ""
	for _, c := range charges {
		if c.monthly == 0 && c.oneTime == 0 {
			continue
		}
		if about == "" {
			about = "for " + c.name
		}
		n := pbx.Money(c.quantity)
		lines = append(lines, &OrderLine{"", int64(len(lines) + 1), c.product, c.name, c.quantity, n * c.monthly, n * c.oneTime})
		o.Monthly, o.OneTime = o.Monthly+n*c.monthly, o.OneTime+n*c.oneTime
	}
	if len(lines) == 0 {
		return
	}
	x.t.LastOrder++
	o.Number, o.ID = x.t.LastOrder, Handle(fmt.Sprint("o", x.t.LastOrder))
	for _, l := range lines {
		l.Order = o.ID
	}
	x.t.Orders, x.t.OrderLines = append(x.t.Orders, o), append(x.t.OrderLines, lines...)
	x.orders = append(x.orders, o)
	x.did("order.placed", ref{"order", o.ID, about}, "")
}

// bill is what a location is charged.
type bill struct {
	at      Handle
	charges []charge
}

// orderEach places an order for each location that is charged.
func (x *step) orderEach(user Handle, from time.Time, bills ...bill) {
	var places []Handle
	at := map[Handle][]charge{}
	for _, b := range bills {
		if _, known := at[b.at]; !known {
			places = append(places, b.at)
		}
		at[b.at] = append(at[b.at], b.charges...)
	}
	for _, place := range places {
		x.order(user, place, from, at[place]...)
	}
}

// billed is the charge for a service of a type.
func (st *ServiceType) billed(quantity int64) charge {
	c := charge{st.Code, st.Name, quantity, st.Monthly, st.OneTime}
	if quantity < 0 {
		c.oneTime = 0
	}
	return c
}
