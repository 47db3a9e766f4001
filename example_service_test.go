package pbx_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// A service is a line. Its DN fills itself in where a service type is chosen.
func ExampleDirectory_AddService() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann := person(ctx, admin, "ann", "7001")
	line := must(admin.AddService(ctx, pbx.NewService{
		UserID: ann.ID, Type: "PRO", DeviceType: "Yealink T46U", Number: pbx.OfferedNumber("+16175550101"),
	}))
	fmt.Println(line.DN, line.Number, line.Status) // the DN is ann's own extension
	line.Name = "Ann's desk"
	line = must(admin.ModifyService(ctx, line))
	for s, err := range admin.Services(ctx, pbx.ServiceQuery{}) {
		check(err)
		fmt.Println(s.Name, s.DN)
	}
	// Output:
	// 7001 +16175550101 active
	// Ann's desk 7001
}

// A line can be shared. Each of its users has it beside others, and one of them is
// the primary one.
func ExampleDirectory_Associate() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann, ben := person(ctx, admin, "ann", "7001"), person(ctx, admin, "ben", "7002")
	desk := must(admin.AddService(ctx, pbx.NewService{UserID: ann.ID, Name: "Front desk", DN: "7100", DeviceType: "Yealink T46U"}))
	own := must(admin.AddService(ctx, pbx.NewService{UserID: ben.ID, DN: "7002", DeviceType: "SIP softphone"}))
	second := must(admin.Associate(ctx, ben.ID, desk.ID))
	fmt.Println(second.Slot, second.Primary())
	check(admin.SetPrimary(ctx, ben.ID, desk.ID))
	for _, s := range must(admin.UserServices(ctx, ben.ID)) {
		fmt.Println(s.Association.Slot, s.Service.DN, s.Association.Primary())
	}
	for _, u := range must(admin.ServiceUsers(ctx, desk.ID)) {
		fmt.Println(u.Name())
	}
	check(admin.Confirm(rule.SVC5).Disassociate(ctx, ben.ID, own.ID))
	// Output:
	// 2 false
	// 1 7002 false
	// 2 7100 true
	// ann
	// ben
}

// Whoever gives a line to a user chooses them by name, department, place and the
// lines that they have.
func ExampleDirectory_AssociationChoices() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann := person(ctx, admin, "Ann", "7001")
	person(ctx, admin, "Ben", "7002")
	must(admin.AddService(ctx, pbx.NewService{UserID: ann.ID, DN: "7100", DeviceType: "SIP softphone"}))
	for c, err := range admin.AssociationChoices(ctx, pbx.UserQuery{}) {
		check(err)
		fmt.Println(c.Name, c.DNs)
	}
	// Output:
	// Ann [7100]
	// Ben []
}

// A line that another system hosts is listed here and not edited. It goes when
// that system says so.
func ExampleDirectory_DropRemoteService() {
	ctx := context.Background()
	support, admin := office(ctx)
	line := must(admin.AddService(ctx, pbx.NewService{Name: "Branch", DN: "7100", DeviceType: "SIP softphone", RemoteSystem: "branch-pbx"}))
	fmt.Println(line.Status)
	fmt.Println(pbx.CodeOf(admin.DeleteService(ctx, line.ID)))
	fmt.Println(support.DropRemoteService(ctx, line.ID))
	// Output:
	// none
	// SVC-11
	// <nil>
}

// A shared line is deleted only after the confirmation that names its users.
func ExampleDirectory_DeleteService() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann, bob := person(ctx, admin, "Ann", "7001"), person(ctx, admin, "Bob", "7002")
	desk := must(admin.AddService(ctx, pbx.NewService{UserID: ann.ID, Name: "Front desk", DN: "7100", DeviceType: "Yealink T46U"}))
	must(admin.Associate(ctx, bob.ID, desk.ID))

	err := admin.DeleteService(ctx, desk.ID)
	fmt.Println(errors.Is(err, pbx.ErrUnconfirmed), err)
	fmt.Println(admin.Confirm(rule.SVC9).DeleteService(ctx, desk.ID))
	// Output:
	// true SVC-9: service Front desk (7100) will be deleted for all its users: Ann, Bob
	// <nil>
}

