package model

import (
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// phone is what the model knows of a model of phone.
type phone struct {
	category    pbx.Category
	ports, keys int64
}

var phones = map[string]phone{
	"SIP softphone":     {pbx.Softphone, 1, 0},
	"Polycom Trio 8500": {pbx.SingleLine, 1, 0},
	"Cisco 8851":        {pbx.MultiLine, 5, 5},
	"Yealink T46U":      {pbx.MultiLine, 16, 27},
	"Grandstream HT802": {pbx.Analogue, 2, 0},
}

func (d *Device) ref() ref { return ref{"device", d.ID, d.Model + " " + string(d.MAC)} }

func (t *Tenant) device(id Handle) *Device {
	return first(t.Devices, func(d *Device) bool { return d.ID == id })
}

func (x *step) device(field string, id Handle) *Device {
	d := x.t.device(id)
	if d == nil {
		x.missing(field)
	}
	return d
}

// AddDevice is the method of that name.
type AddDevice struct {
	MAC, Model string
	Location   Handle
}

func (o AddDevice) do(x *step) {
	mac, ok := macOf(o.MAC)
	if !ok {
		x.invalid(rule.DEV1, "MAC")
	}
	model, known := phones[o.Model]
	if !known || model.category == pbx.Softphone {
		x.invalid(rule.DEV1, "Model")
	}
	x.place("LocationID", o.Location)
	for _, t := range x.Tenants {
		if ok && first(t.Devices, func(d *Device) bool { return d.MAC == mac }) != nil {
			x.refuse(rule.DEV1, pbx.ErrConflict, "MAC")
		}
	}
	d := &Device{ID: x.handle("d"), MAC: mac, Model: o.Model, Category: model.category, Ports: model.ports,
		Location: o.Location, State: pbx.DeviceAvailable}
	x.t.Devices = after(x.t.Devices, d, func(d *Device) Handle { return d.ID })
	x.did("device.added", d.ref(), string(mac))
}

// macOf is a MAC in its standard form, if it can be one of a device.
func macOf(s string) (pbx.MAC, bool) {
	s = strings.ToLower(s)
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(s)
	if !macForm.MatchString(s) || digits == "000000000000" || strings.ContainsRune("13579bdf", rune(digits[1])) {
		return "", false
	}
	var parts []string
	for i := 0; i < 12; i += 2 {
		parts = append(parts, digits[i:i+2])
	}
	return pbx.MAC(strings.Join(parts, ":")), true
}

// assignable refuses a device that is not available (DEV-2), and ports that it
// does not have (DEV-3).
func (x *step) assignable(d *Device, ports int64) bool {
	switch {
	case ports < 1 || ports > d.Ports:
		x.invalid(rule.DEV3, "Ports")
	case d.State != pbx.DeviceAvailable:
		x.refuse(rule.DEV2, pbx.ErrConflict, "DeviceID")
	default:
		return true
	}
	return false
}

// give gives an available device to a user; their first is their primary one
// (DEV-4).
func (x *step) give(d *Device, u *User, ports int64) {
	if x.t.primaryDevice(u.ID) == nil {
		d.PrimaryOf = u.ID
	}
	d.State, d.User, d.PortsUsed = pbx.DeviceAssigned, u.ID, ports
	x.relate("device.assigned", d.ref(), u.ref(), "")
	x.t.DeviceLines = append(x.t.DeviceLines, &DeviceLine{Device: d.ID, Line: 1, User: u.ID})
}

func (t *Tenant) primaryDevice(user Handle) *Device {
	return first(t.Devices, func(d *Device) bool { return d.PrimaryOf == user })
}

// freeDevice takes a device from its user, and off the services that it
// carries.
func (x *step) freeDevice(d *Device) {
	for _, s := range x.t.Services {
		if s.Device == d.ID {
			x.takeOff(s, d)
		}
	}
	for line := range d.PortsUsed {
		if l := x.t.lineOf(d.ID, line+1); l != nil && l.Alias != "" {
			x.clearLine(l)
		}
	}
	x.t.DeviceLines = without(x.t.DeviceLines, func(l *DeviceLine) bool { return l.Device == d.ID })
	user := d.User
	d.State, d.User, d.PortsUsed, d.PrimaryOf = pbx.DeviceAvailable, "", 0, ""
	x.relate("device.unassigned", d.ref(), ref{"user", user, ""}, "")
}

// takeOff takes a service off a device.
func (x *step) takeOff(s *Service, d *Device) {
	s.Device = ""
	x.relate("service.phone-removed", s.ref(), d.ref(), "")
}

// AssignDevice is the method of that name.
type AssignDevice struct {
	Device, User Handle
	Ports        int64
}

func (o AssignDevice) do(x *step) {
	d := x.device("", o.Device)
	if d == nil {
		return
	}
	u := x.user(o.User)
	if u == nil {
		return
	}
	if o.Ports == 0 {
		o.Ports = 1
	}
	if x.assignable(d, o.Ports) {
		x.give(d, u, o.Ports)
	}
}

// assigned is a device that a user has (DEV-5).
func (x *step) assigned(id Handle) *Device {
	d := x.device("", id)
	if d != nil && d.State != pbx.DeviceAssigned {
		x.refuse(rule.DEV5, pbx.ErrFailedPrecondition, "")
		return nil
	}
	return d
}

// UnassignDevice is the method of that name.
type UnassignDevice struct{ Device Handle }

func (o UnassignDevice) do(x *step) {
	d := x.assigned(o.Device)
	if d == nil {
		return
	}
	user, primary := d.User, d.PrimaryOf != ""
	x.freeDevice(d)
	if next := first(x.t.Devices, func(d *Device) bool { return d.User == user }); primary && next != nil {
		next.PrimaryOf = user
		x.relate("device.made-primary", next.ref(), ref{"user", user, ""}, "")
	}
}

// SetPrimaryDevice is the method of that name.
type SetPrimaryDevice struct{ Device Handle }

func (o SetPrimaryDevice) do(x *step) {
	d := x.assigned(o.Device)
	if d == nil || d.PrimaryOf != "" {
		return
	}
	if was := x.t.primaryDevice(d.User); was != nil {
		was.PrimaryOf = ""
	}
	d.PrimaryOf = d.User
	x.relate("device.made-primary", d.ref(), ref{"user", d.User, ""}, "")
}

// DeleteDevice is the method of that name.
type DeleteDevice struct{ Device Handle }

func (o DeleteDevice) do(x *step) {
	d := x.device("", o.Device)
	switch {
	case d == nil:
	case d.State != pbx.DeviceAvailable:
		x.refuse(rule.DEV6, pbx.ErrFailedPrecondition, "")
	default:
		x.t.Devices = without(x.t.Devices, func(other *Device) bool { return other.ID == d.ID })
		x.did("device.deleted", d.ref(), string(d.MAC))
	}
}
