package model

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

func (p *Pool) ref() ref { return ref{"station package", Handle(p.Package), p.Name} }

func (st *ServiceType) ref() ref { return ref{"service type", Handle(st.Code), st.Name} }

func (t *Tenant) pool(name string) *Pool {
	return first(t.Pools, func(p *Pool) bool { return p.Package == name })
}

func (t *Tenant) serviceType(code string) *ServiceType {
	return first(t.Types, func(st *ServiceType) bool { return st.Code == code })
}

// productFields refuses the fields of a product that are bad.
func (x *step) productFields(o ServiceType) {
	x.form(rule.SVC16, "Code", o.Code, codeForm)
	x.required(rule.SVC16, "Name", o.Name, 64)
	x.codes(rule.STN2, "Applications", o.Applications)
	if !price(o.Monthly) {
		x.invalid(rule.SVC16, "Monthly")
	}
	if !price(o.OneTime) {
		x.invalid(rule.SVC16, "OneTime")
	}
}

// AddServiceType is the method of that name.
type AddServiceType struct{ ServiceType }

func (o AddServiceType) do(x *step) {
	if x.productFields(o.ServiceType); len(x.bad) > 0 {
		return
	}
	if x.t.serviceType(o.Code) != nil {
		x.refuse(rule.SVC16, pbx.ErrConflict, "Code")
		return
	}
	x.t.Types = append(x.t.Types, &o.ServiceType)
	x.did("service-type.set", o.ref(), "")
}

// ModifyServiceType is the method of that name.
type ModifyServiceType struct {
	ServiceType
	Kept  Set  // what else the caller changed
	Stale bool // based on a revision that never existed
}

func (o ModifyServiceType) do(x *step) {
	st := x.t.serviceType(o.Code)
	switch {
	case st == nil:
		x.missing("")
		return
	case o.Stale:
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	x.kept(rule.SVC16, o.Kept, "TenantID")
	if x.productFields(o.ServiceType); len(x.bad) > 0 {
		return
	}
	*st = o.ServiceType
	x.did("service-type.set", o.ref(), "")
}

// poolFields refuses the fields of a package that are bad.
func (x *step) poolFields(o Pool) {
	x.form(rule.STN1, "Package", o.Package, codeForm)
	x.required(rule.STN1, "Name", o.Name, 64)
	x.codes(rule.STN2, "Applications", o.Applications)
	if o.Total < 0 || o.Total > 1_000_000 {
		x.invalid(rule.STN1, "Total")
	}
}

// AddStationPool is the method of that name; Used stays 0.
type AddStationPool struct{ Pool }

func (o AddStationPool) do(x *step) {
	if x.poolFields(o.Pool); len(x.bad) > 0 {
		return
	}
	if x.t.pool(o.Package) != nil {
		x.refuse(rule.STN1, pbx.ErrConflict, "Package")
		return
	}
	x.t.Pools = append(x.t.Pools, &o.Pool)
	x.did("stations.set", o.ref(), strconv.FormatInt(o.Total, 10))
}

// ModifyStationPool is the method of that name; Used is what is added to the
// number in use as it was read, which is refused.
type ModifyStationPool struct {
	Pool
	Kept  Set  // as of ModifyServiceType
	Stale bool // as of ModifyServiceType
}

func (o ModifyStationPool) do(x *step) {
	p := x.t.pool(o.Package)
	switch {
	case p == nil:
		x.missing("")
		return
	case o.Stale:
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	x.kept(rule.STN1, o.Kept, "TenantID")
	x.poolFields(o.Pool)
	if o.Used != 0 {
		x.invalid(rule.STN1, "Used")
	}
	if len(x.bad) > 0 {
		return
	}
	if o.Total < p.Used {
		x.refuse(rule.STN4, pbx.ErrFailedPrecondition, "Total")
		return
	}
	o.Used = p.Used
	*p = o.Pool
	x.did("stations.set", p.ref(), strconv.FormatInt(o.Total, 10))
}

// station finds a free station of a package (STN-1).
func (x *step) station(name string) *Pool {
	p := x.t.pool(name)
	switch {
	case p == nil:
		x.refuse(rule.STN1, pbx.ErrNotFound, "Station")
	case p.Used >= p.Total:
		x.refuse(rule.STN1, pbx.ErrExhausted, "Station")
	}
	return p
}

// ChangeStation is the method of that name.
type ChangeStation struct {
	User    Handle
	Package string
}

func (o ChangeStation) do(x *step) {
	u := x.user(o.User)
	if u == nil || u.Station == o.Package {
		return
	}
	was := *u
	u.Station = o.Package
	if o.Package != "" {
		if x.station(o.Package); len(x.bad) > 0 {
			return
		}
	}
	if gone := x.trim(u, u.Applications); len(gone) > 0 {
		x.confirm(rule.STN3, u.ref(), gone...)
	}
	x.returnStation(&was)
	if o.Package != "" {
		x.takeStation(x.t.pool(o.Package), u)
	}
}

func (x *step) takeStation(p *Pool, u *User) {
	p.Used++
	x.relate("station.taken", p.ref(), u.ref(), "")
}

func (x *step) returnStation(u *User) {
	if p := x.t.pool(u.Station); p != nil {
		p.Used--
		x.relate("station.returned", p.ref(), u.ref(), "")
	}
}

// notIncluded are the applications of a user that neither their station nor the
// types of their services include (STN-2).
func (x *step) notIncluded(u *User) []string {
	var included []string
	if p := x.t.pool(u.Station); p != nil {
		included = append(included, p.Applications...)
	}
	for _, s := range x.t.servicesOf(u.ID) {
		if st := x.t.serviceType(s.Type); st != nil {
			included = append(included, st.Applications...)
		}
	}
	var out []string
	for _, a := range u.Applications {
		if !slices.Contains(included, a) {
			out = append(out, a)
		}
	}
	return out
}

// once are the applications of a list without those that are refused as missing or
// listed twice.
func once(list []string) []string {
	times := map[string]int{"": 2}
	for _, a := range list {
		times[a]++
	}
	return slices.DeleteFunc(slices.Clone(list), func(a string) bool { return times[a] > 1 })
}

// trim takes those of the applications from a user that are not included, and
// returns them.
func (x *step) trim(u *User, of []string) []string {
	gone := slices.DeleteFunc(x.notIncluded(u), func(a string) bool { return !slices.Contains(of, a) })
	u.Applications = slices.DeleteFunc(slices.Clone(u.Applications), func(a string) bool { return slices.Contains(gone, a) })
	return gone
}

// trimFor is trim for a change of a service; it warns.
func (x *step) trimFor(u *User, s *Service) {
	st := x.t.serviceType(s.Type)
	if st == nil {
		return
	}
	if gone := x.trim(u, st.Applications); len(gone) > 0 {
		x.warn(rule.STN2, u.ref(), strings.Join(gone, ", "), s.ref().name)
		x.did("user.modified", u.ref(), "")
	}
}
