package model

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// assignedLine is a device that somebody has, whose line is to change (EXT-9).
func (x *step) assignedLine(id Handle) *Device {
	d := x.device("", id)
	if d != nil && d.State != pbx.DeviceAssigned {
		x.refuse(rule.EXT9, pbx.ErrFailedPrecondition, "")
		return nil
	}
	return d
}

func (x *step) lineNumber(d *Device, line int64) bool {
	if line < 1 || line > d.PortsUsed {
		x.invalid(rule.EXT9, "Line")
		return false
	}
	return true
}

func (t *Tenant) lineOf(device Handle, line int64) *DeviceLine {
	return first(t.DeviceLines, func(l *DeviceLine) bool { return l.Device == device && l.Line == line })
}

// SetDeviceLine is the method of that name: with a user, or else an alias.
type SetDeviceLine struct {
	Device      Handle
	Line        int64
	User, Alias Handle
}

func (o SetDeviceLine) do(x *step) {
	d := x.assignedLine(o.Device)
	if d == nil {
		return
	}
	x.lineNumber(d, o.Line)
	who, owner := memberOf("", o.User, o.Alias), o.User
	var name ref
	if a := x.t.alias(who.Alias); who.Alias != "" {
		if a == nil {
			x.missing("")
			return
		}
		owner, name = a.User, a.ref()
	} else {
		u := x.user(who.User)
		if u == nil {
			return
		}
		name = u.ref()
	}
	elsewhere := func(l *DeviceLine) bool {
		return l.Device == d.ID && l.Line != o.Line && l.User == who.User && l.Alias == who.Alias
	}
	if owner != d.User || first(x.t.DeviceLines, elsewhere) != nil {
		x.refuse(rule.EXT9, pbx.ErrConflict, "Identity")
	}
	if len(x.bad) > 0 {
		return
	}
	l := x.t.lineOf(d.ID, o.Line)
	switch {
	case l == nil:
		l = &DeviceLine{Device: d.ID, Line: o.Line}
		x.t.DeviceLines = append(x.t.DeviceLines, l)
	case l.User == who.User && l.Alias == who.Alias:
		return
	}
	l.User, l.Alias = who.User, who.Alias
	x.relate("device.line-set", d.ref(), name, fmt.Sprint(o.Line))
}

// ClearDeviceLine is the method of that name.
type ClearDeviceLine struct {
	Device Handle
	Line   int64
}

func (o ClearDeviceLine) do(x *step) {
	d := x.assignedLine(o.Device)
	if d == nil || !x.lineNumber(d, o.Line) {
		return
	}
	l := x.t.lineOf(d.ID, o.Line)
	if l == nil {
		x.refuse(rule.EXT9, pbx.ErrNotFound, "Line")
		return
	}
	x.clearLine(l)
}

func (x *step) clearLine(l *DeviceLine) {
	x.t.DeviceLines = without(x.t.DeviceLines, func(other *DeviceLine) bool { return other == l })
	x.did("device.line-cleared", x.t.device(l.Device).ref(), fmt.Sprint(l.Line))
}

// leaveLines takes an alias off the phones that carry it.
func (x *step) leaveLines(alias Handle) {
	for _, l := range all(x.t.DeviceLines, func(l *DeviceLine) bool { return l.Alias == alias }) {
		x.clearLine(l)
	}
}

var (
	dialForm    = regexp.MustCompile(`^[0-9]{2,7}$`)
	featureForm = regexp.MustCompile(`^[*#][0-9*#]{1,15}$`)
)

func (t *Tenant) keysOf(service Handle) []*Key {
	return all(t.Keys, func(k *Key) bool { return k.Service == service })
}

// putKeys gives a service these keys and no others.
func (x *step) putKeys(service Handle, keys []pbx.PhoneKey) {
	x.t.Keys = without(x.t.Keys, func(k *Key) bool { return k.Service == service })
	for _, k := range keys {
		x.t.Keys = append(x.t.Keys, &Key{service, k.Position, k.Kind, k.Label, k.Target})
	}
}

