package rules_test

import (
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
)

// unsavable are corruptions that no operation would have accepted. The
// constraints of an SQL store, which have no rules for forms, accept them.
var unsavable = []corruption{
	// Users and what reaches them.
	{"an e911 user where help cannot be sent", func(w *world, x *testbed.All) {
		w.Rewrite("locations", where{"id": w.Boston.ID}, where{"street": "", "city": "", "postal_code": ""})
	}, []string{"USR-6 user"}},
	{"a user whose extension is an emergency number where he is", func(w *world, x *testbed.All) {
		_, err := w.Dir.AddExtension(w.Ctx, x.Bob.ID, "9991")
		require.NoError(w.T, err)
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"location_id": abroad(w)})
	}, []string{"EXT-3 extension"}},
	{"an alias whose extension is an emergency number where its user is", func(w *world, x *testbed.All) {
		w.Alias(x.Bob.ID, "Night desk", "9991")
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"location_id": abroad(w)})
	}, []string{"EXT-3 extension"}},
	{"a DN that is an emergency number where a user of it is", func(w *world, x *testbed.All) {
		_, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: x.Bob.ID, DN: "9991", DeviceType: "Cisco 8851"})
		require.NoError(w.T, err)
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"location_id": abroad(w)})
	}, []string{"EXT-3 extension"}},
	{"a DN that is an emergency number where it is", func(w *world, x *testbed.All) {
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "9991", DeviceType: "Cisco 8851"})
		require.NoError(w.T, err)
		w.Rewrite("services", where{"id": s.ID}, where{"location_id": abroad(w)})
	}, []string{"EXT-3 extension"}},
	{"a user ID that is no email address", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"login": "bob", "login_folded": "bob"})
	}, []string{"USR-3 user"}},
	{"a user without a user ID", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"login": "", "login_folded": ""})
	}, []string{"USR-3 user"}},
	{"a user without the user ID that a foreign service needs", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.There.ID}, where{"service_id": x.Shared.ID, "needs_login": true})
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"login": "", "login_folded": ""})
	}, []string{"USR-14 foreign service", "USR-3 user"}},
	{"an email address that is none", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"email": "not an address"})
	}, []string{"USR-1 user"}},
	{"a name with a control character", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"first_name": "B\x01b", "first_folded": "b\x01b"})
	}, []string{"USR-1 user"}},
	{"a department with a control character", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"department": "a\x01b"})
	}, []string{"USR-5 user"}},
	{"a mobile number that is none", func(w *world, x *testbed.All) {
		w.Rewrite("users", where{"id": x.Bob.ID}, where{"mobile": "12"})
	}, []string{"USR-5 user"}},
	{"a SIP address that is none", func(w *world, x *testbed.All) { w.moveSIP(x.Bob, "zz") }, []string{"EXT-6 user"}},
	{"a SIP address in another tenant's domain", func(w *world, x *testbed.All) {
		w.moveSIP(x.Bob, "bob@uk.acme.example.com")
	}, []string{"EXT-6 user"}},
	{"a SIP address in capitals", func(w *world, x *testbed.All) {
		w.moveSIP(x.Bob, "Bob@acme.example.com")
	}, []string{"EXT-6 user"}},
	{"an alias's SIP address that is none", func(w *world, x *testbed.All) {
		w.Rewrite("sip_identities", where{"address": x.Alias.SIPAddress}, where{"address": "zz"})
		w.Rewrite("aliases", where{"id": x.Alias.ID}, where{"sip_address": "zz"})
	}, []string{"EXT-6 alias"}},
	{"an alias without a name", func(w *world, x *testbed.All) {
		w.Rewrite("aliases", where{"id": x.Alias.ID}, where{"name": ""})
	}, []string{"EXT-7 alias"}},
	{"a group without a name", func(w *world, x *testbed.All) {
		w.Rewrite("call_groups", where{"id": x.Group.ID}, where{"name": "", "name_folded": ""})
	}, []string{"EXT-8 group"}},

	// Phones, and the lines on them.
	{"a device of no model", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Spare.ID}, where{"model": ""})
	}, []string{"DEV-1 device"}},
	{"a device of another category than its model's", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Spare.ID}, where{"category": "analogue"})
	}, []string{"DEV-1 device"}},
	{"a device with more ports than its model has", func(w *world, x *testbed.All) {
		w.Rewrite("devices", where{"id": x.Spare.ID}, where{"ports": int64(99)})
	}, []string{"DEV-1 device"}},
	{"two lines on a device in service", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Waiting.ID}, where{
			"device_id": w.get("services", where{"id": x.Bare.ID}, "device_id"), "device_type": x.Bare.DeviceType, "category": string(x.Bare.Category),
		})
	}, []string{"DEV-2 device"}},
	{"a line of another category than its type of phone", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Line.ID}, where{"category": "analogue"})
	}, []string{"SVC-14 service"}},
	{"a line on a device of another model", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Line.ID}, where{"device_type": "Yealink T46U"})
	}, []string{"SVC-14 service"}},
	{"a line without a type of phone", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Waiting.ID}, where{"device_type": ""})
	}, []string{"SVC-14 service"}},
	{"a line's name with a control character", func(w *world, x *testbed.All) {
		w.Rewrite("services", where{"id": x.Bare.ID}, where{"name": "a\x01b"})
	}, []string{"SVC-2 service"}},
	{"keys of a remote service", func(w *world, x *testbed.All) {
		w.Rewrite("service_keys", where{"service_id": x.Shared.ID}, where{"service_id": x.Elsewhere.ID})
	}, []string{"SVC-11 service key"}},
	{"a mailbox of a remote service", func(w *world, x *testbed.All) {
		w.Rewrite("mailboxes", where{"service_id": x.Line.ID}, where{"service_id": x.Elsewhere.ID})
	}, []string{"SVC-11 mailbox"}},
	{"a foreign service of a remote one", func(w *world, x *testbed.All) {
		w.Rewrite("foreign_services", where{"id": x.There.ID}, where{"service_id": x.Elsewhere.ID})
	}, []string{"SVC-11 foreign service"}},
	{"an owner who is no principal", func(w *world, x *testbed.All) {
		w.Rewrite("owners", where{"service_id": x.Line.ID}, where{"principal": "k a t e"})
	}, []string{"OWN-3 owner"}},
	{"a PIN in clear", func(w *world, x *testbed.All) {
		w.Rewrite("mailboxes", where{"service_id": x.Line.ID}, where{"pin_hash": []byte("123456")})
	}, []string{"VM-5 mailbox"}},
	{"fewer wrong PINs than none", func(w *world, x *testbed.All) {
		w.Rewrite("mailboxes", where{"service_id": x.Line.ID}, where{"tries": int64(-7)})
	}, []string{"VM-5 mailbox"}},
	{"a mailbox that announces to no address", func(w *world, x *testbed.All) {
		w.Rewrite("mailboxes", where{"service_id": x.Line.ID}, where{"email": "x"})
	}, []string{"VM-4 mailbox"}},

	// Numbers and ports.
	{"a number in stock that is billed", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+442079460001"}, where{"monthly": int64(900), "billed": true})
	}, []string{"NUM-10 number"}},
	{"a toll-free number ported with geographic ones", func(w *world, x *testbed.All) {
		w.Rewrite("numbers", where{"e164": "+16175550182"}, where{"e164": "+18005550182"})
	}, []string{"NUM-11 number"}},
	{"an open port request without numbers", func(w *world, x *testbed.All) {
		w.Plant(&pbx.PortRequest{TenantID: w.US.ID, ID: nobody, Rev: 1, Carrier: "C", Date: w.Clock, CreatedAt: w.Clock, State: pbx.PortRequested})
	}, []string{"NUM-11 port request"}},
	{"a port from no carrier", func(w *world, x *testbed.All) {
		w.Rewrite("port_requests", where{"id": x.Port.ID}, where{"carrier": ""})
	}, []string{"NUM-11 port request"}},

	// Licences, orders and subscribers.
	{"a station package without a name", func(w *world, x *testbed.All) {
		w.Rewrite("station_pools", where{"tenant_id": w.US.ID}, where{"name": ""})
	}, []string{"STN-1 station package"}},
	{"a station package with an application of no code", func(w *world, x *testbed.All) {
		w.Rewrite("station_pools", where{"tenant_id": w.US.ID}, where{"applications": []string{"a b"}})
	}, []string{"STN-1 station package"}},
	{"an order of nothing", func(w *world, x *testbed.All) {
		id := w.get("orders", where{"tenant_id": w.UK.ID, "number": 1}, "id")
		w.Rewrite("orders", where{"id": id}, where{"monthly": 0, "one_time": 0})
		w.Drop("order_lines", where{"order_id": id})
	}, []string{"ORD-1 order"}},
	{"an order for none of a product", func(w *world, x *testbed.All) { w.rewriteFirstLine(where{"quantity": int64(0)}) }, []string{"ORD-1 order line"}},
	{"an order for no product", func(w *world, x *testbed.All) { w.rewriteFirstLine(where{"product": ""}) }, []string{"ORD-1 order line"}},
	{"an order line before the first", func(w *world, x *testbed.All) { w.rewriteFirstLine(where{"line": int64(-7)}) }, []string{"ORD-1 order line"}},
	{"an order by a king", func(w *world, x *testbed.All) {
		w.Rewrite("orders", where{"tenant_id": w.US.ID, "number": 1}, where{"placed_role": "king"})
	}, []string{"ORD-4 order"}},
	{"an order by nobody", func(w *world, x *testbed.All) {
		w.Rewrite("orders", where{"tenant_id": w.US.ID, "number": 1}, where{"placed_by": ""})
	}, []string{"ORD-4 order"}},
	{"a cursor of a subscriber whose name is none", func(w *world, x *testbed.All) {
		w.Plant(&pbx.Cursor{Subscriber: "a b", TenantID: w.US.ID, Rev: 1, Seq: 1, Pos: 1})
	}, []string{"SYS-3 cursor"}},
}

// abroad is a location where 999 is an emergency number.
func abroad(w *world) pbx.LocationID { return w.Location(w.Dir, "LON", "GB", "").ID }

// moveSIP gives a user another SIP address, and claims it for them.
func (w *world) moveSIP(u *pbx.User, to pbx.SIPAddress) {
	w.T.Helper()
	w.Rewrite("sip_identities", where{"address": u.SIPAddress}, where{"address": to})
	w.Rewrite("users", where{"id": u.ID}, where{"sip_address": to})
}

// rewriteFirstLine rewrites line 1 of the first order.
func (w *world) rewriteFirstLine(to where) {
	w.T.Helper()
	w.Rewrite("order_lines", where{"order_id": w.get("orders", where{"tenant_id": w.US.ID, "number": 1}, "id"), "line": 1}, to)
}
