package model_test

import (
	"context"
	"iter"
	"reflect"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/tests/model"
)

// The IDs that handles stand for, by kind.
func (p *played) user(h model.Handle) pbx.UserID         { return p.id(h) }
func (p *played) service(h model.Handle) pbx.ServiceID   { return p.id(h) }
func (p *played) location(h model.Handle) pbx.LocationID { return p.id(h) }
func (p *played) device(h model.Handle) pbx.DeviceID     { return p.id(h) }

// call calls the method that an operation of the model stands for, and keeps the
// handles of what it made.
func (p *played) call(ctx context.Context, dir *pbx.Directory, c model.Call) (answer []string, err error) {
	switch c.Op.(type) {
	case model.CreateTenant, model.ModifyTenant, model.AddLocation, model.ModifyLocation, model.DeleteLocation,
		model.AddServiceType, model.ModifyServiceType, model.AddStationPool, model.ModifyStationPool:
		return nil, p.callTenant(ctx, dir, c)
	case model.CreateUser, model.SetUpUser, model.ModifyUser, model.ActivateUser, model.SendWelcomeMail, model.DeleteUser, model.ChangeStation,
		model.AddExtension, model.RemoveExtension, model.SetMainExtension:
		return nil, p.callUser(ctx, dir, c)
	case model.AddAlias, model.ModifyAlias, model.DeleteAlias, model.CreateGroup, model.DeleteGroup, model.AddMember, model.RemoveMember:
		return nil, p.callGroup(ctx, dir, c)
	case model.AddService, model.ModifyService, model.ActivateService, model.DeleteService, model.DropRemoteService, model.Associate, model.Disassociate, model.SetPrimary,
		model.ChangeLine, model.AddOwner, model.RemoveOwner, model.SetLineLocation:
		return nil, p.callService(ctx, dir, c)
	case model.CompleteOrder, model.FailOrder, model.RetryOrder, model.CancelService, model.WithdrawCancellation,
		model.AttachForeign, model.RequestForeign, model.SettleForeign, model.RetryForeign, model.DetachForeign:
		return nil, p.callForeign(ctx, dir, c)
	case model.ImportUsers, model.DisableUser, model.EnableUser, model.HandOver, model.IssueCredentials, model.SetDeviceLine, model.ClearDeviceLine, model.SetKeys:
		return nil, p.callPerson(ctx, dir, c)
	case model.AddMailbox, model.ModifyMailbox, model.DeleteMailbox, model.SetPIN, model.CheckPIN:
		return nil, p.callMailbox(ctx, dir, c)
	case model.StockNumbers, model.AddNumbers, model.ReturnNumber, model.ChangeNumber, model.RequestPort, model.ConfirmPort, model.ActivatePort,
		model.CancelPort, model.FailPort:
		return nil, p.callNumber(ctx, dir, c)
	case model.AddDevice, model.AssignDevice, model.UnassignDevice, model.SetPrimaryDevice, model.DeleteDevice:
		return nil, p.callDevice(ctx, dir, c)
	}
	return p.answer(ctx, dir, c.Op)
}

func (p *played) callTenant(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	switch o := c.Op.(type) {
	case model.CreateTenant:
		policy := pbx.DefaultPolicy()
		for _, entry := range o.Policy {
			field, value, _ := strings.Cut(entry, "=")
			model.SetPolicy(&policy, field, value)
		}
		t, err := dir.CreateTenant(ctx, pbx.NewTenant{Name: o.Name, Country: o.Country, Currency: o.Currency, SIPDomain: o.SIPDomain, Policy: &policy})
		if err == nil {
			label, _, _ := strings.Cut(t.SIPDomain, ".")
			p.known(model.Handle(label), t.ID)
		}
		return err
	case model.ModifyTenant:
		t, err := dir.Tenant(ctx)
		if err != nil {
			t = new(pbx.Tenant)
		}
		for _, entry := range o.Set {
			field, value, _ := strings.Cut(entry, "=")
			switch field {
			case "Name":
				t.Name = value
			case "Currency":
				t.Currency = value
			case "Country":
				t.Country = value
			case "SIPDomain":
				t.SIPDomain = value
			case "NumberCriteria":
				t.NumberCriteria = value
			case "CreatedAt":
				spoil(t, model.Set{entry})
			default:
				model.SetPolicy(&t.Policy, field, value)
			}
		}
		if o.Stale {
			t.SettingsRev--
		}
		return second(dir.ModifyTenant(ctx, t))
	case model.AddLocation:
		l, err := dir.AddLocation(ctx, pbx.NewLocation{Building: o.Building, Name: o.Name, Address: addressOf(o.Site), NumberPrefix: o.NumberPrefix})
		if err == nil {
			p.made("l", c.N, l.ID)
		}
		return err
	case model.ModifyLocation:
		l, err := dir.Location(ctx, p.location(o.Location))
		if err != nil {
			l = &pbx.Location{ID: p.location(o.Location)}
		}
		l.Building, l.Name, l.Address, l.NumberPrefix = o.Building, o.Name, addressOf(o.Site), o.NumberPrefix
		spoil(l, o.Kept)
		if o.Stale {
			l.Rev--
		}
		return second(dir.ModifyLocation(ctx, l))
	case model.DeleteLocation:
		return dir.DeleteLocation(ctx, p.location(o.Location))
	}
	return p.callCatalogue(ctx, dir, c)
}

