package rules_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/memory"
)

// ghosts makes copies of records with everything in them that names a record
// replaced by something of the same form that never was.
type ghosts struct {
	made  map[string]string // what was replaced, by what
	count int
}

func (g *ghosts) text(of, form string) string {
	if of == "" {
		return ""
	}
	if g.made[of] == "" {
		g.count++
		g.made[of] = fmt.Sprintf(form, g.count)
	}
	return g.made[of]
}

// of returns the copy of a value.
func (g *ghosts) of(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	switch t := v.Type(); {
	case strings.HasPrefix(t.Name(), "ID[") && !v.IsZero():
		g.count++
		reflect.Copy(c, reflect.ValueOf([16]byte{0: 1, 6: 0x70, 8: 0x80, 14: byte(g.count >> 8), 15: byte(g.count)}))
	case t == reflect.TypeFor[pbx.E164]():
		c.SetString(g.text(v.String(), "+1212555%04d"))
	case t == reflect.TypeFor[pbx.SIPAddress]():
		c.SetString(g.text(v.String(), "ghost%d@acme.example.com"))
	case t == reflect.TypeFor[pbx.MAC]():
		c.SetString(g.text(v.String(), "00:1b:54:ff:%02d:00"))
	case t.Kind() == reflect.Pointer && !v.IsNil():
		c.Set(reflect.New(t.Elem()))
		c.Elem().Set(g.of(v.Elem()))
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			switch {
			case f.Name == "Login":
				c.Field(i).SetString(g.text(v.Field(i).String(), "ghost%d@marker.example"))
			case f.IsExported() && f.Type.PkgPath() != "time":
				c.Field(i).Set(g.of(v.Field(i)))
			}
		}
	}
	return c
}

// plain is a text without what the ghosts replaced, and without IDs.
func (g *ghosts) plain(text string) string {
	var pairs []string
	for of, by := range g.made {
		pairs = append(pairs, of, "IT", by, "IT")
		if strings.HasPrefix(of, "+1") {
			pairs = append(pairs, of[2:], "IT", by[2:], "IT")
		}
	}
	return anyID.ReplaceAllString(strings.NewReplacer(pairs...).Replace(text), "ID")
}

// withoutOthers are the calls of the tables that name no record of the tenant, or list
// what belongs to one: an administrator or support of another tenant does in their own
// what they would do in this one. Every other call is refused to them.
var withoutOthers = strings.Fields(`ActivateService AddDevice AddLocation AddNumbers AddServiceType AddStationPool Aliases AssociationChoices CreateGroup
	CreateUser DeviceLines Devices ExportUsers Extensions ForeignServices Groups Journal JournalHead Keys Locations Members ModifyServiceType ModifyStationPool ModifyTenant
	Numbers Order Orders PortRequests RequestPort ServiceTypes Services StationPools Tenant Users`)

// strangers are those who act for another tenant, and where they try to.
var strangers = map[string]func(r *testbed.Replica) *pbx.Directory{
	"administrator":               func(r *testbed.Replica) *pbx.Directory { return r.British },
	"administrator in the tenant": func(r *testbed.Replica) *pbx.Directory { return r.British.In(r.US.ID) },
	"owner":                       func(r *testbed.Replica) *pbx.Directory { return r.Support.As(pbx.LineOwner("kate", r.UK.ID)) },
	"owner in the tenant": func(r *testbed.Replica) *pbx.Directory {
		return r.Support.As(pbx.LineOwner("kate", r.UK.ID)).In(r.US.ID)
	},
	"support": func(r *testbed.Replica) *pbx.Directory { return r.Support.In(r.UK.ID) },
}

// stranger asks for the same things in two worlds: in one for the tenant's records, in the
// other for those that never were.
type stranger struct {
	who          string
	as           func(r *testbed.Replica) *pbx.Directory
	g            *ghosts
	theirs, none *testbed.Replica
	own          []string // the tenant's records
}

// answer is what they are told, and what is in the store afterwards.
func (s *stranger) answer(op testbed.Operation, r *testbed.Replica, x *testbed.All) (told, state string, err error) {
	err, panicked := testbed.Attempt(func() error { return op.Call(r.Ctx, s.as(r), x) })
	require.False(r.T, panicked, op.Method)
	var to strings.Builder
	tellError(&to, err)
	return s.g.plain(to.String() + r.Said(err)), r.State(), err
}

// ask makes one call in both worlds, and reports whether it went through.
func (s *stranger) ask(op testbed.Operation, x, ghost *testbed.All) (done bool) {
	t, about := s.theirs.T, op.Method+" by "+s.who
	told, state, err := s.answer(op, s.theirs, x)
	never, after, _ := s.answer(op, s.none, ghost)
	require.Equal(t, never, told, about)
	require.True(t, after == state, "%s: %s", about, cmp.Diff(after, state))
	require.True(t, slices.Equal(s.own, ownOf(s.theirs, state)), about)
	return err == nil
}

// ownOf are the lines of a state that are of the US tenant's records.
func ownOf(r *testbed.Replica, state string) (lines []string) {
	for line := range strings.SplitSeq(state, "\n") {
		if strings.Contains(line, "tenant_id="+r.US.ID.String()) {
			lines = append(lines, line)
		}
	}
	return lines
}

// Every call of every method, in each role that somebody of another tenant can have:
// what is told of a record, and done, is what is told and done of one that never was,
// and the tenant's own records stay as they are.
func TestACC1_EveryMethodIsAnsweredToAnotherTenantAsIfTheRecordNeverWas(t *testing.T) {
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	g := &ghosts{made: map[string]string{}}
	ghost := g.of(reflect.ValueOf(o.X)).Interface().(*testbed.All)
	require.Greater(t, len(g.made), 15)
	methods, allowed := map[string]bool{}, map[string]bool{}
	answers := 0
	for who, as := range strangers {
		s := stranger{who: who, as: as, g: g}
		for _, op := range slices.Concat(testbed.Operations, testbed.Readings) {
			if s.theirs == nil {
				s.theirs, s.none = o.InMemory(t), o.InMemory(t)
				s.own = ownOf(s.theirs, s.theirs.State())
				require.Greater(t, len(s.own), 100)
			}
			if s.ask(op, o.X, ghost) {
				require.NotContains(t, who, "in the tenant", op.Method)
				allowed[op.Method], s.theirs = true, nil
			}
			methods[op.Method] = true
			answers++
		}
	}
	require.Equal(t, withoutOthers, slices.Sorted(maps.Keys(allowed)), "these are not refused")
	for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
		if !slices.Contains(unprobed, m.Name) {
			require.Contains(t, methods, m.Name, "a method is missing in testbed.Operations and in testbed.Readings")
		}
	}
	t.Logf("figure: %d answers of %d methods to %d kinds of actors of another tenant, each as of records that never were",
		answers, len(methods), len(strangers))
}
