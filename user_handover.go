package pbx

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pbxkit/pbx/rule"
)

// Successor is the new person to whom a user is handed over: the details of a
// NewUser that are a person's own.
type Successor struct {
	FirstName, LastName string // up to 64 characters; one of the two may be empty
	Email               string
	Login               string // the user ID; empty: the email address (USR-3)

	// All that follows may be left out.
	Mobile        E164       // empty: none; the old person's goes
	SIPAddress    SIPAddress // empty: generated from the user ID (EXT-6)
	NoWelcomeMail bool       // do not send the welcome email (USR-12)
	Rev           int64      // of the user as read; 0: whatever he is by now (SVC-15)
}

// HandOver makes a set-up user that of a new person (USR-15), and nothing of the
// old one is left in his record. What he does the work with stays: services, numbers,
// extensions, devices, station, aliases, memberships, department and location, and
// whether he is active. What lets somebody in ends: his SIP credentials and his
// aliases', and the PINs of mailboxes of which he is the only user; messages are
// announced to the new address where they were to the old one. What other systems
// said last of the foreign services on his lines is cleared, for it may name him.
//
// It warns of what may name the old person, or let him in, and is not his alone to
// change: aliases, services with a name, programmed keys, the PIN of a shared
// mailbox, mailboxes that announce elsewhere, and owners of his lines who go by his
// user ID or email.
//
// Errors: ErrNotFound; ErrStale, together with the user as he is now (SVC-15); and
// all of these at once: ErrInvalid for bad fields (USR-1, USR-3, USR-5, EXT-6),
// ErrConflict for a user ID or SIP address that is taken (USR-3, EXT-6).
func (d *Directory) HandOver(ctx context.Context, user UserID, to Successor) (*User, error) {
	var out *User
	err := d.change(ctx, "HandOver", func(p *prefetch) { to.prefetch(p, user) }, func(t *tx) error {
		was, err := t.user(ctx, user)
		if err != nil {
			return err
		}
		if to.Rev != 0 {
			if err := current(to.Rev, was.Rev, was.ref()); err != nil {
				out = copyOf(was)
				return err
			}
		}
		row, err := t.succeed(ctx, was, &to)
		if err != nil {
			return err
		}
		t.Update(was, row)
		t.claimSIP(row.SIPAddress, row.ID, AliasID{})
		t.did("user.handed-over", row.ref(), "")
		out = copyOf(row)
		if err := t.leaveBehind(ctx, was, row); err != nil {
			return err
		}
		t.welcome(row, to.NoWelcomeMail)
		return nil
	})
	return out, err
}

// prefetch is what handing over reads.
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

// succeed looks at a new person, and returns what the user becomes. The address
// that the old one had is given up first: the new one may get the same.
func (t *tx) succeed(ctx context.Context, was *User, to *Successor) (*User, error) {
	row := copyOf(was)
	row.FirstName, row.LastName, row.Email, row.Login, row.Mobile = to.FirstName, to.LastName, to.Email, to.Login, to.Mobile
	if to.Login == "" {
		row.Login = to.Email
		if !validEmail(to.Email) {
			row.Login = was.Login // what is wrong is the email address: it is refused once
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

// leaveBehind takes from a user what let the old person in, and warns of what may
// still name him.
func (t *tx) leaveBehind(ctx context.Context, was, row *User) error {
	warn := func(about Ref, text string) { t.warn(rule.USR15, about, "%s", text) }
	aliases, err := t.aliasesOf(ctx, row)
	if err != nil {
		return err
	}
	for _, a := range aliases {
		if err := t.endCredentials(ctx, a.SIPAddress, a.ref()); err != nil {
			return err
		}
		warn(a.ref(), fmt.Sprintf("%s stays, with its name and its SIP address %s", a.ref(), a.SIPAddress))
	}
	has, err := t.servicesOf(ctx, row.ID)
	if err != nil {
		return err
	}
	for _, a := range has {
		s, err := t.service(ctx, a.ServiceID)
		if err != nil {
			return err
		}
		if err := t.warnOfNames(ctx, s, warn); err != nil {
			return err
		}
		if err := t.handOverMailbox(ctx, s, was, row, warn); err != nil {
			return err
		}
		if err := t.clearOutcomes(ctx, s); err != nil {
			return err
		}
		if err := t.warnOfOwner(ctx, s, was, warn); err != nil {
			return err
		}
	}
	return nil
}

// warnOfNames warns of what may name a person on a line that stays: its name and the
// labels of its keys.
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

// handOverMailbox keeps the old person out of the mailbox of a service, unless
// others use it, and announces to the new one what was announced to him.
func (t *tx) handOverMailbox(ctx context.Context, s *Service, was, row *User, warn warning) error {
	_, m, err := t.mailboxOf(ctx, s.ID)
	if err != nil || m == nil {
		return err
	}
	if m.Email != "" && !m.announcesTo(was) && !strings.EqualFold(m.Email, row.Email) {
		warn(m.ref(), fmt.Sprintf("%s goes on announcing its messages to %s", m.ref(), m.Email))
	}
	return t.takeMailbox(ctx, m, was, row.Email, warn)
}

// warning warns under the rule that somebody goes by.
type warning func(about Ref, text string)

// leaveMailbox keeps a person who leaves a service out of its mailbox, unless others
// use it, and announces nothing to him any more.
func (t *tx) leaveMailbox(ctx context.Context, s *Service, was *User, warn warning) error {
	_, m, err := t.mailboxOf(ctx, s.ID)
	if err != nil || m == nil {
		return err
	}
	return t.takeMailbox(ctx, m, was, "", warn)
}

// announcesTo reports whether a mailbox announces its messages to a user.
func (m *Mailbox) announcesTo(u *User) bool {
	return m.Email != "" && (strings.EqualFold(m.Email, u.Email) || strings.EqualFold(m.Email, u.Login))
}

// takeMailbox announces to another address what a mailbox announced to a person,
// and clears the PIN that he knows; where others use it, it stays, and a warning
// says so.
func (t *tx) takeMailbox(ctx context.Context, m *Mailbox, was *User, to string, warn warning) error {
	others, err := t.othersOf(ctx, m.ServiceID, was.ID)
	if err != nil {
		return err
	}
	now := copyOf(m)
	if m.announcesTo(was) {
		now.Email = to
		t.did("mailbox.modified", m.ref(), m.Number)
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

// warnOfOwner warns of an owner of a line who goes by the old person's user ID or
// email address, or by what stands before the @. Owners are principals of whoever
// signs people in: that they are the same person is not certain enough to remove
// one.
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

// welcome sends a welcome email to a new person, unless it is to be left out or he
// is disabled: then it is sent when he is enabled, by SendWelcomeMail.
func (t *tx) welcome(u *User, leftOut bool) {
	switch {
	case leftOut:
	case u.State == UserDisabled:
		t.warn(rule.USR12, u.ref(), "%s is disabled: the welcome email is not sent", u.ref())
	default:
		t.did("user.welcome-mail", u.ref(), "")
	}
}
