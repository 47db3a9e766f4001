package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

func (n *Number) ref() ref { return ref{"number", Handle(n.E164), string(n.E164)} }

// edit changes a number, and counts the change.
func (n *Number) edit(change func(n *Number)) {
	change(n)
	n.changes++
}

// chosen is the result of a choice of a number: the number, and the porting-in
// one that it stands in for.
type chosen struct {
	number, waiting *Number
	charges         []charge
	keep            string // criteria to keep
}

// choose checks the choice of a number for something at a location (NUM-2 to
// NUM-4, NUM-6).
func (x *step) choose(c pbx.NumberChoice, at *Location) chosen {
	if c.Source == pbx.FromProvider {
		return x.newNumber(c, at)
	}
	known := c.Source == "" || c.Source == pbx.FromTenant
	if known && c.Prefix != "" {
		x.invalid(rule.NUM5, "Number.Prefix")
	}
	if known && c.Keep {
		x.invalid(rule.NUM5, "Number.Keep")
	}
	switch {
	case c.Source == pbx.FromTenant && c.Number != "":
		if c.Prefix == "" && !c.Keep {
			return x.existing(c.Number, at)
		}
	case !known:
		x.invalid(rule.NUM2, "Number.Source")
	case c.Source != "" || c.Number != "":
		x.invalid(rule.NUM2, "Number")
	}
	return chosen{}
}

// criteria checks the prefix that a new number should have (NUM-4, NUM-5).
func (x *step) criteria(c pbx.NumberChoice, at *Location) bool {
	switch {
	case c.Prefix == "" && c.Keep:
		x.invalid(rule.NUM5, "Number.Keep")
	case c.Prefix == "":
		return true
	case !x.beginsHere(c.Prefix, at):
		x.invalid(rule.NUM4, "Number.Prefix")
	case c.Keep && !countries[x.t.Country].begins(c.Prefix):
		x.invalid(rule.NUM5, "Number.Keep")
	case !strings.HasPrefix(string(c.Number), c.Prefix) && c.Number != "":
		x.invalid(rule.NUM5, "Number")
	default:
		return true
	}
	return false
}

// beginsHere reports whether numbers that are offered at a location begin with
// a prefix.
func (x *step) beginsHere(prefix string, at *Location) bool {
	near := at != nil && at.NumberPrefix != "" && strings.HasPrefix(prefix, at.NumberPrefix)
	return near && digitForm.MatchString(prefix[1:]) && len(prefix) <= 12 || countries[x.t.Country].begins(prefix)
}

func (x *step) newNumber(choice pbx.NumberChoice, at *Location) chosen {
	if x.t.Country == "GB" {
		x.refuse(rule.NUM6, pbx.ErrDenied, "Number")
		return chosen{}
	}
	if !x.criteria(choice, at) {
		return chosen{}
	}
	p, e := x.t.Policy, choice.Number
	c := chosen{charges: []charge{{"NUMBER", "Telephone number", 1, p.NumberMonthly, p.NumberOneTime}}}
	if choice.Keep {
		c.keep = choice.Prefix
	}
	if e == "" {
		c.number = x.wanted(choice.Prefix, at)
		return c
	}
	c.number = x.Number(e)
	near := slices.ContainsFunc(x.areas(at), func(area string) bool { return strings.HasPrefix(string(e), area) })
	if c.number == nil || !x.onOffer(c.number) || !near {
		x.refuse(rule.NUM4, pbx.ErrNotFound, "Number")
	}
	return c
}

func (x *step) existing(e pbx.E164, at *Location) chosen {
	n := x.Number(e)
	switch {
	case n == nil || n.Tenant != x.t.ID:
		x.refuse(rule.NUM2, pbx.ErrNotFound, "Number")
	case n.State == pbx.NumberAvailable:
		return chosen{number: n}
	case n.State == pbx.NumberAssigned:
		x.refuse(rule.NUM2, pbx.ErrConflict, "Number")
	case n.Waiting != "":
		x.refuse(rule.NUM3, pbx.ErrConflict, "Number")
	default:
		if temporary := x.proposed(x.areas(at)...); temporary != nil {
			return chosen{number: temporary, waiting: n}
		}
		x.refuse(rule.NUM3, pbx.ErrExhausted, "Number")
	}
	return chosen{}
}

// onOffer reports whether anybody can have a number now.
func (x *step) onOffer(n *Number) bool {
	return n.State == pbx.NumberStock || n.State == pbx.NumberResting && !n.FreeFrom.After(x.Now)
}

// areas are the prefixes of the numbers near a location, and of those of the
// country.
func (x *step) areas(at *Location) []string {
	national := "+" + countries[x.t.Country].calling
	if at == nil || at.NumberPrefix == "" {
		return []string{national}
	}
	return []string{at.NumberPrefix, national}
}

