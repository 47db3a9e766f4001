package pbx

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Mailbox is the embedded voicemail of a service (VM-1). What operations return
// knows whether there is a PIN, and nothing else of it.
type Mailbox struct {
	TenantID    TenantID
	ServiceID   ServiceID
	Rev         int64
	Number      string // 2 to 7 digits, unique in the tenant, not starting with 0 (VM-4)
	Email       string // where messages are announced, or ""
	LockedUntil time.Time
	CreatedAt   time.Time

	tries   int64 // wrong PINs since the last right one, or the last lock
	pinHash []byte
}

// HasPIN reports whether a PIN was ever set; without one nobody gets in.
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

// shown is the copy that an operation returns: of the PIN's hash it keeps only
// whether there is one.
func (m *Mailbox) shown() *Mailbox {
	c := *m
	c.pinHash = m.pinHash[:0:0]
	return &c
}

// NewMailbox is what a new mailbox needs to know (AddMailbox, SetUpUser).
type NewMailbox struct {
	Number string // "": the service's DN
	Email  string // where messages are announced, or ""
	PIN    PIN    // "": nobody gets in until SetPIN
}

// AddMailbox gives a service its mailbox, at most one (VM-1).
//
// Errors: ErrInvalid for bad fields, all at once (VM-4, VM-5); ErrNotFound;
// ErrConflict where the service has one (VM-1) or the number is another's, whom
// it names (VM-4); ErrFailedPrecondition for a DN that has not the voicemail
// length (VM-2) and for a remote service (SVC-11).
func (d *Directory) AddMailbox(ctx context.Context, service ServiceID, in NewMailbox) (*Mailbox, error) {
	hash, err := d.hashNew(ctx, "AddMailbox", in.PIN)
	if err != nil {
		return nil, err
	}
	var made *Mailbox
	err = d.change(ctx, "AddMailbox", func(p *prefetch) {
		line := p.withMailbox(service)
		line.to(mailboxesByNumber, "dn")
		if in.PIN != "" {
			line.guessed()
		}
		p.get(mailboxesByNumber, in.Number)
	}, func(t *tx) error {
		s, has, err := t.mailboxOf(ctx, service)
		if err != nil {
			return err
		}
		if err := t.editable(s); err != nil {
			return err
		}
		if has != nil {
			return &Error{Code: rule.VM1, Kind: ErrConflict, Subject: s.ref(), Holder: has.ref(), Reason: s.ref().String() + " has a mailbox already"}
		}
		row := t.newMailbox(s, in, hash)
		var check validation
		var awaited E164
		if in.PIN != "" {
			if awaited, err = t.awaitedNumber(ctx, s); err != nil {
				return err
			}
		}
		if err := t.validateNewMailbox(ctx, s, awaited, row, in.PIN, &check); err != nil {
			return err
		}
		if err := check.err(); err != nil {
			return err
		}
		t.addMailbox(row)
		made = row.shown()
		return nil
	})
	return made, err
}

// hashNew hashes the PIN of a new mailbox, if it has one. That is slow, so it comes
// before the tenant is locked, and for nobody to whom the operation is not granted.
func (d *Directory) hashNew(ctx context.Context, operation string, pin PIN) ([]byte, error) {
	if pin == "" {
		return nil, nil
	}
	if _, err := d.enter(ctx, operation); err != nil {
		return nil, err
	}
	return d.core.hashPIN(pin)
}

// newMailbox is a mailbox about to be added to a service.
func (t *tx) newMailbox(s *Service, in NewMailbox, hash []byte) *Mailbox {
	number := cmp.Or(in.Number, string(s.DN))
	return &Mailbox{TenantID: t.tenantID, ServiceID: s.ID, Number: number, Email: in.Email, CreatedAt: t.now, pinHash: hash}
}

// validateNewMailbox checks the mailbox of a service, new itself or not; a service whose
// DN was refused has none, and then what rests on it is not looked at.
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

// addMailbox stages a mailbox that validateNewMailbox found right.
func (t *tx) addMailbox(row *Mailbox) {
	t.Insert(row)
	t.did("mailbox.created", row.ref(), row.Number)
}

// validate checks the fields that the caller gives.
func (m *Mailbox) validate(check *validation) {
	m.validateNumber(check)
	m.validateEmail(check)
}

func (m *Mailbox) validateNumber(check *validation) {
	switch {
	case !digits(m.Number) || len(m.Number) < 2 || len(m.Number) > 7:
		check.refuse(rule.VM4, "Number", "not a mailbox number of 2 to 7 digits")
	case m.Number[0] == '0':
		check.refuse(rule.VM4, "Number", "a mailbox number does not start with 0")
	}
}

func (m *Mailbox) validateEmail(check *validation) {
	if m.Email != "" {
		check.email(rule.VM1, "Email", m.Email)
	}
}

// takesMailbox reports whether a DN has the voicemail length (VM-2).
func (t *tx) takesMailbox(dn Extension) bool {
	return int64(len(dn)) == t.tenant.Policy.VoicemailDigits
}

func (t *tx) voicemailLength() string {
	if n := t.tenant.Policy.VoicemailDigits; n > 0 {
		return fmt.Sprintf("its DN has not the voicemail length of %d digits", n)
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
	var out *Mailbox
	err := d.read(ctx, "Mailbox", func(p *prefetch) { p.withMailbox(service) }, func(t *tx) error {
		_, m, err := t.mailbox(ctx, service)
		if err == nil {
			out = m.shown()
		}
		return err
	})
	return out, err
}

// ModifyMailbox saves a mailbox as read and then changed: its number and email
// address (VM-1). Messages and PIN stay.
//
// Errors: ErrInvalid for bad fields, all at once; ErrNotFound; ErrConflict for a
// number that is another's (VM-4); ErrFailedPrecondition (SVC-11); ErrStale,
// together with the mailbox as it is now (SVC-15), also when a PIN was set or a
// wrong one tried since.
func (d *Directory) ModifyMailbox(ctx context.Context, in *Mailbox) (*Mailbox, error) {
	var out *Mailbox
	err := d.change(ctx, "ModifyMailbox", func(p *prefetch) {
		p.withMailbox(in.ServiceID)
		p.get(mailboxesByNumber, in.Number)
	}, func(t *tx) error {
		s, was, err := t.mailbox(ctx, in.ServiceID)
		if err != nil {
			return err
		}
		if err := t.editable(s); err != nil {
			return err
		}
		if err := current(in.Rev, was.Rev, was.ref()); err != nil {
			out = was.shown()
			return err
		}
		row := copyOf(was)
		row.Number, row.Email = in.Number, in.Email
		var check validation
		row.validate(&check)
		if err := check.collect(t.freeMailboxNumber(ctx, row)); err != nil {
			return err
		}
		if err := check.err(); err != nil {
			return err
		}
		t.Update(was, row)
		t.did("mailbox.modified", row.ref(), row.Number)
		out = row.shown()
		return nil
	})
	return out, err
}

// DeleteMailbox deletes the mailbox of a service (VM-1).
//
// Errors: ErrNotFound; ErrFailedPrecondition (SVC-11).
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

// mailboxFollows ends the mailbox of a service whose DN changes, and makes a
// new, empty one for the new DN: without messages and PIN, announcing to the
// same address; where the new DN cannot have one, the service is left without. Of
// either it warns (VM-3).
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
	t.Update(m, fresh) // its revision goes on, so that a view of the old one is stale
	t.did("mailbox.created", fresh.ref(), fresh.Number)
	return nil
}

// mailboxObstacle says why a service cannot have a mailbox by its DN, or "".
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
