package rules_test

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// all is what everything makes: at least one record of every kind, in every
// state that operations bring it into.
type all struct {
	ann, bob, cid, dan *pbx.User // all set up; two lines, the second one shared; an extension only; pending
	fay                *pbx.User // disabled
	line, shared, bare *pbx.Service
	waiting            *pbx.Service // has a temporary number until its own is ported in
	alias              *pbx.Alias
	group, queue       *pbx.Group
	phone, spare       *pbx.Device
	second             *pbx.Device // ann's, with one line
	port               *pbx.PortRequest
	brit               *pbx.User
	statuses
	linked
}

// everything fills the world. What is personal is marked, so that it can be
// looked for where it should not be.
func everything(w *world) *all {
	w.t.Helper()
	ok := func(err error) { w.t.Helper(); require.NoError(w.t, err) }
	x := &all{}
	var err error

	x.phone, err = w.dir.AddDevice(w.ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-01", Model: "Polycom VVX 450", LocationID: w.boston.ID})
	ok(err)
	x.spare, err = w.dir.AddDevice(w.ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-02", Model: "Cisco 8851"})
	ok(err)
	x.second, err = w.dir.AddDevice(w.ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-03", Model: "Yealink T46U"})
	ok(err)
	lobby, err := w.dir.AddDevice(w.ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-04", Model: "Grandstream HT802"})
	ok(err)

	made, err := w.dir.SetUpUser(w.ctx, pbx.SetUp{
		NewUser: pbx.NewUser{
			FirstName: "Zanzibar", LastName: "Quétzal", Email: "zanzibar@marker.example", Login: "quetzal@marker.example",
			Mobile: "+16175550199", Department: "Marker Department", LocationID: w.boston.ID, MusicOnHold: "marker-stream", E911: true,
		},
		Number: pbx.ProposedNumberLike("+16175").Keeping(), ServiceType: "PRO", Station: "STANDARD", Applications: []string{"crm", "fax"},
		DeviceID: x.phone.ID, Ports: 2,
	})
	ok(err)
	x.ann, x.line = made.User, made.Service
	_, err = w.dir.AssignDevice(w.ctx, x.second.ID, x.ann.ID, 1)
	ok(err)
	_, err = w.dir.AddExtension(w.ctx, x.ann.ID, "7501")
	ok(err)
	_, err = w.dir.AddExtension(w.ctx, x.ann.ID, "7502")
	ok(err)
	_, err = w.dir.AddMailbox(w.ctx, x.line.ID, pbx.NewMailbox{Email: "box@marker.example"})
	ok(err)

	x.bob = w.user("Bob", "Marker", "7601")
	_, err = w.dir.AddService(w.ctx, pbx.NewService{UserID: x.bob.ID, DN: "7602", DeviceType: "Polycom VVX 450", Type: "FREE"})
	ok(err)
	x.shared, err = w.dir.AddService(w.ctx, pbx.NewService{UserID: x.bob.ID, DN: "7603", DeviceType: "Polycom VVX 450", Name: "Marker line"})
	ok(err)
	x.cid = w.user("Cid", "Marker", "7604")
	_, err = w.dir.Associate(w.ctx, x.cid.ID, x.shared.ID)
	ok(err)
	x.bare, err = w.dir.AddService(w.ctx, pbx.NewService{DN: "7605", DeviceID: lobby.ID, LocationID: w.boston.ID})
	ok(err)
	x.dan, err = w.dir.CreateUser(w.ctx, pbx.NewUser{
		FirstName: "Dan", LastName: "Marker", Email: "dan@marker.example", Extension: "7606", ActivateLater: true, NoWelcomeMail: true,
	})
	ok(err)
	_, err = w.dir.AddService(w.ctx, pbx.NewService{UserID: x.dan.ID, DN: "7607", DeviceType: "Cisco 8851", Type: "PRO"})
	ok(err)

	x.alias = w.alias(x.ann.ID, "Marker Support", "7701")
	for _, address := range []pbx.SIPAddress{x.ann.SIPAddress, x.alias.SIPAddress} {
		_, err = w.dir.IssueCredentials(w.ctx, address)
		ok(err)
	}
	x.fay = disabled(w)
	onPhones(w, x)
	x.group = w.group("Marker Hunters", "7702")
	x.queue, err = w.dir.CreateGroup(w.ctx, pbx.NewGroup{Kind: pbx.ACDQueue, Name: "Marker Queue"})
	ok(err)
	ok(w.dir.AddMember(w.ctx, x.group.ID, pbx.UserMember(x.ann.ID)))
	ok(w.dir.AddMember(w.ctx, x.queue.ID, pbx.AliasMember(x.alias.ID)))
	_, err = w.dir.AddOwner(w.ctx, string(x.line.Number)[2:], "kate")
	ok(err)

	ported(w, x)
	x.statuses = everyStatus(w)
	x.linked = foreigners(w)
	goners(w, x)

	brit, err := w.british.SetUpUser(w.ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Zanzibar", LastName: "Marker", Email: "zanzibar@marker.example.co.uk", Extension: "7001"}, ServiceType: "PRO",
	})
	ok(err)
	x.brit = brit.User
	_, err = w.support.Deliver(w.ctx, "mail", func(context.Context, *pbx.Event) error { return nil })
	ok(err)
	return x
}

// disabled is a user who had a line and credentials, and is disabled.
func disabled(w *world) *pbx.User {
	w.t.Helper()
	ok := func(err error) { w.t.Helper(); require.NoError(w.t, err) }
	fay := w.user("Fay", "Marker", "7608")
	_, err := w.dir.AddService(w.ctx, pbx.NewService{UserID: fay.ID, DN: "7609", DeviceType: "Cisco 8851"})
	ok(err)
	_, err = w.dir.IssueCredentials(w.ctx, fay.SIPAddress)
	ok(err)
	fay, err = w.dir.DisableUser(w.ctx, fay.ID)
	ok(err)
	return fay
}

// onPhones puts an alias on the second line of a phone, and sets keys.
func onPhones(w *world, x *all) {
	w.t.Helper()
	_, err := w.dir.SetDeviceLine(w.ctx, x.phone.ID, 2, pbx.AliasMember(x.alias.ID))
	require.NoError(w.t, err)
	x.line, err = w.dir.SetKeys(w.ctx, x.line.ID, x.line.Rev, []pbx.PhoneKey{
		{Position: 1, Kind: pbx.KeyBusyLamp, Label: "Marker Bob", Target: "7601"}, {Position: 12, Kind: pbx.KeyFeature, Target: "*21"},
	})
	require.NoError(w.t, err)
	x.shared, err = w.dir.SetKeys(w.ctx, x.shared.ID, x.shared.Rev, []pbx.PhoneKey{{Position: 3, Kind: pbx.KeyLine}})
	require.NoError(w.t, err)
}

// ported adds numbers of the tenant's own, and three that are being ported in:
// one is here, one is waited for, and one is yet nobody's.
func ported(w *world, x *all) {
	w.t.Helper()
	ok := func(err error) { w.t.Helper(); require.NoError(w.t, err) }
	inside := w.support.In(w.us.ID)
	_, err := inside.AddNumbers(w.ctx, "+16175550150")
	ok(err)
	early, err := w.dir.RequestPort(w.ctx, pbx.NewPort{Carrier: "Carrier of Dreams", Date: w.clock.Add(48 * time.Hour), Numbers: []pbx.E164{"+16175550180"}})
	ok(err)
	_, err = inside.ActivatePort(w.ctx, early.ID)
	ok(err)
	x.port, err = w.dir.RequestPort(w.ctx, pbx.NewPort{
		Carrier: "Carrier of Dreams", Date: w.clock.Add(96 * time.Hour), Numbers: []pbx.E164{"+16175550181", "+16175550182"},
	})
	ok(err)
	x.waiting, err = w.dir.AddService(w.ctx, pbx.NewService{DN: "7610", DeviceType: "Cisco 8851", Number: pbx.ExistingNumber("+16175550181")})
	ok(err)
}

// goners were here, and have left behind what they leave behind.
func goners(w *world, x *all) {
	w.t.Helper()
	ok := func(err error) { w.t.Helper(); require.NoError(w.t, err) }
	eve, err := w.dir.SetUpUser(w.ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Eve", LastName: "Marker", Email: "eve@marker.example"},
		Number:  pbx.ProposedNumber(), ServiceType: "PRO", Station: "STANDARD", DeviceID: x.spare.ID,
	})
	ok(err)
	a := w.alias(eve.User.ID, "Marker Gone", "7710")
	ok(w.dir.AddMember(w.ctx, x.group.ID, pbx.AliasMember(a.ID)))
	_, err = w.dir.ModifyUser(w.ctx, eve.User)
	ok(err)
	_, err = w.dir.ChangeNumber(w.ctx, eve.User.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber, UpdateExtension: true})
	ok(err)
	ok(w.dir.Confirm(rule.USR9, rule.USR10).DeleteUser(w.ctx, eve.User.ID, pbx.UserAndPhones))
	ok(w.dir.DeleteGroup(w.ctx, w.group("Marker Gone", "7711").ID))
}
