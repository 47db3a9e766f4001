package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
)

// company adds records of every kind, of three tenants, such that every index
// has records that share its leading columns, and records that are not in it.
func (c *customer) company() {
	provider := c.provider()
	for i := range 9 {
		n := add(c.world, provider.number())
		if i%3 != 0 {
			n.State, n.FreeFrom = pbx.NumberResting, epoch.Add(time.Duration(i/2)*time.Hour)
		}
	}
	c.staff()
	c.world.customer("Beta").staff()
}

// staff adds the records of one customer.
func (c *customer) staff() {
	sites := []*pbx.Location{add(c.world, c.location("E14")), add(c.world, c.location("E140")), add(c.world, c.location("W20"))}
	for _, code := range []string{"BASIC", "CONNECT", "CONNECT-PRO"} {
		add(c.world, c.serviceType(code))
		add(c.world, c.pool(code, 20))
	}
	groups := []*pbx.Group{add(c.world, c.group(pbx.HuntGroup, "Sales")), add(c.world, c.group(pbx.ACDQueue, "Support"))}
	port := add(c.world, c.port())
	var people []*pbx.User
	for i, name := range strings.Fields("Ada:Ng Ada:Nguyen Bo:Ng Bo:nguyen ada:Ng Ána:Ng :Ng Cy: Al:Nguyen") {
		first, last, _ := strings.Cut(name, ":")
		people = append(people, c.person(i, first, last, sites, groups))
	}
	for i := range 6 {
		c.phoneLine(i, people, sites, port)
	}
	for i := range int64(4) {
		o := add(c.world, c.order(i+1))
		add(c.world, c.line(o, 1))
		add(c.world, c.line(o, 2))
		add(c.world, c.event(i+1, 1))
		add(c.world, c.event(i+1, 2))
	}
	add(c.world, c.cursor("mail"))
	add(c.world, c.cursor("mailer"))
}

// person adds the i-th user with what a user has without a service.
func (c *customer) person(i int, first, last string, sites []*pbx.Location, groups []*pbx.Group) *pbx.User {
	u := add(c.world, c.user(first, last))
	if i%3 > 0 {
		u.LocationID = sites[i%2].ID
	}
	if i%4 > 0 {
		u.Station = []string{"CONNECT", "CONNECT-PRO"}[i%2]
	}
	add(c.world, c.identity(u))
	e := add(c.world, c.entry(u))
	if i%2 == 0 {
		e.MainOf = u.ID
	}
	add(c.world, c.member(groups[i%2], u))
	d := add(c.world, c.device())
	if i%3 > 0 {
		assigned(d, u, i%3 == 1).LocationID = sites[i%2].ID
	}
	add(c.world, c.deviceLine(d, 1, u))
	if i%3 == 0 {
		a := add(c.world, c.alias(u))
		second := add(c.world, c.deviceLine(d, 2, u))
		second.UserID, second.AliasID = pbx.UserID{}, a.ID
		id := add(c.world, c.identity(u))
		id.Address, id.UserID, id.AliasID = a.SIPAddress, pbx.UserID{}, a.ID
		reach := add(c.world, c.entry(u))
		reach.UserID, reach.AliasID = pbx.UserID{}, a.ID
		team := add(c.world, c.entry(u))
		team.UserID, team.GroupID = pbx.UserID{}, groups[i%2].ID
	}
	return u
}

// phoneLine adds the i-th service with what belongs to it.
func (c *customer) phoneLine(i int, people []*pbx.User, sites []*pbx.Location, port *pbx.PortRequest) {
	d := add(c.world, c.device())
	s := add(c.world, c.service())
	if i%3 > 0 {
		s.Type, s.DeviceID, s.LocationID = []string{"CONNECT", "CONNECT-PRO"}[i%2], d.ID, sites[i%2].ID
	}
	if i%2 == 0 {
		s.Number = c.e164()
		n := add(c.world, c.numberOf(s))
		if i == 0 {
			porting := c.number()
			porting.State, porting.WaitingID, porting.PortID = pbx.NumberPorting, s.ID, port.ID
			c.records[len(c.records)-1] = porting // before the one that refers to it
			add(c.world, n)
			n.TemporaryFor, n.Loan, n.PortID = porting.E164, true, port.ID
		}
	} else {
		add(c.world, c.number())
	}
	add(c.world, c.dnOf(s))
	add(c.world, c.association(people[i%3], s, int64(1+i/3), i < 3))
	add(c.world, c.association(people[3+i%2], s, int64(1+i/2), false))
	for _, owner := range []string{"ada", "adam", "bo"}[i%3:] {
		add(c.world, c.owner(s, pbx.Principal(fmt.Sprint(owner))))
	}
	for n := range int64(i % 4) {
		add(c.world, c.key(s, 1+5*n))
	}
	if i < 4 {
		add(c.world, c.mailbox(s))
		s.Status, s.ActivatedAt, s.CancelAt = pbx.StatusPendingCancellation, epoch, epoch.Add(time.Duration(i/2)*time.Hour)
	}
	add(c.world, c.foreign(s))
	other := add(c.world, c.foreign(s))
	if other.System = "OTHER"; i%2 == 0 {
		other.ServiceID, other.FormerDN, other.State = pbx.ServiceID{}, s.DN, pbx.ForeignLeft
	}
}
