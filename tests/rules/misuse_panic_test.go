package rules_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/postgres"
	"github.com/pbxkit/pbx/store/sqlite"
	"github.com/pbxkit/pbx/store/transfer"
)

// functions are the exported functions of the root.
var functions = map[string]any{
	"AliasMember": pbx.AliasMember, "Administrator": pbx.Administrator, "CodeOf": pbx.CodeOf, "DefaultDeviceModels": pbx.DefaultDeviceModels,
	"DefaultPolicy": pbx.DefaultPolicy, "Errors": pbx.Errors, "ExistingNumber": pbx.ExistingNumber, "LineOwner": pbx.LineOwner, "New": pbx.New,
	"OfferedNumber": pbx.OfferedNumber, "ParseID": pbx.ParseID[pbx.User], "ParseMAC": pbx.ParseMAC, "ProposedNumber": pbx.ProposedNumber,
	"ProposedNumberLike": pbx.ProposedNumberLike, "RowErrors": pbx.RowErrors, "SealerFrom": pbx.SealerFrom, "Support": pbx.Support,
	"Tables": pbx.Tables, "UserMember": pbx.UserMember, "WithAllocator": pbx.WithAllocator, "WithBatchLimit": pbx.WithBatchLimit,
	"WithBatchWait": pbx.WithBatchWait, "WithPassedOver": pbx.WithPassedOver,
	"WithClock": pbx.WithClock, "WithDeliveries": pbx.WithDeliveries, "WithDeviceModels": pbx.WithDeviceModels, "WithIDs": pbx.WithIDs,
	"WithLease": pbx.WithLease, "WithLogger": pbx.WithLogger, "WithMD5Credentials": pbx.WithMD5Credentials, "WithPageKey": pbx.WithPageKey, "WithPrincipals": pbx.WithPrincipals,
	"WithProgress": pbx.WithProgress, "WithRandom": pbx.WithRandom, "WithSealer": pbx.WithSealer, "WithUnsealedCredentials": pbx.WithUnsealedCredentials,
	"WithoutNewNumbers": pbx.WithoutNewNumbers,
}

// zeroes are the zero values of the exported types of the root.
var zeroes = []any{
	pbx.Actor{}, pbx.Alias{}, pbx.Allocator(nil), pbx.Association{}, pbx.Category(""), pbx.CheckReport{}, pbx.Choice{}, pbx.CivicAddress{},
	pbx.Credentials{}, pbx.Cursor{}, pbx.Deletion(""), pbx.DeliveryError{}, pbx.Device{}, pbx.DeviceLine{}, pbx.DeviceModel{}, pbx.DeviceQuery{},
	pbx.DeviceState(""), pbx.DialEntry{}, pbx.DialTarget{}, pbx.Digest{}, pbx.Directory{}, pbx.Disposal(""), pbx.E164(""), pbx.Effect{},
	pbx.Error{}, pbx.Event{}, pbx.Extension(""), pbx.ExtensionQuery{}, pbx.ForeignRequest{}, pbx.ForeignService{}, pbx.ForeignState(""),
	pbx.Group{}, pbx.GroupKind(""), pbx.GroupQuery{}, pbx.HA1(""), pbx.UserID{}, pbx.Import{}, pbx.ImportOption(nil), pbx.JournalHead(""), pbx.JournalQuery{},
	pbx.KeyKind(""), pbx.Line{}, pbx.LineChange{}, pbx.LineIdentity{}, pbx.LineUser{}, pbx.Location{}, pbx.MAC(""), pbx.Mailbox{}, pbx.Member{},
	pbx.MemberID{}, pbx.Money(0), pbx.NewAlias{}, pbx.NewDevice{}, pbx.NewForeign{}, pbx.NewGroup{}, pbx.NewLocation{}, pbx.NewMailbox{},
	pbx.NewPort{}, pbx.NewService{}, pbx.NewServiceType{}, pbx.NewStationPool{}, pbx.NewTenant{}, pbx.NewUser{}, pbx.Notice{}, pbx.Number{},
	pbx.NumberChange{}, pbx.NumberChoice{}, pbx.NumberQuery{}, pbx.NumberSource(""), pbx.NumberState(""), pbx.Option(nil), pbx.Order{},
	pbx.OrderLine{}, pbx.OrderStatus(""), pbx.Owner{}, pbx.PIN(""), pbx.PageToken(""), pbx.PassedOver{}, pbx.Password{}, pbx.PhoneKey{}, pbx.Policy{},
	pbx.PortRequest{}, pbx.PortState(""), pbx.Principal(""), pbx.Provisioned{}, pbx.Ref{}, pbx.Review{}, pbx.Role(""), pbx.RowError{},
	pbx.SIPAddress(""), pbx.SIPIdentity{}, pbx.Sealer{}, pbx.Service{}, pbx.ServiceKey{}, pbx.ServiceQuery{}, pbx.ServiceStatus(""),
	pbx.ServiceType{}, pbx.SetUp{}, pbx.Settlement{}, pbx.StaleError{}, pbx.StaleReview{}, pbx.StationPool{}, pbx.Stats{}, pbx.Successor{},
	pbx.Tenant{}, pbx.TenantQuery{}, pbx.User{}, pbx.UserQuery{}, pbx.UserService{}, pbx.UserState(""), pbx.Violation{},
}

