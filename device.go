package pbx

import (
	"context"
	"fmt"
	"iter"
	"net"
	"strings"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// MAC is a device's hardware address (EUI-48) as six colon-separated octets in
// lower case.
type MAC string

// ParseMAC reads a hardware address in any usual notation (aa:bb:cc:dd:ee:ff, aa-bb-…,
// aabb.ccdd.eeff, aabbccddeeff, in upper or lower case). Errors: ErrInvalid (DEV-1) for a
// group address, for zero, and for anything but six octets.
func ParseMAC(s string) (MAC, error) {
	bad := &Error{Code: rule.DEV1, Kind: ErrInvalid, Field: "MAC", Reason: "not the hardware address of a device: six octets"}
	if len(s) == 12 {
		s = s[:4] + "." + s[4:8] + "." + s[8:]
	}
	hw, err := net.ParseMAC(s)
	if err != nil || len(hw) != 6 || hw[0]&1 != 0 || [6]byte(hw) == [6]byte{} {
		return "", bad
	}
	return MAC(hw.String()), nil
}

// DeviceState says whether a device can be assigned.
type DeviceState string

// The states of a device.
const (
	DeviceAvailable DeviceState = "available"
	DeviceAssigned  DeviceState = "assigned"   // to a user
	DeviceInService DeviceState = "in service" // it carries a service that has no user
)

// Category is a class of device types. The device type of a service can change
// only to another of the same category (SVC-14).
type Category string

// The categories of device.
const (
	MultiLine  Category = "multi-line"
	SingleLine Category = "single-line"
	Analogue   Category = "analogue"
	Softphone  Category = "softphone"
)

// Device is a phone of the tenant's inventory (DEV-1).
type Device struct {
	TenantID   TenantID
	ID         DeviceID
	Rev        int64
	MAC        MAC // unique across all tenants
	Model      string
	Category   Category
	Ports      int64 // the lines that the model has
	LocationID LocationID
	State      DeviceState
	UserID     UserID // the user it is assigned to, or zero
	PortsUsed  int64  // how many ports the user may use; 0 unless assigned (DEV-3)
	PrimaryOf  UserID // equal to UserID if this is the user's primary device, else zero (DEV-4)
}

// Table returns the declaration of devices.
func (d *Device) Table() *store.Table { return devicesTable }

// Fields appends the device's columns.
func (d *Device) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &d.TenantID), id("id", &d.ID), revision(&d.Rev),
		words("mac", (*string)(&d.MAC)), words("model", &d.Model), words("category", (*string)(&d.Category)),
		integer("ports", &d.Ports), maybeID("location_id", &d.LocationID),
		words("state", (*string)(&d.State)), maybeID("user_id", &d.UserID),
		integer("ports_used", &d.PortsUsed), maybeID("primary_of", &d.PrimaryOf),
	)
}

func (d *Device) ref() Ref { return Ref{"device", d.ID.String(), d.Model + " " + string(d.MAC)} }

// DeviceModel is a model of phone: its category, how many lines (ports) and how
// many programmable keys it has.
type DeviceModel struct {
	Name     string
	Category Category
	Ports    int64
	Keys     int64
}

// DefaultDeviceModels returns the models that a Directory knows unless
// WithDeviceModels gives others.
func DefaultDeviceModels() []DeviceModel {
	return []DeviceModel{
		{"SIP softphone", Softphone, 1, 0},
		{"Polycom VVX 450", MultiLine, 12, 12},
		{"Polycom Trio 8500", SingleLine, 1, 0},
		{"Yealink T46U", MultiLine, 16, 27},
		{"Yealink T58W", MultiLine, 16, 27},
		{"Cisco 8851", MultiLine, 5, 5},
		{"Grandstream HT802", Analogue, 2, 0},
	}
}

func modelsByName(models []DeviceModel) map[string]DeviceModel {
	byName := make(map[string]DeviceModel, len(models))
	for _, m := range models {
		byName[m.Name] = m
	}
	return byName
}

// softphoneModel is the model of a service without a phone.
const softphoneModel = "SIP softphone"

// NewDevice is what AddDevice needs to know of a phone.
type NewDevice struct {
	MAC        string // in any notation of ParseMAC
	Model      string // a known model
	LocationID LocationID
}

