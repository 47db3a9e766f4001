package pbx

import (
	"context"
	"slices"
	"time"

	"github.com/pbxkit/pbx/rule"
)

// NewService is the input of [Directory.AddService]. A DN and a device type are
// required (SVC-2), except that the DN is chosen automatically if a service type is
// given (EXT-5). A DN that is an extension of the user passes from the user to the
// service.
type NewService struct {
	UserID     UserID // who gets it, or zero
	DN         Extension
	DeviceType string   // a known model; may be "" with a DeviceID, whose model it is then
	DeviceID   DeviceID // the device of the inventory that it is on, or zero

	// All that follows is optional.
	Name           string // up to 64 characters
	Type           string // a code of the tenant's catalogue
	Number         NumberChoice
	LocationID     LocationID   // zero: the user's
	LocationKeptBy string       // the self-service system in charge of its location (OWN-8)
	RemoteSystem   string       // the other system that hosts it, with its number and phone (SVC-11)
	ActivateLater  bool         // begins as pending activation and is not billed yet; implied by a user who is not active
	Foreign        []NewForeign // what other systems are asked to provide on it (SVC-18)
	Keys           []PhoneKey   // the programmable keys of its phone (DEV-7)
	Applications   []string     // enabled for the user, besides those that they have (STN-2)
}

