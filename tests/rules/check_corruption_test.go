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
	corrupt func(w *world, x *testbed.All)
	found   []string // code and kind of record, sorted
}

// Each corruption is written past the rules into a world with everything in it,
// and found under its rule's code, and nothing else is found.
var corruptions = []corruption{
	// References.
	{"a user at no location", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Ann.ID}, where{"location_id": nobody})
	}, []string{"USR-5 user"}},
	{"a user at another tenant's location", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Ann.ID}, where{"location_id": w.London.ID})
	}, []string{"USR-5 user"}},
	{"a user with a station of no package", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Ann.ID}, where{"station": "GONE"})
	}, []string{"STN-1 station package", "STN-1 user"}},
	{"an alias of nobody", func(w *world, x *testbed.All) {
		w.Rewrite("aliases", where{"id": x.Alias.ID}, where{"user_id": nobody})
	}, []string{"EXT-7 alias"}},
	{"a member who is nobody", func(w *world, x *testbed.All) {
		m := &pbx.Member{TenantID: w.US.ID, GroupID: x.Group.ID, Rev: 1, UserID: nobody}
		testbed.SetColumn(m, "member_id", nobody)
		w.Plant(m)
	}, []string{"EXT-8 group member"}},
	{"a member of no group", func(w *world, x *testbed.All) {
		m := &pbx.Member{TenantID: w.US.ID, GroupID: nobody, Rev: 1, UserID: x.Bob.ID}
		testbed.SetColumn(m, "member_id", x.Bob.ID)
		w.Plant(m)
	}, []string{"EXT-8 group member"}},
	{"a device at no location", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Phone.ID}, where{"location_id": nobody})
	}, []string{"DEV-1 device"}},
	{"a service of no type", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Shared.ID}, where{"type": "GONE"})
	}, []string{"SVC-16 service"}},
	{"a service in no building", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Shared.ID}, where{"location_id": nobody})
	}, []string{"OWN-7 service"}},
	{"a service on no device", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Shared.ID}, where{"device_id": nobody})
	}, []string{"SVC-2 service"}},
	{"an association with nobody", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Association{TenantID: w.US.ID, UserID: nobody, ServiceID: x.Waiting.ID, Rev: 1, Slot: 1})
	}, []string{"SVC-4 association"}},
	{"an association with no service", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Association{TenantID: w.US.ID, UserID: x.Bob.ID, ServiceID: nobody, Rev: 1, Slot: 3})
	}, []string{"SVC-4 association"}},
	{"an extension that reaches nobody's user", func(w *world, x *testbed.All) {
		w.Plant(&pbx.DialEntry{TenantID: w.US.ID, Digits: "7888", Rev: 1, UserID: nobody})
	}, []string{"EXT-2 extension"}},
	{"an owner of no line", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Owner{TenantID: w.US.ID, ServiceID: nobody, Principal: "kate", Rev: 1, Since: w.Clock})
	}, []string{"OWN-3 owner"}},
	{"a mailbox of no service", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Mailbox{TenantID: w.US.ID, ServiceID: nobody, Rev: 1, Number: "7888", CreatedAt: w.Clock})
	}, []string{"VM-1 mailbox"}},
	{"an order line of no order", func(w *world, x *testbed.All) {
		w.Plant(&pbx.OrderLine{TenantID: w.US.ID, OrderID: nobody, Line: 1, Rev: 1, Product: "PRO", Quantity: 1})
	}, []string{"ORD-1 order line"}},
	{"a number of no port request", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550182"}, where{"port_id": nobody})
	}, []string{"NUM-11 number"}},
	{"a record of no tenant, before all", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Group{TenantID: pbx.TenantID{15: 2}, ID: nobody, Rev: 1, Kind: pbx.HuntGroup})
	}, []string{"ACC-1 group"}},
	{"a record of no tenant, behind all", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Number{E164: "+16175550123", TenantID: pbx.TenantID{0: 0xff, 1: 0xff}, Rev: 1, State: pbx.NumberAvailable, CreatedAt: w.Clock})
	}, []string{"ACC-1 number"}},
	{"a group of the Provider's", func(w *world, x *testbed.All) {
		g := &pbx.Group{TenantID: pbx.Provider, ID: nobody, Rev: 1, Kind: pbx.HuntGroup, Name: "g"}
		testbed.SetColumn(g, "name_folded", "g")
		w.Plant(g)
	}, []string{"ACC-1 group"}},

	// Users and SIP addresses.
	{"a user without a name", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"first_name": "", "last_name": "", "first_folded": "", "last_folded": ""})
	}, []string{"USR-1 user"}},
	{"a user ID that is not found by its own", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"login_folded": "someone@else.example"})
	}, []string{"USR-3 user"}},
	{"a name folded as another", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Ann.ID}, where{"last_folded": "quétzal"})
	}, []string{"USR-8 user"}},
	{"an e911 user nowhere", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"e911": true})
	}, []string{"USR-6 user"}},
	{"a pending user who was activated", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Dan.ID}, where{"activated_at": w.Clock})
	}, []string{"USR-13 user"}},
	{"an active user who never was", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"activated_at": time.Time{}})
	}, []string{"USR-13 user"}},
	{"a user with another SIP address than the one claimed", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"sip_address": "other@acme.example.com"})
	}, []string{"EXT-6 SIP identity", "EXT-6 user"}},
	{"an alias whose SIP address nobody claimed", func(w *world, x *testbed.All) {
		w.Drop("sip_identities", where{"address": x.Alias.SIPAddress})
	}, []string{"EXT-6 alias"}},
	{"two users with one SIP address", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"sip_address": x.Cid.SIPAddress})
	}, []string{"EXT-6 SIP identity", "EXT-6 user"}},
	{"a SIP address claimed for two", func(w *world, x *testbed.All) {
		w.Rewrite("sip_identities", where{"address": x.Bob.SIPAddress}, where{"alias_id": x.Alias.ID})
	}, []string{"EXT-6 SIP identity", "EXT-6 user"}},
	{"a SIP address of another tenant's user", func(w *world, x *testbed.All) {
		w.Rewrite("sip_identities", where{"address": x.Bob.SIPAddress}, where{"tenant_id": w.UK.ID})
	}, []string{"EXT-6 SIP identity", "EXT-6 user"}},
	{"credentials that were not issued", func(w *world, x *testbed.All) {
		w.Rewrite("sip_identities", where{"address": x.Bob.SIPAddress}, where{"ha1_md5": make([]byte, 16)})
	}, []string{"EXT-7 SIP identity"}},
	{"nothing that is sealed", func(w *world, x *testbed.All) {
		w.Rewrite("sip_identities", where{"address": x.Bob.SIPAddress}, where{"ha1_sealed": true})
	}, []string{"EXT-7 SIP identity"}},
	{"credentials without a hash", func(w *world, x *testbed.All) {
		w.Rewrite("sip_identities", where{"address": x.Ann.SIPAddress}, where{"ha1_sha256": []byte(nil)})
	}, []string{"EXT-7 SIP identity"}},
	{"a hash that is not sealed among those that are", func(w *world, x *testbed.All) {
		w.Rewrite("sip_identities", where{"address": x.Alias.SIPAddress}, where{"ha1_md5": make([]byte, 16)})
	}, []string{"EXT-7 SIP identity"}},
	{"a disabled user's credentials", func(w *world, x *testbed.All) {
		w.Rewrite("sip_identities", where{"address": x.Fay.SIPAddress}, where{"issued_at": w.Clock, "ha1_sha256": make([]byte, 32)})
	}, []string{"USR-13 user"}},
	{"the credentials of a pending user's alias", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Ann.ID}, where{"state": "pending", "activated_at": time.Time{}})
	}, []string{"USR-13 alias", "USR-13 user"}},
	{"an alias without a name", func(w *world, x *testbed.All) {
		w.Rewrite("aliases", where{"id": x.Alias.ID}, where{"name": ""})
	}, []string{"EXT-7 alias"}},

	// Groups.
	{"a group of no kind", func(w *world, x *testbed.All) {
		w.Rewrite("call_groups", where{"id": x.Group.ID}, where{"kind": "party"})
	}, []string{"EXT-8 group"}},
	{"a group whose name is folded as another", func(w *world, x *testbed.All) {
		w.Rewrite("call_groups", where{"id": x.Group.ID}, where{"name_folded": "x"})
	}, []string{"EXT-8 group"}},
	{"a member who is a user and an alias", func(w *world, x *testbed.All) {
		w.Rewrite("call_group_members", where{"group_id": x.Queue.ID}, where{"user_id": x.Bob.ID})
	}, []string{"EXT-8 group member"}},
	{"a member listed as somebody else", func(w *world, x *testbed.All) {
		w.Rewrite("call_group_members", where{"group_id": x.Queue.ID}, where{"member_id": x.Bob.ID})
	}, []string{"EXT-8 group member"}},

	// Devices.
	{"a MAC in another form", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Phone.ID}, where{"mac": "001b54000001"})
	}, []string{"DEV-1 device"}},
	{"an available device that somebody has", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Phone.ID}, where{"state": "available", "ports_used": 0})
	}, []string{"DEV-2 device", "DEV-2 device", "EXT-9 device line", "EXT-9 device line"}},
	{"an assigned device that nobody has", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Spare.ID}, where{"state": "assigned", "ports_used": 1})
	}, []string{"DEV-2 device"}},
	{"more ports than the model has", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Phone.ID}, where{"ports_used": 13})
	}, []string{"DEV-3 device"}},
	{"a user with devices and no primary one", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Phone.ID}, where{"primary_of": [16]byte{}})
	}, []string{"DEV-4 user"}},
	{"a primary device of somebody else", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Phone.ID}, where{"primary_of": x.Bob.ID})
	}, []string{"DEV-4 device", "DEV-4 user"}},
	{"a device in service without a service", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Bare.ID}, where{"device_id": [16]byte{}})
	}, []string{"DEV-2 device"}},

	// The lines and the keys of phones.
	{"a line of no phone", func(w *world, x *testbed.All) {
		w.Plant(&pbx.DeviceLine{TenantID: w.US.ID, DeviceID: nobody, Line: 1, Rev: 1, UserID: x.Ann.ID})
	}, []string{"EXT-9 device line"}},
	{"a line of a phone that nobody has", func(w *world, x *testbed.All) {
		w.Plant(&pbx.DeviceLine{TenantID: w.US.ID, DeviceID: x.Spare.ID, Line: 1, Rev: 1, UserID: x.Ann.ID})
	}, []string{"EXT-9 device line"}},
	{"a line with nobody", func(w *world, x *testbed.All) {
		w.Rewrite("device_lines", where{"device_id": x.Phone.ID, "line": 2}, where{"alias_id": [16]byte{}})
	}, []string{"EXT-9 device line"}},
	{"a line with two", func(w *world, x *testbed.All) {
		w.Drop("device_lines", where{"device_id": x.Phone.ID, "line": 1})
		w.Rewrite("device_lines", where{"device_id": x.Phone.ID, "line": 2}, where{"user_id": x.Ann.ID})
	}, []string{"EXT-9 device line"}},
	{"a line with a user who is not there", func(w *world, x *testbed.All) {
		w.Rewrite("device_lines", where{"device_id": x.Phone.ID, "line": 1}, where{"user_id": nobody})
	}, []string{"EXT-9 device line"}},
	{"a line with an alias that is not there", func(w *world, x *testbed.All) {
		w.Rewrite("device_lines", where{"device_id": x.Phone.ID, "line": 2}, where{"alias_id": nobody})
	}, []string{"EXT-9 device line"}},
	{"a line with another user", func(w *world, x *testbed.All) {
		w.Rewrite("device_lines", where{"device_id": x.Phone.ID, "line": 1}, where{"user_id": x.Bob.ID})
	}, []string{"EXT-9 device line"}},
	{"a line with another user's alias", func(w *world, x *testbed.All) {
		w.Rewrite("aliases", where{"id": x.Alias.ID}, where{"user_id": x.Bob.ID})
	}, []string{"EXT-9 device line"}},
	{"a line before the first", func(w *world, x *testbed.All) {
		w.Rewrite("device_lines", where{"device_id": x.Phone.ID, "line": 2}, where{"line": 0})
	}, []string{"EXT-9 device line"}},
	{"a line behind the ports given", func(w *world, x *testbed.All) {
		w.Rewrite("device_lines", where{"device_id": x.Phone.ID, "line": 2}, where{"line": 3})
	}, []string{"EXT-9 device line"}},
	{"a key of no service", func(w *world, x *testbed.All) {
		w.Plant(&pbx.ServiceKey{TenantID: w.US.ID, ServiceID: nobody, Rev: 1, PhoneKey: pbx.PhoneKey{Position: 1, Kind: pbx.KeyLine}})
	}, []string{"DEV-7 service key"}},
	{"a key of no kind", func(w *world, x *testbed.All) {
		w.Rewrite("service_keys", where{"service_id": x.Shared.ID}, where{"kind": "bell"})
	}, []string{"DEV-7 service key"}},
	{"a key for no extension", func(w *world, x *testbed.All) {
		w.Rewrite("service_keys", where{"service_id": x.Line.ID, "position": 1}, where{"target": "*21"})
	}, []string{"DEV-7 service key"}},
	{"a key before the first", func(w *world, x *testbed.All) {
		w.Rewrite("service_keys", where{"service_id": x.Line.ID, "position": 1}, where{"position": 0})
	}, []string{"DEV-7 service key"}},
	{"a key that the model has not", func(w *world, x *testbed.All) {
		w.Rewrite("service_keys", where{"service_id": x.Line.ID, "position": 12}, where{"position": 13})
	}, []string{"DEV-7 service key"}},
	{"a key of two services on a phone", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Association{TenantID: w.US.ID, UserID: x.Ann.ID, ServiceID: x.Shared.ID, Rev: 1, Slot: 8})
		w.Rewrite("services", where{"id": x.Shared.ID}, where{"device_id": x.Phone.ID})
		w.Rewrite("service_keys", where{"service_id": x.Shared.ID}, where{"position": 1})
	}, []string{"DEV-7 service key"}},

	// Services and associations.
	{"a service to be cancelled at no time", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Cancelled.ID}, where{"cancel_at": time.Time{}})
	}, []string{"SVC-17 service"}},
	{"an active service that is to be cancelled", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Line.ID}, where{"cancel_at": w.Clock})
	}, []string{"SVC-17 service"}},
	{"a cancelled service that is not billed", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Cancelled.ID}, where{"activated_at": time.Time{}})
	}, []string{"SVC-17 service"}},
	{"an order in process that is billed", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Processing.ID}, where{"activated_at": w.Clock})
	}, []string{"SVC-17 service"}},
	{"an order that failed for no reason", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Failed.ID}, where{"failure": ""})
	}, []string{"SVC-17 service"}},
	{"an active service that is to be activated later", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Line.ID}, where{"activate_later": true})
	}, []string{"SVC-17 service"}},
	{"a remote service with a status of ours", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Elsewhere.ID}, where{"status": "active"})
	}, []string{"SVC-17 service"}},
	{"a remote service on a phone of ours", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Elsewhere.ID}, where{"device_id": x.Spare.ID})
		w.Rewrite("devices", where{"id": x.Spare.ID}, where{"state": "in service"})
	}, []string{"SVC-11 service"}},
	{"a line on the phone of somebody else", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Shared.ID}, where{"device_id": x.Second.ID})
	}, []string{"DEV-2 service", "SVC-14 service"}},
	{"a line without a user on a user's phone", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Waiting.ID}, where{"device_id": x.Second.ID})
	}, []string{"DEV-2 service", "SVC-14 service"}},
	{"a user's line on a phone in service", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Shared.ID}, where{"device_id": x.Spare.ID})
		w.Rewrite("devices", where{"id": x.Spare.ID}, where{"state": "in service"})
	}, []string{"DEV-2 service", "SVC-14 service"}},
	{"a service of ours with no status", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Line.ID}, where{"status": "none"})
	}, []string{"SVC-17 service"}},

	// Foreign services.
	{"a foreign service of no line", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.There.ID}, where{"service_id": nobody})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service with a line and a former one", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.There.ID}, where{"former_dn": "7651"})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service that goes before its line", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.There.ID}, where{"state": "deleting", "requests": 1})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service that is deleted by a system that does not", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.Deleting.ID}, where{"deletable": false})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service left that its system would delete", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.Left.ID}, where{"deletable": true})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service that failed to be deleted by a system that does not", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.Undying.ID}, where{"deletable": false})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service of no state", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.There.ID}, where{"state": "gone"})
	}, []string{"SVC-10 foreign service"}},
	{"a foreign service that leads nowhere", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.There.ID}, where{"link": "javascript:alert(1)"})
	}, []string{"SVC-13 foreign service"}},
	{"a foreign service requested by nobody", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.Asked.ID}, where{"requests": 0})
	}, []string{"SVC-18 foreign service"}},
	{"a user without the email address that a foreign service needs", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.There.ID}, where{"service_id": x.Shared.ID, "needs_email": true})
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"email": ""})
	}, []string{"USR-14 foreign service"}},

	{"a service of no status", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Line.ID}, where{"status": "lost"})
	}, []string{"SVC-17 service"}},
	{"an active service that is not billed", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Line.ID}, where{"activated_at": time.Time{}})
	}, []string{"SVC-17 service"}},
	{"a user with services and no primary one", func(w *world, x *testbed.All) {
		w.Rewrite("associations", where{"user_id": x.Cid.ID}, where{"primary_of": [16]byte{}})
	}, []string{"SVC-6 user"}},
	{"a primary service of somebody else", func(w *world, x *testbed.All) {
		w.Rewrite("associations", where{"user_id": x.Cid.ID}, where{"primary_of": nobody})
	}, []string{"SVC-6 association", "SVC-6 user"}},
	{"a ninth slot", func(w *world, x *testbed.All) {
		w.Rewrite("associations", where{"user_id": x.Cid.ID}, where{"slot": 9})
	}, []string{"SVC-3 association"}},
	{"nine services", func(w *world, x *testbed.All) {
		for i := range 8 {
			id := pbx.ServiceID{0: 0xee, 15: byte(i + 1)}
			dn := pbx.Extension([]byte{'7', '9', '0', byte('0' + i)})
			w.Plant(&pbx.Service{TenantID: w.US.ID, ID: id, Rev: 1, DN: dn, DeviceType: "Cisco 8851", Category: pbx.MultiLine, Status: pbx.StatusPendingActivation, CreatedAt: w.Clock},
				&pbx.DialEntry{TenantID: w.US.ID, Digits: dn, Rev: 1, ServiceID: id},
				&pbx.Association{TenantID: w.US.ID, UserID: x.Cid.ID, ServiceID: id, Rev: 1, Slot: int64(i + 2)})
		}
	}, []string{"SVC-3 association", "SVC-3 user"}},

	// The dial plan.
	{"a DN that is not in the dial plan", func(w *world, x *testbed.All) {
		w.Drop("extensions", where{"service_id": x.Bare.ID})
	}, []string{"EXT-2 service"}},
	{"a DN other than its entry's", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Bare.ID}, where{"dn": "7999"})
	}, []string{"EXT-2 extension"}},
	{"an extension that reaches two", func(w *world, x *testbed.All) {
		w.Rewrite("extensions", where{"digits": "7502"}, where{"alias_id": x.Alias.ID})
	}, []string{"EXT-2 extension"}},
	{"an extension that reaches nothing", func(w *world, x *testbed.All) {
		w.Rewrite("extensions", where{"digits": "7502"}, where{"user_id": [16]byte{}})
	}, []string{"EXT-2 extension"}},
	{"an extension of eight digits", func(w *world, x *testbed.All) {
		w.Rewrite("extensions", where{"digits": "7502"}, where{"digits": "75025025"})
	}, []string{"EXT-1 extension"}},
	{"an extension that is no digits", func(w *world, x *testbed.All) {
		w.Rewrite("extensions", where{"digits": "7502"}, where{"digits": "75x2"})
	}, []string{"EXT-1 extension"}},
	{"a main extension of somebody else", func(w *world, x *testbed.All) {
		w.Rewrite("extensions", where{"digits": "7501"}, where{"main_of": nobody})
	}, []string{"EXT-1 extension", "EXT-1 user"}},
	{"a user with extensions and no main one", func(w *world, x *testbed.All) {
		w.Rewrite("extensions", where{"digits": "7604"}, where{"main_of": [16]byte{}})
	}, []string{"EXT-1 user"}},
	{"an extension in the way of an emergency number", func(w *world, x *testbed.All) {
		w.Rewrite("extensions", where{"digits": "7502"}, where{"digits": "9115"})
	}, []string{"EXT-3 extension"}},
	{"a free extension that the search would miss", func(w *world, x *testbed.All) {
		w.Rewrite("tenants", where{"id": w.US.ID}, where{"next_extension": "7500"})
	}, []string{"EXT-5 tenant"}},

	{"number criteria that no number of the country meets", func(w *world, x *testbed.All) {
		w.Rewrite("tenants", where{"id": w.US.ID}, where{"number_criteria": "+44"})
	}, []string{"ACC-1 tenant"}},

	// Voicemail.
	{"a mailbox number with a leading zero", func(w *world, x *testbed.All) {
		w.Rewrite("mailboxes", where{"service_id": x.Line.ID}, where{"number": "0123"})
	}, []string{"VM-4 mailbox"}},
	{"a mailbox number that is no digits", func(w *world, x *testbed.All) {
		w.Rewrite("mailboxes", where{"service_id": x.Line.ID}, where{"number": "12a"})
	}, []string{"VM-4 mailbox"}},

	// Numbers.
	{"a number that is none", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550150"}, where{"e164": "6175550150"})
	}, []string{"NUM-1 number"}},
	{"a customer's number in stock", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550150"}, where{"state": "stock"})
	}, []string{"NUM-1 number"}},
	{"a number of the Provider's that is available", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+442079460001"}, where{"state": "available"})
	}, []string{"NUM-1 number"}},
	{"a number of no state", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550150"}, where{"state": "lost"})
	}, []string{"NUM-1 number"}},
	{"an available number on a service", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": x.Line.Number}, where{"state": "available"})
	}, []string{"NUM-2 number"}},
	{"a number whose service has another", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Line.ID}, where{"number": "+16175550198"})
	}, []string{"NUM-1 number"}},
	{"a service whose number is not assigned to it", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Bare.ID}, where{"number": "+16175550150"})
	}, []string{"NUM-1 service"}},
	{"a number that rests without an end", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"state": "resting", "tenant_id": pbx.Provider}, where{"free_from": time.Time{}})
	}, []string{"NUM-10 number"}},
	{"an ordered number on a service that is billed, and not billed", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": x.Line.Number}, where{"monthly": int64(500)})
	}, []string{"ORD-2 number"}},
	{"a number that costs nothing and is billed", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550150"}, where{"billed": true})
	}, []string{"ORD-2 number"}},
	{"an available number that is waited for", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550150"}, where{"waiting_id": x.Bare.ID})
	}, []string{"NUM-3 number"}},
	{"a temporary number for one that is gone", func(w *world, x *testbed.All) {
		w.Drop("numbers", where{"e164": "+16175550181"})
	}, []string{"NUM-3 number"}},
	{"a temporary number for one that another waits for", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550181"}, where{"waiting_id": x.Bare.ID})
	}, []string{"NUM-3 number"}},
	{"one that waits without a temporary number", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"temporary_for": "+16175550181"}, where{"temporary_for": ""})
	}, []string{"NUM-3 number"}},
	{"an available number that stands in", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550150"}, where{"temporary_for": "+16175550182"})
	}, []string{"NUM-3 number", "NUM-3 number"}},
	{"a loan that is billed", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"temporary_for": "+16175550181"}, where{"monthly": int64(5)})
	}, []string{"NUM-3 number", "ORD-2 number"}},
	{"a temporary number that is not on loan", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"temporary_for": "+16175550181"}, where{"loan": false})
	}, []string{"NUM-3 number"}},
	{"a number on loan to no service", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550150"}, where{"loan": true})
	}, []string{"NUM-3 number"}},
	{"numbers porting in by a request that is over", func(w *world, x *testbed.All) {
		w.Rewrite("port_requests", where{"id": x.Port.ID}, where{"state": "activated"})
	}, []string{"NUM-11 number", "NUM-11 number"}},
	{"a port request of no state", func(w *world, x *testbed.All) {
		w.Plant(&pbx.PortRequest{TenantID: w.US.ID, ID: nobody, Rev: 1, Carrier: "C", Date: w.Clock, CreatedAt: w.Clock})
	}, []string{"NUM-11 port request"}},

	// The tenant, its licences and its orders.
	{"a tenant whose name is folded as another", func(w *world, x *testbed.All) {
		w.Rewrite("tenants", where{"id": w.US.ID}, where{"name_folded": "x"})
	}, []string{"ACC-3 tenant"}},
	{"a policy that could not be saved", func(w *world, x *testbed.All) {
		w.Rewrite("tenants", where{"id": w.US.ID}, where{"pin_tries": 0})
	}, []string{"ACC-1 tenant"}},
	{"a location in no country", func(w *world, x *testbed.All) {
		w.Rewrite("locations", where{"id": w.Boston.ID}, where{"country": "XX"})
	}, []string{"ACC-1 location"}},
	{"a service type without a name", func(w *world, x *testbed.All) {
		w.Rewrite("service_types", where{"tenant_id": w.US.ID, "code": "PRO"}, where{"name": ""})
	}, []string{"SVC-16 service type"}},
	{"more stations used than users have", func(w *world, x *testbed.All) {
		w.Rewrite("station_pools", where{"tenant_id": w.US.ID}, where{"used": 2})
	}, []string{"STN-1 station package"}},
	{"more stations used than there are", func(w *world, x *testbed.All) {
		w.Rewrite("station_pools", where{"tenant_id": w.US.ID}, where{"total": 0})
	}, []string{"STN-1 station package"}},
	{"an order that is not the sum of its lines", func(w *world, x *testbed.All) {
		w.Rewrite("orders", where{"tenant_id": w.US.ID, "number": 1}, where{"monthly": 1})
	}, []string{"ORD-1 order"}},
	{"an order without its lines", func(w *world, x *testbed.All) {
		id := w.get("orders", where{"tenant_id": w.US.ID, "number": 1}, "id")
		w.Drop("order_lines", where{"order_id": id, "line": 1})
	}, []string{"ORD-1 order"}},
	{"an order number that was left out", func(w *world, x *testbed.All) {
		last := w.get("tenants", where{"id": w.UK.ID}, "last_order").(int64)
		w.Rewrite("tenants", where{"id": w.UK.ID}, where{"last_order": last + 1})
	}, []string{"ORD-4 tenant"}},
	{"an order number behind the last", func(w *world, x *testbed.All) {
		w.Rewrite("orders", where{"tenant_id": w.US.ID, "number": 1}, where{"number": 99})
	}, []string{"ORD-4 order"}},
	{"a revision of 0", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Line.ID}, where{"rev": 0})
	}, []string{"SVC-15 service"}},

	// The journal and its subscribers.
	{"a hole in the journal", func(w *world, x *testbed.All) {
		w.Drop("events", where{"tenant_id": w.US.ID, "seq": 3})
	}, []string{"ACC-4 event", "SYS-11 event"}},
	{"a journal without its end", func(w *world, x *testbed.All) {
		tenant, err := w.British.Tenant(w.Ctx)
		require.NoError(w.T, err)
		w.Rewrite("tenants", where{"id": w.UK.ID}, where{"rev": tenant.Rev + 1})
	}, []string{"ACC-4 tenant", "SYS-11 tenant"}},
	{"an event that was edited", func(w *world, x *testbed.All) {
		w.Rewrite("events", where{"tenant_id": w.US.ID, "seq": 3, "pos": 1}, where{"actor": "somebody else"})
	}, []string{"SYS-11 event"}},
	{"an event without its hash", func(w *world, x *testbed.All) {
		w.Rewrite("events", where{"tenant_id": w.US.ID, "seq": 3, "pos": 1}, where{"hash": ""})
	}, []string{"SYS-11 event", "SYS-11 event"}},
	{"a tenant's row without the head of the journal", func(w *world, x *testbed.All) {
		w.Rewrite("tenants", where{"id": w.UK.ID}, where{"journal_head": ""})
	}, []string{"SYS-11 tenant"}},
	{"two operations in one change", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Event{TenantID: w.US.ID, Seq: 2, Pos: 2, At: w.Clock, Operation: nobody, Actor: "x", Role: pbx.RoleSupport, Type: "x"})
	}, []string{"ACC-4 event", "SYS-11 event", "SYS-11 event"}},
	{"an event of nobody", func(w *world, x *testbed.All) {
		w.Rewrite("events", where{"tenant_id": w.US.ID, "seq": 3, "pos": 1}, where{"actor": ""})
	}, []string{"ACC-4 event", "SYS-11 event"}},
	{"a cursor beyond the journal", func(w *world, x *testbed.All) {
		w.Rewrite("cursors", where{"tenant_id": w.US.ID}, where{"seq": 100000})
	}, []string{"SYS-3 cursor"}},
	{"a cursor in no journal", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Cursor{Subscriber: "x", TenantID: nobody, Rev: 1, Seq: 1, Pos: 1})
	}, []string{"SYS-3 cursor"}},
	{"a cursor before a journal that is none", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Cursor{Subscriber: "x", TenantID: nobody, Rev: 1})
	}, []string{"SYS-3 cursor"}},
	{"a lease without an end", func(w *world, x *testbed.All) {
		w.Rewrite("cursors", where{"tenant_id": w.US.ID}, where{"holder": nobody})
	}, []string{"SYS-3 cursor"}},
	{"a lease of nobody", func(w *world, x *testbed.All) {
		w.Rewrite("cursors", where{"tenant_id": w.US.ID}, where{"leased_until": w.Clock})
	}, []string{"SYS-3 cursor"}},
}

func TestSYS4_EachCorruptionIsFoundWithItsRulesCode(t *testing.T) {
	testbed.NotShort(t)
	for _, c := range slices.Concat(corruptions, unsavable) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, testbed.Stores["memory"](t))
			x := testbed.Everything(w.World)
			require.Empty(t, w.Violations(w.Support))
			c.corrupt(w, x)
			require.Equal(t, c.found, w.Violations(w.Support))
		})
	}
}
