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

// SIPIdentity claims a SIP address, which is unique across all tenants, for a user
// or an alias (EXT-6), and keeps the hashes of its credentials (EXT-7). Operations
// return it without the hashes.
type SIPIdentity struct {
	Address  SIPAddress
	TenantID TenantID
	Rev      int64
	// Exactly one of the two is set.
	UserID   UserID
	AliasID  AliasID
	IssuedAt time.Time // when its credentials were issued; zero if it has none

	sealed      bool   // whether the hashes are sealed by a Sealer
	sha256, md5 []byte // the HA1 hashes; md5 is nil without WithMD5Credentials
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

// shown returns a copy without the hashes.
func (s *SIPIdentity) shown() *SIPIdentity {
	c := *s
	c.sealed, c.sha256, c.md5 = false, nil, nil
	return &c
}

// The bounds of generated SIP addresses.
const (
	maxSIPUser = 64 // characters before the @
	sipDraws   = 4  // random suffixes that are tried before giving up
)

// sipAddress returns a SIP address that keeps all rules and is free (EXT-6): the
// wanted one in lower case, or, if wanted is "", one generated from a user ID or a
// name and an extension, which may be "". The caller stages the user or the alias,
// and then claims the address by claimSIP.
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

// validateSIP returns a SIP address in lower case, and refuses it unless it is a
// well-formed one of the tenant's domain (EXT-6).
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

// freeSIP refuses an address that is taken, and names the holder if it is of this
// tenant (EXT-6, ACC-1).
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

// identified returns the user or the alias of an identity, or nothing if it is
// another tenant's.
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

// generateSIP finds a free address. It tries the part of a user ID before the @, or
// a name; then the same with the extension as a suffix; then random suffixes.
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

// sipUser makes the user part of a SIP address from a user ID or a name.
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

// withEnd adds a suffix to a user part, which is shortened if both are too long.
func withEnd(local, end string) string {
	end = end[:min(len(end), maxSIPUser/2)]
	return local[:min(len(local), maxSIPUser-len(end)-1)] + "-" + end
}

// sipIdentity reads the claim on an address in any tenant; nil if there is none.
func (t *tx) sipIdentity(ctx context.Context, address SIPAddress) (*SIPIdentity, error) {
	return one[*SIPIdentity](ctx, t, sipIdentitiesTable.Key(), string(address))
}

// claimSIP claims an address that sipAddress returned, for a user or an alias whose
// row is staged already with that address.
func (t *tx) claimSIP(address SIPAddress, user UserID, alias AliasID) {
	t.Insert(&SIPIdentity{Address: address, TenantID: t.tenantID, UserID: user, AliasID: alias})
}

// releaseSIP gives up an address of the tenant with its credentials. The caller then
// changes the address of the user or the alias that had it, or deletes that.
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
