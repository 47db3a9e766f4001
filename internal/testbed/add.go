package testbed

import (
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
)

// Tenant creates a customer with two service types and a package of stations.
func (w *World) Tenant(name, country, domain string) *pbx.Tenant {
	w.T.Helper()
	tenant, err := w.Support.CreateTenant(w.Ctx, pbx.NewTenant{Name: name, Country: country, SIPDomain: domain})
	require.NoError(w.T, err)
	in := w.Support.In(tenant.ID)
	_, err = in.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "PRO", Name: "Connect Pro", Monthly: 2500, OneTime: 1000, Applications: []string{"softphone", "fax"}})
	require.NoError(w.T, err)
	_, err = in.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "FREE", Name: "Lobby phone"})
	require.NoError(w.T, err)
	_, err = in.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "STANDARD", Name: "Standard", Total: 3, Applications: []string{"softphone", "crm"}})
	require.NoError(w.T, err)
	return tenant
}

// Location adds a location with an address to a tenant.
func (w *World) Location(dir *pbx.Directory, building, country, prefix string) *pbx.Location {
	w.T.Helper()
	l, err := dir.AddLocation(w.Ctx, pbx.NewLocation{
		Building: building, Name: "Building " + building, NumberPrefix: prefix,
		Address: pbx.CivicAddress{Street: "1 Main Street", City: "Town", PostalCode: "02110", Country: country},
	})
	require.NoError(w.T, err)
	return l
}

// Abroad adds a London location of the US tenant.
func (w *World) Abroad() *pbx.Location {
	w.T.Helper()
	return w.Location(w.Dir, "LON-1", "GB", "+4420")
}

// BareSite adds a location of the US tenant without an address to send help to.
func (w *World) BareSite(building string) *pbx.Location {
	w.T.Helper()
	l, err := w.Dir.AddLocation(w.Ctx, pbx.NewLocation{Building: building, Address: pbx.CivicAddress{Country: "US"}})
	require.NoError(w.T, err)
	return l
}

// User creates a user of the US tenant with nothing but an extension.
func (w *World) User(first, last string, e pbx.Extension) *pbx.User {
	w.T.Helper()
	u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: first, LastName: last, Email: strings.ToLower(first+"."+last) + "@example.com", Extension: e})
	require.NoError(w.T, err)
	return u
}

// Alias adds an alias to a user of the US tenant.
func (w *World) Alias(user pbx.UserID, name string, e pbx.Extension) *pbx.Alias {
	w.T.Helper()
	a, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: user, Name: name, Extension: e})
	require.NoError(w.T, err)
	return a
}

// Newcomer is a set-up that costs money: a type, and a number where it has a
// price.
func Newcomer(name string) pbx.SetUp {
	return pbx.SetUp{NewUser: pbx.NewUser{FirstName: name, Email: name + "@example.com"}, ServiceType: "PRO", Number: pbx.ProposedNumber()}
}

// Service adds a service to the US tenant, for a user or for none.
func (w *World) Service(user pbx.UserID, dn pbx.Extension) *pbx.Service {
	w.T.Helper()
	s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: user, DN: dn, DeviceType: "Polycom VVX 450"})
	require.NoError(w.T, err)
	return s
}

// Phone adds a device to the US tenant.
func (w *World) Phone(mac, model string) *pbx.Device {
	w.T.Helper()
	d, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: mac, Model: model})
	require.NoError(w.T, err)
	return d
}

// Group creates a group of the US tenant.
func (w *World) Group(name string, e pbx.Extension) *pbx.Group {
	w.T.Helper()
	g, err := w.Dir.CreateGroup(w.Ctx, pbx.NewGroup{Name: name, Extension: e})
	require.NoError(w.T, err)
	return g
}

// Own adds available numbers to the US tenant.
func (w *World) Own(list ...pbx.E164) {
	w.T.Helper()
	_, err := w.Support.In(w.US.ID).AddNumbers(w.Ctx, list...)
	require.NoError(w.T, err)
}

// Pool reads a package of the US tenant.
func (w *World) Pool(name string) *pbx.StationPool {
	w.T.Helper()
	for _, p := range Collect(w.T, w.Dir.StationPools(w.Ctx)) {
		if p.Package == name {
			return p
		}
	}
	require.Fail(w.T, "no package "+name)
	return nil
}

// ModifyPool changes a package of the tenant as it is now.
func (w *World) ModifyPool(name string, change func(p *pbx.StationPool)) error {
	w.T.Helper()
	p := w.Pool(name)
	change(p)
	return Second(w.Dir.ModifyStationPool(w.Ctx, p))
}

// ModifyPolicy changes the US tenant's policy.
func (w *World) ModifyPolicy(change func(p *pbx.Policy)) {
	w.T.Helper()
	tenant, err := w.Dir.Tenant(w.Ctx)
	require.NoError(w.T, err)
	change(&tenant.Policy)
	_, err = w.Dir.ModifyTenant(w.Ctx, tenant)
	require.NoError(w.T, err)
}
