package pbx

import (
	"context"

	"github.com/pbxkit/pbx/rule"
)

// NumberChange is the input of [Directory.ChangeNumber].
type NumberChange struct {
	// ServiceID is one of the user's services; zero is the primary one.
	ServiceID ServiceID
	// KeepCurrent keeps the number, to change only the extension. Number has to be zero
	// then, and UpdateExtension set (NUM-8).
	KeepCurrent bool
	// Number replaces the present number. The zero value unassigns it without a
	// replacement (NUM-8).
	Number NumberChoice
	// Previous says what happens to the present number. It is required if there is one
	// (NUM-10), unless KeepCurrent is set or the number is on loan.
	Previous Disposal
	// UpdateExtension changes the extension too: to Extension or, if that is "", to the
	// next free one. Extension is refused without it (NUM-9).
	UpdateExtension bool
	Extension       Extension
}

// ChangeNumber changes the number of a user's service, its extension, or both, for a
// service that has a type (NUM-7 to NUM-10). A number that is still being ported in comes
// with a temporary one (NUM-3). New and temporary numbers are near the user's location
// or, without one, near the service's (NUM-4). What it costs or saves is ordered (ORD-1);
// a number that was never billed saves nothing. It warns of the owners of a line that is
// left without a number (OWN-3).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a user without a service that has a
// type (NUM-7), and for a remote service (SVC-11); and all of these at once: ErrInvalid
// for a Previous that is missing or unknown (NUM-10), for a change of nothing (NUM-8), and
// for an Extension without UpdateExtension (NUM-9); and the errors of choosing a number
// and an extension (NUM-2 to NUM-6, EXT-1 to EXT-5).
func (d *Directory) ChangeNumber(ctx context.Context, user UserID, in NumberChange) (*Service, error) {
	return change(ctx, d, "ChangeNumber", in.prefetchPlan(user), func(t *tx) (*Service, error) {
		u, err := t.user(ctx, user)
		if err != nil {
			return nil, err
		}
		s, err := t.profile(ctx, u, in.ServiceID)
		if err != nil {
			return nil, err
		}
		if err := t.editable(s); err != nil {
			return nil, err
		}
		to, err := t.validateNumberChange(ctx, u, s, in)
		if err != nil {
			return nil, err
		}
		if !in.KeepCurrent {
			if s, err = t.replaceNumber(ctx, u, s, in.Previous, to); err != nil {
				return nil, err
			}
		}
		if to.dn != "" {
			if s, err = t.moveDN(ctx, s, to.dn); err != nil {
				return nil, err
			}
		}
		return copyOf(s), nil
	})
}

// prefetchPlan plans what ChangeNumber reads.
func (in *NumberChange) prefetchPlan(user UserID) prefetchPlan {
	return func(p *prefetch) {
		s := p.service(in.ServiceID)
		if in.ServiceID.IsZero() {
			s = p.get(associationsByPrimary, user).to(servicesTable.Key(), "service_id")
		}
		p.user(user).place()
		p.get(associationsTable.Key(), user, in.ServiceID)
		s.place()
		s.numbered()
		s.users().place()
		s.to(extensionsTable.Key(), "dn")
		s.to(mailboxesTable.Key(), "id")
		s.to(ownersTable.Key(), "id")
		p.number(in.Number.Number)
		p.extension(in.Extension).to(extensionsByUser, "user_id")
		p.get(mailboxesByNumber, string(in.Extension))
	}
}

