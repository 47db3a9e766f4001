package pbx

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"github.com/pbxkit/pbx/rule"
	"io"
)

// Sealer encrypts what is as good as a password before a store gets it: the
// hashes of SIP credentials (EXT-7), with AES-256-GCM, each bound to its address.
type Sealer struct {
	ciphers []cipher.AEAD // the first one seals, any opens
}

// sealKey is the length of a key, and sealGrowth that by which sealing makes
// something longer: a nonce before it and a tag behind it.
const (
	sealKey    = 32
	sealNonce  = 12
	sealGrowth = sealNonce + 16
)

// NewSealer returns a Sealer that seals under a key, and opens also what was
// sealed under those that were in use before. Each has 32 random bytes, and is
// kept where the store's records are not.
//
// Errors: ErrInvalid for a key of another length.
func NewSealer(key []byte, before ...[]byte) (*Sealer, error) {
	s := &Sealer{}
	for _, k := range append([][]byte{key}, before...) {
		if len(k) != sealKey {
			return nil, &Error{Code: rule.EXT7, Kind: ErrInvalid, Field: "Key", Reason: fmt.Sprintf("a key has %d bytes", sealKey)}
		}
		block, err := aes.NewCipher(k)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		s.ciphers = append(s.ciphers, aead)
	}
	return s, nil
}

// Format writes [sealer], whatever the verb: the keys get into no log.
func (*Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[sealer]") }

// seal encrypts a text that can be opened only together with what it is about.
func (s *Sealer) seal(nonce, plain []byte, about string) []byte {
	return s.ciphers[0].Seal(nonce[:sealNonce:sealNonce], nonce, plain, []byte(about))
}

// open decrypts what was sealed, or reports that it was not, under these keys.
func (s *Sealer) open(sealed []byte, about string) (plain []byte, ok bool) {
	if s == nil || len(sealed) < sealGrowth {
		return nil, false
	}
	for _, c := range s.ciphers {
		if plain, err := c.Open(nil, sealed[:sealNonce], sealed[sealNonce:], []byte(about)); err == nil {
			return plain, true
		}
	}
	return nil, false
}
