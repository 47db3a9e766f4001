package model

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// Review is a review that was made and can be committed.
type Review struct {
	N      int // of the command that made it
	in     Handle
	what   Together
	before *State
	after  *State
	sum    *step // of everything that the operations said
	done   bool
}

// Together is several operations of one actor in one tenant. Strict: the first
// refusal ends it.
type Together struct {
	As     Actor
	In     Handle
	Parts  []Call
	Strict bool
}

// parts runs the operations one after another, each on the result of those
// before it, and sums up what they said.
func (w Together) parts(s *State, in Handle, reviewing bool) (sum *step, after *State, outs []Outcome) {
	sum, after = &step{}, s
	for _, c := range w.Parts {
		c.As = w.As
		var x *step
		x, after = after.run(c, in, reviewing, true)
		outs = append(outs, x.outcome(c.Op))
		if len(x.bad) > 0 {
			if w.Strict {
				sum.bad = x.bad
				return sum, s, outs
			}
			continue
		}
		sum.warnings, sum.asked = append(sum.warnings, x.warnings...), append(sum.asked, x.asked...)
		sum.effects, sum.orders = append(sum.effects, x.effects...), append(sum.orders, x.orders...)
	}
	return sum, after, outs
}

// last is the number of the last of the parts.
func (w Together) last() int {
	n := 0
	for _, c := range w.Parts {
		n = max(n, c.N)
	}
	return n
}

// enter checks whether the whole is allowed, and refuses it if not.
func (w Together) enter(s *State, op string) (*step, bool) {
	x := &step{State: s, in: w.As.scope(w.In), actor: w.As}
	if !x.enter(op) {
		return x, false
	}
	if x.Tenant(x.in) == nil {
		x.missing("")
		return x, false
	}
	return x, true
}

// Batch is the method of that name; Drop ends its function with an error.
type Batch struct {
	Together
	Drop bool
}

// Next is the state after it.
func (b Batch) Next(s *State) *State {
	unchanged := *s
	unchanged.N = max(s.N, b.last())
	x, ok := b.enter(s, "Batch")
	if !ok {
		unchanged.Last = Outcome{Op: "Batch", Refused: x.bad}
		return &unchanged
	}
	sum, after, outs := b.parts(s, x.in, false)
	out := Outcome{Op: "Batch", Refused: sum.bad, Parts: outs}
	if len(sum.bad) > 0 || b.Drop {
		unchanged.Last = out
		return &unchanged
	}
	after = after.clone(x.in)
	after.N = unchanged.N
	out.Journal = after.commit(x.in, b.As, sum.effects)
	after.Last = out
	return after
}

// MakeReview is the method Review, whose result can be committed.
type MakeReview struct {
	N int
	Together
}

// Next is the state after it.
func (r MakeReview) Next(s *State) *State {
	next := s.clone("")
	next.N = max(s.N, r.N, r.last())
	x, ok := r.enter(s, "Review")
	if !ok {
		next.Last = Outcome{Op: "Review", Refused: x.bad}
		return next
	}
	sum, after, outs := r.parts(s, x.in, true)
	out := Outcome{Op: "Review", Refused: sum.bad, Parts: outs}
	if len(sum.bad) == 0 {
		out.Warnings, out.Asked, out.Effects = sum.warnings, sum.asked, sum.effects
		for _, o := range sum.orders {
			out.Monthly, out.OneTime = out.Monthly+o.Monthly, out.OneTime+o.OneTime
		}
		next.Reviews = append(next.Reviews, &Review{N: r.N, in: x.in, what: r.Together, before: s, after: after, sum: sum})
	}
	next.Last = out
	return next
}

// Commit is the method of a Review, named by the number of the command that made
// it; without one nothing happens.
type Commit struct{ Review int }

// Next is the state after it.
func (c Commit) Next(s *State) *State {
	next := s.clone("")
	next.Last = Outcome{Op: "Commit of nothing"}
	r := first(next.Reviews, func(r *Review) bool { return r.N == c.Review })
	if r == nil || r.done {
		return next
	}
	stale := []Refusal{{rule.SYS2, pbx.ErrStale.Error(), ""}}
	next.Last.Op = "Commit as reviewed"
	after := r.asReviewed(next)
	if after == nil {
		next.Last.Op = "Commit, run again"
		sum, now, _ := r.what.parts(next, r.in, true)
		if len(sum.bad) > 0 || !r.same(sum, next, now) {
			next.Last.Refused = stale
			return next
		}
		after = now.clone(r.in)
	}
	first(after.Reviews, func(r *Review) bool { return r.N == c.Review }).done = true
	after.Last = Outcome{Op: next.Last.Op, Journal: after.commit(r.in, r.what.As, r.sum.effects)}
	return after
}

// asReviewed does what was reviewed to the present state, if nothing in the
// tenant has changed on that day, nor what the plan needs elsewhere; else it is
// nil.
func (r *Review) asReviewed(now *State) *State {
	was := r.before.Tenant(r.in)
	if now.Tenant(r.in).Rev != was.Rev || now.Now.Format(time.DateOnly) != r.before.Now.Format(time.DateOnly) {
		return nil
	}
	next := now.clone("")
	for i, t := range next.Tenants {
		if t.ID == r.in {
			next.Tenants[i] = r.after.Tenant(r.in).clone()
		}
	}
	for _, t := range r.after.Tenants {
		if r.before.Tenant(t.ID) == nil {
			next.Tenants = append(next.Tenants, t.clone())
		}
	}
	for _, o := range next.Tenant(r.in).Orders {
		if first(was.Orders, func(other *Order) bool { return other.ID == o.ID }) == nil {
			o.PlacedAt = now.Now
		}
	}
	if !r.numbers(next) || next.twice() {
		return nil
	}
	return next
}

