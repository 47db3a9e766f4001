package testbed

import (
	"context"
	"errors"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// Operation is a method that changes something, and a call of it that goes
// through in a world with everything in it.
type Operation struct {
	Method string
	Call   func(ctx context.Context, dir *pbx.Directory, x *All) error
	By     Role
}

// Role says whose Directory an operation is called on: an administrator's, or
// support's in the customer's tenant or in the provider's.
type Role int

const (
	admin Role = iota
	visiting
	providing
)

// Of is the Directory of the role in a world.
func (r Role) Of(w *World) *pbx.Directory {
	return []*pbx.Directory{w.Dir, w.Support.In(w.US.ID), w.Support}[r]
}

// Operations are all methods that change something.
var Operations = []Operation{
	{"ActivatePort", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.ActivatePort(ctx, x.Port.ID))
	}, visiting},
	{"ActivateService", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
			s, err := dir.AddService(ctx, pbx.NewService{DN: "7730", DeviceType: "Cisco 8851", ActivateLater: true})
			if err != nil {
				return err
			}
			return Second(dir.ActivateService(ctx, s.ID))
		})
	}, admin},
	{"ActivateUser", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.ActivateUser(ctx, x.Dan.ID))
	}, admin},
	{"AddAlias", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddAlias(ctx, pbx.NewAlias{UserID: x.Ann.ID, Name: "Second", Extension: "7720"}))
	}, admin},
	{"AddDevice", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddDevice(ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-99", Model: "Cisco 8851"}))
	}, admin},
	{"AddExtension", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddExtension(ctx, x.Bob.ID, "7630"))
	}, admin},
	{"AddLocation", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddLocation(ctx, pbx.NewLocation{Building: "NEW", Address: pbx.CivicAddress{Country: "US"}}))
	}, admin},
	{"AddMailbox", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddMailbox(ctx, x.Shared.ID, pbx.NewMailbox{Email: "shared@example.com"}))
	}, admin},
	{"AddMember", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.AddMember(ctx, x.Queue.ID, pbx.UserMember(x.Bob.ID))
	}, admin},
	{"AddNumbers", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddNumbers(ctx, "+16175550160", "+16175550161"))
	}, visiting},
	{"AddOwner", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddOwner(ctx, x.National(), "lena"))
	}, admin},
	{"AddService", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddService(ctx, pbx.NewService{UserID: x.Bob.ID, Type: "PRO", Number: pbx.ProposedNumber(), DeviceID: x.Spare.ID,
			Keys: []pbx.PhoneKey{{Position: 5, Kind: pbx.KeyBusyLamp, Target: "7601"}}}))
	}, admin},
	{"AddServiceType", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddServiceType(ctx, pbx.NewServiceType{Code: "NEW", Name: "New", Monthly: 9}))
	}, admin},
	{"AddStationPool", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AddStationPool(ctx, pbx.NewStationPool{Package: "NEW", Name: "New", Total: 9}))
	}, admin},
	{"AssignDevice", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AssignDevice(ctx, x.Spare.ID, x.Bob.ID, 2))
	}, admin},
	{"Associate", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Associate(ctx, x.Cid.ID, x.Bare.ID))
	}, admin},
	{"AttachForeign", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.AttachForeign(ctx, x.Shared.ID, MiCollab("Client")))
	}, admin},
	{"CancelService", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.CancelService(ctx, x.Line.ID, x.Port.Date))
	}, admin},
	{"CompleteOrder", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.CompleteOrder(ctx, x.Processing.ID))
	}, visiting},
	{"CancelPort", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.CancelPort(ctx, x.Port.ID))
	}, admin},
	{"ChangeNumber", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.ChangeNumber(ctx, x.Ann.ID, pbx.NumberChange{Number: pbx.ExistingNumber("+16175550182"), Previous: pbx.ReturnNumber, UpdateExtension: true}))
	}, admin},
	{"ChangeStation", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.Confirm(rule.STN3).ChangeStation(ctx, x.Ann.ID, ""))
	}, admin},
	{"CheckPIN", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.CheckPIN(ctx, x.Line.ID, "000111")
	}, admin},
	{"ClearDeviceLine", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.ClearDeviceLine(ctx, x.Phone.ID, 1)
	}, admin},
	{"ConfirmPort", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.ConfirmPort(ctx, x.Port.ID))
	}, visiting},
	{"CreateGroup", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.CreateGroup(ctx, pbx.NewGroup{Kind: pbx.HuntGroup, Name: "New", Extension: "7790"}))
	}, admin},
	{"CreateTenant", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.CreateTenant(ctx, pbx.NewTenant{Name: "New", Country: "US", SIPDomain: "new.example.com"}))
	}, providing},
	{"CreateUser", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.CreateUser(ctx, pbx.NewUser{FirstName: "New", Email: "new@example.com", Extension: "7800"}))
	}, admin},
	{"DeleteAlias", func(ctx context.Context, dir *pbx.Directory, x *All) error { return dir.DeleteAlias(ctx, x.Alias.ID) }, admin},
	{"DeleteDevice", func(ctx context.Context, dir *pbx.Directory, x *All) error { return dir.DeleteDevice(ctx, x.Spare.ID) }, admin},
	{"DeleteGroup", func(ctx context.Context, dir *pbx.Directory, x *All) error { return dir.DeleteGroup(ctx, x.Group.ID) }, admin},
	{"DeleteLocation", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.DeleteLocation(ctx, x.empty(ctx, dir))
	}, admin},
	{"DeleteMailbox", func(ctx context.Context, dir *pbx.Directory, x *All) error { return dir.DeleteMailbox(ctx, x.Line.ID) }, admin},
	{"DeleteService", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.Confirm(rule.SVC9).DeleteService(ctx, x.Shared.ID)
	}, admin},
	{"DeleteService", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.DeleteService(ctx, x.Waiting.ID)
	}, admin},
	{"DropRemoteService", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.DropRemoteService(ctx, x.Elsewhere.ID)
	}, visiting},
	{"DeleteUser", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.Confirm(rule.USR9, rule.USR10).DeleteUser(ctx, x.Ann.ID, pbx.UserAndPhones)
	}, admin},
	{"DeleteUser", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.Confirm(rule.USR9).DeleteUser(ctx, x.Bob.ID, pbx.UserOnly)
	}, admin},
	{"DeleteService", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.Confirm(rule.SVC10).DeleteService(ctx, x.Hub.ID)
	}, admin},
	{"DetachForeign", func(ctx context.Context, dir *pbx.Directory, x *All) error { return dir.DetachForeign(ctx, x.Left.ID) }, admin},
	{"Disassociate", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.Confirm(rule.SVC5).Disassociate(ctx, x.Cid.ID, x.Shared.ID)
	}, admin},
	{"DisableUser", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.DisableUser(ctx, x.Ann.ID))
	}, admin},
	{"EnableUser", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.EnableUser(ctx, x.Fay.ID))
	}, admin},
	{"FailOrder", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.FailOrder(ctx, x.Processing.ID, "No fibre in the street"))
	}, visiting},
	{"FailPort", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.FailPort(ctx, x.Port.ID))
	}, visiting},
	{"HandOver", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.HandOver(ctx, x.Ann.ID, pbx.Successor{FirstName: "New", Email: "new@example.com", Mobile: "+16175550198"}))
	}, admin},
	{"ImportUsers", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.ImportUsers(ctx, strings.NewReader("first_name,email,extension,number_source,station,applications,mac\r\n"+
			"New,new@example.com,,new,STANDARD,crm,00:1b:54:00:00:02\r\nOther,other@example.com,7850,,,,\r\n")))
	}, admin},
	{"IssueCredentials", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.IssueCredentials(ctx, x.Bob.SIPAddress))
	}, admin},
	{"IssueCredentials", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.IssueCredentials(ctx, x.Alias.SIPAddress))
	}, admin},
	{"ModifyAlias", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return modify(func() (*pbx.Alias, error) { return dir.Alias(ctx, x.Alias.ID) },
			func(a *pbx.Alias) error {
				a.SIPAddress = "renamed@acme.example.com"
				return Second(dir.ModifyAlias(ctx, a))
			})
	}, admin},
	{"ModifyLocation", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return modify(func() (*pbx.Location, error) { return dir.Location(ctx, x.Phone.LocationID) },
			func(l *pbx.Location) error { l.Building = "BOS-2"; return Second(dir.ModifyLocation(ctx, l)) })
	}, admin},
	{"ModifyMailbox", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return modify(func() (*pbx.Mailbox, error) { return dir.Mailbox(ctx, x.Line.ID) },
			func(m *pbx.Mailbox) error { m.Email = "other@example.com"; return Second(dir.ModifyMailbox(ctx, m)) })
	}, admin},
	{"ModifyService", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return modify(func() (*pbx.Service, error) { return dir.Service(ctx, x.Line.ID) },
			func(s *pbx.Service) error { s.DN, s.Name = "7810", "Renamed"; return Second(dir.ModifyService(ctx, s)) })
	}, admin},
	{"ModifyServiceType", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		for p, err := range dir.ServiceTypes(ctx) {
			switch {
			case err != nil:
				return err
			case p.Code == "PRO":
				return Second(dir.ModifyServiceType(ctx, &pbx.ServiceType{TenantID: p.TenantID, Code: p.Code, Rev: p.Rev, Name: "Pro", Monthly: 9}))
			}
		}
		return errors.New("there is no such product")
	}, admin},
	{"ModifyStationPool", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		for p, err := range dir.StationPools(ctx) {
			switch {
			case err != nil:
				return err
			case p.Package == "STANDARD":
				p.Name, p.Total, p.Applications = "Standard", 9, nil
				return Second(dir.ModifyStationPool(ctx, p))
			}
		}
		return errors.New("there is no such package")
	}, admin},
	{"ModifyTenant", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return modify(func() (*pbx.Tenant, error) { return dir.Tenant(ctx) },
			func(t *pbx.Tenant) error { t.Policy.NumberMonthly = 700; return Second(dir.ModifyTenant(ctx, t)) })
	}, admin},
	{"ModifyUser", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return modify(func() (*pbx.User, error) { return dir.User(ctx, x.Ann.ID) },
			func(u *pbx.User) error {
				u.LastName, u.SIPAddress = "Renamed", "renamed@acme.example.com"
				return Second(dir.ModifyUser(ctx, u))
			})
	}, admin},
	{"RemoveExtension", func(ctx context.Context, dir *pbx.Directory, x *All) error { return dir.RemoveExtension(ctx, "7502") }, admin},
	{"RemoveMember", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.RemoveMember(ctx, x.Group.ID, pbx.UserMember(x.Ann.ID))
	}, admin},
	{"RemoveOwner", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.RemoveOwner(ctx, x.National(), "kate"))
	}, admin},
	{"RequestForeign", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.RequestForeign(ctx, x.Shared.ID, MiCollab("Client")))
	}, admin},
	{"RequestPort", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.RequestPort(ctx, pbx.NewPort{Carrier: "C", Date: x.Port.Date, Numbers: []pbx.E164{"+16175550190", "+16175550191"}}))
	}, admin},
	{"RetryForeign", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.RetryForeign(ctx, x.Refused.ID))
	}, admin},
	{"RetryOrder", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.RetryOrder(ctx, x.Failed.ID))
	}, admin},
	{"ReturnNumber", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.ReturnNumber(ctx, "+16175550150")
	}, admin},
	{"SendWelcomeMail", func(ctx context.Context, dir *pbx.Directory, x *All) error { return dir.SendWelcomeMail(ctx, x.Bob.ID) }, admin},
	{"SetDeviceLine", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.SetDeviceLine(ctx, x.Second.ID, 1, pbx.AliasMember(x.Alias.ID)))
	}, admin},
	{"SetKeys", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.SetKeys(ctx, x.Line.ID, x.Line.Rev, []pbx.PhoneKey{
			{Position: 1, Kind: pbx.KeySpeedDial, Target: "+16175550199"}, {Position: 2, Kind: pbx.KeyBusyLamp, Target: "7604"},
		}))
	}, admin},
	{"SetLineLocation", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.SetLineLocation(ctx, x.National(), "EMPTY"))
	}, admin},
	{"SetMainExtension", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.SetMainExtension(ctx, x.Ann.ID, "7502")
	}, admin},
	{"SetPIN", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.SetPIN(ctx, x.Line.ID, "927461")
	}, admin},
	{"SetPrimary", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.SetPrimary(ctx, x.Bob.ID, x.Shared.ID)
	}, admin},
	{"SetPrimaryDevice", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.SetPrimaryDevice(ctx, x.Second.ID)
	}, admin},
	{"SettleForeign", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.SettleForeign(ctx, x.Asked.ID, pbx.Settlement{State: pbx.ForeignActive, Link: "https://micollab.example.com/new"}))
	}, visiting},
	{"SetUpUser", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		in := Newcomer("newcomer")
		in.Station, in.Applications, in.DeviceID, in.Ports = "STANDARD", []string{"crm", "fax"}, x.Spare.ID, 2
		return Second(dir.SetUpUser(ctx, in))
	}, admin},
	{"StockNumbers", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.StockNumbers(ctx, "+16175550170", "+16175550171"))
	}, providing},
	{"UnassignDevice", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return dir.UnassignDevice(ctx, x.Phone.ID)
	}, admin},
	{"WithdrawCancellation", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.WithdrawCancellation(ctx, x.Cancelled.ID))
	}, admin},
	{"ChangeLine", func(ctx context.Context, dir *pbx.Directory, x *All) error {
		return Second(dir.ChangeLine(ctx, x.National(), pbx.LineChange{AddOwners: []pbx.Principal{"lena"}, RemoveOwners: []pbx.Principal{"kate"}, Building: "EMPTY"}))
	}, admin},
}

// modify reads a record and saves a change of it.
func modify[R any](read func() (R, error), change func(R) error) error {
	r, err := read()
	if err != nil {
		return err
	}
	return change(r)
}

// National is the number of the line that has everything.
func (x *All) National() string { return string(x.Line.Number)[2:] }

// empty finds the location that nobody uses.
func (x *All) empty(ctx context.Context, dir *pbx.Directory) pbx.LocationID {
	for l, err := range dir.Locations(ctx) {
		if err == nil && l.Building == "EMPTY" {
			return l.ID
		}
	}
	return pbx.LocationID{1}
}
