package pbx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pbxkit/pbx/internal/secret"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// PIN lets somebody into a mailbox. Only a salted slow hash of it is stored (VM-5). It
// is printed as a fixed placeholder, so that it does not get into logs.
type PIN string

// Format writes the placeholder, whatever the verb.
func (PIN) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// MarshalText returns the placeholder. A PIN read from text is taken as it is.
func (PIN) MarshalText() ([]byte, error) { return []byte(redacted), nil }

const redacted = "[PIN]"

// maxPIN is the longest PIN that any policy allows.
const maxPIN = 32

// SetPIN sets the PIN of a service's mailbox, and unlocks it (VM-5). A PIN is made of
// digits, as many as the policy says. It must not be the DN, the mailbox's number or an
// extension of a user of the line, forwards or backwards; nor the end of the telephone
// number, or of the one that the line waits for; nor a pattern that is easy to guess,
// such as a run, a repetition or lines of the keypad.
//
// Errors: ErrNotFound; ErrInvalid for another PIN; ErrFailedPrecondition for a remote
// service (SVC-11).
func (d *Directory) SetPIN(ctx context.Context, service ServiceID, pin PIN) error {
	if _, err := d.enter(ctx, "SetPIN"); err != nil { // before the work of hashing
		return err
	}
	hash, err := d.core.hashPIN(ctx, pin) // slow, so before the tenant is locked
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

// CheckPIN accepts the PIN of a service's mailbox, or refuses it and counts the try
// (VM-5). After as many wrong PINs as the policy allows, the mailbox is locked for the
// policy's time, even for the right PIN. The right PIN resets the count. A lock that
// would last more than a day longer than that, because it was set by a clock that was
// ahead, or under another policy, is none.
//
// Errors: ErrNotFound; ErrDenied for a wrong PIN; ErrFailedPrecondition while the
// mailbox is locked, which says until when, while it has no PIN, while the service
// does not work (SVC-17), and while all its users are disabled (USR-13); ErrMisuse in
// a batch or a review, since one that is not committed would let PINs be tried
// without being counted.
func (d *Directory) CheckPIN(ctx context.Context, service ServiceID, pin PIN) error {
	if d.tx != nil {
		return misuse("a PIN cannot be checked in a batch or a review: if that is not committed, the try does not count")
	}
	plan := func(p *prefetch) { p.withMailbox(service).users() }
	hash, err := read(ctx, d, "CheckPIN", plan, func(t *tx) ([]byte, error) {
		m, err := t.openMailbox(ctx, service)
		if err != nil {
			return nil, err
		}
		return m.pinHash, nil
	})
	if err != nil {
		return err
	}
	try, err := pin.against(ctx, hash) // slow, so before the tenant is locked
	if err != nil {
		return err
	}
	refusal, err := change(ctx, d, "CheckPIN", plan, func(t *tx) (*Error, error) {
		m, err := t.openMailbox(ctx, service)
		if err != nil {
			return nil, err
		}
		return t.enterMailbox(ctx, m, try)
	})
	switch {
	case err != nil:
		return err
	case refusal != nil:
		return refusal
	}
	return nil
}

// openMailbox reads a mailbox that the right PIN opens at present, or says why none
// does.
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
	return m, m.shut(t.now, t.tenant.Policy.PINLock)
}

// enterMailbox counts a try, and returns the refusal of a wrong PIN. That is a result
// and not an error, since the count has to be saved. Tries are counted one after
// another: of many at the same time, even the right one is refused if it comes after
// too many wrong ones.
func (t *tx) enterMailbox(ctx context.Context, m *Mailbox, try pinTry) (refusal *Error, err error) {
	if !bytes.Equal(try.hash, m.pinHash) { // another PIN was set in the meantime
		if try, err = try.pin.against(ctx, m.pinHash); err != nil {
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

// clocksApart is how far the clocks of two machines may be apart before one does not
// believe the other's locks. It is long, since whoever reaches both machines could try
// PINs without end while it is exceeded.
const clocksApart = 24 * time.Hour

// locked reports whether the mailbox is locked, by a policy under which a lock lasts
// that long. The time of a lock is that of another machine's clock, perhaps: one that
// is further ahead than a lock can be is not believed.
func (m *Mailbox) locked(now time.Time, lasts time.Duration) bool {
	left := m.LockedUntil.Sub(now)
	return 0 < left && left <= lasts+clocksApart
}

// shut says why no PIN opens the mailbox at present, or nil.
func (m *Mailbox) shut(now time.Time, lasts time.Duration) error {
	reason := ""
	switch {
	case !m.HasPIN():
		reason = "the mailbox has no PIN yet: set one first"
	case m.locked(now, lasts):
		reason = "the mailbox is locked until " + m.LockedUntil.Format(time.RFC3339)
	default:
		return nil
	}
	return &Error{Code: rule.VM5, Kind: ErrFailedPrecondition, Subject: m.ref(), Reason: reason}
}

// pinTry is a PIN that was compared with a hash.
type pinTry struct {
	pin   PIN
	hash  []byte
	right bool
}

// against compares a PIN with a hash, which is slow.
func (p PIN) against(ctx context.Context, hash []byte) (pinTry, error) {
	try := pinTry{pin: p, hash: hash}
	if len(p) > maxPIN {
		return try, nil
	}
	right, err := secret.MatchPIN(ctx, string(p), hash)
	if err != nil {
		return pinTry{}, damaged(err)
	}
	try.right = right
	return try, nil
}

// damaged is the refusal for a stored hash that is not one; another error is returned
// as it is.
func damaged(err error) error {
	if !errors.Is(err, secret.ErrDamaged) {
		return err
	}
	return &Error{Code: rule.VM5, Kind: ErrStorage, Reason: "the stored PIN is damaged: set a new one", Err: err}
}

// hashPIN hashes a PIN with a salt of its own. What no policy allows as a PIN is not
// hashed: validatePIN refuses it later.
func (c *core) hashPIN(ctx context.Context, pin PIN) ([]byte, error) {
	if len(pin) > maxPIN || !digits(string(pin)) {
		return nil, nil
	}
	salt, err := c.draw(rule.VM5, secret.PINSalt)
	if err != nil {
		return nil, err
	}
	return secret.HashPIN(ctx, string(pin), salt)
}

// validatePIN refuses a PIN of another length than the policy's, and one that is easy
// to guess (VM-5): it is compared with what is known of the service, which may be new,
// and with the number that the service waits for. The reason never says what the PIN
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

// extensionsOfUsers reads the own extensions of all users of a service.
func (t *tx) extensionsOfUsers(ctx context.Context, s *Service) ([]string, error) {
	if s.ID.IsZero() {
		return nil, nil // it is new, and so are its users
	}
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil {
		return nil, err
	}
	var own []string
	for _, u := range users {
		entries, err := store.Collect(find[*DialEntry](ctx, t, store.Query{Index: extensionsByUser, Equal: []any{t.tenantID, u.ID}}))
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

// guessed plans to read what a PIN for the mailbox of each service is compared with.
func (f prefetched) guessed() {
	f.to(numbersTable.Key(), "number")
	f.users().to(extensionsByUser, "id")
}
