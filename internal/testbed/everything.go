package testbed

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// All is what everything makes: at least one record of every kind, in every
// state that operations bring it into.
type All struct {
	Ann, Bob, Cid, Dan *pbx.User // all set up; two lines, the second one shared; an extension only; pending
	Fay                *pbx.User // disabled
	Line, Shared, Bare *pbx.Service
	Waiting            *pbx.Service // has a temporary number until its own is ported in
	Alias              *pbx.Alias
	Group, Queue       *pbx.Group
	Phone, Spare       *pbx.Device
	Second             *pbx.Device // ann's, with one line
	Port               *pbx.PortRequest
	Brit               *pbx.User
	Statuses
	Linked
}

// Everything fills the world. What is personal is marked, so that it can be
// searched for where it should not be.
func Everything(w *World) *All {
	w.T.Helper()
	x := &All{}
	equipped(w, x)
	othersLines(w, x)
	reached(w, x)
	ported(w, x)
	x.Statuses = EveryStatus(w)
	x.Linked = Foreigners(w)
	goners(w, x)

	brit, err := w.British.SetUpUser(w.Ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Zanzibar", LastName: "Marker", Email: "zanzibar@marker.example.co.uk", Extension: "7001"}, ServiceType: "PRO",
	})
	require.NoError(w.T, err)
	x.Brit = brit.User
	_, err = w.Support.Deliver(w.Ctx, "mail", func(context.Context, *pbx.Event) error { return nil })
	require.NoError(w.T, err)
	return x
}

// equipped is the user who has everything that a user can have.
func equipped(w *World, x *All) {
	w.T.Helper()
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	var err error
	x.Phone, err = w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-01", Model: "Polycom VVX 450", LocationID: w.Boston.ID})
	ok(err)
	x.Spare, err = w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-02", Model: "Cisco 8851"})
	ok(err)
	x.Second, err = w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-03", Model: "Yealink T46U"})
	ok(err)

	made, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{
		NewUser: pbx.NewUser{
			FirstName: "Zanzibar", LastName: "Quétzal", Email: "zanzibar@marker.example", Login: "quetzal@marker.example",
			Mobile: "+16175550199", Department: "Marker Department", LocationID: w.Boston.ID, MusicOnHold: "marker-stream", E911: true,
		},
		Number: pbx.ProposedNumberLike("+16175").Keeping(), ServiceType: "PRO", Station: "STANDARD", Applications: []string{"crm", "fax"},
		DeviceID: x.Phone.ID, Ports: 2,
	})
	ok(err)
	x.Ann, x.Line = made.User, made.Service
	_, err = w.Dir.AssignDevice(w.Ctx, x.Second.ID, x.Ann.ID, 1)
	ok(err)
	_, err = w.Dir.AddExtension(w.Ctx, x.Ann.ID, "7501")
	ok(err)
	_, err = w.Dir.AddExtension(w.Ctx, x.Ann.ID, "7502")
	ok(err)
	_, err = w.Dir.AddMailbox(w.Ctx, x.Line.ID, pbx.NewMailbox{Email: "box@marker.example"})
	ok(err)
}

