package pbx

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// UserState says whether a user's services work and are billed (USR-13).
type UserState string

// The states of a user.
const (
	UserPending  UserState = "pending"
	UserActive   UserState = "active"
	UserDisabled UserState = "disabled"
)

// User is a person: with no service, several, or one shared with others.
type User struct {
	TenantID  TenantID
	ID        UserID
	Rev       int64
	FirstName string // up to 64 characters; one of the two names may be empty
	LastName  string
	Email     string // where the user's mail goes; "" where it was cleared (USR-14)
	// Login is the user ID that the person signs in with. It has the form of an
	// email address, and is unique across all tenants without regard to case
	// (USR-3).
	Login        string
	State        UserState
	Mobile       E164
	Department   string // up to 64 characters
	LocationID   LocationID
	MusicOnHold  string     // the stream's name
	SIPAddress   SIPAddress // unique across all tenants (EXT-6)
	E911         bool       // emergency calls are dispatched to the location's address (USR-6)
	Station      string     // the package of the user's station, or "" (STN-1)
	Applications []string   // the applications enabled (STN-2)
	CreatedAt    time.Time
	ActivatedAt  time.Time // zero while pending

	loginFolded, firstFolded, lastFolded string
}

// Name returns the first and the last name, or the one that is not empty.
func (u *User) Name() string {
	switch {
	case u.FirstName == "":
		return u.LastName
	case u.LastName == "":
		return u.FirstName
	}
	return u.FirstName + " " + u.LastName
}

// Table returns the declaration of users.
func (u *User) Table() *store.Table { return usersTable }

// Fields appends the user's columns.
func (u *User) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &u.TenantID), id("id", &u.ID), revision(&u.Rev),
		words("first_name", &u.FirstName), words("last_name", &u.LastName),
		words("first_folded", &u.firstFolded), words("last_folded", &u.lastFolded),
		words("email", &u.Email), words("login", &u.Login), words("login_folded", &u.loginFolded),
		words("state", (*string)(&u.State)), optional("mobile", (*string)(&u.Mobile)),
		words("department", &u.Department), maybeID("location_id", &u.LocationID),
		words("music_on_hold", &u.MusicOnHold), words("sip_address", (*string)(&u.SIPAddress)),
		boolean("e911", &u.E911), optional("station", &u.Station), list("applications", &u.Applications),
		moment("created_at", &u.CreatedAt), maybeTime("activated_at", &u.ActivatedAt),
	)
}

func (u *User) ref() Ref { return Ref{"user", u.ID.String(), u.Name()} }

// user reads a user of the tenant.
func (t *tx) user(ctx context.Context, id UserID) (*User, error) {
	u, err := one[*User](ctx, t, usersTable.Key(), t.tenantID, id)
	if err == nil && u == nil {
		err = notFound("user", id.String())
	}
	return u, err
}

// User returns a user of the tenant. Errors: ErrNotFound.
func (d *Directory) User(ctx context.Context, id UserID) (*User, error) {
	return read(ctx, d, "User", func(p *prefetch) { p.user(id) }, func(t *tx) (*User, error) {
		u, err := t.user(ctx, id)
		if err != nil {
			return nil, err
		}
		return copyOf(u), nil
	})
}

// UserByLogin returns the user of the tenant with a user ID, without regard to case
// (USR-3). Errors: ErrNotFound, also for a user of another tenant.
func (d *Directory) UserByLogin(ctx context.Context, login string) (*User, error) {
	return read(ctx, d, "UserByLogin", func(p *prefetch) { p.login(login) }, func(t *tx) (*User, error) {
		u, err := one[*User](ctx, t, usersByLogin, text.FoldLogin(login))
		if err != nil {
			return nil, err
		}
		if u == nil || u.TenantID != t.tenantID {
			return nil, notFound("user", login)
		}
		return copyOf(u), nil
	})
}

// UserQuery selects users by the beginnings of their names, without regard to
// case and accents (USR-8). Empty fields select all.
type UserQuery struct {
	LastName, FirstName string
	Limit               int       // 0: all
	Page                PageToken // from TokenAfter
}

// index is the index of the name that the query selects by.
func (q UserQuery) index() *store.Index {
	if q.LastName == "" && q.FirstName != "" {
		return usersByFirst
	}
	return usersByLast
}

