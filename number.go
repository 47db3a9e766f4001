package pbx

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
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

// NumberState is what can be done with a number.
type NumberState string

// The states of a number.
const (
	NumberStock     NumberState = "stock"     // the provider's; anyone's for the asking
	NumberResting   NumberState = "resting"   // the provider's; returned, and nobody's until FreeFrom
	NumberAvailable NumberState = "available" // a tenant's, and free
	NumberAssigned  NumberState = "assigned"  // a tenant's, and on a service
	NumberPorting   NumberState = "porting"   // a tenant's, on its way in
)

// Number is a telephone number. It belongs to one tenant, a customer or the
// Provider (NUM-1).
type Number struct {
	E164      E164
	TenantID  TenantID
	Rev       int64
	State     NumberState
	ServiceID ServiceID // the service that it is assigned to, or zero
	// WaitingID is the service that waits for the port of this number, or zero
	// (NUM-3).
	WaitingID ServiceID
	// TemporaryFor is the porting-in number that this one stands in for, or "".
	TemporaryFor E164
	PortID       PortID    // the port request that brings or brought it in, or zero
	FreeFrom     time.Time // when a resting number goes back to stock
	Monthly      Money     // what it was ordered at, a month; 0 for one that was not ordered
	CreatedAt    time.Time
	// Billed says that the billing of Monthly has started: it starts when the number
	// first is on a service that is billed, and ends when it is returned (ORD-2).
	Billed bool
	// Loan says that the number is the provider's loan for a port, which it
	// outlives: it serves until another takes its place, is not billed, and then
	// goes back by itself (NUM-3).
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

// NumberSource says where a telephone number comes from.
type NumberSource string

// The sources of a number; the zero value is none (NUM-12).
const (
	FromTenant   NumberSource = "existing" // of the tenant's own: available or porting in (NUM-2)
	FromProvider NumberSource = "new"      // from the provider's stock (NUM-4)
)

// NumberChoice is the choice of a number for a service. The zero value is no
// number.
type NumberChoice struct {
	Source NumberSource
	Number E164 // empty with FromProvider: the one that is proposed
	// Prefix is the beginning that a new number has to have, such as "+1617";
	// empty leaves it to the criteria kept and to the location. Keep keeps it as
	// the criteria by which later users' numbers are proposed (NUM-5).
	Prefix string
	Keep   bool
}

// ExistingNumber chooses a number of the tenant's own.
func ExistingNumber(n E164) NumberChoice { return NumberChoice{Source: FromTenant, Number: n} }

// ProposedNumber lets the library propose a number: by the criteria that the tenant
// keeps, else near the user.
func ProposedNumber() NumberChoice { return NumberChoice{Source: FromProvider} }

// OfferedNumber chooses one of the numbers that OfferedNumbers lists.
func OfferedNumber(n E164) NumberChoice { return NumberChoice{Source: FromProvider, Number: n} }

// chosenNumber is what a choice comes to: the number that the service will
// have, and the porting-in one that it waits for, if so.
type chosenNumber struct {
	assign, waiting *Number
	charges         []charge
	area            string // whose first number in stock it is, if it is
	keep            string // the criteria to keep, or ""
}

func (c *chosenNumber) e164() E164 {
	if c.assign == nil {
		return ""
	}
	return c.assign.E164
}

// awaited is the number that is waited for, or "".
func (c *chosenNumber) awaited() E164 {
	if c.waiting == nil {
		return ""
	}
	return c.waiting.E164
}

// chooseNumber looks at the choice of a number for something at a location.
func (t *tx) chooseNumber(ctx context.Context, choice NumberChoice, at *Location) (chosenNumber, error) {
	var check validation
	switch choice.Source {
	case FromProvider:
		return t.newNumber(ctx, choice, at)
	case FromTenant:
		check.withoutCriteria(choice)
		if choice.Number == "" {
			check.refuse(rule.NUM2, "Number", "is missing: choose one of the tenant's numbers")
		}
		if check.refusals == nil {
			return t.existingNumber(ctx, choice.Number, at)
		}
	case "":
		check.withoutCriteria(choice)
		if choice.Number != "" {
			check.refuse(rule.NUM2, "Number", "say whether the number is an existing or a new one")
		}
	default:
		check.refuse(rule.NUM2, "Number.Source", "not a source of numbers")
	}
	return chosenNumber{}, check.err()
}

// existingNumber chooses a number of the tenant's: an available one, or one
// that is being ported in together with a temporary one (NUM-2, NUM-3).
func (t *tx) existingNumber(ctx context.Context, e E164, at *Location) (chosenNumber, error) {
	n, err := t.number(ctx, rule.NUM2, e)
	if err != nil {
		return chosenNumber{}, err
	}
	switch {
	case n.State == NumberAvailable:
		return chosenNumber{assign: n}, nil
	case n.State == NumberPorting && n.WaitingID.IsZero():
		temporary, area, err := t.fromStock(ctx, t.areas(at))
		if err != nil {
			return chosenNumber{}, err
		}
		if temporary == nil {
			return chosenNumber{}, &Error{Code: rule.NUM3, Kind: ErrExhausted, Field: "Number", Subject: n.ref(),
				Reason: "there is no temporary number to serve until " + string(e) + " is ported"}
		}
		return chosenNumber{assign: temporary, waiting: n, area: area}, nil
	}
	code, by, verb := rule.NUM2, n.ServiceID, "assigned to"
	if n.State == NumberPorting {
		code, by, verb = rule.NUM3, n.WaitingID, "waited for by"
	}
	holder, err := t.service(ctx, by)
	if err != nil {
		return chosenNumber{}, err
	}
	return chosenNumber{}, &Error{Code: code, Kind: ErrConflict, Field: "Number", Subject: n.ref(), Holder: holder.ref(),
		Reason: fmt.Sprintf("number %s is %s %s", e, verb, holder.ref())}
}

// newNumber chooses a number of the provider's stock: the one that is named, or
// the one that is proposed (NUM-4, NUM-5), unless the tenant's country gets none
// (NUM-6).
func (t *tx) newNumber(ctx context.Context, choice NumberChoice, at *Location) (chosen chosenNumber, err error) {
	if err := t.newNumbersAllowed(); err != nil {
		return chosenNumber{}, err
	}
	if err := t.validateCriteria(choice, at); err != nil {
		return chosenNumber{}, err
	}
	if choice.Number != "" {
		chosen.assign, err = t.offered(ctx, choice.Number, at)
	} else {
		chosen.assign, chosen.area, err = t.propose(ctx, choice.Prefix, at)
	}
	if err != nil {
		return chosenNumber{}, err
	}
	if choice.Keep {
		chosen.keep = choice.Prefix
	}
	p := &t.tenant.Policy
	chosen.charges = []charge{{numberProduct, "Telephone number", 1, p.NumberMonthly, p.NumberOneTime}}
	return chosen, nil
}

// offered reads a new number that was chosen from a list: one that anyone can
// have now, in an area whose numbers the tenant is offered (NUM-4).
func (t *tx) offered(ctx context.Context, e E164, at *Location) (*Number, error) {
	n, err := one[*Number](ctx, t, numbersTable.Key(), string(e))
	if err != nil {
		return nil, err
	}
	inArea := slices.ContainsFunc(t.areas(at), func(area string) bool { return strings.HasPrefix(string(e), area) })
	if !inArea || !n.onOffer(t.now) {
		return nil, &Error{Code: rule.NUM4, Kind: ErrNotFound, Field: "Number", Subject: Ref{Kind: "number", ID: string(e)},
			Reason: "number " + string(e) + " is not among the new numbers on offer"}
	}
	return n, nil
}

// numberProduct is the product code of a number in an order.
const numberProduct = "NUMBER"

func (t *tx) newNumbersAllowed() error {
	if !slices.Contains(t.core.notNew, t.tenant.Country) {
		return nil
	}
	return &Error{Code: rule.NUM6, Kind: ErrDenied, Field: "Number", Subject: t.tenant.ref(),
		Reason: "tenants of " + t.tenant.Country + " get no new numbers: choose an existing one"}
}

// onOffer reports whether anyone can have the number now.
func (n *Number) onOffer(now time.Time) bool {
	return n != nil && (n.State == NumberStock || n.State == NumberResting && !n.FreeFrom.After(now))
}

// fromStock draws a number from the first of the areas that has one; nil if none
// has. It is the first number there, and the area is said; or one of the first
// few where others got in the way twice: all tenants draw from one stock, and
// would go on meeting at its beginning.
func (t *tx) fromStock(ctx context.Context, areas []string) (n *Number, area string, err error) {
	list, area, err := t.firstOffers(ctx, areas, t.fromFirst())
	switch {
	case err != nil || len(list) == 0:
		return nil, "", err
	case t.fromFirst() == 1 && list[0].State == NumberStock:
		return list[0], area, nil
	}
	return list[rand.N(len(list))], "", nil
}

// fromFirst is how many of the first numbers in stock one is drawn from.
func (t *tx) fromFirst() int { return 1 + 16*max(0, t.reruns-1) }

// areas are the beginnings of the numbers that the tenant is offered: those near
// a location, if it says so, and those of the tenant's country.
func (t *tx) areas(at *Location) []string {
	if at == nil {
		return areas(t.tenant.Country, "")
	}
	return areas(t.tenant.Country, at.NumberPrefix)
}

func areas(country, near string) []string {
	plan, _ := numplan.For(country)
	if near == "" {
		return []string{"+" + plan.CallingCode}
	}
	return []string{near, "+" + plan.CallingCode}
}

// prefetchChoices reads ahead what a choice of a number near a location looks
// at, and one of an extension, where those are chosen here.
func (t *tx) prefetchChoices(ctx context.Context, number NumberChoice, at *Location, extension bool) error {
	return t.prefetch(ctx, func(p *prefetch) {
		named, _ := t.Known(numbersTable.Key().At(string(number.Number))).(*Number)
		proposed := number.Source == FromProvider && number.Number == ""
		temporary := number.Source == FromTenant && named != nil && named.State == NumberPorting
		switch {
		case proposed:
			p.stock(t.proposals(number.Prefix, at), t.fromFirst())
		case temporary:
			p.stock(t.areas(at), t.fromFirst())
		}
		if extension && t.core.allocate == nil {
			p.dialled(t.tenant)
		}
	})
}

// firstOffers lists numbers that anyone can have now: those of the first area
// that has any.
func (t *tx) firstOffers(ctx context.Context, areas []string, limit int) ([]*Number, string, error) {
	for _, area := range areas {
		if list, err := t.offers(ctx, area, limit); err != nil || len(list) > 0 {
			return list, area, err
		}
	}
	return nil, "", nil
}

// offers lists numbers with a prefix that anyone can have now, and that are
// ordinary ones of the tenant's country where that is all that is asked for: those
// of the provider's stock in order, then those whose rest is over, the longest
// rested first.
func (t *tx) offers(ctx context.Context, prefix string, limit int) ([]*Number, error) {
	var list []*Number
	for q := t.stillInStock(prefix, limit); ; {
		var last *Number
		given := 0
		for n, err := range find[*Number](ctx, t, q) {
			if err != nil {
				return nil, err
			}
			if given, last = given+1, n; t.ordinary(prefix, n.E164) {
				list = append(list, n)
			}
		}
		if len(list) >= limit {
			return list[:limit], nil
		}
		if given < q.Limit {
			break
		}
		q.After, q.Limit = []any{t.afterDrawn(prefix, last.E164)}, max(limit, 64)
	}
	for n, err := range t.rested(ctx) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(string(n.E164), prefix) || !t.ordinary(prefix, n.E164) {
			continue
		}
		if list = append(list, n); len(list) == limit {
			break
		}
	}
	return list, nil
}

