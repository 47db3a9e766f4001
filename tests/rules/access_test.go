package rules_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// prober calls operations in the US tenant with IDs of that tenant, except one.
type prober struct {
	*world
	by           *pbx.Directory // who calls
	line         *pbx.Service
	own, foreign map[reflect.Type]reflect.Value // IDs, by their type
	input        map[reflect.Type]reflect.Value // what else is given, by its type
	slot         int                            // how many IDs were given
	target       int                            // which of them is another one
	other        map[reflect.Type]reflect.Value // that one
}

func values(list ...any) map[reflect.Type]reflect.Value {
	m := map[reflect.Type]reflect.Value{}
	for _, v := range list {
		m[reflect.TypeOf(v)] = reflect.ValueOf(v)
	}
	return m
}

// newProber fills both tenants: each has at least one record of every kind that
// has an ID.
func newProber(w *world) *prober {
	x := testbed.Everything(w.World)
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	brit := w.Support.In(w.UK.ID)
	service, err := brit.AddService(w.Ctx, pbx.NewService{UserID: x.Brit.ID, DN: "7100", DeviceType: "Cisco 8851"})
	ok(err)
	alias, err := brit.AddAlias(w.Ctx, pbx.NewAlias{UserID: x.Brit.ID, Name: "Help", Extension: "7101"})
	ok(err)
	group, err := brit.CreateGroup(w.Ctx, pbx.NewGroup{Name: "All", Extension: "7102"})
	ok(err)
	ok(brit.AddMember(w.Ctx, group.ID, pbx.UserMember(x.Brit.ID)))
	device, err := brit.AddDevice(w.Ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-99", Model: "Polycom VVX 450"})
	ok(err)
	_, err = brit.AssignDevice(w.Ctx, device.ID, x.Brit.ID, 1)
	ok(err)
	port, err := brit.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Bell", Date: w.Clock, Numbers: []pbx.E164{"+442079460090"}})
	ok(err)
	order := testbed.Collect(w.T, brit.Orders(w.Ctx, 1))[0]
	foreign, err := brit.AttachForeign(w.Ctx, service.ID, testbed.MiCollab("Client"))
	ok(err)
	w.attach(x.Shared.ID, testbed.MiCollab("Client"))

	ann, err := w.Dir.User(w.Ctx, x.Ann.ID)
	ok(err)
	box, err := w.Dir.Mailbox(w.Ctx, x.Line.ID)
	ok(err)
	us, err := w.Dir.Tenant(w.Ctx)
	ok(err)
	person := pbx.NewUser{FirstName: "Eve", Email: "eve@example.com", Extension: "7990"}
	return &prober{
		world: w, by: w.Support.In(w.US.ID), line: x.Line,
		own: values(w.US.ID, w.Boston.ID, x.Ann.ID, x.Shared.ID, x.Alias.ID, x.Group.ID, x.Phone.ID, x.Port.ID, x.Refused.ID,
			testbed.Collect(w.T, w.Dir.Orders(w.Ctx, 1))[0].ID, pbx.UserMember(x.Ann.ID)),
		foreign: values(w.UK.ID, w.London.ID, x.Brit.ID, service.ID, alias.ID, group.ID, device.ID, port.ID, order.ID, foreign.ID, pbx.UserMember(x.Brit.ID)),
		input: values(w.Ctx, ann, x.Line, w.Boston, x.Alias, box, us, pbx.UserOnly, pbx.Extension("7991"), "x", pbx.E164("+16175550150"),
			person, pbx.SetUp{NewUser: person, ServiceType: "PRO"}, pbx.NewService{DN: "7992", DeviceType: "Polycom VVX 450"},
			pbx.NewAlias{UserID: x.Ann.ID, Name: "Help"}, pbx.Successor{FirstName: "Ina", Email: "ina@example.com"}, pbx.NewDevice{MAC: "00-1B-54-00-00-98", Model: "Cisco 8851"}, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.KeepNumber}),
	}
}

// argument makes an argument of a type, and counts the IDs in it.
func (p *prober) argument(t reflect.Type) reflect.Value {
	if own, isID := p.own[t]; isID {
		p.slot++
		if p.slot-1 == p.target {
			return p.other[t]
		}
		return own
	}
	given, known := p.input[t]
	if t == reflect.TypeFor[context.Context]() {
		return reflect.ValueOf(p.Ctx)
	}
	switch t.Kind() {
	case reflect.Struct:
		v := reflect.New(t).Elem()
		if known {
			v.Set(given)
		}
		p.fill(v)
		return v
	case reflect.Pointer:
		v := reflect.New(t.Elem())
		if known {
			v.Elem().Set(given.Elem())
		}
		p.fill(v.Elem())
		return v
	case reflect.Func:
		return reflect.MakeFunc(t, func([]reflect.Value) []reflect.Value { return []reflect.Value{reflect.Zero(t.Out(0))} })
	}
	if known {
		return given
	}
	return reflect.Zero(t)
}

