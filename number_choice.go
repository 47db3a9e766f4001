package pbx

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
)

// NumberSource says where the number for a service comes from.
type NumberSource string

// The sources of a number. The zero value means that no number is wanted (NUM-12).
const (
	FromTenant   NumberSource = "existing" // one of the tenant's own: available or porting in (NUM-2)
	FromProvider NumberSource = "new"      // from the provider's stock (NUM-4)
)

// NumberChoice is the choice of a number for a service. The zero value is no
// number.
type NumberChoice struct {
	Source NumberSource
	Number E164 // may be "" with FromProvider: one is proposed then
	// Prefix is how a new number has to begin, such as "+1617". If it is "", the criteria
	// that the tenant keeps and the location decide.
	Prefix string
	// Keep keeps Prefix as the criteria by which the numbers of later users are proposed
	// (NUM-5).
	Keep bool
}

// ExistingNumber chooses one of the tenant's own numbers: [Directory.Numbers] lists
// those that are available or porting in.
func ExistingNumber(n E164) NumberChoice { return NumberChoice{Source: FromTenant, Number: n} }

// ProposedNumber lets the library choose a new number: by the criteria that the tenant
// keeps, else near the user's location, else in the tenant's country (NUM-4, NUM-5).
func ProposedNumber() NumberChoice { return NumberChoice{Source: FromProvider} }

// ProposedNumberLike lets the library choose a new number that begins with a prefix, such
// as "+1617", of the tenant's country or of the numbers near the location. If there is
// none, the choice is refused, and no other number is proposed instead (NUM-4).
func ProposedNumberLike(prefix string) NumberChoice {
	return NumberChoice{Source: FromProvider, Prefix: prefix}
}

// OfferedNumber chooses one of the new numbers that [Directory.OfferedNumbers] lists.
func OfferedNumber(n E164) NumberChoice { return NumberChoice{Source: FromProvider, Number: n} }

// Keeping returns the choice with Keep set: if it goes through, its prefix is kept as the
// tenant's criteria. Later choices of a new number that name neither a number nor a
// prefix follow the criteria (NUM-5). Tenant.NumberCriteria shows them, and
// [Directory.ModifyTenant] changes or clears them.
func (c NumberChoice) Keeping() NumberChoice {
	c.Keep = true
	return c
}

// chosenNumber is the result of a choice.
type chosenNumber struct {
	assign  *Number // the number that the service will have, or nil
	waiting *Number // the number, still being ported in, that it waits for, or nil
	charges []charge
	area    string // the area of whose stock assign is the first number, or ""
	keep    string // the criteria to keep, or ""
}

func (c *chosenNumber) e164() E164 {
	if c.assign == nil {
		return ""
	}
	return c.assign.E164
}

// awaited returns the number that is waited for, or "".
func (c *chosenNumber) awaited() E164 {
	if c.waiting == nil {
		return ""
	}
	return c.waiting.E164
}

// prefetchChoices reads ahead what choosing a number near a location reads, and what
// choosing an extension reads, if one is to be chosen.
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

// chooseNumber checks the choice of a number for a service at a location, and reads the
// number.
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

// existingNumber chooses one of the tenant's numbers: an available one, or one that is
// still being ported in, together with a temporary one (NUM-2, NUM-3).
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
				Reason: "no temporary number is available to use until " + string(e) + " is ported in"}
		}
		return chosenNumber{assign: temporary, waiting: n, area: area}, nil
	}
	code, by, verb := rule.NUM2, n.ServiceID, "assigned to"
	if n.State == NumberPorting {
		code, by, verb = rule.NUM3, n.WaitingID, "being ported in for"
	}
	holder, err := t.service(ctx, by)
	if err != nil {
		return chosenNumber{}, err
	}
	return chosenNumber{}, &Error{Code: code, Kind: ErrConflict, Field: "Number", Subject: n.ref(), Holder: holder.ref(),
		Reason: fmt.Sprintf("number %s is %s %s", e, verb, holder.ref())}
}

