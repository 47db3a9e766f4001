package pbx

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pbxkit/pbx/internal/secret"
	"github.com/pbxkit/pbx/rule"
)

// Credentials are what a phone signs in to a SIP server with, as one of the
// addresses of a user (EXT-7): his own or an alias's.
type Credentials struct {
	Address  SIPAddress
	Username string   // what comes before the @
	Realm    string   // the tenant's SIP domain
	Password Password // Reveal shows it, from now on and nowhere else
	IssuedAt time.Time
}

// IssueCredentials issues the credentials of a SIP address of an active user, his
// own or one of his aliases', in the place of those that it had (EXT-7). The
// password is drawn here and kept nowhere: what is kept is its hash with the user
// name and the realm, by SHA-256 and, where New has WithMD5Credentials, by MD5
// too, sealed under a key that no store has. Credentials end with their address,
// and when their user is disabled (USR-13) or handed over (USR-15). In a batch or
// a review the password can be revealed when that is committed.
//
// Errors: ErrNotFound for an address that nobody in the tenant has;
// ErrFailedPrecondition while the user is not active (USR-13); ErrMisuse where New
// has no Sealer and was not told to do without.
func (d *Directory) IssueCredentials(ctx context.Context, address SIPAddress) (*Credentials, error) {
	return change(ctx, d, "IssueCredentials", func(p *prefetch) {
		claimed := p.sip(address)
		claimed.to(usersTable.Key(), "user_id")
		claimed.to(aliasesTable.Key(), "alias_id").to(usersTable.Key(), "user_id")
	}, func(t *tx) (*Credentials, error) {
		s, err := t.ownIdentity(ctx, address)
		if err != nil {
			return nil, err
		}
		holder, u, err := t.bearer(ctx, s)
		if err != nil {
			return nil, err
		}
		if u.State != UserActive {
			return nil, &Error{Code: rule.USR13, Kind: ErrFailedPrecondition, Subject: holder, Holder: u.ref(),
				Reason: u.ref().String() + " is " + string(u.State) + ": only an active user has credentials"}
		}
		return t.issue(s, holder)
	})
}

// issue stages new credentials of an identity.
func (t *tx) issue(s *SIPIdentity, holder Ref) (*Credentials, error) {
	issued, err := t.core.drawPassword()
	if err != nil {
		return nil, err
	}
	user, realm, _ := strings.Cut(string(s.Address), "@")
	row := copyOf(s)
	row.IssuedAt, row.sealed, row.md5 = t.now, !t.core.unsealed, nil
	bySHA256, byMD5 := secret.Digests(user, realm, issued.text)
	if row.sha256, err = t.core.keep(s.Address, bySHA256[:], sealedSHA256); err != nil {
		return nil, err
	}
	if t.core.md5 {
		if row.md5, err = t.core.keep(s.Address, byMD5[:], sealedMD5); err != nil {
			return nil, err
		}
	}
	t.Update(s, row)
	t.did(holder.Kind+".credentials-issued", holder, "")
	issued.address, issued.kept = s.Address, row.sha256
	t.passwords = append(t.passwords, issued)
	return &Credentials{Address: s.Address, Username: user, Realm: realm, Password: issued.password(), IssuedAt: t.now}, nil
}

// ownIdentity reads the claim on an address, whatever its case, for a user or an
// alias of the tenant.
func (t *tx) ownIdentity(ctx context.Context, address SIPAddress) (*SIPIdentity, error) {
	s, err := t.sipIdentity(ctx, SIPAddress(strings.ToLower(string(address))))
	if err == nil && (s == nil || s.TenantID != t.tenantID) {
		return nil, notFound("SIP address", string(address))
	}
	return s, err
}

// bearer is who has an address, and the user that this is or belongs to.
func (t *tx) bearer(ctx context.Context, s *SIPIdentity) (holder Ref, u *User, err error) {
	if !s.UserID.IsZero() {
		u, err := t.user(ctx, s.UserID)
		return refOf(u), u, err
	}
	a, err := t.alias(ctx, s.AliasID)
	if err != nil {
		return Ref{}, nil, err
	}
	u, err = t.user(ctx, a.UserID)
	return a.ref(), u, err
}

// endCredentials stages the end of the credentials of an address, if it has any.
func (t *tx) endCredentials(ctx context.Context, address SIPAddress, holder Ref) error {
	s, err := t.sipIdentity(ctx, address)
	if err != nil || s == nil || s.IssuedAt.IsZero() {
		return err
	}
	edit(t, s, func(s *SIPIdentity) {
		s.IssuedAt, s.sealed, s.sha256, s.md5 = time.Time{}, false, nil, nil
	})
	t.did(holder.Kind+".credentials-ended", holder, "")
	return nil
}

// Password is the password of SIP credentials. It is kept nowhere: whoever
// issued it reveals it and hands it on, once. It prints as [password], so that it
// gets into no log.
type Password struct {
	reveal func() (string, error) // a function, which nothing that prints values looks into
}

