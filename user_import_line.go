package pbx

import (
	"context"
	"slices"

	"github.com/pbxkit/pbx/rule"
)

// provision makes a user as SetUpUser does, or as CreateUser does; or, where the
// row is one that an export says, without an email address, without a line, or
// with one that is there.
func (t *tx) provision(ctx context.Context, in SetUp, row *csvRow) (*Provisioned, error) {
	if !row.guided && row.line == "" {
		u, err := t.createUser(ctx, &in.NewUser)
		if err != nil {
			return nil, err
		}
		return &Provisioned{User: copyOf(u)}, nil
	}
	if row.addressless() {
		in.Email = in.Login // as if it was cleared behind
	}
	s := setUp{tx: t, in: in, read: true}
	look, stage := s.validate, func() (*Provisioned, error) { return s.stage(ctx) }
	switch row.line {
	case lineNo:
		look, stage = s.validateAlone, s.stageAlone
	case lineShared:
		shared := sharing{setUp: &s, email: row.in.Email}
		look, stage = shared.validate, shared.stage
	}
	if err := look(ctx); err != nil {
		return nil, err
	}
	s.user.Email = row.in.Email
	return stage()
}

// validateAlone reads and checks everything of a user without a line, who may have
// no extension either.
func (s *setUp) validateAlone(ctx context.Context) error {
	var check validation
	user, at, err := s.newUser(ctx, &s.in.NewUser, &check)
	if err != nil {
		return err
	}
	s.user = user
	if s.in.Extension != "" {
		if err := check.collect(s.takeExtension(ctx, "Extension", s.in.Extension, at)); err != nil {
			return err
		}
	}
	if err := s.validateAddress(ctx, user, s.in.SIPAddress, s.in.Extension, &check); err != nil {
		return err
	}
	if err := s.validateStation(ctx, &check); err != nil {
		return err
	}
	return check.err()
}

// stageAlone writes what validateAlone found right.
func (s *setUp) stageAlone() (*Provisioned, error) {
	s.addUser(s.user, &s.in.NewUser, s.in.Extension)
	if s.in.Extension != "" {
		s.enterDialPlan(&DialEntry{Digits: s.in.Extension, UserID: s.user.ID, MainOf: s.user.ID})
	}
	if s.pool != nil {
		s.takeStation(s.pool, s.user)
	}
	return &Provisioned{User: copyOf(s.user)}, nil
}

// sharing is the set-up of a user whose line is there: that of his extension.
type sharing struct {
	*setUp
	email  string
	shared *Service
	with   []*User
}

// validate reads and checks everything before anything is staged.
func (s *sharing) validate(ctx context.Context) error {
	var check validation
	user, home, err := s.newUser(ctx, &s.in.NewUser, &check)
	if err != nil {
		return err
	}
	s.user = user
	if err := s.validateShared(ctx, home, &check); err != nil {
		return err
	}
	if err := s.validateAddress(ctx, user, s.in.SIPAddress, s.in.Extension, &check); err != nil {
		return err
	}
	if s.shared != nil {
		s.in.ServiceType = s.shared.Type
		if s.line.typ, err = s.serviceType(ctx, s.shared.Type); err != nil {
			return err
		}
	}
	if err := s.validateStation(ctx, &check); err != nil {
		return err
	}
	return check.err()
}

// validateShared finds the line, and checks what associating it does (SVC-4).
func (s *sharing) validateShared(ctx context.Context, home *Location, check *validation) error {
	entry, err := one[*DialEntry](ctx, s.tx, extensionsTable.Key(), s.tenantID, string(s.in.Extension))
	switch {
	case err != nil:
		return err
	case s.in.Extension == "":
		check.refuse(rule.SYS5, "Extension", "is missing: it says which line is shared")
		return nil
	case entry == nil || entry.ServiceID.IsZero():
		check.refuse(rule.SYS5, "Extension", "there is no line with it that could be shared")
		return nil
	}
	if s.shared, err = s.service(ctx, entry.ServiceID); err != nil {
		return err
	}
	if s.with, err = s.othersOf(ctx, s.shared.ID, UserID{}); err != nil {
		return err
	}
	if err := check.collect(s.clearOfEmergency("Extension", s.shared.DN, home)); err != nil {
		return err
	}
	as := *s.user
	as.Email = s.email
	return check.collect(s.unmetBy(ctx, s.shared.ID, &as))
}

// stage writes what look found right.
func (s *sharing) stage() (*Provisioned, error) {
	s.addUser(s.user, &s.in.NewUser, s.shared.DN)
	if s.pool != nil {
		s.takeStation(s.pool, s.user)
	}
	s.associate(slot{user: s.user, number: 1, primary: true}, s.shared)
	s.servedBy(s.shared, s.with, append(slices.Clone(s.with), s.user))
	return &Provisioned{User: copyOf(s.user), Service: copyOf(s.shared)}, nil
}