// fill puts another ID into a struct where it is the target. What is given
// otherwise stays: own IDs, or none.
func (p *prober) fill(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case !v.Type().Field(i).IsExported():
		case p.own[f.Type()].IsValid():
			if p.slot == p.target {
				f.Set(p.other[f.Type()])
			}
			p.slot++
		case f.Kind() == reflect.Struct:
			p.fill(f)
		}
	}
}

// outcome calls an operation in a review that is dropped, and returns
// everything that it answers.
func (p *prober) outcome(operation string, target int, other map[reflect.Type]reflect.Value) string {
	p.slot, p.target, p.other = 0, target, other
	var told strings.Builder
	review, err := p.by.Review(p.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
		m := reflect.ValueOf(dir).MethodByName(operation)
		var in []reflect.Value
		for i := range m.Type().NumIn() {
			if !m.Type().IsVariadic() || i < m.Type().NumIn()-1 {
				in = append(in, p.argument(m.Type().In(i)))
			}
		}
		for _, v := range m.Call(in) {
			tell(&told, v)
		}
		return nil
	})
	require.NoError(p.T, err)
	fmt.Fprintln(&told, review.Effects, review.Warnings, review.Confirmations, len(review.Orders))
	return anyID.ReplaceAllString(told.String(), "ID")
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func tell(to *strings.Builder, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Func:
		for rec, err := range v.Seq2() {
			tell(to, rec)
			tell(to, err)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			tell(to, v.Index(i))
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		fmt.Fprintf(to, "%+v\n", v.Elem())
	default:
		err, _ := v.Interface().(error)
		tellError(to, err)
		fmt.Fprintf(to, "%v\n", v)
	}
}

func tellError(to *strings.Builder, err error) {
	for _, e := range pbx.Errors(err) {
		fmt.Fprintf(to, "%s %v %q %+v %+v %q %v\n", e.Code, e.Kind, e.Field, e.Subject, e.Holder, e.Reason, e.Err)
	}
}

// untold are the IDs that an operation ignores: the tenant is the one that the
// Directory works in, whatever the record says; and a PIN is not checked in a
// review.
var untold = []string{
	"CheckPIN 0", "ModifyAlias 0", "ModifyLocation 0", "ModifyMailbox 0", "ModifyService 0", "ModifyUser 0", "ModifyServiceType 0", "ModifyStationPool 0",
}

// unprobed are the operations that do not work within a tenant, or not within a
// review.
var unprobed = []string{"As", "In", "Confirm", "Seen", "Stats", "Check", "CheckJournal", "Review", "Deliver", "Connect", "CreateTenant", "Tenants", "StockNumbers"}

// neverWas is an ID of each type that no record has.
func (p *prober) neverWas() map[reflect.Type]reflect.Value {
	never := map[reflect.Type]reflect.Value{}
	raw := [16]byte{0: 1, 6: 0x70, 8: 0x80, 15: 9}
	for typ := range p.foreign {
		if id := reflect.New(typ).Elem(); typ != reflect.TypeFor[pbx.MemberID]() {
			reflect.Copy(id, reflect.ValueOf(raw))
			never[typ] = id
		}
	}
	maps.Copy(never, values(pbx.UserMember(raw)))
	return never
}

