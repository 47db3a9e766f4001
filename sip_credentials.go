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

// Credentials are what a phone signs in to a SIP server with, as one of the SIP
// addresses of a user (EXT-7): their own or an alias's.
type Credentials struct {
	Address  SIPAddress
	Username string   // what comes before the @
	Realm    string   // the tenant's SIP domain
	Password Password // in the clear; Reveal returns it, and it is kept nowhere else
	IssuedAt time.Time
}

// IssueCredentials issues new credentials for a SIP address of an active user or of
// one of their aliases; those that it had before end (EXT-7).
//
// The password is random and is not stored. What is stored is its hash with the user
// name and the realm: by SHA-256 and, with WithMD5Credentials, by MD5 too. The
// hashes are sealed under a key that is in no store. Credentials end with their
// address, and when their user is disabled (USR-13) or handed over (USR-15). In a
// batch or a review the password can be revealed after the commit.
//
// Errors: ErrNotFound for an address that nobody in the tenant has;
// ErrFailedPrecondition if the user is not active (USR-13); ErrMisuse if New was
// given neither WithSealer nor WithUnsealedCredentials.
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

// issue stages new credentials for an identity.
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

// ownIdentity reads the claim on an address, in any case, of a user or an alias of
// the tenant.
func (t *tx) ownIdentity(ctx context.Context, address SIPAddress) (*SIPIdentity, error) {
	s, err := t.sipIdentity(ctx, SIPAddress(strings.ToLower(string(address))))
	if err == nil && (s == nil || s.TenantID != t.tenantID) {
		return nil, notFound("SIP address", string(address))
	}
	return s, err
}

// bearer returns the name of the user or the alias that has an address, and the
// user.
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

// Password is the password of SIP credentials. It is not stored: the caller of
// IssueCredentials reveals it and passes it on, once. Printed or marshalled it is
// only the word "password" in brackets, so that it does not get into logs.
type Password struct {
	reveal func() (string, error) // a function, which nothing that prints values looks into
}

// Reveal returns the password.
//
// Errors: ErrFailedPrecondition until the batch or the review that issued it is
// committed, and if that later issued others for the address or ended them.
func (p Password) Reveal() (string, error) {
	if p.reveal == nil {
		return "", &Error{Code: rule.EXT7, Kind: ErrFailedPrecondition, Field: "Password", Reason: "no password was issued"}
	}
	return p.reveal()
}

// Format writes "[password]", whatever the verb.
func (Password) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[password]") }

// MarshalText returns "[password]".
func (Password) MarshalText() ([]byte, error) { return []byte("[password]"), nil }

// drawn is a password that becomes valid and can be revealed with the commit, if it
// is the last one issued for the address in that transaction.
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

// passwordBytes is how many random bytes a password has: 160 bits.
const passwordBytes = 20

// drawPassword draws a password of letters and digits that are hard to confuse and
// can be typed on a phone.
func (c *core) drawPassword() (*drawn, error) {
	random, err := c.draw(rule.EXT7, passwordBytes)
	if err != nil {
		return nil, err
	}
	return &drawn{text: strings.ToLower(base32.StdEncoding.EncodeToString(random))}, nil
}

// password returns the Password that reveals it.
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
		return nil, noRandomness(code, err)
	}
	return b, nil
}

// Digest is what a SIP registrar needs to check a phone's credentials.
type Digest struct {
	Address  SIPAddress
	Username string
	Realm    string
	IssuedAt time.Time
	SHA256   HA1
	MD5      HA1 // "" if they were issued without WithMD5Credentials
}

// Digest returns the hashes of the credentials of a SIP address, for a registrar's
// back end (EXT-7). Only support can: for the addresses of the tenant that the
// Directory works in, and in the tenant Provider for those of any tenant. Only active
// users and their aliases have credentials, so whoever has them may sign in.
//
// Errors: ErrNotFound for an address without credentials; ErrStorage if they cannot
// be opened, because they were sealed under a key that New was not given.
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

// digest opens the hashes of an identity.
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

// HA1 is the hash of user name, realm and password with which a registrar checks a
// phone's response, in lower-case hexadecimal (RFC 7616, RFC 8760). It is as good as
// the password: whoever has it can sign in. Printed or marshalled it is only the
// word "HA1" in brackets; convert it to a string for its value.
type HA1 string

// Format writes "[HA1]", whatever the verb.
func (HA1) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[HA1]") }

// MarshalText returns "[HA1]".
func (HA1) MarshalText() ([]byte, error) { return []byte("[HA1]"), nil }

func ha1(hash []byte) HA1 { return HA1(hex.EncodeToString(hash)) }

// SIPIdentity returns which user or alias of the tenant has a SIP address, and when
// its credentials were issued (EXT-7). Errors: ErrNotFound.
func (d *Directory) SIPIdentity(ctx context.Context, address SIPAddress) (*SIPIdentity, error) {
	return read(ctx, d, "SIPIdentity", func(p *prefetch) { p.sip(address) }, func(t *tx) (*SIPIdentity, error) {
		s, err := t.ownIdentity(ctx, address)
		if err != nil {
			return nil, err
		}
		return s.shown(), nil
	})
}
