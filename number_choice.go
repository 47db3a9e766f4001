package pbx

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
)

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

// ProposedNumberLike lets the library propose a new number that begins with a prefix
// of the tenant's country, such as "+1617", or of the numbers near the location.
// Where there is none the choice is refused; nothing else is proposed instead
// (NUM-4).
func ProposedNumberLike(prefix string) NumberChoice {
	return NumberChoice{Source: FromProvider, Prefix: prefix}
}

// OfferedNumber chooses one of the numbers that OfferedNumbers lists.
func OfferedNumber(n E164) NumberChoice { return NumberChoice{Source: FromProvider, Number: n} }

// The criteria of the choice of a new number are its beginning. A tenant can
// keep them, and then they pick the numbers of later users by themselves
// (NUM-5): Tenant.NumberCriteria shows them, and ModifyTenant changes or
// forgets them.

// Keeping keeps the prefix of a choice of a new number as the tenant's criteria,
// if the choice goes through: later choices that name neither number nor prefix
// go by it (NUM-5).
func (c NumberChoice) Keeping() NumberChoice {
	c.Keep = true
	return c
}

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

func (t *tx) newNumbersAllowed() error {
	if !slices.Contains(t.core.notNew, t.tenant.Country) {
		return nil
	}
	return &Error{Code: rule.NUM6, Kind: ErrDenied, Field: "Number", Subject: t.tenant.ref(),
		Reason: "tenants of " + t.tenant.Country + " get no new numbers: choose an existing one"}
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

// propose draws a number with a prefix; or, where none is given, by the
// criteria kept, and if they match nothing with a warning near the location,
// else in the country. The area is said where the number is its first.
func (t *tx) propose(ctx context.Context, prefix string, at *Location) (n *Number, area string, err error) {
	n, area, err = t.fromStock(ctx, t.proposals(prefix, at))
	switch kept := t.tenant.NumberCriteria; {
	case err != nil:
		return nil, "", err
	case n == nil && prefix != "":
		return nil, "", &Error{Code: rule.NUM4, Kind: ErrExhausted, Field: "Number", Reason: "there is no new number to be had that begins with " + prefix}
	case n == nil:
		return nil, "", &Error{Code: rule.NUM4, Kind: ErrExhausted, Field: "Number", Reason: "there is no new number to be had"}
	case prefix == "" && !strings.HasPrefix(string(n.E164), kept):
		t.warn(rule.NUM5, n.ref(), "no new number to be had begins with %s, as the tenant's criteria want: %s was chosen instead", kept, n.E164)
	}
	return n, area, nil
}

// proposals are the beginnings that a proposed number can have, the one that is
// wanted most first.
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

// withoutCriteria refuses criteria with a choice that is not of a new number.
func (check *validation) withoutCriteria(choice NumberChoice) {
	if choice.Prefix != "" {
		check.refuse(rule.NUM5, "Number.Prefix", "only new numbers are chosen by their beginning")
	}
	if choice.Keep {
		check.refuse(rule.NUM5, "Number.Keep", "only the criteria of a new number are kept")
	}
}

// validateCriteria checks the criteria of a choice of a new number. Only those are kept
// that are good wherever the tenant's users are.
func (t *tx) validateCriteria(choice NumberChoice, at *Location) error {
	var check validation
	switch {
	case choice.Prefix == "" && choice.Keep:
		check.refuse(rule.NUM5, "Number.Keep", "there are no criteria to keep: say how the numbers should begin")
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

// hasNumbersLike reports whether numbers of the tenant's country begin so.
func (t *Tenant) hasNumbersLike(prefix string) bool {
	plan, _ := numplan.For(t.Country)
	return within(prefix, plan.CallingCode)
}

// hasNewNumbersLike reports whether numbers begin so that the tenant is offered:
// those of its country, and those near a location, which may be abroad.
func (t *tx) hasNewNumbersLike(prefix string, at *Location) bool {
	if at != nil && at.NumberPrefix != "" && within(prefix, at.NumberPrefix[1:]) {
		return true
	}
	return t.tenant.hasNumbersLike(prefix)
}

// keepCriteria stages criteria to be kept, unless they are already. They are
// among the tenant's settings: what was read before is stale (SVC-15).
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