// Reveal returns the password. Errors: ErrFailedPrecondition as long as the batch
// or the review in which it was issued is not committed, and where that issued
// others for the address behind it, or ended them.
func (p Password) Reveal() (string, error) {
	if p.reveal == nil {
		return "", &Error{Code: rule.EXT7, Kind: ErrFailedPrecondition, Field: "Password", Reason: "no password was issued"}
	}
	return p.reveal()
}

// Format writes [password], whatever the verb.
func (Password) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[password]") }

// MarshalText returns [password].
func (Password) MarshalText() ([]byte, error) { return []byte("[password]"), nil }

// drawn is a password that becomes valid, and can be revealed, with a commit, if
// it is the last one that this issued for the address.
type drawn struct {
	text    string
	address SIPAddress
	kept    []byte // what is stored of it
	state   atomic.Int32
}

// The states of a drawn password.
const (
	passwordUncommitted int32 = iota
	passwordValid
	passwordOvertaken
)

// passwordBytes are the random ones of a password: 160 bits.
const passwordBytes = 20

// drawPassword draws a password of letters and digits that are not mistaken for
// one another and can be typed into a phone.
func (c *core) drawPassword() (*drawn, error) {
	random, err := c.draw(rule.EXT7, passwordBytes)
	if err != nil {
		return nil, err
	}
	return &drawn{text: strings.ToLower(base32.StdEncoding.EncodeToString(random))}, nil
}

func (d *drawn) password() Password {
	return Password{func() (string, error) {
		reason := "the password can be revealed when the batch or review that issued it is committed"
		switch d.state.Load() {
		case passwordValid:
			return d.text, nil
		case passwordOvertaken:
			reason = "the batch or review that issued the password ended it too, or issued another one"
		}
		return "", &Error{Code: rule.EXT7, Kind: ErrFailedPrecondition, Field: "Password", Reason: reason}
	}}
}

// draw reads random bytes.
func (c *core) draw(code rule.Code, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(c.random, b); err != nil {
		return nil, &Error{Code: code, Kind: ErrStorage, Reason: "the source of randomness failed; nothing was changed", Err: err}
	}
	return b, nil
}

// Digest is what a registrar checks a phone's credentials with.
type Digest struct {
	Address  SIPAddress
	Username string
	Realm    string
	IssuedAt time.Time
	SHA256   HA1
	MD5      HA1 // "" unless they were issued with WithMD5Credentials
}

// Digest opens the credentials of a SIP address for a registrar's back end
// (EXT-7): support asks for those of the tenant that it is in, and in the
// Provider's for those of any. Only active users have credentials, and their
// aliases: whoever has them may sign in.
//
// Errors: ErrNotFound for an address that has none; ErrStorage where they cannot
// be opened, as they were sealed under a key that New was not given.
func (d *Directory) Digest(ctx context.Context, address SIPAddress) (*Digest, error) {
	return read(ctx, d, "Digest", func(p *prefetch) { p.sip(address) }, func(t *tx) (*Digest, error) {
		s, err := t.sipIdentity(ctx, SIPAddress(strings.ToLower(string(address))))
		if err != nil {
			return nil, err
		}
		if s == nil || s.IssuedAt.IsZero() || s.TenantID != t.tenantID && t.tenantID != Provider {
			return nil, notFound("SIP credentials", string(address))
		}
		return t.core.digest(s)
	})
}

// digest opens what an identity keeps.
func (c *core) digest(s *SIPIdentity) (*Digest, error) {
	bySHA256, opened := c.opened(s, s.sha256, sealedSHA256)
	byMD5, openedToo := c.opened(s, s.md5, sealedMD5)
	if !opened || !openedToo {
		return nil, &Error{Code: rule.EXT7, Kind: ErrStorage, Subject: Ref{"SIP address", string(s.Address), string(s.Address)},
			Reason: "the credentials are sealed under another key, or damaged: issue them again"}
	}
	user, realm, _ := strings.Cut(string(s.Address), "@")
	return &Digest{Address: s.Address, Username: user, Realm: realm, IssuedAt: s.IssuedAt, SHA256: ha1(bySHA256), MD5: ha1(byMD5)}, nil
}

// HA1 is the hash of user name, realm and password that a registrar checks a
// phone's answer with, in lower-case hexadecimal (RFC 7616, RFC 8760). Whoever
// has it can sign in: it is as good as the password, and prints as [HA1].
type HA1 string

// Format writes [HA1], whatever the verb.
func (HA1) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[HA1]") }

// MarshalText returns [HA1].
func (HA1) MarshalText() ([]byte, error) { return []byte("[HA1]"), nil }

func ha1(hash []byte) HA1 { return HA1(hex.EncodeToString(hash)) }

// SIPIdentity returns who in the tenant has a SIP address, and since when it has
// credentials, of which it shows nothing else (EXT-7). Errors: ErrNotFound.
func (d *Directory) SIPIdentity(ctx context.Context, address SIPAddress) (*SIPIdentity, error) {
	return read(ctx, d, "SIPIdentity", func(p *prefetch) { p.sip(address) }, func(t *tx) (*SIPIdentity, error) {
		s, err := t.ownIdentity(ctx, address)
		if err != nil {
			return nil, err
		}
		return s.shown(), nil
	})
}
