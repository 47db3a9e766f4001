package pbx

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/pbxkit/pbx/store"
)

// OrderStatus is where an order stands.
type OrderStatus string

// The statuses of an order.
const (
	OrderPlaced OrderStatus = "placed"
)

// Order is a change that costs or saves money (ORD-1).
type Order struct {
	TenantID   TenantID
	ID         OrderID
	Rev        int64
	Number     int64 // counts from 1 in each tenant
	Status     OrderStatus
	PlacedBy   Principal
	PlacedRole Role
	PlacedAt   time.Time
	LocationID LocationID // the location charged, or zero for the tenant
	Monthly    Money      // the sum of the lines, negative where it saves
	OneTime    Money
	// BillingFrom is when billing starts; zero means on activation (ORD-2).
	BillingFrom time.Time
	UserID      UserID // for whom, or zero

	lines []*OrderLine
}

// OrderLine is one product of an order.
type OrderLine struct {
	TenantID TenantID
	OrderID  OrderID
	Line     int64
	Rev      int64
	Product  string // a code of the catalogue, or "NUMBER"
	Name     string
	Quantity int64 // negative where something is given up
	Monthly  Money // for the quantity
	OneTime  Money
}

// Lines returns the products of the order.
func (o *Order) Lines() []*OrderLine { return o.lines }

// Table returns the declaration of orders.
func (o *Order) Table() *store.Table { return ordersTable }

// Fields appends the order's columns.
func (o *Order) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &o.TenantID), id("id", &o.ID), revision(&o.Rev),
		counter("number", &o.Number), words("status", (*string)(&o.Status)),
		words("placed_by", (*string)(&o.PlacedBy)), words("placed_role", (*string)(&o.PlacedRole)),
		moment("placed_at", &o.PlacedAt), maybeID("location_id", &o.LocationID),
		integer("monthly", (*int64)(&o.Monthly)), integer("one_time", (*int64)(&o.OneTime)),
		maybeDay("billing_from", &o.BillingFrom), maybeID("user_id", &o.UserID),
	)
}

// Table returns the declaration of order lines.
func (l *OrderLine) Table() *store.Table { return orderLinesTable }

// Fields appends the line's columns.
func (l *OrderLine) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &l.TenantID), id("order_id", &l.OrderID), integer("line", &l.Line),
		revision(&l.Rev), words("product", &l.Product), words("name", &l.Name),
		integer("quantity", &l.Quantity), integer("monthly", (*int64)(&l.Monthly)), integer("one_time", (*int64)(&l.OneTime)),
	)
}

// charge is one product of an order to be placed.
type charge struct {
	product, name    string
	quantity         int64
	monthly, oneTime Money // of one
}

func (c charge) free() bool { return c.monthly == 0 && c.oneTime == 0 }

// placeOrder stages an order for the charges that are not free; with none there
// is no order, and nil (ORD-1). from is when billing starts, zero for on
// activation (ORD-2).
func (t *tx) placeOrder(user UserID, at LocationID, from time.Time, charges ...charge) *Order {
	charges = slices.DeleteFunc(slices.Clone(charges), charge.free)
	if len(charges) == 0 {
		return nil
	}
	t.editTenant(func(row *Tenant) { row.lastOrder++ })
	row := &Order{
		TenantID: t.tenantID, ID: t.newID(), Number: t.tenant.lastOrder, Status: OrderPlaced,
		PlacedBy: t.actor.Principal, PlacedRole: t.actor.Role, PlacedAt: t.now,
		LocationID: at, BillingFrom: from, UserID: user,
	}
	var lines []*OrderLine
	for i, c := range charges {
		l := c.line(row.ID, int64(i+1))
		l.TenantID = t.tenantID
		row.Monthly, row.OneTime = row.Monthly+l.Monthly, row.OneTime+l.OneTime
		lines = append(lines, l)
	}
	t.Insert(row)
	for _, l := range lines {
		t.Insert(l)
	}
	t.did("order.placed", Ref{"order", row.ID.String(), "for " + charges[0].name}, "")
	o := row.with(lines)
	t.orders = append(t.orders, o)
	return o
}

// bill is what a location is charged.
type bill struct {
	at      LocationID
	charges []charge
}

// placeOrders stages an order for each location that is charged (ORD-1), in the
// order in which they come.
func (t *tx) placeOrders(user UserID, from time.Time, bills ...bill) {
	var each []bill
	for _, b := range bills {
		at := slices.IndexFunc(each, func(e bill) bool { return e.at == b.at })
		if at < 0 {
			each = append(each, b)
			continue
		}
		each[at].charges = slices.Concat(each[at].charges, b.charges)
	}
	for _, b := range each {
		t.placeOrder(user, b.at, from, b.charges...)
	}
}

// line is the charge as a line of an order.
func (c charge) line(order OrderID, at int64) *OrderLine {
	n := Money(c.quantity)
	return &OrderLine{OrderID: order, Line: at, Product: c.product, Name: c.name,
		Quantity: c.quantity, Monthly: n * c.monthly, OneTime: n * c.oneTime}
}

// with is a copy of the order together with copies of its lines. The rows
// themselves are kept apart.
func (o *Order) with(lines []*OrderLine) *Order {
	c := *o
	c.lines = lines
	return copyOf(&c)
}

// Order returns an order with its lines (ORD-4). Errors: ErrNotFound.
func (d *Directory) Order(ctx context.Context, id OrderID) (*Order, error) {
	var out *Order
	err := d.read(ctx, "Order", func(p *prefetch) {
		p.get(ordersTable.Key(), id)
		p.get(orderLinesTable.Key(), id)
	}, func(t *tx) error {
		o, err := one[*Order](ctx, t, ordersTable.Key(), t.tenantID, id)
		if err != nil {
			return err
		}
		if o == nil {
			return notFound("order", id.String())
		}
		lines, err := store.Collect(find[*OrderLine](ctx, t, store.Query{Index: orderLinesTable.Key(), Equal: []any{t.tenantID, id}}))
		if err != nil {
			return err
		}
		out = o.with(lines)
		return nil
	})
	return out, err
}

// Orders yields the tenant's orders, the newest first, without their lines
// (ORD-4); limit 0 is all.
func (d *Directory) Orders(ctx context.Context, limit int) iter.Seq2[*Order, error] {
	return pages[*Order](ctx, d, "Orders", store.Query{Index: ordersByNumber, Equal: []any{d.scope()}, Desc: true}, limit, nil)
}
