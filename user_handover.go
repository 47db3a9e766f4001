package pbx

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pbxkit/pbx/rule"
)

// Successor is the new person to whom a user is handed over: the fields of a NewUser
// that belong to the person.
type Successor struct {
	FirstName, LastName string // up to 64 characters; one of the two may be empty
	Email               string
	Login               string // the user ID; empty: the email address (USR-3)

	// The other fields may be left out.
	Mobile        E164       // empty: none; the old person's is cleared
	SIPAddress    SIPAddress // empty: generated from the user ID (EXT-6)
	NoWelcomeMail bool       // do not send the welcome email (USR-12)
	Rev           int64      // of the user as read; 0: not checked (SVC-15)
}

// HandOver gives a user with everything set up to a new person (USR-15), and leaves
// nothing of the old person in the record. The services, numbers, extensions, devices,
// station, aliases, memberships, department, location and state stay. SIP credentials of
// the user and of their aliases end, and so do the PINs of mailboxes of which the user is
// the only one. Mailboxes that announced messages to the old person's address announce
// them to the new one. What other systems last reported about foreign services on the
// user's lines is cleared, since it may name the old person.
//
// It warns of what may name the old person or let them in, but may not be theirs alone:
// aliases, services with a name, programmed keys, the PIN of a shared mailbox, mailboxes
// that announce to another address, and owners of the lines who have the old person's
// user ID or email address as their name.
//
// Errors: ErrNotFound; ErrStale, with the user as they are now in the StaleError
// (SVC-15); and all of these at once: ErrInvalid for bad fields (USR-1, USR-3, USR-5,
// EXT-6); ErrConflict for a user ID or SIP address that is taken (USR-3, EXT-6).
func (d *Directory) HandOver(ctx context.Context, user UserID, to Successor) (*User, error) {
	return change(ctx, d, "HandOver", func(p *prefetch) { to.prefetch(p, user) }, func(t *tx) (*User, error) {
		was, err := t.user(ctx, user)
		if err != nil {
			return nil, err
		}
		if err := checkRevision(cmp.Or(to.Rev, was.Rev), was.Rev, was); err != nil {
			return nil, err
		}
		row, err := t.succeed(ctx, was, &to)
		if err != nil {
			return nil, err
		}
		t.Update(was, row)
		t.claimSIP(row.SIPAddress, row.ID, AliasID{})
		t.did("user.handed-over", row.ref(), "")
		if err := t.leaveBehind(ctx, was, row); err != nil {
			return nil, err
		}
		t.welcome(row, to.NoWelcomeMail)
		return copyOf(row), nil
	})
}

// prefetch plans to read what handing over needs.
func (s *Successor) prefetch(p *prefetch, user UserID) {
	u := p.user(user)
	u.place()
	u.credentials()
	u.to(extensionsByMain, "id")
	u.to(associationsByPrimary, "id")
	services := u.services()
	services.users()
	services.to(mailboxesTable.Key(), "id")
	services.to(ownersTable.Key(), "id")
	services.to(serviceKeysTable.Key(), "id")
	services.foreign()
	login := cmp.Or(s.Login, s.Email)
	p.login(login)
	p.sipAddress(s.SIPAddress, login, "")
}

// succeed checks a new person, and returns what the user becomes. It releases the old
// SIP address first, since the new person may get the same.
func (t *tx) succeed(ctx context.Context, was *User, to *Successor) (*User, error) {
	row := copyOf(was)
	row.FirstName, row.LastName, row.Email, row.Login, row.Mobile = to.FirstName, to.LastName, to.Email, to.Login, to.Mobile
	if to.Login == "" {
		row.Login = to.Email
		if !validEmail(to.Email) {
			row.Login = was.Login // so that a bad email address is refused only once
		}
	}
	var check validation
	check.names(row)
	check.email(rule.USR1, "Email", row.Email)
	if _, err := t.validateUser(ctx, row, was, &check); err != nil {
		return nil, err
	}
	if err := t.releaseSIP(ctx, was.SIPAddress, was.ref()); err != nil {
		return nil, err
	}
	main, err := t.mainExtension(ctx, was.ID)
	if err != nil {
		return nil, err
	}
	if err := t.validateAddress(ctx, row, to.SIPAddress, main, &check); err != nil {
		return nil, err
	}
	return row, check.err()
}