// Some service types take something of the provider first. Support completes the
// order, or says why it failed.
func ExampleDirectory_CompleteOrder() {
	ctx := context.Background()
	support, admin := office(ctx)
	must(admin.AddServiceType(ctx, pbx.NewServiceType{Code: "SIP-TRUNK", Name: "Trunk", Fulfilment: true}))
	trunk := must(admin.AddService(ctx, pbx.NewService{Name: "Trunk", Type: "SIP-TRUNK", DeviceType: "Grandstream HT802"}))
	fmt.Println(trunk.Status)
	trunk = must(support.FailOrder(ctx, trunk.ID, "no port free"))
	fmt.Println(trunk.Status)
	must(admin.RetryOrder(ctx, trunk.ID))
	trunk = must(support.CompleteOrder(ctx, trunk.ID))
	fmt.Println(trunk.Status)
	// Output:
	// order processing
	// order failed
	// active
}

// A line is cancelled for a day to come, and the cancellation can be withdrawn.
// When it is due the line is deleted as any other.
func ExampleDirectory_CancelService() {
	ctx := context.Background()
	_, admin := office(ctx)
	line := must(admin.AddService(ctx, pbx.NewService{Name: "Fax", DN: "7100", DeviceType: "Grandstream HT802"}))
	line = must(admin.CancelService(ctx, line.ID, monday.AddDate(0, 0, 30)))
	fmt.Println(line.Status, line.CancelAt.Format(time.DateOnly))
	line = must(admin.WithdrawCancellation(ctx, line.ID))
	fmt.Println(line.Status)
	// Output:
	// pending cancellation 2026-04-01
	// active
}

// The programmable keys of a line's phone are saved together.
func ExampleDirectory_SetKeys() {
	ctx := context.Background()
	_, admin := office(ctx)
	line := must(admin.AddService(ctx, pbx.NewService{Name: "Desk", DN: "7100", DeviceType: "Yealink T46U"}))
	line = must(admin.SetKeys(ctx, line.ID, line.Rev, []pbx.PhoneKey{
		{Position: 1, Kind: pbx.KeySpeedDial, Label: "Taxi", Target: "+16175550199"},
		{Position: 2, Kind: pbx.KeySpeedDial, Label: "Lobby", Target: "7100"},
	}))
	for k, err := range admin.Keys(ctx, line.ID) {
		check(err)
		fmt.Println(k.Position, k.Kind, k.Label, k.Target)
	}
	// Output:
	// 1 speed dial Taxi +16175550199
	// 2 speed dial Lobby 7100
}

// An owner opens the management record of their line by its national number, and
// of no other.
func ExampleDirectory_Line() {
	ctx := context.Background()
	_, admin := office(ctx)
	must(admin.AddService(ctx, pbx.NewService{Name: "Boardroom", Type: "PRO", DeviceType: "Polycom Trio 8500", Number: pbx.OfferedNumber("+16175550101")}))
	must(admin.AddOwner(ctx, "6175550101", "jdoe"))

	owner := admin.As(pbx.LineOwner("jdoe", must(admin.Tenant(ctx)).ID))
	line := must(owner.Line(ctx, "6175550101"))
	fmt.Println(line.Name, line.DN, line.Owners)
	_, err := owner.Line(ctx, "(617) 555-0101")
	fmt.Println(pbx.CodeOf(err))
	// Output:
	// Boardroom 7000 [jdoe]
	// OWN-1
}

// Owners and location of a line are changed in one act.
func ExampleDirectory_ChangeLine() {
	ctx := context.Background()
	_, admin := office(ctx)
	must(admin.AddService(ctx, pbx.NewService{Name: "Boardroom", Type: "PRO", DeviceType: "Polycom Trio 8500", Number: pbx.OfferedNumber("+16175550101")}))
	must(admin.AddOwner(ctx, "6175550101", "jdoe"))
	line := must(admin.ChangeLine(ctx, "6175550101", pbx.LineChange{
		AddOwners: []pbx.Principal{"asmith"}, RemoveOwners: []pbx.Principal{"jdoe"}, Building: "HQ",
	}))
	fmt.Println(line.Owners, line.Building)
	// Output:
	// [asmith] HQ
}

// What costs or saves money is an order. Its lines come with the order, not with
// the list.
func ExampleDirectory_Orders() {
	ctx := context.Background()
	_, admin := office(ctx)
	line := must(admin.AddService(ctx, pbx.NewService{Name: "Lobby", Type: "PRO", DeviceType: "Yealink T46U"}))
	check(admin.DeleteService(ctx, line.ID))
	for o, err := range admin.Orders(ctx, 0) { // the newest first
		check(err)
		for _, l := range must(admin.Order(ctx, o.ID)).Lines() {
			fmt.Println(o.Number, o.PlacedBy, l.Name, l.Quantity, l.Monthly, l.OneTime, o.BillingFrom.Format(time.DateOnly))
		}
	}
	// Output:
	// 2 bob Connect Pro -1 -2500 0 2026-03-02
	// 1 bob Connect Pro 1 2500 1000 2026-03-02
}
