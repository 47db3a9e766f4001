package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/tidwall/btree"

	"github.com/pbxkit/pbx"
)

// trees is the hand-written program in memory: a tree for each of the orders
// that the library keeps, under one lock, with nothing else: no snapshot, no
// undo, no rules but those a set-up needs.
type trees struct {
	sync.RWMutex
	tenant   [16]byte
	location [16]byte
	numbers  []pbx.E164
	devices  [][16]byte

	rows  map[string]*btree.Map[string, any]
	rev   int64
	order int64
	head  string // of the journal
}

var treeNames = []string{
	"tenants", "locations", "types", "pools",
	"users", "users_login", "users_last", "users_first", "users_location", "users_station", "sip",
	"services", "services_dn", "services_number", "services_type", "services_location", "services_device",
	"extensions", "extensions_service",
	"associations", "associations_slot", "associations_primary", "associations_service",
	"numbers", "numbers_service", "numbers_state",
	"devices", "devices_mac", "devices_primary", "devices_state", "devices_user", "devices_location", "device_lines", "device_lines_user",
	"orders", "orders_number", "order_lines", "events",
}

func byHandInTrees(n int) *contender {
	t := &trees{rows: map[string]*btree.Map[string, any]{}}
	for _, name := range treeNames {
		t.rows[name] = &btree.Map[string, any]{}
	}
	copy(t.tenant[:], newID())
	copy(t.location[:], newID())
	tenant, location := string(t.tenant[:]), string(t.location[:])
	t.put("tenants", tenant, &pbx.Tenant{Country: "US"})
	t.put("locations", tenant+location, &pbx.Location{})
	t.put("types", tenant+"PRO", &pbx.ServiceType{Monthly: 2500, OneTime: 1000})
	t.put("pools", tenant+"STANDARD", &pbx.StationPool{Total: int64(n)})
	for i := range n {
		number := pbx.E164(fmt.Sprintf("+1617555%04d", i))
		row := &pbx.Number{E164: number, State: pbx.NumberAvailable}
		t.put("numbers", string(number), row)
		t.put("numbers_state", tenant+"available\x00"+string(number), row)
		var device [16]byte
		copy(device[:], newID())
		dev := &pbx.Device{ID: device, MAC: pbx.MAC(fmt.Sprintf("00:04:f2:%06x", i)), Ports: 12, State: pbx.DeviceAvailable}
		t.put("devices", tenant+string(device[:]), dev)
		t.put("devices_mac", string(dev.MAC), dev)
		t.put("devices_state", tenant+"available\x00"+string(dev.MAC)+string(device[:]), dev)
		t.put("devices_location", tenant+location+string(device[:]), dev)
		t.numbers, t.devices = append(t.numbers, number), append(t.devices, device)
	}
	return &contender{name: "memory: the same rows by hand, bare trees", setUp: t.setUp}
}

func (t *trees) put(tree, key string, row any) { t.rows[tree].Set(key, row) }

func (t *trees) has(tree, key string) bool {
	_, found := t.rows[tree].Get(key)
	return found
}

func (t *trees) setUp(i int) error {
	t.Lock()
	defer t.Unlock()
	tenant, location, device := string(t.tenant[:]), string(t.location[:]), string(t.devices[i][:])
	email := fmt.Sprintf("zoe.miller%05d@example.com", i)
	address, digits := fmt.Sprintf("zoe.miller%05d@bench.example.com", i), fmt.Sprint(70000+i)
	row, _ := t.rows["numbers"].Get(string(t.numbers[i]))
	dev, _ := t.rows["devices"].Get(tenant + device)
	pool, _ := t.rows["pools"].Get(tenant + "STANDARD")
	if !t.has("tenants", tenant) || !t.has("locations", tenant+location) || !t.has("types", tenant+"PRO") ||
		t.has("users_login", email) || t.has("sip", address) || t.has("extensions", tenant+digits) ||
		row.(*pbx.Number).State != pbx.NumberAvailable || dev.(*pbx.Device).State != pbx.DeviceAvailable ||
		pool.(*pbx.StationPool).Available() == 0 {
		return fmt.Errorf("set-up %d is refused", i)
	}
	t.write(i, tenant, location, device, email, address, digits, row.(*pbx.Number), dev.(*pbx.Device), pool.(*pbx.StationPool))
	return nil
}

