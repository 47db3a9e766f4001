package secret

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Tokens seals texts that are handed out and come back. It needs no randomness: the
// nonce is a keyed hash of what is sealed, so equal texts make equal tokens, and the
// nonce never repeats for another text.
type Tokens struct {
	nonces []byte
	sealer *Sealer
}

// TokenKey is the length of the key that NewTokens needs.
const TokenKey = 32

// NewTokens returns Tokens under a key. The keys that encrypt are derived from it.
func NewTokens(key [TokenKey]byte) (*Tokens, error) {
	nonces, err := hkdf.Expand(sha256.New, key[:], "pbx page token 1: nonces", sha256.Size)
	if err != nil {
		return nil, err
	}
	seals, err := hkdf.Expand(sha256.New, key[:], "pbx page token 1: seals", SealKey)
	if err != nil {
		return nil, err
	}
	sealer, err := NewSealer([][]byte{seals})
	return &Tokens{nonces, sealer}, err
}

// Seal encrypts a text. Open needs the same about to decrypt it.
func (t *Tokens) Seal(plain []byte, about string) []byte {
	mac := hmac.New(sha256.New, t.nonces)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(about))))
	mac.Write([]byte(about))
	mac.Write(plain)
	return t.sealer.Seal(mac.Sum(nil)[:SealNonce], plain, about)
}

// Open decrypts what Seal made under the same key, and reports whether it was.
func (t *Tokens) Open(sealed []byte, about string) (plain []byte, ok bool) {
	return t.sealer.Open(sealed, about)
}
