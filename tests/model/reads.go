package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// The methods that read answer in lines of handles and of whatever else can be
// predicted, in the order that they promise.

func (x *step) say(parts ...any) {
	x.answer = append(x.answer, strings.TrimSpace(strings.Join(strings.Fields(fmt.Sprintln(parts...)), " ")))
}

// Users is the method of that name: by the beginnings of the names (USR-8).
type Users struct{ LastName, FirstName string }

func (o Users) do(x *step) {
	found := all(x.t.Users, func(u *User) bool {
		return strings.HasPrefix(fold(u.LastName), fold(o.LastName)) && strings.HasPrefix(fold(u.FirstName), fold(o.FirstName))
	})
	slices.SortStableFunc(found, func(a, b *User) int {
		last, first := cmp.Compare(fold(a.LastName), fold(b.LastName)), cmp.Compare(fold(a.FirstName), fold(b.FirstName))
		if o.LastName == "" && o.FirstName != "" {
			return cmp.Or(first, last)
		}
		return cmp.Or(last, first)
	})
	for _, u := range found {
		x.say(u.ID)
	}
}

// Lookup is the method of that name.
type Lookup struct{ Extension pbx.Extension }

func (o Lookup) do(x *step) {
	if holder, taken := x.t.holder(o.Extension); taken {
		x.say(holder, holder.name)
	} else {
		x.missing("")
	}
}

// MainExtension is the method of that name.
type MainExtension struct{ User Handle }

func (o MainExtension) do(x *step) {
	if u := x.user(o.User); u != nil {
		x.say(x.t.mainExtension(u.ID))
	}
}

// OfferedNumbers is the method of that name.
type OfferedNumbers struct {
	At     Handle
	Prefix string
}

func (o OfferedNumbers) do(x *step) {
	if x.t.Country == "GB" {
		x.refuse(rule.NUM6, pbx.ErrDenied, "Number")
		return
	}
	at := x.place("LocationID", o.At)
	if len(x.bad) > 0 {
		return
	}
	areas := x.areas(at)
	switch {
	case o.Prefix != "" && !x.beginsHere(o.Prefix, at):
		x.invalid(rule.NUM4, "Prefix")
		return
	case o.Prefix != "":
		areas = []string{o.Prefix}
	case x.t.NumberCriteria != "":
		areas = append([]string{x.t.NumberCriteria}, areas...)
	}
	for _, area := range areas {
		if offers := x.offers(area); len(offers) > 0 {
			for _, n := range offers[:min(20, len(offers))] {
				x.say(n.E164)
			}
			return
		}
	}
}

// Numbers is the method of that name.
type Numbers struct {
	State     pbx.NumberState
	Unawaited bool
}

func (o Numbers) first(x *step) {
	if o.State == "" || o.State == "lost" {
		x.invalid(rule.NUM2, "State")
	}
}

func (o Numbers) do(x *step) {
	for _, n := range x.Numbers {
		if n.Tenant == x.t.ID && n.State == o.State && !(o.Unawaited && n.Waiting != "") {
			x.say(n.E164, n.Service)
		}
	}
}

// Line is the method of that name.
type Line struct{ Number string }

func (o Line) do(x *step) {
	s := x.lineAt(o.Number)
	if s == nil {
		return
	}
	users := x.t.usersOf(s.ID)
	slices.SortStableFunc(users, func(a, b *User) int {
		return cmp.Or(cmp.Compare(fold(a.name()), fold(b.name())), cmp.Compare(a.SIPAddress, b.SIPAddress))
	})
	building := ""
	if at := x.t.location(s.Location); at != nil {
		building = at.Building
	}
	x.say(s.ID, s.DN, s.Status, names(users), building)
	var owners []string
	for _, owner := range x.t.Owners {
		if owner.Service == s.ID {
			owners = append(owners, string(owner.Principal))
		}
	}
	slices.Sort(owners)
	x.say(owners)
}

// UserServices is the method of that name.
type UserServices struct{ User Handle }

func (o UserServices) do(x *step) {
	if x.user(o.User) == nil {
		return
	}
	his := all(x.t.Associations, func(a *Association) bool { return a.User == o.User })
	slices.SortFunc(his, func(a, b *Association) int { return cmp.Compare(a.Slot, b.Slot) })
	for _, a := range his {
		x.say(a.Slot, a.Service, a.PrimaryOf)
	}
}

// ServiceUsers is the method of that name.
type ServiceUsers struct{ Service Handle }

func (o ServiceUsers) do(x *step) {
	if x.service(o.Service) == nil {
		return
	}
	for _, u := range x.t.usersOf(o.Service) {
		x.say(u.ID)
	}
}

// Services is the method of that name: by the beginning of a DN, or of a number.
type Services struct{ Number string }

func (o Services) do(x *step) {
	by := func(s *Service) string { return string(s.DN) }
	if strings.HasPrefix(o.Number, "+") {
		by = func(s *Service) string { return string(s.Number) }
	}
	found := all(x.t.Services, func(s *Service) bool { return strings.HasPrefix(by(s), o.Number) })
	slices.SortFunc(found, func(a, b *Service) int { return cmp.Compare(by(a), by(b)) })
	for _, s := range found {
		x.say(s.ID)
	}
}

// Devices is the method of that name: a user's, or those in a state.
type Devices struct {
	User  Handle
	State pbx.DeviceState
}

func (o Devices) do(x *step) {
	state := cmp.Or(o.State, pbx.DeviceAvailable)
	found := all(x.t.Devices, func(d *Device) bool { return o.User != "" && d.User == o.User || o.User == "" && d.State == state })
	if o.User == "" {
		slices.SortFunc(found, func(a, b *Device) int { return cmp.Compare(a.MAC, b.MAC) })
	}
	for _, d := range found {
		x.say(d.ID)
	}
}

// DeviceLines is the method of that name.
type DeviceLines struct{ Device Handle }

func (o DeviceLines) do(x *step) {
	lines := all(x.t.DeviceLines, func(l *DeviceLine) bool { return l.Device == o.Device })
	slices.SortFunc(lines, func(a, b *DeviceLine) int { return cmp.Compare(a.Line, b.Line) })
	for _, l := range lines {
		name := ""
		if a := x.t.alias(l.Alias); a != nil {
			name = a.Name
		} else {
			name = x.t.user(l.User).name()
		}
		x.say(l.Line, l.User, l.Alias, name)
	}
}

// Extensions is the method of that name: a user's, or all.
type Extensions struct{ User Handle }

func (o Extensions) do(x *step) {
	var digits []string
	for _, e := range x.t.Entries {
		if o.User == "" || e.User == o.User {
			digits = append(digits, string(e.Digits))
		}
	}
	for _, s := range x.t.Services {
		if o.User == "" {
			digits = append(digits, string(s.DN))
		}
	}
	slices.Sort(digits)
	for _, e := range digits {
		x.say(e)
	}
}

// ForeignServices is the method of that name: a line's, or all.
type ForeignServices struct{ Service Handle }

func (o ForeignServices) do(x *step) {
	list := x.t.Foreign
	if o.Service != "" {
		list = x.t.foreignOf(o.Service)
	}
	for _, f := range list {
		x.say(f.ID, f.State)
	}
}

// Orders is the method of that name: the newest first.
type Orders struct{}

func (o Orders) do(x *step) {
	for _, order := range slices.Backward(x.t.Orders) {
		x.say(order.Number, order.Monthly, order.OneTime)
	}
}