func TestACC1_AnotherTenantsIDIsAnsweredAsOneThatNeverWas(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		p := newProber(w)
		never, probed := p.neverWas(), 0
		probe := func(operation string) {
			mine := p.outcome(operation, -1, nil)
			for slot := range p.slot {
				at := fmt.Sprint(operation, " ", slot)
				theirs, none := p.outcome(operation, slot, p.foreign), p.outcome(operation, slot, never)
				require.Equal(t, none, theirs, at)
				require.NotContains(t, theirs, "brit", at)
				if mine == none && !strings.Contains(none, pbx.ErrDenied.Error()) {
					require.Contains(t, untold, at, "does the operation look at it?\n%s", none)
				}
				probed++
			}
		}
		for _, by := range []*pbx.Directory{w.Dir, p.by} {
			p.by = by
			for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
				if !slices.Contains(unprobed, m.Name) {
					probe(m.Name)
				}
			}
		}
		require.Greater(t, probed, 120)
		t.Logf("figure: %d IDs in arguments of operations by support and an administrator: another tenant's answered as one that never was", probed)

		alias := func(ids map[reflect.Type]reflect.Value) pbx.MemberID {
			return pbx.AliasMember(ids[reflect.TypeFor[pbx.AliasID]()].Interface().(pbx.AliasID))
		}
		for _, ids := range []map[reflect.Type]reflect.Value{p.own, p.foreign, never} {
			maps.Copy(ids, values(alias(ids)))
		}
		group := p.own[reflect.TypeFor[pbx.GroupID]()].Interface().(pbx.GroupID)
		require.NoError(t, w.Dir.AddMember(w.Ctx, group, alias(p.own)))
		for _, operation := range []string{"AddMember", "RemoveMember", "SetDeviceLine"} {
			probe(operation)
		}

		service := reflect.TypeFor[pbx.ServiceID]()
		said := func(ids map[reflect.Type]reflect.Value) string {
			err := w.Dir.CheckPIN(w.Ctx, ids[service].Interface().(pbx.ServiceID), rightPIN)
			require.ErrorIs(t, err, pbx.ErrNotFound)
			var to strings.Builder
			tellError(&to, err)
			return anyID.ReplaceAllString(to.String(), "ID")
		}
		require.Equal(t, said(never), said(p.foreign), "which is not told within a review")
	})
}

// idsIn calls found for each type of an ID in a type, and says whether the prober
// comes to it.
func idsIn(t reflect.Type, reached bool, found func(id reflect.Type, reached bool)) {
	switch {
	case t == reflect.TypeFor[pbx.MemberID](), strings.HasPrefix(t.Name(), "ID["):
		found(t, reached)
	case t.Kind() == reflect.Struct && t.PkgPath() == reflect.TypeFor[pbx.User]().PkgPath():
		for f := range t.Fields() {
			if f.IsExported() {
				idsIn(f.Type, reached && f.Type.Kind() != reflect.Pointer, found)
			}
		}
	case t.Kind() == reflect.Pointer:
		idsIn(t.Elem(), reached, found)
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Array, t.Kind() == reflect.Map:
		idsIn(t.Elem(), false, found)
	}
}

func TestACC1_EveryIDThatAnOperationIsGivenIsProbed(t *testing.T) {
	p := newProber(newWorld(t, testbed.Stores["memory"](t)))
	count := 0
	for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
		for i := 1; i < m.Type.NumIn(); i++ {
			idsIn(m.Type.In(i), true, func(id reflect.Type, reached bool) {
				count++
				about := fmt.Sprintf("%s takes a %s", m.Name, id)
				require.True(t, reached, "%s in a list, or behind a pointer", about)
				require.Contains(t, p.own, id, about)
				require.Contains(t, p.foreign, id, about)
				if slices.Contains(unprobed, m.Name) {
					require.Contains(t, []string{"As", "In"}, m.Name, "%s: whoever leaves his tenant is refused by a test of its own", about)
				}
			})
		}
	}
	require.Greater(t, count, 60)
}

