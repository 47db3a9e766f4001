package model

import (
	"slices"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

func (s *Service) ref() ref {
	if s.Name != "" {
		return ref{"service", s.ID, s.Name + " (" + string(s.DN) + ")"}
	}
	return ref{"service", s.ID, string(s.DN)}
}

func (t *Tenant) service(id Handle) *Service {
	return first(t.Services, func(s *Service) bool { return s.ID == id })
}

func (x *step) service(id Handle) *Service {
	s := x.t.service(id)
	if s == nil {
		x.missing("")
	}
	return s
}

// editable refuses a remote service (SVC-11).
func (x *step) editable(s *Service) bool {
	if s.RemoteSystem != "" {
		x.refuse(rule.SVC11, pbx.ErrFailedPrecondition, "")
		return false
	}
	return true
}

// AddService is the method of that name.
type AddService struct {
	User           Handle
	DN             pbx.Extension
	DeviceType     string
	Device         Handle
	Name, Type     string
	Number         pbx.NumberChoice
	Location       Handle
	LocationKeptBy string
	RemoteSystem   string
	ActivateLater  bool
	Foreign        []NewForeign
	Keys           []pbx.PhoneKey
	Applications   []string
}

func (o AddService) do(x *step) {
	var u *User
	var sites []*Location
	if o.User != "" {
		if u = x.user(o.User); u == nil || !x.seat(u, "") {
			return
		}
		if o.Location == "" {
			o.Location = u.Location
		}
		o.ActivateLater = o.ActivateLater || u.State != pbx.UserActive
		sites = append(sites, x.t.location(u.Location))
	}
	at := x.place("LocationID", o.Location)
	d := x.carrier(o.Device, u)
	l := x.line(o, d, append(sites, at), o.Type != "", rule.SVC2, "DN", "Type")
	if u != nil {
		for _, f := range o.Foreign {
			x.unmet(f.NeedsEmail, u)
		}
	}
	enabled := x.enabled(o, u)
	if len(x.bad) > 0 {
		return
	}
	switch {
	case d == nil || d.State != pbx.DeviceAvailable:
	case u == nil:
		d.State = pbx.DeviceInService
	default:
		x.give(d, u, 1)
	}
	x.addLine(l)
	switch {
	case u != nil:
		x.associate(u, l.service)
	case d != nil:
		x.relate("device.put-in-service", d.ref(), l.service.ref(), "")
	}
	if len(o.Applications) > 0 {
		u.Applications = enabled
		x.did("user.modified", u.ref(), "")
	}
	x.order(o.User, l.service.Location, l.service.ActivatedAt, l.charges...)
}

// enabled are the applications of a user with those that come with their new
// service (STN-2).
func (x *step) enabled(o AddService, u *User) []string {
	if len(o.Applications) == 0 {
		return nil
	}
	if u == nil {
		x.invalid(rule.STN2, "Applications")
		return nil
	}
	with := slices.Clone(u.Applications)
	was := len(with)
	for _, a := range o.Applications {
		if !slices.Contains(u.Applications, a) {
			with = append(with, a)
		}
	}
	x.codes(rule.STN2, "Applications", with)
	st := x.t.serviceType(o.Type)
	if o.Type != "" && st == nil {
		return nil
	}
	alike := *u
	alike.Applications = with[was:]
	for _, a := range once(x.notIncluded(&alike)) {
		if st == nil || !slices.Contains(st.Applications, a) {
			x.invalid(rule.STN2, "Applications")
		}
	}
	return with
}

// carrier is the device that is to carry a new service of a user or of nobody:
// an available one, or one that they have (DEV-2).
func (x *step) carrier(id Handle, u *User) *Device {
	if id == "" {
		return nil
	}
	d := x.device("DeviceID", id)
	if d != nil && (u == nil || d.User != u.ID) {
		x.assignable(d, 1)
	}
	return d
}

// line is a service that is about to be added.
type line struct {
	service *Service
	number  chosen
	charges []charge
	foreign []NewForeign
	keys    []pbx.PhoneKey
}

// line checks a new service, and fills in what may be left out. The names of
// two fields depend on the operation.
func (x *step) line(o AddService, d *Device, sites []*Location, auto bool, needs rule.Code, dn, typ string) line {
	s := &Service{ID: x.handle("s"), DN: o.DN, Name: o.Name, Type: o.Type, DeviceType: o.DeviceType,
		Category: phones[o.DeviceType].category, Device: o.Device, Location: o.Location, LocationKeptBy: o.LocationKeptBy,
		RemoteSystem: o.RemoteSystem, CreatedAt: x.Now}
	x.begin(s, o.ActivateLater)
	x.text(rule.SVC2, "Name", o.Name, 64)
	x.text(rule.OWN8, "LocationKeptBy", o.LocationKeptBy, 64)
	x.text(rule.SVC11, "RemoteSystem", o.RemoteSystem, 64)
	x.elsewhere(o)
	x.requests(o)
	model, known := phones[o.DeviceType]
	switch {
	case d != nil:
		model, known = phones[d.Model], true
		if o.DeviceType != "" && o.DeviceType != d.Model {
			x.invalid(rule.SVC2, "DeviceType")
		}
		s.DeviceType, s.Category = d.Model, d.Category
	case o.DeviceType == "" && o.Device == "", o.DeviceType != "" && !known:
		x.invalid(rule.SVC2, "DeviceType")
	}
	l := line{service: s, foreign: o.Foreign, keys: o.Keys}
	if o.Type != "" {
		if st := x.t.serviceType(o.Type); st != nil {
			l.charges = append(l.charges, st.billed(1))
		} else {
			x.refuse(rule.SVC16, pbx.ErrNotFound, typ)
		}
	}
	l.number = x.choose(o.Number, first(sites, func(l *Location) bool { return l != nil }))
	l.charges = append(l.charges, l.number.charges...)
	switch {
	case o.DN != "":
		x.takeDN(dn, o.DN, all(x.t.Users, func(u *User) bool { return u.ID == o.User }), sites...)
	case auto:
		if s.DN = x.ownDN(o.User, sites...); s.DN == "" {
			s.DN = x.fillIn(dn, sites...)
		}
	default:
		x.invalid(needs, dn)
	}
	if known && len(o.Keys) > 0 && o.RemoteSystem == "" {
		x.newKeys(o, s, model, d)
	}
	return l
}

// elsewhere refuses what only the own system of a remote service gives it (SVC-11).
func (x *step) elsewhere(o AddService) {
	if o.RemoteSystem == "" {
		return
	}
	if o.Number.Source != "" {
		x.invalid(rule.SVC11, "Number")
	}
	if o.Device != "" {
		x.invalid(rule.SVC11, "DeviceID")
	}
	if len(o.Foreign) > 0 {
		x.invalid(rule.SVC11, "Foreign")
	}
	if len(o.Keys) > 0 {
		x.invalid(rule.SVC11, "Keys")
	}
}

// addLine adds a service that passed the checks.
func (x *step) addLine(l line) {
	x.t.Services = after(x.t.Services, l.service, func(s *Service) Handle { return s.ID })
	x.did("service.created", l.service.ref(), string(l.service.DN))
	if l.service.Status == pbx.StatusOrderProcessing {
		x.did("service.order-processing", l.service.ref(), l.service.Type)
	}
	x.passOn(l.service)
	x.assign(l.number, l.service)
	for i, f := range l.foreign {
		x.addForeign(f, l.service, pbx.ForeignRequested, []string{"", "b", "c"}[i])
	}
	x.putKeys(l.service.ID, l.keys)
	if len(l.keys) > 0 {
		x.did("service.keys-set", l.service.ref(), "")
	}
}

// ModifyService is the method of that name.
type ModifyService struct {
	Service Handle
	Set     Set
	Stale   bool
}

func (o ModifyService) do(x *step) {
	was := x.service(o.Service)
	if was == nil || !x.editable(was) {
		return
	}
	if o.Stale {
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	s := *was
	o.Set.each(func(field, value string) { setService(&s, field, value) })
	x.kept(rule.SVC2, o.Set, "TenantID", "CreatedAt", "CancelAt")
	x.settled(&s, was)
	x.text(rule.SVC2, "Name", s.Name, 64)
	x.text(rule.OWN8, "LocationKeptBy", s.LocationKeptBy, 64)
	if s.Device != "" && s.Device != was.Device {
		x.newPhone(&s, was)
	} else if s.DeviceType != was.DeviceType {
		x.newDeviceType(&s, was)
		x.keysFit(&s, was, "DeviceType")
	}
	if s.Type != "" && x.t.serviceType(s.Type) == nil {
		x.refuse(rule.SVC16, pbx.ErrNotFound, "Type")
	}
	x.moved(&s, was)
	if len(x.bad) > 0 {
		return
	}
	old := *was
	if s.DN != was.DN {
		x.moveDN(was, s.DN)
	}
	if s.Device != was.Device {
		x.movePhone(was, s.Device)
	}
	*was = s
	x.did("service.modified", was.ref(), "")
	if s.Location != old.Location {
		x.warnOfE911(was)
	}
	if s.Type != old.Type {
		x.typeChanged(&old, was)
	}
}

func setService(s *Service, field, value string) {
	switch field {
	case "Name":
		s.Name = value
	case "DN":
		s.DN = pbx.Extension(value)
	case "Type":
		s.Type = value
	case "DeviceType":
		s.DeviceType = value
	case "LocationID":
		s.Location = Handle(value)
	case "Status":
		s.Status = pbx.ServiceStatus(value)
	case "Category":
		s.Category = pbx.Category(value)
	case "DeviceID":
		s.Device = Handle(value)
	case "LocationKeptBy":
		s.LocationKeptBy = value
	case "RemoteSystem":
		s.RemoteSystem = value
	case "Number":
		s.Number = pbx.E164(value)
	case "Failure":
		s.Failure = value
	case "ActivateLater":
		s.ActivateLater = value == "yes"
	case "TenantID", "CreatedAt", "CancelAt": // see kept
	default:
		panic("model: no field " + field)
	}
}

// settled refuses changes that have operations of their own, and a change of
// nothing.
func (x *step) settled(s, was *Service) {
	for field, same := range map[string]bool{
		"Status": s.Status == was.Status, "Category": s.Category == was.Category,
		"RemoteSystem": s.RemoteSystem == was.RemoteSystem, "Number": s.Number == was.Number,
		"Failure": s.Failure == was.Failure, "ActivateLater": s.ActivateLater == was.ActivateLater,
	} {
		if !same {
			x.invalid(rule.SVC2, field)
		}
	}
}

// newDeviceType lets a device type change within its category (SVC-14).
func (x *step) newDeviceType(s, was *Service) {
	model, known := phones[s.DeviceType]
	switch {
	case !known:
		x.invalid(rule.SVC2, "DeviceType")
	case model.category != was.Category:
		x.refuse(rule.SVC14, pbx.ErrFailedPrecondition, "DeviceType")
	case s.Device != "":
		x.invalid(rule.SVC2, "DeviceType")
	}
}

// newPhone checks the device that a service moves to.
func (x *step) newPhone(s, was *Service) {
	d := x.device("DeviceID", s.Device)
	if d == nil {
		return
	}
	if s.DeviceType != was.DeviceType && s.DeviceType != d.Model {
		x.invalid(rule.SVC2, "DeviceType")
	}
	if s.DeviceType = d.Model; d.Category != was.Category {
		x.refuse(rule.SVC14, pbx.ErrFailedPrecondition, "DeviceID")
	}
	users := x.t.usersOf(s.ID)
	switch {
	case d.User != "" && x.t.association(d.User, s.ID) != nil:
	case d.State == pbx.DeviceAvailable && len(users) > 0:
		x.refuse(rule.DEV2, pbx.ErrFailedPrecondition, "DeviceID")
	case d.State != pbx.DeviceAvailable:
		x.refuse(rule.DEV2, pbx.ErrConflict, "DeviceID")
	}
	x.keysFit(s, was, "DeviceID")
	if first(x.t.keysOf(s.ID), func(k *Key) bool { return x.keyTaken(s, k.Position) }) != nil {
		x.refuse(rule.DEV7, pbx.ErrConflict, "DeviceID")
	}
}

// movePhone takes a service off its device, and puts it on another.
func (x *step) movePhone(s *Service, to Handle) {
	if from := x.t.device(s.Device); from != nil {
		x.takeOff(s, from)
		x.putDown(from, s)
	}
	if d := x.t.device(to); d != nil {
		x.relate("service.phone-set", s.ref(), d.ref(), "")
		if d.State == pbx.DeviceAvailable {
			d.State = pbx.DeviceInService
		}
	}
}

// putDown frees a device that nobody has.
func (x *step) putDown(d *Device, s *Service) {
	if d.State == pbx.DeviceInService {
		d.State = pbx.DeviceAvailable
		x.relate("device.freed", d.ref(), s.ref(), "")
	}
}

// moved checks the new DN and the new location of a service.
func (x *step) moved(s, was *Service) {
	if s.Location != was.Location {
		x.relocatable(was)
	}
	at := x.place("LocationID", s.Location)
	switch {
	case s.DN != was.DN:
		x.takeDN("DN", s.DN, x.t.usersOf(s.ID), append(x.t.homesOf(s.ID), at)...)
	case s.Location != was.Location:
		x.clearOfEmergency("LocationID", s.DN, at)
	}
}

// relocatable refuses to move what another system keeps (OWN-8).
func (x *step) relocatable(s *Service) bool {
	if s.LocationKeptBy != "" {
		x.refuse(rule.OWN8, pbx.ErrFailedPrecondition, "")
		return false
	}
	return true
}

// homesOf are the locations of a service's users.
func (t *Tenant) homesOf(service Handle) []*Location {
	var homes []*Location
	for _, u := range t.usersOf(service) {
		homes = append(homes, t.location(u.Location))
	}
	return homes
}

// moveDN gives a service another DN, and its mailbox with it (VM-3).
func (x *step) moveDN(s *Service, dn pbx.Extension) {
	was := s.DN
	s.DN = dn
	x.passOn(s)
	x.did("service.dn-changed", s.ref(), string(was)+" "+string(dn))
	x.mailboxFollows(s)
}

// typeChanged orders what a change of type costs and saves, and takes what the
// new one does not include.
func (x *step) typeChanged(was, now *Service) {
	var bills []bill
	if from := x.t.serviceType(was.Type); from != nil {
		bills = append(bills, bill{was.Location, []charge{from.billed(-1)}})
	}
	if to := x.t.serviceType(now.Type); to != nil {
		bills = append(bills, bill{now.Location, []charge{to.billed(1)}})
	}
	x.orderEach("", now.billing(x.Now), bills...)
	for _, u := range x.t.usersOf(now.ID) {
		x.trimFor(u, was)
	}
}

// DeleteService is the method of that name.
type DeleteService struct{ Service Handle }

func (o DeleteService) do(x *step) {
	s := x.service(o.Service)
	if s != nil && x.editable(s) {
		x.deleteService(s)
	}
}

// DropRemoteService is the method of that name.
type DropRemoteService struct{ Service Handle }

func (o DropRemoteService) do(x *step) {
	s := x.service(o.Service)
	switch {
	case s == nil:
	case s.RemoteSystem == "":
		x.refuse(rule.SVC11, pbx.ErrFailedPrecondition, "")
	default:
		x.deleteService(s)
	}
}

// deleteService deletes a service, once confirmed, unless it is a primary one.
func (x *step) deleteService(s *Service) {
	users := x.t.usersOf(s.ID)
	if !x.notPrimary(s, users) {
		return
	}
	if len(users) > 1 {
		x.confirm(rule.SVC9, s.ref(), names(users))
	}
	x.confirmForeign(s, x.t.foreignOf(s.ID))
	at := s.Location
	x.order("", at, x.Now, x.dropService(s)...)
}

// notPrimary refuses to delete a service that is the primary one of any of the
// users who has others (SVC-8).
func (x *step) notPrimary(s *Service, users []*User) bool {
	for _, u := range users {
		if a := x.t.association(u.ID, s.ID); a.PrimaryOf != "" && len(x.t.servicesOf(u.ID)) > 1 {
			x.refuse(rule.SVC8, pbx.ErrFailedPrecondition, "")
			return false
		}
	}
	return true
}

// dropService deletes a service and what belongs to it, and returns what is no
// longer billed.
func (x *step) dropService(s *Service) []charge {
	var saved []charge
	if st := x.t.serviceType(s.Type); st != nil && s.billed() {
		saved = append(saved, st.billed(-1))
	}
	x.dropMailbox(s.ID)
	x.putKeys(s.ID, nil)
	x.t.Owners = without(x.t.Owners, func(o *Owner) bool { return o.Service == s.ID })
	x.release(s, pbx.KeepNumber)
	for _, u := range x.t.usersOf(s.ID) {
		x.dissolve(u, s)
	}
	x.orphanForeign(s)
	x.t.Services = without(x.t.Services, func(other *Service) bool { return other.ID == s.ID })
	x.did("service.deleted", s.ref(), string(s.DN))
	if d := x.t.device(s.Device); d != nil {
		x.putDown(d, s)
	}
	return saved
}
