package pbx

import (
	"context"
	"fmt"
	"slices"

	"github.com/pbxkit/pbx/rule"
)

// validatePhone checks the phone and the device type of a changed service, and
// returns the device that it moves to, or nil where it moves to none. The
// device's model is its device type then.
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

// takesLine refuses a device that cannot carry a service that is there: it has to
// be one of the service's users', or available where it has none (DEV-2).
func (t *tx) takesLine(ctx context.Context, s *Service, dev *Device) error {
	users, err := t.othersOf(ctx, s.ID, UserID{})
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(users, func(u *User) bool { return u.ID == dev.UserID }):
		return nil
	case len(users) > 0 && dev.State == DeviceAvailable:
		return &Error{Code: rule.DEV2, Kind: ErrFailedPrecondition, Subject: dev.ref(),
			Reason: fmt.Sprintf("%s is nobody's: assign it to a user of %s first", dev.ref(), s.ref())}
	}
	return t.assignable(ctx, dev, 1)
}

// hasKeys refuses a device without the keys that a service has set (DEV-7).
func (t *tx) hasKeys(ctx context.Context, s *Service, dev *Device) error {
	return t.keysFit(ctx, s, dev.Model)
}

// keysMeet refuses a device on which a key that a service has set is another
// one's, and names that (DEV-7).
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

// movePhone stages that a service is on another device, or, for nil, on none. Its
// device stays whose it is, and is available where that was nobody.
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
	return row, t.carry(ctx, to, nil)
}
