package rules_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
)

var nobody = [16]byte{0xde, 0xad, 15: 1}

type corruption struct {
	name    string
	corrupt func(w *world, x *all)
	found   []string // code and kind of record, sorted
}

// Each corruption is written past the rules into a world with everything in
// it, and found with its rule's code: that, and nothing else.
var corruptions = []corruption{
	// References.
	{"a user at no location", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.ann.ID}, where{"location_id": nobody})
	}, []string{"USR-5 user"}},
	{"a user at another tenant's location", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.ann.ID}, where{"location_id": w.london.ID})
	}, []string{"USR-5 user"}},
	{"a user with a station of no package", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.ann.ID}, where{"station": "GONE"})
	}, []string{"STN-1 station package", "STN-1 user"}},
	{"an alias of nobody", func(w *world, x *all) {
		w.rewrite("aliases", where{"id": x.alias.ID}, where{"user_id": nobody})
	}, []string{"EXT-7 alias"}},
	{"a member who is nobody", func(w *world, x *all) {
		m := &pbx.Member{TenantID: w.us.ID, GroupID: x.group.ID, Rev: 1, UserID: nobody}
		set(m, "member_id", nobody)
		w.plant(m)
	}, []string{"EXT-8 group member"}},
	{"a member of no group", func(w *world, x *all) {
		m := &pbx.Member{TenantID: w.us.ID, GroupID: nobody, Rev: 1, UserID: x.bob.ID}
		set(m, "member_id", x.bob.ID)
		w.plant(m)
	}, []string{"EXT-8 group member"}},
	{"a device at no location", func(w *world, x *all) {
		w.rewrite("devices", where{"id": x.phone.ID}, where{"location_id": nobody})
	}, []string{"DEV-1 device"}},
	{"a service of no type", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.shared.ID}, where{"type": "GONE"})
	}, []string{"SVC-16 service"}},
	{"a service in no building", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.shared.ID}, where{"location_id": nobody})
	}, []string{"OWN-7 service"}},
	{"a service on no device", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.shared.ID}, where{"device_id": nobody})
	}, []string{"SVC-2 service"}},
	{"an association with nobody", func(w *world, x *all) {
		w.plant(&pbx.Association{TenantID: w.us.ID, UserID: nobody, ServiceID: x.waiting.ID, Rev: 1, Slot: 1})
	}, []string{"SVC-4 association"}},
	{"an association with no service", func(w *world, x *all) {
		w.plant(&pbx.Association{TenantID: w.us.ID, UserID: x.bob.ID, ServiceID: nobody, Rev: 1, Slot: 3})
	}, []string{"SVC-4 association"}},
	{"an extension that reaches nobody's user", func(w *world, x *all) {
		w.plant(&pbx.DialEntry{TenantID: w.us.ID, Digits: "7888", Rev: 1, UserID: nobody})
	}, []string{"EXT-2 extension"}},
	{"an owner of no line", func(w *world, x *all) {
		w.plant(&pbx.Owner{TenantID: w.us.ID, ServiceID: nobody, Principal: "kate", Rev: 1, Since: w.clock})
	}, []string{"OWN-3 owner"}},
	{"a mailbox of no service", func(w *world, x *all) {
		w.plant(&pbx.Mailbox{TenantID: w.us.ID, ServiceID: nobody, Rev: 1, Number: "7888", CreatedAt: w.clock})
	}, []string{"VM-1 mailbox"}},
	{"an order line of no order", func(w *world, x *all) {
		w.plant(&pbx.OrderLine{TenantID: w.us.ID, OrderID: nobody, Line: 1, Rev: 1, Product: "PRO", Quantity: 1})
	}, []string{"ORD-1 order line"}},
	{"a number of no port request", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+16175550182"}, where{"port_id": nobody})
	}, []string{"NUM-11 number"}},
	{"a record of no tenant, before all", func(w *world, x *all) {
		w.plant(&pbx.Group{TenantID: pbx.TenantID{15: 2}, ID: nobody, Rev: 1, Kind: pbx.HuntGroup})
	}, []string{"ACC-1 group"}},
	{"a record of no tenant, behind all", func(w *world, x *all) {
		w.plant(&pbx.Number{E164: "+16175550123", TenantID: pbx.TenantID{0: 0xff, 1: 0xff}, Rev: 1, State: pbx.NumberAvailable, CreatedAt: w.clock})
	}, []string{"ACC-1 number"}},
	{"a group of the Provider's", func(w *world, x *all) {
		g := &pbx.Group{TenantID: pbx.Provider, ID: nobody, Rev: 1, Kind: pbx.HuntGroup, Name: "g"}
		set(g, "name_folded", "g")
		w.plant(g)
	}, []string{"ACC-1 group"}},

	// Users and SIP addresses.
	{"a user without a name", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.bob.ID}, where{"first_name": "", "last_name": "", "first_folded": "", "last_folded": ""})
	}, []string{"USR-1 user"}},
	{"a user ID that is not found by its own", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.bob.ID}, where{"login_folded": "someone@else.example"})
	}, []string{"USR-3 user"}},
	{"a name folded as another", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.ann.ID}, where{"last_folded": "quétzal"})
	}, []string{"USR-8 user"}},
	{"an e911 user nowhere", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.bob.ID}, where{"e911": true})
	}, []string{"USR-6 user"}},
	{"a pending user who was activated", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.dan.ID}, where{"activated_at": w.clock})
	}, []string{"USR-13 user"}},
	{"an active user who never was", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.bob.ID}, where{"activated_at": time.Time{}})
	}, []string{"USR-13 user"}},
	{"a user with another SIP address than the one claimed", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.bob.ID}, where{"sip_address": "other@acme.example.com"})
	}, []string{"EXT-6 SIP identity", "EXT-6 user"}},
	{"an alias whose SIP address nobody claimed", func(w *world, x *all) {
		w.drop("sip_identities", where{"address": x.alias.SIPAddress})
	}, []string{"EXT-6 alias"}},
	{"two users with one SIP address", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.bob.ID}, where{"sip_address": x.cid.SIPAddress})
	}, []string{"EXT-6 SIP identity", "EXT-6 user"}},
	{"a SIP address claimed for two", func(w *world, x *all) {
		w.rewrite("sip_identities", where{"address": x.bob.SIPAddress}, where{"alias_id": x.alias.ID})
	}, []string{"EXT-6 SIP identity", "EXT-6 user"}},
	{"a SIP address of another tenant's user", func(w *world, x *all) {
		w.rewrite("sip_identities", where{"address": x.bob.SIPAddress}, where{"tenant_id": w.uk.ID})
	}, []string{"EXT-6 SIP identity", "EXT-6 user"}},
	{"credentials that were not issued", func(w *world, x *all) {
		w.rewrite("sip_identities", where{"address": x.bob.SIPAddress}, where{"ha1_md5": make([]byte, 16)})
	}, []string{"EXT-7 SIP identity"}},
	{"nothing that is sealed", func(w *world, x *all) {
		w.rewrite("sip_identities", where{"address": x.bob.SIPAddress}, where{"ha1_sealed": true})
	}, []string{"EXT-7 SIP identity"}},
	{"credentials without a hash", func(w *world, x *all) {
		w.rewrite("sip_identities", where{"address": x.ann.SIPAddress}, where{"ha1_sha256": []byte(nil)})
	}, []string{"EXT-7 SIP identity"}},
	{"a hash that is not sealed among those that are", func(w *world, x *all) {
		w.rewrite("sip_identities", where{"address": x.alias.SIPAddress}, where{"ha1_md5": make([]byte, 16)})
	}, []string{"EXT-7 SIP identity"}},
	{"a disabled user's credentials", func(w *world, x *all) {
		w.rewrite("sip_identities", where{"address": x.fay.SIPAddress}, where{"issued_at": w.clock, "ha1_sha256": make([]byte, 32)})
	}, []string{"USR-13 user"}},
	{"the credentials of a pending user's alias", func(w *world, x *all) {
		w.rewrite("users", where{"id": x.ann.ID}, where{"state": "pending", "activated_at": time.Time{}})
	}, []string{"USR-13 alias", "USR-13 user"}},
	{"an alias without a name", func(w *world, x *all) {
		w.rewrite("aliases", where{"id": x.alias.ID}, where{"name": ""})
	}, []string{"EXT-7 alias"}},

	// Groups.
	{"a group of no kind", func(w *world, x *all) {
		w.rewrite("call_groups", where{"id": x.group.ID}, where{"kind": "party"})
	}, []string{"EXT-8 group"}},
	{"a group whose name is folded as another", func(w *world, x *all) {
		w.rewrite("call_groups", where{"id": x.group.ID}, where{"name_folded": "x"})
	}, []string{"EXT-8 group"}},
	{"a member who is a user and an alias", func(w *world, x *all) {
		w.rewrite("call_group_members", where{"group_id": x.queue.ID}, where{"user_id": x.bob.ID})
	}, []string{"EXT-8 group member"}},
	{"a member listed as somebody else", func(w *world, x *all) {
		w.rewrite("call_group_members", where{"group_id": x.queue.ID}, where{"member_id": x.bob.ID})
	}, []string{"EXT-8 group member"}},

	// Devices.
	{"a MAC in another form", func(w *world, x *all) {
		w.rewrite("devices", where{"id": x.phone.ID}, where{"mac": "001b54000001"})
	}, []string{"DEV-1 device"}},
	{"an available device that somebody has", func(w *world, x *all) {
		w.rewrite("devices", where{"id": x.phone.ID}, where{"state": "available", "ports_used": 0})
	}, []string{"DEV-2 device", "DEV-2 device", "EXT-9 device line", "EXT-9 device line"}},
	{"an assigned device that nobody has", func(w *world, x *all) {
		w.rewrite("devices", where{"id": x.spare.ID}, where{"state": "assigned", "ports_used": 1})
	}, []string{"DEV-2 device"}},
	{"more ports than the model has", func(w *world, x *all) {
		w.rewrite("devices", where{"id": x.phone.ID}, where{"ports_used": 13})
	}, []string{"DEV-3 device"}},
	{"a user with devices and no primary one", func(w *world, x *all) {
		w.rewrite("devices", where{"id": x.phone.ID}, where{"primary_of": [16]byte{}})
	}, []string{"DEV-4 user"}},
	{"a primary device of somebody else", func(w *world, x *all) {
		w.rewrite("devices", where{"id": x.phone.ID}, where{"primary_of": x.bob.ID})
	}, []string{"DEV-4 device", "DEV-4 user"}},
	{"a device in service without a service", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.bare.ID}, where{"device_id": [16]byte{}})
	}, []string{"DEV-2 device"}},

	// What lies on the lines and the keys of phones.
	{"a line of no phone", func(w *world, x *all) {
		w.plant(&pbx.DeviceLine{TenantID: w.us.ID, DeviceID: nobody, Line: 1, Rev: 1, UserID: x.ann.ID})
	}, []string{"EXT-9 device line"}},
	{"a line of a phone that nobody has", func(w *world, x *all) {
		w.plant(&pbx.DeviceLine{TenantID: w.us.ID, DeviceID: x.spare.ID, Line: 1, Rev: 1, UserID: x.ann.ID})
	}, []string{"EXT-9 device line"}},
	{"a line with nobody", func(w *world, x *all) {
		w.rewrite("device_lines", where{"device_id": x.phone.ID, "line": 2}, where{"alias_id": [16]byte{}})
	}, []string{"EXT-9 device line"}},
	{"a line with two", func(w *world, x *all) {
		w.drop("device_lines", where{"device_id": x.phone.ID, "line": 1})
		w.rewrite("device_lines", where{"device_id": x.phone.ID, "line": 2}, where{"user_id": x.ann.ID})
	}, []string{"EXT-9 device line"}},
	{"a line with a user who is not there", func(w *world, x *all) {
		w.rewrite("device_lines", where{"device_id": x.phone.ID, "line": 1}, where{"user_id": nobody})
	}, []string{"EXT-9 device line"}},
	{"a line with an alias that is not there", func(w *world, x *all) {
		w.rewrite("device_lines", where{"device_id": x.phone.ID, "line": 2}, where{"alias_id": nobody})
	}, []string{"EXT-9 device line"}},
	{"a line with another user", func(w *world, x *all) {
		w.rewrite("device_lines", where{"device_id": x.phone.ID, "line": 1}, where{"user_id": x.bob.ID})
	}, []string{"EXT-9 device line"}},
	{"a line with another user's alias", func(w *world, x *all) {
		w.rewrite("aliases", where{"id": x.alias.ID}, where{"user_id": x.bob.ID})
	}, []string{"EXT-9 device line"}},
	{"a line before the first", func(w *world, x *all) {
		w.rewrite("device_lines", where{"device_id": x.phone.ID, "line": 2}, where{"line": 0})
	}, []string{"EXT-9 device line"}},
	{"a line behind the ports given", func(w *world, x *all) {
		w.rewrite("device_lines", where{"device_id": x.phone.ID, "line": 2}, where{"line": 3})
	}, []string{"EXT-9 device line"}},
	{"a key of no service", func(w *world, x *all) {
		w.plant(&pbx.ServiceKey{TenantID: w.us.ID, ServiceID: nobody, Rev: 1, PhoneKey: pbx.PhoneKey{Position: 1, Kind: pbx.KeyLine}})
	}, []string{"DEV-7 service key"}},
	{"a key of no kind", func(w *world, x *all) {
		w.rewrite("service_keys", where{"service_id": x.shared.ID}, where{"kind": "bell"})
	}, []string{"DEV-7 service key"}},
	{"a key for no extension", func(w *world, x *all) {
		w.rewrite("service_keys", where{"service_id": x.line.ID, "position": 1}, where{"target": "*21"})
	}, []string{"DEV-7 service key"}},
	{"a key before the first", func(w *world, x *all) {
		w.rewrite("service_keys", where{"service_id": x.line.ID, "position": 1}, where{"position": 0})
	}, []string{"DEV-7 service key"}},
	{"a key that the model has not", func(w *world, x *all) {
		w.rewrite("service_keys", where{"service_id": x.line.ID, "position": 12}, where{"position": 13})
	}, []string{"DEV-7 service key"}},
	{"a key of two services on a phone", func(w *world, x *all) {
		w.plant(&pbx.Association{TenantID: w.us.ID, UserID: x.ann.ID, ServiceID: x.shared.ID, Rev: 1, Slot: 8})
		w.rewrite("services", where{"id": x.shared.ID}, where{"device_id": x.phone.ID})
		w.rewrite("service_keys", where{"service_id": x.shared.ID}, where{"position": 1})
	}, []string{"DEV-7 service key"}},

	// Services and associations.
	{"a service to be cancelled at no time", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.cancelled.ID}, where{"cancel_at": time.Time{}})
	}, []string{"SVC-17 service"}},
	{"an active service that is to be cancelled", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.line.ID}, where{"cancel_at": w.clock})
	}, []string{"SVC-17 service"}},
	{"a cancelled service that is not billed", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.cancelled.ID}, where{"activated_at": time.Time{}})
	}, []string{"SVC-17 service"}},
	{"an order in process that is billed", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.processing.ID}, where{"activated_at": w.clock})
	}, []string{"SVC-17 service"}},
	{"an order that failed for no reason", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.failed.ID}, where{"failure": ""})
	}, []string{"SVC-17 service"}},
	{"an active service that is to be activated later", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.line.ID}, where{"activate_later": true})
	}, []string{"SVC-17 service"}},
	{"a remote service with a status of ours", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.elsewhere.ID}, where{"status": "active"})
	}, []string{"SVC-17 service"}},
	{"a remote service on a phone of ours", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.elsewhere.ID}, where{"device_id": x.spare.ID})
		w.rewrite("devices", where{"id": x.spare.ID}, where{"state": "in service"})
	}, []string{"SVC-11 service"}},
	{"a line on the phone of somebody else", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.shared.ID}, where{"device_id": x.second.ID})
	}, []string{"DEV-2 service", "SVC-14 service"}},
	{"a line without a user on a user's phone", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.waiting.ID}, where{"device_id": x.second.ID})
	}, []string{"DEV-2 service", "SVC-14 service"}},
	{"a user's line on a phone in service", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.shared.ID}, where{"device_id": x.spare.ID})
		w.rewrite("devices", where{"id": x.spare.ID}, where{"state": "in service"})
	}, []string{"DEV-2 service", "SVC-14 service"}},
	{"a service of ours with no status", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.line.ID}, where{"status": "none"})
	}, []string{"SVC-17 service"}},

	// Foreign services.
	{"a foreign service of no line", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.there.ID}, where{"service_id": nobody})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service with a line and a former one", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.there.ID}, where{"former_dn": "7651"})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service that goes before its line", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.there.ID}, where{"state": "deleting", "requests": 1})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service that is deleted by a system that does not", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.deleting.ID}, where{"deletable": false})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service left that its system would delete", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.left.ID}, where{"deletable": true})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service that failed to be deleted by a system that does not", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.undying.ID}, where{"deletable": false})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service of no state", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.there.ID}, where{"state": "gone"})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service that leads nowhere", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.there.ID}, where{"link": "javascript:alert(1)"})
	}, []string{"SVC-13 foreign service"}},
	{"a foreign service requested by nobody", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.asked.ID}, where{"requests": 0})
	}, []string{"SVC-18 foreign service"}},
	{"a user without the email address that a foreign service needs", func(w *world, x *all) {
		w.rewrite("foreign_services", where{"id": x.there.ID}, where{"service_id": x.shared.ID, "needs_email": true})
		w.rewrite("users", where{"id": x.bob.ID}, where{"email": ""})
	}, []string{"USR-14 foreign service"}},

	{"a service of no status", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.line.ID}, where{"status": "lost"})
	}, []string{"SVC-17 service"}},
	{"an active service that is not billed", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.line.ID}, where{"activated_at": time.Time{}})
	}, []string{"SVC-17 service"}},
	{"a user with services and no primary one", func(w *world, x *all) {
		w.rewrite("associations", where{"user_id": x.cid.ID}, where{"primary_of": [16]byte{}})
	}, []string{"SVC-6 user"}},
	{"a primary service of somebody else", func(w *world, x *all) {
		w.rewrite("associations", where{"user_id": x.cid.ID}, where{"primary_of": nobody})
	}, []string{"SVC-6 association", "SVC-6 user"}},
	{"a ninth slot", func(w *world, x *all) {
		w.rewrite("associations", where{"user_id": x.cid.ID}, where{"slot": 9})
	}, []string{"SVC-3 association"}},
	{"nine services", func(w *world, x *all) {
		for i := range 8 {
			id := pbx.ServiceID{0: 0xee, 15: byte(i + 1)}
			dn := pbx.Extension([]byte{'7', '9', '0', byte('0' + i)})
			w.plant(&pbx.Service{TenantID: w.us.ID, ID: id, Rev: 1, DN: dn, DeviceType: "Cisco 8851", Category: pbx.MultiLine, Status: pbx.StatusPendingActivation, CreatedAt: w.clock},
				&pbx.DialEntry{TenantID: w.us.ID, Digits: dn, Rev: 1, ServiceID: id},
				&pbx.Association{TenantID: w.us.ID, UserID: x.cid.ID, ServiceID: id, Rev: 1, Slot: int64(i + 2)})
		}
	}, []string{"SVC-3 association", "SVC-3 user"}},

	// The dial plan.
	{"a DN that is not in the dial plan", func(w *world, x *all) {
		w.drop("extensions", where{"service_id": x.bare.ID})
	}, []string{"EXT-2 service"}},
	{"a DN other than its entry's", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.bare.ID}, where{"dn": "7999"})
	}, []string{"EXT-2 extension"}},
	{"an extension that reaches two", func(w *world, x *all) {
		w.rewrite("extensions", where{"digits": "7502"}, where{"alias_id": x.alias.ID})
	}, []string{"EXT-2 extension"}},
	{"an extension that reaches nothing", func(w *world, x *all) {
		w.rewrite("extensions", where{"digits": "7502"}, where{"user_id": [16]byte{}})
	}, []string{"EXT-2 extension"}},
	{"an extension of eight digits", func(w *world, x *all) {
		w.rewrite("extensions", where{"digits": "7502"}, where{"digits": "75025025"})
	}, []string{"EXT-1 extension"}},
	{"an extension that is no digits", func(w *world, x *all) {
		w.rewrite("extensions", where{"digits": "7502"}, where{"digits": "75x2"})
	}, []string{"EXT-1 extension"}},
	{"a main extension of somebody else", func(w *world, x *all) {
		w.rewrite("extensions", where{"digits": "7501"}, where{"main_of": nobody})
	}, []string{"EXT-1 extension", "EXT-1 user"}},
	{"a user with extensions and no main one", func(w *world, x *all) {
		w.rewrite("extensions", where{"digits": "7604"}, where{"main_of": [16]byte{}})
	}, []string{"EXT-1 user"}},
	{"an extension in the way of an emergency number", func(w *world, x *all) {
		w.rewrite("extensions", where{"digits": "7502"}, where{"digits": "9115"})
	}, []string{"EXT-3 extension"}},
	{"a free extension that the search would miss", func(w *world, x *all) {
		w.rewrite("tenants", where{"id": w.us.ID}, where{"next_extension": "7500"})
	}, []string{"EXT-5 tenant"}},

	{"number criteria that no number of the country meets", func(w *world, x *all) {
		w.rewrite("tenants", where{"id": w.us.ID}, where{"number_criteria": "+44"})
	}, []string{"ACC-1 tenant"}},

	// Voicemail.
	{"a mailbox number with a leading zero", func(w *world, x *all) {
		w.rewrite("mailboxes", where{"service_id": x.line.ID}, where{"number": "0123"})
	}, []string{"VM-4 mailbox"}},
	{"a mailbox number that is no digits", func(w *world, x *all) {
		w.rewrite("mailboxes", where{"service_id": x.line.ID}, where{"number": "12a"})
	}, []string{"VM-4 mailbox"}},

	// Numbers.
	{"a number that is none", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+16175550150"}, where{"e164": "6175550150"})
	}, []string{"NUM-1 number"}},
	{"a customer's number in stock", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+16175550150"}, where{"state": "stock"})
	}, []string{"NUM-1 number"}},
	{"a number of the Provider's that is available", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+442079460001"}, where{"state": "available"})
	}, []string{"NUM-1 number"}},
	{"a number of no state", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+16175550150"}, where{"state": "lost"})
	}, []string{"NUM-1 number"}},
	{"an available number on a service", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": x.line.Number}, where{"state": "available"})
	}, []string{"NUM-2 number"}},
	{"a number whose service has another", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.line.ID}, where{"number": "+16175550198"})
	}, []string{"NUM-1 number"}},
	{"a service whose number is not assigned to it", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.bare.ID}, where{"number": "+16175550150"})
	}, []string{"NUM-1 service"}},
	{"a number that rests without an end", func(w *world, x *all) {
		w.rewrite("numbers", where{"state": "resting", "tenant_id": pbx.Provider}, where{"free_from": time.Time{}})
	}, []string{"NUM-10 number"}},
	{"an ordered number on a service that is billed, and not billed", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": x.line.Number}, where{"monthly": int64(500)})
	}, []string{"ORD-2 number"}},
	{"a number that costs nothing and is billed", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+16175550150"}, where{"billed": true})
	}, []string{"ORD-2 number"}},
	{"an available number that is waited for", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+16175550150"}, where{"waiting_id": x.bare.ID})
	}, []string{"NUM-3 number"}},
	{"a temporary number for one that is gone", func(w *world, x *all) {
		w.drop("numbers", where{"e164": "+16175550181"})
	}, []string{"NUM-3 number"}},
	{"a temporary number for one that another waits for", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+16175550181"}, where{"waiting_id": x.bare.ID})
	}, []string{"NUM-3 number"}},
	{"one that waits without a temporary number", func(w *world, x *all) {
		w.rewrite("numbers", where{"temporary_for": "+16175550181"}, where{"temporary_for": ""})
	}, []string{"NUM-3 number"}},
	{"an available number that stands in", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+16175550150"}, where{"temporary_for": "+16175550182"})
	}, []string{"NUM-3 number", "NUM-3 number"}},
	{"a loan that is billed", func(w *world, x *all) {
		w.rewrite("numbers", where{"temporary_for": "+16175550181"}, where{"monthly": int64(5)})
	}, []string{"NUM-3 number", "ORD-2 number"}},
	{"a temporary number that is not on loan", func(w *world, x *all) {
		w.rewrite("numbers", where{"temporary_for": "+16175550181"}, where{"loan": false})
	}, []string{"NUM-3 number"}},
	{"a number on loan to no service", func(w *world, x *all) {
		w.rewrite("numbers", where{"e164": "+16175550150"}, where{"loan": true})
	}, []string{"NUM-3 number"}},
	{"numbers porting in by a request that is over", func(w *world, x *all) {
		w.rewrite("port_requests", where{"id": x.port.ID}, where{"state": "activated"})
	}, []string{"NUM-11 number", "NUM-11 number"}},
	{"a port request of no state", func(w *world, x *all) {
		w.plant(&pbx.PortRequest{TenantID: w.us.ID, ID: nobody, Rev: 1, Carrier: "C", Date: w.clock, CreatedAt: w.clock})
	}, []string{"NUM-11 port request"}},

	// The tenant, its licences and its orders.
	{"a tenant whose name is folded as another", func(w *world, x *all) {
		w.rewrite("tenants", where{"id": w.us.ID}, where{"name_folded": "x"})
	}, []string{"ACC-3 tenant"}},
	{"a policy that could not be saved", func(w *world, x *all) {
		w.rewrite("tenants", where{"id": w.us.ID}, where{"pin_tries": 0})
	}, []string{"ACC-1 tenant"}},
	{"a location in no country", func(w *world, x *all) {
		w.rewrite("locations", where{"id": w.boston.ID}, where{"country": "XX"})
	}, []string{"ACC-1 location"}},
	{"a service type without a name", func(w *world, x *all) {
		w.rewrite("service_types", where{"tenant_id": w.us.ID, "code": "PRO"}, where{"name": ""})
	}, []string{"SVC-16 service type"}},
	{"more stations used than users have", func(w *world, x *all) {
		w.rewrite("station_pools", where{"tenant_id": w.us.ID}, where{"used": 2})
	}, []string{"STN-1 station package"}},
	{"more stations used than there are", func(w *world, x *all) {
		w.rewrite("station_pools", where{"tenant_id": w.us.ID}, where{"total": 0})
	}, []string{"STN-1 station package"}},
	{"an order that is not the sum of its lines", func(w *world, x *all) {
		w.rewrite("orders", where{"tenant_id": w.us.ID, "number": 1}, where{"monthly": 1})
	}, []string{"ORD-1 order"}},
	{"an order without its lines", func(w *world, x *all) {
		id := w.get("orders", where{"tenant_id": w.us.ID, "number": 1}, "id")
		w.drop("order_lines", where{"order_id": id, "line": 1})
	}, []string{"ORD-1 order"}},
	{"an order number that was left out", func(w *world, x *all) {
		last := w.get("tenants", where{"id": w.uk.ID}, "last_order").(int64)
		w.rewrite("tenants", where{"id": w.uk.ID}, where{"last_order": last + 1})
	}, []string{"ORD-4 tenant"}},
	{"an order number behind the last", func(w *world, x *all) {
		w.rewrite("orders", where{"tenant_id": w.us.ID, "number": 1}, where{"number": 99})
	}, []string{"ORD-4 order"}},
	{"a revision of 0", func(w *world, x *all) {
		w.rewrite("services", where{"id": x.line.ID}, where{"rev": 0})
	}, []string{"SVC-15 service"}},

	// The journal and its subscribers.
	{"a hole in the journal", func(w *world, x *all) {
		w.drop("events", where{"tenant_id": w.us.ID, "seq": 3})
	}, []string{"ACC-4 event"}},
	{"a journal without its end", func(w *world, x *all) {
		tenant, err := w.british.Tenant(w.ctx)
		require.NoError(w.t, err)
		w.rewrite("tenants", where{"id": w.uk.ID}, where{"rev": tenant.Rev + 1})
	}, []string{"ACC-4 tenant"}},
	{"two operations in one change", func(w *world, x *all) {
		w.plant(&pbx.Event{TenantID: w.us.ID, Seq: 2, Pos: 2, At: w.clock, Operation: nobody, Actor: "x", Role: pbx.RoleSupport, Type: "x"})
	}, []string{"ACC-4 event"}},
	{"an event of nobody", func(w *world, x *all) {
		w.rewrite("events", where{"tenant_id": w.us.ID, "seq": 3, "pos": 1}, where{"actor": ""})
	}, []string{"ACC-4 event"}},
	{"a cursor beyond the journal", func(w *world, x *all) {
		w.rewrite("cursors", where{"tenant_id": w.us.ID}, where{"seq": 100000})
	}, []string{"SYS-3 cursor"}},
	{"a cursor in no journal", func(w *world, x *all) {
		w.plant(&pbx.Cursor{Subscriber: "x", TenantID: nobody, Rev: 1, Seq: 1, Pos: 1})
	}, []string{"SYS-3 cursor"}},
	{"a cursor before a journal that is none", func(w *world, x *all) {
		w.plant(&pbx.Cursor{Subscriber: "x", TenantID: nobody, Rev: 1})
	}, []string{"SYS-3 cursor"}},
	{"a lease without an end", func(w *world, x *all) {
		w.rewrite("cursors", where{"tenant_id": w.us.ID}, where{"holder": nobody})
	}, []string{"SYS-3 cursor"}},
	{"a lease of nobody", func(w *world, x *all) {
		w.rewrite("cursors", where{"tenant_id": w.us.ID}, where{"leased_until": w.clock})
	}, []string{"SYS-3 cursor"}},
}

func TestSYS4_EachCorruptionIsFoundWithItsRulesCode(t *testing.T) {
	testbed.NotShort(t)
	for _, c := range slices.Concat(corruptions, unsavable) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, stores["memory"](t))
			x := everything(w)
			require.Empty(t, w.violations(w.support))
			c.corrupt(w, x)
			require.Equal(t, c.found, w.violations(w.support))
		})
	}
}
