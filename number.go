package pbx

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// E164 is a telephone number in E.164 form: +, country code, national number.
type E164 string

// e164 checks a number in E.164 form.
func (check *validation) e164(code rule.Code, field string, n E164) {
	if !numplan.Valid(string(n)) {
		check.refuse(code, field, "not a telephone number in E.164 form: + and 7 to 15 digits of a known numbering plan")
	}
}

// NumberState is the state of a number.
type NumberState string

// The states of a number.
const (
	NumberStock     NumberState = "stock"     // the provider's; any tenant can get it
	NumberResting   NumberState = "resting"   // the provider's; returned, and not given out before FreeFrom
	NumberAvailable NumberState = "available" // a tenant's; free
	NumberAssigned  NumberState = "assigned"  // a tenant's; assigned to a service
	NumberPorting   NumberState = "porting"   // a tenant's; being ported in
)

// Number is a telephone number. It belongs to exactly one tenant: a customer or the
// Provider (NUM-1).
type Number struct {
	E164      E164
	TenantID  TenantID
	Rev       int64
	State     NumberState
	ServiceID ServiceID // the service that it is assigned to, or zero
	// WaitingID is the service that gets this number as soon as it is ported in, or zero
	// (NUM-3).
	WaitingID ServiceID
	// TemporaryFor is the number, still being ported in, that this one replaces for the
	// time being, or "".
	TemporaryFor E164
	PortID       PortID    // the port request that brings or brought it in, or zero
	FreeFrom     time.Time // when a resting number goes back to stock
	Monthly      Money     // the monthly price at which it was ordered; 0: it was not ordered
	CreatedAt    time.Time
	// Billed says that the billing of Monthly has started. It starts when the number is
	// first assigned to a service that is billed, and ends when it is returned (ORD-2).
	Billed bool
	// Loan says that the number is on loan from the provider because of a port. It is not
	// billed, and is returned automatically when another number takes its place, even if
	// the port came to nothing (NUM-3).
	Loan bool
}

// Table returns the declaration of numbers.
func (n *Number) Table() *store.Table { return numbersTable }

// Fields appends the number's columns.
func (n *Number) Fields(f []store.Field) []store.Field {
	return append(f,
		words("e164", (*string)(&n.E164)), id("tenant_id", &n.TenantID), revision(&n.Rev),
		words("state", (*string)(&n.State)),
		maybeID("service_id", &n.ServiceID), maybeID("waiting_id", &n.WaitingID),
		optional("temporary_for", (*string)(&n.TemporaryFor)), maybeID("port_id", &n.PortID),
		maybeDeadline("free_from", &n.FreeFrom), integer("monthly", (*int64)(&n.Monthly)), moment("created_at", &n.CreatedAt),
		boolean("billed", &n.Billed), boolean("loan", &n.Loan),
	)
}

func (n *Number) ref() Ref { return Ref{"number", string(n.E164), string(n.E164)} }

// number reads a number of the tenant. code is the rule of the refusal.
func (t *tx) number(ctx context.Context, code rule.Code, e E164) (*Number, error) {
	n, err := one[*Number](ctx, t, numbersTable.Key(), string(e))
	if err != nil {
		return nil, err
	}
	if n == nil || n.TenantID != t.tenantID {
		return nil, &Error{Code: code, Kind: ErrNotFound, Field: "Number", Subject: Ref{Kind: "number", ID: string(e)},
			Reason: "the tenant has no number " + string(e)}
	}
	return n, nil
}

// Number returns a number of the tenant. Errors: ErrNotFound (NUM-2).
func (d *Directory) Number(ctx context.Context, e E164) (*Number, error) {
	return read(ctx, d, "Number", func(p *prefetch) { p.number(e) }, func(t *tx) (*Number, error) {
		n, err := t.number(ctx, rule.NUM2, e)
		if err != nil {
			return nil, err
		}
		return copyOf(n), nil
	})
}

// NumberQuery selects numbers of the tenant by state and by how they begin.
type NumberQuery struct {
	State  NumberState // required; NumberAvailable and NumberPorting are those to choose from (NUM-2)
	Prefix string      // "+1617"
	// Unawaited leaves out the numbers for whose port a service waits. The others can be
	// chosen (NUM-3).
	Unawaited bool
	Limit     int // 0: no limit
}