// ordinary reports whether a number that begins with an area can be proposed for
// that. Who asks for no more than a number of his country gets none of another
// region with the same calling code, and no toll-free one (NUM-4).
func (t *tx) ordinary(area string, e E164) bool {
	if !t.anywhere(area) {
		return true
	}
	return numplan.In(t.tenant.Country, string(e)) && !numplan.TollFreeE164(string(e))
}

// anywhere reports whether an area is all of the tenant's country.
func (t *tx) anywhere(area string) bool {
	plan, _ := numplan.For(t.tenant.Country)
	return area == "+"+plan.CallingCode
}

// afterDrawn is from where on to look for more numbers. In North America a number that
// is not ordinary is in an area code of which none is: that is passed over.
func (t *tx) afterDrawn(area string, last E164) string {
	if area == "+1" && !t.ordinary(area, last) {
		return string(last[:len("+1617")]) + ":" // behind the digits
	}
	return string(last)
}

func inStock(prefix string, limit int) store.Query {
	return store.Query{Index: numbersByState, Equal: []any{Provider, string(NumberStock)}, Prefix: prefix, Limit: limit}
}

// restedBy selects the numbers whose rest is over at a moment, a page at a time.
func restedBy(now time.Time) store.Query {
	return store.Query{Index: numbersByRest, Equal: []any{Provider, string(NumberResting)}, To: now.Add(time.Microsecond), Limit: 64}
}