// othersLines are shared, nobody's, and of a user who is pending.
func othersLines(w *World, x *All) {
	w.T.Helper()
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	lobby, err := w.Dir.AddDevice(w.Ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-04", Model: "Grandstream HT802"})
	ok(err)

	x.Bob = w.User("Bob", "Marker", "7601")
	_, err = w.Dir.AddService(w.Ctx, pbx.NewService{UserID: x.Bob.ID, DN: "7602", DeviceType: "Polycom VVX 450", Type: "FREE"})
	ok(err)
	x.Shared, err = w.Dir.AddService(w.Ctx, pbx.NewService{UserID: x.Bob.ID, DN: "7603", DeviceType: "Polycom VVX 450", Name: "Marker line"})
	ok(err)
	x.Cid = w.User("Cid", "Marker", "7604")
	_, err = w.Dir.Associate(w.Ctx, x.Cid.ID, x.Shared.ID)
	ok(err)
	x.Bare, err = w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7605", DeviceID: lobby.ID, LocationID: w.Boston.ID})
	ok(err)
	x.Dan, err = w.Dir.CreateUser(w.Ctx, pbx.NewUser{
		FirstName: "Dan", LastName: "Marker", Email: "dan@marker.example", Extension: "7606", ActivateLater: true, NoWelcomeMail: true,
	})
	ok(err)
	_, err = w.Dir.AddService(w.Ctx, pbx.NewService{UserID: x.Dan.ID, DN: "7607", DeviceType: "Cisco 8851", Type: "PRO"})
	ok(err)
}

// reached are other ways in which users are reached: an alias, phones, groups; and
// the owner of a line.
func reached(w *World, x *All) {
	w.T.Helper()
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	var err error
	x.Alias = w.Alias(x.Ann.ID, "Marker Support", "7701")
	for _, address := range []pbx.SIPAddress{x.Ann.SIPAddress, x.Alias.SIPAddress} {
		_, err = w.Dir.IssueCredentials(w.Ctx, address)
		ok(err)
	}
	x.Fay = disabled(w)
	onPhones(w, x)
	x.Group = w.Group("Marker Hunters", "7702")
	x.Queue, err = w.Dir.CreateGroup(w.Ctx, pbx.NewGroup{Kind: pbx.ACDQueue, Name: "Marker Queue"})
	ok(err)
	ok(w.Dir.AddMember(w.Ctx, x.Group.ID, pbx.UserMember(x.Ann.ID)))
	ok(w.Dir.AddMember(w.Ctx, x.Queue.ID, pbx.AliasMember(x.Alias.ID)))
	_, err = w.Dir.AddOwner(w.Ctx, string(x.Line.Number)[2:], "kate")
	ok(err)
}

// disabled is a user who had a line and credentials, and is disabled.
func disabled(w *World) *pbx.User {
	w.T.Helper()
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	fay := w.User("Fay", "Marker", "7608")
	_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: fay.ID, DN: "7609", DeviceType: "Cisco 8851"})
	ok(err)
	_, err = w.Dir.IssueCredentials(w.Ctx, fay.SIPAddress)
	ok(err)
	fay, err = w.Dir.DisableUser(w.Ctx, fay.ID)
	ok(err)
	return fay
}

// onPhones puts an alias on the second line of a phone, and sets keys.
func onPhones(w *World, x *All) {
	w.T.Helper()
	_, err := w.Dir.SetDeviceLine(w.Ctx, x.Phone.ID, 2, pbx.AliasMember(x.Alias.ID))
	require.NoError(w.T, err)
	x.Line, err = w.Dir.SetKeys(w.Ctx, x.Line.ID, x.Line.Rev, []pbx.PhoneKey{
		{Position: 1, Kind: pbx.KeyBusyLamp, Label: "Marker Bob", Target: "7601"}, {Position: 12, Kind: pbx.KeyFeature, Target: "*21"},
	})
	require.NoError(w.T, err)
	x.Shared, err = w.Dir.SetKeys(w.Ctx, x.Shared.ID, x.Shared.Rev, []pbx.PhoneKey{{Position: 3, Kind: pbx.KeyLine}})
	require.NoError(w.T, err)
}

// ported adds numbers of the tenant's own, and three that are being ported in:
// one is here, one is waited for, and one is yet nobody's.
func ported(w *World, x *All) {
	w.T.Helper()
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	inside := w.Support.In(w.US.ID)
	_, err := inside.AddNumbers(w.Ctx, "+16175550150")
	ok(err)
	early, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Carrier of Dreams", Date: w.Clock.Add(48 * time.Hour), Numbers: []pbx.E164{"+16175550180"}})
	ok(err)
	_, err = inside.ActivatePort(w.Ctx, early.ID)
	ok(err)
	x.Port, err = w.Dir.RequestPort(w.Ctx, pbx.NewPort{
		Carrier: "Carrier of Dreams", Date: w.Clock.Add(96 * time.Hour), Numbers: []pbx.E164{"+16175550181", "+16175550182"},
	})
	ok(err)
	x.Waiting, err = w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7610", DeviceType: "Cisco 8851", Number: pbx.ExistingNumber("+16175550181")})
	ok(err)
}

// goners are a user and a group that were deleted, for the records that remain
// after them.
func goners(w *World, x *All) {
	w.T.Helper()
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	eve, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{
		NewUser: pbx.NewUser{FirstName: "Eve", LastName: "Marker", Email: "eve@marker.example"},
		Number:  pbx.ProposedNumber(), ServiceType: "PRO", Station: "STANDARD", DeviceID: x.Spare.ID,
	})
	ok(err)
	a := w.Alias(eve.User.ID, "Marker Gone", "7710")
	ok(w.Dir.AddMember(w.Ctx, x.Group.ID, pbx.AliasMember(a.ID)))
	_, err = w.Dir.ModifyUser(w.Ctx, eve.User)
	ok(err)
	_, err = w.Dir.ChangeNumber(w.Ctx, eve.User.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber, UpdateExtension: true})
	ok(err)
	ok(w.Dir.Confirm(rule.USR9, rule.USR10).DeleteUser(w.Ctx, eve.User.ID, pbx.UserAndPhones))
	ok(w.Dir.DeleteGroup(w.Ctx, w.Group("Marker Gone", "7711").ID))
}