// AddService adds a phone service, and gives it to a user if one is named, together
// with the applications that come with it (SVC-2). What it costs is ordered (ORD-1),
// and foreign services are requested from their systems (SVC-18). [ServiceStatus] says
// in which status it begins.
//
// Errors: ErrNotFound for the user; ErrExhausted for the user's ninth service (SVC-3);
// and all of these at once: ErrInvalid for bad fields (SVC-2, EXT-1, EXT-3, DEV-7), for
// applications that neither the user's station nor a type includes (STN-2), for bad
// foreign services (SVC-13), and for a number, a device, keys or foreign services of a
// remote service (SVC-11); ErrConflict for a DN, number, device or key of the device
// that is taken (EXT-2, NUM-2, DEV-2, DEV-7); ErrNotFound for anything else that is
// named; ErrExhausted for extensions (EXT-5) and numbers (NUM-3, NUM-4); ErrDenied for
// a new number in a country that gets none (NUM-6); ErrFailedPrecondition for a foreign
// service that needs an email address which the user does not have (USR-14).
func (d *Directory) AddService(ctx context.Context, in NewService) (*Service, error) {
	return change(ctx, d, "AddService", in.prefetch, func(t *tx) (*Service, error) {
		line := newLine{in: in, autoDN: in.Type != "", needsDN: rule.SVC2}
		if err := t.validateTaker(ctx, &line); err != nil {
			return nil, err
		}
		var check validation
		if err := t.validateLocation(ctx, &line, &check); err != nil {
			return nil, err
		}
		if err := t.validateLine(ctx, &line, &check); err != nil {
			return nil, err
		}
		check.refusals = append(check.refusals, line.unmet()...)
		enabled, err := t.validateEnabled(ctx, &line, &check)
		if err != nil {
			return nil, err
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		if line.device != nil {
			if err := t.carry(ctx, line.device, line.slot.user); err != nil {
				return nil, err
			}
		}
		s, err := t.addLine(ctx, &line)
		if err != nil {
			return nil, err
		}
		switch {
		case line.slot.user != nil:
			t.associate(line.slot, s)
		case line.device != nil:
			t.relate("device.put-in-service", line.device.ref(), s.ref(), "")
		}
		if enabled != nil {
			t.Update(line.slot.user, enabled)
			t.did("user.modified", enabled.ref(), "")
		}
		t.placeOrder(in.UserID, s.LocationID, s.ActivatedAt, line.charges...)
		return copyOf(s), nil
	})
}

// prefetch plans what AddService reads.
func (in *NewService) prefetch(p *prefetch) {
	taker := p.user(in.UserID)
	taker.place()
	if len(in.Applications) > 0 {
		taker.entitled()
	}
	p.get(associationsTable.Key(), in.UserID)
	p.get(devicesByPrimary, in.UserID)
	p.location(in.LocationID)
	p.device(in.DeviceID)
	p.serviceType(in.Type)
	p.number(in.Number.Number)
	p.extension(in.DN).to(extensionsByUser, "user_id")
	if in.DN == "" {
		p.get(extensionsByMain, in.UserID).to(extensionsByUser, "user_id")
	}
	if len(in.Keys) > 0 {
		p.get(servicesByDevice, in.DeviceID).to(serviceKeysTable.Key(), "id")
		p.keyTargets(in.Keys)
	}
}

// newLine is a service that is about to be added: its input, and the records that the
// input names.
type newLine struct {
	in      NewService
	slot    slot        // of the user who gets it, if there is one
	at      *Location   // where the service is
	near    *Location   // where new numbers have to be near: the user's location, or the service's
	sites   []*Location // of the service and its user
	device  *Device     // that it is on, or nil
	passes  *DialEntry  // the user's own extension that becomes its DN, or nil
	autoDN  bool        // a DN that is missing is chosen automatically
	needsDN rule.Code   // the rule that requires a DN where autoDN is false
	read    bool        // what choosing its number and DN reads was read ahead
	typ     *ServiceType
	number  chosenNumber
	model   DeviceModel
	charges []charge
}

// validateTaker reads the user who gets a new service, and fills in from them what the
// input leaves out.
func (t *tx) validateTaker(ctx context.Context, l *newLine) error {
	if l.in.UserID.IsZero() {
		return nil
	}
	u, err := t.user(ctx, l.in.UserID)
	if err != nil {
		return err
	}
	if l.slot, err = t.slotFor(ctx, u, nil); err != nil {
		return err
	}
	if l.in.LocationID.IsZero() {
		l.in.LocationID = u.LocationID
	}
	l.in.ActivateLater = l.in.ActivateLater || u.State != UserActive
	home, err := t.location(ctx, u.LocationID)
	l.near, l.sites = home, append(l.sites, home)
	return err
}

// validateLocation reads the location of a new service, and the device that it is on.
func (t *tx) validateLocation(ctx context.Context, l *newLine, check *validation) error {
	at, err := t.location(ctx, l.in.LocationID)
	if err := check.collect(err); err != nil {
		return err
	}
	l.at, l.sites = at, append(l.sites, at)
	if l.near == nil {
		l.near = at
	}
	if l.in.DeviceID.IsZero() {
		return nil
	}
	device, err := t.device(ctx, l.in.DeviceID)
	if err == nil {
		l.device = device
		err = t.validateCarrier(ctx, device, l.in.UserID)
	}
	return check.collectAs("DeviceID", err)
}

// validateLine checks a new service, after validateLocation, and fills in what the
// input leaves out.
func (t *tx) validateLine(ctx context.Context, l *newLine, check *validation) error {
	check.text(rule.SVC2, "Name", l.in.Name, maxName)
	check.text(rule.OWN8, "LocationKeptBy", l.in.LocationKeptBy, maxName)
	check.text(rule.SVC11, "RemoteSystem", l.in.RemoteSystem, maxName)
	l.validateRemote(check)
	l.validateRequests(check)
	t.validateModel(l, check)
	var err error
	l.typ, err = t.serviceType(ctx, l.in.Type)
	if err := check.collect(err); err != nil {
		return err
	}
	if !l.read {
		if err := t.prefetchChoices(ctx, l.in.Number, l.near, l.in.DN == "" && l.autoDN); err != nil {
			return err
		}
	}
	l.number, err = t.chooseNumber(ctx, l.in.Number, l.near)
	if err := check.collect(err); err != nil {
		return err
	}
	if l.typ != nil {
		l.charges = append(l.charges, charge{l.typ.Code, l.typ.Name, 1, l.typ.Monthly, l.typ.OneTime})
	}
	l.charges = append(l.charges, l.number.charges...)
	if err := t.validateDN(ctx, l, check); err != nil {
		return err
	}
	return t.validateNewKeys(ctx, l, check)
}

// validateRemote refuses what a remote service can only have in its own system
// (SVC-11): it could be neither changed nor removed here.
func (l *newLine) validateRemote(check *validation) {
	if l.in.RemoteSystem == "" {
		return
	}
	for _, part := range []struct {
		field string
		given bool
	}{
		{"Number", l.in.Number.Source != ""}, {"DeviceID", !l.in.DeviceID.IsZero()}, {"Foreign", len(l.in.Foreign) > 0}, {"Keys", len(l.in.Keys) > 0},
	} {
		if part.given {
			check.refuse(rule.SVC11, part.field, "a remote service can have this only in its own system")
		}
	}
}

// validateModel finds and checks the model of a new service's phone.
func (t *tx) validateModel(l *newLine, check *validation) {
	if d := l.device; d != nil {
		if l.in.DeviceType != "" && l.in.DeviceType != d.Model {
			check.refuse(rule.SVC2, "DeviceType", "the device is a %s", d.Model)
		}
		l.model = DeviceModel{Name: d.Model, Category: d.Category, Keys: t.core.models[d.Model].Keys}
		return
	}
	model, known := t.core.models[l.in.DeviceType]
	switch {
	case l.in.DeviceType == "" && l.in.DeviceID.IsZero():
		check.refuse(rule.SVC2, "DeviceType", "is missing")
	case l.in.DeviceType != "" && !known:
		check.refuse(rule.SVC2, "DeviceType", "not a known model of phone")
	}
	l.model = model
}

// validateDN checks the DN of a new service, or chooses one.
func (t *tx) validateDN(ctx context.Context, l *newLine, check *validation) error {
	switch {
	case l.in.DN != "":
		var users []*User
		if l.slot.user != nil {
			users = append(users, l.slot.user)
		}
		var err error
		l.passes, err = t.takeDN(ctx, "DN", l.in.DN, users, l.sites...)
		return check.collect(err)
	case l.autoDN:
		return t.fillDN(ctx, l, check)
	}
	check.refuse(l.needsDN, "DN", "is missing")
	return nil
}

// fillDN chooses the DN of a new service (EXT-5): for the first service of a user the
// user's own main extension, else the lowest free one.
func (t *tx) fillDN(ctx context.Context, l *newLine, check *validation) error {
	own, err := t.ownDN(ctx, l.slot, l.sites...)
	if err != nil {
		return err
	}
	if own != nil {
		l.passes, l.in.DN = own, own.Digits
		return nil
	}
	next, err := t.nextExtension(ctx, l.sites...)
	if err != nil {
		return check.collectAs("DN", err)
	}
	l.in.DN = next
	return nil
}

// validateNewKeys checks the keys of a new service, unless its model was refused.
func (t *tx) validateNewKeys(ctx context.Context, l *newLine, check *validation) error {
	if len(l.in.Keys) == 0 || l.model.Name == "" || l.in.RemoteSystem != "" {
		return nil
	}
	s := Service{DN: l.in.DN}
	if l.device != nil && l.device.State != DeviceAvailable { // other services may be on it
		s.DeviceID = l.device.ID
	}
	return t.validateKeys(ctx, l.in.Keys, l.model, &s, check)
}

// validateEnabled checks the applications that a new service comes with (STN-2), and
// returns the user's row with these added, or nil if there are none.
func (t *tx) validateEnabled(ctx context.Context, l *newLine, check *validation) (*User, error) {
	u := l.slot.user
	switch {
	case len(l.in.Applications) == 0:
		return nil, nil
	case u == nil:
		check.refuse(rule.STN2, "Applications", "applications are enabled for a user, and the service is added without one")
		return nil, nil
	}
	added := slices.DeleteFunc(slices.Clone(l.in.Applications), func(a string) bool { return slices.Contains(u.Applications, a) })
	row := copyOf(u)
	row.Applications = append(row.Applications, added...)
	check.codes(rule.STN2, "Applications", row.Applications)
	pool, types, err := t.includes(ctx, u)
	if err != nil {
		return nil, err
	}
	if (l.in.Type == "") == (l.typ == nil) { // an unknown type was refused already
		check.included(added, pool, append(types, l.typ)...)
	}
	return row, nil
}

// addLine stages a service that validateLine has checked, with its entry in the dial
// plan, its number, its foreign services and its keys.
func (t *tx) addLine(ctx context.Context, l *newLine) (*Service, error) {
	s := &Service{
		TenantID: t.tenantID, ID: t.newID(), DN: l.in.DN, Name: l.in.Name, Type: l.in.Type,
		DeviceType: l.model.Name, Category: l.model.Category, DeviceID: l.in.DeviceID,
		LocationID: l.in.LocationID, LocationKeptBy: l.in.LocationKeptBy, RemoteSystem: l.in.RemoteSystem,
		Number: l.number.e164(), CreatedAt: t.now,
	}
	l.begin(s, t.now)
	t.Insert(s)
	t.did("service.created", s.ref(), string(s.DN))
	if s.Status == StatusOrderProcessing {
		t.did("service.order-processing", s.ref(), s.Type)
	}
	if err := t.enterDN(ctx, s, l.passes); err != nil {
		return nil, err
	}
	t.assignNumber(&l.number, s)
	for i := range l.in.Foreign {
		t.stageForeign(s, &l.in.Foreign[i], ForeignRequested)
	}
	for _, k := range l.in.Keys {
		t.Insert(&ServiceKey{TenantID: t.tenantID, ServiceID: s.ID, PhoneKey: k})
	}
	if len(l.in.Keys) > 0 {
		t.did("service.keys-set", s.ref(), "")
	}
	return s, nil
}

// begin sets the first status of a new service (SVC-17), and starts its billing unless
// it is activated later.
func (l *newLine) begin(s *Service, now time.Time) {
	s.Status = StatusActive
	switch {
	case s.RemoteSystem != "":
		s.Status = StatusNone
	case l.typ != nil && l.typ.Fulfilment:
		s.Status, s.ActivateLater = StatusOrderProcessing, l.in.ActivateLater
	case l.in.ActivateLater:
		s.Status = StatusPendingActivation
	}
	if s.Status != StatusOrderProcessing && !l.in.ActivateLater {
		s.ActivatedAt = now
	}
}
