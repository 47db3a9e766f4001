package model_test

import (
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/tests/model"
)

// op draws an operation in a tenant.
func (d draw) op(in model.Handle) model.Op {
	d.careful = !d.one(3)
	return oneOf(d, drawn...)(d, in)
}

// drawn are the operations; those that others depend on are listed several
// times.
var drawn = []func(d draw, in model.Handle) model.Op{
	func(d draw, in model.Handle) model.Op {
		return model.CreateTenant{Name: d.text("New"), Country: good(d, []string{"US", "GB"}, []string{"XX"}), Currency: rarely(d, 4, "EUR", "euro"),
			SIPDomain: good(d, []string{"fr.example", "de.example", "it.example"}, []string{"us.example", "US.example", "-bad", ""}), Policy: rarely(d, 3, d.policy())}
	},
	func(d draw, in model.Handle) model.Op {
		return model.ModifyTenant{
			Set:   oneOf(d, d.policy(), model.Set{"Name=" + d.text("Acme")}, model.Set{good(d, []string{"Currency=GBP", "NumberCriteria=+1416", "NumberCriteria=+1617", "NumberCriteria="}, []string{"Currency=x", "Country=GB", "CreatedAt=later", "SIPDomain=x.example", "NumberCriteria=+49"})}),
			Stale: d.careless(4),
		}
	},
	func(d draw, in model.Handle) model.Op { return model.AddLocation{Site: d.site()} },
	func(d draw, in model.Handle) model.Op {
		return model.ModifyLocation{Location: d.location(in), Site: d.site(), Kept: d.elsewhere(), Stale: d.careless(5)}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteLocation{Location: d.location(in)} },
	func(d draw, in model.Handle) model.Op {
		return oneOf[model.Op](d,
			model.AddServiceType{ServiceType: d.product("NEW")},
			model.ModifyServiceType{ServiceType: d.product("PRO", "FREE", "NEW"), Kept: d.elsewhere(), Stale: d.careless(5)})
	},
	func(d draw, in model.Handle) model.Op {
		return oneOf[model.Op](d,
			model.AddStationPool{Pool: d.stations("NEW")},
			model.ModifyStationPool{Pool: d.counted("STANDARD", "LITE", "NEW"), Kept: d.elsewhere(), Stale: d.careless(5)})
	},
	handOver, setDeviceLine, setDeviceLine, setKeys, setKeys, attachForeign, requestForeign, settleForeign, settleForeign, settleForeign,
	func(d draw, in model.Handle) model.Op { return model.DisableUser{User: d.user(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.EnableUser{User: d.userWho(in, inState(pbx.UserDisabled))}
	},
	func(d draw, in model.Handle) model.Op { return model.IssueCredentials{User: d.user(in)} },
	func(d draw, in model.Handle) model.Op {
		return oneOf(d,
			model.IssueCredentials{Alias: d.alias(in)}, model.IssueCredentials{User: d.user(in)},
			model.IssueCredentials{Address: d.address(in)})
	},
	func(d draw, in model.Handle) model.Op {
		return model.ClearDeviceLine{Device: d.deviceThat(in, pbx.DeviceAssigned), Line: good(d, []int64{1, 2}, []int64{0, 9})}
	},
	func(d draw, in model.Handle) model.Op {
		return model.CompleteOrder{Service: d.inStatus(in, pbx.StatusOrderProcessing)}
	},
	func(d draw, in model.Handle) model.Op {
		return model.FailOrder{Service: d.inStatus(in, pbx.StatusOrderProcessing), Reason: d.text("No line there")}
	},
	func(d draw, in model.Handle) model.Op {
		return model.RetryOrder{Service: d.inStatus(in, pbx.StatusOrderFailed)}
	},
	func(d draw, in model.Handle) model.Op {
		return model.CancelService{
			Service: d.service(in),
			After:   good(d, []time.Duration{0, 30 * 24 * time.Hour}, []time.Duration{-time.Minute, 5000 * 24 * time.Hour}),
		}
	},
	func(d draw, in model.Handle) model.Op {
		return model.WithdrawCancellation{Service: d.inStatus(in, pbx.StatusPendingCancellation)}
	},
	func(d draw, in model.Handle) model.Op {
		return model.RetryForeign{Foreign: d.foreignThat(in, pbx.ForeignFailed)}
	},
	func(d draw, in model.Handle) model.Op {
		return model.DetachForeign{Foreign: d.foreignThat(in, pbx.ForeignLeft, pbx.ForeignFailed)}
	},
	anyRead, anyRead, anyRead, anyRead, anyRead, anyRead, anyRead, anyRead,
	importUsers, importUsers,
	createUser, createUser, setUpUser, setUpUser, setUpUser, modifyUser, modifyUser, deleteUser, deleteUser, addService, addService, addService,
	modifyService, modifyService, associate, associate, changeNumber, changeNumber, checkPIN, updateLine,
	func(d draw, in model.Handle) model.Op {
		return model.ActivateUser{User: d.userWho(in, inState(pbx.UserPending))}
	},
	func(d draw, in model.Handle) model.Op { return model.SendWelcomeMail{User: d.user(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.ChangeStation{User: d.user(in), Package: d.pool()}
	},
	func(d draw, in model.Handle) model.Op {
		return model.AddExtension{User: d.user(in), Extension: d.extension(in)}
	},
	func(d draw, in model.Handle) model.Op { return model.RemoveExtension{Extension: d.dialled(in)} },
	func(d draw, in model.Handle) model.Op {
		u, e := d.dialledUser(in)
		return model.SetMainExtension{User: u, Extension: e}
	},
	func(d draw, in model.Handle) model.Op {
		return model.AddAlias{
			User: d.user(in), Name: d.text("Ann Lee", "Help", "é!"), SIPAddress: rarely(d, 3, d.address(in)),
			Extension: rarely(d, 2, d.extension(in)),
		}
	},
	func(d draw, in model.Handle) model.Op {
		return model.ModifyAlias{
			Alias: d.alias(in),
			Set:   append(d.set("Name="+d.text("Help"), "SIPAddress="+string(d.address(in)), "UserID="+string(d.user(in))), d.elsewhere()...),
			Stale: d.careless(4),
		}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteAlias{Alias: d.alias(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.CreateGroup{
			Kind: good(d, []pbx.GroupKind{"", pbx.HuntGroup, pbx.ACDQueue}, []pbx.GroupKind{"choir"}),
			Name: d.text("Sales", "SALES", "Help", "Ring"), Extension: rarely(d, 2, d.extension(in)),
		}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteGroup{Group: d.group(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.AddMember{Group: d.group(in), User: d.user(in), Alias: rarely(d, 2, d.alias(in))}
	},
	func(d draw, in model.Handle) model.Op {
		if t := d.s.Tenant(in); t != nil && len(t.Members) > 0 && d.careful {
			m := oneOf(d, t.Members...)
			return model.RemoveMember{Group: m.Group, User: m.User, Alias: m.Alias}
		}
		return model.RemoveMember{Group: d.group(in), User: d.user(in), Alias: rarely(d, 2, d.alias(in))}
	},
	func(d draw, in model.Handle) model.Op {
		return model.ActivateService{Service: d.inStatus(in, oneOf(d, pbx.StatusPendingActivation, pbx.StatusNone))}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteService{Service: d.service(in)} },
	func(d draw, in model.Handle) model.Op { return model.DeleteService{Service: d.service(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.DropRemoteService{Service: d.inStatus(in, pbx.StatusNone)}
	},
	func(d draw, in model.Handle) model.Op {
		u, s := d.pair(in)
		return model.Disassociate{User: u, Service: s}
	},
	func(d draw, in model.Handle) model.Op {
		u, s := d.pair(in)
		return model.SetPrimary{User: u, Service: s}
	},
	func(d draw, in model.Handle) model.Op {
		return model.AddOwner{Number: d.line(in), Principal: d.principal()}
	},
	func(d draw, in model.Handle) model.Op {
		return model.RemoveOwner{Number: d.line(in), Principal: d.principal()}
	},
	func(d draw, in model.Handle) model.Op {
		return model.SetLineLocation{Number: d.line(in), Building: d.building(in)}
	},
	func(d draw, in model.Handle) model.Op {
		return model.AddMailbox{
			Service: d.service(in), Number: rarely(d, 3, good(d, []string{"7000", "7500"}, []string{"0700", "x"})),
			Email: rarely(d, 3, d.email(in)), PIN: rarely(d, 6, d.pin()),
		}
	},
	func(d draw, in model.Handle) model.Op {
		return model.ModifyMailbox{
			Service: d.mailbox(in), Number: good(d, []string{"7000", "7500", "7501"}, []string{"0700"}),
			Email: rarely(d, 2, d.email(in)), Kept: d.spoilt("TenantID=", "CreatedAt=", "LockedUntil="), Stale: d.careless(4),
		}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteMailbox{Service: d.mailbox(in)} },
	func(d draw, in model.Handle) model.Op { return model.SetPIN{Service: d.mailbox(in), PIN: d.pin()} },
	func(d draw, in model.Handle) model.Op { return model.StockNumbers{Numbers: d.numbers()} },
	func(d draw, in model.Handle) model.Op { return model.AddNumbers{Numbers: d.numbers()} },
	func(d draw, in model.Handle) model.Op { return model.ReturnNumber{Number: d.owned(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.RequestPort{
			Carrier: d.text("Old", "Older"), Date: good(d, []time.Time{d.s.Now, d.s.Now.AddDate(0, 0, 7)}, []time.Time{{}, d.s.Now.AddDate(0, 0, -1)}),
			Numbers: d.numbers(),
		}
	},
	func(d draw, in model.Handle) model.Op { return model.ConfirmPort{Port: d.port(in)} },
	func(d draw, in model.Handle) model.Op { return model.ActivatePort{Port: d.port(in)} },
	func(d draw, in model.Handle) model.Op { return model.CancelPort{Port: d.port(in)} },
	func(d draw, in model.Handle) model.Op { return model.FailPort{Port: d.port(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.AddDevice{
			MAC:   good(d, []string{"001b.5400.0009", "00-1B-54-00-00-0a", "001b5400000b"}, []string{"00:1B:54:00:00:01", "01:1b:54:00:00:01", "00:00:00:00:00:00", "phone"}),
			Model: d.deviceType(), Location: rarely(d, 2, d.location(in))}
	},
	func(d draw, in model.Handle) model.Op {
		return model.AssignDevice{Device: d.deviceThat(in, pbx.DeviceAvailable), User: d.user(in), Ports: good(d, []int64{0, 1, 2}, []int64{6, -1})}
	},
	func(d draw, in model.Handle) model.Op {
		return model.UnassignDevice{Device: d.deviceThat(in, pbx.DeviceAssigned)}
	},
	func(d draw, in model.Handle) model.Op {
		return model.SetPrimaryDevice{Device: d.deviceThat(in, pbx.DeviceAssigned)}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteDevice{Device: d.device(in)} },
}

func (d draw) policy() model.Set {
	if d.careful {
		return d.set("ExtensionMinLength=3", "ExtensionMaxLength=4", "ExtensionFirst=7001", "ExtensionLast=7020", "AdvisedExtension=7xxx", "VoicemailDigits=3",
			"VoicemailDigits=4", "VoicemailDigits=0", "PINMinLength=4", "PINTries=2", "NumberRest=0", "NumberRest=48", "NumberMonthly=700")
	}
	return d.set("ExtensionMinLength=1", "ExtensionMaxLength=8", "ExtensionLast=60", "AdvisedExtension=y", "VoicemailDigits=9", "PINMinLength=3", "PINTries=0",
		"NumberRest=5", "NumberMonthly=-1", "NumberOneTime=7")
}

// dialled is an extension that reaches something, mostly.
func (d draw) dialled(in model.Handle) pbx.Extension {
	t := d.s.Tenant(in)
	if t == nil || len(t.Entries) == 0 || d.careless(3) {
		return d.extension(in)
	}
	return oneOf(d, t.Entries...).Digits
}

// pair is a user and a service, mostly of theirs.
func (d draw) pair(in model.Handle) (user, service model.Handle) {
	if t := d.s.Tenant(in); t != nil && len(t.Associations) > 0 && !d.careless(3) {
		a := oneOf(d, t.Associations...)
		return a.User, a.Service
	}
	return d.user(in), d.service(in)
}

// mailbox is a service with a mailbox, mostly.
func (d draw) mailbox(in model.Handle) model.Handle {
	if t := d.s.Tenant(in); t != nil && len(t.Mailboxes) > 0 && !d.careless(3) {
		return oneOf(d, t.Mailboxes...).Service
	}
	return d.service(in)
}

func createUser(d draw, in model.Handle) model.Op {
	return model.CreateUser{Person: d.person(in), Extension: d.extension(in)}
}

func importUsers(d draw, in model.Handle) model.Op {
	var o model.ImportUsers
	for range 1 + d.Intn(3) {
		o.Rows = append(o.Rows, model.ImportRow{
			FirstName: d.text("Ann", "Bo"), LastName: d.text("Lee", "Day"), Email: d.email(in), Login: rarely(d, 4, d.email(in)),
			Extension: rarely(d, 2, d.extension(in)), ServiceType: rarely(d, 2, d.serviceType()), Building: rarely(d, 3, d.building(in)),
			Line: rarely(d, 3, good(d, []string{"yes", "no"}, []string{"maybe"})), WelcomeMail: rarely(d, 3, "yes", "no"),
		})
		if r := &o.Rows[len(o.Rows)-1]; d.one(5) { // as an export has it for a user who no longer has an address
			r.Email, r.Login, r.Line, r.WelcomeMail = "", d.email(in), oneOf(d, "yes", "no"), "no"
		}
	}
	return o
}

func setUpUser(d draw, in model.Handle) model.Op {
	return model.SetUpUser{Person: d.person(in), Extension: rarely(d, 2, d.extension(in)), Number: d.choice(in), ServiceType: d.serviceType(),
		Foreign: d.foreigns(), Keys: rarely(d, 5, d.keys(in)), Station: rarely(d, 2, d.pool()), Applications: rarely(d, 2, d.applications()), Device: rarely(d, 3, d.device(in)), Ports: good(d, []int64{0, 1, 2}, []int64{6}),
		DeviceType: rarely(d, 5, d.deviceType()), Mailbox: rarely(d, 3, d.newMailbox(in)),
		LocationKeptBy: rarely(d, 10, d.text("Whereabouts"))}
}

func (d draw) newMailbox(in model.Handle) model.NewMailbox {
	return model.NewMailbox{Wanted: true, Number: rarely(d, 3, good(d, []string{"7000", "7500"}, []string{"0700", "x"})), Email: rarely(d, 3, d.email(in)), PIN: rarely(d, 6, d.pin())}
}

// spoilt sometimes draws a field that no operation changes.
func (d draw) spoilt(fields ...string) model.Set {
	if d.careless(8) {
		return model.Set{oneOf(d, fields...)}
	}
	return nil
}

// elsewhere sometimes says that a record is another tenant's.
func (d draw) elsewhere() model.Set { return d.spoilt("TenantID=") }

func modifyUser(d draw, in model.Handle) model.Op {
	fields := []string{"FirstName=" + d.text("Ann", "Bo"), "LastName=" + d.text("Lee"), "Email=" + d.email(in), "Login=" + d.email(in), "Mobile=" + string(d.number()),
		"Department=" + d.text("Sales"), "LocationID=" + string(d.location(in)), "LocationID=" + string(d.location(in)), "SIPAddress=" + string(d.address(in)),
		"E911=yes", "E911=no", "Applications=" + oneOf(d, "fax", "crm", "softphone+crm"), "MusicOnHold=" + d.text("calm")}
	if !d.careful {
		fields = append(fields, "FirstName=", "Email=", "Email=", "Login=", "State=disabled", "Station=LITE", "TenantID=", "CreatedAt=", "ActivatedAt=", "Applications=crm+crm", "Applications=no code")
	}
	return model.ModifyUser{User: d.user(in), Stale: d.careless(5), Set: d.set(fields...)}
}

func deleteUser(d draw, in model.Handle) model.Op {
	return model.DeleteUser{
		User: d.user(in),
		Form: good(d, []pbx.Deletion{pbx.UserOnly, pbx.UserAndPhones, pbx.UserAndPhones}, []pbx.Deletion{"", "all"}),
	}
}

func addService(d draw, in model.Handle) model.Op {
	o := d.forHimself(in, model.AddService{
		User: rarely(d, 2, d.user(in)), DN: rarely(d, 2, d.extension(in)), DeviceType: d.deviceType(),
		Device: rarely(d, 3, d.device(in)),
		Name:   rarely(d, 6, d.text("Lobby")), Type: d.serviceType(), Number: d.choice(in), Location: rarely(d, 3, d.location(in)),
		LocationKeptBy: rarely(d, 10, d.text("Whereabouts")), RemoteSystem: rarely(d, 10, d.text("Leeds")), ActivateLater: d.one(4),
		Foreign: d.foreigns(), Keys: rarely(d, 4, d.keys(in)), Applications: rarely(d, 4, d.applications()),
	})
	if o.User == "" && d.careful {
		o.Applications = nil
	}
	if o.RemoteSystem != "" && d.careful {
		o.Number, o.Device, o.Foreign, o.Keys = pbx.NumberChoice{}, "", nil, nil
	}
	return o
}

// forHimself sometimes gives a new service to a user whose own extension is to
// be its DN.
func (d draw) forHimself(in model.Handle, o model.AddService) model.AddService {
	if u, e := d.dialledUser(in); d.one(4) {
		o.User, o.DN = u, rarely(d, 2, e)
	}
	return o
}

func modifyService(d draw, in model.Handle) model.Op {
	fields := []string{"Name=" + d.text("Lobby"), "DN=" + string(d.extension(in)), "DN=" + string(d.extension(in)), "Type=" + d.serviceType(), "Type=" + d.serviceType(),
		"DeviceType=" + d.deviceType(), "DeviceID=" + string(rarely(d, 5, d.device(in))), "DeviceID=" + string(d.device(in)), "LocationID=" + string(d.location(in)), "LocationID=" + string(d.location(in)), "LocationKeptBy=Whereabouts", "LocationKeptBy="}
	if !d.careful {
		fields = append(fields, "DN=1", "DN=x12", "Status=none", "Category=analogue", "LocationKeptBy= x", "RemoteSystem=x", "Number=+16175550100", "Failure=x", "ActivateLater=yes", "TenantID=", "CreatedAt=", "CancelAt=")
	}
	return model.ModifyService{Service: d.service(in), Stale: d.careless(5), Set: d.set(fields...)}
}

// anyRead draws a method that reads: in a batch or a review it sees what that has
// done so far.
func anyRead(d draw, in model.Handle) model.Op {
	return oneOf[model.Op](d,
		model.Users{LastName: rarely(d, 2, "l", "Le", "abroad"), FirstName: rarely(d, 2, "A", "zoe", "ZO", "b")}, model.Lookup{Extension: d.dialled(in)},
		model.MainExtension{User: d.user(in)}, model.OfferedNumbers{At: rarely(d, 2, d.location(in)), Prefix: rarely(d, 3, "+1416", "+16175550", "+44", "1")},
		model.Numbers{
			State: oneOf(d, pbx.NumberAvailable, pbx.NumberAssigned, pbx.NumberPorting, pbx.NumberStock, pbx.NumberResting, "", "lost"), Unawaited: d.one(2),
		}, model.Line{Number: d.line(in)},
		model.UserServices{User: d.user(in)}, model.ServiceUsers{Service: d.service(in)}, model.Services{Number: oneOf(d, "", "77", "+1617", "+1")},
		model.Devices{
			User: rarely(d, 2, d.user(in)), State: oneOf(d, "", pbx.DeviceAssigned, pbx.DeviceInService),
		}, model.DeviceLines{Device: d.device(in)},
		model.Extensions{User: rarely(d, 2, d.user(in))}, model.ForeignServices{Service: rarely(d, 2, d.service(in))}, model.Orders{})
}

// inStatus is a service with a status, mostly.
func (d draw) inStatus(in model.Handle, status pbx.ServiceStatus) model.Handle {
	return d.serviceThat(in, func(s *model.Service) bool { return s.Status == status })
}

func inState(state pbx.UserState) func(*model.User) bool {
	return func(u *model.User) bool { return u.State == state }
}

// dialledUser is a user and an extension, mostly of theirs.
func (d draw) dialledUser(in model.Handle) (model.Handle, pbx.Extension) {
	e := d.dialled(in)
	if t := d.s.Tenant(in); t != nil && d.careful {
		for _, entry := range t.Entries {
			if entry.Digits == e && entry.User != "" {
				return entry.User, e
			}
		}
	}
	return d.user(in), e
}

func handOver(d draw, in model.Handle) model.Op {
	return model.HandOver{
		User: d.user(in), FirstName: d.text("Ann", "Bo"), LastName: d.text("Lee", ""), Email: d.email(in),
		Login:  rarely(d, 4, d.email(in)),
		Mobile: rarely(d, 3, d.number()), SIPAddress: rarely(d, 4, d.address(in)), NoMail: d.one(4), Stale: d.careless(4)}
}

func setDeviceLine(d draw, in model.Handle) model.Op {
	o := model.SetDeviceLine{
		Device: d.deviceThat(in, pbx.DeviceAssigned), Line: good(d, []int64{1, 2}, []int64{0, 9}), User: d.user(in),
		Alias: rarely(d, 2, d.alias(in)),
	}
	if t := d.s.Tenant(in); t != nil && d.careful {
		for _, v := range t.Devices {
			if v.ID == o.Device && v.User != "" {
				o.User = v.User
			}
		}
	}
	return o
}

func setKeys(d draw, in model.Handle) model.Op {
	return model.SetKeys{Service: d.service(in), Keys: d.keys(in), Stale: d.careless(5)}
}

func attachForeign(d draw, in model.Handle) model.Op {
	return model.AttachForeign{Service: d.service(in), NewForeign: d.foreign()}
}

func requestForeign(d draw, in model.Handle) model.Op {
	return model.RequestForeign{Service: d.service(in), NewForeign: d.foreign()}
}

func settleForeign(d draw, in model.Handle) model.Op {
	return model.SettleForeign{
		Foreign: d.foreignThat(in, pbx.ForeignRequested, pbx.ForeignDeleting),
		State:   good(d, []pbx.ForeignState{pbx.ForeignActive, pbx.ForeignFailed, pbx.ForeignGone}, []pbx.ForeignState{"", pbx.ForeignLeft}),
		Outcome: rarely(d, 3, d.text("Quota")), Link: rarely(d, 4, d.foreign().Link), Request: rarely[int64](d, 3, 1, 2),
	}
}

func associate(d draw, in model.Handle) model.Op {
	return model.Associate{User: d.user(in), Service: d.service(in)}
}

func changeNumber(d draw, in model.Handle) model.Op {
	o := model.ChangeNumber{
		User: d.user(in), KeepCurrent: d.one(5), Number: d.choice(in),
		Previous:        good(d, []pbx.Disposal{pbx.KeepNumber, pbx.ReturnNumber}, []pbx.Disposal{"", "burn"}),
		UpdateExtension: d.one(2), Extension: rarely(d, 2, d.extension(in))}
	if d.one(3) {
		o.User, o.Service = d.pair(in)
	}
	if o.KeepCurrent && !d.one(4) {
		o.Number, o.UpdateExtension = pbx.NumberChoice{}, true
	}
	if !o.UpdateExtension && !d.one(8) {
		o.Extension = ""
	}
	return o
}

func checkPIN(d draw, in model.Handle) model.Op {
	return model.CheckPIN{Service: d.mailbox(in), PIN: d.pin()}
}

func updateLine(d draw, in model.Handle) model.Op {
	o := model.ChangeLine{Number: d.line(in), Building: rarely(d, 2, d.building(in)), Stale: d.careless(5)}
	for range d.Intn(3) {
		o.Add = append(o.Add, d.principal())
	}
	for range d.Intn(3) {
		o.Remove = append(o.Remove, d.principal())
	}
	return o
}
