package pbx_test

import (
	"context"
	"fmt"

	"github.com/pbxkit/pbx"
)

// Numbers are offered from stock near a location. What the tenant has it keeps,
// until it is returned.
func ExampleDirectory_OfferedNumbers() {
	ctx := context.Background()
	_, admin := office(ctx)
	fmt.Println(must(admin.OfferedNumbers(ctx, pbx.LocationID{}, "+1617", 0)))
	line := must(admin.AddService(ctx, pbx.NewService{Name: "Lobby", DN: "7100", DeviceType: "Yealink T46U", Number: pbx.ProposedNumber()}))
	check(admin.DeleteService(ctx, line.ID))
	for n, err := range admin.Numbers(ctx, pbx.NumberQuery{State: pbx.NumberAvailable}) {
		check(err)
		fmt.Println(n.E164, n.State)
	}
	check(admin.ReturnNumber(ctx, line.Number))
	_, err := admin.Number(ctx, line.Number)
	fmt.Println(err)
	// Output:
	// [+16175550100 +16175550101]
	// +16175550100 available
	// NUM-2: Number: the tenant has no number +16175550100
}

// Support gives a customer numbers that it brought along.
func ExampleDirectory_AddNumbers() {
	ctx := context.Background()
	support, admin := office(ctx)
	must(support.AddNumbers(ctx, "+16175550150"))
	line := must(admin.AddService(ctx, pbx.NewService{Name: "Lobby", DN: "7100", DeviceType: "Yealink T46U", Number: pbx.ExistingNumber("+16175550150")}))
	fmt.Println(line.Number, must(admin.Number(ctx, line.Number)).State)
	// Output:
	// +16175550150 assigned
}

// A user's number is changed together with the extension, and what becomes of the
// previous number is chosen.
func ExampleDirectory_ChangeNumber() {
	ctx := context.Background()
	_, admin := office(ctx)
	made := must(admin.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com"}, Number: pbx.ProposedNumber(), ServiceType: "PRO",
	}))
	line := must(admin.ChangeNumber(ctx, made.User.ID, pbx.NumberChange{
		Number: pbx.OfferedNumber("+16175550101"), Previous: pbx.KeepNumber,
		UpdateExtension: true, Extension: "7101",
	}))
	fmt.Println(line.Number, line.DN)
	fmt.Println(must(admin.Number(ctx, made.Service.Number)).State)
	// Output:
	// +16175550101 7101
	// available
}

// Numbers of another carrier are ported in. Until then the line works under a
// temporary number, which goes back by itself.
func ExampleDirectory_RequestPort() {
	ctx := context.Background()
	support, admin := office(ctx)
	port := must(admin.RequestPort(ctx, pbx.NewPort{Carrier: "Old Bell", Date: monday.AddDate(0, 0, 14), Numbers: []pbx.E164{"+16175550160"}}))
	line := must(admin.AddService(ctx, pbx.NewService{Name: "Lobby", DN: "7100", DeviceType: "Yealink T46U", Number: pbx.ExistingNumber("+16175550160")}))
	fmt.Println(port.State, line.Number)
	must(support.ConfirmPort(ctx, port.ID))
	port = must(support.ActivatePort(ctx, port.ID))
	fmt.Println(port.State, must(admin.Service(ctx, line.ID)).Number)
	// Output:
	// requested +16175550100
	// activated +16175550160
}

// A port that comes to nothing is cancelled, or support says that it failed.
func ExampleDirectory_PortRequests() {
	ctx := context.Background()
	support, admin := office(ctx)
	first := must(admin.RequestPort(ctx, pbx.NewPort{Carrier: "Old Bell", Date: monday, Numbers: []pbx.E164{"+16175550160"}}))
	second := must(admin.RequestPort(ctx, pbx.NewPort{Carrier: "Old Bell", Date: monday, Numbers: []pbx.E164{"+16175550161"}}))
	must(admin.CancelPort(ctx, first.ID))
	must(support.FailPort(ctx, second.ID))
	for p, err := range admin.PortRequests(ctx) {
		check(err)
		fmt.Println(p.Carrier, p.State, must(admin.PortRequest(ctx, p.ID)).Date.Format("2 January"))
	}
	// Output:
	// Old Bell cancelled 2 March
	// Old Bell failed 2 March
}
