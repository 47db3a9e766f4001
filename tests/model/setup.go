package model

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// SetUpUser is the method of that name.
type SetUpUser struct {
	Person
	Extension    pbx.Extension
	Number       pbx.NumberChoice
	ServiceType  string
	Station      string
	Applications []string
	Device       Handle
	Ports        int64
	DeviceType   string
	Foreign      []NewForeign
	Keys         []pbx.PhoneKey
	Mailbox      NewMailbox

	LocationKeptBy string
}

// NewMailbox is the mailbox that a guided set-up may make.
type NewMailbox struct {
	Wanted        bool
	Number, Email string
	PIN           string
}

func (o SetUpUser) do(x *step) {
	u := x.newUser(o.Person)
	u.Station, u.Applications = o.Station, o.Applications
	at := x.t.location(o.Location)
	ports := cmp.Or(o.Ports, 1)
	var d *Device
	if o.Device != "" {
		if d = x.device("DeviceID", o.Device); d != nil {
			x.assignable(d, ports)
		}
	}
	in := AddService{DN: o.Extension, Type: o.ServiceType, Number: o.Number, Device: o.Device, DeviceType: o.DeviceType,
		Location: o.Location, LocationKeptBy: o.LocationKeptBy, ActivateLater: o.ActivateLater, Foreign: o.Foreign, Keys: o.Keys}
	if in.Device == "" && in.DeviceType == "" {
		in.DeviceType = "SIP softphone"
	}
	before := len(x.bad)
	l := x.line(in, d, []*Location{at}, o.Number.Source != "" || o.ServiceType != "", rule.USR4, "Extension", "ServiceType")
	dnRefused := slices.ContainsFunc(x.bad[before:], func(r Refusal) bool { return r.Field == "Extension" })
	if l.number.number != nil {
		l.service.Number = l.number.number.E164
	}
	u.SIPAddress = x.address(o.SIPAddress, u.Login, l.service.DN, u.ID)
	x.included(o)
	m := x.withMailbox(o.Mailbox, l.service, dnRefused)
	if len(x.bad) > 0 {
		return
	}
	x.welcome(u, o.Person, l.service.DN)
	if d != nil {
		x.give(d, u, ports)
	}
	x.addLine(l)
	x.associate(u, l.service)
	if p := x.t.pool(o.Station); p != nil {
		x.takeStation(p, u)
	}
	if m != nil {
		x.addMailbox(m)
	}
	x.order(u.ID, l.service.Location, l.service.ActivatedAt, l.charges...)
}

// withMailbox checks the mailbox of a new line; nil if it gets none.
func (x *step) withMailbox(in NewMailbox, s *Service, dnRefused bool) *Mailbox {
	if !in.Wanted {
		return nil
	}
	line := *s
	if dnRefused {
		line.DN = ""
	}
	had := len(x.bad)
	m := x.newMailbox(&line, AddMailbox{Number: in.Number, Email: in.Email, PIN: in.PIN})
	for i := range x.bad[had:] {
		x.bad[had+i].Field = strings.TrimSuffix("Mailbox."+x.bad[had+i].Field, ".")
	}
	return m
}

// included checks the station and the applications of a new user (STN-1,
// STN-2); the applications only if it is known what could include them.
func (x *step) included(o SetUpUser) {
	x.codes(rule.STN2, "Applications", o.Applications)
	var p *Pool
	if o.Station != "" {
		p = x.station(o.Station)
	}
	st := x.t.serviceType(o.ServiceType)
	if (o.Station != "" && p == nil) || (o.ServiceType != "" && st == nil) {
		return
	}
	for _, a := range once(o.Applications) {
		if (p == nil || !slices.Contains(p.Applications, a)) && (st == nil || !slices.Contains(st.Applications, a)) {
			x.invalid(rule.STN2, "Applications")
		}
	}
}
