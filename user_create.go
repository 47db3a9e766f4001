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

// NewUser is what creating a user takes. A name, an email address and an extension are
// enough (USR-1).
type NewUser struct {
	FirstName, LastName string // up to 64 characters; one of the two may be empty
	Email               string // RFC 5322 addr-spec, up to 254 characters
	Login               string // the user ID; empty: the email address (USR-3)
	Extension           Extension

	// The other fields may be left out (USR-5).
	Mobile      E164
	Department  string // up to 64 characters
	LocationID  LocationID
	MusicOnHold string     // up to 64 characters
	SIPAddress  SIPAddress // empty: generated (EXT-6)
	E911        bool

	ActivateLater bool // the user is pending: nothing works or is billed yet (USR-13)
	NoWelcomeMail bool // do not send the welcome email (USR-12)
}

// CreateUser creates a user with an extension and no service (USR-1, NUM-12). The user
// is active at once unless ActivateLater is set. The journal asks for a welcome email
// unless NoWelcomeMail is set (USR-12).
//
// Errors, all at once: ErrInvalid for bad fields (USR-1, USR-3, USR-5, USR-6, EXT-1,
// EXT-3, EXT-6); ErrConflict for a user ID, extension or SIP address that is taken
// (USR-3, EXT-2, EXT-6); ErrNotFound for the location.
func (d *Directory) CreateUser(ctx context.Context, in NewUser) (*User, error) {
	return change(ctx, d, "CreateUser", func(p *prefetch) { p.newcomer(&in) }, func(t *tx) (*User, error) {
		row, err := t.createUser(ctx, &in)
		if err != nil {
			return nil, err
		}
		return copyOf(row), nil
	})
}

// createUser stages a user with an extension.
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

// newUser checks everything about a new user except the extension and the SIP address.
// It returns the row for addUser to stage, and the location or nil; what is wrong is
// left in check.
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

// email checks an address of the form local@domain (RFC 5322 addr-spec).
func (check *validation) email(code rule.Code, field, s string) {
	if s == "" {
		check.refuse(code, field, "is missing")
		return
	}
	if len(s) > maxEmail || !validEmail(s) {
		check.refuse(code, field, "not an email address of up to %d characters", maxEmail)
	}
}

// validEmail reports whether s has the form of an email address, of whatever length.
func validEmail(s string) bool {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unprintable(r) || unicode.IsSpace(r) }) {
		return false
	}
	parsed, err := mail.ParseAddress(s)
	return err == nil && parsed.Address == s && parsed.Name == ""
}

// validate checks the fields that may hold any text, except the names.
func (u *User) validate(check *validation) {
	if u.Mobile != "" {
		check.e164(rule.USR5, "Mobile", u.Mobile)
	}
	check.text(rule.USR5, "Department", u.Department, maxName)
	check.text(rule.USR5, "MusicOnHold", u.MusicOnHold, maxName)
}

// validateUser checks the fields of a new or modified user except names and email
// address, and folds what searches compare. It returns the location, or nil.
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

// validateLogin checks the user ID (USR-3). One that was filled in from a bad email
// address is not refused a second time.
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

// freeLogin refuses a user ID that is taken in any tenant. The holder is named only
// within the tenant (USR-3, ACC-1).
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

// validateAddress sets the SIP address of a new user: the wanted one, or one that is
// generated (EXT-6).
func (t *tx) validateAddress(ctx context.Context, u *User, wanted SIPAddress, e Extension, check *validation) error {
	address, err := t.sipAddress(ctx, wanted, u.Login, e)
	u.SIPAddress = address
	return check.collect(err)
}

// addUser stages a user that newUser has checked, with SIP address and welcome email.
func (t *tx) addUser(row *User, in *NewUser, e Extension) {
	row.ID = t.newID()
	t.Insert(row)
	t.claimSIP(row.SIPAddress, row.ID, AliasID{})
	t.did("user.created", row.ref(), string(e))
	if !in.NoWelcomeMail {
		t.did("user.welcome-mail", row.ref(), "")
	}
}