// newNumber chooses a number from the provider's stock: the one that is named, or one
// that is proposed (NUM-4, NUM-5), unless the tenant's country gets no new numbers
// (NUM-6).
func (t *tx) newNumber(ctx context.Context, choice NumberChoice, at *Location) (chosenNumber, error) {
	if err := t.newNumbersAllowed(); err != nil {
		return chosenNumber{}, err
	}
	if err := t.validateCriteria(choice, at); err != nil {
		return chosenNumber{}, err
	}
	var chosen chosenNumber
	var err error
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

// newNumbersAllowed refuses new numbers for tenants of a country that gets none (NUM-6).
func (t *tx) newNumbersAllowed() error {
	if !slices.Contains(t.core.notNew, t.tenant.Country) {
		return nil
	}
	return &Error{Code: rule.NUM6, Kind: ErrDenied, Field: "Number", Subject: t.tenant.ref(),
		Reason: "tenants of " + t.tenant.Country + " get no new numbers: choose an existing one"}
}

// offered reads a new number that was chosen from a list. It has to be on offer still, in
// an area whose numbers the tenant is offered (NUM-4).
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

// propose takes a number with a prefix from the stock. Without a prefix it follows the
// criteria that the tenant keeps; if no number matches them, it warns, and takes one near
// the location, else in the country. It returns the number with its area, as fromStock
// does.
func (t *tx) propose(ctx context.Context, prefix string, at *Location) (*Number, string, error) {
	n, area, err := t.fromStock(ctx, t.proposals(prefix, at))
	switch kept := t.tenant.NumberCriteria; {
	case err != nil:
		return nil, "", err
	case n == nil && prefix != "":
		return nil, "", &Error{Code: rule.NUM4, Kind: ErrExhausted, Field: "Number", Reason: "no new number that begins with " + prefix + " is available"}
	case n == nil:
		return nil, "", &Error{Code: rule.NUM4, Kind: ErrExhausted, Field: "Number", Reason: "no new number is available"}
	case prefix == "" && !strings.HasPrefix(string(n.E164), kept):
		t.warn(rule.NUM5, n.ref(), "no available new number begins with %s, as the tenant's criteria require: %s was chosen instead", kept, n.E164)
	}
	return n, area, nil
}

// proposals lists how a proposed number can begin, the preferred prefix first.
func (t *tx) proposals(prefix string, at *Location) []string {
	near := ""
	if at != nil {
		near = at.NumberPrefix
	}
	return proposals(fixed{country: t.tenant.Country, criteria: t.tenant.NumberCriteria}, prefix, near)
}

func proposals(of fixed, prefix, near string) []string {
	if prefix != "" {
		return []string{prefix}
	}
	list := areas(of.country, near)
	if of.criteria != "" {
		list = slices.Insert(list, 0, of.criteria)
	}
	return list
}

// withoutCriteria refuses criteria for a number that is not a new one.
func (check *validation) withoutCriteria(choice NumberChoice) {
	if choice.Prefix != "" {
		check.refuse(rule.NUM5, "Number.Prefix", "only a new number can be chosen by its prefix")
	}
	if choice.Keep {
		check.refuse(rule.NUM5, "Number.Keep", "only the criteria of a new number are kept")
	}
}

// validateCriteria checks the criteria for a new number. Criteria can only be kept if
// they are of the tenant's country, so that they are good for users at any location.
func (t *tx) validateCriteria(choice NumberChoice, at *Location) error {
	var check validation
	switch {
	case choice.Prefix == "" && choice.Keep:
		check.refuse(rule.NUM5, "Number.Keep", "there are no criteria to keep: give a prefix")
	case choice.Prefix == "":
	case !t.hasNewNumbersLike(choice.Prefix, at):
		check.refuse(rule.NUM4, "Number.Prefix", "not the beginning of E.164 numbers of %s or near the location", t.tenant.Country)
	case choice.Keep && !t.tenant.hasNumbersLike(choice.Prefix):
		check.refuse(rule.NUM5, "Number.Keep", "not the beginning of E.164 numbers of %s", t.tenant.Country)
	case choice.Number != "" && !strings.HasPrefix(string(choice.Number), choice.Prefix):
		check.refuse(rule.NUM5, "Number", "does not begin with %s", choice.Prefix)
	}
	return check.err()
}

// hasNumbersLike reports whether numbers of the tenant's country begin with a prefix.
func (t *Tenant) hasNumbersLike(prefix string) bool {
	plan, _ := numplan.For(t.Country)
	return within(prefix, plan.CallingCode)
}

// hasNewNumbersLike reports whether numbers that the tenant is offered begin with a
// prefix: those of its country, and those near a location, which may be abroad.
func (t *tx) hasNewNumbersLike(prefix string, at *Location) bool {
	if at != nil && at.NumberPrefix != "" && within(prefix, at.NumberPrefix[1:]) {
		return true
	}
	return t.tenant.hasNumbersLike(prefix)
}

// keepCriteria stages that the tenant keeps criteria, unless it does already. They are
// one of the tenant's settings, whose revision it raises (SVC-15).
func (t *tx) keepCriteria(prefix string) {
	if prefix == "" || prefix == t.tenant.NumberCriteria {
		return
	}
	t.editTenant(func(row *Tenant) {
		row.NumberCriteria = prefix
		row.SettingsRev++
	})
	t.did("tenant.number-criteria-kept", t.tenant.ref(), prefix)
}
