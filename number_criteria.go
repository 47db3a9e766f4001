package pbx

import (
	"context"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// The criteria of the choice of a new number are its beginning. A tenant can
// keep them, and then they pick the numbers of later users by themselves
// (NUM-5): Tenant.NumberCriteria shows them, and ModifyTenant changes or
// forgets them.

// ProposedNumberLike lets the library propose a new number that begins with a prefix
// of the tenant's country, such as "+1617", or of the numbers near the location.
// Where there is none the choice is refused; nothing else is proposed instead
// (NUM-4).
func ProposedNumberLike(prefix string) NumberChoice {
	return NumberChoice{Source: FromProvider, Prefix: prefix}
}

// Keeping keeps the prefix of a choice of a new number as the tenant's criteria,
// if the choice goes through: later choices that name neither number nor prefix
// go by it (NUM-5).
func (c NumberChoice) Keeping() NumberChoice {
	c.Keep = true
	return c
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

// drew remembers that the first number in an area's stock was taken: whoever
// draws there again in this transaction need not look at what lies before it.
func (t *tx) drew(area string, e E164) {
	if area == "" {
		return
	}
	if t.drawn == nil {
		t.drawn = make(map[string]E164)
	}
	drawn, before := t.drawn, t.drawn[area]
	drawn[area] = e
	t.OnRollBack(func() { drawn[area] = before })
}

// restock forgets what was drawn: a number goes back to stock.
func (t *tx) restock() {
	before := t.drawn
	t.drawn = nil
	t.OnRollBack(func() { t.drawn = before })
}

// stillInStock selects the first numbers of an area's stock, behind those that
// this transaction drew.
func (t *tx) stillInStock(area string, limit int) store.Query {
	q := inStock(area, limit)
	if last := t.drawn[area]; last != "" {
		q.After = []any{string(last)}
	}
	return q
}
