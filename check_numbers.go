package pbx

import (
	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
)

// numberInvariants hold for numbers and for what brings them in.
var numberInvariants = []invariant{
	each(numbersTable, rule.NUM1, "a number is in E.164 form", func(c *tenantCheck, n *Number) {
		if !numplan.Valid(string(n.E164)) {
			c.broken(subjectOf(n), "it is %q", n.E164)
		}
	}),
	each(numbersTable, rule.NUM1, "a number is the Provider's exactly where it is stock or rests", func(c *tenantCheck, n *Number) {
		switch n.State {
		case NumberStock, NumberResting, NumberAvailable, NumberAssigned, NumberPorting:
			ours := n.State == NumberStock || n.State == NumberResting
			if ours != (c.tenant.ID == Provider) {
				c.broken(subjectOf(n), "it is %s", n.State)
			}
		default:
			c.broken(subjectOf(n), "it is %q", n.State)
		}
	}),
	each(numbersTable, rule.NUM2, "a number is assigned exactly where it has a service", func(c *tenantCheck, n *Number) {
		if (n.State == NumberAssigned) == n.ServiceID.IsZero() {
			c.broken(subjectOf(n), "it is %s, and has the service %s", n.State, n.ServiceID)
		}
	}),
	each(numbersTable, rule.NUM10, "a number rests exactly where there is an end to its rest", func(c *tenantCheck, n *Number) {
		if (n.State == NumberResting) == n.FreeFrom.IsZero() {
			c.broken(subjectOf(n), "it is %s", n.State)
		}
	}),
	each(numbersTable, rule.NUM10, "a number that is stock or rests costs nobody anything", func(c *tenantCheck, n *Number) {
		if (n.State == NumberStock || n.State == NumberResting) && (n.Monthly != 0 || n.Billed) {
			c.broken(subjectOf(n), "it costs %d, billed: %t", n.Monthly, n.Billed)
		}
	}),
	each(numbersTable, rule.NUM1, "the number of a service is assigned to it", func(c *tenantCheck, n *Number) {
		s := c.services[n.ServiceID]
		if s == nil {
			return
		}
		if s.numbered++; s.number != n.E164 {
			c.broken(subjectOf(n), "its service %s has %q", n.ServiceID, s.number)
		}
	}),
	each(numbersTable, rule.ORD2, "an ordered number is billed on a service that is billed, and no other number is", func(c *tenantCheck, n *Number) {
		s := c.services[n.ServiceID]
		due := s != nil && s.billed && n.Monthly > 0
		if due && !n.Billed || n.Billed && n.Monthly == 0 {
			c.broken(subjectOf(n), "it costs %d, billed: %t", n.Monthly, n.Billed)
		}
	}),
	inTheEnd(rule.NUM1, "a service has as many numbers as it says, one or none", func(c *tenantCheck) {
		for id, s := range c.services {
			if s.numbered != oneIf(s.number != "") {
				c.broken(Ref{Kind: "service", ID: id.String()}, "it says %q, and %d are assigned to it", s.number, s.numbered)
			}
		}
	}),
	each(numbersTable, rule.NUM3, "only a porting-in number is waited for", func(c *tenantCheck, n *Number) {
		switch {
		case n.State == NumberPorting:
			c.awaited[n.E164] = n.WaitingID
		case !n.WaitingID.IsZero():
			c.broken(subjectOf(n), "it is %s, and service %s waits", n.State, n.WaitingID)
		}
	}),
	each(numbersTable, rule.NUM3, "only an assigned number stands in for another", func(c *tenantCheck, n *Number) {
		switch {
		case n.TemporaryFor == "":
		case n.State != NumberAssigned:
			c.broken(subjectOf(n), "it is %s, and stands in for %s", n.State, n.TemporaryFor)
		default:
			c.standIns[n.TemporaryFor] = standIn{n.E164, n.ServiceID}
		}
	}),
	each(numbersTable, rule.NUM3, "a temporary number is on loan, and a loan is assigned and not billed", func(c *tenantCheck, n *Number) {
		switch {
		case n.Loan && (n.State != NumberAssigned || n.Monthly != 0):
			c.broken(subjectOf(n), "it is on loan, %s, and billed at %d", n.State, n.Monthly)
		case !n.Loan && n.TemporaryFor != "":
			c.broken(subjectOf(n), "it stands in for %s, and is not on loan", n.TemporaryFor)
		}
	}),
	inTheEnd(rule.NUM3, "a temporary number stands in for a porting-in one that its service waits for", func(c *tenantCheck) {
		for porting, temporary := range c.standIns {
			waiting, there := c.awaited[porting]
			subject := Ref{Kind: "number", ID: string(temporary.number)}
			switch {
			case !there:
				c.broken(subject, "%s is not porting in", porting)
			case waiting != temporary.service:
				c.broken(subject, "service %s waits for %s", waiting, porting)
			}
		}
	}),
	inTheEnd(rule.NUM3, "the service that waits for a number has a temporary one", func(c *tenantCheck) {
		for porting, waiting := range c.awaited {
			if _, there := c.standIns[porting]; !there && !waiting.IsZero() {
				c.broken(Ref{Kind: "number", ID: string(porting)}, "service %s has none", waiting)
			}
		}
	}),
	each(numbersTable, rule.NUM11, "a number is porting in exactly while its port request is open", func(c *tenantCheck, n *Number) {
		p := c.ports[n.PortID]
		switch {
		case n.PortID.IsZero() && n.State == NumberPorting:
			c.broken(subjectOf(n), "it is %s, and there is none", n.State)
		case p != nil && p.open() != (n.State == NumberPorting):
			c.broken(subjectOf(n), "it is %s, and the request %q", n.State, p.state)
		}
	}),
	each(numbersTable, rule.NUM11, "the numbers of a port request are all geographic, or all toll-free, as it says", func(c *tenantCheck, n *Number) {
		if p := c.ports[n.PortID]; p != nil && p.tollFree != numplan.TollFreeE164(string(n.E164)) {
			c.broken(subjectOf(n), "toll-free, as its request says: %t", p.tollFree)
		}
	}),
	inTheEnd(rule.NUM11, "an open port request has 1 to 1,000 numbers", func(c *tenantCheck) {
		for id, p := range c.ports {
			if p.open() && (p.numbers < 1 || p.numbers > maxNumbersAtOnce) {
				c.broken(Ref{Kind: "port request", ID: id.String()}, "it has %d", p.numbers)
			}
		}
	}),
	each(portRequestsTable, rule.NUM11, "a port request has a state", func(c *tenantCheck, p *PortRequest) {
		switch p.State {
		case PortRequested, PortConfirmed, PortActivated, PortCancelled, PortFailed:
		default:
			c.broken(subjectOf(p), "it is %q", p.State)
		}
	}),
}
