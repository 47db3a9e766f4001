package rules_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

func TestACC1_ATenantHasANameACountryLocationsAndPolicies(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made, err := w.Support.CreateTenant(w.Ctx, pbx.NewTenant{Name: "Öl & Söhne", Country: "DE", Currency: "EUR", SIPDomain: "Oel.Example.com"})
		require.NoError(t, err)
		inside := w.Support.In(made.ID)
		read, err := inside.Tenant(w.Ctx)
		require.NoError(t, err)
		require.Equal(t, made, read)
		require.Equal(t, "oel.example.com", read.SIPDomain)
		require.Equal(t, pbx.DefaultPolicy(), read.Policy)
		require.Equal(t, w.Clock, read.CreatedAt)
		require.Equal(t, []string{"tenant.created"}, w.journal(inside, 0), "the first line of its own journal")
		require.Equal(t, "tenant.created", testbed.Collect(t, w.Support.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 1}))[0].Type)

		policy := pbx.DefaultPolicy()
		policy.ExtensionFirst, policy.ExtensionLast, policy.VoicemailDigits = "200", "299", 3
		other, err := w.Support.CreateTenant(w.Ctx, pbx.NewTenant{Name: "Small", Country: "US", SIPDomain: "small.example.com", Policy: &policy})
		require.NoError(t, err)
		policy.VoicemailDigits = 4
		read, err = w.Support.In(other.ID).Tenant(w.Ctx)
		require.NoError(t, err)
		require.EqualValues(t, 3, read.Policy.VoicemailDigits)
		require.Equal(t, "USD", read.Currency)
	})
}

func TestACC1_ATenantsBadFieldsAreReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			in   pbx.NewTenant
			want []string
		}{
			"nothing":   {pbx.NewTenant{}, []string{"Country ACC-1", "Name ACC-1", "SIPDomain ACC-1"}},
			"malformed": {pbx.NewTenant{Name: strings.Repeat("x", 129), Country: "us", Currency: "usd", SIPDomain: "-a.example"}, []string{"Country ACC-1", "Currency ACC-1", "Name ACC-1", "SIPDomain ACC-1"}},
			"a taken domain": {
				pbx.NewTenant{Name: "X", Country: "XX", SIPDomain: "ACME.example.com"}, []string{"Country ACC-1", "SIPDomain ACC-1"},
			},
			"policy": {pbx.NewTenant{Name: "X", Country: "US", SIPDomain: "x.example", Policy: new(pbx.Policy)}, []string{
				"Policy.ExtensionFirst EXT-5", "Policy.ExtensionMinLength EXT-1", "Policy.PINMinLength VM-5", "Policy.PINTries VM-5",
			}},
		} {
			before := testbed.Dump(t, w.Store)
			_, err := w.Support.CreateTenant(w.Ctx, c.in)
			require.Equal(t, c.want, badFields(err), "%s: %v", name, err)
			require.Equal(t, before, testbed.Dump(t, w.Store))
		}
		e := w.Refused(rule.ACC1, pbx.ErrConflict, func() error {
			_, err := w.Support.CreateTenant(w.Ctx, pbx.NewTenant{Name: "X", Country: "US", SIPDomain: "uk.Acme.example.com"})
			return err
		})
		require.Equal(t, pbx.Ref{}, e.Holder)
	})
}

// bounded asserts that a policy is refused by a rule and in a field.
func (w *world) bounded(code rule.Code, field string, spoil func(p *pbx.Policy)) {
	w.T.Helper()
	tenant, err := w.Dir.Tenant(w.Ctx)
	require.NoError(w.T, err)
	spoil(&tenant.Policy)
	e := w.Refused(code, pbx.ErrInvalid, func() error {
		_, err := w.Dir.ModifyTenant(w.Ctx, tenant)
		require.Len(w.T, pbx.Errors(err), 1)
		return err
	})
	require.Equal(w.T, field, e.Field)
}

func TestACC1_APolicyHasBounds(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.bounded(rule.EXT1, "Policy.ExtensionMinLength", func(p *pbx.Policy) { p.ExtensionMinLength = 1 })
		w.bounded(rule.VM5, "Policy.PINMinLength", func(p *pbx.Policy) { p.PINMinLength = 3 })
		w.bounded(rule.VM5, "Policy.PINTries", func(p *pbx.Policy) { p.PINTries = 0 })
		w.bounded(rule.NUM10, "Policy.NumberRest", func(p *pbx.Policy) { p.NumberRest = time.Hour })
		for _, fit := range []func(p *pbx.Policy){
			func(p *pbx.Policy) {
				p.ExtensionMaxLength = 7
				p.ExtensionFirst, p.ExtensionLast = "7000000", "7999999"
			},
			func(p *pbx.Policy) { p.AdvisedExtension = ""; p.VoicemailDigits = 0; p.NumberRest = 0; p.PINLock = 0 },
		} {
			w.ModifyPolicy(fit)
		}
	})
}