func (p *played) callCatalogue(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	switch o := c.Op.(type) {
	case model.AddServiceType:
		return second(dir.AddServiceType(ctx, pbx.NewServiceType{Code: o.Code, Name: o.Name, Monthly: o.Monthly, OneTime: o.OneTime,
			Applications: o.Applications, Fulfilment: o.Fulfilment}))
	case model.ModifyServiceType:
		st := asRead(dir.ServiceTypes(ctx), func(st *pbx.ServiceType) bool { return st.Code == o.Code })
		st.Code, st.Name, st.Monthly, st.OneTime, st.Applications, st.Fulfilment = o.Code, o.Name, o.Monthly, o.OneTime, o.Applications, o.Fulfilment
		spoil(st, o.Kept)
		if o.Stale {
			st.Rev--
		}
		return second(dir.ModifyServiceType(ctx, st))
	case model.AddStationPool:
		return second(dir.AddStationPool(ctx, pbx.NewStationPool{Package: o.Package, Name: o.Name, Total: o.Total, Applications: o.Applications}))
	case model.ModifyStationPool:
		pool := asRead(dir.StationPools(ctx), func(p *pbx.StationPool) bool { return p.Package == o.Package })
		pool.Package, pool.Name, pool.Total, pool.Applications = o.Package, o.Name, o.Total, o.Applications
		pool.Used += o.Used
		spoil(pool, o.Kept)
		if o.Stale {
			pool.Rev--
		}
		return second(dir.ModifyStationPool(ctx, pool))
	}
	panic("unreachable")
}

// asRead is the record of a list that fits, or an empty one.
func asRead[R any](list iter.Seq2[*R, error], fits func(*R) bool) *R {
	for r, err := range list {
		if err == nil && fits(r) {
			return r
		}
	}
	return new(R)
}

func addressOf(s model.Site) pbx.CivicAddress {
	return pbx.CivicAddress{Street: s.Street, City: s.City, Region: s.Region, PostalCode: s.PostalCode, Country: s.Country}
}

func (p *played) newUser(o model.Person, e pbx.Extension) pbx.NewUser {
	return pbx.NewUser{FirstName: o.FirstName, LastName: o.LastName, Email: o.Email, Login: o.Login, Extension: e, Mobile: o.Mobile,
		Department: o.Department, LocationID: p.location(o.Location), MusicOnHold: o.MusicOnHold, SIPAddress: o.SIPAddress, E911: o.E911,
		ActivateLater: o.ActivateLater, NoWelcomeMail: o.NoMail}
}

