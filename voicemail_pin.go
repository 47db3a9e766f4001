package pbx

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pbxkit/pbx/internal/secret"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// PIN lets somebody into a mailbox. It is kept as a salted slow hash only
// (VM-5), and prints as [PIN], so that it gets into no log.
type PIN string

// Format writes [PIN], whatever the verb.
func (PIN) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalText returns [PIN]; reading a PIN from text takes it as it is.
func (PIN) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[PIN]"

// maxPIN is the longest PIN that any policy allows.
const maxPIN = 32

// SetPIN sets the PIN of a service's mailbox, and opens it if it was locked
// (VM-5): digits of the policy's length; not the DN, the mailbox's number, an
// extension of a user of the line, one of these backwards, or the end of the
// telephone number, also of one that is waited for; not repeated, not a run, not
// lines of the keypad.
//
// Errors: ErrInvalid, ErrNotFound, ErrFailedPrecondition (SVC-11).
func (d *Directory) SetPIN(ctx context.Context, service ServiceID, pin PIN) error {
	if _, err := d.enter(ctx, "SetPIN"); err != nil { // nobody's refusal is worth a hash
		return err
	}
	hash, err := d.core.hashPIN(pin) // slow, so before the tenant is locked
	if err != nil {
		return err
	}
	return d.change(ctx, "SetPIN", func(p *prefetch) { p.withMailbox(service).guessed() }, func(t *tx) error {
		s, m, err := t.mailbox(ctx, service)
		if err != nil {
			return err
		}
		if err := t.editable(s); err != nil {
			return err
		}
		var check validation
		awaited, err := t.awaitedNumber(ctx, s)
		if err != nil {
			return err
		}
		if err := t.validatePIN(ctx, &check, pin, s, awaited, m.Number); err != nil {
			return err
		}
		if err := check.err(); err != nil {
			return err
		}
		edit(t, m, func(m *Mailbox) { m.pinHash, m.tries, m.LockedUntil = hash, 0, time.Time{} })
		t.did("mailbox.pin-set", m.ref(), "")
		return nil
	})
}

