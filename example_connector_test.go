package pbx_test

import (
	"context"
	"fmt"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// conferencing stands for the way to another system.
type conferencing struct{}

func (conferencing) Create(_ context.Context, r pbx.ForeignRequest) (string, error) {
	if r.Foreign.Name == "Recording" {
		return "", fmt.Errorf("%w: no licence left", pbx.ErrRefused)
	}
	fmt.Println("create", r.Foreign.Name, "on", r.Line.DN, "for", r.Users[0].Email)
	return "https://conferencing.example.com/" + string(r.Line.DN), nil
}

func (conferencing) Delete(_ context.Context, r pbx.ForeignRequest) error {
	fmt.Println("delete", r.Foreign.Name, "of", r.Foreign.FormerDN)
	return nil
}

// One act sets up a user and asks another system for what it provides on their
// line. Connect takes the request there; an error of it is a passing one, and the
// request comes again next time.
func ExampleDirectory_Connect() {
	ctx := context.Background()
	support, admin := office(ctx)
	provider := support.In(pbx.Provider)
	made := must(admin.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001"},
		Foreign: []pbx.NewForeign{
			{System: "CONF", Name: "Bridge", Deletable: true, NeedsEmail: true},
			{System: "CONF", Name: "Recording", Deletable: true},
		},
	}))
	must(provider.Connect(ctx, "CONF", conferencing{}))
	for f, err := range admin.ForeignServices(ctx, made.Service.ID) {
		check(err)
		fmt.Println(f.Name, f.State, f.Link+f.Outcome)
	}

	fmt.Println(admin.DeleteService(ctx, made.Service.ID))
	check(admin.Confirm(rule.SVC10).DeleteService(ctx, made.Service.ID))
	must(provider.Connect(ctx, "CONF", conferencing{}))
	// Output:
	// create Bridge on 7001 for ann@acme.example.com
	// Bridge active https://conferencing.example.com/7001
	// Recording failed refused by the other system: no licence left
	// SVC-10: service 7001 has foreign services; deleted with it: Bridge in CONF (https://conferencing.example.com/7001)
	// delete Bridge of 7001
}

// What another system provides on a line already is recorded. If that system does
// not delete it when asked to, its record outlives the line. A bridge that hears from the other system by ways
// of its own settles what it hears.
func ExampleDirectory_AttachForeign() {
	ctx := context.Background()
	support, admin := office(ctx)
	line := must(admin.AddService(ctx, pbx.NewService{Name: "Lobby", DN: "7100", DeviceType: "Yealink T46U"}))
	fax := must(admin.AttachForeign(ctx, line.ID, pbx.NewForeign{System: "FAX", Name: "Fax", Link: "https://fax.example.com/7100"}))
	fmt.Println(fax.State)

	asked := must(admin.RequestForeign(ctx, line.ID, pbx.NewForeign{System: "CONF", Name: "Bridge"}))
	asked = must(support.SettleForeign(ctx, asked.ID, pbx.Settlement{State: pbx.ForeignFailed, Outcome: "no licence left", Request: asked.Requests}))
	fmt.Println(asked.State, asked.Outcome)
	asked = must(admin.RetryForeign(ctx, asked.ID))
	fmt.Println(must(admin.ForeignService(ctx, asked.ID)).State)

	check(admin.Confirm(rule.SVC10).DeleteService(ctx, line.ID))
	fmt.Println(admin.DetachForeign(ctx, fax.ID)) // when somebody has seen to it there
	// Output:
	// active
	// failed no licence left
	// requested
	// <nil>
}