// leaveBehind ends what let the old person in, and warns of what may still name them.
func (t *tx) leaveBehind(ctx context.Context, was, row *User) error {
	warn := func(about Ref, text string) { t.warn(rule.USR15, about, "%s", text) }
	aliases, err := t.endAliasCredentials(ctx, row)
	if err != nil {
		return err
	}
	for _, a := range aliases {
		warn(a.ref(), fmt.Sprintf("%s stays, with its name and its SIP address %s", a.ref(), a.SIPAddress))
	}
	return t.eachLine(ctx, row, func(s *Service, _ []*User) error { return t.forget(ctx, s, was, row, warn) })
}

// warning warns of something, under the rule of the operation that runs.
type warning func(about Ref, text string)

// forget ends what lets a person into a service that they leave, and warns of what may
// still name them. row is the user as handed over to a successor, or nil.
func (t *tx) forget(ctx context.Context, s *Service, was, row *User, warn warning) error {
	if err := t.warnOfNames(ctx, s, warn); err != nil {
		return err
	}
	if err := t.passMailbox(ctx, s, was, row, warn); err != nil {
		return err
	}
	if err := t.clearOutcomes(ctx, s); err != nil {
		return err
	}
	return t.warnOfOwner(ctx, s, was, warn)
}

// warnOfNames warns of what may name a person on a line that stays: the line's name and
// the labels of its keys.
func (t *tx) warnOfNames(ctx context.Context, s *Service, warn warning) error {
	if s.Name != "" {
		warn(s.ref(), s.ref().String()+" stays, with its name")
	}
	keys, err := t.keysOf(ctx, s.ID)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		warn(s.ref(), "the programmed keys of "+s.ref().String()+" stay, with their labels")
	}
	return nil
}

// announcesTo reports whether a mailbox announces its messages to a user.
func (m *Mailbox) announcesTo(u *User) bool {
	return m.Email != "" && (strings.EqualFold(m.Email, u.Email) || strings.EqualFold(m.Email, u.Login))
}

// passMailbox clears the PIN of the mailbox of a service that a person leaves, and lets
// it announce to their successor what it announced to them; to nobody where row is nil. A
// PIN that others use too stays, with a warning.
func (t *tx) passMailbox(ctx context.Context, s *Service, was, row *User, warn warning) error {
	_, m, err := t.mailboxOf(ctx, s.ID)
	if err != nil || m == nil {
		return err
	}
	others, err := t.othersOf(ctx, s.ID, was.ID)
	if err != nil {
		return err
	}
	now := copyOf(m)
	switch {
	case m.announcesTo(was):
		now.Email = ""
		if row != nil {
			now.Email = row.Email
		}
		t.did("mailbox.modified", m.ref(), m.Number)
	case row != nil && m.Email != "" && !strings.EqualFold(m.Email, row.Email):
		warn(m.ref(), fmt.Sprintf("%s goes on announcing its messages to %s", m.ref(), m.Email))
	}
	switch {
	case m.HasPIN() && len(others) == 0:
		now.pinHash, now.tries, now.LockedUntil = nil, 0, time.Time{}
		t.did("mailbox.pin-cleared", m.ref(), "")
	case m.HasPIN():
		warn(m.ref(), fmt.Sprintf("%s keeps its PIN, for it is shared with %s: set another one", m.ref(), namesOf(others)))
	}
	if now.Email != m.Email || now.HasPIN() != m.HasPIN() {
		t.Update(m, now)
	}
	return nil
}

// warnOfOwner warns of an owner of a line whose name is the old person's user ID or email
// address, or the part of one before the @. The names of owners come from the provider's
// sign-in, so it is not certain enough that this is the same person to remove the owner.
func (t *tx) warnOfOwner(ctx context.Context, s *Service, was *User, warn warning) error {
	owners, err := t.ownersOf(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, o := range owners {
		for _, address := range []string{was.Login, was.Email} {
			local, _, _ := strings.Cut(address, "@")
			if name := string(o.Principal); strings.EqualFold(name, address) || strings.EqualFold(name, local) {
				warn(s.ref(), fmt.Sprintf("%s is an owner of %s still", name, s.ref()))
				break
			}
		}
	}
	return nil
}

// welcome sends a welcome email to a new person, unless it is to be left out. For a
// disabled user it warns instead: SendWelcomeMail can send it once they are enabled.
func (t *tx) welcome(u *User, leftOut bool) {
	switch {
	case leftOut:
	case u.State == UserDisabled:
		t.warn(rule.USR12, u.ref(), "%s is disabled: the welcome email is not sent", u.ref())
	default:
		t.did("user.welcome-mail", u.ref(), "")
	}
}