// numbers does to the numbers what was reviewed, and reports whether they are as
// they were then.
func (r *Review) numbers(next *State) bool {
	for _, e := range numbersOf(r.before, r.after) {
		was, now, is := r.before.Number(e), r.after.Number(e), next.Number(e)
		if was != nil && now != nil && *was == *now {
			continue
		}
		if (is == nil) != (was == nil) || is != nil && *is != *was {
			return false
		}
		next.Numbers = without(next.Numbers, func(n *Number) bool { return n.E164 == e })
		if now != nil {
			row := *now
			next.Numbers = append(next.Numbers, &row)
		}
	}
	slices.SortFunc(next.Numbers, func(a, b *Number) int { return strings.Compare(string(a.E164), string(b.E164)) })
	return true
}

func numbersOf(states ...*State) []pbx.E164 {
	all := map[pbx.E164]bool{}
	for _, s := range states {
		for _, n := range s.Numbers {
			all[n.E164] = true
		}
	}
	return slices.Collect(maps.Keys(all))
}

// twice reports whether anything that must be unique everywhere exists twice.
func (s *State) twice() bool {
	seen := map[string]bool{}
	twice := false
	claim := func(what string) {
		twice = twice || seen[what]
		seen[what] = true
	}
	for _, t := range s.Tenants {
		for _, u := range t.Users {
			claim(strings.ToLower(u.Login))
		}
		for _, d := range t.Devices {
			claim(string(d.MAC))
		}
	}
	return twice
}

// same reports whether the operations do now what they did in the review.
func (r *Review) same(sum *step, before, after *State) bool {
	return slices.Equal(r.sum.warnings, sum.warnings) && slices.Equal(r.sum.asked, sum.asked) &&
		slices.EqualFunc(r.sum.effects, sum.effects, sameEffect) && sameChanges(changes(r.before, r.after), changes(before, after))
}

func sameEffect(a, b Event) bool { return a.String() == b.String() && a.name == b.name }

// change is a record before and after, by its columns.
type change struct{ was, now map[string]string }

func (c change) isNone() bool { return maps.Equal(c.was, c.now) }

// changes are what happened to every record between two states. Tenants that
// existed before are not among them.
func changes(before, after *State) map[string]change {
	all := map[string]change{}
	was, now := before.table(before), after.table(before)
	for _, table := range []map[string]map[string]string{was, now} {
		for key := range table {
			all[key] = change{was[key], now[key]}
		}
	}
	return all
}

// table is every record by its key, as far as it has to be the same. An order is
// identified by its place after those that existed before, because its number may
// differ.
func (s *State) table(before *State) map[string]map[string]string {
	table := map[string]map[string]string{}
	for _, t := range s.Tenants {
		was := before.Tenant(t.ID)
		for _, row := range s.rows(t) {
			if was != nil && strings.HasSuffix(row.Table, " tenants") {
				continue
			}
			key, columns := row.Table+row.Key, map[string]string{}
			for _, c := range row.Columns {
				if was != nil && (strings.HasSuffix(row.Table, " orders") && c.Name == "id" || c.Name == "order_id") {
					n, _ := strconv.ParseInt(c.Value[1:], 10, 64)
					next := fmt.Sprint("o+", n-was.LastOrder)
					key, c.Value = strings.Replace(key, c.Value, next, 1), next
				}
				if value := seen(key, c.Name, c.Value); value != "" {
					columns[c.Name] = value
				}
			}
			table[key] = columns
		}
	}
	return table
}

// sameChanges reports whether the same was done to the same records. One that
// has the new values already, because somebody else gave them to it, is changed to
// them too.
func sameChanges(a, b map[string]change) bool {
	for _, changed := range []map[string]change{a, b} {
		for key, c := range changed {
			if c.isNone() {
				continue
			}
			x, y := a[key], b[key]
			if (x.was == nil) != (y.was == nil) || (x.now == nil) != (y.now == nil) || !sameChange(x, y) {
				return false
			}
		}
	}
	return true
}

func sameChange(x, y change) bool {
	if x.now == nil {
		x.now, y.now, x.was, y.was = x.was, y.was, nil, nil
	}
	names := map[string]bool{}
	for _, columns := range []map[string]string{x.was, x.now, y.was, y.now} {
		for name := range columns {
			names[name] = true
		}
	}
	for name := range names {
		if x.was[name] == x.now[name] && y.was[name] == y.now[name] {
			continue // neither changes it
		}
		if x.now[name] != y.now[name] {
			return false
		}
	}
	return true
}

// seen is a value as far as it has to be the same: times of day, the counters of
// pools and the numbers of orders may differ.
func seen(key, name, value string) string {
	switch {
	case strings.Contains(key, " station_pools ") && name == "used",
		strings.Contains(key, " orders ") && name == "number":
		return ""
	case name == "billing_from" && value != "":
		return value[:len(time.DateOnly)]
	case (strings.HasSuffix(name, "_at") || name == "at" || name == "free_from" || name == "locked_until" || name == "date" || name == "since") && value != "":
		return "some time"
	}
	return fmt.Sprint(value)
}
