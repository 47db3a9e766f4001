package pbx_test

import (
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/model"
)

// op draws an operation in a tenant.
func (d draw) op(in model.Handle) model.Op {
	return oneOf(d, drawn...)(d, in)
}

// drawn are the operations; those that much hangs on are there several times.
var drawn = []func(d draw, in model.Handle) model.Op{
	func(d draw, in model.Handle) model.Op {
		return model.CreateTenant{Name: d.text("New"), Country: oneOf(d, "US", "GB", "XX"), Currency: rarely(d, 4, "EUR", "euro"),
			SIPDomain: oneOf(d, "fr.example", "de.example", "us.example", "US.example", "-bad", ""), Policy: rarely(d, 3, d.policy())}
	},
	func(d draw, in model.Handle) model.Op {
		return model.ModifyTenant{Set: oneOf(d, d.policy(), model.Set{"Name=" + d.text("Acme")}, model.Set{oneOf(d, "Currency=GBP", "Currency=x", "Country=GB", "SIPDomain=x.example")}), Stale: d.one(6)}
	},
	func(d draw, in model.Handle) model.Op { return model.AddLocation{Site: d.site()} },
	func(d draw, in model.Handle) model.Op {
		return model.ModifyLocation{Location: d.location(in), Site: d.site(), Stale: d.one(8)}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteLocation{Location: d.location(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.SetServiceType{Code: oneOf(d, "PRO", "FREE", "NEW", "no code"), Name: d.text("Type"), Monthly: oneOf[pbx.Money](d, 0, 100, 2500, -1),
			OneTime: oneOf[pbx.Money](d, 0, 50, 1_000_000_01), Applications: d.applications(), Stale: d.one(8)}
	},
	func(d draw, in model.Handle) model.Op {
		return model.SetStationPool{Package: oneOf(d, "STANDARD", "LITE", "NEW", "no code"), Name: d.text("Pool"), Total: oneOf[int64](d, 0, 1, 2, 3, -1),
			Applications: d.applications(), Stale: d.one(8)}
	},
	createUser, createUser, setUpUser, setUpUser, setUpUser, modifyUser, modifyUser, deleteUser, deleteUser, addService, addService, addService,
	modifyService, modifyService, associate, associate, changeNumber, changeNumber, checkPIN, updateLine,
	func(d draw, in model.Handle) model.Op { return model.ActivateUser{User: d.user(in)} },
	func(d draw, in model.Handle) model.Op { return model.SendWelcomeMail{User: d.user(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.ChangeStation{User: d.user(in), Package: d.pool()}
	},
	func(d draw, in model.Handle) model.Op {
		return model.AddExtension{User: d.user(in), Extension: d.extension(in)}
	},
	func(d draw, in model.Handle) model.Op { return model.RemoveExtension{Extension: d.dialled(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.SetMainExtension{User: d.user(in), Extension: d.dialled(in)}
	},
	func(d draw, in model.Handle) model.Op {
		return model.AddAlias{User: d.user(in), Name: d.text("Ann Lee", "Help", "é!"), SIPAddress: rarely(d, 3, d.address(in)), Extension: rarely(d, 2, d.extension(in))}
	},
	func(d draw, in model.Handle) model.Op {
		return model.ModifyAlias{Alias: d.alias(in), Set: d.set("Name="+d.text("Help"), "SIPAddress="+string(d.address(in)), "UserID="+string(d.user(in))), Stale: d.one(6)}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteAlias{Alias: d.alias(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.CreateGroup{Kind: oneOf(d, "", pbx.HuntGroup, pbx.ACDQueue, "choir"), Name: d.text("Sales", "SALES", "Help", "Ring"), Extension: rarely(d, 2, d.extension(in))}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteGroup{Group: d.group(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.AddMember{Group: d.group(in), User: d.user(in), Alias: rarely(d, 2, d.alias(in))}
	},
	func(d draw, in model.Handle) model.Op {
		return model.RemoveMember{Group: d.group(in), User: d.user(in), Alias: rarely(d, 2, d.alias(in))}
	},
	func(d draw, in model.Handle) model.Op { return model.ActivateService{Service: d.service(in)} },
	func(d draw, in model.Handle) model.Op { return model.DeleteService{Service: d.service(in)} },
	func(d draw, in model.Handle) model.Op { return model.DeleteService{Service: d.service(in)} },
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
		return model.AddMailbox{Service: d.service(in), Number: rarely(d, 3, "7000", "0700", "x", "7500"), Email: rarely(d, 3, d.email(in)), PIN: rarely(d, 6, d.pin())}
	},
	func(d draw, in model.Handle) model.Op {
		return model.ModifyMailbox{Service: d.mailbox(in), Number: oneOf(d, "7000", "0700", "7500", "7501"), Email: rarely(d, 2, d.email(in)), Stale: d.one(6)}
	},
	func(d draw, in model.Handle) model.Op { return model.DeleteMailbox{Service: d.mailbox(in)} },
	func(d draw, in model.Handle) model.Op { return model.SetPIN{Service: d.mailbox(in), PIN: d.pin()} },
	func(d draw, in model.Handle) model.Op { return model.StockNumbers{Numbers: d.numbers()} },
	func(d draw, in model.Handle) model.Op { return model.AddNumbers{Numbers: d.numbers()} },
	func(d draw, in model.Handle) model.Op { return model.ReturnNumber{Number: d.owned(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.RequestPort{Carrier: d.text("Old", "Older"), Date: oneOf(d, d.s.Now, d.s.Now.AddDate(0, 0, 7), time.Time{}), Numbers: d.numbers()}
	},
	func(d draw, in model.Handle) model.Op { return model.ConfirmPort{Port: d.port(in)} },
	func(d draw, in model.Handle) model.Op { return model.ActivatePort{Port: d.port(in)} },
	func(d draw, in model.Handle) model.Op { return model.CancelPort{Port: d.port(in)} },
	func(d draw, in model.Handle) model.Op { return model.FailPort{Port: d.port(in)} },
	func(d draw, in model.Handle) model.Op {
		return model.AddDevice{MAC: oneOf(d, "00:1B:54:00:00:01", "001b.5400.0009", "00-1b-54-00-00-0a", "001b5400000b", "01:1b:54:00:00:01", "00:00:00:00:00:00", "phone"),
			Model: d.deviceType(), Location: rarely(d, 2, d.location(in))}
	},
	func(d draw, in model.Handle) model.Op {
		return model.AssignDevice{Device: d.device(in), User: d.user(in), Ports: oneOf[int64](d, 0, 1, 2, 6, -1)}
	},
	func(d draw, in model.Handle) model.Op { return model.UnassignDevice{Device: d.device(in)} },
	func(d draw, in model.Handle) model.Op { return model.SetPrimaryDevice{Device: d.device(in)} },
	func(d draw, in model.Handle) model.Op { return model.DeleteDevice{Device: d.device(in)} },
}

func (d draw) policy() model.Set {
	return d.set("ExtensionMinLength=3", "ExtensionMinLength=1", "ExtensionMaxLength=4", "ExtensionMaxLength=8", "ExtensionFirst=7001", "ExtensionLast=7020",
		"ExtensionLast=60", "AdvisedExtension=7xxx", "AdvisedExtension=y", "VoicemailDigits=3", "VoicemailDigits=4", "VoicemailDigits=0", "VoicemailDigits=9",
		"PINMinLength=4", "PINMinLength=3", "PINTries=2", "PINTries=0", "NumberRest=0", "NumberRest=48", "NumberRest=5", "NumberMonthly=700", "NumberMonthly=-1")
}

// dialled is an extension that reaches something, mostly.
func (d draw) dialled(in model.Handle) pbx.Extension {
	t := d.s.Tenant(in)
	if t == nil || len(t.Entries) == 0 || d.one(5) {
		return d.extension(in)
	}
	return oneOf(d, t.Entries...).Digits
}

// pair is a user and a service, mostly of his.
func (d draw) pair(in model.Handle) (user, service model.Handle) {
	if t := d.s.Tenant(in); t != nil && len(t.Associations) > 0 && !d.one(4) {
		a := oneOf(d, t.Associations...)
		return a.User, a.Service
	}
	return d.user(in), d.service(in)
}

// mailbox is a service with a mailbox, mostly.
func (d draw) mailbox(in model.Handle) model.Handle {
	if t := d.s.Tenant(in); t != nil && len(t.Mailboxes) > 0 && !d.one(5) {
		return oneOf(d, t.Mailboxes...).Service
	}
	return d.service(in)
}

func createUser(d draw, in model.Handle) model.Op {
	return model.CreateUser{Person: d.person(in), Extension: d.extension(in)}
}

func setUpUser(d draw, in model.Handle) model.Op {
	return model.SetUpUser{Person: d.person(in), Extension: rarely(d, 2, d.extension(in)), Number: d.choice(in), ServiceType: d.serviceType(),
		Station: rarely(d, 2, d.pool()), Applications: rarely(d, 2, d.applications()), Device: rarely(d, 3, d.device(in)), Ports: oneOf[int64](d, 0, 1, 2, 6),
		DeviceType: rarely(d, 5, d.deviceType())}
}

func modifyUser(d draw, in model.Handle) model.Op {
	return model.ModifyUser{User: d.user(in), Stale: d.one(10), Set: d.set("FirstName="+d.text("Ann", "Bo"), "LastName="+d.text("Lee"), "FirstName=",
		"Email="+d.email(in), "Login="+d.email(in), "Mobile="+string(d.number()), "Department="+d.text("Sales"), "LocationID="+string(d.location(in)),
		"LocationID="+string(d.location(in)), "SIPAddress="+string(d.address(in)), "E911=yes", "E911=no", "Applications="+oneOf(d, "fax", "crm", "no code", "softphone+crm", "crm+crm"),
		"State=disabled", "Station=LITE", "MusicOnHold="+d.text("calm"))}
}

func deleteUser(d draw, in model.Handle) model.Op {
	return model.DeleteUser{User: d.user(in), Form: oneOf[pbx.Deletion](d, pbx.UserOnly, pbx.UserAndPhones, pbx.UserAndPhones, rarely[pbx.Deletion](d, 3, "all"))}
}

func addService(d draw, in model.Handle) model.Op {
	return model.AddService{User: rarely(d, 2, d.user(in)), DN: rarely(d, 2, d.extension(in)), DeviceType: d.deviceType(), Device: rarely(d, 3, d.device(in)),
		Name: rarely(d, 6, d.text("Lobby")), Type: d.serviceType(), Number: d.choice(in), Location: rarely(d, 3, d.location(in)),
		LocationKeptBy: rarely(d, 10, d.text("Whereabouts")), RemoteSystem: rarely(d, 10, d.text("Leeds")), ActivateLater: d.one(4)}
}

func modifyService(d draw, in model.Handle) model.Op {
	return model.ModifyService{Service: d.service(in), Stale: d.one(10), Set: d.set("Name="+d.text("Lobby"), "DN="+string(d.extension(in)), "DN="+string(d.extension(in)),
		"Type="+d.serviceType(), "Type="+d.serviceType(), "DeviceType="+d.deviceType(), "LocationID="+string(d.location(in)), "LocationID="+string(d.location(in)),
		"Status=none", "Category=analogue", "DeviceID="+string(d.device(in)), "LocationKeptBy=x", "RemoteSystem=x", "Number=+16175550100")}
}

func associate(d draw, in model.Handle) model.Op {
	return model.Associate{User: d.user(in), Service: d.service(in)}
}

func changeNumber(d draw, in model.Handle) model.Op {
	o := model.ChangeNumber{User: d.user(in), KeepCurrent: d.one(5), Number: d.choice(in), Previous: oneOf(d, "", pbx.KeepNumber, pbx.ReturnNumber, pbx.ReturnNumber, "burn"),
		UpdateExtension: d.one(3), Extension: rarely(d, 2, d.extension(in))}
	if d.one(3) {
		o.User, o.Service = d.pair(in)
	}
	if o.KeepCurrent && !d.one(4) {
		o.Number = pbx.NumberChoice{}
	}
	return o
}

func checkPIN(d draw, in model.Handle) model.Op {
	return model.CheckPIN{Service: d.mailbox(in), PIN: d.pin()}
}

func updateLine(d draw, in model.Handle) model.Op {
	o := model.UpdateLine{Number: d.line(in), Building: rarely(d, 2, d.building(in)), Stale: d.one(8)}
	for range d.Intn(3) {
		o.Add = append(o.Add, d.principal())
	}
	for range d.Intn(3) {
		o.Remove = append(o.Remove, d.principal())
	}
	return o
}

// regressions are sequences that once diverged.
var regressions [][]model.Command