func TestACC1_AnotherTenantsNumbersAndCodesAreAnsweredAsThoseThatNeverWere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line := string(newProber(w).line.Number)[2:]
		inside := w.Support.In(w.US.ID)
		user := w.User("Una", "Own", "7801")
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: user.ID, DN: "7802", DeviceType: "Cisco 8851", Type: "FREE"})
		require.NoError(t, err)
		brit := w.Support.In(w.UK.ID)
		_, err = brit.AddNumbers(w.Ctx, "+16175550160", "+16175550161")
		require.NoError(t, err)
		_, err = brit.AddService(w.Ctx, pbx.NewService{DN: "7803", DeviceType: "Cisco 8851", Number: pbx.ExistingNumber("+16175550161")})
		require.NoError(t, err)
		_, err = brit.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "GOLD", Name: "Gold"})
		require.NoError(t, err)
		_, err = brit.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "GOLD", Name: "Gold", Total: 9})
		require.NoError(t, err)
		brits, err := w.British.UserByLogin(w.Ctx, "zanzibar@marker.example.co.uk")
		require.NoError(t, err)
		change := func(choice pbx.NumberChoice) error {
			_, err := w.Dir.ChangeNumber(w.Ctx, user.ID, pbx.NumberChange{Number: choice, Previous: pbx.KeepNumber})
			return err
		}
		list := func(n int) error { return fmt.Errorf("%d found", n) }
		for what, c := range map[string]struct {
			theirs []string
			never  string
			try    func(string) error
		}{
			"a number":         {[]string{"+16175550160", "+16175550161"}, "+16175550169", func(v string) error { _, err := inside.Number(w.Ctx, pbx.E164(v)); return err }},
			"a number to have": {[]string{"+16175550160", "+16175550161"}, "+16175550169", func(v string) error { return change(pbx.ExistingNumber(pbx.E164(v))) }},
			"a new number":     {[]string{"+16175550160", "+16175550161"}, "+16175550169", func(v string) error { return change(pbx.OfferedNumber(pbx.E164(v))) }},
			"a number to go":   {[]string{"+16175550160", "+16175550161"}, "+16175550169", func(v string) error { return w.Dir.ReturnNumber(w.Ctx, pbx.E164(v)) }},
			"services searched": {[]string{"+16175550161"}, "+16175550169", func(v string) error {
				return list(len(testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{Number: v}))))
			}},
			"a line": {[]string{"6175550161"}, "6175550169", func(v string) error { _, err := w.Dir.Line(w.Ctx, v); return err }},
			"an owner's line": {[]string{"6175550161"}, "6175550169", func(v string) error {
				_, err := w.Support.As(pbx.LineOwner("kate", w.US.ID)).Line(w.Ctx, v)
				return err
			}},
			"an extension": {[]string{"7803"}, "7809", func(v string) error { return second(w.Dir.Lookup(w.Ctx, pbx.Extension(v))) }},
			"a DN": {[]string{"7803"}, "7809", func(v string) error {
				return list(len(testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{Number: v}))))
			}},
			"a user ID": {[]string{"zanzibar@marker.example.co.uk"}, "nobody@marker.example.co.uk", func(v string) error {
				_, err := w.Dir.UserByLogin(w.Ctx, v)
				return err
			}},
			"a SIP address": {[]string{string(brits.SIPAddress)}, "nobody@uk.acme.example.com", func(v string) error {
				_, err := w.Dir.SIPIdentity(w.Ctx, pbx.SIPAddress(v))
				return err
			}},
			"a SIP address to sign in at": {[]string{string(brits.SIPAddress)}, "nobody@uk.acme.example.com", func(v string) error {
				return second(w.Dir.IssueCredentials(w.Ctx, pbx.SIPAddress(v)))
			}},
			"an extension to go":      {[]string{"7803"}, "7809", func(v string) error { return w.Dir.RemoveExtension(w.Ctx, pbx.Extension(v)) }},
			"an extension to be main": {[]string{"7803"}, "7809", func(v string) error { return w.Dir.SetMainExtension(w.Ctx, user.ID, pbx.Extension(v)) }},
			"a building":              {[]string{"LON-3"}, "LON-9", func(v string) error { _, err := w.Dir.SetLineLocation(w.Ctx, line, v); return err }},
			"a package":               {[]string{"GOLD"}, "LEAD", func(v string) error { _, err := w.Dir.ChangeStation(w.Ctx, user.ID, v); return err }},
			"a type":                  {[]string{"GOLD"}, "LEAD", func(v string) error { s.Type = v; _, err := w.Dir.ModifyService(w.Ctx, s); return err }},
			"a MAC": {[]string{"00:1b:54:00:00:99"}, "00:1b:54:00:00:97", func(v string) error {
				return list(len(testbed.Collect(t, w.Dir.Devices(w.Ctx, pbx.DeviceQuery{MAC: v, State: pbx.DeviceAssigned}))))
			}},
			"a tenant": {[]string{w.UK.ID.String()}, pbx.TenantID{1}.String(), func(v string) error {
				id, err := pbx.ParseID[pbx.Tenant](v)
				require.NoError(t, err)
				_, err = w.Dir.In(id).Tenant(w.Ctx)
				return err
			}},
		} {
			said := func(v string) string {
				var to strings.Builder
				err := c.try(v)
				tellError(&to, err)
				fmt.Fprint(&to, err)
				return strings.ReplaceAll(to.String(), v, "IT")
			}
			for _, theirs := range c.theirs {
				require.Equal(t, said(c.never), said(theirs), what)
			}
		}
	})
}