// TokenAfter returns the token of the page that begins after a user of this query's
// list, in the tenant that the Directory works in. It reads nothing (USR-8).
//
// Errors: ErrInvalid for a user of another tenant; ErrMisuse for nil.
func (q UserQuery) TokenAfter(d *Directory, u *User) (PageToken, error) {
	if d == nil || d.core == nil || u == nil {
		return "", withoutList(rule.USR8)
	}
	return d.tokenAfter(q.paged(d.scope()), u)
}

// Users yields the tenant's users in the order of last name and then first name, or of
// first name where the query has only that (USR-8). Errors: ErrInvalid for a page token
// of another query.
func (d *Directory) Users(ctx context.Context, q UserQuery) iter.Seq2[*User, error] {
	users, err := d.listingOf(ctx, "Users", q)
	if err != nil {
		return func(yield func(*User, error) bool) { yield(nil, err) }
	}
	return pages(ctx, d, "Users", users.query, users.limit, users.keep)
}

// paged is what the query's page tokens are bound to.
func (q UserQuery) paged(tenant TenantID) *pagedQuery {
	p := &pagedQuery{code: rule.USR8, operation: "Users", query: store.Query{Index: q.index(), Equal: []any{tenant}, Prefix: text.Fold(q.LastName)}}
	if p.query.Index == usersByFirst {
		p.query.Prefix = text.Fold(q.FirstName)
	} else {
		p.filter = text.Fold(q.FirstName)
	}
	return p
}

// listingOf is the range of the tenant's users that the query selects.
func (d *Directory) listingOf(ctx context.Context, operation string, q UserQuery) (listing[*User, *User], error) {
	p := q.paged(d.scope())
	users := listing[*User, *User]{query: p.query, limit: q.Limit}
	if p.filter != "" {
		users.keep = func(u *User) bool { return strings.HasPrefix(u.firstFolded, p.filter) }
	}
	var err error
	users.query.After, err = d.placeOf(ctx, operation, p, q.Page)
	return users, err
}

// ActivateUser activates a pending user: their services work, and billing starts, now
// (USR-13). A shared service waits for the last of its pending users. One that was
// added for later while somebody active had it waits for [Directory.ActivateService].
//
// Errors: ErrNotFound; ErrFailedPrecondition for a user who is not pending (USR-13).
func (d *Directory) ActivateUser(ctx context.Context, id UserID) (*User, error) {
	return change(ctx, d, "ActivateUser", func(p *prefetch) {
		lines := p.user(id).services()
		lines.users()
		lines.to(numbersTable.Key(), "number")
	}, func(t *tx) (*User, error) {
		u, err := t.user(ctx, id)
		if err != nil {
			return nil, err
		}
		if u.State != UserPending {
			return nil, u.inState(string(u.State) + ": only a pending user can be activated")
		}
		row := edit(t, u, func(u *User) { u.State, u.ActivatedAt = UserActive, t.now })
		t.did("user.activated", row.ref(), "")
		err = t.eachLine(ctx, row, func(s *Service, others []*User) error { return t.activateWith(ctx, s, others) })
		if err != nil {
			return nil, err
		}
		return copyOf(row), nil
	})
}

// inState refuses an operation because of the state that a user is in (USR-13).
func (u *User) inState(reason string) *Error {
	return &Error{Code: rule.USR13, Kind: ErrFailedPrecondition, Subject: u.ref(), Reason: u.ref().String() + " is " + reason}
}

// SendWelcomeMail sends the welcome email to a user's address, again or for the first
// time (USR-12).
//
// Errors: ErrNotFound; ErrFailedPrecondition for a user who is disabled (USR-13) or has
// no address (USR-12).
func (d *Directory) SendWelcomeMail(ctx context.Context, id UserID) error {
	return d.change(ctx, "SendWelcomeMail", func(p *prefetch) { p.user(id) }, func(t *tx) error {
		u, err := t.user(ctx, id)
		if err != nil {
			return err
		}
		if u.State == UserDisabled {
			return u.inState("disabled: enable them first")
		}
		if u.Email == "" {
			return &Error{Code: rule.USR12, Kind: ErrFailedPrecondition, Field: "Email", Subject: u.ref(), Reason: u.ref().String() + " has no email address"}
		}
		t.did("user.welcome-mail", u.ref(), "")
		return nil
	})
}
