package model

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

var mailboxForm = regexp.MustCompile(`^[1-9][0-9]{1,6}$`)

func (m *Mailbox) ref() ref { return ref{"mailbox", m.Service, m.Number} }

func (t *Tenant) mailbox(service Handle) *Mailbox {
	return first(t.Mailboxes, func(m *Mailbox) bool { return m.Service == service })
}

// mailbox is a service's mailbox, with the service.
func (x *step) mailbox(service Handle) (*Service, *Mailbox) {
	s := x.service(service)
	if s == nil {
		return nil, nil
	}
	m := x.t.mailbox(service)
	if m == nil {
		x.missing("")
	}
	return s, m
}

// mailboxFields checks the number and the address of a mailbox (VM-1, VM-4).
func (x *step) mailboxFields(m *Mailbox) {
	x.form(rule.VM4, "Number", m.Number, mailboxForm)
	if m.Email != "" {
		x.form(rule.VM1, "Email", m.Email, emailForm)
	}
	if x.t.mailboxTaken(m) {
		x.refuse(rule.VM4, pbx.ErrConflict, "Number")
	}
}

func (t *Tenant) mailboxTaken(m *Mailbox) bool {
	return first(t.Mailboxes, func(other *Mailbox) bool { return other.Number == m.Number && other.Service != m.Service }) != nil
}

// takesMailbox reports whether a DN has the voicemail length (VM-2).
func (t *Tenant) takesMailbox(dn pbx.Extension) bool {
	return int64(len(dn)) == t.Policy.VoicemailDigits
}

// AddMailbox is the method of that name.
type AddMailbox struct {
	Service       Handle
	Number, Email string
	PIN           string
}

func (o AddMailbox) do(x *step) {
	s := x.service(o.Service)
	if s == nil || !x.editable(s) {
		return
	}
	if x.t.mailbox(s.ID) != nil {
		x.refuse(rule.VM1, pbx.ErrConflict, "")
		return
	}
	x.addMailbox(x.newMailbox(s, o))
}

func (x *step) addMailbox(m *Mailbox) {
	x.t.Mailboxes = append(x.t.Mailboxes, m)
	x.did("mailbox.created", m.ref(), m.Number)
}

// newMailbox checks a new mailbox. What depends on a DN that was refused, "", is
// not checked.
func (x *step) newMailbox(s *Service, o AddMailbox) *Mailbox {
	if s.DN != "" && !x.t.takesMailbox(s.DN) {
		x.refuse(rule.VM2, pbx.ErrFailedPrecondition, "")
		return &Mailbox{}
	}
	m := &Mailbox{Service: s.ID, Number: o.Number, Email: o.Email, PIN: Secret(o.PIN), CreatedAt: x.Now}
	if m.Number == "" {
		m.Number = string(s.DN)
	}
	if o.PIN != "" {
		x.pin(o.PIN, s, m)
	}
	if m.Number != "" {
		x.mailboxFields(m)
	} else if m.Email != "" {
		x.form(rule.VM1, "Email", m.Email, emailForm)
	}
	return m
}

// ModifyMailbox is the method of that name.
type ModifyMailbox struct {
	Service       Handle
	Number, Email string
	Kept          Set // what else the caller changed
	Stale         bool
}

