package rules_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// operation is a method that changes something, and a call of it that goes
// through in a world with everything in it.
type operation struct {
	Method string
	Call   func(ctx context.Context, dir *pbx.Directory, x *all) error
	By     role
}

// role says whose Directory an operation is called on: an administrator's, or
// support's in the customer's tenant or in the provider's.
type role int

const (
	admin role = iota
	visiting
	providing
)

func (r role) Of(w *world) *pbx.Directory {
	return []*pbx.Directory{w.Dir, w.Support.In(w.US.ID), w.Support}[r]
}

// reads are the methods that change nothing, and those that the table of
// operations is not for: Batch and Review run operations, and Deliver, which
// hands over at least once, has tests of its own.
var reads = strings.Fields(`
	Alias Aliases As AssociationChoices Batch Check Confirm Connect Deliver Device DeviceLines Devices Digest ExportUsers Extensions
	ForeignService ForeignServices Group Groups In Journal Keys Line LineIdentity
	Location Locations Lookup Mailbox MainExtension Members OfferedNumbers Number Numbers Order Orders PortRequest PortRequests Review
	SIPIdentity Seen Service ServiceTypes ServiceUsers Services StationPools Stats Tenant Tenants User UserByLogin UserServices Users`)

// operations are all methods that change something.
var operations = []operation{
	{"ActivatePort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ActivatePort(ctx, x.Port.ID))
	}, visiting},
	{"ActivateService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
			s, err := dir.AddService(ctx, pbx.NewService{DN: "7730", DeviceType: "Cisco 8851", ActivateLater: true})
			if err != nil {
				return err
			}
			return second(dir.ActivateService(ctx, s.ID))
		})
	}, admin},
	{"ActivateUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ActivateUser(ctx, x.Dan.ID))
	}, admin},
	{"AddAlias", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddAlias(ctx, pbx.NewAlias{UserID: x.Ann.ID, Name: "Second", Extension: "7720"}))
	}, admin},
	{"AddDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddDevice(ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-99", Model: "Cisco 8851"}))
	}, admin},
	{"AddExtension", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddExtension(ctx, x.Bob.ID, "7630"))
	}, admin},
	{"AddLocation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddLocation(ctx, pbx.NewLocation{Building: "NEW", Address: pbx.CivicAddress{Country: "US"}}))
	}, admin},
	{"AddMailbox", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddMailbox(ctx, x.Shared.ID, pbx.NewMailbox{Email: "shared@example.com"}))
	}, admin},
	{"AddMember", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.AddMember(ctx, x.Queue.ID, pbx.UserMember(x.Bob.ID))
	}, admin},
	{"AddNumbers", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddNumbers(ctx, "+16175550160", "+16175550161"))
	}, visiting},
	{"AddOwner", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddOwner(ctx, x.National(), "lena"))
	}, admin},
	{"AddService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddService(ctx, pbx.NewService{UserID: x.Bob.ID, Type: "PRO", Number: pbx.ProposedNumber(), DeviceID: x.Spare.ID,
			Keys: []pbx.PhoneKey{{Position: 5, Kind: pbx.KeyBusyLamp, Target: "7601"}}}))
	}, admin},
	{"AddServiceType", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddServiceType(ctx, pbx.NewServiceType{Code: "NEW", Name: "New", Monthly: 9}))
	}, admin},
	{"AddStationPool", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddStationPool(ctx, pbx.NewStationPool{Package: "NEW", Name: "New", Total: 9}))
	}, admin},
	{"AssignDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AssignDevice(ctx, x.Spare.ID, x.Bob.ID, 2))
	}, admin},
	{"Associate", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.Associate(ctx, x.Cid.ID, x.Bare.ID))
	}, admin},
	{"AttachForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AttachForeign(ctx, x.Shared.ID, miCollab("Client")))
	}, admin},
	{"CancelService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CancelService(ctx, x.Line.ID, x.Port.Date))
	}, admin},
	{"CompleteOrder", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CompleteOrder(ctx, x.Processing.ID))
	}, visiting},
	{"CancelPort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CancelPort(ctx, x.Port.ID))
	}, admin},
	{"ChangeNumber", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ChangeNumber(ctx, x.Ann.ID, pbx.NumberChange{Number: pbx.ExistingNumber("+16175550182"), Previous: pbx.ReturnNumber, UpdateExtension: true}))
	}, admin},
	{"ChangeStation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.Confirm(rule.STN3).ChangeStation(ctx, x.Ann.ID, ""))
	}, admin},
	{"CheckPIN", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.CheckPIN(ctx, x.Line.ID, "000111")
	}, admin},
	{"ClearDeviceLine", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.ClearDeviceLine(ctx, x.Phone.ID, 1)
	}, admin},
	{"ConfirmPort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ConfirmPort(ctx, x.Port.ID))
	}, visiting},
	{"CreateGroup", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CreateGroup(ctx, pbx.NewGroup{Kind: pbx.HuntGroup, Name: "New", Extension: "7790"}))
	}, admin},
	{"CreateTenant", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CreateTenant(ctx, pbx.NewTenant{Name: "New", Country: "US", SIPDomain: "new.example.com"}))
	}, providing},
	{"CreateUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CreateUser(ctx, pbx.NewUser{FirstName: "New", Email: "new@example.com", Extension: "7800"}))
	}, admin},
	{"DeleteAlias", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DeleteAlias(ctx, x.Alias.ID) }, admin},
	{"DeleteDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DeleteDevice(ctx, x.Spare.ID) }, admin},
	{"DeleteGroup", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DeleteGroup(ctx, x.Group.ID) }, admin},
	{"DeleteLocation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.DeleteLocation(ctx, x.empty(ctx, dir))
	}, admin},
	{"DeleteMailbox", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DeleteMailbox(ctx, x.Line.ID) }, admin},
	{"DeleteService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(rule.SVC9).DeleteService(ctx, x.Shared.ID)
	}, admin},
	{"DeleteService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.DeleteService(ctx, x.Waiting.ID)
	}, admin},
	{"DropRemoteService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.DropRemoteService(ctx, x.Elsewhere.ID)
	}, visiting},
	{"DeleteUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(rule.USR9, rule.USR10).DeleteUser(ctx, x.Ann.ID, pbx.UserAndPhones)
	}, admin},
	{"DeleteUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(rule.USR9).DeleteUser(ctx, x.Bob.ID, pbx.UserOnly)
	}, admin},
	{"DeleteService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(rule.SVC10).DeleteService(ctx, x.Hub.ID)
	}, admin},
	{"DetachForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DetachForeign(ctx, x.Left.ID) }, admin},
	{"Disassociate", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(rule.SVC5).Disassociate(ctx, x.Cid.ID, x.Shared.ID)
	}, admin},
	{"DisableUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.DisableUser(ctx, x.Ann.ID))
	}, admin},
	{"EnableUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.EnableUser(ctx, x.Fay.ID))
	}, admin},
	{"FailOrder", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.FailOrder(ctx, x.Processing.ID, "No fibre in the street"))
	}, visiting},
	{"FailPort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.FailPort(ctx, x.Port.ID))
	}, visiting},
	{"HandOver", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.HandOver(ctx, x.Ann.ID, pbx.Successor{FirstName: "New", Email: "new@example.com", Mobile: "+16175550198"}))
	}, admin},
	{"ImportUsers", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ImportUsers(ctx, strings.NewReader("first_name,email,extension,number_source,station,applications,mac\r\n"+
			"New,new@example.com,,new,STANDARD,crm,00:1b:54:00:00:02\r\nOther,other@example.com,7850,,,,\r\n")))
	}, admin},
	{"IssueCredentials", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.IssueCredentials(ctx, x.Bob.SIPAddress))
	}, admin},
	{"IssueCredentials", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.IssueCredentials(ctx, x.Alias.SIPAddress))
	}, admin},
	{"ModifyAlias", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Alias, error) { return dir.Alias(ctx, x.Alias.ID) },
			func(a *pbx.Alias) error {
				a.SIPAddress = "renamed@acme.example.com"
				return second(dir.ModifyAlias(ctx, a))
			})
	}, admin},
	{"ModifyLocation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Location, error) { return dir.Location(ctx, x.Phone.LocationID) },
			func(l *pbx.Location) error { l.Building = "BOS-2"; return second(dir.ModifyLocation(ctx, l)) })
	}, admin},
	{"ModifyMailbox", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Mailbox, error) { return dir.Mailbox(ctx, x.Line.ID) },
			func(m *pbx.Mailbox) error { m.Email = "other@example.com"; return second(dir.ModifyMailbox(ctx, m)) })
	}, admin},
	{"ModifyService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Service, error) { return dir.Service(ctx, x.Line.ID) },
			func(s *pbx.Service) error { s.DN, s.Name = "7810", "Renamed"; return second(dir.ModifyService(ctx, s)) })
	}, admin},
	{"ModifyServiceType", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		for p, err := range dir.ServiceTypes(ctx) {
			switch {
			case err != nil:
				return err
			case p.Code == "PRO":
				return second(dir.ModifyServiceType(ctx, &pbx.ServiceType{Code: p.Code, Rev: p.Rev, Name: "Pro", Monthly: 9}))
			}
		}
		return errors.New("there is no such product")
	}, admin},
	{"ModifyStationPool", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		for p, err := range dir.StationPools(ctx) {
			if err != nil {
				return err
			}
			p.Name, p.Total, p.Applications = "Standard", 9, nil
			return second(dir.ModifyStationPool(ctx, p))
		}
		return errors.New("there is no package")
	}, admin},
	{"ModifyTenant", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Tenant, error) { return dir.Tenant(ctx) },
			func(t *pbx.Tenant) error { t.Policy.NumberMonthly = 700; return second(dir.ModifyTenant(ctx, t)) })
	}, admin},
	{"ModifyUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.User, error) { return dir.User(ctx, x.Ann.ID) },
			func(u *pbx.User) error {
				u.LastName, u.SIPAddress = "Renamed", "renamed@acme.example.com"
				return second(dir.ModifyUser(ctx, u))
			})
	}, admin},
	{"RemoveExtension", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.RemoveExtension(ctx, "7502") }, admin},
	{"RemoveMember", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.RemoveMember(ctx, x.Group.ID, pbx.UserMember(x.Ann.ID))
	}, admin},
	{"RemoveOwner", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RemoveOwner(ctx, x.National(), "kate"))
	}, admin},
	{"RequestForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RequestForeign(ctx, x.Shared.ID, miCollab("Client")))
	}, admin},
	{"RequestPort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RequestPort(ctx, pbx.NewPort{Carrier: "C", Date: x.Port.Date, Numbers: []pbx.E164{"+16175550190", "+16175550191"}}))
	}, admin},
	{"RetryForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RetryForeign(ctx, x.Refused.ID))
	}, admin},
	{"RetryOrder", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RetryOrder(ctx, x.Failed.ID))
	}, admin},
	{"ReturnNumber", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.ReturnNumber(ctx, "+16175550150")
	}, admin},
	{"SendWelcomeMail", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.SendWelcomeMail(ctx, x.Bob.ID) }, admin},
	{"SetDeviceLine", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.SetDeviceLine(ctx, x.Second.ID, 1, pbx.AliasMember(x.Alias.ID)))
	}, admin},
	{"SetKeys", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.SetKeys(ctx, x.Line.ID, x.Line.Rev, []pbx.PhoneKey{
			{Position: 1, Kind: pbx.KeySpeedDial, Target: "+16175550199"}, {Position: 2, Kind: pbx.KeyBusyLamp, Target: "7604"},
		}))
	}, admin},
	{"SetLineLocation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.SetLineLocation(ctx, x.National(), "EMPTY"))
	}, admin},
	{"SetMainExtension", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.SetMainExtension(ctx, x.Ann.ID, "7502")
	}, admin},
	{"SetPIN", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.SetPIN(ctx, x.Line.ID, "927461")
	}, admin},
	{"SetPrimary", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.SetPrimary(ctx, x.Bob.ID, x.Shared.ID)
	}, admin},
	{"SetPrimaryDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		for d, err := range dir.Devices(ctx, pbx.DeviceQuery{UserID: x.Ann.ID}) {
			switch {
			case err != nil:
				return err
			case d.ID != x.Phone.ID:
				return dir.SetPrimaryDevice(ctx, d.ID)
			}
		}
		return errors.New("there is no other device")
	}, admin},
	{"SettleForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.SettleForeign(ctx, x.Asked.ID, pbx.Settlement{State: pbx.ForeignActive, Link: "https://micollab.example.com/new"}))
	}, visiting},
	{"SetUpUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		in := newcomer("newcomer")
		in.Station, in.Applications, in.DeviceID, in.Ports = "STANDARD", []string{"crm", "fax"}, x.Spare.ID, 2
		return second(dir.SetUpUser(ctx, in))
	}, admin},
	{"StockNumbers", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.StockNumbers(ctx, "+16175550170", "+16175550171"))
	}, providing},
	{"UnassignDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.UnassignDevice(ctx, x.Phone.ID)
	}, admin},
	{"WithdrawCancellation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.WithdrawCancellation(ctx, x.Cancelled.ID))
	}, admin},
	{"ChangeLine", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ChangeLine(ctx, x.National(), pbx.LineChange{AddOwners: []pbx.Principal{"lena"}, RemoveOwners: []pbx.Principal{"kate"}, Building: "EMPTY"}))
	}, admin},
}

func modify[R any](read func() (R, error), change func(R) error) error {
	r, err := read()
	if err != nil {
		return err
	}
	return change(r)
}

// National is the number of the line that has everything.
func (x *all) National() string { return string(x.Line.Number)[2:] }

// empty finds the location where nobody is.
func (x *all) empty(ctx context.Context, dir *pbx.Directory) pbx.LocationID {
	for l, err := range dir.Locations(ctx) {
		if err == nil && l.Building == "EMPTY" {
			return l.ID
		}
	}
	return pbx.LocationID{1}
}

func TestSYS4_EveryMethodIsEitherAnOperationOrARead(t *testing.T) {
	listed := slices.Clone(reads)
	for _, op := range operations {
		if !slices.Contains(listed, op.Method) {
			listed = append(listed, op.Method)
		}
	}
	slices.Sort(listed)
	var methods []string
	for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
		methods = append(methods, m.Name)
	}
	require.Equal(t, methods, listed, "a method is missing in the tables of this file, or listed twice")
}
