package pbx_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

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

// The guided set-up makes a user, a line with its number, a mailbox, a station and
// the order, in one act.
func ExampleDirectory_SetUpUser() {
	ctx := context.Background()
	_, admin := office(ctx)
	made := must(admin.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Ann", LastName: "Lee", Email: "ann@acme.example.com"},
		Number:  pbx.ProposedNumber(), ServiceType: "PRO",
		Station: "STANDARD", Applications: []string{"softphone"},
		Mailbox: &pbx.NewMailbox{Email: "ann@acme.example.com", PIN: "294751"},
	}))
	fmt.Println(made.User.Name(), made.User.State, made.User.SIPAddress)
	fmt.Println(made.Service.DN, made.Service.Number, made.Service.DeviceType)
	fmt.Println(made.Mailbox.Number, made.Mailbox.HasPIN())
	fmt.Println(made.Order.Number, made.Order.Monthly, made.Order.OneTime)
	// Output:
	// Ann Lee active ann@acme.example.com
	// 7000 +16175550100 SIP softphone
	// 7000 true
	// 1 2500 1000
}

// A record that was read is changed and saved. A change that is based on an old
// view is refused, and the refusal brings the record as it is now.
func ExampleDirectory_ModifyUser() {
	ctx := context.Background()
	_, admin := office(ctx)
	u := person(ctx, admin, "ann", "7001")
	u.Department = "Sales"
	now := must(admin.ModifyUser(ctx, u))
	fmt.Println(now.Department)
	u.Department = "Finance" // in the copy that was read before
	_, err := admin.ModifyUser(ctx, u)
	fmt.Println(errors.Is(err, pbx.ErrStale), err)
	// Output:
	// Sales
	// true SVC-15: user ann was changed since it was read: read it again
}

// Any operation can be based on what was seen. Without Seen it would be carried out
// whatever the user is by now.
func ExampleDirectory_Seen() {
	ctx := context.Background()
	_, admin := office(ctx)
	seen := person(ctx, admin, "ann", "7001")
	must(admin.ChangeStation(ctx, seen.ID, "STANDARD")) // somebody else, meanwhile
	_, err := admin.Seen(seen).DisableUser(ctx, seen.ID)
	fmt.Println(err)
	if stale, ok := errors.AsType[*pbx.StaleError](err); ok {
		now := stale.Current.(*pbx.User)
		fmt.Println(now.Station)
		fmt.Println(must(admin.Seen(now).DisableUser(ctx, now.ID)).State)
	}
	// Output:
	// SVC-15: user ann was changed since it was read: read it again
	// STANDARD
	// disabled
}

// Users are found by the beginning of a name, whatever the case and accents, or by
// their user ID.
func ExampleDirectory_Users() {
	ctx := context.Background()
	_, admin := office(ctx)
	must(admin.CreateUser(ctx, pbx.NewUser{FirstName: "Zoë", LastName: "O'Brien", Email: "zoe@acme.example.com", Extension: "7001"}))
	must(admin.CreateUser(ctx, pbx.NewUser{FirstName: "Zora", LastName: "Lee", Email: "zora@acme.example.com", Extension: "7002"}))
	for u, err := range admin.Users(ctx, pbx.UserQuery{FirstName: "ZO"}) {
		check(err)
		fmt.Println(u.Name())
	}
	fmt.Println(must(admin.UserByLogin(ctx, "Zoe@Acme.example.com")).Name())
	// Output:
	// Zoë O'Brien
	// Zora Lee
	// Zoë O'Brien
}

// A user who was created for later is activated on the day.
func ExampleDirectory_ActivateUser() {
	ctx := context.Background()
	_, admin := office(ctx)
	made := must(admin.SetUpUser(ctx, pbx.SetUp{
		NewUser:     pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", ActivateLater: true},
		ServiceType: "PRO",
	}))
	fmt.Println(made.User.State, made.Service.Status)
	u := must(admin.ActivateUser(ctx, made.User.ID))
	fmt.Println(u.State, must(admin.Service(ctx, made.Service.ID)).Status)
	// Output:
	// pending pending activation
	// active active
}

// Disabling a user stops the lines that nobody else uses. Enabling starts them
// again.
func ExampleDirectory_DisableUser() {
	ctx := context.Background()
	_, admin := office(ctx)
	made := must(admin.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001"},
	}))
	review := must(admin.Review(ctx, func(ctx context.Context, dir *pbx.Directory) error {
		_, err := dir.DisableUser(ctx, made.User.ID)
		return err
	}))
	for _, e := range review.Effects {
		fmt.Println(e)
	}
	check(review.Commit(ctx))
	fmt.Println(must(admin.EnableUser(ctx, made.User.ID)).State)
	// Output:
	// user Ann disabled
	// service 7001 stopped
	// active
}

// The desk of somebody who leaves becomes that of their successor: line, number
// and phone stay, and nothing of the old person is left in the record.
func ExampleDirectory_HandOver() {
	ctx := context.Background()
	_, admin := office(ctx)
	made := must(admin.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Department: "Sales", Mobile: "+16175550188"},
		Number:  pbx.ProposedNumber(),
	}))
	eve := must(admin.HandOver(ctx, made.User.ID, pbx.Successor{FirstName: "Eve", Email: "eve@acme.example.com", Rev: made.User.Rev}))
	line := must(admin.Service(ctx, made.Service.ID))
	fmt.Println(eve.Name(), eve.Department, eve.Mobile == "", line.DN, line.Number)
	// Output:
	// Eve Sales true 7000 +16175550100
}

// Deleting a user is confirmed first. What goes with them depends on the form.
func ExampleDirectory_DeleteUser() {
	ctx := context.Background()
	_, admin := office(ctx)
	made := must(admin.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com"}, Number: pbx.ProposedNumber(),
	}))
	err := admin.DeleteUser(ctx, made.User.ID, pbx.UserAndPhones)
	fmt.Println(errors.Is(err, pbx.ErrUnconfirmed), pbx.CodeOf(err))
	check(admin.Confirm(rule.USR9).DeleteUser(ctx, made.User.ID, pbx.UserAndPhones))
	_, err = admin.Service(ctx, made.Service.ID)
	fmt.Println(err)
	fmt.Println(must(admin.Number(ctx, made.Service.Number)).State) // stays the tenant's
	// Output:
	// true USR-9
	// ACC-1: there is no such service
	// available
}

// The welcome email goes out through the journal, and can be sent again.
func ExampleDirectory_SendWelcomeMail() {
	ctx := context.Background()
	_, admin := office(ctx)
	ann := must(admin.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001", NoWelcomeMail: true}))
	check(admin.SendWelcomeMail(ctx, ann.ID))
	for e, err := range admin.Journal(ctx, pbx.JournalQuery{Latest: true, Limit: 1}) {
		check(err)
		fmt.Println(e.Type, e.Subject == ann.ID.String())
	}
	// Output:
	// user.welcome-mail true
}
