package pbx

import (
	"context"
	"slices"
	"strings"
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
	var made *Credentials
	err := d.change(ctx, "IssueCredentials", func(p *prefetch) {
		claimed := p.sip(address)
		claimed.to(usersTable.Key(), "user_id")
		claimed.to(aliasesTable.Key(), "alias_id").to(usersTable.Key(), "user_id")
	}, func(t *tx) error {
		s, err := t.ownIdentity(ctx, address)
		if err != nil {
			return err
		}
		holder, u, err := t.bearer(ctx, s)
		if err != nil {
			return err
		}
		if u.State != UserActive {
			return &Error{Code: rule.USR13, Kind: ErrFailedPrecondition, Subject: holder, Holder: u.ref(),
				Reason: u.ref().String() + " is " + string(u.State) + ": only an active user has credentials"}
		}
		made, err = t.issue(s, holder)
		return err
	})
	return made, err
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

// What a sealed hash is about besides its address, so that none passes for the
// other.
const (
	sealedSHA256 = "SHA-256 "
	sealedMD5    = "MD5 "
)

// keep gives a hash the form in which it is stored.
func (c *core) keep(address SIPAddress, hash []byte, about string) ([]byte, error) {
	if c.unsealed {
		return slices.Clone(hash), nil
	}
	if c.sealer == nil {
		return nil, &Error{Code: rule.EXT7, Kind: ErrMisuse,
			Reason: "credentials are kept sealed: New needs WithSealer, or WithUnsealedCredentials to do without"}
	}
	nonce, err := c.draw(rule.EXT7, secret.SealNonce)
	if err != nil {
		return nil, err
	}
	return c.sealer.keys.Seal(nonce, hash, about+string(address)), nil
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
	var out *Digest
	err := d.read(ctx, "Digest", func(p *prefetch) { p.sip(address) }, func(t *tx) error {
		s, err := t.sipIdentity(ctx, SIPAddress(strings.ToLower(string(address))))
		if err != nil {
			return err
		}
		if s == nil || s.IssuedAt.IsZero() || s.TenantID != t.tenantID && t.tenantID != Provider {
			return notFound("SIP credentials", string(address))
		}
		out, err = t.core.digest(s)
		return err
	})
	return out, err
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

// opened is a hash as it was before keep.
func (c *core) opened(s *SIPIdentity, kept []byte, about string) (hash []byte, ok bool) {
	if !s.sealed || kept == nil {
		return kept, true
	}
	if c.sealer == nil {
		return nil, false
	}
	return c.sealer.keys.Open(kept, about+string(s.Address))
}

// SIPIdentity returns who in the tenant has a SIP address, and since when it has
// credentials, of which it shows nothing else (EXT-7). Errors: ErrNotFound.
func (d *Directory) SIPIdentity(ctx context.Context, address SIPAddress) (*SIPIdentity, error) {
	var out *SIPIdentity
	err := d.read(ctx, "SIPIdentity", func(p *prefetch) { p.sip(address) }, func(t *tx) error {
		s, err := t.ownIdentity(ctx, address)
		if err == nil {
			out = s.shown()
		}
		return err
	})
	return out, err
}