func TestACC1_WhatIsUniqueEverywhereSaysThatItIsTakenAndNotByWhom(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		newProber(w)
		for what, take := range map[string]func() error{
			"a user ID": func() error {
				_, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Eve", Email: "zanzibar@marker.example.co.uk", Extension: "7990"})
				return err
			},
			"a MAC": func() error {
				_, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: "001b54000099", Model: "Cisco 8851"})
				return err
			},
			"a number": func() error {
				_, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Bell", Date: w.Clock, Numbers: []pbx.E164{"+442079460090"}})
				return err
			},
		} {
			before := testbed.Dump(t, w.Store)
			err := take()
			require.ErrorIs(t, err, pbx.ErrConflict, what)
			for _, e := range pbx.Errors(err) {
				require.Equal(t, pbx.Ref{}, e.Holder, what)
				require.NotContains(t, e.Error(), "Zanzibar")
			}
			require.Equal(t, before, testbed.Dump(t, w.Store))
		}
	})
}

func TestACC2_WhatIsSupportsIsRefusedToAnAdministrator(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		p := newProber(w)
		port, line := p.own[reflect.TypeFor[pbx.PortID]()].Interface().(pbx.PortID), p.line.ID
		for name, run := range map[string]func() error{
			"AddNumbers":        func() error { return second(w.Dir.AddNumbers(w.Ctx, "+16175550199")) },
			"ConfirmPort":       func() error { return second(w.Dir.ConfirmPort(w.Ctx, port)) },
			"ActivatePort":      func() error { return second(w.Dir.ActivatePort(w.Ctx, port)) },
			"FailPort":          func() error { return second(w.Dir.FailPort(w.Ctx, port)) },
			"DropRemoteService": func() error { return w.Dir.DropRemoteService(w.Ctx, line) },
			"CompleteOrder":     func() error { return second(w.Dir.CompleteOrder(w.Ctx, line)) },
			"FailOrder":         func() error { return second(w.Dir.FailOrder(w.Ctx, line, "no fibre")) },
		} {
			e := w.Refused(rule.ACC2, pbx.ErrDenied, run)
			require.Equal(t, pbx.Ref{Kind: "operation", ID: name}, e.Subject)
		}
	})
}

func TestACC3_SupportFindsATenantByNameAndWorksInItUnderItsOwnName(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		found := testbed.Collect(t, w.Support.Tenants(w.Ctx, pbx.TenantQuery{Name: "ACMÉ u"}))
		require.Len(t, found, 1)
		require.Equal(t, w.UK.ID, found[0].ID)
		inside := w.Support.In(found[0].ID)
		u, err := inside.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Eve", Email: "eve@example.co.uk", Extension: "7001"})
		require.NoError(t, err, "with an administrator's reach")
		read, err := w.British.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.Equal(t, u, read)
		last := testbed.Collect(t, w.British.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 1}))[0]
		require.Equal(t, pbx.Principal("agent"), last.Actor)
		require.Equal(t, pbx.RoleSupport, last.Role)
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error {
			for _, err := range w.Dir.Tenants(w.Ctx, pbx.TenantQuery{}) {
				return err
			}
			return nil
		})
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Support.In(pbx.TenantID{1}).Tenant(w.Ctx); return err })
	})
}

// An actor of no tenant is not one of every tenant: no method does anything for
// them, whatever it is given.
func TestACC1_AnActorOfNoTenantWorksInNone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, actor := range []pbx.Actor{pbx.Administrator("x", pbx.TenantID{}), pbx.LineOwner("x", pbx.TenantID{})} {
			dir := reflect.ValueOf(w.Support.As(actor))
			for m := range dir.Type().Methods() {
				if slices.Contains([]string{"As", "In", "Confirm", "Seen", "Stats"}, m.Name) {
					continue
				}
				err := callWithNothing(w.Ctx, dir.MethodByName(m.Name))
				require.True(t, errors.Is(err, pbx.ErrNotFound) || errors.Is(err, pbx.ErrDenied), "%s of %s: %v", m.Name, actor.Role, err)
			}
		}
	})
}

// callWithNothing calls a method with zero values, and returns its error, or that of
// the list that it returns.
func callWithNothing(ctx context.Context, method reflect.Value) (err error) {
	var args []reflect.Value
	for i := range method.Type().NumIn() {
		in := method.Type().In(i)
		switch {
		case in == reflect.TypeFor[context.Context]():
			args = append(args, reflect.ValueOf(ctx))
		case !method.Type().IsVariadic() || i < method.Type().NumIn()-1:
			args = append(args, reflect.Zero(in))
		}
	}
	out := method.Call(args)
	last := out[len(out)-1]
	if last.Kind() != reflect.Func {
		err, _ = last.Interface().(error)
		return err
	}
	yield := reflect.MakeFunc(last.Type().In(0), func(given []reflect.Value) []reflect.Value {
		err, _ = given[1].Interface().(error)
		return []reflect.Value{reflect.ValueOf(false)}
	})
	last.Call([]reflect.Value{yield})
	return err
}