// Numbers yields the tenant's numbers of a state, in order (NUM-2). Errors:
// ErrInvalid for an unknown state.
func (d *Directory) Numbers(ctx context.Context, q NumberQuery) iter.Seq2[*Number, error] {
	switch q.State {
	case NumberStock, NumberResting, NumberAvailable, NumberAssigned, NumberPorting:
	default:
		return func(yield func(*Number, error) bool) {
			_, err := d.enter(ctx, "Numbers")
			if err == nil {
				err = &Error{Code: rule.NUM2, Kind: ErrInvalid, Field: "State", Reason: "not a state of numbers"}
			}
			yield(nil, err)
		}
	}
	var keep func(*Number) bool
	if q.Unawaited {
		keep = func(n *Number) bool { return n.WaitingID.IsZero() }
	}
	return pages(ctx, d, "Numbers", store.Query{Index: numbersByState, Equal: []any{d.scope(), string(q.State)}, Prefix: q.Prefix}, q.Limit, keep)
}

// maxNumbersAtOnce is how many numbers one call can add.
const maxNumbersAtOnce = 1000

// StockNumbers adds up to 1,000 numbers to the provider's stock, from which tenants get
// new numbers (NUM-4). Only support can.
//
// Errors: ErrInvalid for none or more than 1,000 numbers; and all of these at once:
// ErrInvalid for each number that is not in E.164 form or is listed twice, and
// ErrConflict for each that is in the system already (NUM-1).
func (d *Directory) StockNumbers(ctx context.Context, list ...E164) ([]*Number, error) {
	return d.addNumbers(ctx, "StockNumbers", NumberStock, list)
}

// AddNumbers adds up to 1,000 numbers to the tenant's own, as available (NUM-2). Only
// support can.
//
// Errors: those of [Directory.StockNumbers].
func (d *Directory) AddNumbers(ctx context.Context, list ...E164) ([]*Number, error) {
	return d.addNumbers(ctx, "AddNumbers", NumberAvailable, list)
}

func (d *Directory) addNumbers(ctx context.Context, operation string, state NumberState, list []E164) ([]*Number, error) {
	return change(ctx, d, operation, nil, func(t *tx) ([]*Number, error) {
		if err := t.unknownNumbers(ctx, list); err != nil {
			return nil, err
		}
		made := make([]*Number, 0, len(list))
		for _, e := range list {
			n := &Number{E164: e, TenantID: t.tenantID, State: state, CreatedAt: t.now}
			t.Insert(n)
			t.did("number.added", n.ref(), string(state))
			made = append(made, copyOf(n))
		}
		return made, nil
	})
}

// unknownNumbers checks numbers that are new to the system: each has to be in E.164
// form, listed once, and not in the system yet (NUM-1). A refusal does not tell which
// tenant has a number.
func (t *tx) unknownNumbers(ctx context.Context, list []E164) error {
	var check validation
	if len(list) == 0 || len(list) > maxNumbersAtOnce {
		check.refuse(rule.NUM1, "Numbers", "not 1 to %d numbers", maxNumbersAtOnce)
		return check.err()
	}
	keys := make([]store.Key, len(list))
	for i, e := range list {
		keys[i] = numbersTable.Key().At(string(e))
	}
	if err := t.Load(ctx, keys...); err != nil {
		return err
	}
	seen := make(map[E164]bool, len(list))
	for i, e := range list {
		field := fmt.Sprintf("Numbers[%d]", i)
		check.e164(rule.NUM1, field, e)
		if seen[e] {
			check.refuse(rule.NUM1, field, "%s is listed twice", e)
			continue
		}
		seen[e] = true
		known, err := one[*Number](ctx, t, numbersTable.Key(), string(e))
		if err != nil {
			return err
		}
		if known != nil {
			check.refusals = append(check.refusals, &Error{Code: rule.NUM1, Kind: ErrConflict, Field: field, Subject: Ref{Kind: "number", ID: string(e)},
				Reason: "number " + string(e) + " is in the system already"})
		}
	}
	return check.err()
}

// heldNumber reads the number of a service, or nil if it has none.
func (t *tx) heldNumber(ctx context.Context, s *Service) (*Number, error) {
	if s.Number == "" {
		return nil, nil
	}
	return t.number(ctx, rule.NUM1, s.Number)
}