// CheckPIN lets somebody into a service's mailbox, or refuses him and counts
// (VM-5). As many wrong PINs as the policy has tries lock the mailbox for a
// while, even for the right one, which otherwise begins the count anew.
//
// Errors: ErrDenied for a wrong PIN; ErrFailedPrecondition while the mailbox is
// locked, saying until when, while it has no PIN, while the service does not work
// (SVC-17), and while all its users are disabled (USR-13); ErrNotFound; ErrMisuse in
// a batch or a review, for one that is dropped would let PINs be tried without being
// counted.
func (d *Directory) CheckPIN(ctx context.Context, service ServiceID, pin PIN) error {
	if d.tx != nil {
		return misuse("a PIN cannot be checked in a batch or a review: where that is dropped the try would not count")
	}
	try := pinTry{pin: pin}
	plan := func(p *prefetch) { p.withMailbox(service).users() }
	err := d.read(ctx, "CheckPIN", plan, func(t *tx) error {
		m, err := t.openMailbox(ctx, service)
		if err == nil {
			try.hash = m.pinHash
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := try.compare(); err != nil { // slow, so before the tenant is locked
		return err
	}
	var verdict error // beside the closure's own error, for what it counts is to be saved
	err = d.change(ctx, "CheckPIN", plan, func(t *tx) error {
		verdict = nil
		m, err := t.openMailbox(ctx, service)
		if err != nil {
			return err
		}
		verdict, err = t.enterMailbox(m, &try)
		return err
	})
	if err != nil {
		return err
	}
	return verdict
}

// openMailbox reads a mailbox into which the right PIN lets somebody.
func (t *tx) openMailbox(ctx context.Context, service ServiceID) (*Mailbox, error) {
	s, m, err := t.mailbox(ctx, service)
	if err != nil {
		return nil, err
	}
	if err := t.serving(ctx, s); err != nil {
		return nil, err
	}
	if !s.works() {
		return nil, &Error{Code: rule.SVC17, Kind: ErrFailedPrecondition, Subject: s.ref(),
			Reason: s.ref().String() + " is " + string(s.Status) + ": nobody gets into its mailbox before it works"}
	}
	return m, m.shut(t.now)
}

// enterMailbox counts a try, and returns its refusal as the verdict. Even the
// right PIN passes through here, one try after the other: of many at once, the
// right one among them is refused when it comes behind too many wrong ones.
func (t *tx) enterMailbox(m *Mailbox, try *pinTry) (verdict, err error) {
	if !bytes.Equal(try.hash, m.pinHash) { // a new PIN was set meanwhile
		try.hash = m.pinHash
		if err := try.compare(); err != nil {
			return nil, err
		}
	}
	if try.right {
		if m.tries > 0 || !m.LockedUntil.IsZero() {
			edit(t, m, func(m *Mailbox) { m.tries, m.LockedUntil = 0, time.Time{} })
			t.did("mailbox.pin-accepted", m.ref(), "")
		}
		return nil, nil
	}
	wrong := &Error{Code: rule.VM5, Kind: ErrDenied, Field: "PIN", Subject: m.ref(), Reason: "the PIN is wrong"}
	policy := &t.tenant.Policy
	if m.tries+1 < policy.PINTries {
		edit(t, m, func(m *Mailbox) { m.tries++ })
		t.did("mailbox.pin-refused", m.ref(), "")
		return wrong, nil
	}
	row := edit(t, m, func(m *Mailbox) { m.tries, m.LockedUntil = 0, t.now.Add(policy.PINLock).Truncate(time.Microsecond) })
	t.did("mailbox.locked", m.ref(), "")
	wrong.Reason += ", and the mailbox is locked until " + row.LockedUntil.Format(time.RFC3339)
	return wrong, nil
}

// shut says why nobody gets in at present, whatever the PIN.
func (m *Mailbox) shut(now time.Time) error {
	reason := ""
	switch {
	case !m.HasPIN():
		reason = "the mailbox has no PIN yet: set one first"
	case now.Before(m.LockedUntil):
		reason = "the mailbox is locked until " + m.LockedUntil.Format(time.RFC3339)
	default:
		return nil
	}
	return &Error{Code: rule.VM5, Kind: ErrFailedPrecondition, Subject: m.ref(), Reason: reason}
}

// pinTry is a PIN held against a hash.
type pinTry struct {
	pin   PIN
	hash  []byte
	right bool
}

// compare sets whether the PIN is the one of the hash.
func (p *pinTry) compare() (err error) {
	p.right = false
	if len(p.pin) <= maxPIN {
		p.right, err = secret.MatchPIN(string(p.pin), p.hash)
	}
	return damaged(err)
}

// damaged is what a stored hash that is none comes to.
func damaged(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: rule.VM5, Kind: ErrStorage, Reason: "the stored PIN is damaged: set a new one", Err: err}
}

// hashPIN hashes a PIN with a salt of its own. What no policy allows as a PIN is
// not hashed; validatePIN refuses it.
func (c *core) hashPIN(pin PIN) ([]byte, error) {
	if len(pin) > maxPIN || !digits(string(pin)) {
		return nil, nil
	}
	salt, err := c.draw(rule.VM5, secret.PINSalt)
	if err != nil {
		return nil, err
	}
	return secret.HashPIN(string(pin), salt), nil
}

// validatePIN refuses a PIN of another length than the policy's, and one that is
// soon guessed (VM-5): what it is held against is on the service, which may be
// new, the number that it waits for among it. The reason never says what the PIN
// was.
func (t *tx) validatePIN(ctx context.Context, check *validation, pin PIN, s *Service, awaited E164, mailbox string) error {
	p := &t.tenant.Policy
	if n := int64(len(pin)); n < p.PINMinLength || n > p.PINMaxLength || !digits(string(pin)) {
		check.refuse(rule.VM5, "PIN", "not a PIN of %d to %d digits", p.PINMinLength, p.PINMaxLength)
		return nil
	}
	own, err := t.extensionsOfUsers(ctx, s)
	if err != nil {
		return err
	}
	weakness := secret.Weakness(string(pin))
	switch {
	case secret.EitherWay(string(pin), string(s.DN), mailbox):
		check.refuse(rule.VM5, "PIN", "a PIN is not the DN or the number of the mailbox, forwards or backwards")
	case secret.EitherWay(string(pin), own...):
		check.refuse(rule.VM5, "PIN", "a PIN is not an extension of a user of the line, forwards or backwards")
	case strings.HasSuffix(string(s.Number), string(pin)), strings.HasSuffix(string(awaited), string(pin)):
		check.refuse(rule.VM5, "PIN", "a PIN is not the end of the telephone number")
	case weakness != "":
		check.refuse(rule.VM5, "PIN", "too easy to guess: %s", weakness)
	}
	return nil
}

// extensionsOfUsers reads the extensions that point at the users of a service.
func (t *tx) extensionsOfUsers(ctx context.Context, s *Service) ([]string, error) {
	if s.ID.IsZero() {
		return nil, nil // it is new, and so is its user
	}
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil {
		return nil, err
	}
	var own []string
	for _, u := range users {
		entries, err := store.Gather(find[*DialEntry](ctx, t, store.Query{Index: extensionsByUser, Equal: []any{t.tenantID, u.ID}}))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			own = append(own, string(e.Digits))
		}
	}
	return own, nil
}

// awaitedNumber reads the number that a service waits for, or "".
func (t *tx) awaitedNumber(ctx context.Context, s *Service) (E164, error) {
	if s.Number == "" {
		return "", nil
	}
	n, err := t.number(ctx, rule.NUM3, s.Number)
	if err != nil {
		return "", err
	}
	return n.TemporaryFor, nil
}

// guessed plans what a PIN for the mailbox of each service is held against.
func (f prefetched) guessed() {
	f.to(numbersTable.Key(), "number")
	f.users().to(extensionsByUser, "id")
}
