package pbx_test

import (
	"context"
	"fmt"
	"log"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/memory"
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

// One act sets a user up here and asks another system for what it provides on his
// line; Connect takes the request there.
func ExampleDirectory_Connect() {
	ctx := context.Background()
	support := pbx.New(memory.New()).As(pbx.Support("alice"))
	acme, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	admin := support.As(pbx.Administrator("bob", acme.ID))
	made, err := admin.SetUpUser(ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001"},
		Foreign: []pbx.NewForeign{
			{System: "CONF", Name: "Bridge", Deletable: true, NeedsEmail: true},
			{System: "CONF", Name: "Recording", Deletable: true},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := support.Connect(ctx, "CONF", conferencing{}); err != nil {
		log.Fatal(err) // a passing error: the request comes again next time
	}
	for f, err := range admin.ForeignServices(ctx, made.Service.ID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(f.Name, f.State, f.Link+f.Outcome)
	}

	err = admin.DeleteService(ctx, made.Service.ID)
	fmt.Println(err)
	if err := admin.Confirm(rule.SVC10).DeleteService(ctx, made.Service.ID); err != nil {
		log.Fatal(err)
	}
	if _, err := support.Connect(ctx, "CONF", conferencing{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// create Bridge on 7001 for ann@acme.example.com
	// Bridge active https://conferencing.example.com/7001
	// Recording failed refused by the other system: no licence left
	// SVC-10: service 7001 has foreign services; deleted with it: Bridge in CONF (https://conferencing.example.com/7001)
	// delete Bridge of 7001
}
