package secret

import (
	"crypto/aes"
	"crypto/cipher"
)

// Sealer encrypts with AES-256-GCM. The nil Sealer opens nothing.
type Sealer struct {
	ciphers []cipher.AEAD // the first one seals, any opens
}

// The lengths of a key and of a nonce, and by how much a sealed text is longer: it
// has a nonce before it and a tag after it.
const (
	SealKey    = 32
	SealNonce  = 12
	SealGrowth = SealNonce + 16
)

// NewSealer returns a Sealer that seals with the first key and opens what was sealed
// with any of them. Every key has SealKey bytes.
func NewSealer(keys [][]byte) (*Sealer, error) {
	s := &Sealer{}
	for _, k := range keys {
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

// Seal encrypts a text. Open needs the same about to decrypt it.
func (s *Sealer) Seal(nonce, plain []byte, about string) []byte {
	return s.ciphers[0].Seal(nonce[:SealNonce:SealNonce], nonce, plain, []byte(about))
}

// Open decrypts what was sealed with one of the keys, and reports whether it was.
func (s *Sealer) Open(sealed []byte, about string) (plain []byte, ok bool) {
	if s == nil || len(sealed) < SealGrowth {
		return nil, false
	}
	for _, c := range s.ciphers {
		if plain, err := c.Open(nil, sealed[:SealNonce], sealed[SealNonce:], []byte(about)); err == nil {
			return plain, true
		}
	}
	return nil, false
}
