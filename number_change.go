package pbx

import (
	"context"

	"github.com/pbxkit/pbx/rule"
)

// NumberChange is a change of a user's number, extension or both.
type NumberChange struct {
	// ServiceID is which of the user's services; zero is the primary one.
	ServiceID ServiceID
	// KeepCurrent leaves the number as it is, to change the extension alone.
	// Number is then left at zero, and UpdateExtension set (NUM-8).
	KeepCurrent bool
	// Number is what comes in place of the present number; the zero value
	// unassigns it without replacement (NUM-8).
	Number NumberChoice
	// Previous has to be chosen where the service has a number (NUM-10).
	Previous Disposal
	// UpdateExtension gives a new extension too: Extension, or where that is
	// empty the next free one. Without it Extension is refused (NUM-9).
	UpdateExtension bool
	Extension       Extension
}

// ChangeNumber changes the number, and if wanted the extension, of a user who
// has a service with a type (NUM-7 to NUM-10). A porting-in number comes with a
// temporary one (NUM-3). New and temporary numbers are near the user's present
// location, or where he has none near the service's (NUM-4). What it costs or saves
// is ordered (ORD-1); a number that never was billed saves nothing. The owners of a
// line that is left without a number are warned of (OWN-3).
//
// Errors: ErrNotFound; ErrFailedPrecondition without a profile (NUM-7), or for a
// remote service (SVC-11); ErrInvalid, all at once, when the previous number's
// fate was not chosen or is none (NUM-10), when nothing would change (NUM-8),
// and for an extension that is not to be updated (NUM-9); and those of choosing
// a number and an extension (NUM-2 to NUM-6, EXT-1 to EXT-5).
func (d *Directory) ChangeNumber(ctx context.Context, user UserID, in NumberChange) (*Service, error) {
	var out *Service
	err := d.change(ctx, "ChangeNumber", in.prefetchPlan(user), func(t *tx) error {
		u, err := t.user(ctx, user)
		if err != nil {
			return err
		}
		s, err := t.profile(ctx, u, in.ServiceID)
		if err != nil {
			return err
		}
		if err := t.editable(s); err != nil {
			return err
		}
		to, err := t.validateNumberChange(ctx, u, s, in)
		if err != nil {
			return err
		}
		if !in.KeepCurrent {
			if s, err = t.replaceNumber(ctx, u, s, in.Previous, &to); err != nil {
				return err
			}
		}
		if to.dn != "" {
			if s, err = t.moveDN(ctx, s, to.dn); err != nil {
				return err
			}
		}
		out = copyOf(s)
		return nil
	})
	return out, err
}

// prefetchPlan is what a change of a user's number reads.
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

// profile finds the service of a user whose number is to change (NUM-7).
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

// presence is where a user is now, who may have moved since his service was added:
// new numbers are near there (NUM-4). Who is nowhere is where his service is.
func (t *tx) presence(ctx context.Context, u *User, at *Location) (*Location, error) {
	if u.LocationID.IsZero() {
		return at, nil
	}
	return t.location(ctx, u.LocationID)
}

// changedNumber is what a change of a number comes to.
type changedNumber struct {
	had    *Number // the present number, or nil
	number chosenNumber
	dn     Extension // the new one, or "" where it stays
}

// validateNumberChange checks a change of a service's number, and finds what it comes
// to. What would be passed over is refused, and all that is wrong at once.
func (t *tx) validateNumberChange(ctx context.Context, u *User, s *Service, in NumberChange) (to changedNumber, err error) {
	at, err := t.location(ctx, s.LocationID)
	if err != nil {
		return to, err
	}
	near, err := t.presence(ctx, u, at)
	if err != nil {
		return to, err
	}
	if err := t.prefetchChoices(ctx, in.Number, near, in.UpdateExtension && in.Extension == ""); err != nil {
		return to, err
	}
	var check validation
	if err := t.validateNewNumber(ctx, &check, &to, s, in, near); err != nil {
		return to, err
	}
	if err := t.validateNewExtension(ctx, &check, &to, s, in, at); err != nil {
		return to, err
	}
	return to, check.err()
}

// validateNewNumber checks what comes in the place of a service's number, and what
// becomes of that one.
func (t *tx) validateNewNumber(ctx context.Context, check *validation, to *changedNumber, s *Service, in NumberChange, near *Location) (err error) {
	if to.had, err = t.heldNumber(ctx, s); err != nil {
		return err
	}
	known := in.Previous == KeepNumber || in.Previous == ReturnNumber
	switch {
	case !in.KeepCurrent && to.had != nil && !to.had.Loan && !known:
		check.refuse(rule.NUM10, "Previous", "choose whether the previous number %s is kept or returned", to.had.E164)
	case in.Previous != "" && !known:
		check.refuse(rule.NUM10, "Previous", "neither kept nor returned")
	}
	switch {
	case in.KeepCurrent && in.Number != (NumberChoice{}):
		check.refuse(rule.NUM8, "Number", "either keep the current number or choose another one")
	case in.KeepCurrent && !in.UpdateExtension:
		check.refuse(rule.NUM8, "KeepCurrent", "there is nothing to change where the number is kept and the extension not updated")
	case in.KeepCurrent:
	case to.had == nil && in.Number == (NumberChoice{}):
		check.refuse(rule.NUM8, "Number", "there is no number to unassign")
	default:
		to.number, err = t.chooseNumber(ctx, in.Number, near)
		return check.collect(err)
	}
	return nil
}

// validateNewExtension checks the named DN of a service, or finds the next free one
// (NUM-9).
func (t *tx) validateNewExtension(ctx context.Context, check *validation, to *changedNumber, s *Service, in NumberChange, at *Location) error {
	if !in.UpdateExtension {
		if in.Extension != "" {
			check.refuse(rule.NUM9, "Extension", "say that the extension is to be updated too")
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

// replaceNumber stages the number that a service gets, and what becomes of the
// previous one.
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
	if !s.billed() { // what is saved is so from now on, whenever the service is activated
		t.placeOrder(u.ID, s.LocationID, t.now, saved)
		saved = charge{}
	}
	t.placeOrder(u.ID, s.LocationID, s.billing(t.now), append(to.number.charges, saved)...)
	t.did("service.number-changed", now.ref(), string(s.Number)+" "+string(now.Number))
	return now, nil
}

// warnOfOwners warns of the owners of a line that has no number any more: by that
// its management record is opened (OWN-1).
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
