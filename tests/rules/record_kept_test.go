package rules_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// modification is a method that saves a whole record. What identifies the record, or
// says on what the change is based, has answers of its own.
type modification struct {
	code     rule.Code
	identify []string
	changes  []string // the fields that the method saves
	read     func(w *world) any
	save     func(w *world, record any) error
}

func modifies[R any](code rule.Code, identify, changes string, read func(w *world) R, save func(w *world, in R) (R, error)) modification {
	return modification{code, strings.Fields(identify), strings.Fields(changes), func(w *world) any { return read(w) },
		func(w *world, in any) error { _, err := save(w, in.(R)); return err }}
}

var modifications = map[string]modification{
	"ModifyTenant": modifies(rule.ACC1, "ID Rev SettingsRev", "Name Currency NumberCriteria Policy",
		func(w *world) *pbx.Tenant { return must(w.Dir.Tenant(w.Ctx)) },
		func(w *world, in *pbx.Tenant) (*pbx.Tenant, error) { return w.Dir.ModifyTenant(w.Ctx, in) }),
	"ModifyLocation": modifies(rule.ACC1, "ID Rev", "Building Name Address NumberPrefix",
		func(w *world) *pbx.Location { return must(w.Dir.Location(w.Ctx, w.Boston.ID)) },
		func(w *world, in *pbx.Location) (*pbx.Location, error) { return w.Dir.ModifyLocation(w.Ctx, in) }),
	"ModifyServiceType": modifies(rule.SVC16, "Code Rev", "Name Monthly OneTime Applications Fulfilment",
		func(w *world) *pbx.ServiceType { return w.product("PRO") },
		func(w *world, in *pbx.ServiceType) (*pbx.ServiceType, error) {
			return w.Dir.ModifyServiceType(w.Ctx, in)
		}),
	"ModifyStationPool": modifies(rule.STN1, "Package Rev", "Name Total Applications",
		func(w *world) *pbx.StationPool { return testbed.Collect(w.T, w.Dir.StationPools(w.Ctx))[0] },
		func(w *world, in *pbx.StationPool) (*pbx.StationPool, error) {
			return w.Dir.ModifyStationPool(w.Ctx, in)
		}),
	"ModifyUser": modifies(rule.USR7, "ID Rev",
		"FirstName LastName Email Login Mobile Department LocationID MusicOnHold SIPAddress E911 Applications",
		func(w *world) *pbx.User { return testbed.Collect(w.T, w.Dir.Users(w.Ctx, pbx.UserQuery{}))[0] },
		func(w *world, in *pbx.User) (*pbx.User, error) { return w.Dir.ModifyUser(w.Ctx, in) }),
	"ModifyAlias": modifies(rule.EXT7, "ID Rev", "Name SIPAddress",
		func(w *world) *pbx.Alias { return testbed.Collect(w.T, w.Dir.Aliases(w.Ctx, pbx.UserID{}))[0] },
		func(w *world, in *pbx.Alias) (*pbx.Alias, error) { return w.Dir.ModifyAlias(w.Ctx, in) }),
	"ModifyService": modifies(rule.SVC2, "ID Rev", "DN Name Type DeviceType DeviceID LocationID LocationKeptBy",
		func(w *world) *pbx.Service { return testbed.Collect(w.T, w.Dir.Services(w.Ctx, pbx.ServiceQuery{}))[0] },
		func(w *world, in *pbx.Service) (*pbx.Service, error) { return w.Dir.ModifyService(w.Ctx, in) }),
	"ModifyMailbox": modifies(rule.VM1, "ServiceID Rev", "Number Email",
		func(w *world) *pbx.Mailbox {
			return must(w.Dir.Mailbox(w.Ctx, testbed.Collect(w.T, w.Dir.Services(w.Ctx, pbx.ServiceQuery{}))[0].ID))
		},
		func(w *world, in *pbx.Mailbox) (*pbx.Mailbox, error) { return w.Dir.ModifyMailbox(w.Ctx, in) }),
}

func must[R any](r R, err error) R {
	if err != nil {
		panic(err)
	}
	return r
}

// kept are the fields of the record that the method does not save.
func (m *modification) kept(record any) (names []string) {
	for field := range reflect.TypeOf(record).Elem().Fields() {
		if field.IsExported() && !slices.Contains(m.identify, field.Name) && !slices.Contains(m.changes, field.Name) {
			names = append(names, field.Name)
		}
	}
	return names
}

// spoil gives a field another value.
func spoil(t *testing.T, record any, field string) {
	t.Helper()
	v := reflect.ValueOf(record).Elem().FieldByName(field)
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = at.Add(time.Microsecond)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Array:
		v.Index(0).SetUint(v.Index(0).Uint() ^ 1)
	default:
		require.Fail(t, "no other value for "+field)
	}
}

func TestUSR7_WhatAnOperationDoesNotSaveIsRefusedByEveryOneThatSavesARecord(t *testing.T) {
	for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
		if strings.HasPrefix(m.Name, "Modify") {
			require.Contains(t, modifications, m.Name)
		}
	}
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		w.Alias(u.ID, "Help", "7002")
		w.mailbox(w.Service(u.ID, "7101").ID, pbx.NewMailbox{})
		for name, m := range modifications {
			kept := m.kept(m.read(w))
			if name != "ModifyTenant" {
				require.Contains(t, kept, "TenantID", name)
			}
			all := m.read(w)
			for _, field := range kept {
				one := m.read(w)
				spoil(t, one, field)
				e := w.Refused(m.code, pbx.ErrInvalid, func() error { return m.save(w, one) })
				require.Equal(t, field, e.Field, name)
				require.Equal(t, "cannot be changed here", e.Reason, name)
				spoil(t, all, field)
			}
			var together []string
			for _, e := range pbx.Errors(m.save(w, all)) {
				together = append(together, e.Field)
			}
			require.Subset(t, together, kept, "%s: all at once", name)
			require.NoError(t, m.save(w, m.read(w)), name)
		}
	})
}

func TestUSR7_ATimeInAnotherZoneIsTheSame(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		zone := time.FixedZone("elsewhere", 3600)
		u.CreatedAt, u.ActivatedAt, u.Department = u.CreatedAt.In(zone), u.ActivatedAt.In(zone), "Sales"
		saved, err := w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		require.Equal(t, time.UTC, saved.CreatedAt.Location())
		require.Equal(t, time.UTC, must(w.Dir.User(w.Ctx, u.ID)).ActivatedAt.Location())
	})
}