// keys checks keys for a service, by its phone's model and by what else its
// device carries (DEV-7).
func (x *step) keys(keys []pbx.PhoneKey, model phone, s *Service) {
	if int64(len(keys)) > model.keys {
		x.invalid(rule.DEV7, "Keys")
		return
	}
	for i, k := range keys {
		field := fmt.Sprintf("Keys[%d].", i)
		x.key(k, field)
		same := func(other pbx.PhoneKey) bool { return other.Position == k.Position }
		switch {
		case k.Position < 1 || k.Position > model.keys, slices.ContainsFunc(keys[:i], same):
			x.invalid(rule.DEV7, field+"Position")
		case x.keyTaken(s, k.Position):
			x.refuse(rule.DEV7, pbx.ErrConflict, field+"Position")
		}
		_, reaches := x.t.holder(pbx.Extension(k.Target))
		if k.Kind == pbx.KeyBusyLamp && dialForm.MatchString(k.Target) && k.Target != string(s.DN) && !reaches {
			x.warn(rule.DEV7, extension(pbx.Extension(k.Target)), fmt.Sprint(k.Position))
		}
	}
}

// key checks a key on its own, without the others.
func (x *step) key(k pbx.PhoneKey, field string) {
	x.text(rule.DEV7, field+"Label", k.Label, 64)
	dialled := dialForm.MatchString(k.Target)
	right, known := map[pbx.KeyKind]bool{
		pbx.KeySpeedDial: dialled || e164(pbx.E164(k.Target)),
		pbx.KeyBusyLamp:  dialled,
		pbx.KeyLine:      dialled || k.Target == "",
		pbx.KeyFeature:   featureForm.MatchString(k.Target),
	}[k.Kind]
	switch {
	case !known:
		x.invalid(rule.DEV7, field+"Kind")
	case !right:
		x.invalid(rule.DEV7, field+"Target")
	}
}

// keyTaken reports whether another service on the same device has a key.
func (x *step) keyTaken(s *Service, position int64) bool {
	for _, other := range x.t.Services {
		if s.Device == "" || other.Device != s.Device || other.ID == s.ID {
			continue
		}
		if first(x.t.keysOf(other.ID), func(k *Key) bool { return k.Position == position }) != nil {
			return true
		}
	}
	return false
}

// newKeys checks the keys of a new service.
func (x *step) newKeys(o AddService, s *Service, model phone, d *Device) {
	beside := Service{ID: s.ID, DN: s.DN}
	if d != nil {
		beside.Device = d.ID
	}
	x.keys(o.Keys, model, &beside)
}

// keysFit refuses a new device type that does not have the keys that are set
// (DEV-7).
func (x *step) keysFit(s, was *Service, field string) {
	model, known := phones[s.DeviceType]
	beyond := func(k *Key) bool { return k.Position > model.keys }
	if known && model.category == was.Category && first(x.t.keysOf(was.ID), beyond) != nil {
		x.refuse(rule.DEV7, pbx.ErrFailedPrecondition, field)
	}
}

// SetKeys is the method of that name.
type SetKeys struct {
	Service Handle
	Keys    []pbx.PhoneKey
	Stale   bool
}

func (o SetKeys) do(x *step) {
	s := x.service(o.Service)
	if s == nil || !x.editable(s) {
		return
	}
	if o.Stale {
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	if x.keys(o.Keys, phones[s.DeviceType], s); len(x.bad) > 0 {
		return
	}
	had := x.t.keysOf(s.ID)
	x.putKeys(s.ID, o.Keys)
	same := func(k *Key) bool {
		return first(had, func(was *Key) bool { return *was == *k }) != nil
	}
	if len(had) != len(o.Keys) || len(all(x.t.keysOf(s.ID), same)) != len(had) {
		x.did("service.keys-set", s.ref(), "")
	}
}