// wanted is a number that begins with a prefix. If none is given, it is one
// that meets the tenant's criteria or else, with a warning, one near the
// location or in the country.
func (x *step) wanted(prefix string, at *Location) *Number {
	kept := x.t.NumberCriteria
	areas := x.areas(at)
	if kept != "" {
		areas = append([]string{kept}, areas...)
	}
	if prefix != "" {
		areas = []string{prefix}
	}
	n := x.proposed(areas...)
	switch {
	case n == nil:
		x.refuse(rule.NUM4, pbx.ErrExhausted, "Number")
	case prefix == "" && !strings.HasPrefix(string(n.E164), kept):
		x.warn(rule.NUM5, n.ref(), kept)
	}
	return n
}

// proposed is the first number on offer in the first of the areas that has one;
// nil if there is none.
func (x *step) proposed(areas ...string) *Number {
	for _, area := range areas {
		if offers := x.offers(area); len(offers) > 0 {
			return offers[0]
		}
	}
	return nil
}

// offers are the numbers that anybody can have now: those in stock in their
// order, then the rested ones, the longest rested first.
func (x *step) offers(prefix string) []*Number {
	offers := all(x.Numbers, func(n *Number) bool { return x.onOffer(n) && strings.HasPrefix(string(n.E164), prefix) })
	if c := countries[x.t.Country]; prefix == "+"+c.calling { // no more is asked for
		offers = all(offers, func(n *Number) bool { return c.ordinary(n.E164) })
	}
	slices.SortStableFunc(offers, func(a, b *Number) int { return a.FreeFrom.Compare(b.FreeFrom) })
	return offers
}

// assign gives a service its number.
func (x *step) assign(c chosen, s *Service) {
	if c.number == nil {
		return
	}
	s.Number = c.number.E164
	if c.keep != "" && c.keep != x.t.NumberCriteria {
		x.t.NumberCriteria = c.keep
		x.did("tenant.number-criteria-kept", x.t.ref(), c.keep)
	}
	c.number.edit(func(n *Number) {
		n.Tenant, n.State, n.Service, n.FreeFrom = x.t.ID, pbx.NumberAssigned, s.ID, noTime
		if len(c.charges) > 0 {
			n.Monthly = c.charges[0].monthly
		}
		n.Billed = n.Billed || s.billed() && n.Monthly > 0
	})
	if c.waiting == nil {
		x.relate("number.assigned", c.number.ref(), s.ref(), "")
		return
	}
	c.number.TemporaryFor, c.number.Loan = c.waiting.E164, true
	c.waiting.edit(func(n *Number) { n.Waiting = s.ID })
	x.relate("number.assigned-temporarily", c.number.ref(), s.ref(), string(c.waiting.E164))
}

// release takes a service's number off it (NUM-3, NUM-10).
func (x *step) release(s *Service, what pbx.Disposal) {
	n := x.Number(s.Number)
	switch {
	case n == nil:
	case n.TemporaryFor != "":
		waiting := x.Number(n.TemporaryFor)
		x.giveBack(n)
		waiting.edit(func(n *Number) { n.Waiting = "" })
		x.relate("number.no-longer-awaited", waiting.ref(), s.ref(), "")
	case what == pbx.ReturnNumber || n.Loan:
		x.giveBack(n)
	default:
		n.edit(func(n *Number) { n.State, n.Service = pbx.NumberAvailable, "" })
		x.relate("number.released", n.ref(), s.ref(), "")
	}
}

// giveBack returns a number to the provider, where it rests (NUM-10).
func (x *step) giveBack(n *Number) {
	n.edit(func(n *Number) {
		n.Tenant, n.Service, n.TemporaryFor, n.Loan, n.Port, n.Monthly, n.Billed = Provider, "", "", false, "", 0, false
		n.State, n.FreeFrom = pbx.NumberResting, x.Now.Add(x.t.Policy.NumberRest)
		if x.t.Policy.NumberRest == 0 {
			n.State, n.FreeFrom = pbx.NumberStock, noTime
		}
	})
	x.did("number.returned", n.ref(), "")
}

// saved is what is no longer billed when a number is returned.
func (n *Number) saved() charge {
	if !n.Billed {
		return charge{}
	}
	return charge{"NUMBER", "Telephone number", -1, n.Monthly, 0}
}

// StockNumbers is the method of that name.
type StockNumbers struct{ Numbers []pbx.E164 }

func (o StockNumbers) do(x *step) { x.addNumbers(o.Numbers, pbx.NumberStock, "") }

// AddNumbers is the method of that name.
type AddNumbers struct{ Numbers []pbx.E164 }

func (o AddNumbers) do(x *step) { x.addNumbers(o.Numbers, pbx.NumberAvailable, "") }

