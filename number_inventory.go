package pbx

import (
	"context"
	"fmt"
	"iter"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// maxNumbersAtOnce is how many numbers one operation takes.
const maxNumbersAtOnce = 1000

// StockNumbers adds numbers to the provider's stock, from which tenants get
// their new ones (NUM-4); or, as AddNumbers, to a tenant directly. At most 1,000
// at once. Only support can.
//
// Errors: ErrInvalid for each number that is not E.164; ErrConflict for each
// that the system has already (NUM-1).
func (d *Directory) StockNumbers(ctx context.Context, list ...E164) ([]*Number, error) {
	return d.addNumbers(ctx, "StockNumbers", NumberStock, list)
}

// AddNumbers adds numbers to the tenant's own, as available (NUM-2). At most
// 1,000 at once. Only support can.
//
// Errors: as StockNumbers.
func (d *Directory) AddNumbers(ctx context.Context, list ...E164) ([]*Number, error) {
	return d.addNumbers(ctx, "AddNumbers", NumberAvailable, list)
}

func (d *Directory) addNumbers(ctx context.Context, operation string, state NumberState, list []E164) ([]*Number, error) {
	var made []*Number
	err := d.change(ctx, operation, nil, func(t *tx) error {
		made = nil
		if err := t.unknownNumbers(ctx, list); err != nil {
			return err
		}
		for _, e := range list {
			n := &Number{E164: e, TenantID: t.tenantID, State: state, CreatedAt: t.now}
			t.Insert(n)
			t.did("number.added", n.ref(), string(state))
			made = append(made, copyOf(n))
		}
		return nil
	})
	return made, err
}

// unknownNumbers looks at numbers that come into the system: E.164, each once,
// and nobody's yet (NUM-1). Whose one is, is not said.
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

// Number returns a number of the tenant. Errors: ErrNotFound (NUM-2).
func (d *Directory) Number(ctx context.Context, e E164) (*Number, error) {
	var out *Number
	err := d.read(ctx, "Number", func(p *prefetch) { p.number(e) }, func(t *tx) error {
		n, err := t.number(ctx, rule.NUM2, e)
		if err == nil {
			out = copyOf(n)
		}
		return err
	})
	return out, err
}

// NumberQuery selects numbers of the tenant by state and by their beginning.
type NumberQuery struct {
	State  NumberState // required: NumberAvailable and NumberPorting are the two sections to choose from
	Prefix string      // "+1617"
	// Unawaited leaves out the porting-in numbers that a service waits for: the
	// others can be chosen (NUM-3).
	Unawaited bool
	Limit     int
}

// Numbers yields the tenant's numbers of a state, in order (NUM-2). Errors:
// ErrInvalid for a state that is none.
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

// ReturnNumber gives an available number of the tenant back to the provider,
// where it rests before anyone else can have it (NUM-10). What it saves is
// ordered, if it was billed: one that was ordered for a service that never was
// activated saves nothing. The order is for the tenant as a whole: a number that its
// line left behind is at no location (ORD-1).
//
// Errors: ErrNotFound; ErrFailedPrecondition for one that is not available.
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

// saved is the charge that ends with a number's return: what it was ordered at, if
// that is billed.
func (n *Number) saved() charge {
	if !n.Billed {
		return charge{}
	}
	return charge{numberProduct, "Telephone number", -1, n.Monthly, 0}
}
