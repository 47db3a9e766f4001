package pbx

import (
	"context"
	"slices"

	"github.com/pbxkit/pbx/rule"
)

// DisableUser stops everything that serves a user alone (USR-13): his SIP
// credentials and his aliases' end, none are issued, and nobody gets into a
// mailbox of which he is the only user. A service that he shares goes on for the
// others, which is warned of. He keeps services, numbers, devices and station, and
// they are billed as before; what he has can be changed. The journal tells foreign
// systems which services stop, and which do or go on when somebody joins or leaves.
//
// Errors: ErrNotFound; ErrFailedPrecondition for one who is disabled (USR-13).
func (d *Directory) DisableUser(ctx context.Context, id UserID) (*User, error) {
	var out *User
	err := d.change(ctx, "DisableUser", func(p *prefetch) {
		u := p.user(id)
		u.credentials()
		u.services().users()
	}, func(t *tx) error {
		u, err := t.user(ctx, id)
		if err != nil {
			return err
		}
		if u.State == UserDisabled {
			return &Error{Code: rule.USR13, Kind: ErrFailedPrecondition, Subject: u.ref(), Reason: u.ref().String() + " is disabled already"}
		}
		row := edit(t, u, func(u *User) { u.State = UserDisabled })
		t.did("user.disabled", row.ref(), "")
		if err := t.endCredentialsOf(ctx, row); err != nil {
			return err
		}
		out = copyOf(row)
		return t.eachLine(ctx, row, func(s *Service, others []*User) error {
			switch going := enabled(others); {
			case !s.billed():
			case len(going) == 0:
				t.did("service.stopped", s.ref(), "")
			default:
				t.warn(rule.USR13, s.ref(), "%s goes on for %s", s.ref(), namesOf(going))
			}
			return nil
		})
	})
	return out, err
}

// EnableUser makes a disabled user what he was: active, or pending where he was
// never activated (USR-13). The credentials that ended do not come back: new ones
// are issued with IssueCredentials. A service that was added meanwhile is activated
// with ActivateService.
//
// Errors: ErrNotFound; ErrFailedPrecondition for one who is not disabled (USR-13).
func (d *Directory) EnableUser(ctx context.Context, id UserID) (*User, error) {
	var out *User
	err := d.change(ctx, "EnableUser", func(p *prefetch) { p.user(id).services().users() }, func(t *tx) error {
		u, err := t.user(ctx, id)
		if err != nil {
			return err
		}
		if u.State != UserDisabled {
			return &Error{Code: rule.USR13, Kind: ErrFailedPrecondition, Subject: u.ref(),
				Reason: u.ref().String() + " is " + string(u.State) + ": only a disabled user can be enabled"}
		}
		row := edit(t, u, func(u *User) {
			if u.State = UserActive; u.ActivatedAt.IsZero() {
				u.State = UserPending
			}
		})
		t.did("user.enabled", row.ref(), "")
		out = copyOf(row)
		return t.eachLine(ctx, row, func(s *Service, others []*User) error {
			if s.billed() && len(enabled(others)) == 0 {
				t.did("service.resumed", s.ref(), "")
			}
			return nil
		})
	})
	return out, err
}

// eachLine visits the services of a user, with who else has them.
func (t *tx) eachLine(ctx context.Context, u *User, visit func(s *Service, others []*User) error) error {
	has, err := t.servicesOf(ctx, u.ID)
	if err != nil {
		return err
	}
	for _, a := range has {
		s, err := t.service(ctx, a.ServiceID)
		if err != nil {
			return err
		}
		others, err := t.othersOf(ctx, s.ID, u.ID)
		if err != nil {
			return err
		}
		if err := visit(s, others); err != nil {
			return err
		}
	}
	return nil
}

// enabled are those of the users who are not disabled.
func enabled(users []*User) []*User {
	return slices.DeleteFunc(slices.Clone(users), func(u *User) bool { return u.State == UserDisabled })
}

// stopped reports whether a service with these users is stopped: it has some, and
// all are disabled.
func stopped(users []*User) bool { return len(users) > 0 && len(enabled(users)) == 0 }

// servedBy stages that a service stops or goes on as it passes from some users to
// others.
func (t *tx) servedBy(s *Service, before, after []*User) {
	switch was, is := stopped(before), stopped(after); {
	case !s.billed() || was == is:
	case is:
		t.did("service.stopped", s.ref(), "")
	default:
		t.did("service.resumed", s.ref(), "")
	}
}

// leftTo is servedBy for a service that a user has left.
func (t *tx) leftTo(ctx context.Context, s *Service, u *User) error {
	others, err := t.othersOf(ctx, s.ID, u.ID)
	if err == nil {
		t.servedBy(s, append(slices.Clone(others), u), others)
	}
	return err
}

// serving refuses to let anybody use a service whose users are all disabled
// (USR-13). One without a user serves whoever is there.
func (t *tx) serving(ctx context.Context, s *Service) error {
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil || !stopped(users) {
		return err
	}
	return &Error{Code: rule.USR13, Kind: ErrFailedPrecondition, Subject: s.ref(), Holder: users[0].ref(),
		Reason: s.ref().String() + " is stopped while its users are disabled: " + namesOf(users)}
}

// credentials are the SIP identities of each user and of his aliases.
func (f prefetched) credentials() {
	f.to(sipIdentitiesTable.Key(), "sip_address")
	f.to(aliasesByUser, "id").to(sipIdentitiesTable.Key(), "sip_address")
}

// endCredentialsOf stages the end of the credentials of a user and of his aliases.
func (t *tx) endCredentialsOf(ctx context.Context, u *User) error {
	if err := t.endCredentials(ctx, u.SIPAddress, u.ref()); err != nil {
		return err
	}
	aliases, err := t.aliasesOf(ctx, u)
	if err != nil {
		return err
	}
	for _, a := range aliases {
		if err := t.endCredentials(ctx, a.SIPAddress, a.ref()); err != nil {
			return err
		}
	}
	return nil
}
