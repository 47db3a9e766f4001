package model_test

import (
	"fmt"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/tests/model"
)

// modelBegin is when the model's world begins.
var modelBegin = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var (
	modelSupport = model.Actor{Role: pbx.RoleSupport, Name: "alice"}
	modelAdmins  = map[model.Handle]model.Actor{
		"us": {Role: pbx.RoleAdministrator, Name: "bob", Home: "us"},
		"uk": {Role: pbx.RoleAdministrator, Name: "bob", Home: "uk"},
		"ca": {Role: pbx.RoleAdministrator, Name: "cleo", Home: "ca"},
	}
)

// modelWorld is what exists before the model's sequences begin: three
// customers, two of which draw from one stock of numbers; everything is scarce.
func modelWorld() (calls []model.Command) {
	call := func(as model.Actor, in model.Handle, op model.Op) model.Handle {
		calls = append(calls, model.Call{N: len(calls) + 1, As: as, In: in, Op: op})
		return model.Handle(fmt.Sprint(len(calls)))
	}
	support := func(in model.Handle, op model.Op) model.Handle { return call(modelSupport, in, op) }
	admin := func(of model.Handle, op model.Op) model.Handle { return call(modelAdmins[of], "", op) }

	support("", model.CreateTenant{Name: "Acme", Country: "US", SIPDomain: "us.example", Policy: model.Set{
		"ExtensionFirst=7000", "ExtensionLast=7003", "NumberMonthly=500", "NumberOneTime=100", "PINTries=3"}})
	support("", model.CreateTenant{Name: "Acme UK", Country: "GB", Currency: "GBP", SIPDomain: "uk.example", Policy: model.Set{
		"ExtensionFirst=200", "ExtensionLast=200", "AdvisedExtension=", "VoicemailDigits=3", "NumberRest=0"}})
	support("", model.CreateTenant{Name: "Bell", Country: "CA", Currency: "CAD", SIPDomain: "ca.example", Policy: model.Set{
		"ExtensionMinLength=3", "ExtensionMaxLength=4", "ExtensionFirst=9108", "ExtensionLast=9123", "NumberRest=48"}})
	support("", model.StockNumbers{Numbers: numbers("+1617555010%d", 6)})
	support("", model.StockNumbers{Numbers: []pbx.E164{"+14165550100", "+442079460000"}})
	for _, in := range []model.Handle{"us", "uk", "ca"} {
		support(in, model.AddServiceType{ServiceType: model.ServiceType{Code: "PRO", Name: "Connect Pro", Monthly: 2500, OneTime: 1000, Applications: []string{"softphone", "fax"}}})
		support(in, model.AddServiceType{ServiceType: model.ServiceType{Code: "FREE", Name: "Lobby phone"}})
		support(in, model.AddStationPool{Pool: model.Pool{Package: "STANDARD", Name: "Standard", Total: 2, Applications: []string{"softphone", "crm"}}})
		support(in, model.AddStationPool{Pool: model.Pool{Package: "LITE", Name: "Lite", Total: 1}})
	}
	support("us", model.AddNumbers{Numbers: numbers("+1617555020%d", 4)})
	support("uk", model.AddNumbers{Numbers: []pbx.E164{"+442079460010", "+442079460011"}})

	bos := "l" + admin("us", model.AddLocation{
		Site: model.Site{Building: "BOS", Street: "1 Main Street", City: "Boston", PostalCode: "02110", Country: "US", NumberPrefix: "+1617"},
	})
	lon := "l" + admin("us", model.AddLocation{
		Site: model.Site{Building: "LON", Street: "1 High Street", City: "London", PostalCode: "N1", Country: "GB"},
	})
	admin("us", model.AddLocation{Site: model.Site{Building: "BARE", Country: "US"}})
	ldn := "l" + admin("uk", model.AddLocation{
		Site: model.Site{Building: "LDN", Street: "1 High Street", City: "London", PostalCode: "N1", Country: "GB", NumberPrefix: "+4420"},
	})
	admin("ca", model.AddLocation{
		Site: model.Site{Building: "TOR", Street: "1 King Street", City: "Toronto", PostalCode: "M5", Country: "CA", NumberPrefix: "+1416"},
	})

	phone := "d" + admin("us", model.AddDevice{MAC: "00:1b:54:00:00:01", Model: "Cisco 8851", Location: bos})
	admin("us", model.AddDevice{MAC: "00:1b:54:00:00:02", Model: "Yealink T46U"})
	lobby := "d" + admin("us", model.AddDevice{MAC: "00:1b:54:00:00:03", Model: "Grandstream HT802"})
	admin("uk", model.AddDevice{MAC: "00:1b:54:00:00:04", Model: "Cisco 8851", Location: ldn})

	ann := admin("us", model.SetUpUser{Person: model.Person{FirstName: "Ann", LastName: "Lee", Email: "ann@us.example", Location: bos, E911: true},
		Number: pbx.ProposedNumber(), ServiceType: "PRO", Station: "STANDARD", Applications: []string{"crm", "fax"}, Device: phone, Ports: 2,
		Foreign: []model.NewForeign{
			{System: "TEAMS", Name: "Meet", Deletable: true},
		}, Keys: []pbx.PhoneKey{{Position: 1, Kind: pbx.KeyBusyLamp, Target: "7700"}}})
	admin("us", model.AddMailbox{Service: "s" + ann, PIN: "482915"})
	admin("us", model.AddOwner{Number: "6175550100", Principal: "kate"})
	help := "a" + admin("us", model.AddAlias{User: "u" + ann, Name: "Ann Support", Extension: "7500"})
	admin("us", model.SetDeviceLine{Device: phone, Line: 2, Alias: help})
	admin("us", model.IssueCredentials{Alias: help})
	admin("us", model.IssueCredentials{User: "u" + ann})
	max := "u" + admin("us", model.CreateUser{Person: model.Person{FirstName: "Max", LastName: "Seven", Email: "max@us.example"}, Extension: "7700"})
	admin("us", model.AddExtension{User: max, Extension: "7701"})
	var shared []model.Handle
	for i := range 7 {
		shared = append(shared, "s"+admin("us", model.AddService{
			User: max, DN: pbx.Extension(fmt.Sprint(7710 + i)), DeviceType: "Cisco 8851", Type: []string{"", "PRO"}[i%2],
		}))
	}
	zoe := "u" + admin("us", model.CreateUser{
		Person:    model.Person{FirstName: "Zoë", LastName: "Abroad", Email: "zoe@us.example", Location: lon},
		Extension: "7800",
	})
	admin("us", model.Associate{User: zoe, Service: "s" + ann})
	admin("us", model.AddService{DN: "7900", Device: lobby, Name: "Lobby", Location: bos})
	admin("us", model.AddService{User: zoe, DN: "7901", DeviceType: "Cisco 8851", RemoteSystem: "Leeds", LocationKeptBy: "Whereabouts"})
	for _, s := range shared[1:] { // then Zoë has eight, and Max seven
		admin("us", model.Associate{User: zoe, Service: s})
	}
	group := "g" + admin("us", model.CreateGroup{Name: "Sales", Extension: "7950"})
	admin("us", model.AddMember{Group: group, User: max})
	pat := "u" + admin("us", model.CreateUser{Person: model.Person{FirstName: "Pat", Email: "pat@us.example", ActivateLater: true}, Extension: "7805"})
	admin("us", model.AddService{User: pat, DN: "7806", DeviceType: "Cisco 8851", Type: "PRO"})
	admin("us", model.RequestPort{Carrier: "Old", Date: modelBegin.Add(96 * 3600e9), Numbers: numbers("+1617555030%d", 2)})
	admin("us", model.AddService{DN: "7902", DeviceType: "Cisco 8851", Type: "FREE", Number: pbx.ExistingNumber("+16175550300")})
	modelCorners(admin, support, func(of model.Handle, op model.Op, codes ...rule.Code) {
		calls = append(calls, model.Call{N: len(calls) + 1, As: modelAdmins[of], Confirm: codes, Op: op})
	}, bos, lon)
	admin("uk", model.SetUpUser{Person: model.Person{FirstName: "Ed", LastName: "Bow", Email: "ed@uk.example", Location: ldn},
		Number: pbx.ExistingNumber("+442079460010"), ServiceType: "PRO"})
	admin("ca", model.SetUpUser{
		Person: model.Person{FirstName: "Guy", LastName: "Roy", Email: "guy@ca.example"}, ServiceType: "PRO",
		Station: "STANDARD",
	})
	return calls
}