func (o ModifyMailbox) do(x *step) {
	s, m := x.mailbox(o.Service)
	if m == nil || !x.editable(s) {
		return
	}
	if o.Stale {
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	x.kept(rule.VM1, o.Kept, "TenantID", "CreatedAt", "LockedUntil")
	m.Number, m.Email = o.Number, o.Email
	x.mailboxFields(m)
	x.did("mailbox.modified", m.ref(), m.Number)
}

// DeleteMailbox is the method of that name.
type DeleteMailbox struct{ Service Handle }

func (o DeleteMailbox) do(x *step) {
	if s, m := x.mailbox(o.Service); m != nil && x.editable(s) {
		x.dropMailbox(s.ID)
	}
}

func (x *step) dropMailbox(service Handle) {
	if m := x.t.mailbox(service); m != nil {
		x.t.Mailboxes = without(x.t.Mailboxes, func(other *Mailbox) bool { return other == m })
		x.did("mailbox.deleted", m.ref(), m.Number)
	}
}

// mailboxFollows deletes the mailbox of a service that has a new DN, and makes
// an empty one if the DN can have one (VM-3).
func (x *step) mailboxFollows(s *Service) {
	was := x.t.mailbox(s.ID)
	if was == nil {
		return
	}
	x.dropMailbox(s.ID)
	m := &Mailbox{Service: s.ID, Number: string(s.DN), Email: was.Email, CreatedAt: x.Now}
	if !x.t.takesMailbox(s.DN) || !mailboxForm.MatchString(m.Number) || x.t.mailboxTaken(m) {
		x.warn(rule.VM3, s.ref(), was.Number)
		return
	}
	x.warn(rule.VM3, s.ref(), was.Number)
	x.t.Mailboxes = append(x.t.Mailboxes, m)
	x.did("mailbox.created", m.ref(), m.Number)
}

// SetPIN is the method of that name.
type SetPIN struct {
	Service Handle
	PIN     string
}

func (o SetPIN) do(x *step) {
	s, m := x.mailbox(o.Service)
	if m == nil || !x.editable(s) {
		return
	}
	x.pin(o.PIN, s, m)
	m.PIN, m.Tries, m.LockedUntil = Secret(o.PIN), 0, noTime
	x.did("mailbox.pin-set", m.ref(), "")
}

// pin refuses a PIN of another length than the policy's, and one that is easy
// to guess (VM-5).
func (x *step) pin(pin string, s *Service, m *Mailbox) {
	p := x.t.Policy
	known := func(digits string) bool { return pin == digits || pin == reversed(digits) }
	for _, u := range x.t.usersOf(s.ID) {
		for _, e := range x.t.Entries {
			if e.User == u.ID && known(string(e.Digits)) {
				x.invalid(rule.VM5, "PIN")
				return
			}
		}
	}
	if n := x.Number(s.Number); n != nil && strings.HasSuffix(string(n.TemporaryFor), pin) {
		x.invalid(rule.VM5, "PIN")
		return
	}
	if n := int64(len(pin)); n < p.PINMinLength || n > p.PINMaxLength || !digitForm.MatchString(pin) ||
		known(string(s.DN)) || known(m.Number) || strings.HasSuffix(string(s.Number), pin) || easy(pin) {
		x.invalid(rule.VM5, "PIN")
	}
}

// easy reports whether digits are repeated, a run, a palindrome, or lines of the
// keypad.
func easy(pin string) bool {
	if pin == reversed(pin) || keypad.MatchString(pin) {
		return true
	}
	for n := 1; n <= len(pin)/2; n++ {
		if strings.HasPrefix(strings.Repeat(pin[:n], len(pin)), pin) {
			return true
		}
	}
	once := slices.Compact([]byte(pin))
	different, run := map[byte]bool{}, true
	for i := range once {
		different[once[i]] = true
		run = run && (i < 2 || (once[i]+20-once[i-1])%10 == (once[1]+20-once[0])%10)
	}
	return run || len(different) < 3
}

var keypad = regexp.MustCompile(`^(123|321|456|654|789|987|147|741|258|852|369|963|159|951|357|753|2580|0852)+$`)

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// CheckPIN is the method of that name.
type CheckPIN struct {
	Service Handle
	PIN     string
}

func (o CheckPIN) do(x *step) {
	s, m := x.mailbox(o.Service)
	if m == nil || !x.serving(s) {
		return
	}
	if s.Status != pbx.StatusActive && s.Status != pbx.StatusPendingCancellation {
		x.refuse(rule.SVC17, pbx.ErrFailedPrecondition, "")
		return
	}
	latest := x.Now.Add(x.t.Policy.PINLock + 24*time.Hour) // a lock that ends later is a wrong clock's
	locked := x.Now.Before(m.LockedUntil) && !m.LockedUntil.After(latest)
	right := string(m.PIN) == o.PIN
	switch {
	case m.PIN == "" || locked:
		x.refuse(rule.VM5, pbx.ErrFailedPrecondition, "")
	case right && m.Tries == 0 && m.LockedUntil.IsZero():
	case right:
		m.Tries, m.LockedUntil = 0, noTime
		x.did("mailbox.pin-accepted", m.ref(), "")
	case m.Tries+1 < x.t.Policy.PINTries:
		m.Tries++
		x.counted()
		x.did("mailbox.pin-refused", m.ref(), "")
	default:
		m.Tries, m.LockedUntil = 0, x.Now.Add(x.t.Policy.PINLock)
		x.counted()
		x.did("mailbox.locked", m.ref(), "")
	}
}

// counted refuses a wrong PIN, but keeps the count.
func (x *step) counted() {
	x.refuse(rule.VM5, pbx.ErrDenied, "PIN")
	x.stands = true
}