func TestEXT5_TheRangeIsTwoExtensionsOfOneAllowedLength(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, bad := range [][2]pbx.Extension{{"7000", "6999"}, {"7000", "70000"}, {"", ""}, {"7000", "700x"}, {"7000000", "7999999"}} {
			w.bounded(rule.EXT5, "Policy.ExtensionFirst", func(p *pbx.Policy) { p.ExtensionFirst, p.ExtensionLast = bad[0], bad[1] })
		}
	})
}

func TestEXT4_TheAdvisedFormIsOneOfDigits(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, bad := range []string{"7***", "7XXX", "7xxxxxxx", "seven"} {
			w.bounded(rule.EXT4, "Policy.AdvisedExtension", func(p *pbx.Policy) { p.AdvisedExtension = bad })
		}
	})
}

func TestVM2_TheVoicemailLengthIsThatOfAnExtension(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, bad := range []int64{-1, 8} {
			w.bounded(rule.VM2, "Policy.VoicemailDigits", func(p *pbx.Policy) { p.VoicemailDigits = bad })
		}
	})
}

func TestORD1_TheChargesForNumbersHaveBounds(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.bounded(rule.ORD1, "Policy.NumberMonthly", func(p *pbx.Policy) { p.NumberMonthly = -1 })
		w.bounded(rule.ORD1, "Policy.NumberMonthly", func(p *pbx.Policy) { p.NumberOneTime = -1 })
	})
}

func TestACC1_ATenantsSettingsAreModifiedButForWhatEverythingHangsOn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		tenant, err := w.Dir.Tenant(w.Ctx)
		require.NoError(t, err)
		w.User("Ann", "Lee", "7001") // moves the tenant's revision, not its settings
		tenant.Name, tenant.Currency, tenant.Policy.VoicemailDigits = "Acme Inc.", "CAD", 5
		saved, err := w.Dir.ModifyTenant(w.Ctx, tenant)
		require.NoError(t, err)
		require.Equal(t, tenant.SettingsRev+1, saved.SettingsRev)
		read, err := w.Dir.Tenant(w.Ctx)
		require.NoError(t, err)
		require.Equal(t, "Acme Inc.", read.Name)
		require.Equal(t, "CAD", read.Currency)
		require.EqualValues(t, 5, read.Policy.VoicemailDigits)
		require.Len(t, testbed.Collect(t, w.Support.Tenants(w.Ctx, pbx.TenantQuery{Name: "acme inc"})), 1, "it is found by its new name")

		again, err := w.Dir.ModifyTenant(w.Ctx, tenant)
		require.Nil(t, again)
		require.Equal(t, "Acme Inc.", currentIn[*pbx.Tenant](t, err).Name)
		read.Country, read.SIPDomain, read.CreatedAt, read.Name = "GB", "other.example.com", time.Time{}, ""
		w.Refused(rule.ACC1, pbx.ErrInvalid, func() error {
			_, err := w.Dir.ModifyTenant(w.Ctx, read)
			require.Equal(t, []string{"Country ACC-1", "CreatedAt ACC-1", "Name ACC-1", "SIPDomain ACC-1"}, badFields(err))
			return err
		})
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.ModifyTenant(w.Ctx, w.UK); return err })
	})
}

func TestACC3_TenantsAreListedInTheOrderOfTheirNames(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for i, name := range []string{"Zebra", "Äcme Inc", "provider of nothing"} {
			w.Tenant(name, "US", fmt.Sprintf("t%d.example.com", i))
		}
		list := func(q pbx.TenantQuery) (names []string) {
			for _, tenant := range testbed.Collect(t, w.Support.Tenants(w.Ctx, q)) {
				names = append(names, tenant.Name)
			}
			return names
		}
		require.Equal(t, []string{"Acme", "Äcme Inc", "Acme UK", "provider of nothing", "Zebra"}, list(pbx.TenantQuery{}), "the Provider is none")
		require.Equal(t, []string{"Acme", "Äcme Inc"}, list(pbx.TenantQuery{Name: "ACME", Limit: 2}))
		require.Equal(t, []string{"provider of nothing"}, list(pbx.TenantQuery{Name: "prov"}))
		require.Empty(t, list(pbx.TenantQuery{Name: "acme\x00"}))
	})
}

func TestACC1_SeveralTenantsAreCreatedInOneBatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var made []*pbx.Tenant
		create := func(dir *pbx.Directory, names ...string) error {
			for _, name := range names {
				tenant, err := dir.CreateTenant(w.Ctx, pbx.NewTenant{Name: name, Country: "US", SIPDomain: name + ".example.com"})
				if err != nil {
					return err
				}
				made = append(made, tenant)
			}
			return nil
		}
		before := testbed.Dump(t, w.Store)
		err := w.Support.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error { return create(dir, "one", "two", "one") })
		require.ErrorIs(t, err, pbx.ErrConflict)
		require.Equal(t, before, testbed.Dump(t, w.Store))
		made = nil
		require.NoError(t, w.Support.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error { return create(dir, "one", "two") }))
		for _, tenant := range made {
			_, err := w.Support.In(tenant.ID).AddLocation(w.Ctx, pbx.NewLocation{Building: "B", Address: pbx.CivicAddress{Country: "US"}})
			require.NoError(t, err)
			require.Equal(t, []string{"tenant.created", "location.created"}, w.journal(w.Support.In(tenant.ID), 0))
		}
	})
}

