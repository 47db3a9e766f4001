package testbed

import (
	"context"
	"fmt"
	"io"

	"github.com/pbxkit/pbx"
)

// Readings are the methods that only read, and calls of them.
var Readings = []Operation{
	{"Alias", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Second(dir.Alias(ctx, x.Alias.ID)) }, admin},
	{"Aliases", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Drain(dir.Aliases(ctx, x.Ann.ID)) }, admin},
	{"Aliases", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Aliases(ctx, pbx.UserID{}))
	}, admin},
	{"AssociationChoices", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.AssociationChoices(ctx, pbx.UserQuery{}))
	}, admin},
	{"Device", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Device(ctx, x.Phone.ID))
	}, admin},
	{"DeviceLines", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.DeviceLines(ctx, x.Phone.ID))
	}, admin},
	{"Devices", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Devices(ctx, pbx.DeviceQuery{}))
	}, admin},
	{"Devices", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Devices(ctx, pbx.DeviceQuery{UserID: x.Ann.ID}))
	}, admin},
	{"Digest", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Digest(ctx, x.Ann.SIPAddress))
	}, visiting},
	{"Digest", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Digest(ctx, x.Alias.SIPAddress))
	}, providing},
	{"ExportUsers", func(ctx context.Context, dir *pbx.Directory, x *All) error { return dir.ExportUsers(ctx, io.Discard) }, admin},
	{"Extensions", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Extensions(ctx, pbx.ExtensionQuery{}))
	}, admin},
	{"ForeignService", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.ForeignService(ctx, x.Asked.ID))
	}, admin},
	{"ForeignServices", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.ForeignServices(ctx, x.Hub.ID))
	}, admin},
	{"ForeignServices", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.ForeignServices(ctx, pbx.ServiceID{}))
	}, admin},
	{"Group", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Second(dir.Group(ctx, x.Group.ID)) }, admin},
	{"Groups", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Groups(ctx, pbx.GroupQuery{}))
	}, admin},
	{"JournalHead", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		_, err := dir.JournalHead(ctx)
		return err
	}, admin},
	{"Journal", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Journal(ctx, pbx.JournalQuery{Limit: 100}))
	}, admin},
	{"Keys", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Drain(dir.Keys(ctx, x.Line.ID)) }, admin},
	{"LineIdentity", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.LineIdentity(ctx, x.Phone.ID, 2))
	}, admin},
	{"Line", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Line(ctx, x.National()))
	}, admin},
	{"Location", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Location(ctx, x.Phone.LocationID))
	}, admin},
	{"Locations", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Drain(dir.Locations(ctx)) }, admin},
	{"Lookup", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Lookup(ctx, x.Line.DN))
	}, admin},
	{"Mailbox", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Mailbox(ctx, x.Line.ID))
	}, admin},
	{"MainExtension", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.MainExtension(ctx, x.Ann.ID))
	}, admin},
	{"Members", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Members(ctx, x.Group.ID))
	}, admin},
	{"OfferedNumbers", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.OfferedNumbers(ctx, x.Phone.LocationID, "", 0))
	}, admin},
	{"OfferedNumbers", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.OfferedNumbers(ctx, pbx.LocationID{}, "+16175", 3))
	}, admin},
	{"Number", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Number(ctx, x.Line.Number))
	}, admin},
	{"Numbers", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Numbers(ctx, pbx.NumberQuery{State: pbx.NumberAssigned}))
	}, admin},
	{"Order", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		for o, err := range dir.Orders(ctx, 1) {
			if err != nil {
				return err
			}
			return Second(dir.Order(ctx, o.ID))
		}
		return fmt.Errorf("there is no order")
	}, admin},
	{"Orders", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Drain(dir.Orders(ctx, 0)) }, admin},
	{"PortRequest", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.PortRequest(ctx, x.Port.ID))
	}, admin},
	{"PortRequests", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Drain(dir.PortRequests(ctx)) }, admin},
	{"SIPIdentity", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.SIPIdentity(ctx, x.Alias.SIPAddress))
	}, admin},
	{"Service", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Service(ctx, x.Line.ID))
	}, admin},
	{"ServiceTypes", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Drain(dir.ServiceTypes(ctx)) }, admin},
	{"ServiceUsers", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.ServiceUsers(ctx, x.Shared.ID))
	}, admin},
	{"Services", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Services(ctx, pbx.ServiceQuery{}))
	}, admin},
	{"Services", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Services(ctx, pbx.ServiceQuery{Number: "+1617"}))
	}, admin},
	{"Services", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Services(ctx, pbx.ServiceQuery{CancelledBy: x.Port.Date}))
	}, admin},
	{"StationPools", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Drain(dir.StationPools(ctx)) }, admin},
	{"Tenant", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Second(dir.Tenant(ctx)) }, admin},
	{"Tenants", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Tenants(ctx, pbx.TenantQuery{}))
	}, providing},
	{"User", func(ctx context.Context, dir *pbx.Directory, x *All) error { return Second(dir.User(ctx, x.Ann.ID)) }, admin},
	{"UserByLogin", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.UserByLogin(ctx, x.Ann.Login))
	}, admin},
	{"UserServices", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.UserServices(ctx, x.Ann.ID))
	}, admin},
	{"Users", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Users(ctx, pbx.UserQuery{}))
	}, admin},
	{"Users", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Drain(dir.Users(ctx, pbx.UserQuery{LastName: "m", FirstName: "b"}))
	}, admin},
	{"Batch", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error { return dir.SendWelcomeMail(ctx, x.Bob.ID) })
	}, admin},
	{"Review", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Review(ctx, func(ctx context.Context, dir *pbx.Directory) error { return dir.SendWelcomeMail(ctx, x.Bob.ID) }))
	}, admin},
}
