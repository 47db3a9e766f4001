package pbx_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/memory"
)

// office is a small customer: a site, a product, a package of stations and some
// numbers. It is what every example starts from.
func office(ctx context.Context) (support, admin *pbx.Directory) {
	support = pbx.New(memory.New()).As(pbx.Support("alice"))
	acme, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	check(err)
	_, err = support.StockNumbers(ctx, "+16175550100", "+16175550101")
	check(err)
	admin = support.As(pbx.Administrator("bob", acme.ID))
	check(admin.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		_, err := dir.AddLocation(ctx, pbx.NewLocation{Building: "HQ", NumberPrefix: "+1617", Address: pbx.CivicAddress{
			Street: "1 Main Street", City: "Boston", Region: "MA", PostalCode: "02110", Country: "US"}})
		if err != nil {
			return err
		}
		if _, err := dir.SetServiceType(ctx, pbx.ServiceType{Code: "PRO", Name: "Connect Pro", Monthly: 2500, OneTime: 1000}); err != nil {
			return err
		}
		_, err = dir.SetStationPool(ctx, pbx.StationPool{Package: "STANDARD", Name: "Standard", Total: 10, Applications: []string{"softphone"}})
		return err
	}))
	return support.In(acme.ID), admin
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A guided set-up is reviewed, as a portal shows an order before it is placed,
// and then committed: exactly what was reviewed.
func ExampleDirectory_Review() {
	ctx := context.Background()
	_, admin := office(ctx)
	review, err := admin.Review(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		_, err := dir.SetUpUser(ctx, pbx.SetUp{
			NewUser: pbx.NewUser{FirstName: "Zoë", LastName: "O'Brien", Email: "zoe@acme.example.com", ActivateLater: true},
			Number:  pbx.ProposedNumber(), ServiceType: "PRO", Station: "STANDARD", Applications: []string{"softphone"},
		})
		return err
	})
	check(err)
	for _, e := range review.Effects {
		fmt.Println(e)
	}
	fmt.Println(review.Monthly(), review.OneTime(), review.NextInvoice())
	check(review.Commit(ctx))
	// Output:
	// user Zoë O'Brien created: 7000
	// user Zoë O'Brien welcome mail
	// service 7000 created: 7000
	// number +16175550100 assigned, service 7000
	// service 7000 associated, user Zoë O'Brien
	// station package Standard taken, user Zoë O'Brien
	// order for Connect Pro placed
	// 2500 1000 [Billing starts on activation.]
}

// Several operations succeed together, or leave nothing.
func ExampleDirectory_Batch() {
	ctx := context.Background()
	_, admin := office(ctx)
	err := admin.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		if _, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001"}); err != nil {
			return err
		}
		_, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Bob", Email: "bob@acme.example.com", Extension: "7001"})
		return err
	})
	fmt.Println(err)
	for u := range admin.Users(ctx, pbx.UserQuery{}) {
		fmt.Println(u.Name())
	}
	// Output:
	// EXT-2: Extension: extension 7001 is taken by user Ann
}

// A user needs a name, an email address and an extension, no more; what is
// wrong is reported all at once.
func ExampleDirectory_CreateUser() {
	ctx := context.Background()
	_, admin := office(ctx)
	_, err := admin.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "not an address", Extension: "911"})
	for _, e := range pbx.Errors(err) {
		fmt.Println(e.Code, e.Field, errors.Is(e, pbx.ErrInvalid))
	}
	// Output:
	// USR-1 Email true
	// EXT-3 Extension true
}

// A record that was read is changed and saved; a change that is based on an old
// view is refused.
func ExampleDirectory_ModifyUser() {
	ctx := context.Background()
	_, admin := office(ctx)
	u, err := admin.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001"})
	check(err)
	u.Department = "Sales"
	now, err := admin.ModifyUser(ctx, u)
	check(err)
	fmt.Println(now.Department)
	u.Department = "Finance"
	_, err = admin.ModifyUser(ctx, u)
	fmt.Println(errors.Is(err, pbx.ErrStale), err)
	// Output:
	// Sales
	// true SVC-15: user Ann was changed since it was read: read it again
}

// A shared phone is deleted only after the confirmation that names its users.
func ExampleDirectory_DeleteService() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann, err := admin.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001"})
	check(err)
	bob, err := admin.CreateUser(ctx, pbx.NewUser{FirstName: "Bob", Email: "bob@acme.example.com", Extension: "7002"})
	check(err)
	desk, err := admin.AddService(ctx, pbx.NewService{UserID: ann.ID, Name: "Front desk", DN: "7100", DeviceType: "Yealink T46U"})
	check(err)
	_, err = admin.Associate(ctx, bob.ID, desk.ID)
	check(err)

	err = admin.DeleteService(ctx, desk.ID)
	fmt.Println(errors.Is(err, pbx.ErrUnconfirmed), err)
	fmt.Println(admin.Confirm(rule.SVC9).DeleteService(ctx, desk.ID))
	// Output:
	// true SVC-9: service Front desk (7100) will be deleted for all its users: Ann, Bob
	// <nil>
}

// An owner opens the management record of his line by its national number, and
// of no other.
func ExampleDirectory_Line() {
	ctx := context.Background()
	_, admin := office(ctx)
	_, err := admin.AddService(ctx, pbx.NewService{Name: "Boardroom", Type: "PRO", DeviceType: "Polycom Trio 8500", Number: pbx.OfferedNumber("+16175550101")})
	check(err)
	_, err = admin.AddOwner(ctx, "6175550101", "jdoe")
	check(err)

	acme, err := admin.Tenant(ctx)
	check(err)
	owner := admin.As(pbx.LineOwner("jdoe", acme.ID))
	line, err := owner.Line(ctx, "6175550101")
	check(err)
	fmt.Println(line.Name, line.DN, line.Owners)
	_, err = owner.Line(ctx, "(617) 555-0101")
	fmt.Println(pbx.CodeOf(err))
	// Output:
	// Boardroom 7000 [jdoe]
	// OWN-1
}

// Mail, foreign systems and audits read the journal: in order, at least once,
// from where they stopped.
func ExampleDirectory_Deliver() {
	ctx := context.Background()
	support, admin := office(ctx)
	_, err := admin.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001"})
	check(err)
	send := func(ctx context.Context, e *pbx.Event) error {
		if e.Type == "user.welcome-mail" {
			fmt.Println("mail to a new user, asked for by", e.Actor)
		}
		return nil
	}
	provider := support.In(pbx.Provider)
	_, err = provider.Deliver(ctx, "mail", send)
	check(err)
	again, err := provider.Deliver(ctx, "mail", send)
	fmt.Println(again, err)
	// Output:
	// mail to a new user, asked for by bob
	// 0 <nil>
}

// The checker proves the invariants over the whole store.
func ExampleDirectory_Check() {
	ctx := context.Background()
	support, _ := office(ctx)
	report, err := support.In(pbx.Provider).Check(ctx)
	check(err)
	fmt.Println(report.Tenants, len(report.Violations))
	// Output:
	// 2 0
}