func (p *played) callUser(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	switch o := c.Op.(type) {
	case model.CreateUser:
		u, err := dir.CreateUser(ctx, p.newUser(o.Person, o.Extension))
		if err == nil {
			p.made("u", c.N, u.ID)
		}
		return err
	case model.SetUpUser:
		made, err := dir.SetUpUser(ctx, pbx.SetUp{NewUser: p.newUser(o.Person, o.Extension), Number: o.Number, ServiceType: o.ServiceType,
			Station: o.Station, Applications: o.Applications, DeviceID: p.device(o.Device), Ports: o.Ports, DeviceType: o.DeviceType,
			Foreign: foreignOf(o.Foreign), Keys: o.Keys, Mailbox: mailboxOf(o.Mailbox), LocationKeptBy: o.LocationKeptBy})
		if err != nil {
			return err
		}
		p.made("u", c.N, made.User.ID)
		p.made("s", c.N, made.Service.ID)
		return p.madeForeign(ctx, dir, c.N, made.Service.ID, o.Foreign)
	case model.ModifyUser:
		u, err := dir.User(ctx, p.user(o.User))
		if err != nil {
			u = &pbx.User{ID: p.user(o.User)}
		}
		for _, entry := range o.Set {
			field, value, _ := strings.Cut(entry, "=")
			p.setUser(u, field, value)
		}
		if o.Stale {
			u.Rev--
		}
		return second(dir.ModifyUser(ctx, u))
	case model.ActivateUser:
		return second(dir.ActivateUser(ctx, p.user(o.User)))
	case model.SendWelcomeMail:
		return dir.SendWelcomeMail(ctx, p.user(o.User))
	case model.DeleteUser:
		return dir.DeleteUser(ctx, p.user(o.User), o.Form)
	case model.ChangeStation:
		return second(dir.ChangeStation(ctx, p.user(o.User), o.Package))
	case model.AddExtension:
		return second(dir.AddExtension(ctx, p.user(o.User), o.Extension))
	case model.RemoveExtension:
		return dir.RemoveExtension(ctx, o.Extension)
	case model.SetMainExtension:
		return dir.SetMainExtension(ctx, p.user(o.User), o.Extension)
	}
	panic("unreachable")
}

// spoil changes what no operation changes: a tenant, or a time.
func spoil(record any, fields model.Set) {
	for _, entry := range fields {
		field, _, _ := strings.Cut(entry, "=")
		switch at := reflect.ValueOf(record).Elem().FieldByName(field).Addr().Interface().(type) {
		case *pbx.TenantID:
			at[0] ^= 1
		case *time.Time:
			*at = at.Add(time.Hour)
		}
	}
}

func (p *played) setUser(u *pbx.User, field, value string) {
	switch field {
	case "FirstName":
		u.FirstName = value
	case "LastName":
		u.LastName = value
	case "Email":
		u.Email = value
	case "Login":
		u.Login = value
	case "Mobile":
		u.Mobile = pbx.E164(value)
	case "Department":
		u.Department = value
	case "LocationID":
		u.LocationID = p.location(model.Handle(value))
	case "MusicOnHold":
		u.MusicOnHold = value
	case "SIPAddress":
		u.SIPAddress = pbx.SIPAddress(value)
	case "E911":
		u.E911 = value == "yes"
	case "Applications":
		u.Applications = nil
		if value != "" {
			u.Applications = strings.Split(value, "+")
		}
	case "State":
		u.State = pbx.UserState(value)
	case "Station":
		u.Station = value
	case "TenantID", "CreatedAt", "ActivatedAt":
		spoil(u, model.Set{field + "=" + value})
	default:
		panic("no field " + field)
	}
}

func memberOf(p *played, user, alias model.Handle) pbx.MemberID {
	if alias != "" {
		return pbx.AliasMember(p.id(alias))
	}
	return pbx.UserMember(p.id(user))
}

func (p *played) callGroup(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	switch o := c.Op.(type) {
	case model.AddAlias:
		a, err := dir.AddAlias(ctx, pbx.NewAlias{UserID: p.user(o.User), Name: o.Name, SIPAddress: o.SIPAddress, Extension: o.Extension})
		if err == nil {
			p.made("a", c.N, a.ID)
		}
		return err
	case model.ModifyAlias:
		a, err := dir.Alias(ctx, p.id(o.Alias))
		if err != nil {
			a = &pbx.Alias{ID: p.id(o.Alias)}
		}
		for _, entry := range o.Set {
			field, value, _ := strings.Cut(entry, "=")
			switch field {
			case "Name":
				a.Name = value
			case "SIPAddress":
				a.SIPAddress = pbx.SIPAddress(value)
			case "UserID":
				a.UserID = p.user(model.Handle(value))
			case "TenantID":
				spoil(a, model.Set{entry})
			}
		}
		if o.Stale {
			a.Rev--
		}
		return second(dir.ModifyAlias(ctx, a))
	case model.DeleteAlias:
		return dir.DeleteAlias(ctx, p.id(o.Alias))
	case model.CreateGroup:
		g, err := dir.CreateGroup(ctx, pbx.NewGroup{Kind: o.Kind, Name: o.Name, Extension: o.Extension})
		if err == nil {
			p.made("g", c.N, g.ID)
		}
		return err
	case model.DeleteGroup:
		return dir.DeleteGroup(ctx, p.id(o.Group))
	case model.AddMember:
		return dir.AddMember(ctx, p.id(o.Group), memberOf(p, o.User, o.Alias))
	case model.RemoveMember:
		return dir.RemoveMember(ctx, p.id(o.Group), memberOf(p, o.User, o.Alias))
	}
	panic("unreachable")
}