// exported lists the names of the root's exported functions and of its types, without
// aliases and interfaces.
func exported(t *testing.T) (funcs, types []string) {
	files, err := filepath.Glob("../../*.go")
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range tree.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					funcs = append(funcs, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					s, is := spec.(*ast.TypeSpec)
					if !is || !s.Name.IsExported() || s.Assign.IsValid() {
						continue
					}
					if _, is := s.Type.(*ast.InterfaceType); !is {
						types = append(types, s.Name.Name)
					}
				}
			}
		}
	}
	return funcs, types
}

// surely calls a function with arguments, and drains a sequence that it returns. It
// fails the test on a panic, and returns the last error.
func surely(t *testing.T, name string, f reflect.Value, in []reflect.Value) (out []reflect.Value, err error) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s panics: %v\n%s", name, p, libraryLines(debug.Stack()))
		}
	}()
	out = f.Call(in)
	for _, v := range out {
		switch is := v.Interface().(type) {
		case error:
			err = is
		case fmt.Stringer:
			_ = is.String()
		}
		if v.Kind() == reflect.Func && !v.IsNil() && v.Type().CanSeq2() {
			for _, e := range v.Seq2() {
				if of, is := e.Interface().(error); is {
					err = of
				}
			}
		}
	}
	_ = fmt.Sprintf("%v %+v %#v", err, err, err)
	return out, err
}

// libraryLines are the part of a stack that are the library's.
func libraryLines(stack []byte) string {
	var lines []string
	for line := range bytes.Lines(stack) {
		if s := strings.TrimSpace(string(line)); strings.Contains(s, ".go:") && !strings.Contains(s, "/src/") && !strings.Contains(s, "_test.go") {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines[:min(len(lines), 6)], "\n")
}

// emptyArguments are lists of zero values for a function's parameters: with nil for
// the context, and with a context; and with one more zero for a variadic one.
func emptyArguments(f reflect.Type) [][]reflect.Value {
	var lists [][]reflect.Value
	for _, ctx := range []any{nil, context.Background()} {
		for _, more := range []bool{false, true} {
			if more && !f.IsVariadic() {
				continue
			}
			var in []reflect.Value
			for i := range f.NumIn() {
				of := f.In(i)
				switch {
				case f.IsVariadic() && i == f.NumIn()-1 && !more:
				case f.IsVariadic() && i == f.NumIn()-1:
					in = append(in, reflect.Zero(of.Elem()))
				case of == reflect.TypeFor[context.Context]() && ctx != nil:
					in = append(in, reflect.ValueOf(ctx))
				default:
					in = append(in, reflect.Zero(of))
				}
			}
			lists = append(lists, in)
		}
	}
	return lists
}

func TestSYS1_NothingPanics(t *testing.T) {
	funcs, types := exported(t)
	for name := range functions {
		require.Contains(t, funcs, name)
	}
	for _, name := range funcs {
		require.Contains(t, functions, name, "an exported function that is not tested")
	}
	var tested []string
	for _, zero := range zeroes {
		name, _, _ := strings.Cut(reflect.TypeOf(zero).Name(), "[")
		tested = append(tested, name)
	}
	require.ElementsMatch(t, types, tested, "the exported types and those that are tested")

	w := newWorld(t, memory.New())
	for _, dir := range []*pbx.Directory{w.Dir, w.Support, w.Support.In(w.US.ID), w.Support.As(pbx.LineOwner("o", w.US.ID))} {
		useEveryMethod(t, "", dir)
		require.NoError(t, dir.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error {
			useEveryMethod(t, "in a batch, ", dir)
			return nil
		}))
	}
	for name, f := range functions {
		for _, in := range emptyArguments(reflect.TypeOf(f)) {
			out, _ := surely(t, name, reflect.ValueOf(f), in)
			if len(out) == 1 && out[0].Type() == reflect.TypeFor[pbx.Option]() {
				w := pbx.New(memory.New(), out[0].Interface().(pbx.Option)).As(pbx.Support("s"))
				useEveryMethod(t, name+", ", w)
			}
		}
	}
	for _, zero := range zeroes {
		at := reflect.New(reflect.TypeOf(zero))
		useEveryMethod(t, "zero ", at.Interface())
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, zero), "PANIC=", "%T", zero)
			require.NotContains(t, fmt.Sprintf(verb, at.Interface()), "PANIC=", "%T", zero)
		}
	}
}

