package pbx_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/pbxkit/pbx"
)

// A phone of the inventory is assigned to a user with so many ports, and comes back.
func ExampleDirectory_AssignDevice() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann := person(ctx, admin, "ann", "7001")
	phone := must(admin.AddDevice(ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-01", Model: "Yealink T46U"}))
	phone = must(admin.AssignDevice(ctx, phone.ID, ann.ID, 2))
	fmt.Println(phone.MAC, phone.State, phone.PortsUsed)
	fmt.Println(admin.DeleteDevice(ctx, phone.ID))
	check(admin.UnassignDevice(ctx, phone.ID))
	for d, err := range admin.Devices(ctx, pbx.DeviceQuery{State: pbx.DeviceAvailable}) {
		check(err)
		fmt.Println(d.MAC, d.State)
	}
	fmt.Println(admin.DeleteDevice(ctx, phone.ID))
	// Output:
	// 00:1b:54:00:00:01 assigned 2
	// DEV-6: device Yealink T46U 00:1b:54:00:00:01 is taken by user ann: remove the assignment first
	// 00:1b:54:00:00:01 available
	// <nil>
}

// A user with several phones has one primary one: the first, until another is
// chosen.
func ExampleDirectory_SetPrimaryDevice() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann := person(ctx, admin, "ann", "7001")
	for _, mac := range []string{"00:1b:54:00:00:01", "00:1b:54:00:00:02"} {
		phone := must(admin.AddDevice(ctx, pbx.NewDevice{MAC: mac, Model: "Yealink T46U"}))
		must(admin.AssignDevice(ctx, phone.ID, ann.ID, 1))
		check(admin.SetPrimaryDevice(ctx, phone.ID))
	}
	for d, err := range admin.Devices(ctx, pbx.DeviceQuery{UserID: ann.ID}) {
		check(err)
		fmt.Println(d.MAC, !d.PrimaryOf.IsZero())
	}
	// Output:
	// 00:1b:54:00:00:01 false
	// 00:1b:54:00:00:02 true
}

// The lines of a phone carry its user, or their aliases.
func ExampleDirectory_SetDeviceLine() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann := person(ctx, admin, "ann", "7001")
	alias := must(admin.AddAlias(ctx, pbx.NewAlias{UserID: ann.ID, Name: "Ann Support"}))
	phone := must(admin.AddDevice(ctx, pbx.NewDevice{MAC: "00:1b:54:00:00:01", Model: "Yealink T46U"}))
	must(admin.AssignDevice(ctx, phone.ID, ann.ID, 3))
	must(admin.SetDeviceLine(ctx, phone.ID, 2, pbx.AliasMember(alias.ID)))
	for line, err := range admin.DeviceLines(ctx, phone.ID) {
		check(err)
		fmt.Println(line.Line, line.Name, line.SIPAddress)
	}
	check(admin.ClearDeviceLine(ctx, phone.ID, 2))
	_, err := admin.LineIdentity(ctx, phone.ID, 2)
	fmt.Println(errors.Is(err, pbx.ErrNotFound))
	// Output:
	// 1 ann ann@acme.example.com
	// 2 Ann Support ann.support@acme.example.com
	// true
}

// A line's mailbox has a number and a PIN. Wrong tries are counted, and lock it.
func ExampleDirectory_AddMailbox() {
	ctx := context.Background()
	_, admin := office(ctx)
	line := must(admin.AddService(ctx, pbx.NewService{Name: "Desk", DN: "7100", DeviceType: "SIP softphone", UserID: person(ctx, admin, "ann", "7001").ID}))
	box := must(admin.AddMailbox(ctx, line.ID, pbx.NewMailbox{}))
	fmt.Println(box.Number, box.HasPIN())
	fmt.Println(pbx.CodeOf(admin.SetPIN(ctx, line.ID, "123456")))
	check(admin.SetPIN(ctx, line.ID, "294751"))
	fmt.Println(admin.CheckPIN(ctx, line.ID, "294751"))
	fmt.Println(errors.Is(admin.CheckPIN(ctx, line.ID, "111111"), pbx.ErrDenied))
	box = must(admin.Mailbox(ctx, line.ID))
	box.Email = "ann@acme.example.com"
	fmt.Println(must(admin.ModifyMailbox(ctx, box)).Email)
	fmt.Println(admin.DeleteMailbox(ctx, line.ID))
	// Output:
	// 7100 false
	// VM-5
	// <nil>
	// true
	// ann@acme.example.com
	// <nil>
}

// The password of a SIP address is shown once, to whoever issued it. A registrar
// reads the digest.
func ExampleDirectory_IssueCredentials() {
	ctx := context.Background()
	key := make([]byte, 32)
	must(rand.Read(key)) // kept where the store's records are not
	support, admin := office(ctx, pbx.WithSealer(must(pbx.SealerFrom(key))))
	ann := person(ctx, admin, "ann", "7001")
	issued := must(admin.IssueCredentials(ctx, ann.SIPAddress))
	fmt.Println(issued.Username, issued.Realm, len(must(issued.Password.Reveal())))
	digest := must(support.Digest(ctx, ann.SIPAddress))
	fmt.Println(digest.Username, digest.SHA256 != "", digest.SHA256)
	fmt.Println(must(admin.SIPIdentity(ctx, ann.SIPAddress)).UserID == ann.ID)
	// Output:
	// ann acme.example.com 32
	// ann true [HA1]
	// true
}
