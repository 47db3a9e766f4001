package pbx_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/memory"
)

// monday is when every example takes place.
var monday = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// open returns a support agent's Directory over an empty store. Its clock stands
// still and its IDs are counted, so that each run of an example prints the same.
func open(opts ...pbx.Option) *pbx.Directory {
	var last uint64
	next := func() (id [16]byte) {
		last++
		binary.BigEndian.PutUint64(id[8:], 1000+last)
		return id
	}
	opts = append([]pbx.Option{pbx.WithClock(func() time.Time { return monday }), pbx.WithIDs(next)}, opts...)
	return pbx.New(memory.New(), opts...).As(pbx.Support("alice"))
}

// office is a small customer: a site, a product, a package of stations and two
// numbers in stock. Most examples start from it. It returns the Directories of a
// support agent who has entered the tenant, and of the tenant's administrator.
func office(ctx context.Context, opts ...pbx.Option) (support, admin *pbx.Directory) {
	provider := open(opts...)
	acme := must(provider.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"}))
	must(provider.StockNumbers(ctx, "+16175550100", "+16175550101"))
	admin = provider.As(pbx.Administrator("bob", acme.ID))
	check(admin.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		must(dir.AddLocation(ctx, pbx.NewLocation{Building: "HQ", NumberPrefix: "+1617", Address: pbx.CivicAddress{
			Street: "1 Main Street", City: "Boston", Region: "MA", PostalCode: "02110", Country: "US"}}))
		must(dir.AddServiceType(ctx, pbx.NewServiceType{Code: "PRO", Name: "Connect Pro", Monthly: 2500, OneTime: 1000}))
		must(dir.AddStationPool(ctx, pbx.NewStationPool{Package: "STANDARD", Name: "Standard", Total: 10, Applications: []string{"softphone"}}))
		return nil
	}))
	return provider.In(acme.ID), admin
}

// person creates a user who has an extension and nothing else.
func person(ctx context.Context, dir *pbx.Directory, name string, e pbx.Extension) *pbx.User {
	return must(dir.CreateUser(ctx, pbx.NewUser{FirstName: name, Email: name + "@acme.example.com", Extension: e}))
}

// must returns the value, or ends the program.
func must[T any](v T, err error) T {
	check(err)
	return v
}

// check ends the program if there is an error.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// The whole way: a store, a support agent who creates a customer, and the
// customer's administrator, who reviews a guided set-up and commits it.
func Example() {
	ctx := context.Background()
	store := memory.New() // or sqlite.Open, or postgres.Open
	defer store.Close()
	support := pbx.New(store).As(pbx.Support("alice"))
	acme, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	admin := support.As(pbx.Administrator("bob", acme.ID))

	review, err := admin.Review(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		_, err := dir.SetUpUser(ctx, pbx.SetUp{
			NewUser: pbx.NewUser{FirstName: "Zoë", LastName: "O'Brien", Email: "zoe@acme.example.com", Extension: "7001"},
		})
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(review.Effects, review.Warnings, review.Monthly())
	fmt.Println(review.Commit(ctx))
	// Output:
	// [user Zoë O'Brien created: 7001 user Zoë O'Brien welcome mail service 7001 created: 7001 service 7001 associated, user Zoë O'Brien] [] 0
	// <nil>
}

// A guided set-up is reviewed, as a portal shows an order before it is placed,
// and then committed: exactly what was reviewed.
func ExampleDirectory_Review() {
	ctx := context.Background()
	_, admin := office(ctx)
	review := must(admin.Review(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		_, err := dir.SetUpUser(ctx, pbx.SetUp{
			NewUser: pbx.NewUser{FirstName: "Zoë", LastName: "O'Brien", Email: "zoe@acme.example.com", ActivateLater: true},
			Number:  pbx.ProposedNumber(), ServiceType: "PRO", Station: "STANDARD", Applications: []string{"softphone"},
		})
		return err
	}))
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

// What was reviewed is committed, or refused with a fresh review when it would
// come out otherwise by now.
func ExampleReview_Commit() {
	ctx := context.Background()
	_, admin := office(ctx)
	review := must(admin.Review(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		_, err := dir.AddService(ctx, pbx.NewService{Name: "Lobby", Type: "PRO", DeviceType: "Yealink T46U"})
		return err
	}))
	fmt.Println(review.Effects[0])
	person(ctx, admin, "ann", "7000") // takes the extension that the review proposed

	err := review.Commit(ctx)
	fmt.Println(err)
	if stale, ok := errors.AsType[*pbx.StaleReview](err); ok {
		fmt.Println(stale.Fresh.Effects[0])
		fmt.Println(stale.Fresh.Commit(ctx))
	}
	// Output:
	// service Lobby (7000) created: 7000
	// SYS-2: something changed since the review; review it again
	// service Lobby (7001) created: 7001
	// <nil>
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

// The journal is the audit log: who did what, to which record.
func ExampleDirectory_Journal() {
	ctx := context.Background()
	support, admin := office(ctx)
	ann := person(ctx, admin, "ann", "7001")
	must(support.AddExtension(ctx, ann.ID, "7002"))
	for e, err := range admin.Journal(ctx, pbx.JournalQuery{AfterSeq: 2}) { // later than creating the tenant and its office
		check(err)
		fmt.Println(e.Seq, e.Pos, e.Actor, e.Role, e.Type)
	}
	// Output:
	// 3 1 bob administrator user.created
	// 3 2 bob administrator user.welcome-mail
	// 4 1 alice support extension.added
}

// Mail, foreign systems and audits read the journal: in order, at least once,
// from where they stopped.
func ExampleDirectory_Deliver() {
	ctx := context.Background()
	support, admin := office(ctx)
	person(ctx, admin, "ann", "7001")
	send := func(ctx context.Context, e *pbx.Event) error {
		if e.Type == "user.welcome-mail" {
			fmt.Println("mail to a new user, asked for by", e.Actor)
		}
		return nil
	}
	provider := support.In(pbx.Provider)
	must(provider.Deliver(ctx, "mail", send))
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
	report := must(support.In(pbx.Provider).Check(ctx))
	fmt.Println(report.Tenants, len(report.Violations))
	// Output:
	// 2 0
}
