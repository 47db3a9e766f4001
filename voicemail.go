package pbx

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Mailbox is the embedded voicemail of a service (VM-1). One that an operation
// returns knows whether there is a PIN, and nothing else about it.
type Mailbox struct {
	TenantID    TenantID
	ServiceID   ServiceID
	Rev         int64
	Number      string // 2 to 7 digits, unique in the tenant, not starting with 0 (VM-4)
	Email       string // where messages are announced, or ""
	LockedUntil time.Time
	CreatedAt   time.Time

	tries   int64 // wrong PINs since the last right one, or since the last lock
	pinHash []byte
}

// HasPIN reports whether there is a PIN. Without one nobody gets in.
func (m *Mailbox) HasPIN() bool { return m.pinHash != nil }

// Table returns the declaration of mailboxes.
func (m *Mailbox) Table() *store.Table { return mailboxesTable }

// Fields appends the mailbox's columns.
func (m *Mailbox) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &m.TenantID), id("service_id", &m.ServiceID), revision(&m.Rev),
		words("number", &m.Number), words("email", &m.Email), salted("pin_hash", &m.pinHash),
		integer("tries", &m.tries), maybeTime("locked_until", &m.LockedUntil), moment("created_at", &m.CreatedAt),
	)
}

func (m *Mailbox) ref() Ref { return Ref{"mailbox", m.ServiceID.String(), m.Number} }

// shown is the copy that an operation returns. It keeps whether there is a hash of a
// PIN, and not the hash.
func (m *Mailbox) shown() *Mailbox {
	c := *m
	c.pinHash = m.pinHash[:0:0]
	return &c
}

// NewMailbox is what adding a mailbox takes, in AddMailbox and in SetUpUser.
type NewMailbox struct {
	Number string // "": the service's DN
	Email  string // where messages are announced, or ""
	PIN    PIN    // "": nobody gets in until SetPIN
}

