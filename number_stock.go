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

// OfferedNumbers lists new numbers to choose from: those with a prefix or, where
// none is given, those that meet the criteria that the tenant keeps (NUM-5), else
// those near a location, else those of the tenant's country: of its own region
// where others have the same calling code, and none that is toll-free (NUM-4). The
// first is the one that ProposedNumber proposes there. limit 0 is 20.
//
// Errors: ErrDenied where the tenant's country gets none (NUM-6); ErrNotFound
// for the location; ErrInvalid for a prefix with which no number begins that is of
// the country or near the location.
func (d *Directory) OfferedNumbers(ctx context.Context, at LocationID, prefix string, limit int) ([]E164, error) {
	var list []E164
	if limit <= 0 {
		limit = 20
	}
	err := d.read(ctx, "OfferedNumbers", func(p *prefetch) {
		p.location(at)
		p.offers(at, prefix, limit)
	}, func(t *tx) error {
		list = nil
		if err := t.newNumbersAllowed(); err != nil {
			return err
		}
		l, err := t.location(ctx, at)
		if err != nil {
			return err
		}
		offers, err := t.listNew(ctx, l, prefix, limit)
		for _, n := range offers {
			list = append(list, n.E164)
		}
		return err
	})
	return list, err
}

func (t *tx) listNew(ctx context.Context, at *Location, prefix string, limit int) ([]*Number, error) {
	if prefix != "" && !t.hasNewNumbersLike(prefix, at) {
		return nil, &Error{Code: rule.NUM4, Kind: ErrInvalid, Field: "Prefix", Reason: "not the beginning of E.164 numbers of " + t.tenant.Country + " or near the location"}
	}
	list, _, err := t.firstOffers(ctx, t.proposals(prefix, at), limit)
	return list, err
}

// onOffer reports whether anyone can have the number now.
func (n *Number) onOffer(now time.Time) bool {
	return n != nil && (n.State == NumberStock || n.State == NumberResting && !n.FreeFrom.After(now))
}

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

// stillInStock selects the first numbers of an area's stock, behind those that
// this transaction drew.
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

// restedBy selects the numbers whose rest is over at a moment, a page at a time.
func restedBy(now time.Time) store.Query {
	return store.Query{Index: numbersByRest, Equal: []any{Provider, string(NumberResting)}, To: now.Add(time.Microsecond), Limit: 64}
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
	t.KeepUndo(func() { drawn[area] = before })
}

// restock forgets what was drawn: a number goes back to stock.
func (t *tx) restock() {
	before := t.drawn
	t.drawn = nil
	t.KeepUndo(func() { t.drawn = before })
}
