package pbx

import (
	"context"
	"fmt"
	"slices"

	"github.com/pbxkit/pbx/rule"
)

// ModifyService saves a service that was read and then changed: its name, DN, type,
// phone and device type, location, and the system in charge of the location (OWN-8).
// Anything else that was changed is refused, all of it at once.
// A location that another system is in charge of cannot be changed in the same call
// that ends this.
//
//   - A new DN takes the mailbox with it, or ends it (VM-3). A DN that is the extension
//     of one of the service's users passes from the user to the service (EXT-1).
//   - A new type is ordered (ORD-1). The users lose the applications that only the old
//     one included, with a warning (STN-2). The status stays as it is (SVC-17).
//   - A new DeviceID names a device of one of the users or, where there is no user, an
//     available one; zero takes the service off its device. A device that the service
//     leaves stays its user's, or becomes available (DEV-2).
//
// A stale revision is always refused. 0 means that none was seen; it is accepted only
// where nothing that was read is overwritten, so not here (SVC-15).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service (SVC-11);
// ErrStale, with the service as it is now in the StaleError (SVC-15); and all of
// these at once: ErrInvalid for bad fields (SVC-2, EXT-1, EXT-3); ErrConflict for a
// DN that is taken (EXT-2), a device that somebody else has (DEV-2), and a key that
// another service has on the device (DEV-7); ErrNotFound for the type (SVC-16), the
// device and the location; ErrFailedPrecondition for a device that none of the users
// has yet (DEV-2), a phone of another category (SVC-14) or without the keys that are
// set (DEV-7), and a location that another system is in charge of (OWN-8).
func (d *Directory) ModifyService(ctx context.Context, in *Service) (*Service, error) {
	return save(ctx, d, "ModifyService", in, in.prefetchModification, func(t *tx) (*Service, error) {
		was, err := t.service(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := t.editable(was); err != nil {
			return nil, err
		}
		if err := checkRevision(in.Rev, was.Rev, was); err != nil {
			return nil, err
		}
		named, err := t.validateModifiedService(ctx, in, was)
		if err != nil {
			return nil, err
		}
		row, err := t.saveService(ctx, in, was, named.device)
		if err != nil {
			return nil, err
		}
		if in.LocationID != was.LocationID {
			if err := t.warnOfE911(ctx, row); err != nil {
				return nil, err
			}
		}
		if in.Type != was.Type {
			if err := t.typeChanged(ctx, was, row, named.typ); err != nil {
				return nil, err
			}
		}
		return copyOf(row), nil
	})
}

// saveService stages a changed service, which is on the device from now on if that
// is not nil.
func (t *tx) saveService(ctx context.Context, in, was *Service, device *Device) (*Service, error) {
	row := was
	var err error
	if in.DN != was.DN {
		if row, err = t.moveDN(ctx, was, in.DN); err != nil {
			return nil, err
		}
	}
	if in.DeviceID != was.DeviceID {
		if row, err = t.movePhone(ctx, row, device); err != nil {
			return nil, err
		}
	}
	row = edit(t, row, func(s *Service) {
		s.Name, s.Type, s.LocationID, s.LocationKeptBy = in.Name, in.Type, in.LocationID, in.LocationKeptBy
		if device == nil {
			s.DeviceType = in.DeviceType
		}
	})
	t.did("service.modified", row.ref(), "")
	return row, nil
}

// prefetchModification plans what ModifyService reads.
func (s *Service) prefetchModification(p *prefetch) {
	was := p.withMailbox(s.ID)
	was.users().place()
	was.to(serviceTypesTable.Key(), "type")
	was.to(extensionsTable.Key(), "dn")
	was.to(serviceKeysTable.Key(), "id")
	was.to(devicesTable.Key(), "device_id")
	p.device(s.DeviceID).to(usersTable.Key(), "user_id")
	p.get(servicesByDevice, s.DeviceID).to(serviceKeysTable.Key(), "id")
	p.location(s.LocationID)
	p.serviceType(s.Type)
	p.extension(s.DN).to(extensionsByUser, "user_id")
	p.get(mailboxesByNumber, string(s.DN))
}

// modifiedService is what a changed service names.
type modifiedService struct {
	typ    *ServiceType // nil for none
	device *Device      // the one that it moves to, or nil
}

// validateModifiedService checks a changed service, and reads what it names.
func (t *tx) validateModifiedService(ctx context.Context, in, was *Service) (*modifiedService, error) {
	var check validation
	check.text(rule.SVC2, "Name", in.Name, maxName)
	check.text(rule.OWN8, "LocationKeptBy", in.LocationKeptBy, maxName)
	check.kept(rule.SVC2, in, was, "dn name type device_type device_id location_id location_kept_by")
	device, err := t.validatePhone(ctx, in, was, &check)
	if err != nil {
		return nil, err
	}
	typ, err := t.serviceType(ctx, in.Type)
	if err := check.collect(err); err != nil {
		return nil, err
	}
	if err := t.validateMoved(ctx, in, was, &check); err != nil {
		return nil, err
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	return &modifiedService{typ, device}, nil
}

// validateDeviceType checks a changed device type: it has to be a known one of the
// same category (SVC-14), and cannot differ from the device's, if there is a device.
func (t *tx) validateDeviceType(in, was *Service, check *validation) {
	model, known := t.core.models[in.DeviceType]
	switch {
	case !known:
		check.refuse(rule.SVC2, "DeviceType", "not a known model of phone")
	case model.Category != was.Category:
		check.refusals = append(check.refusals, was.otherCategory("DeviceType", model.Category))
	case !in.DeviceID.IsZero():
		check.refuse(rule.SVC2, "DeviceType", "the service is on a device, which is a %s", was.DeviceType)
	}
}

// validateMoved checks the DN and the location of a changed service. They are
// checked together, because a DN must not get in the way of the emergency numbers of
// any of its places (EXT-3).
func (t *tx) validateMoved(ctx context.Context, in, was *Service, check *validation) error {
	relocated := in.LocationID != was.LocationID
	if relocated {
		if err := check.collect(was.relocatable()); err != nil {
			return err
		}
	}
	at, err := t.location(ctx, in.LocationID)
	if err := check.collect(err); err != nil {
		return err
	}
	switch {
	case in.DN != was.DN:
		homes, err := t.homesOf(ctx, was.ID)
		if err != nil {
			return err
		}
		users, err := t.othersOf(ctx, was.ID, UserID{})
		if err != nil {
			return err
		}
		_, err = t.takeDN(ctx, "DN", in.DN, users, append(homes, at)...)
		return check.collect(err)
	case relocated:
		return check.collect(t.clearOfEmergency("LocationID", in.DN, at))
	}
	return nil
}

// homesOf reads the locations of a service's users: its DN must not get in the way
// of the emergency numbers there either (EXT-3).
func (t *tx) homesOf(ctx context.Context, service ServiceID) ([]*Location, error) {
	users, err := t.othersOf(ctx, service, UserID{})
	if err != nil {
		return nil, err
	}
	var homes []*Location
	for _, u := range users {
		home, err := t.location(ctx, u.LocationID)
		if err != nil {
			return nil, err
		}
		homes = append(homes, home)
	}
	return homes, nil
}

// moveDN stages a new DN of a service, which takeDN has checked. The old one leaves
// the dial plan; the new one enters it, or passes to the service from a user; and the
// mailbox follows or ends (VM-3).
func (t *tx) moveDN(ctx context.Context, s *Service, dn Extension) (*Service, error) {
	entry, err := t.extension(ctx, s.DN)
	if err != nil {
		return nil, err
	}
	passes, err := one[*DialEntry](ctx, t, extensionsTable.Key(), t.tenantID, string(dn))
	if err != nil {
		return nil, err
	}
	t.leaveDialPlan(entry)
	row := edit(t, s, func(s *Service) { s.DN = dn })
	if err := t.enterDN(ctx, row, passes); err != nil {
		return nil, err
	}
	t.did("service.dn-changed", row.ref(), string(s.DN)+" "+string(dn))
	if err := t.mailboxFollows(ctx, s, row); err != nil {
		return nil, err
	}
	return row, nil
}

// typeChanged orders a change from a service's type to another, and takes from its
// users the applications that the new one does not include.
func (t *tx) typeChanged(ctx context.Context, was, now *Service, to *ServiceType) error {
	from, err := t.serviceType(ctx, was.Type)
	if err != nil {
		return err
	}
	var bills []bill
	if from != nil {
		bills = append(bills, bill{was.LocationID, []charge{{from.Code, from.Name, -1, from.Monthly, 0}}})
	}
	if to != nil {
		bills = append(bills, bill{now.LocationID, []charge{{to.Code, to.Name, 1, to.Monthly, to.OneTime}}})
	}
	t.placeOrders(UserID{}, now.billing(t.now), bills...)
	if err := t.prefetch(ctx, func(p *prefetch) { p.service(now.ID).users().entitled() }); err != nil {
		return err
	}
	users, err := t.othersOf(ctx, now.ID, UserID{})
	if err != nil {
		return err
	}
	for _, u := range users {
		if err := t.trimApplications(ctx, u, was); err != nil {
			return err
		}
	}
	return nil
}

// validatePhone checks the device and the device type of a changed service, and
// returns the device that it moves to, or nil. Its model becomes the device type.
func (t *tx) validatePhone(ctx context.Context, in, was *Service, check *validation) (*Device, error) {
	if in.DeviceID == was.DeviceID || in.DeviceID.IsZero() {
		if in.DeviceType == was.DeviceType {
			return nil, nil
		}
		t.validateDeviceType(in, was, check)
		return nil, check.collect(t.keysFit(ctx, was, in.DeviceType))
	}
	to, err := t.device(ctx, in.DeviceID)
	if err != nil {
		return nil, check.collectAs("DeviceID", err)
	}
	if in.DeviceType != was.DeviceType && in.DeviceType != to.Model {
		check.refuse(rule.SVC2, "DeviceType", "the device is a %s", to.Model)
	}
	if to.Category != was.Category {
		check.refusals = append(check.refusals, was.otherCategory("DeviceID", to.Category))
	}
	for _, fits := range []func(context.Context, *Service, *Device) error{t.takesLine, t.hasKeys, t.keysMeet} {
		if err := check.collectAs("DeviceID", fits(ctx, was, to)); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// otherCategory refuses a phone of another category (SVC-14).
func (s *Service) otherCategory(field string, to Category) *Error {
	return &Error{Code: rule.SVC14, Kind: ErrFailedPrecondition, Field: field, Subject: s.ref(),
		Reason: "a " + string(s.Category) + " phone cannot become a " + string(to) + " one"}
}

// takesLine refuses a device that an existing service cannot move to: it has to be
// a device of one of the service's users or, where there is none, available (DEV-2).
func (t *tx) takesLine(ctx context.Context, s *Service, dev *Device) error {
	users, err := t.othersOf(ctx, s.ID, UserID{})
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(users, func(u *User) bool { return u.ID == dev.UserID }):
		return nil
	case len(users) > 0 && dev.State == DeviceAvailable:
		return &Error{Code: rule.DEV2, Kind: ErrFailedPrecondition, Subject: dev.ref(),
			Reason: fmt.Sprintf("%s is not assigned: assign it to a user of %s first", dev.ref(), s.ref())}
	}
	return t.assignable(ctx, dev, 1)
}

// hasKeys refuses a device whose model lacks keys that a service has set (DEV-7).
func (t *tx) hasKeys(ctx context.Context, s *Service, dev *Device) error {
	return t.keysFit(ctx, s, dev.Model)
}

// keysMeet refuses a device on which another service has a key that this service
// has set too, and names the other (DEV-7).
func (t *tx) keysMeet(ctx context.Context, s *Service, dev *Device) error {
	keys, err := t.keysOf(ctx, s.ID)
	if err != nil || len(keys) == 0 {
		return err
	}
	taken, err := t.keysBeside(ctx, &Service{ID: s.ID, DeviceID: dev.ID})
	if err != nil {
		return err
	}
	for _, k := range keys {
		if holder, is := taken[k.Position]; is {
			return &Error{Code: rule.DEV7, Kind: ErrConflict, Subject: s.ref(), Holder: holder.ref(),
				Reason: fmt.Sprintf("key %d of %s is one of %s: clear one of the two first", k.Position, dev.ref(), holder.ref())}
		}
	}
	return nil
}

// movePhone stages that a service moves to another device, or, for nil, is on none.
// The device that it leaves stays its user's, or becomes available.
func (t *tx) movePhone(ctx context.Context, s *Service, to *Device) (*Service, error) {
	row := s
	if !s.DeviceID.IsZero() {
		from, err := t.device(ctx, s.DeviceID)
		if err != nil {
			return nil, err
		}
		row = t.takeOff(s, from)
		if err := t.putDown(ctx, s); err != nil {
			return nil, err
		}
	}
	if to == nil {
		return row, nil
	}
	row = edit(t, row, func(s *Service) { s.DeviceID, s.DeviceType = to.ID, to.Model })
	t.relate("service.phone-set", row.ref(), to.ref(), "")
	if err := t.carry(ctx, to, nil); err != nil {
		return nil, err
	}
	return row, nil
}