// AddMailbox gives a service its mailbox, of which it has at most one (VM-1).
//
// Errors: ErrNotFound; ErrInvalid for bad fields, all at once (VM-4, VM-5);
// ErrConflict where the service has a mailbox (VM-1), or another service has the
// number, which it names (VM-4); ErrFailedPrecondition for a DN that does not have
// the voicemail length (VM-2), and for a remote service (SVC-11).
func (d *Directory) AddMailbox(ctx context.Context, service ServiceID, in NewMailbox) (*Mailbox, error) {
	hash, err := d.hashNew(ctx, "AddMailbox", in.PIN)
	if err != nil {
		return nil, err
	}
	return change(ctx, d, "AddMailbox", func(p *prefetch) {
		line := p.withMailbox(service)
		line.to(mailboxesByNumber, "dn")
		if in.PIN != "" {
			line.guessed()
		}
		p.get(mailboxesByNumber, in.Number)
	}, func(t *tx) (*Mailbox, error) {
		s, has, err := t.mailboxOf(ctx, service)
		if err != nil {
			return nil, err
		}
		if err := t.editable(s); err != nil {
			return nil, err
		}
		if has != nil {
			return nil, &Error{Code: rule.VM1, Kind: ErrConflict, Subject: s.ref(), Holder: has.ref(), Reason: s.ref().String() + " has a mailbox already"}
		}
		row := t.newMailbox(s, in, hash)
		var check validation
		var awaited E164
		if in.PIN != "" {
			if awaited, err = t.awaitedNumber(ctx, s); err != nil {
				return nil, err
			}
		}
		if err := t.validateNewMailbox(ctx, s, awaited, row, in.PIN, &check); err != nil {
			return nil, err
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		t.addMailbox(row)
		return row.shown(), nil
	})
}

// hashNew hashes the PIN of a new mailbox, if it has one. Hashing is slow, so it is
// done before the tenant is locked, and only if the operation is granted.
func (d *Directory) hashNew(ctx context.Context, operation string, pin PIN) ([]byte, error) {
	if pin == "" {
		return nil, nil
	}
	if _, err := d.enter(ctx, operation); err != nil {
		return nil, err
	}
	return d.core.hashPIN(ctx, pin)
}

// newMailbox is a mailbox about to be added to a service.
func (t *tx) newMailbox(s *Service, in NewMailbox, hash []byte) *Mailbox {
	number := cmp.Or(in.Number, string(s.DN))
	return &Mailbox{TenantID: t.tenantID, ServiceID: s.ID, Number: number, Email: in.Email, CreatedAt: t.now, pinHash: hash}
}

// validateNewMailbox checks a new mailbox of a service, which may be new itself. A
// service whose DN was refused has none here, and what depends on it is not checked.
func (t *tx) validateNewMailbox(ctx context.Context, s *Service, awaited E164, row *Mailbox, pin PIN, check *validation) error {
	if s.DN != "" && !t.takesMailbox(s.DN) {
		check.refusals = append(check.refusals, &Error{Code: rule.VM2, Kind: ErrFailedPrecondition, Subject: s.ref(),
			Reason: fmt.Sprintf("%s cannot have a mailbox: %s", s.ref(), t.voicemailLength())})
		return nil
	}
	if row.Number != "" {
		row.validateNumber(check)
	}
	row.validateEmail(check)
	if pin != "" {
		if err := t.validatePIN(ctx, check, pin, s, awaited, row.Number); err != nil {
			return err
		}
	}
	if row.Number == "" {
		return nil
	}
	return check.collect(t.freeMailboxNumber(ctx, row))
}

// addMailbox stages a mailbox that validateNewMailbox has checked.
func (t *tx) addMailbox(row *Mailbox) {
	t.Insert(row)
	t.did("mailbox.created", row.ref(), row.Number)
}

// validate checks the fields that the caller gives.
func (m *Mailbox) validate(check *validation) {
	m.validateNumber(check)
	m.validateEmail(check)
}

// validateNumber checks the form of the number (VM-4).
func (m *Mailbox) validateNumber(check *validation) {
	switch {
	case !digits(m.Number) || len(m.Number) < 2 || len(m.Number) > 7:
		check.refuse(rule.VM4, "Number", "not a mailbox number of 2 to 7 digits")
	case m.Number[0] == '0':
		check.refuse(rule.VM4, "Number", "a mailbox number does not start with 0")
	}
}

// validateEmail checks the address where messages are announced, if any.
func (m *Mailbox) validateEmail(check *validation) {
	if m.Email != "" {
		check.email(rule.VM1, "Email", m.Email)
	}
}

// takesMailbox reports whether a DN has the voicemail length (VM-2).
func (t *tx) takesMailbox(dn Extension) bool {
	return int64(len(dn)) == t.tenant.Policy.VoicemailDigits
}

// voicemailLength says why a DN does not have the voicemail length (VM-2).
func (t *tx) voicemailLength() string {
	if n := t.tenant.Policy.VoicemailDigits; n > 0 {
		return fmt.Sprintf("its DN does not have the voicemail length of %d digits", n)
	}
	return "the tenant's policy allows no mailboxes"
}

// freeMailboxNumber refuses a number that another service's mailbox has, and
// names the service (VM-4).
func (t *tx) freeMailboxNumber(ctx context.Context, m *Mailbox) error {
	taken, err := one[*Mailbox](ctx, t, mailboxesByNumber, t.tenantID, m.Number)
	if err != nil || taken == nil || taken.ServiceID == m.ServiceID {
		return err
	}
	holder, err := t.service(ctx, taken.ServiceID)
	if err != nil {
		return err
	}
	return &Error{Code: rule.VM4, Kind: ErrConflict, Field: "Number", Subject: m.ref(), Holder: holder.ref(),
		Reason: "the mailbox number " + m.Number + " is taken by " + holder.ref().String()}
}

// mailboxOf reads a service, and its mailbox or nil, in one trip.
func (t *tx) mailboxOf(ctx context.Context, id ServiceID) (*Service, *Mailbox, error) {
	at := []any{t.tenantID, id}
	if err := t.Load(ctx, servicesTable.Key().At(at...), mailboxesTable.Key().At(at...)); err != nil {
		return nil, nil, err
	}
	s, err := t.service(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	m, err := one[*Mailbox](ctx, t, mailboxesTable.Key(), at...)
	return s, m, err
}

// mailbox reads a service and its mailbox.
func (t *tx) mailbox(ctx context.Context, id ServiceID) (*Service, *Mailbox, error) {
	s, m, err := t.mailboxOf(ctx, id)
	if err == nil && m == nil {
		err = notFound("mailbox", id.String())
	}
	return s, m, err
}

// Mailbox returns the mailbox of a service. Errors: ErrNotFound.
func (d *Directory) Mailbox(ctx context.Context, service ServiceID) (*Mailbox, error) {
	return read(ctx, d, "Mailbox", func(p *prefetch) { p.withMailbox(service) }, func(t *tx) (*Mailbox, error) {
		_, m, err := t.mailbox(ctx, service)
		if err != nil {
			return nil, err
		}
		return m.shown(), nil
	})
}

// ModifyMailbox saves a mailbox as read and then changed: its number and email
// address (VM-1). Messages and PIN stay, and so does a lock; anything else that was
// changed is refused, all of it at once.
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service (SVC-11); ErrStale,
// with the mailbox as it is now in the StaleError (SVC-15), also after a PIN was set
// or a wrong one was tried; ErrInvalid for bad fields and ErrConflict for a number
// that another service's mailbox has (VM-4), all at once.
func (d *Directory) ModifyMailbox(ctx context.Context, in *Mailbox) (*Mailbox, error) {
	return save(ctx, d, "ModifyMailbox", in, func(p *prefetch) {
		p.withMailbox(in.ServiceID)
		p.get(mailboxesByNumber, in.Number)
	}, func(t *tx) (*Mailbox, error) {
		s, was, err := t.mailbox(ctx, in.ServiceID)
		if err != nil {
			return nil, err
		}
		if err := t.editable(s); err != nil {
			return nil, err
		}
		if in.Rev != was.Rev {
			return nil, stale(was.shown(), was.ref())
		}
		row := copyOf(was)
		row.Number, row.Email = in.Number, in.Email
		var check validation
		check.kept(rule.VM1, in, was, "number email")
		row.validate(&check)
		if err := check.collect(t.freeMailboxNumber(ctx, row)); err != nil {
			return nil, err
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		t.Update(was, row)
		t.did("mailbox.modified", row.ref(), row.Number)
		return row.shown(), nil
	})
}

// DeleteMailbox deletes the mailbox of a service (VM-1).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a remote service (SVC-11).
func (d *Directory) DeleteMailbox(ctx context.Context, service ServiceID) error {
	return d.change(ctx, "DeleteMailbox", func(p *prefetch) { p.withMailbox(service) }, func(t *tx) error {
		s, _, err := t.mailbox(ctx, service)
		if err != nil {
			return err
		}
		if err := t.editable(s); err != nil {
			return err
		}
		return t.removeMailbox(ctx, s)
	})
}

// removeMailbox stages the end of a service's mailbox, if it has one.
func (t *tx) removeMailbox(ctx context.Context, s *Service) error {
	_, m, err := t.mailboxOf(ctx, s.ID)
	if err != nil || m == nil {
		return err
	}
	t.Remove(m)
	t.did("mailbox.deleted", m.ref(), m.Number)
	return nil
}

// mailboxFollows replaces the mailbox of a service whose DN changes by a new one for
// the new DN, which has no messages and no PIN and announces to the same address.
// Where the new DN cannot have a mailbox, the service is left without one. It warns of
// either (VM-3).
func (t *tx) mailboxFollows(ctx context.Context, was, now *Service) error {
	_, m, err := t.mailboxOf(ctx, now.ID)
	if err != nil || m == nil || was.DN == now.DN {
		return err
	}
	fresh := &Mailbox{TenantID: m.TenantID, ServiceID: m.ServiceID, Number: string(now.DN), Email: m.Email, CreatedAt: t.now}
	obstacle, err := t.mailboxObstacle(ctx, now, fresh)
	if err != nil {
		return err
	}
	t.did("mailbox.deleted", m.ref(), m.Number)
	if obstacle != "" {
		t.Remove(m)
		t.warn(rule.VM3, now.ref(), "mailbox %s is deleted with its messages, and %s gets no other: %s", m.Number, now.ref(), obstacle)
		return nil
	}
	t.warn(rule.VM3, now.ref(), "mailbox %s is deleted with its messages, and %s gets a new one, %s, which is empty and has no PIN", m.Number, now.ref(), fresh.Number)
	t.Update(m, fresh) // its revision rises, so that a change based on the old one is stale
	t.did("mailbox.created", fresh.ref(), fresh.Number)
	return nil
}

// mailboxObstacle says why a service cannot have a mailbox with its DN, or "".
func (t *tx) mailboxObstacle(ctx context.Context, s *Service, m *Mailbox) (string, error) {
	if !t.takesMailbox(s.DN) {
		return t.voicemailLength(), nil
	}
	var check validation
	m.validate(&check)
	err := check.collect(t.freeMailboxNumber(ctx, m))
	if err != nil || len(check.refusals) == 0 {
		return "", err
	}
	return check.refusals[0].Reason, nil
}
