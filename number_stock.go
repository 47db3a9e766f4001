package pbx

import (
	"context"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// OfferedNumbers lists new numbers to choose from. They are those with a prefix or, if it
// is "", those that meet the criteria that the tenant keeps (NUM-5), else those near a
// location, else those of the tenant's country. The last are of its own region, if other
// regions have the same calling code, and not toll-free (NUM-4). The first number is the
// one that [ProposedNumber] proposes there. A limit of 0 is 20, and of more than 1000 is 1000.
//
// Errors: ErrDenied for a tenant of a country that gets no new numbers (NUM-6);
// ErrNotFound for the location; ErrInvalid for a prefix that is neither of the country
// nor near the location (NUM-4).
func (d *Directory) OfferedNumbers(ctx context.Context, at LocationID, prefix string, limit int) ([]E164, error) {
	if limit <= 0 {
		limit = 20
	}
	limit = min(limit, maxNumbersAtOnce)
	return read(ctx, d, "OfferedNumbers", func(p *prefetch) {
		p.location(at)
		p.offers(at, prefix, limit)
	}, func(t *tx) ([]E164, error) {
		if err := t.newNumbersAllowed(); err != nil {
			return nil, err
		}
		l, err := t.location(ctx, at)
		if err != nil {
			return nil, err
		}
		return t.listNew(ctx, l, prefix, limit)
	})
}

func (t *tx) listNew(ctx context.Context, at *Location, prefix string, limit int) ([]E164, error) {
	if prefix != "" && !t.hasNewNumbersLike(prefix, at) {
		return nil, &Error{Code: rule.NUM4, Kind: ErrInvalid, Field: "Prefix", Reason: "not the beginning of E.164 numbers of " + t.tenant.Country + " or near the location"}
	}
	offers, _, err := t.firstOffers(ctx, t.proposals(prefix, at), limit)
	if err != nil {
		return nil, err
	}
	var list []E164
	for _, n := range offers {
		list = append(list, n.E164)
	}
	return list, nil
}

// onOffer reports whether any tenant can get the number now.
func (n *Number) onOffer(now time.Time) bool {
	return n != nil && (n.State == NumberStock || n.State == NumberResting && !n.FreeFrom.After(now))
}

// areas lists the prefixes of the numbers that the tenant is offered: those near a
// location, if the location has any, and those of the tenant's country.
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

// fromStock chooses a number from the first of the areas that has one; nil if none has.
// It is normally the first number there, and the area is returned with it. After two
// conflicts with other changes it is one of the first few, chosen at random, without the
// area: all tenants take numbers from one stock, and would otherwise go on competing for
// the first.
func (t *tx) fromStock(ctx context.Context, areas []string) (*Number, string, error) {
	list, area, err := t.firstOffers(ctx, areas, t.fromFirst())
	switch {
	case err != nil || len(list) == 0:
		return nil, "", err
	case t.fromFirst() == 1 && list[0].State == NumberStock:
		return list[0], area, nil
	}
	return list[rand.N(len(list))], "", nil
}

// fromFirst returns how many of the first numbers in stock to choose from.
func (t *tx) fromFirst() int { return 1 + 16*max(0, t.reruns-1) }

// firstOffers lists numbers that any tenant can get now, of the first area that has any,
// and returns that area with them.
func (t *tx) firstOffers(ctx context.Context, areas []string, limit int) ([]*Number, string, error) {
	for _, area := range areas {
		list, err := t.offers(ctx, area, limit)
		if err != nil {
			return nil, "", err
		}
		if len(list) > 0 {
			return list, area, nil
		}
	}
	return nil, "", nil
}

// offers lists numbers with a prefix that any tenant can get now, leaving out those that
// are not ordinary: first those of the provider's stock, in order, then those whose rest
// is over, the longest rested first.
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

// ordinary reports whether a number can be proposed for an area that it begins with. For
// an area that is all of the tenant's country, numbers of another region with the same
// calling code and toll-free numbers are not proposed (NUM-4).
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

// afterDrawn returns the place in stock from which to read more numbers. In North America
// all numbers of an area code are ordinary, or none: one without is skipped.
func (t *tx) afterDrawn(area string, last E164) string {
	if area == "+1" && !t.ordinary(area, last) {
		return string(last[:len("+1617")]) + ":" // which sorts after the digits
	}
	return string(last)
}

// stillInStock selects the first numbers of an area's stock, after those that this
// transaction took.
func (t *tx) stillInStock(area string, limit int) store.Query {
	q := inStock(area, limit)
	if last := t.drawn[area]; last != "" {
		q.After = []any{string(last)}
	}
	return q
}

func inStock(prefix string, limit int) store.Query {
	return store.Query{Index: numbersByState, Equal: []any{Provider, string(NumberStock)}, Prefix: prefix, Limit: limit}
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

// restedBy selects the numbers whose rest is over at a given time, a page of them.
func restedBy(now time.Time) store.Query {
	return store.Query{Index: numbersByRest, Equal: []any{Provider, string(NumberResting)}, To: now.Add(time.Microsecond), Limit: 64}
}

// stock plans to read the first numbers of the provider's stock in each area.
func (p *prefetch) stock(areas []string, limit int) {
	for _, area := range areas {
		p.scan(inStock(area, limit))
	}
}

// offers plans to read the numbers that OfferedNumbers lists.
func (p *prefetch) offers(at LocationID, prefix string, limit int) {
	p.stock(proposals(p.fixed(), prefix, p.facts.prefixes.recall(at)), limit)
	p.scan(restedBy(p.now))
}

// drew remembers that the first number of an area's stock was taken in this transaction.
// The next choice there begins after it.
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

// restock forgets what drew remembers, because a number goes back to stock.
func (t *tx) restock() {
	before := t.drawn
	t.drawn = nil
	t.OnRollBack(func() { t.drawn = before })
}
