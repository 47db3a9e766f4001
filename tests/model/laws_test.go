package model_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/tests/model"
)

// situation is what happened before, what somebody then does, and what happens
// in between.
type situation struct {
	before, meanwhile []model.Command
	what              model.Together
}

// String returns what breaks a law.
func (s situation) String() string {
	line := func(list []model.Command) string {
		var lines []string
		for _, c := range list {
			lines = append(lines, "\n  "+c.String())
		}
		return strings.Join(lines, "")
	}
	return fmt.Sprintf("%s\n  what: %s%s", line(s.before), s.what, line(s.meanwhile))
}

// simpler are situations in which less happens.
func (s situation) simpler() (list []situation) {
	for i := range s.before {
		less := s
		less.before = slices.Delete(slices.Clone(s.before), i, i+1)
		list = append(list, less)
	}
	for i := range s.meanwhile {
		less := s
		less.meanwhile = slices.Delete(slices.Clone(s.meanwhile), i, i+1)
		list = append(list, less)
	}
	for _, c := range model.Simpler(model.Batch{Together: s.what}) {
		if b, ok := c.(model.Batch); ok {
			less := s
			less.what = b.Together
			list = append(list, less)
		}
	}
	return list
}

// inSituations begins in the model's world.
func inSituations(start *model.State) gopter.Gen {
	return func(p *gopter.GenParameters) *gopter.GenResult {
		d := draw{Rand: p.Rng, s: start, said: newOutcomes()}
		some := func(n int) (list []model.Command) {
			for range n {
				c := d.any()
				d.s = c.Next(d.s)
				list = append(list, c)
			}
			return list
		}
		s := situation{before: some(d.Intn(8))}
		s.what = d.together(oneOf(d, d.tenants()...), d.s.N+1)
		n := d.s.N + 10
		if d.one(2) { // somebody else does the same
			again := model.Call{N: n, As: s.what.As, In: s.what.In, Op: s.what.Parts[0].Op}
			for _, c := range confirming(model.Together{Parts: []model.Call{again}}).Parts {
				s.meanwhile = append(s.meanwhile, c)
			}
		}
		d.s = &model.State{Now: d.s.Now, Tenants: d.s.Tenants, Numbers: d.s.Numbers, Reviews: d.s.Reviews, N: n}
		s.meanwhile = append(s.meanwhile, some(d.Intn(3))...)
		return gopter.NewGenResult(s, func(v any) gopter.Shrink {
			list := v.(situation).simpler()
			return func() (any, bool) {
				if len(list) == 0 {
					return nil, false
				}
				next := list[0]
				list = list[1:]
				return next, true
			}
		})
	}
}

// law is something that is true in every situation; it says how it is broken,
// or "". world brings a copy of the model's world to where the situation
// begins.
type law func(s situation, world func() *played) string

// obeyed checks a law in many situations.
func obeyed(t *testing.T, situations int, holds law) {
	testbed.NotShort(t)
	t.Parallel()
	situations = testbed.Size(situations/5, situations)
	world, start := preparedModel(t, newOutcomes())
	parameters := gopter.DefaultTestParametersWithSeed(max(*modelSeed, 1))
	parameters.MinSuccessfulTests, parameters.MaxShrinkCount, parameters.Workers = situations, 2000, 1
	properties := gopter.NewProperties(parameters)
	properties.Property(t.Name(), prop.ForAll(func(s situation) string {
		return holds(s, func() *played {
			p := world.on(t, "memory", memory.New())
			for _, c := range s.before {
				p.run(c)
			}
			return p
		})
	}, inSituations(start)))
	properties.TestingRun(t)
}

// shows is what there is and what was journalled, by handles.
func (p *played) shows(t testing.TB) (lines, journal []string) {
	records, err := p.look()
	require.NoError(t, err)
	p.raw = encode(nil, records)
	return p.lines(records)
}

