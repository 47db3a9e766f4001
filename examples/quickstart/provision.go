package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/pbxkit/pbx"
)

// site is a place of the company that the file names by its building code.
type site struct {
	building, tenantCountry string
	location                pbx.NewLocation
}

var sites = []site{
	{"BOS-1", "US", pbx.NewLocation{Building: "BOS-1", Name: "Boston", NumberPrefix: "+1617",
		Address: pbx.CivicAddress{Street: "12 Harbor Street", City: "Boston", Region: "MA", PostalCode: "02110", Country: "US"}}},
	{"CHI-2", "US", pbx.NewLocation{Building: "CHI-2", Name: "Chicago", NumberPrefix: "+1312",
		Address: pbx.CivicAddress{Street: "400 Lake Shore", City: "Chicago", Region: "IL", PostalCode: "60601", Country: "US"}}},
	{"LON-3", "GB", pbx.NewLocation{Building: "LON-3", Name: "London", NumberPrefix: "+4420",
		Address: pbx.CivicAddress{Street: "3 Reed Lane", City: "London", PostalCode: "EC1A 1BB", Country: "GB"}}},
}

var catalogue = []pbx.NewServiceType{
	{Code: "CONNECT-ESSENTIAL", Name: "Connect Essential", Monthly: 1200, OneTime: 0},
	{Code: "CONNECT-PRO", Name: "Connect Pro", Monthly: 2100, OneTime: 1500},
	{Code: "CONNECT-ELITE", Name: "Connect Elite", Monthly: 3400, OneTime: 1500},
	{Code: "ROOM", Name: "Conference room", Monthly: 900, OneTime: 2500},
}

var packages = []pbx.NewStationPool{
	{Package: "BASIC", Name: "Basic", Total: 12, Applications: []string{"softphone"}},
	{Package: "STANDARD", Name: "Standard", Total: 50, Applications: []string{"softphone", "fax"}},
	{Package: "PREMIUM", Name: "Premium", Total: 20, Applications: []string{"softphone", "fax", "recording", "crm"}},
}

// provision creates the tenants and everything in them.
func provision(ctx context.Context, dir *pbx.Directory, c *company) ([]*pbx.Tenant, error) {
	if _, err := dir.StockNumbers(ctx, "+16175550198", "+16175550199", "+442079460990", "+442079460991"); err != nil {
		return nil, err
	}
	var tenants []*pbx.Tenant
	for i, plan := range c.tenants {
		country, currency := "US", "USD"
		if plan.rows[0].site == "LON-3" {
			country, currency = "GB", "GBP"
		}
		policy := pbx.DefaultPolicy()
		policy.NumberMonthly, policy.NumberOneTime = 200, 500
		tenant, err := dir.CreateTenant(ctx, pbx.NewTenant{
			Name: plan.name, Country: country, Currency: currency, Policy: &policy,
			SIPDomain: fmt.Sprintf("voice%d.harborreed.example", i+1),
		})
		if err != nil {
			return nil, err
		}
		admin := dir.As(pbx.Administrator("admin", tenant.ID))
		p := provisioning{dir: admin, tenant: tenant, locations: map[string]*pbx.Location{}}
		if err := p.foundations(ctx, dir.In(tenant.ID), plan); err != nil {
			return nil, err
		}
		if err := p.people(ctx, plan); err != nil {
			return nil, err
		}
		tenants = append(tenants, tenant)
	}
	return tenants, nil
}

// provisioning fills one tenant.
type provisioning struct {
	dir       *pbx.Directory
	tenant    *pbx.Tenant
	locations map[string]*pbx.Location
}

// foundations are the sites, the catalogue, the licences and the numbers, all
// in one batch. Numbers are added by support.
func (p *provisioning) foundations(ctx context.Context, support *pbx.Directory, plan *tenantPlan) error {
	return support.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		for _, s := range sites {
			if s.tenantCountry != p.tenant.Country {
				continue
			}
			location, err := dir.AddLocation(ctx, s.location)
			if err != nil {
				return err
			}
			p.locations[s.building] = location
		}
		for _, product := range catalogue {
			if _, err := dir.AddServiceType(ctx, product); err != nil {
				return err
			}
		}
		for _, pool := range packages {
			if _, err := dir.AddStationPool(ctx, pool); err != nil {
				return err
			}
		}
		var numbers []pbx.E164
		for _, r := range plan.rows {
			if r.number != "" {
				numbers = append(numbers, pbx.E164(r.number))
			}
		}
		_, err := dir.AddNumbers(ctx, numbers...)
		return err
	})
}