func (x *step) addNumbers(list []pbx.E164, state pbx.NumberState, port Handle) {
	if x.unknown(list); len(x.bad) > 0 {
		return
	}
	for _, e := range list {
		n := &Number{E164: e, Tenant: x.t.ID, State: state, Port: port, CreatedAt: x.Now, changes: 1}
		x.Numbers = append(x.Numbers, n)
		x.did("number.added", n.ref(), string(state))
	}
	slices.SortFunc(x.Numbers, func(a, b *Number) int { return strings.Compare(string(a.E164), string(b.E164)) })
}

// unknown checks numbers that are new to the system (NUM-1).
func (x *step) unknown(list []pbx.E164) {
	if len(list) == 0 {
		x.invalid(rule.NUM1, "Numbers")
	}
	for i, e := range list {
		field := fmt.Sprintf("Numbers[%d]", i)
		if !e164(e) {
			x.invalid(rule.NUM1, field)
		}
		switch {
		case slices.Contains(list[:i], e):
			x.invalid(rule.NUM1, field)
		case x.Number(e) != nil:
			x.refuse(rule.NUM1, pbx.ErrConflict, field)
		}
	}
}

// ReturnNumber is the method of that name.
type ReturnNumber struct{ Number pbx.E164 }

func (o ReturnNumber) do(x *step) {
	n := x.Number(o.Number)
	switch {
	case n == nil || n.Tenant != x.t.ID:
		x.refuse(rule.NUM2, pbx.ErrNotFound, "Number")
	case n.State != pbx.NumberAvailable:
		x.refuse(rule.NUM10, pbx.ErrFailedPrecondition, "")
	default:
		saved := n.saved()
		x.giveBack(n)
		x.order("", "", x.Now, saved)
	}
}

// ChangeNumber is the method of that name.
type ChangeNumber struct {
	User, Service   Handle
	KeepCurrent     bool
	Number          pbx.NumberChoice
	Previous        pbx.Disposal
	UpdateExtension bool
	Extension       pbx.Extension
}

func (o ChangeNumber) do(x *step) {
	u := x.user(o.User)
	if u == nil {
		return
	}
	s := x.t.primary(u.ID)
	if o.Service != "" {
		if _, s, _ = x.both(o.User, o.Service); len(x.bad) > 0 {
			return
		}
	}
	if s == nil || s.Type == "" {
		x.refuse(rule.NUM7, pbx.ErrFailedPrecondition, "")
		return
	}
	if !x.editable(s) {
		return
	}
	at, near := x.t.location(s.Location), x.t.location(u.Location)
	if near == nil {
		near = at
	}
	had, c := x.Number(s.Number), chosen{}
	switch own := had != nil && !had.Loan; {
	case o.Previous == pbx.KeepNumber, o.Previous == pbx.ReturnNumber:
	case o.Previous != "", own && !o.KeepCurrent:
		x.invalid(rule.NUM10, "Previous")
	}
	switch none := o.Number == (pbx.NumberChoice{}); {
	case o.KeepCurrent && !none, !o.KeepCurrent && none && had == nil:
		x.invalid(rule.NUM8, "Number")
	case !o.KeepCurrent:
		c = x.choose(o.Number, near)
	case !o.UpdateExtension:
		x.invalid(rule.NUM8, "KeepCurrent")
	}
	e, sites := o.Extension, append(x.t.homesOf(s.ID), at)
	switch {
	case !o.UpdateExtension && e != "":
		x.invalid(rule.NUM9, "Extension")
	case o.UpdateExtension && e != "":
		x.takeDN("Extension", e, x.t.usersOf(s.ID), sites...)
	case o.UpdateExtension:
		e = x.fillIn("Extension", sites...)
	}
	if len(x.bad) > 0 {
		return
	}
	if !o.KeepCurrent {
		x.replaceNumber(u, s, o.Previous, had, c)
	}
	if o.UpdateExtension {
		x.moveDN(s, e)
	}
}

func (x *step) replaceNumber(u *User, s *Service, previous pbx.Disposal, had *Number, c chosen) {
	was, saved := s.Number, charge{}
	if had != nil && !had.Loan && previous == pbx.ReturnNumber {
		saved = had.saved()
	}
	x.release(s, previous)
	s.Number = ""
	x.assign(c, s)
	if s.Number == "" && first(x.t.Owners, func(o *Owner) bool { return o.Service == s.ID }) != nil {
		x.warn(rule.OWN3, s.ref(), "owners")
	}
	if s.billed() {
		x.order(u.ID, s.Location, x.Now, append(c.charges, saved)...)
	} else {
		x.order(u.ID, s.Location, x.Now, saved)
		x.order(u.ID, s.Location, noTime, c.charges...)
	}
	x.did("service.number-changed", s.ref(), string(was)+" "+string(s.Number))
}
