package pbx

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// SIPAddress is user@domain without the scheme, in lower case.
type SIPAddress string

// SIPIdentity claims a SIP address for a user or for an alias, unique across
// all tenants (EXT-6), and keeps its credentials (EXT-7). What operations return
// knows since when there are some, and nothing else of them.
type SIPIdentity struct {
	Address  SIPAddress
	TenantID TenantID
	Rev      int64
	// Exactly one of the two is set.
	UserID   UserID
	AliasID  AliasID
	IssuedAt time.Time // of its credentials; zero: it has none

	sealed      bool   // the hashes are, under a Sealer's key
	sha256, md5 []byte // HA1; md5 only where New has WithMD5Credentials
}

// Table returns the declaration of SIP identities.
func (s *SIPIdentity) Table() *store.Table { return sipIdentitiesTable }

// Fields appends the identity's columns.
func (s *SIPIdentity) Fields(f []store.Field) []store.Field {
	return append(f,
		words("address", (*string)(&s.Address)), id("tenant_id", &s.TenantID), revision(&s.Rev),
		maybeID("user_id", &s.UserID), maybeID("alias_id", &s.AliasID), maybeTime("issued_at", &s.IssuedAt),
		boolean("ha1_sealed", &s.sealed), salted("ha1_sha256", &s.sha256), salted("ha1_md5", &s.md5),
	)
}

// shown is the copy that an operation returns: it keeps nothing of the hashes.
func (s *SIPIdentity) shown() *SIPIdentity {
	c := *s
	c.sealed, c.sha256, c.md5 = false, nil, nil
	return &c
}

// The bounds of generated SIP addresses.
const (
	maxSIPUser = 64 // characters before the @
	sipDraws   = 4  // random ends that are tried before giving up
)

// sipAddress lets a SIP address pass every rule (EXT-6): the wanted one, in
// lower case, or, where none is wanted, one generated from a user ID or a name
// and an extension, which may be "". It is claimed by claimSIP, behind whom it
// is for.
func (t *tx) sipAddress(ctx context.Context, wanted SIPAddress, from string, e Extension) (SIPAddress, error) {
	if wanted == "" {
		return t.generateSIP(ctx, from, e)
	}
	address, err := t.tenant.validateSIP(wanted)
	if err != nil {
		return "", err
	}
	return address, t.freeSIP(ctx, address)
}

// validateSIP returns a SIP address in its one form, if it has the form of one in
// the tenant's domain.
func (t *Tenant) validateSIP(wanted SIPAddress) (SIPAddress, error) {
	bad := func(format string, args ...any) error {
		return &Error{Code: rule.EXT6, Kind: ErrInvalid, Field: "SIPAddress", Reason: fmt.Sprintf(format, args...)}
	}
	user, domain, ok := strings.Cut(strings.ToLower(string(wanted)), "@")
	if !ok || !validSIPUser(user) {
		return "", bad("not a SIP address: 1 to %d letters, digits, '.', '_', '-' and '+', then @ and the domain", maxSIPUser)
	}
	if domain != t.SIPDomain {
		return "", bad("the domain of a SIP address of this tenant is %s", t.SIPDomain)
	}
	return SIPAddress(user + "@" + domain), nil
}

func validSIPUser(user string) bool {
	return user != "" && len(user) <= maxSIPUser && !strings.ContainsFunc(user, notInSIPUser)
}

func notInSIPUser(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-' || r == '+')
}

// freeSIP refuses an address that somebody has, and names who, unless it is
// another tenant's (EXT-6, ACC-1).
func (t *tx) freeSIP(ctx context.Context, address SIPAddress) error {
	taken, err := t.sipIdentity(ctx, address)
	if err != nil || taken == nil {
		return err
	}
	holder, err := t.identified(ctx, taken)
	if err != nil {
		return err
	}
	refusal := &Error{Code: rule.EXT6, Kind: ErrConflict, Field: "SIPAddress", Holder: holder,
		Subject: Ref{"SIP address", string(address), string(address)}, Reason: fmt.Sprintf("the SIP address %s is taken", address)}
	if holder != (Ref{}) {
		refusal.Reason += " by " + holder.String()
	}
	return refusal
}

// identified names who has an identity; nobody, where it is another tenant's.
func (t *tx) identified(ctx context.Context, s *SIPIdentity) (Ref, error) {
	switch {
	case s.TenantID != t.tenantID:
		return Ref{}, nil
	case !s.UserID.IsZero():
		u, err := one[*User](ctx, t, usersTable.Key(), t.tenantID, s.UserID)
		return refOf(u), err
	}
	a, err := one[*Alias](ctx, t, aliasesTable.Key(), t.tenantID, s.AliasID)
	return refOf(a), err
}

// generateSIP finds a free address: what comes before the @ of a user ID, or a
// name; with the extension behind it where that is taken; with random digits
// where that is taken too.
func (t *tx) generateSIP(ctx context.Context, from string, e Extension) (SIPAddress, error) {
	if err := t.prefetch(ctx, func(p *prefetch) { p.sipAddress("", from, "") }); err != nil {
		return "", err
	}
	local := sipUser(from)
	for try := range 2 + sipDraws {
		user := local
		switch {
		case try == 1 && e == "":
			continue
		case try == 1:
			user = withEnd(local, string(e))
		case try > 1:
			drawn := t.newID()
			user = withEnd(local, hex.EncodeToString(drawn[12:]))
		}
		address := SIPAddress(user + "@" + t.tenant.SIPDomain)
		taken, err := t.sipIdentity(ctx, address)
		if err != nil {
			return "", err
		}
		if taken == nil {
			return address, nil
		}
	}
	return "", &Error{Code: rule.EXT6, Kind: ErrExhausted, Field: "SIPAddress",
		Reason: "no free SIP address was found: choose one"}
}

// sipUser makes the user part of an address out of a user ID or a name.
func sipUser(from string) string {
	local, _, _ := strings.Cut(from, "@")
	local = strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '.'
		case notInSIPUser(r):
			return -1
		}
		return r
	}, text.Fold(local))
	if local = strings.Trim(local, "."); local == "" {
		return "user"
	}
	return local[:min(len(local), maxSIPUser)]
}

// withEnd puts an end behind a user part, which gives way where both are too
// long.
func withEnd(local, end string) string {
	end = end[:min(len(end), maxSIPUser/2)]
	return local[:min(len(local), maxSIPUser-len(end)-1)] + "-" + end
}

// sipIdentity reads who has an address, in whatever tenant, or nil.
func (t *tx) sipIdentity(ctx context.Context, address SIPAddress) (*SIPIdentity, error) {
	return one[*SIPIdentity](ctx, t, sipIdentitiesTable.Key(), string(address))
}

// claimSIP claims an address that sipAddress gave for a user or an alias, whose
// row is staged, with that address, before it.
func (t *tx) claimSIP(address SIPAddress, user UserID, alias AliasID) {
	t.Insert(&SIPIdentity{Address: address, TenantID: t.tenantID, UserID: user, AliasID: alias})
}

// releaseSIP gives an address of the tenant up, and its credentials with it; the
// user or alias that has it changes to another one, or goes, behind it.
func (t *tx) releaseSIP(ctx context.Context, address SIPAddress, holder Ref) error {
	s, err := t.sipIdentity(ctx, address)
	if err != nil || s == nil || s.TenantID != t.tenantID {
		return err
	}
	t.Remove(s)
	if !s.IssuedAt.IsZero() {
		t.did(holder.Kind+".credentials-ended", holder, "")
	}
	return nil
}
