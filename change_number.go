package pbx

import "context"

// NumberChange is a change of a user's number, extension or both.
type NumberChange struct {
	// ServiceID is which of the user's services; zero is the primary one.
	ServiceID ServiceID
	// KeepCurrent leaves the number as it is, to change the extension alone.
	KeepCurrent bool
	// Number is what comes in place of the present number; the zero value
	// unassigns it without replacement (NUM-8).
	Number NumberChoice
	// Previous has to be chosen where the service has a number (NUM-10).
	Previous Disposal
	// UpdateExtension gives a new extension too: Extension, or where that is
	// empty the next free one (NUM-9).
	UpdateExtension bool
	Extension       Extension
}

// ChangeNumber changes the number, and if wanted the extension, of a user who
// has a service with a type (NUM-7 to NUM-10). A porting-in number comes with a
// temporary one (NUM-3). What it costs or saves is ordered (ORD-1); a number that
// never was billed saves nothing. The owners of a line that is left without a number
// are warned of (OWN-3).
//
// Errors: ErrNotFound; ErrFailedPrecondition without a profile (NUM-7), or for a
// remote service (SVC-11); ErrInvalid when the previous number's fate was not
// chosen (NUM-10); and those of choosing a number and an extension (NUM-2 to
// NUM-6, EXT-1 to EXT-5).
func (d *Directory) ChangeNumber(ctx context.Context, user UserID, in NumberChange) (*Service, error) {
	var out *Service
	err := d.change(ctx, "ChangeNumber", in.plan(user), func(t *tx) error {
		if in.KeepCurrent && in.Number != (NumberChoice{}) {
			return &Error{Code: NUM8, Kind: ErrInvalid, Field: "Number", Reason: "either keep the current number or choose another one"}
		}
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
		at, err := t.location(ctx, s.LocationID)
		if err != nil {
			return err
		}
		if err := t.foreseeChoices(ctx, in.Number, at, in.UpdateExtension && in.Extension == ""); err != nil {
			return err
		}
		if !in.KeepCurrent {
			if s, err = t.replaceNumber(ctx, u, s, in, at); err != nil {
				return err
			}
		}
		if in.UpdateExtension {
			if s, err = t.updateExtension(ctx, s, in.Extension, at); err != nil {
				return err
			}
		}
		out = copyOf(s)
		return nil
	})
	return out, err
}

// plan is what a change of a user's number reads.
func (in *NumberChange) plan(user UserID) plan {
	return func(a *ahead) {
		s := a.service(in.ServiceID)
		if in.ServiceID.IsZero() {
			s = a.get(associationsByPrimary, user).to(servicesTable.Key(), "service_id")
		}
		a.user(user)
		a.get(associationsTable.Key(), user, in.ServiceID)
		s.place()
		s.numbered()
		s.users().place()
		s.to(extensionsTable.Key(), "dn")
		s.to(mailboxesTable.Key(), "id")
		s.to(ownersTable.Key(), "id")
		a.number(in.Number.Number)
		a.extension(in.Extension).to(extensionsByUser, "user_id")
		a.get(mailboxesByNumber, string(in.Extension))
	}
}

// profile finds the service of a user whose number is to change (NUM-7).
func (t *tx) profile(ctx context.Context, u *User, id ServiceID) (*Service, error) {
	var s *Service
	var err error
	if id.IsZero() {
		s, err = t.primaryOf(ctx, u.ID)
	} else {
		_, s, _, err = t.association(ctx, u.ID, id)
	}
	if err != nil {
		return nil, err
	}
	if s == nil || s.Type == "" {
		return nil, &Error{Code: NUM7, Kind: ErrFailedPrecondition, Subject: u.ref(),
			Reason: u.ref().String() + " has no profile: number and extension change only with a phone service type"}
	}
	return s, nil
}

func (t *tx) replaceNumber(ctx context.Context, u *User, s *Service, in NumberChange, at *Location) (*Service, error) {
	var look door
	chosen, err := t.chooseNumber(ctx, in.Number, at)
	if look.take(err) != nil {
		return nil, err
	}
	had, err := t.heldNumber(ctx, s)
	if err != nil {
		return nil, err
	}
	switch {
	case had == nil && in.Number.Source == "":
		look.refuse(NUM8, "Number", "there is no number to unassign")
	case had != nil && had.TemporaryFor == "" && in.Previous != KeepNumber && in.Previous != ReturnNumber:
		look.refuse(NUM10, "Previous", "choose whether the previous number %s is kept or returned", had.E164)
	}
	if err := look.err(); err != nil {
		return nil, err
	}
	if err := t.releaseNumbers(ctx, s, in.Previous); err != nil {
		return nil, err
	}
	now := edit(t, s, func(s *Service) { s.Number = chosen.e164() })
	if err := t.warnOfOwners(ctx, now); err != nil {
		return nil, err
	}
	t.assignNumber(&chosen, now)
	var saved charge
	if had != nil && had.TemporaryFor == "" && in.Previous == ReturnNumber {
		saved = had.saved()
	}
	if !s.billed() { // what is saved is so from now on, whenever the service is activated
		t.placeOrder(u.ID, s.LocationID, t.now, saved)
		saved = charge{}
	}
	t.placeOrder(u.ID, s.LocationID, s.billing(t.now), append(chosen.charges, saved)...)
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
		t.warn(OWN3, s.ref(), "the owners of %s stay, and can be neither seen nor changed until it has a number again", s.ref())
	}
	return err
}

// heldNumber reads the number that a service has, or nil.
func (t *tx) heldNumber(ctx context.Context, s *Service) (*Number, error) {
	if s.Number == "" {
		return nil, nil
	}
	return t.number(ctx, NUM1, s.Number)
}

// updateExtension gives a service the named DN, or the next free one (NUM-9).
func (t *tx) updateExtension(ctx context.Context, s *Service, e Extension, at *Location) (*Service, error) {
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil {
		return nil, err
	}
	sites, err := t.homesOf(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	sites = append(sites, at)
	if e == "" {
		e, err = t.nextExtension(ctx, sites...)
	} else {
		_, err = t.takeDN(ctx, "Extension", e, users, sites...)
	}
	if err != nil {
		return nil, err
	}
	return t.moveDN(ctx, s, e)
}