// assignNumber stages that a chosen number is assigned to a service, whose row names it
// already.
func (t *tx) assignNumber(c *chosenNumber, s *Service) {
	if c.assign == nil {
		return
	}
	t.keepCriteria(c.keep)
	t.drew(c.area, c.assign.E164)
	n := edit(t, c.assign, func(n *Number) {
		n.TenantID, n.State, n.ServiceID, n.FreeFrom = t.tenantID, NumberAssigned, s.ID, time.Time{}
		for _, c := range c.charges {
			n.Monthly = c.monthly
		}
		n.billedWith(s)
		if c.waiting != nil {
			n.TemporaryFor, n.Loan = c.waiting.E164, true
		}
	})
	if c.waiting == nil {
		t.relate("number.assigned", n.ref(), s.ref(), "")
		return
	}
	edit(t, c.waiting, func(n *Number) { n.WaitingID = s.ID })
	t.relate("number.assigned-temporarily", n.ref(), s.ref(), string(c.waiting.E164))
}

// billedWith starts the billing of an ordered number if the service that it is assigned
// to is billed (ORD-2).
func (n *Number) billedWith(s *Service) { n.Billed = n.Billed || s.billed() && n.Monthly > 0 }

// billNumber stages that the number of a service that is billed is billed too, if it was
// ordered.
func (t *tx) billNumber(ctx context.Context, s *Service) error {
	n, err := t.heldNumber(ctx, s)
	if err != nil {
		return err
	}
	if n != nil && n.Monthly > 0 && !n.Billed {
		edit(t, n, func(n *Number) { n.billedWith(s) })
	}
	return nil
}

// Disposal says what happens to the previous number of a service (NUM-10).
type Disposal string

// The ways to dispose of a number.
const (
	KeepNumber   Disposal = "keep"   // stays with the tenant as available
	ReturnNumber Disposal = "return" // goes back to the provider, rests, and then to stock
)

// releaseNumbers stages that a service gives up its number, and the number that it waits
// for. A number on loan is always returned, also if its port came to nothing (NUM-3).
// The caller stages the service's own row afterwards.
func (t *tx) releaseNumbers(ctx context.Context, s *Service, what Disposal) error {
	if s.Number == "" {
		return nil
	}
	n, err := t.number(ctx, rule.NUM1, s.Number)
	if err != nil {
		return err
	}
	if n.TemporaryFor != "" {
		waiting, err := t.number(ctx, rule.NUM3, n.TemporaryFor)
		if err != nil {
			return err
		}
		t.giveBack(n)
		edit(t, waiting, func(n *Number) { n.WaitingID = ServiceID{} })
		t.relate("number.no-longer-awaited", waiting.ref(), s.ref(), "")
		return nil
	}
	if what == ReturnNumber || n.Loan {
		t.giveBack(n)
		return nil
	}
	edit(t, n, func(n *Number) { n.State, n.ServiceID = NumberAvailable, ServiceID{} })
	t.relate("number.released", n.ref(), s.ref(), "")
	return nil
}

// ReturnNumber returns an available number of the tenant to the provider, where it rests
// before any tenant can get it (NUM-10). If the number was billed, what is no longer
// charged is ordered, for the tenant as a whole, because a number without a service is
// at no location (ORD-1).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a number that is not available.
func (d *Directory) ReturnNumber(ctx context.Context, e E164) error {
	return d.change(ctx, "ReturnNumber", func(p *prefetch) { p.number(e) }, func(t *tx) error {
		n, err := t.number(ctx, rule.NUM2, e)
		if err != nil {
			return err
		}
		if n.State != NumberAvailable {
			return &Error{Code: rule.NUM10, Kind: ErrFailedPrecondition, Subject: n.ref(),
				Reason: "number " + string(e) + " is " + string(n.State) + ", not available"}
		}
		t.giveBack(n)
		t.placeOrder(UserID{}, LocationID{}, t.now, n.saved())
		return nil
	})
}

// numberProduct is the product code of a number in an order.
const numberProduct = "NUMBER"

// saved returns the charge that ends when the number is returned: its monthly price, if
// that is billed.
func (n *Number) saved() charge {
	if !n.Billed {
		return charge{}
	}
	return charge{numberProduct, "Telephone number", -1, n.Monthly, 0}
}

// giveBack stages that a number returns to the provider, where it rests before any tenant
// can get it (NUM-10).
func (t *tx) giveBack(n *Number) {
	rest := t.tenant.Policy.NumberRest
	if rest == 0 {
		t.restock()
	}
	edit(t, n, func(n *Number) {
		n.TenantID, n.ServiceID, n.TemporaryFor, n.Loan, n.PortID = Provider, ServiceID{}, "", false, PortID{}
		n.Monthly, n.Billed = 0, false
		n.State, n.FreeFrom = NumberResting, t.now.Add(rest)
		if rest == 0 {
			n.State, n.FreeFrom = NumberStock, time.Time{}
		}
	})
	t.did("number.returned", n.ref(), "")
}