func TestACC1_ALocationIsAddedReadListedAndModified(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		made, err := w.Dir.AddLocation(w.Ctx, pbx.NewLocation{
			Building: "E19", Name: "Ford Building", NumberPrefix: "+1617253",
			Address: pbx.CivicAddress{Street: "400 Main Street", City: "Cambridge", Region: "MA", PostalCode: "02142", Country: "US"},
		})
		require.NoError(t, err)
		read, err := w.Dir.Location(w.Ctx, made.ID)
		require.NoError(t, err)
		require.Equal(t, made, read)
		read.Building, read.Name, read.Address.Street, read.NumberPrefix = "A1", "", "1 Broadway", ""
		saved, err := w.Dir.ModifyLocation(w.Ctx, read)
		require.NoError(t, err)
		require.Equal(t, made.Rev+1, saved.Rev)
		var buildings []string
		for _, l := range testbed.Collect(t, w.Dir.Locations(w.Ctx)) {
			buildings = append(buildings, l.Building)
		}
		require.Equal(t, []string{"A1", "BOS-1"}, buildings, "in the order of their codes, and of this tenant alone")
		w.Location(w.Dir, "E19", "US", "") // the old code is free
		for _, id := range []pbx.LocationID{{}, {1}, w.London.ID} {
			_, err = w.Dir.Location(w.Ctx, id)
			require.ErrorIs(t, err, pbx.ErrNotFound)
			require.ErrorIs(t, w.Dir.DeleteLocation(w.Ctx, id), pbx.ErrNotFound)
			_, err = w.Dir.ModifyLocation(w.Ctx, &pbx.Location{ID: id})
			require.ErrorIs(t, err, pbx.ErrNotFound)
		}
	})
}

func TestACC1_ALocationsBadFieldsAreReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		bad := pbx.NewLocation{
			Building: "E 19", Name: "\t", NumberPrefix: "+44",
			Address: pbx.CivicAddress{Street: strings.Repeat("x", 129), City: " x", Region: "\xff", PostalCode: strings.Repeat("x", 33), Country: "USA"},
		}
		_, err := w.Dir.AddLocation(w.Ctx, bad)
		require.Equal(t, []string{
			"Address.City ACC-1", "Address.Country ACC-1", "Address.PostalCode ACC-1", "Address.Region ACC-1", "Address.Street ACC-1", "Building ACC-1", "Name ACC-1",
		}, badFields(err))
		for _, prefix := range []string{"+44", "1617", "+1617555010012", "+1-617", "+"} {
			_, err = w.Dir.AddLocation(w.Ctx, pbx.NewLocation{Building: "E19", Address: pbx.CivicAddress{Country: "US"}, NumberPrefix: prefix})
			require.Equal(t, []string{"NumberPrefix NUM-4"}, badFields(err), prefix)
		}
		e := w.Refused(rule.ACC1, pbx.ErrConflict, func() error {
			_, err := w.Dir.AddLocation(w.Ctx, pbx.NewLocation{Building: "BOS-1", Address: pbx.CivicAddress{Country: "US"}})
			return err
		})
		require.Equal(t, w.Boston.ID.String(), e.Holder.ID)
		other := w.Location(w.Dir, "BOS-2", "US", "")
		other.Building = "BOS-1"
		w.Refused(rule.ACC1, pbx.ErrConflict, func() error { _, err := w.Dir.ModifyLocation(w.Ctx, other); return err })
		w.Location(w.Dir, "LON-3", "GB", "") // another tenant's code is no matter
	})
}

func TestACC1_ALocationIsNotDeletedWhileSomebodyOrSomethingIsThere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		held := func(by string) {
			t.Helper()
			e := w.Refused(rule.ACC1, pbx.ErrFailedPrecondition, func() error { return w.Dir.DeleteLocation(w.Ctx, w.Boston.ID) })
			require.Equal(t, by, e.Holder.String())
		}
		u, err := w.userAt(w.Boston, "ann", "7001")
		require.NoError(t, err)
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", LocationID: w.Boston.ID})
		require.NoError(t, err)
		d, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: "00:1b:54:00:00:01", Model: "Cisco 8851", LocationID: w.Boston.ID})
		require.NoError(t, err)
		held("user ann")
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, pbx.UserOnly))
		held("service 7101")
		require.NoError(t, w.Dir.DeleteService(w.Ctx, s.ID))
		held("device Cisco 8851 00:1b:54:00:00:01")
		require.NoError(t, w.Dir.DeleteDevice(w.Ctx, d.ID))
		require.NoError(t, w.Dir.DeleteLocation(w.Ctx, w.Boston.ID))
		require.Empty(t, testbed.Collect(t, w.Dir.Locations(w.Ctx)))
	})
}