// unchanged reads a world, and returns a function that says later how it has
// changed, or "".
func (p *played) unchanged(t testing.TB) func() string {
	p.shows(t) // and with it the journal so far
	before, _ := p.shows(t)
	raw := p.raw
	return func() string {
		if after, journal := p.shows(t); !bytes.Equal(raw, p.raw) {
			return compare(before, after) + compare(nil, journal)
		}
		return ""
	}
}

// differ says how two worlds that began alike differ.
func differ(t testing.TB, a, b *played, unlike *regexp.Regexp) string {
	linesA, journalA := a.shows(t)
	linesB, journalB := b.shows(t)
	plain := func(list []string) []string {
		for i := range list {
			list[i] = unlike.ReplaceAllString(list[i], "")
		}
		slices.Sort(list)
		return list
	}
	return compare(plain(linesA), plain(linesB)) + compare(plain(journalA), plain(journalB))
}

var nothing = regexp.MustCompile(`^\b$`)

// confirming are the operations with every confirmation given, and without those
// that no batch accepts.
func confirming(w model.Together) model.Together {
	var parts []model.Call
	for _, c := range w.Parts {
		if _, ok := c.Op.(model.CheckPIN); !ok {
			c.Confirm = []rule.Code{rule.USR9, rule.USR10, rule.SVC5, rule.SVC9, rule.SVC10, rule.STN3}
			parts = append(parts, c)
		}
	}
	w.Parts = parts
	return w
}

func TestLaw_ToReviewAndThenCommitIsToDoIt(t *testing.T) {
	obeyed(t, 200, func(s situation, world func() *played) string {
		done, later := world(), world()
		changed := later.unchanged(t)
		done.shows(t)
		direct := done.run(model.Batch{Together: confirming(s.what)})
		review := later.run(model.MakeReview{N: 999, Together: confirming(s.what)})
		if diff := compare(spoken(direct), spoken(model.Outcome{Refused: review.Refused, Parts: review.Parts})); diff != "" {
			return "the refusals differ:" + diff
		}
		if diff := changed(); diff != "" {
			return "a review alone changed something:" + diff
		}
		if out := later.run(model.Commit{Review: 999}); len(out.Refused) > 0 {
			return fmt.Sprint("the commit was refused: ", out.Refused)
		}
		return differ(t, done, later, nothing)
	})
}

// commits are the marks of how many there were.
var commits = regexp.MustCompile(` rev=\d+|^(\S+) \d+ `)

func TestLaw_ABatchIsItsOperationsOneByOneOrNothing(t *testing.T) {
	obeyed(t, 200, func(s situation, world func() *played) string {
		together, apart := world(), world()
		changed := together.unchanged(t)
		what := confirming(s.what)
		out := together.run(model.Batch{Together: what})
		if len(out.Refused) > 0 {
			return changed()
		}
		apart.shows(t)
		for _, c := range what.Parts {
			c.As, c.In = what.As, what.In
			apart.run(c)
		}
		return differ(t, together, apart, commits)
	})
}

func TestLaw_ACommitAfterOthersChangesDoesWhatWasReviewedOrIsRefusedWithAFreshReview(t *testing.T) {
	outcomes := map[string]int{}
	obeyed(t, 300, func(s situation, world func() *played) string {
		p := world()
		what := confirming(s.what)
		if out := p.run(model.MakeReview{N: 999, Together: what}); len(out.Refused) > 0 {
			return ""
		}
		review := p.reviews[999]
		for _, c := range s.meanwhile {
			p.run(c)
		}
		changed := p.unchanged(t)
		err := review.Commit(p.ctx)
		if err == nil {
			outcomes["done"]++
			return p.didAs(t, review)
		}
		if diff := changed(); diff != "" || !errors.Is(err, pbx.ErrStale) {
			return fmt.Sprint("refused with ", err, ":", diff)
		}
		stale, ok := errors.AsType[*pbx.StaleReview](err)
		if !ok {
			outcomes["no longer possible"]++
			return ""
		}
		outcomes["stale"]++
		if err := stale.Fresh.Commit(p.ctx); err != nil {
			return fmt.Sprint("the fresh review was refused: ", err)
		}
		return p.didAs(t, stale.Fresh)
	})
	t.Log(outcomes)
	require.Positive(t, outcomes["done"])
	require.Positive(t, outcomes["stale"]+outcomes["no longer possible"])
}