// rested yields the numbers whose rest is over, the longest rested first.
func (t *tx) rested(ctx context.Context) iter.Seq2[*Number, error] {
	return func(yield func(*Number, error) bool) {
		for q := restedBy(t.now); ; {
			var last *Number
			given := 0
			for n, err := range find[*Number](ctx, t, q) {
				if !yield(n, err) || err != nil {
					return
				}
				given, last = given+1, n
			}
			if given < q.Limit {
				return
			}
			q.After = []any{last.FreeFrom, string(last.E164)}
		}
	}
}

// stock plans to read the first numbers of the provider's stock in each area.
func (p *prefetch) stock(areas []string, limit int) {
	for _, area := range areas {
		p.scan(inStock(area, limit))
	}
}

// offers plans to read what OfferedNumbers lists.
func (p *prefetch) offers(at LocationID, prefix string, limit int) {
	p.stock(proposals(p.fixed(), prefix, p.facts.prefixes.recall(at)), limit)
	p.scan(restedBy(p.now))
}

// number reads a number of the tenant; code is the rule that it is read for.
func (t *tx) number(ctx context.Context, code rule.Code, e E164) (*Number, error) {
	n, err := one[*Number](ctx, t, numbersTable.Key(), string(e))
	if err == nil && (n == nil || n.TenantID != t.tenantID) {
		return nil, &Error{Code: code, Kind: ErrNotFound, Field: "Number", Subject: Ref{Kind: "number", ID: string(e)},
			Reason: "the tenant has no number " + string(e)}
	}
	return n, err
}

// assignNumber stages a choice for a service that has the number already.
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

// billedWith starts the billing of an ordered number that is on a service that is
// billed (ORD-2).
func (n *Number) billedWith(s *Service) { n.Billed = n.Billed || s.billed() && n.Monthly > 0 }

// billNumber stages that the number of a service is billed as the service is from
// now on.
func (t *tx) billNumber(ctx context.Context, s *Service) error {
	n, err := t.heldNumber(ctx, s)
	if err == nil && n != nil && n.Monthly > 0 && !n.Billed {
		edit(t, n, func(n *Number) { n.billedWith(s) })
	}
	return err
}

// Disposal says what becomes of a previous number (NUM-10).
type Disposal string

// The ways to dispose of a number.
const (
	KeepNumber   Disposal = "keep"   // available to the tenant
	ReturnNumber Disposal = "return" // leaves the tenant, rests, and goes back to stock
)

// releaseNumbers takes a service's number off it, and the claim on the number
// that it waits for. A temporary number always goes back, also one whose port
// came to nothing (NUM-3). The service's own row is the caller's to stage, behind
// this.
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

// giveBack returns a number to the provider, where it rests before anyone else
// can have it (NUM-10).
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