// batchSize is how many rows are reviewed and committed together.
const batchSize = 24

// people sets everybody up, in batches: each is reviewed first, and saved whole
// or not at all.
func (p *provisioning) people(ctx context.Context, plan *tenantPlan) error {
	fmt.Printf("\n%s (%s)\n", p.tenant.Name, p.tenant.Country)
	for start := 0; start < len(plan.rows); start += batchSize {
		rows := plan.rows[start:min(start+batchSize, len(plan.rows))]
		review, err := p.dir.Review(ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for _, r := range rows {
				if err := p.setUp(ctx, dir, r); err != nil {
					return fmt.Errorf("company.csv, line %d: %w", r.line, err)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := review.Commit(ctx); err != nil {
			return err
		}
		done := start + len(rows)
		bar := strings.Repeat("#", 24*done/len(plan.rows))
		fmt.Printf("  [%-24s] %3d of %d   %3d effects, %d orders, %s a month, %d warnings\n", bar, done, len(plan.rows),
			len(review.Effects), len(review.Orders), money(p.tenant, review.Monthly()), len(review.Warnings))
	}
	return nil
}

// setUp provisions one row: the phone, then the person or the room with it,
// the mailbox and the owner.
func (p *provisioning) setUp(ctx context.Context, dir *pbx.Directory, r row) error {
	at := p.locations[r.site]
	if at == nil {
		return fmt.Errorf("the tenant has no site %s", r.site)
	}
	device, err := dir.AddDevice(ctx, pbx.NewDevice{MAC: r.mac, Model: r.model, LocationID: at.ID})
	if err != nil {
		return err
	}
	var number pbx.NumberChoice
	if r.number != "" {
		number = pbx.ExistingNumber(pbx.E164(r.number))
	}
	service, err := p.line(ctx, dir, r, at, device, number)
	if err != nil {
		return err
	}
	if r.mailbox {
		if _, err := dir.AddMailbox(ctx, service.ID, pbx.NewMailbox{}); err != nil {
			return err
		}
	}
	if r.owner != "" && r.number != "" {
		_, err = dir.AddOwner(ctx, national(p.tenant, pbx.E164(r.number)), pbx.Principal(r.owner))
	}
	return err
}

func (p *provisioning) line(ctx context.Context, dir *pbx.Directory, r row, at *pbx.Location, device *pbx.Device, number pbx.NumberChoice) (*pbx.Service, error) {
	if r.room {
		return dir.AddService(ctx, pbx.NewService{
			Name: r.department, DN: pbx.Extension(r.extension), Type: r.serviceType, DeviceID: device.ID, Number: number, LocationID: at.ID,
		})
	}
	made, err := dir.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{
			FirstName: r.first, LastName: r.last, Email: r.email, Login: r.login,
			Department: r.department, LocationID: at.ID, Extension: pbx.Extension(r.extension),
		},
		Number: number, ServiceType: r.serviceType,
		Station: r.station, Applications: r.applications,
		DeviceID: device.ID, Ports: r.ports,
	})
	if err != nil {
		return nil, err
	}
	return made.Service, nil
}

// national is a number as people in the tenant's country write it: the digits
// behind the country code.
func national(t *pbx.Tenant, n pbx.E164) string {
	if t.Country == "GB" {
		return strings.TrimPrefix(string(n), "+44")
	}
	return strings.TrimPrefix(string(n), "+1")
}

func money(t *pbx.Tenant, m pbx.Money) string {
	sign := map[string]string{"USD": "$", "GBP": "£"}[t.Currency]
	if m < 0 {
		return fmt.Sprintf("-%s%d.%02d", sign, -m/100, -m%100)
	}
	return fmt.Sprintf("%s%d.%02d", sign, m/100, m%100)
}
