package main

import (
	"context"
	"fmt"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/sqlite"
)

// office is a tenant with everything that set-ups take from: one location, one
// product, one package, and as many devices and numbers as there will be users.
type office struct {
	dir      *pbx.Directory
	tenant   *pbx.Tenant
	location *pbx.Location
	devices  []pbx.DeviceID
	numbers  []pbx.E164
}

func furnish(ctx context.Context, store store.Store, n int) (*office, error) {
	support := pbx.New(store).As(pbx.Support("bench"))
	policy := pbx.DefaultPolicy()
	policy.ExtensionFirst, policy.ExtensionLast, policy.AdvisedExtension = "70000", "79999", ""
	tenant, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Bench", Country: "US", SIPDomain: "bench.example.com", Policy: &policy})
	if err != nil {
		return nil, err
	}
	o := &office{dir: support.In(tenant.ID), tenant: tenant}
	err = o.dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		var err error
		if o.location, err = dir.AddLocation(ctx, pbx.NewLocation{Building: "B1", Name: "One", NumberPrefix: "+1617",
			Address: pbx.CivicAddress{Street: "1 Main Street", City: "Boston", Region: "MA", PostalCode: "02110", Country: "US"}}); err != nil {
			return err
		}
		if _, err = dir.AddServiceType(ctx, pbx.NewServiceType{Code: "PRO", Name: "Connect Pro", Monthly: 2500, OneTime: 1000, Applications: []string{"softphone"}}); err != nil {
			return err
		}
		if _, err = dir.AddStationPool(ctx, pbx.NewStationPool{Package: "STANDARD", Name: "Standard", Total: int64(n), Applications: []string{"softphone", "fax"}}); err != nil {
			return err
		}
		for i := range n {
			device, err := dir.AddDevice(ctx, pbx.NewDevice{MAC: fmt.Sprintf("0004f2%06x", i), Model: "Polycom VVX 450", LocationID: o.location.ID})
			if err != nil {
				return err
			}
			o.devices = append(o.devices, device.ID)
			o.numbers = append(o.numbers, pbx.E164(fmt.Sprintf("+1617555%04d", i)))
		}
		for start := 0; start < n; start += 1000 {
			if _, err := dir.AddNumbers(ctx, o.numbers[start:min(n, start+1000)]...); err != nil {
				return err
			}
		}
		return nil
	})
	return o, err
}

func (o *office) setUp(i int) error {
	_, err := o.dir.SetUpUser(context.Background(), pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Zoe", LastName: fmt.Sprintf("Miller%05d", i), Email: fmt.Sprintf("zoe.miller%05d@example.com", i),
			Department: "Sales", LocationID: o.location.ID},
		Number: pbx.ExistingNumber(o.numbers[i]), ServiceType: "PRO", Station: "STANDARD", Applications: []string{"softphone", "fax"},
		DeviceID: o.devices[i], Ports: 2,
	})
	return err
}

func libraryOnSQLite(path string, n int) (*contender, error) {
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	o, err := furnish(context.Background(), store, n)
	if err != nil {
		return nil, err
	}
	return &contender{name: "SQLite, FULL: pbx.SetUpUser", setUp: o.setUp}, nil
}

func libraryInMemory(n int) (*contender, error) {
	o, err := furnish(context.Background(), memory.New(), n)
	if err != nil {
		return nil, err
	}
	return &contender{name: "memory: pbx.SetUpUser", setUp: o.setUp}, nil
}
