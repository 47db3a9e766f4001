package pbx

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// doNothing are the methods that only make another Directory, or count.
var doNothing = []string{"As", "In", "Confirm", "Seen", "Stats"}

// alsoChangeLine are short ways to ChangeLine, and pass by its row.
var alsoChangeLine = []string{"AddOwner", "RemoveOwner", "SetLineLocation"}

// closed is a store that says whether somebody came as far as it.
type closed struct{}

var errClosed = errors.New("closed")

func (closed) View(context.Context, func(store.Reader) error) error             { return errClosed }
func (closed) Update(context.Context, [16]byte, func(store.Writer) error) error { return errClosed }
func (closed) Close() error                                                     { return nil }

// operations lists the methods of a Directory that do something.
func operations() []string {
	var names []string
	for m := range reflect.TypeFor[*Directory]().Methods() {
		if !slices.Contains(doNothing, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// rowOf is the row of the table that an operation passes by.
func rowOf(operation string) grant {
	if slices.Contains(alsoChangeLine, operation) {
		operation = "ChangeLine"
	}
	return grants[operation]
}

// call calls an operation with arguments that mean nothing, and returns its
// error: of a sequence the first one.
func call(d *Directory, operation string) error {
	m := reflect.ValueOf(d).MethodByName(operation)
	var in []reflect.Value
	for i := range m.Type().NumIn() {
		if t := m.Type().In(i); !m.Type().IsVariadic() || i < m.Type().NumIn()-1 {
			in = append(in, argument(t))
		}
	}
	out := m.Call(in)
	last := out[len(out)-1]
	if last.Kind() == reflect.Func {
		for _, v := range last.Seq2() {
			last = v
			break
		}
	}
	err, _ := last.Interface().(error)
	return err
}

func argument(t reflect.Type) reflect.Value {
	switch {
	case t == reflect.TypeFor[context.Context]():
		return reflect.ValueOf(context.Background())
	case t.Kind() == reflect.Pointer:
		return reflect.New(t.Elem())
	case t.Kind() == reflect.String:
		return reflect.ValueOf("x").Convert(t)
	case t.Kind() == reflect.Func:
		return reflect.MakeFunc(t, func([]reflect.Value) []reflect.Value { return []reflect.Value{reflect.Zero(t.Out(0))} })
	}
	return reflect.Zero(t)
}

func TestACC2_EveryOperationHasARowAndEveryRowAnOperation(t *testing.T) {
	methods := operations()
	for _, name := range methods {
		_, listed := grants[name]
		require.NotEqual(t, listed, slices.Contains(alsoChangeLine, name), "%s is in the table of grants, or known to pass by another row", name)
	}
	for name, row := range grants {
		require.Contains(t, methods, name, "a row without an operation")
		require.NotEmpty(t, row.roles, name)
		require.Contains(t, row.roles, RoleSupport, "support reaches what anybody reaches: %s", name)
	}
	for _, name := range slices.Concat(doNothing, alsoChangeLine) {
		_, there := reflect.TypeFor[*Directory]().MethodByName(name)
		require.True(t, there, name)
	}
}

func TestACC2_EachRoleDoesWhatTheTableGrantsItAndNothingElse(t *testing.T) {
	customer := TenantID{7}
	for _, actor := range []Actor{Support("s"), Administrator("a", customer), LineOwner("o", customer), {Principal: "x", Role: "root", Tenant: customer}} {
		for _, name := range operations() {
			row := rowOf(name)
			d := New(closed{}).As(actor).In(customer)
			if row.scope == inProvider {
				d = d.In(TenantID{})
			}
			err := call(d, name)
			if !slices.Contains(row.roles, actor.Role) {
				require.ErrorIs(t, err, ErrDenied, "%s: %s", actor.Role, name)
				want := rule.ACC2
				if actor.Role == RoleOwner && slices.Contains(linesAndUsers, name) {
					want = rule.OWN6
				}
				require.Equal(t, want, CodeOf(err), "%s: %s", actor.Role, name)
				require.NotErrorIs(t, err, errClosed)
				continue
			}
			require.NotErrorIs(t, err, ErrDenied, "%s: %s", actor.Role, name)
		}
	}
}

func TestACC2_AnOperationIsRefusedBeforeTheStoreIsAsked(t *testing.T) {
	reached := 0
	for _, name := range operations() {
		err := call(New(closed{}), name)
		require.ErrorIs(t, err, ErrDenied, name)
		require.Contains(t, err.Error(), "nobody: choose an actor with As")
		for _, p := range []Principal{"", "a\x00", "a\nb", "\xff"} {
			require.ErrorIs(t, call(New(closed{}).As(Support(p)), name), ErrDenied, "%s as %q, whom the journal cannot name", name, p)
		}
		d := New(closed{}).As(Support("s"))
		if rowOf(name).scope == inCustomer {
			d = d.In(TenantID{7})
		}
		if errors.Is(call(d, name), errClosed) {
			reached++
		}
	}
	require.Greater(t, reached, len(grants)*8/10, "the calls get as far as the store where they may")
}

func TestACC2_AnOperationStaysWhereItWorks(t *testing.T) {
	for _, name := range operations() {
		support := New(closed{}).As(Support("s"))
		switch rowOf(name).scope {
		case inCustomer:
			err := call(support, name)
			require.ErrorIs(t, err, ErrInvalid, name)
			require.Contains(t, err.Error(), "works in a customer's tenant")
		case inProvider:
			err := call(support.In(TenantID{7}), name)
			require.ErrorIs(t, err, ErrDenied, name)
			require.Contains(t, err.Error(), "works in the provider's own tenant")
		}
	}
}

func TestACC1_NobodyButSupportLeavesHisTenant(t *testing.T) {
	own, other := TenantID{7}, TenantID{8}
	for _, name := range operations() {
		for _, actor := range []Actor{Administrator("a", own), LineOwner("o", own), Administrator("a", Provider)} {
			if !slices.Contains(rowOf(name).roles, actor.Role) {
				continue
			}
			for _, to := range []TenantID{other, Provider} {
				err := call(New(closed{}).As(actor).In(to), name)
				require.ErrorIs(t, err, ErrNotFound, "%s: %s", actor.Role, name)
				require.Equal(t, noTenant(to).Error(), err.Error())
			}
		}
	}
}