func TestSYS1_NoStorePanics(t *testing.T) {
	for name, f := range map[string]any{
		"memory.New": memory.New, "faulty.New": faulty.New, "faulty.Plans": faulty.Plans, "sqlite.Open": sqlite.Open,
		"sqlite.FromTx": sqlite.FromTx, "sqlite.WithSynchronous": sqlite.WithSynchronous, "sqlite.Migrations": sqlite.Migrations,
		"postgres.Open": postgres.Open, "postgres.FromTx": postgres.FromTx, "postgres.WithPool": postgres.WithPool,
		"postgres.WithSchema": postgres.WithSchema, "postgres.Migrations": postgres.Migrations, "transfer.Copy": transfer.Copy,
		"transfer.Compare": transfer.Compare,
	} {
		for _, in := range emptyArguments(reflect.TypeOf(f)) {
			if out, _ := surely(t, name, reflect.ValueOf(f), in); len(out) == 1 && out[0].Kind() == reflect.Pointer {
				useEveryMethod(t, name+", ", out[0].Interface())
			}
		}
	}
	for _, zero := range []any{
		new(memory.Store), new(faulty.Store), new(faulty.Plan), new(sqlite.Store), new(sqlite.Guest), new(postgres.Store), new(postgres.Guest),
		new(transfer.Difference), new(transfer.Report),
	} {
		useEveryMethod(t, "zero ", zero)
	}
}

// useEveryMethod calls every method of a value with nothing that it could use.
func useEveryMethod(t *testing.T, about string, value any) {
	t.Helper()
	of := reflect.ValueOf(value)
	for i := range of.NumMethod() {
		m := of.Type().Method(i)
		if m.Name == "Format" { // package fmt calls it, and never with nil
			continue
		}
		for _, in := range emptyArguments(of.Method(i).Type()) {
			surely(t, about+of.Type().Elem().Name()+"."+m.Name, of.Method(i), in)
		}
	}
}

// Whatever is nil or zero, an operation says so.
func TestSYS1_WhatWasNeverMadeIsAMisuse(t *testing.T) {
	w := newWorld(t, memory.New())
	review, err := w.Dir.Review(w.Ctx, func(context.Context, *pbx.Directory) error { return nil })
	require.NoError(t, err)
	none := context.Context(nil)
	for name, call := range map[string]func() error{
		"a zero Directory":         func() error { return second(new(pbx.Directory).Tenant(w.Ctx)) },
		"a copy of a zero one":     func() error { return second(new(pbx.Directory).As(pbx.Support("s")).Tenant(w.Ctx)) },
		"no store":                 func() error { return second(pbx.New(nil).As(pbx.Support("s")).Tenant(w.Ctx)) },
		"a store that is nil":      func() error { return second(pbx.New((*memory.Store)(nil)).As(pbx.Support("s")).Tenant(w.Ctx)) },
		"a store never opened":     func() error { return second(pbx.New(new(memory.Store)).As(pbx.Support("s")).Tenant(w.Ctx)) },
		"no context":               func() error { return second(w.Dir.Tenant(none)) },
		"no context for a list":    func() error { return testbed.Drain(w.Dir.Users(none, pbx.UserQuery{})) },
		"no context for a commit":  func() error { return review.Commit(none) },
		"a zero review":            func() error { return new(pbx.Review).Commit(w.Ctx) },
		"a batch without function": func() error { return w.Dir.Batch(w.Ctx, nil) },
		"a review without one":     func() error { return second(w.Dir.Review(w.Ctx, nil)) },
		"a connector that is nil":  func() error { return second(w.Support.Connect(w.Ctx, "crm", nil)) },
		"a page of a zero one":     func() error { return testbed.Drain(new(pbx.Directory).Users(w.Ctx, pbx.UserQuery{Page: "x"})) },
		"and of its choices": func() error {
			return testbed.Drain(new(pbx.Directory).AssociationChoices(w.Ctx, pbx.UserQuery{Page: "x"}))
		},
		"and of its services":    func() error { return testbed.Drain(new(pbx.Directory).Services(w.Ctx, pbx.ServiceQuery{Page: "x"})) },
		"a delivery without one": func() error { return second(w.Support.Deliver(w.Ctx, "mail", nil)) },
	} {
		require.ErrorIs(t, call(), pbx.ErrMisuse, name)
	}
}

// A random source that fails gives no ID, and nothing is changed.
func TestSYS1_WithoutRandomnessNothingIsMade(t *testing.T) {
	w := newWorld(t, memory.New())
	broken := pbx.New(w.Store, pbx.WithRandom(noRandomness{})).As(pbx.Support("s"))
	before := testbed.Dump(t, w.Store)
	_, err := broken.CreateTenant(w.Ctx, pbx.NewTenant{Name: "Beta", Country: "US", SIPDomain: "beta.example.com"})
	require.ErrorIs(t, err, errNoRandomness)
	require.ErrorIs(t, err, pbx.ErrStorage)
	_, err = broken.In(w.US.ID).AddLocation(w.Ctx, pbx.NewLocation{Building: "B", Address: w.Boston.Address})
	require.ErrorIs(t, err, errNoRandomness)
	_, err = broken.Deliver(w.Ctx, "mail", func(context.Context, *pbx.Event) error { return nil })
	require.ErrorIs(t, err, errNoRandomness)
	require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))
}

var errNoRandomness = errors.New("no randomness")

type noRandomness struct{}

func (noRandomness) Read([]byte) (int, error) { return 0, errNoRandomness }
