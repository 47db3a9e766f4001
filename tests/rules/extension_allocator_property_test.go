package rules_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/memory"
)

// dialPlan is a naive dial plan: it searches the whole range each time.
type dialPlan struct {
	first, last pbx.Extension
	taken       map[pbx.Extension]bool
}

// all lists the range, upwards.
func (p *dialPlan) all() []pbx.Extension {
	var list []pbx.Extension
	from, _ := strconv.Atoi(string(p.first))
	to, _ := strconv.Atoi(string(p.last))
	for n := from; n <= to; n++ {
		list = append(list, pbx.Extension(fmt.Sprintf("%0*d", len(p.first), n)))
	}
	return list
}

// lowest is the lowest extension that is free and does not conflict with an
// emergency number, or "".
func (p *dialPlan) lowest(emergency ...string) pbx.Extension {
	for _, e := range p.all() {
		meets := slices.ContainsFunc(emergency, func(n string) bool {
			return strings.HasPrefix(string(e), n) || strings.HasPrefix(n, string(e))
		})
		if !meets && !p.taken[e] {
			return e
		}
	}
	return ""
}

// fillings plays random steps, and compares the extension that is filled in
// with the naive plan's answer. Each number is a step: what it does, and to
// which extension.
type fillings struct {
	*world
	plan   dialPlan
	user   *pbx.User
	berlin *pbx.Location
}

func newFillings(t *testing.T, first, last pbx.Extension) *fillings {
	f := &fillings{world: newWorld(t, memory.New()), plan: dialPlan{first: first, last: last, taken: map[pbx.Extension]bool{}}}
	f.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionFirst, p.ExtensionLast, p.AdvisedExtension = first, last, "" })
	f.user = f.world.User("Ann", "Lee", "6666")
	f.berlin = f.Location(f.Dir, "BER-1", "DE", "+4930")
	return f
}

var errDropped = errors.New("dropped")

// step returns what is wrong, or "".
func (f *fillings) step(n uint16) string {
	all := f.plan.all()
	e := all[int(n/8)%len(all)]
	switch n % 8 {
	case 0, 1, 2:
		return f.fill(f.Dir, pbx.LocationID{}, "112", "911")
	case 3:
		return f.fill(f.Dir, f.berlin.ID, "112", "911", "110")
	case 4:
		if _, err := f.Dir.AddExtension(f.Ctx, f.user.ID, e); err == nil {
			f.plan.taken[e] = true
		}
	case 5: // longer ones lie between those of the range
		_, _ = f.Dir.AddExtension(f.Ctx, f.user.ID, e+"0")
	case 6:
		f.release(f.Dir, e)
	case 7: // what a batch does, and then takes back
		kept := f.plan.taken
		f.plan.taken = map[pbx.Extension]bool{}
		for e := range kept {
			f.plan.taken[e] = true
		}
		var wrong string
		err := f.Dir.Batch(f.Ctx, func(_ context.Context, dir *pbx.Directory) error {
			wrong = f.fill(dir, pbx.LocationID{}, "112", "911")
			f.release(dir, e)
			wrong += f.fill(dir, pbx.LocationID{}, "112", "911")
			return errDropped
		})
		if !errors.Is(err, errDropped) {
			wrong += err.Error()
		}
		f.plan.taken = kept
		return wrong
	}
	return ""
}

func (f *fillings) fill(dir *pbx.Directory, at pbx.LocationID, emergency ...string) string {
	want := f.plan.lowest(emergency...)
	s, err := dir.AddService(f.Ctx, pbx.NewService{Type: "FREE", DeviceType: "SIP softphone", LocationID: at})
	switch {
	case want == "" && pbx.CodeOf(err) == rule.EXT5:
		return ""
	case err != nil:
		return fmt.Sprintf("wanted %q, got %v; ", want, err)
	case s.DN != want:
		return fmt.Sprintf("wanted %q, got %q; ", want, s.DN)
	}
	f.plan.taken[want] = true
	return ""
}

func (f *fillings) release(dir *pbx.Directory, e pbx.Extension) {
	target, err := dir.Lookup(f.Ctx, e)
	if err != nil {
		return
	}
	if target.Entry.ServiceID.IsZero() {
		err = dir.RemoveExtension(f.Ctx, e)
	} else {
		err = dir.DeleteService(f.Ctx, target.Entry.ServiceID)
	}
	if err == nil {
		delete(f.plan.taken, e)
	}
}

func TestEXT5_WhatFillsItselfInIsWhatANaiveSearchFinds(t *testing.T) {
	testbed.NotShort(t)
	const seed = 20260302
	for _, r := range [][2]pbx.Extension{{"7000", "7006"}, {"9100", "9130"}, {"9107", "9121"}, {"89", "99"}, {"109", "119"}, {"00", "12"}, {"1097", "1112"}, {"98", "99"}} {
		t.Run(string(r[0]+"-"+r[1]), func(t *testing.T) {
			parameters := gopter.DefaultTestParametersWithSeed(seed)
			parameters.MinSuccessfulTests, parameters.Workers = testbed.Size(10, 60), 1
			parameters.MinSize, parameters.MaxSize = 5, 80
			properties := gopter.NewProperties(parameters)
			properties.Property("the lowest free one", prop.ForAll(func(steps []uint16) string {
				f := newFillings(t, r[0], r[1])
				for i, n := range steps {
					if wrong := f.step(n); wrong != "" {
						return fmt.Sprintf("step %d: %s", i, wrong)
					}
				}
				report, err := f.Support.Check(f.Ctx)
				if err != nil || len(report.Violations) > 0 {
					return fmt.Sprint(err, report.Violations)
				}
				return ""
			}, gen.SliceOf(gen.UInt16())))
			properties.TestingRun(t)
		})
	}
}