// didAs says how what was journalled differs from what a review showed.
func (p *played) didAs(t testing.TB, r *pbx.Review) string {
	_, journal := p.shows(t)
	var shown []string
	for _, e := range p.effects(r) {
		shown = append(shown, e.String())
		if e.Type == "tenant.created" { // it begins the new tenant's journal too
			shown = append(shown, e.String())
		}
	}
	for i, line := range journal {
		_, line, _ = strings.Cut(line, " ")
		_, line, _ = strings.Cut(line, " ")
		journal[i] = line[:strings.LastIndex(line, " by ")]
	}
	slices.Sort(shown)
	slices.Sort(journal)
	return compare(shown, journal)
}

func TestLaw_WhatIsRefusedChangesNothing(t *testing.T) {
	denied := 0
	obeyed(t, 80, func(s situation, world func() *played) string {
		p := world()
		for _, c := range s.what.Parts {
			if _, counts := c.Op.(model.CheckPIN); counts { // a wrong PIN is counted
				continue
			}
			for _, as := range []model.Actor{s.what.As, {}, {Role: pbx.RoleOwner, Name: "kim", Home: "us"}, {Role: pbx.RoleAdministrator, Name: "eve", Home: "ca"}} {
				changed := p.unchanged(t)
				c.As, c.In = as, s.what.In
				if out := p.run(c); len(out.Refused) == 0 {
					continue
				}
				denied++
				if diff := changed(); diff != "" {
					return fmt.Sprint(c, ":", diff)
				}
			}
		}
		return ""
	})
	require.Positive(t, denied)
}

// A MAC is the same whatever its notation, and an ID and a number come back from
// the text that is made of them.
func TestLaw_WhatIsWrittenIsReadAgain(t *testing.T) {
	properties := gopter.NewProperties(gopter.DefaultTestParametersWithSeed(max(*modelSeed, 1)))
	properties.Property("MACs", prop.ForAll(func(octets []uint8, upper bool) string {
		octets[0] &^= 1 // a device's own
		octets[5] |= 1
		hex := fmt.Sprintf("%x", octets)
		want := fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2], octets[3], octets[4], octets[5])
		for _, form := range []string{want, strings.ReplaceAll(want, ":", "-"), hex, hex[:4] + "." + hex[4:8] + "." + hex[8:]} {
			if upper {
				form = strings.ToUpper(form)
			}
			if mac, err := pbx.ParseMAC(form); err != nil || string(mac) != want {
				return fmt.Sprint(form, " is read as ", mac, " ", err)
			}
		}
		return ""
	}, gen.SliceOfN(6, gen.UInt8()), gen.Bool()))
	properties.Property("IDs", prop.ForAll(func(b []uint8) string {
		id := pbx.UserID(b)
		back, err := pbx.ParseID[pbx.User](id.String())
		upper, errToo := pbx.ParseID[pbx.User](strings.ToUpper(id.String()))
		if err != nil || errToo != nil || back != id || upper != id {
			return fmt.Sprint(id, " ", back, " ", upper)
		}
		return ""
	}, gen.SliceOfN(16, gen.UInt8())))
	properties.Property("numbers", prop.ForAll(func(region string, digits string) string {
		e164, ok := numplan.National(region, digits)
		if !ok {
			return ""
		}
		plan, _ := numplan.For(region)
		code, national, ok := numplan.Split(e164)
		again, okToo := numplan.National(region, national)
		if !ok || code != plan.CallingCode || !strings.HasSuffix(digits, national) || okToo && again != e164 {
			return fmt.Sprint(digits, " is ", e164, ", which is ", code, " ", national, ", and back ", again)
		}
		return ""
	}, gen.OneConstOf("US", "CA", "GB", "DE", "FR", "IT", "AU"), gen.RegexMatch(`0?[1-9][0-9]{6,10}`)))
	properties.TestingRun(t)
}
