package model

import (
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

var noTime time.Time

func (p *Port) ref() ref { return ref{"port request", p.ID, p.Carrier} }

// RequestPort is the method of that name.
type RequestPort struct {
	Carrier string
	Date    time.Time
	Numbers []pbx.E164
}

func (o RequestPort) do(x *step) {
	x.required(rule.NUM11, "Carrier", o.Carrier, 64)
	if o.Date.IsZero() || o.Date.Truncate(day).Before(x.Now.Truncate(day)) {
		x.invalid(rule.NUM11, "Date")
	}
	x.unknown(o.Numbers)
	free := 0
	for _, e := range o.Numbers {
		if tollFree(e) {
			free++
		}
	}
	if free > 0 && free < len(o.Numbers) {
		x.invalid(rule.NUM11, "Numbers")
	}
	if len(x.bad) > 0 {
		return
	}
	p := &Port{ID: x.handle("p"), Carrier: o.Carrier, Date: o.Date.Truncate(day), State: pbx.PortRequested, TollFree: free > 0, CreatedAt: x.Now}
	x.t.Ports = after(x.t.Ports, p, func(p *Port) Handle { return p.ID })
	x.did("port.requested", p.ref(), "")
	x.addNumbers(o.Numbers, pbx.NumberPorting, p.ID)
}

// port moves a request to another state, from one of those that it can be in.
func (x *step) port(id Handle, to pbx.PortState, from ...pbx.PortState) []*Number {
	p := first(x.t.Ports, func(p *Port) bool { return p.ID == id })
	if p == nil {
		x.missing("")
		return nil
	}
	for _, state := range from {
		if p.State == state {
			p.State = to
			x.did("port."+string(to), p.ref(), "")
			return all(x.Numbers, func(n *Number) bool { return n.Tenant == x.t.ID && n.Port == id })
		}
	}
	x.refuse(rule.NUM11, pbx.ErrFailedPrecondition, "")
	return nil
}

// ConfirmPort is the method of that name.
type ConfirmPort struct{ Port Handle }

func (o ConfirmPort) do(x *step) { x.port(o.Port, pbx.PortConfirmed, pbx.PortRequested) }

// ActivatePort is the method of that name.
type ActivatePort struct{ Port Handle }

func (o ActivatePort) do(x *step) {
	for _, n := range x.port(o.Port, pbx.PortActivated, pbx.PortRequested, pbx.PortConfirmed) {
		s := x.t.service(n.Waiting)
		if s == nil {
			n.edit(func(n *Number) { n.State = pbx.NumberAvailable })
			x.did("number.ported-in", n.ref(), "")
			continue
		}
		was := s.Number
		x.giveBack(x.Number(was))
		s.Number = n.E164
		n.edit(func(n *Number) { n.State, n.Service, n.Waiting = pbx.NumberAssigned, s.ID, "" })
		x.relate("number.ported-in", n.ref(), s.ref(), "")
		x.did("service.number-changed", s.ref(), string(was)+" "+string(n.E164))
	}
}

// CancelPort is the method of that name.
type CancelPort struct{ Port Handle }

func (o CancelPort) do(x *step) { x.endPort(o.Port, pbx.PortCancelled) }

// FailPort is the method of that name.
type FailPort struct{ Port Handle }

func (o FailPort) do(x *step) { x.endPort(o.Port, pbx.PortFailed) }

// endPort ends a request whose numbers are not ported in: the temporary ones
// stay (NUM-3).
func (x *step) endPort(id Handle, how pbx.PortState) {
	for _, n := range x.port(id, how, pbx.PortRequested, pbx.PortConfirmed) {
		if temporary := first(x.Numbers, func(other *Number) bool { return other.TemporaryFor == n.E164 }); temporary != nil {
			temporary.edit(func(n *Number) { n.TemporaryFor = "" })
			x.relate("number.no-longer-temporary", temporary.ref(), x.t.service(temporary.Service).ref(), string(n.E164))
		}
		x.Numbers = without(x.Numbers, func(other *Number) bool { return other == n })
		x.did("number.removed", n.ref(), "")
	}
}