func (t *trees) write(i int, tenant, location, device, email, address, digits string, number *pbx.Number, dev *pbx.Device, pool *pbx.StationPool) {
	now, userID, serviceID, orderID := time.Now().UTC(), string(newID()), string(newID()), string(newID())
	t.rev++
	t.order++
	last := fmt.Sprintf("Miller%05d", i)
	folded := fmt.Sprintf("miller%05d", i)
	t.put("tenants", tenant, &pbx.Tenant{Rev: t.rev, Country: "US"})

	user := &pbx.User{Rev: 1, FirstName: "Zoe", LastName: last, Email: email, Login: email, State: pbx.UserActive, Department: "Sales",
		SIPAddress: pbx.SIPAddress(address), Station: "STANDARD", Applications: []string{"softphone", "fax"}, CreatedAt: now, ActivatedAt: now}
	t.put("users", tenant+userID, user)
	t.put("users_login", email, user)
	t.put("users_last", tenant+folded+"\x00zoe\x00"+userID, user)
	t.put("users_first", tenant+"zoe\x00"+folded+"\x00"+userID, user)
	t.put("users_location", tenant+location+userID, user)
	t.put("users_station", tenant+"STANDARD\x00"+userID, user)
	t.put("sip", address, &pbx.SIPIdentity{Address: pbx.SIPAddress(address), Rev: 1})

	now2 := *dev
	now2.State, now2.PortsUsed = pbx.DeviceAssigned, 2
	t.put("devices", tenant+device, &now2)
	t.put("devices_mac", string(dev.MAC), &now2)
	t.rows["devices_state"].Delete(tenant + "available\x00" + string(dev.MAC) + device)
	t.put("devices_state", tenant+"assigned\x00"+string(dev.MAC)+device, &now2)
	t.put("devices_primary", tenant+userID, &now2)
	t.put("devices_user", tenant+userID+device, &now2)
	t.put("devices_location", tenant+location+device, &now2)
	line := &pbx.DeviceLine{Line: 1, Rev: 1, UserID: pbx.UserID([]byte(userID))}
	t.put("device_lines", tenant+device+"\x01", line)
	t.put("device_lines_user", tenant+userID+device, line)

	service := &pbx.Service{Rev: 1, DN: pbx.Extension(digits), Type: "PRO", Status: pbx.StatusActive, DeviceType: dev.Model, Number: number.E164, CreatedAt: now, ActivatedAt: now}
	t.put("services", tenant+serviceID, service)
	t.put("services_dn", tenant+digits, service)
	t.put("services_number", string(number.E164), service)
	t.put("services_type", tenant+"PRO\x00"+serviceID, service)
	t.put("services_location", tenant+location+serviceID, service)
	t.put("services_device", tenant+device+serviceID, service)
	entry := &pbx.DialEntry{Digits: pbx.Extension(digits), Rev: 1}
	t.put("extensions", tenant+digits, entry)
	t.put("extensions_service", tenant+serviceID, entry)
	link := &pbx.Association{Rev: 1, Slot: 1}
	t.put("associations", tenant+userID+serviceID, link)
	t.put("associations_slot", tenant+userID+"1", link)
	t.put("associations_primary", tenant+userID, link)
	t.put("associations_service", tenant+serviceID+userID, link)

	assigned := *number
	assigned.State = pbx.NumberAssigned
	t.put("numbers", string(number.E164), &assigned)
	t.rows["numbers_state"].Delete(tenant + "available\x00" + string(number.E164))
	t.put("numbers_state", tenant+"assigned\x00"+string(number.E164), &assigned)
	t.put("numbers_service", tenant+serviceID, &assigned)
	taken := *pool
	taken.Used++
	t.put("pools", tenant+"STANDARD", &taken)

	order := &pbx.Order{Rev: 1, Number: t.order, Status: pbx.OrderPlaced, PlacedAt: now, Monthly: 2500, OneTime: 1000, BillingFrom: now}
	t.put("orders", tenant+orderID, order)
	t.put("orders_number", tenant+number64(t.order), order)
	t.put("order_lines", tenant+orderID+"1", &pbx.OrderLine{Line: 1, Rev: 1, Product: "PRO", Quantity: 1, Monthly: 2500, OneTime: 1000})
	var hashes []string
	hashes, t.head = chainEvents(t.head, t.tenant[:], []byte(orderID), t.rev, now.UnixMicro(), digits)
	for pos, e := range events {
		t.put("events", tenant+number64(t.rev)+number64(int64(pos)), &pbx.Event{Seq: t.rev, Pos: int64(pos + 1), At: now, Type: e.typ, Kind: e.kind, Subject: hashes[pos], Detail: digits})
	}
}

func number64(n int64) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// newID is a random ID, at the price of a UUID.
func newID() []byte {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		panic(err)
	}
	return id
}
