package pbx

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/pbxkit/pbx/internal/secret"
	"github.com/pbxkit/pbx/rule"
)

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

// HA1 is the hash of user name, realm and password that a registrar checks a
// phone's answer with, in lower-case hexadecimal (RFC 7616, RFC 8760). Whoever
// has it can sign in: it is as good as the password, and prints as [HA1].
type HA1 string

// Format writes [HA1], whatever the verb.
func (HA1) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[HA1]") }

// MarshalText returns [HA1].
func (HA1) MarshalText() ([]byte, error) { return []byte("[HA1]"), nil }

func ha1(hash []byte) HA1 { return HA1(hex.EncodeToString(hash)) }

// Sealer encrypts what is as good as a password before a store gets it: the
// hashes of SIP credentials (EXT-7), with AES-256-GCM, each bound to its address.
type Sealer struct{ keys *secret.Sealer }

// SealerFrom returns a Sealer that seals under a key, and opens also what was
// sealed under those that were in use before. Each has 32 random bytes, and is
// kept where the store's records are not.
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
	return &Sealer{s}, err
}

// Format writes [sealer], whatever the verb: the keys get into no log.
func (*Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[sealer]") }
