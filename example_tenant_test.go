package pbx_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pbxkit/pbx"
)

// Support creates a customer. Its administrator changes its settings, such as the
// range from which extensions fill themselves in.
func ExampleDirectory_CreateTenant() {
	ctx := context.Background()
	provider := open()
	acme := must(provider.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"}))
	admin := provider.As(pbx.Administrator("bob", acme.ID))

	settings := must(admin.Tenant(ctx))
	settings.Policy.ExtensionFirst, settings.Policy.ExtensionLast = "4000", "4999"
	settings.Policy.AdvisedExtension = "4xxx"
	settings = must(admin.ModifyTenant(ctx, settings))
	fmt.Println(settings.Name, settings.Currency, settings.Policy.ExtensionFirst)

	_, err := provider.CreateTenant(ctx, pbx.NewTenant{Name: "Another", Country: "US", SIPDomain: "acme.example.com"})
	fmt.Println(err)
	// Output:
	// Acme USD 4000
	// ACC-1: SIPDomain: the SIP domain acme.example.com is taken
}

// A support agent finds a customer by the beginning of its name, and enters it.
func ExampleDirectory_Tenants() {
	ctx := context.Background()
	support, _ := office(ctx)
	for tenant, err := range support.In(pbx.Provider).Tenants(ctx, pbx.TenantQuery{Name: "ac"}) {
		check(err)
		inside := support.In(tenant.ID)
		fmt.Println(tenant.Name, must(inside.Tenant(ctx)).SIPDomain)
	}
	// Output:
	// Acme acme.example.com
}

// A location is a site of the tenant. It can be deleted while nobody is there.
func ExampleDirectory_AddLocation() {
	ctx := context.Background()
	_, admin := office(ctx)
	lab := must(admin.AddLocation(ctx, pbx.NewLocation{Building: "LAB", NumberPrefix: "+1617", Address: pbx.CivicAddress{Country: "US"}}))
	lab.Name = "Laboratory"
	lab = must(admin.ModifyLocation(ctx, lab))
	must(admin.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001", LocationID: lab.ID}))
	for at, err := range admin.Locations(ctx) {
		check(err)
		fmt.Println(at.Building, at.Name, at.Address.Country)
	}
	fmt.Println(admin.DeleteLocation(ctx, lab.ID))
	// Output:
	// HQ  US
	// LAB Laboratory US
	// ACC-1: location LAB is the location of user Ann
}

// The catalogue of a tenant: its service types, and the packages of stations that
// it has bought.
func ExampleDirectory_AddServiceType() {
	ctx := context.Background()
	_, admin := office(ctx)
	room := must(admin.AddServiceType(ctx, pbx.NewServiceType{Code: "ROOM", Name: "Room", Monthly: 900}))
	room.Name = "Conference room"
	must(admin.ModifyServiceType(ctx, room))
	for typ, err := range admin.ServiceTypes(ctx) {
		check(err)
		fmt.Println(typ.Code, typ.Name, typ.Monthly, typ.OneTime)
	}
	for pool, err := range admin.StationPools(ctx) {
		check(err)
		fmt.Println(pool.Package, pool.Applications, pool.Available(), "of", pool.Total)
	}
	// Output:
	// PRO Connect Pro 2500 1000
	// ROOM Conference room 900 0
	// STANDARD [softphone] 10 of 10
}

// A user has a station of one package. Where none is left, nobody gets one.
func ExampleDirectory_ChangeStation() {
	ctx := context.Background()
	_, admin := office(ctx)
	must(admin.AddStationPool(ctx, pbx.NewStationPool{Package: "PREMIUM", Name: "Premium", Total: 1, Applications: []string{"crm"}}))
	ann, ben := person(ctx, admin, "ann", "7001"), person(ctx, admin, "ben", "7002")
	ann = must(admin.ChangeStation(ctx, ann.ID, "PREMIUM"))
	fmt.Println(ann.Station)
	_, err := admin.ChangeStation(ctx, ben.ID, "PREMIUM")
	fmt.Println(errors.Is(err, pbx.ErrExhausted), err)
	ann = must(admin.ChangeStation(ctx, ann.ID, "")) // takes it away
	fmt.Println(must(admin.ChangeStation(ctx, ben.ID, "PREMIUM")).Station)
	// Output:
	// PREMIUM
	// true STN-1: Station: all 1 stations of the package PREMIUM are in use: order more
	// PREMIUM
}
