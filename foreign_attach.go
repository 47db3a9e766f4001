package pbx

import (
	"context"
	"fmt"

	"github.com/pbxkit/pbx/rule"
)

// AttachForeign records something that another system provides on a line already
// (SVC-13).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service, whose own
// system keeps this (SVC-11); and all of these at once: ErrInvalid for bad fields,
// ErrConflict for one of that system and name which the line has already,
// ErrExhausted for the thirty-third of a line (SVC-13), ErrFailedPrecondition for
// each user without the email address that it needs (USR-14).
func (d *Directory) AttachForeign(ctx context.Context, service ServiceID, in NewForeign) (*ForeignService, error) {
	return d.addForeign(ctx, "AttachForeign", service, in, ForeignActive)
}

// RequestForeign asks another system to provide something on a line (SVC-18). The
// request is in the journal with the record, and Connect takes it there; what
// became of it stands in the record. AddService and SetUpUser ask for those of a
// new line in the same act.
//
// Errors: those of AttachForeign.
func (d *Directory) RequestForeign(ctx context.Context, service ServiceID, in NewForeign) (*ForeignService, error) {
	return d.addForeign(ctx, "RequestForeign", service, in, ForeignRequested)
}

func (d *Directory) addForeign(ctx context.Context, operation string, service ServiceID, in NewForeign, state ForeignState) (*ForeignService, error) {
	var made *ForeignService
	err := d.change(ctx, operation, func(p *prefetch) {
		p.service(service).foreign()
		p.usersOf(service)
	}, func(t *tx) error {
		s, err := t.service(ctx, service)
		if err != nil {
			return err
		}
		if err := t.editable(s); err != nil {
			return err
		}
		if err := t.validateForeign(ctx, s, &in, state); err != nil {
			return err
		}
		made = copyOf(t.stageForeign(s, &in, state))
		return nil
	})
	return made, err
}

// validateForeign checks a foreign service about to be added to a line.
func (t *tx) validateForeign(ctx context.Context, s *Service, in *NewForeign, state ForeignState) error {
	var check validation
	in.validate(&check, "", state == ForeignActive)
	has, err := t.foreignOf(ctx, s.ID)
	if err != nil {
		return err
	}
	if len(has) >= maxForeign {
		check.refusals = append(check.refusals, &Error{Code: rule.SVC13, Kind: ErrExhausted, Subject: s.ref(),
			Reason: fmt.Sprintf("%s has %d foreign services already, and no line can have more", s.ref(), maxForeign)})
	}
	for _, f := range has {
		if f.System == in.System && f.Name == in.Name {
			check.refusals = append(check.refusals, &Error{Code: rule.SVC13, Kind: ErrConflict, Field: "Name", Subject: s.ref(), Holder: f.ref(),
				Reason: fmt.Sprintf("%s has %s of %s already", s.ref(), f.Name, f.System)})
		}
	}
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil {
		return err
	}
	check.refusals = append(check.refusals, unmet(in.row(s, state), users...)...)
	return check.err()
}

// unmet refuses a foreign service for each user who has not what it needs
// (USR-14). A user always has a user ID.
func unmet(f *ForeignService, users ...*User) (bad []*Error) {
	for _, u := range users {
		if f.NeedsEmail && u.Email == "" {
			bad = append(bad, &Error{Code: rule.USR14, Kind: ErrFailedPrecondition, Field: "Email", Subject: u.ref(), Holder: f.ref(),
				Reason: fmt.Sprintf("%s has no email address, which %s of %s needs", u.ref(), f.Name, f.System)})
		}
	}
	return bad
}

// unmetBy refuses a user who joins a line and has not what its foreign services
// need (USR-14).
func (t *tx) unmetBy(ctx context.Context, service ServiceID, u *User) error {
	has, err := t.foreignOf(ctx, service)
	if err != nil {
		return err
	}
	var check validation
	for _, f := range has {
		if f.there() {
			check.refusals = append(check.refusals, unmet(f, u)...)
		}
	}
	return check.err()
}

// row is the record of a line's foreign service.
func (in *NewForeign) row(s *Service, state ForeignState) *ForeignService {
	return &ForeignService{
		TenantID: s.TenantID, ServiceID: s.ID, System: in.System, Name: in.Name, Link: in.Link,
		Deletable: in.Deletable, NeedsEmail: in.NeedsEmail, NeedsLogin: in.NeedsLogin, State: state,
	}
}

// stageForeign stages one that was looked at.
func (t *tx) stageForeign(s *Service, in *NewForeign, state ForeignState) *ForeignService {
	f := in.row(s, state)
	f.ID, f.At = t.newID(), t.now
	verb := foreignAttached
	if state == ForeignRequested {
		f.Requests, verb = 1, foreignRequested
	}
	t.Insert(f)
	t.relate(verb, f.ref(), s.ref(), f.errand())
	return f
}

// validateRequests checks the foreign services that a new line is to come with
// (SVC-18).
func (l *newLine) validateRequests(check *validation) {
	if len(l.in.Foreign) > maxForeign {
		check.refuse(rule.SVC13, "Foreign", "more than %d on one line", maxForeign)
		return
	}
	seen := make(map[[2]string]bool, len(l.in.Foreign))
	for i := range l.in.Foreign {
		in := &l.in.Foreign[i]
		in.validate(check, fmt.Sprintf("Foreign[%d].", i), false)
		if seen[[2]string{in.System, in.Name}] {
			check.refuse(rule.SVC13, fmt.Sprintf("Foreign[%d].Name", i), "is listed twice")
		}
		seen[[2]string{in.System, in.Name}] = true
	}
}

// unmet refuses the foreign services of a new line that its user, one who was
// there before, has not the email address for (USR-14).
func (l *newLine) unmet() (bad []*Error) {
	if l.slot.user == nil {
		return nil
	}
	for i := range l.in.Foreign {
		bad = append(bad, unmet(l.in.Foreign[i].row(new(Service), ForeignRequested), l.slot.user)...)
	}
	return bad
}