// modelCorners are records that prevent something.
func modelCorners(admin, support func(model.Handle, model.Op) model.Handle, confirmed func(model.Handle, model.Op, ...rule.Code), bos, lon model.Handle) {
	support("us", model.AddServiceType{ServiceType: model.ServiceType{Code: "WIRED", Name: "Wired line", Monthly: 100, Fulfilment: true}})
	ordered := "s" + admin("us", model.AddService{DN: "7903", DeviceType: "Grandstream HT802", Type: "WIRED"})
	admin("us", model.AddMailbox{Service: ordered, PIN: "482915"})
	failed := "s" + admin("us", model.AddService{DN: "7904", DeviceType: "Grandstream HT802", Type: "WIRED"})
	support("us", model.FailOrder{Service: failed, Reason: "no cable"})
	leaving := "s" + admin("us", model.AddService{DN: "7905", DeviceType: "Cisco 8851", Type: "PRO"})
	admin("us", model.CancelService{Service: leaving, After: 3600e9})
	admin("us", model.AddService{
		DN: "7906", DeviceType: "Cisco 8851", LocationKeptBy: "Whereabouts", Location: bos,
		Number: pbx.ExistingNumber("+16175550201"),
	})
	admin("us", model.AddService{DN: "7907", DeviceType: "Cisco 8851", RemoteSystem: "Leeds", Location: bos})
	british := "s" + admin("us", model.AddService{DN: "9995", DeviceType: "Cisco 8851", Location: bos, Number: pbx.ExistingNumber("+16175550203")})
	admin("us", model.AddOwner{Number: "6175550203", Principal: "kate"})
	admin("us", model.AddService{DN: "70012", DeviceType: "Cisco 8851"})
	admin("us", model.CreateUser{Person: model.Person{FirstName: "Liv", Email: "liv@us.example", Location: lon}, Extension: "7810"})
	odd := "u" + admin("us", model.CreateUser{Person: model.Person{FirstName: "Odd", Email: "odd@us.example"}, Extension: "9996"})
	unmet := "s" + admin("us", model.AddService{
		User: odd, DN: "7817", DeviceType: "Yealink T46U", Keys: []pbx.PhoneKey{{Position: 9, Kind: pbx.KeyLine}},
	})
	refused := admin("us", model.RequestForeign{Service: unmet, NewForeign: model.NewForeign{System: "TEAMS", Name: "Chat", NeedsEmail: true}})
	support("us", model.SettleForeign{Foreign: "f" + refused, State: pbx.ForeignFailed, Outcome: "no email"})
	admin("us", model.ModifyUser{User: odd, Set: model.Set{"Email="}})
	off := "u" + admin("us", model.CreateUser{Person: model.Person{FirstName: "Off", Email: "off@us.example"}, Extension: "7811"})
	closed := "s" + admin("us", model.AddService{User: off, DN: "7812", DeviceType: "Cisco 8851", ActivateLater: true})
	admin("us", model.AddMailbox{Service: closed, PIN: "739164"})
	admin("us", model.DisableUser{User: off})
	remote := "u" + admin("us", model.CreateUser{Person: model.Person{FirstName: "Remy", Email: "remy@us.example"}, Extension: "7813"})
	admin("us", model.AddService{User: remote, DN: "7814", DeviceType: "Cisco 8851", Type: "PRO", RemoteSystem: "Leeds", ActivateLater: true})
	needy := "s" + admin("us", model.AddService{User: remote, DN: "7815", DeviceType: "Cisco 8851"})
	admin("us", model.AttachForeign{
		Service:    needy,
		NewForeign: model.NewForeign{System: "MICOLLAB", Name: "Chat", Link: "http://m.example", Deletable: true, NeedsEmail: true, NeedsLogin: true},
	})
	admin("us", model.AttachForeign{Service: closed, NewForeign: model.NewForeign{System: "MICOLLAB", Name: "Chat", Link: "http://m.example"}})
	gone := admin("us", model.RequestForeign{Service: british, NewForeign: model.NewForeign{System: "TEAMS", Name: "Chat", NeedsEmail: true}})
	support("us", model.SettleForeign{Foreign: "f" + gone, State: pbx.ForeignFailed, Outcome: "no licence"})
	short := admin("us", model.AddService{DN: "7816", DeviceType: "Cisco 8851"})
	admin("us", model.AttachForeign{Service: "s" + short, NewForeign: model.NewForeign{System: "MICOLLAB", Name: "Meet", Link: "http://m.example"}})
	admin("us", model.AttachForeign{
		Service:    "s" + short,
		NewForeign: model.NewForeign{System: "TEAMS", Name: "Meet", Link: "http://t.example", Deletable: true},
	})
	confirmed("us", model.DeleteService{Service: "s" + short}, rule.SVC10)
}
