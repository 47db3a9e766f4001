package pbx

import (
	"context"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
)

// NewUser is what creating a user takes. A name, an email address and an
// extension are enough (USR-1).
type NewUser struct {
	FirstName, LastName string // up to 64 characters; one of the two may be empty
	Email               string // RFC 5322 addr-spec, up to 254 characters
	Login               string // the user ID; empty: the email address (USR-3)
	Extension           Extension

	// All that follows may be left out (USR-5).
	Mobile      E164
	Department  string // up to 64 characters
	LocationID  LocationID
	MusicOnHold string     // up to 64 characters
	SIPAddress  SIPAddress // empty: generated (EXT-6)
	E911        bool

	ActivateLater bool // leave the user pending: nothing works or is billed yet (USR-13)
	NoWelcomeMail bool // do not send the welcome email (USR-12)
}

// CreateUser creates a user with an extension of his own and no service
// (USR-1, NUM-12). He is active at once unless it is to be later, and a welcome
// email goes out through the journal unless it is left out.
//
// Errors: ErrInvalid for bad fields (USR-1, USR-3, USR-6, EXT-1, EXT-3, EXT-6),
// ErrConflict for a user ID, extension or SIP address that is taken (USR-3,
// EXT-2, EXT-6), ErrNotFound for the location: all at once.
func (d *Directory) CreateUser(ctx context.Context, in NewUser) (*User, error) {
	var made *User
	err := d.change(ctx, "CreateUser", func(p *prefetch) { p.newcomer(&in) }, func(t *tx) error {
		row, err := t.createUser(ctx, &in)
		if err == nil {
			made = copyOf(row)
		}
		return err
	})
	return made, err
}

// createUser stages a user with an extension of his own.
func (t *tx) createUser(ctx context.Context, in *NewUser) (*User, error) {
	var check validation
	row, at, err := t.newUser(ctx, in, &check)
	if err != nil {
		return nil, err
	}
	if in.Extension == "" {
		check.refuse(rule.USR1, "Extension", "is missing")
	} else if err := check.collect(t.takeExtension(ctx, "Extension", in.Extension, at)); err != nil {
		return nil, err
	}
	if err := t.validateAddress(ctx, row, in.SIPAddress, in.Extension, &check); err != nil {
		return nil, err
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	t.addUser(row, in, in.Extension)
	t.enterDialPlan(&DialEntry{Digits: in.Extension, UserID: row.ID, MainOf: row.ID})
	return row, nil
}

// newUser looks at everything about a new user but his extension and his SIP
// address, and returns the row that addUser will stage. Bad fields are left at
// the door.
func (t *tx) newUser(ctx context.Context, in *NewUser, check *validation) (*User, *Location, error) {
	row := &User{
		TenantID: t.tenantID, FirstName: in.FirstName, LastName: in.LastName, Email: in.Email, Login: in.Login,
		State: UserActive, Mobile: in.Mobile, Department: in.Department, LocationID: in.LocationID,
		MusicOnHold: in.MusicOnHold, E911: in.E911, CreatedAt: t.now, ActivatedAt: t.now,
	}
	if in.ActivateLater {
		row.State, row.ActivatedAt = UserPending, time.Time{}
	}
	if row.Login == "" {
		row.Login = row.Email
	}
	check.names(row)
	check.email(rule.USR1, "Email", row.Email)
	at, err := t.validateUser(ctx, row, nil, check)
	return row, at, err
}

// names checks the names of a user.
func (check *validation) names(u *User) {
	if u.FirstName == "" && u.LastName == "" {
		check.refuse(rule.USR1, "Name", "is missing")
	}
	check.text(rule.USR1, "FirstName", u.FirstName, maxName)
	check.text(rule.USR1, "LastName", u.LastName, maxName)
}

// email looks at an address of the form local@domain (RFC 5322 addr-spec).
func (check *validation) email(code rule.Code, field, s string) {
	if s == "" {
		check.refuse(code, field, "is missing")
		return
	}
	if len(s) > maxEmail || !validEmail(s) {
		check.refuse(code, field, "not an email address of up to %d characters", maxEmail)
	}
}

func validEmail(s string) bool {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unprintable(r) || unicode.IsSpace(r) }) {
		return false
	}
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s && parsed.Name == ""
}

// validate checks what anything can be written in, but for his names.
func (u *User) validate(check *validation) {
	if u.Mobile != "" {
		check.e164(rule.USR5, "Mobile", u.Mobile)
	}
	check.text(rule.USR5, "Department", u.Department, maxName)
	check.text(rule.USR5, "MusicOnHold", u.MusicOnHold, maxName)
}

// validateUser checks the fields of a user, new or modified, behind his names and his
// email address, which can be cleared where he is modified; and folds them. It
// returns his location, or nil.
func (t *tx) validateUser(ctx context.Context, u, was *User, check *validation) (*Location, error) {
	u.validate(check)
	u.firstFolded, u.lastFolded = text.Fold(u.FirstName), text.Fold(u.LastName)
	if err := t.validateLogin(ctx, u, was, check); err != nil {
		return nil, err
	}
	at, err := t.location(ctx, u.LocationID)
	if err := check.collect(err); err != nil {
		return nil, err
	}
	if u.E911 && (at == nil || !at.dispatchable()) {
		check.refuse(rule.USR6, "E911", "needs a location with street, city and postal code, where help can be sent")
	}
	return at, nil
}

// validateLogin checks the user ID (USR-3). A new user's that was filled in from a
// bad email address is not refused a second time.
func (t *tx) validateLogin(ctx context.Context, u, was *User, check *validation) error {
	u.loginFolded = text.FoldLogin(u.Login)
	if u.Login != u.Email || was != nil {
		check.email(rule.USR3, "Login", u.Login)
	}
	if !validEmail(u.Login) || was != nil && u.loginFolded == was.loginFolded {
		return nil
	}
	return check.collect(t.freeLogin(ctx, u))
}

// freeLogin refuses a user ID that anyone has, in any tenant; who has it is
// said only within the tenant (USR-3, ACC-1).
func (t *tx) freeLogin(ctx context.Context, u *User) error {
	taken, err := one[*User](ctx, t, usersByLogin, u.loginFolded)
	if err != nil || taken == nil {
		return err
	}
	refusal := &Error{Code: rule.USR3, Kind: ErrConflict, Field: "Login", Subject: Ref{Kind: "user ID", ID: u.Login},
		Reason: "the user ID " + u.Login + " is taken"}
	if taken.TenantID == t.tenantID {
		refusal.Holder = taken.ref()
		refusal.Reason += " by " + taken.ref().String()
	}
	return refusal
}

// validateAddress gives a new user the SIP address that he wants, or one that is
// generated (EXT-6).
func (t *tx) validateAddress(ctx context.Context, u *User, wanted SIPAddress, e Extension, check *validation) error {
	address, err := t.sipAddress(ctx, wanted, u.Login, e)
	u.SIPAddress = address
	return check.collect(err)
}

// addUser stages a user that has been looked at, his SIP address, and the
// welcome email.
func (t *tx) addUser(row *User, in *NewUser, e Extension) {
	row.ID = t.newID()
	t.Insert(row)
	t.claimSIP(row.SIPAddress, row.ID, AliasID{})
	t.did("user.created", row.ref(), string(e))
	if !in.NoWelcomeMail {
		t.did("user.welcome-mail", row.ref(), "")
	}
}