// AddDevice adds a phone to the tenant's inventory, as an available device
// (DEV-1). AssignDevice then gives it to a user.
//
// Errors, all at once: ErrInvalid for bad fields; ErrConflict for a MAC that is
// in the system already, in whatever notation and whichever tenant; ErrNotFound
// for the location.
func (d *Directory) AddDevice(ctx context.Context, in NewDevice) (*Device, error) {
	return change(ctx, d, "AddDevice", func(p *prefetch) {
		p.location(in.LocationID)
		if mac, err := ParseMAC(in.MAC); err == nil {
			p.get(devicesByMAC, string(mac))
		}
	}, func(t *tx) (*Device, error) {
		var check validation
		mac, err := ParseMAC(in.MAC)
		if check.collect(err) != nil {
			return nil, err
		}
		model, known := t.core.models[in.Model]
		if !known || model.Category == Softphone {
			check.refuse(rule.DEV1, "Model", "not a known model of phone")
		}
		if _, err := t.location(ctx, in.LocationID); check.collect(err) != nil {
			return nil, err
		}
		if err := check.collect(t.freeMAC(ctx, mac)); err != nil {
			return nil, err
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		row := &Device{TenantID: t.tenantID, ID: t.newID(), MAC: mac, Model: model.Name, Category: model.Category, Ports: model.Ports,
			LocationID: in.LocationID, State: DeviceAvailable}
		t.Insert(row)
		t.did("device.added", row.ref(), string(mac))
		return copyOf(row), nil
	})
}

// freeMAC refuses a MAC that a device of any tenant has (DEV-1). It names the
// device only if it is of this tenant (ACC-1).
func (t *tx) freeMAC(ctx context.Context, mac MAC) error {
	if mac == "" {
		return nil
	}
	taken, err := one[*Device](ctx, t, devicesByMAC, string(mac))
	if err != nil || taken == nil {
		return err
	}
	refusal := &Error{Code: rule.DEV1, Kind: ErrConflict, Field: "MAC", Subject: Ref{Kind: "MAC", ID: string(mac)},
		Reason: "a device with the MAC " + string(mac) + " is in the system already"}
	if taken.TenantID == t.tenantID {
		refusal.Holder = taken.ref()
	}
	return refusal
}

// device reads a device of the tenant.
func (t *tx) device(ctx context.Context, id DeviceID) (*Device, error) {
	dev, err := one[*Device](ctx, t, devicesTable.Key(), t.tenantID, id)
	if err == nil && dev == nil {
		err = notFound("device", id.String())
	}
	return dev, err
}

// assignable refuses a device that is assigned or in service (DEV-2), and more
// ports than it has (DEV-3).
func (t *tx) assignable(ctx context.Context, dev *Device, ports int64) error {
	if ports < 1 || ports > dev.Ports {
		return &Error{Code: rule.DEV3, Kind: ErrInvalid, Field: "Ports", Subject: dev.ref(),
			Reason: fmt.Sprintf("not within 1 and the %d ports of a %s", dev.Ports, dev.Model)}
	}
	if dev.State == DeviceAvailable {
		return nil
	}
	holder, free, err := t.deviceHolder(ctx, dev)
	if err != nil {
		return err
	}
	return &Error{Code: rule.DEV2, Kind: ErrConflict, Field: "DeviceID", Subject: dev.ref(), Holder: holder,
		Reason: fmt.Sprintf("%s is taken by %s: %s first", dev.ref(), holder, free)}
}

// deviceHolder returns the user or the service that has a device, and what to do
// first to free it. An available device has no holder.
func (t *tx) deviceHolder(ctx context.Context, dev *Device) (holder Ref, free string, err error) {
	switch dev.State {
	case DeviceAssigned:
		u, err := t.user(ctx, dev.UserID)
		if err != nil {
			return Ref{}, "", err
		}
		return u.ref(), "remove the assignment", nil
	case DeviceInService:
		s, err := first[*Service](ctx, t, store.Query{Index: servicesByDevice, Equal: []any{t.tenantID, dev.ID}})
		if err != nil {
			return Ref{}, "", err
		}
		return refOf(s), "take it off the service", nil
	}
	return Ref{}, "", nil
}

// validateCarrier refuses a device that cannot carry a new service of a user, or
// one without a user (DEV-2).
func (t *tx) validateCarrier(ctx context.Context, dev *Device, user UserID) error {
	if dev.State == DeviceAssigned && dev.UserID == user {
		return nil
	}
	return t.assignable(ctx, dev, 1)
}

// carry stages that a device carries a new service. An available device is
// assigned to the service's user, or is in service if there is no user.
func (t *tx) carry(ctx context.Context, dev *Device, u *User) error {
	switch {
	case dev.State != DeviceAvailable:
		return nil
	case u == nil:
		edit(t, dev, func(d *Device) { d.State = DeviceInService })
		return nil
	}
	_, err := t.assign(ctx, dev, u, 1)
	return err
}

// pickUp assigns the device of a service to the service's first user (DEV-2).
func (t *tx) pickUp(ctx context.Context, s *Service, u *User) error {
	if s.DeviceID.IsZero() {
		return nil
	}
	dev, err := t.device(ctx, s.DeviceID)
	if err != nil || dev.State != DeviceInService {
		return err
	}
	_, err = t.assign(ctx, dev, u, 1)
	return err
}

// leavePhone takes a service that is disassociated from a user off the user's
// device. The device stays assigned to the user (DEV-2).
func (t *tx) leavePhone(ctx context.Context, s *Service, u *User) error {
	if s.DeviceID.IsZero() {
		return nil
	}
	dev, err := t.device(ctx, s.DeviceID)
	if err == nil && dev.UserID == u.ID {
		t.takeOff(s, dev)
	}
	return err
}

// takeOff stages that a device no longer carries a service. The service keeps its
// device type and its keys, for its next device (DEV-7).
func (t *tx) takeOff(s *Service, dev *Device) *Service {
	row := edit(t, s, func(s *Service) { s.DeviceID = DeviceID{} })
	t.relate("service.phone-removed", s.ref(), dev.ref(), "")
	return row
}

// putDown makes the device of a service available again if it was in service
// without a user. It is called when the service is deleted or changes its device.
func (t *tx) putDown(ctx context.Context, s *Service) error {
	if s.DeviceID.IsZero() {
		return nil
	}
	dev, err := t.device(ctx, s.DeviceID)
	if err != nil || dev.State != DeviceInService {
		return err
	}
	dev = edit(t, dev, func(d *Device) { d.State = DeviceAvailable })
	t.relate("device.freed", dev.ref(), s.ref(), "")
	return nil
}

// AssignDevice assigns an available device to a user, who may use that many of
// its ports; 0 means 1 (DEV-2, DEV-3). A user's first device is their primary one,
// the others are secondary; all of them ring (DEV-4). Line 1 of the device carries
// the user (EXT-9).
//
// Errors: ErrNotFound for the device or the user; ErrConflict if it is assigned or
// in service, with whoever has it as the holder (DEV-2); ErrInvalid for more ports
// than the model has (DEV-3).
func (d *Directory) AssignDevice(ctx context.Context, device DeviceID, user UserID, ports int64) (*Device, error) {
	return change(ctx, d, "AssignDevice", func(p *prefetch) {
		p.device(device).to(usersTable.Key(), "user_id")
		p.user(user)
		p.get(devicesByPrimary, user)
	}, func(t *tx) (*Device, error) {
		dev, err := t.device(ctx, device)
		if err != nil {
			return nil, err
		}
		u, err := t.user(ctx, user)
		if err != nil {
			return nil, err
		}
		if ports == 0 {
			ports = 1
		}
		if err := t.assignable(ctx, dev, ports); err != nil {
			return nil, err
		}
		row, err := t.assign(ctx, dev, u, ports)
		if err != nil {
			return nil, err
		}
		return copyOf(row), nil
	})
}

// assign stages that an available device is assigned to a user, as the primary one
// if it is the user's first (DEV-4).
func (t *tx) assign(ctx context.Context, dev *Device, u *User, ports int64) (*Device, error) {
	primary, err := one[*Device](ctx, t, devicesByPrimary, t.tenantID, u.ID)
	if err != nil {
		return nil, err
	}
	return t.give(dev, u, ports, primary == nil), nil
}

func (t *tx) give(dev *Device, u *User, ports int64, primary bool) *Device {
	row := edit(t, dev, func(d *Device) {
		d.State, d.UserID, d.PortsUsed = DeviceAssigned, u.ID, ports
		if primary {
			d.PrimaryOf = u.ID
		}
	})
	t.relate("device.assigned", row.ref(), u.ref(), "")
	t.lineOne(row)
	return row
}

// free makes a user's device available again. The services that it carries lose
// their device, and its lines no longer carry the user and their aliases.
func (t *tx) free(ctx context.Context, dev *Device) error {
	carried, err := store.Collect(find[*Service](ctx, t, store.Query{Index: servicesByDevice, Equal: []any{t.tenantID, dev.ID}}))
	if err != nil {
		return err
	}
	for _, s := range carried {
		t.takeOff(s, dev)
	}
	if err := t.clearLines(ctx, dev); err != nil {
		return err
	}
	row := edit(t, dev, func(d *Device) {
		d.State, d.UserID, d.PortsUsed, d.PrimaryOf = DeviceAvailable, UserID{}, 0, UserID{}
	})
	t.relate("device.unassigned", row.ref(), Ref{Kind: "user", ID: dev.UserID.String()}, "")
	return nil
}

// UnassignDevice takes a device from its user and makes it available (DEV-5). The
// services that it carried have no device then; ModifyService gives them another.
// If it was the user's primary device, another one of theirs becomes primary
// (DEV-4).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a device that is not assigned.
func (d *Directory) UnassignDevice(ctx context.Context, device DeviceID) error {
	return d.change(ctx, "UnassignDevice", func(p *prefetch) {
		p.device(device).to(devicesByUser, "user_id")
		p.get(servicesByDevice, device)
		p.get(deviceLinesTable.Key(), device)
	}, func(t *tx) error {
		dev, err := t.assignedDevice(ctx, device)
		if err != nil {
			return err
		}
		if err := t.free(ctx, dev); err != nil || dev.PrimaryOf.IsZero() {
			return err
		}
		next, err := first[*Device](ctx, t, store.Query{Index: devicesByUser, Equal: []any{t.tenantID, dev.UserID}})
		if err != nil || next == nil {
			return err
		}
		edit(t, next, func(d *Device) { d.PrimaryOf = dev.UserID })
		t.relate("device.made-primary", next.ref(), Ref{Kind: "user", ID: dev.UserID.String()}, "")
		return nil
	})
}

// SetPrimaryDevice makes an assigned device the primary one of its user (DEV-4).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a device that is not assigned.
func (d *Directory) SetPrimaryDevice(ctx context.Context, device DeviceID) error {
	return d.change(ctx, "SetPrimaryDevice", func(p *prefetch) { p.device(device).to(devicesByPrimary, "user_id") }, func(t *tx) error {
		dev, err := t.assignedDevice(ctx, device)
		if err != nil || !dev.PrimaryOf.IsZero() {
			return err
		}
		was, err := one[*Device](ctx, t, devicesByPrimary, t.tenantID, dev.UserID)
		if err != nil {
			return err
		}
		if was != nil {
			edit(t, was, func(d *Device) { d.PrimaryOf = UserID{} })
		}
		edit(t, dev, func(d *Device) { d.PrimaryOf = dev.UserID })
		t.relate("device.made-primary", dev.ref(), Ref{Kind: "user", ID: dev.UserID.String()}, "")
		return nil
	})
}

// assignedDevice reads a device that a user has, and refuses any other (DEV-5).
func (t *tx) assignedDevice(ctx context.Context, id DeviceID) (*Device, error) {
	dev, err := t.device(ctx, id)
	if err != nil {
		return nil, err
	}
	if dev.State != DeviceAssigned {
		return nil, &Error{Code: rule.DEV5, Kind: ErrFailedPrecondition, Subject: dev.ref(), Reason: dev.ref().String() + " is not assigned to anyone"}
	}
	return dev, nil
}

// DeleteDevice takes an available device out of the inventory.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a device that is assigned to a
// user or carries a service, which is the holder (DEV-6).
func (d *Directory) DeleteDevice(ctx context.Context, device DeviceID) error {
	return d.change(ctx, "DeleteDevice", func(p *prefetch) {
		p.device(device).to(usersTable.Key(), "user_id")
		p.get(servicesByDevice, device)
	}, func(t *tx) error {
		dev, err := t.device(ctx, device)
		if err != nil {
			return err
		}
		holder, free, err := t.deviceHolder(ctx, dev)
		if err != nil {
			return err
		}
		if holder != (Ref{}) {
			return &Error{Code: rule.DEV6, Kind: ErrFailedPrecondition, Subject: dev.ref(), Holder: holder,
				Reason: fmt.Sprintf("%s is taken by %s: %s first", dev.ref(), holder, free)}
		}
		t.Remove(dev)
		t.did("device.deleted", dev.ref(), string(dev.MAC))
		return nil
	})
}

// Device returns a device of the tenant. Errors: ErrNotFound.
func (d *Directory) Device(ctx context.Context, id DeviceID) (*Device, error) {
	return read(ctx, d, "Device", func(p *prefetch) { p.device(id) }, func(t *tx) (*Device, error) {
		dev, err := t.device(ctx, id)
		if err != nil {
			return nil, err
		}
		return copyOf(dev), nil
	})
}

// DeviceQuery selects devices: by state and MAC, or those of a user.
type DeviceQuery struct {
	State  DeviceState // empty: DeviceAvailable (DEV-2)
	UserID UserID      // if set, the devices of that user; State and MAC are ignored
	MAC    string      // the first characters of the MAC with its colons, in either case
	Limit  int         // 0: all
}

// Devices yields devices of the tenant in the order of their MACs, or those of a
// user in the order in which they were added (DEV-2).
func (d *Directory) Devices(ctx context.Context, q DeviceQuery) iter.Seq2[*Device, error] {
	if !q.UserID.IsZero() {
		return pages[*Device](ctx, d, "Devices", store.Query{Index: devicesByUser, Equal: []any{d.scope(), q.UserID}}, q.Limit, nil)
	}
	if q.State == "" {
		q.State = DeviceAvailable
	}
	return pages[*Device](ctx, d, "Devices", store.Query{Index: devicesByState, Equal: []any{d.scope(), string(q.State)}, Prefix: strings.ToLower(q.MAC)}, q.Limit, nil)
}
