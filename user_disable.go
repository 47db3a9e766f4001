package pbx

import (
	"context"
	"slices"

	"github.com/pbxkit/pbx/rule"
)

// DisableUser stops everything that serves this user alone (USR-13). The SIP credentials
// of the user and of their aliases end, new ones are not issued, and no PIN opens a
// mailbox of which they are the only user. It warns of services that go on because they
// are shared. The user keeps services, numbers, devices and station, which are billed
// as before and can be changed. The journal says which services stop, and later which
// stop or go on because somebody joins or leaves.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a user who is disabled (USR-13).
func (d *Directory) DisableUser(ctx context.Context, id UserID) (*User, error) {
	return change(ctx, d, "DisableUser", func(p *prefetch) {
		u := p.user(id)
		u.credentials()
		u.services().users()
	}, func(t *tx) (*User, error) {
		u, err := t.user(ctx, id)
		if err != nil {
			return nil, err
		}
		if u.State == UserDisabled {
			return nil, u.inState("disabled already")
		}
		row := edit(t, u, func(u *User) { u.State = UserDisabled })
		t.did("user.disabled", row.ref(), "")
		if err := t.endCredentials(ctx, row.SIPAddress, row.ref()); err != nil {
			return nil, err
		}
		if _, err := t.endAliasCredentials(ctx, row); err != nil {
			return nil, err
		}
		err = t.eachLine(ctx, row, func(s *Service, others []*User) error {
			switch going := enabled(others); {
			case !s.billed():
			case len(going) == 0:
				t.did("service.stopped", s.ref(), "")
			default:
				t.warn(rule.USR13, s.ref(), "%s goes on for %s", s.ref(), namesOf(going))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return copyOf(row), nil
	})
}

// EnableUser makes a disabled user active again, or pending if they were never
// activated (USR-13). The credentials that ended stay ended: [Directory.IssueCredentials]
// issues new ones. A service that was added in the meantime is activated with
// [Directory.ActivateService].
//
// Errors: ErrNotFound; ErrFailedPrecondition for a user who is not disabled (USR-13).
func (d *Directory) EnableUser(ctx context.Context, id UserID) (*User, error) {
	return change(ctx, d, "EnableUser", func(p *prefetch) { p.user(id).services().users() }, func(t *tx) (*User, error) {
		u, err := t.user(ctx, id)
		if err != nil {
			return nil, err
		}
		if u.State != UserDisabled {
			return nil, u.inState(string(u.State) + ": only a disabled user can be enabled")
		}
		row := edit(t, u, func(u *User) {
			if u.State = UserActive; u.ActivatedAt.IsZero() {
				u.State = UserPending
			}
		})
		t.did("user.enabled", row.ref(), "")
		err = t.eachLine(ctx, row, func(s *Service, others []*User) error {
			if s.billed() && len(enabled(others)) == 0 {
				t.did("service.resumed", s.ref(), "")
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return copyOf(row), nil
	})
}

// eachLine visits the services of a user, each with its other users.
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

// enabled are the users who are not disabled.
func enabled(users []*User) []*User {
	return slices.DeleteFunc(slices.Clone(users), func(u *User) bool { return u.State == UserDisabled })
}

// stopped reports whether a service with these users is stopped: there are some, and
// all are disabled.
func stopped(users []*User) bool { return len(users) > 0 && len(enabled(users)) == 0 }

// servedBy records that a service stops or goes on when its users change.
func (t *tx) servedBy(s *Service, before, after []*User) {
	switch was, is := stopped(before), stopped(after); {
	case !s.billed() || was == is:
	case is:
		t.did("service.stopped", s.ref(), "")
	default:
		t.did("service.resumed", s.ref(), "")
	}
}

// leftTo records that a service stops or goes on when a user has left it.
func (t *tx) leftTo(ctx context.Context, s *Service, u *User) error {
	others, err := t.othersOf(ctx, s.ID, u.ID)
	if err == nil {
		t.servedBy(s, append(slices.Clone(others), u), others)
	}
	return err
}

// serving refuses the use of a service whose users are all disabled (USR-13). A service
// without users can be used.
func (t *tx) serving(ctx context.Context, s *Service) error {
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil || !stopped(users) {
		return err
	}
	return &Error{Code: rule.USR13, Kind: ErrFailedPrecondition, Subject: s.ref(), Holder: users[0].ref(),
		Reason: s.ref().String() + " is stopped while its users are disabled: " + namesOf(users)}
}

// credentials plans to read the SIP identities of each user and of their aliases.
func (f prefetched) credentials() {
	f.to(sipIdentitiesTable.Key(), "sip_address")
	f.to(aliasesByUser, "id").to(sipIdentitiesTable.Key(), "sip_address")
}

// endAliasCredentials stages the end of the credentials of a user's aliases, and
// returns the aliases.
func (t *tx) endAliasCredentials(ctx context.Context, u *User) ([]*Alias, error) {
	aliases, err := t.aliasesOf(ctx, u)
	if err != nil {
		return nil, err
	}
	for _, a := range aliases {
		if err := t.endCredentials(ctx, a.SIPAddress, a.ref()); err != nil {
			return nil, err
		}
	}
	return aliases, nil
}