func (p *played) callService(ctx context.Context, dir *pbx.Directory, c model.Call) error {
	switch o := c.Op.(type) {
	case model.AddService:
		s, err := dir.AddService(ctx, pbx.NewService{UserID: p.user(o.User), DN: o.DN, DeviceType: o.DeviceType, DeviceID: p.device(o.Device),
			Name: o.Name, Type: o.Type, Number: o.Number, LocationID: p.location(o.Location), LocationKeptBy: o.LocationKeptBy,
			RemoteSystem: o.RemoteSystem, ActivateLater: o.ActivateLater, Foreign: foreignOf(o.Foreign), Keys: o.Keys, Applications: o.Applications})
		if err != nil {
			return err
		}
		p.made("s", c.N, s.ID)
		return p.madeForeign(ctx, dir, c.N, s.ID, o.Foreign)
	case model.ModifyService:
		s, err := dir.Service(ctx, p.service(o.Service))
		if err != nil {
			s = &pbx.Service{ID: p.service(o.Service)}
		}
		for _, entry := range o.Set {
			field, value, _ := strings.Cut(entry, "=")
			p.setService(s, field, value)
		}
		if o.Stale {
			s.Rev--
		}
		return second(dir.ModifyService(ctx, s))
	case model.ActivateService:
		return second(dir.ActivateService(ctx, p.service(o.Service)))
	case model.DeleteService:
		return dir.DeleteService(ctx, p.service(o.Service))
	case model.DropRemoteService:
		return dir.DropRemoteService(ctx, p.service(o.Service))
	case model.Associate:
		return second(dir.Associate(ctx, p.user(o.User), p.service(o.Service)))
	case model.Disassociate:
		return dir.Disassociate(ctx, p.user(o.User), p.service(o.Service))
	case model.SetPrimary:
		return dir.SetPrimary(ctx, p.user(o.User), p.service(o.Service))
	case model.ChangeLine:
		return second(dir.ChangeLine(ctx, o.Number, pbx.LineChange{AddOwners: o.Add, RemoveOwners: o.Remove, Building: o.Building,
			Rev: map[bool]int64{true: 999}[o.Stale]}))
	case model.AddOwner:
		return second(dir.AddOwner(ctx, o.Number, o.Principal))
	case model.RemoveOwner:
		return second(dir.RemoveOwner(ctx, o.Number, o.Principal))
	case model.SetLineLocation:
		return second(dir.SetLineLocation(ctx, o.Number, o.Building))
	}
	panic("unreachable")
}

func (p *played) setService(s *pbx.Service, field, value string) {
	switch field {
	case "Name":
		s.Name = value
	case "DN":
		s.DN = pbx.Extension(value)
	case "Type":
		s.Type = value
	case "DeviceType":
		s.DeviceType = value
	case "LocationID":
		s.LocationID = p.location(model.Handle(value))
	case "Status":
		s.Status = pbx.ServiceStatus(value)
	case "Category":
		s.Category = pbx.Category(value)
	case "DeviceID":
		s.DeviceID = p.device(model.Handle(value))
	case "LocationKeptBy":
		s.LocationKeptBy = value
	case "RemoteSystem":
		s.RemoteSystem = value
	case "Number":
		s.Number = pbx.E164(value)
	case "Failure":
		s.Failure = value
	case "ActivateLater":
		s.ActivateLater = value == "yes"
	case "TenantID", "CreatedAt", "CancelAt":
		spoil(s, model.Set{field + "=" + value})
	default:
		panic("no field " + field)
	}
}

// mailboxOf is the mailbox that a guided set-up is to make.
func mailboxOf(m model.NewMailbox) *pbx.NewMailbox {
	if !m.Wanted {
		return nil
	}
	return &pbx.NewMailbox{Number: m.Number, Email: m.Email, PIN: pbx.PIN(m.PIN)}
}