// profile reads the service of a user whose number changes: the named one or, for zero,
// the primary one. It has to have a type (NUM-7).
func (t *tx) profile(ctx context.Context, u *User, id ServiceID) (*Service, error) {
	var s *Service
	if id.IsZero() {
		primary, err := t.primaryOf(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		s = primary
	} else {
		pair, err := t.pairingOf(ctx, u.ID, id)
		if err != nil {
			return nil, err
		}
		s = pair.service
	}
	if s == nil || s.Type == "" {
		return nil, &Error{Code: rule.NUM7, Kind: ErrFailedPrecondition, Subject: u.ref(),
			Reason: u.ref().String() + " has no profile: number and extension change only with a phone service type"}
	}
	return s, nil
}

// presence reads the location that new numbers have to be near (NUM-4): the user's, who
// may have moved since the service was added, or else at, where the service is.
func (t *tx) presence(ctx context.Context, u *User, at *Location) (*Location, error) {
	if u.LocationID.IsZero() {
		return at, nil
	}
	return t.location(ctx, u.LocationID)
}

// changedNumber is the result of checking a change of a number.
type changedNumber struct {
	had    *Number // the present number, or nil
	number chosenNumber
	dn     Extension // the new one, or "" if it stays
}

// validateNumberChange checks a change of a service's number, and chooses the number and
// the extension. Input that would have no effect is refused too.
func (t *tx) validateNumberChange(ctx context.Context, u *User, s *Service, in NumberChange) (*changedNumber, error) {
	at, err := t.location(ctx, s.LocationID)
	if err != nil {
		return nil, err
	}
	near, err := t.presence(ctx, u, at)
	if err != nil {
		return nil, err
	}
	if err := t.prefetchChoices(ctx, in.Number, near, in.UpdateExtension && in.Extension == ""); err != nil {
		return nil, err
	}
	var check validation
	to := &changedNumber{}
	if err := t.validateNewNumber(ctx, &check, to, s, in, near); err != nil {
		return nil, err
	}
	if err := t.validateNewExtension(ctx, &check, to, s, in, at); err != nil {
		return nil, err
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	return to, nil
}

// validateNewNumber checks what replaces a service's number, and what happens to the
// present one.
func (t *tx) validateNewNumber(ctx context.Context, check *validation, to *changedNumber, s *Service, in NumberChange, near *Location) (err error) {
	if to.had, err = t.heldNumber(ctx, s); err != nil {
		return err
	}
	known := in.Previous == KeepNumber || in.Previous == ReturnNumber
	switch {
	case !in.KeepCurrent && to.had != nil && !to.had.Loan && !known:
		check.refuse(rule.NUM10, "Previous", "choose whether the previous number %s is kept or returned", to.had.E164)
	case in.Previous != "" && !known:
		check.refuse(rule.NUM10, "Previous", "neither keep nor return")
	}
	switch {
	case in.KeepCurrent && in.Number != (NumberChoice{}):
		check.refuse(rule.NUM8, "Number", "cannot be given together with KeepCurrent")
	case in.KeepCurrent && !in.UpdateExtension:
		check.refuse(rule.NUM8, "KeepCurrent", "nothing would change: the number is kept and the extension is not updated")
	case in.KeepCurrent:
	case to.had == nil && in.Number == (NumberChoice{}):
		check.refuse(rule.NUM8, "Number", "there is no number to unassign")
	default:
		to.number, err = t.chooseNumber(ctx, in.Number, near)
		return check.collect(err)
	}
	return nil
}

// validateNewExtension checks the new DN of a service, or chooses the next free one
// (NUM-9).
func (t *tx) validateNewExtension(ctx context.Context, check *validation, to *changedNumber, s *Service, in NumberChange, at *Location) error {
	if !in.UpdateExtension {
		if in.Extension != "" {
			check.refuse(rule.NUM9, "Extension", "set UpdateExtension to change the extension")
		}
		return nil
	}
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil {
		return err
	}
	sites, err := t.homesOf(ctx, s.ID)
	if err != nil {
		return err
	}
	sites = append(sites, at)
	if to.dn = in.Extension; to.dn == "" {
		to.dn, err = t.nextExtension(ctx, sites...)
	} else {
		_, err = t.takeDN(ctx, "Extension", to.dn, users, sites...)
	}
	return check.collect(err)
}

// replaceNumber stages the new number of a service, and what happens to the previous one.
func (t *tx) replaceNumber(ctx context.Context, u *User, s *Service, previous Disposal, to *changedNumber) (*Service, error) {
	if err := t.releaseNumbers(ctx, s, previous); err != nil {
		return nil, err
	}
	now := edit(t, s, func(s *Service) { s.Number = to.number.e164() })
	if err := t.warnOfOwners(ctx, now); err != nil {
		return nil, err
	}
	t.assignNumber(&to.number, now)
	var saved charge
	if to.had != nil && !to.had.Loan && previous == ReturnNumber {
		saved = to.had.saved()
	}
	if !s.billed() { // the saving starts now, although the billing of the service does not
		t.placeOrder(u.ID, s.LocationID, t.now, saved)
		saved = charge{}
	}
	t.placeOrder(u.ID, s.LocationID, s.billing(t.now), append(to.number.charges, saved)...)
	t.did("service.number-changed", now.ref(), string(s.Number)+" "+string(now.Number))
	return now, nil
}

// warnOfOwners warns of the owners of a line that has no number any more: the number is
// needed to read its management record (OWN-1).
func (t *tx) warnOfOwners(ctx context.Context, s *Service) error {
	if s.Number != "" {
		return nil
	}
	owners, err := t.ownersOf(ctx, s.ID)
	if err == nil && len(owners) > 0 {
		t.warn(rule.OWN3, s.ref(), "the owners of %s stay, and can be neither seen nor changed until it has a number again", s.ref())
	}
	return err
}
