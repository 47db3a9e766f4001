package pbx_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"

	"github.com/pbxkit/pbx"
)

// Users come from a CSV file, one a row, all or none. Every bad row is reported at
// once.
func ExampleDirectory_ImportUsers() {
	ctx := context.Background()
	_, admin := office(ctx)
	_, err := admin.ImportUsers(ctx, strings.NewReader("first_name,email,extension\nAnn,ann@acme.example.com,7001\nBen,ben,7001\n"))
	for _, bad := range pbx.RowErrors(err) {
		fmt.Println(bad)
	}
	made := must(admin.ImportUsers(ctx, strings.NewReader(
		"first_name,email,extension,service_type,number_source\nAnn,ann@acme.example.com,7001,PRO,new\nBen,ben@acme.example.com,7002,,\n")))
	for _, p := range made.Made {
		fmt.Println(p.User.Name(), p.Service != nil)
	}
	// Output:
	// row 3, email: USR-1: not an email address of up to 254 characters
	// row 3, extension: EXT-2: extension 7001 is taken by user Ann
	// Ann true
	// Ben false
}

// An export writes the columns that an import reads.
func ExampleDirectory_ExportUsers() {
	ctx := context.Background()
	_, admin := office(ctx)
	person(ctx, admin, "ann", "7001")
	var file strings.Builder
	check(admin.ExportUsers(ctx, &file))
	rows := must(csv.NewReader(strings.NewReader(file.String())).ReadAll())
	for column, value := range rows[1] {
		if value != "" {
			fmt.Println(rows[0][column], value)
		}
	}
	// Output:
	// first_name ann
	// email ann@acme.example.com
	// login ann@acme.example.com
	// extension 7001
	// line no
	// sip_address ann@acme.example.com
	// e911 no
	// activate_later no
	// welcome_mail no
}

// A user can have more extensions than one. All of them are lines of one dial plan.
func ExampleDirectory_AddExtension() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann := person(ctx, admin, "ann", "7001")
	must(admin.AddExtension(ctx, ann.ID, "7002"))
	check(admin.SetMainExtension(ctx, ann.ID, "7002"))
	fmt.Println(must(admin.MainExtension(ctx, ann.ID)))
	fmt.Println(must(admin.Lookup(ctx, "7001")).Ref)
	check(admin.RemoveExtension(ctx, "7001"))
	for e, err := range admin.Extensions(ctx, pbx.ExtensionQuery{Prefix: "70"}) {
		check(err)
		fmt.Println(e.Digits)
	}
	// Output:
	// 7002
	// user ann
	// 7002
}

// An alias is a second name of a user, with a SIP address and an extension of its
// own.
func ExampleDirectory_AddAlias() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann := person(ctx, admin, "ann", "7001")
	alias := must(admin.AddAlias(ctx, pbx.NewAlias{UserID: ann.ID, Name: "Ann Support", Extension: "7100"}))
	fmt.Println(alias.Name, alias.SIPAddress)
	alias.Name = "Help desk"
	must(admin.ModifyAlias(ctx, alias))
	for a, err := range admin.Aliases(ctx, ann.ID) {
		check(err)
		fmt.Println(a.Name, must(admin.Alias(ctx, a.ID)).SIPAddress)
	}
	fmt.Println(admin.DeleteAlias(ctx, alias.ID))
	// Output:
	// Ann Support ann.support@acme.example.com
	// Help desk ann.support@acme.example.com
	// <nil>
}

// Users and aliases are members of hunt groups and queues.
func ExampleDirectory_CreateGroup() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann := person(ctx, admin, "ann", "7001")
	alias := must(admin.AddAlias(ctx, pbx.NewAlias{UserID: ann.ID, Name: "Ann Support"}))
	group := must(admin.CreateGroup(ctx, pbx.NewGroup{Kind: pbx.ACDQueue, Name: "Support", Extension: "7900"}))
	check(admin.AddMember(ctx, group.ID, pbx.UserMember(ann.ID)))
	check(admin.AddMember(ctx, group.ID, pbx.AliasMember(alias.ID)))
	check(admin.RemoveMember(ctx, group.ID, pbx.UserMember(ann.ID)))
	for m, err := range admin.Members(ctx, group.ID) {
		check(err)
		fmt.Println(m.ID() == pbx.AliasMember(alias.ID))
	}
	for g, err := range admin.Groups(ctx, pbx.GroupQuery{}) {
		check(err)
		fmt.Println(g.Kind, g.Name)
	}
	fmt.Println(admin.DeleteGroup(ctx, group.ID))
	// Output:
	// true
	// queue Support
	// <nil>
}
