package pbx

import (
	"fmt"
	"io"
	"slices"

	"github.com/pbxkit/pbx/internal/secret"
	"github.com/pbxkit/pbx/rule"
)

// Sealer encrypts the hashes of SIP credentials, which are as good as passwords,
// before they are stored (EXT-7): with AES-256-GCM, each bound to its SIP address.
type Sealer struct{ keys *secret.Sealer }

// SealerFrom returns a Sealer that seals under a key, and also opens what was sealed
// under the keys that were used before. A key is 32 random bytes, and should not be
// kept with the store.
//
// Errors: ErrInvalid for a key of another length.
func SealerFrom(key []byte, before ...[]byte) (*Sealer, error) {
	keys := append([][]byte{key}, before...)
	for _, k := range keys {
		if len(k) != secret.SealKey {
			return nil, &Error{Code: rule.EXT7, Kind: ErrInvalid, Field: "Key", Reason: fmt.Sprintf("a key has %d bytes", secret.SealKey)}
		}
	}
	s, err := secret.NewSealer(keys)
	if err != nil {
		return nil, err
	}
	return &Sealer{s}, nil
}

// Format writes "[sealer]", whatever the verb, so that the keys do not get into
// logs.
func (*Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[sealer]") }

// What a sealed hash is bound to besides its address, so that one cannot be passed
// off as the other.
const (
	sealedSHA256 = "SHA-256 "
	sealedMD5    = "MD5 "
)

// keep returns a hash in the form in which it is stored: sealed, unless New has
// WithUnsealedCredentials.
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

// opened returns a stored hash as it was before keep.
func (c *core) opened(s *SIPIdentity, kept []byte, about string) (hash []byte, ok bool) {
	if !s.sealed || kept == nil {
		return kept, true
	}
	if c.sealer == nil {
		return nil, false
	}
	return c.sealer.keys.Open(kept, about+string(s.Address))
}
