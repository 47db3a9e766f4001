package pbx

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/pbxkit/pbx/rule"
	"golang.org/x/crypto/argon2"
)

// The cost of a hash: argon2id with 19 MiB and two passes. Each hash carries its
// own cost, so that a change of these leaves the PINs that exist valid.
const (
	pinMemory = 19 * 1024 // KiB
	pinPasses = 2
	pinLanes  = 1
	pinSalt   = 16
	pinKey    = 32
)

// compare hashes the PIN as the hash was made, which takes a while by intent,
// and compares the two in constant time.
func (p *pinTry) compare() error {
	p.right = false
	salt, want, cost, err := parsePINHash(p.hash)
	if err != nil || len(p.pin) > maxPIN {
		return err
	}
	got := argon2.IDKey([]byte(p.pin), salt, cost.passes, cost.memory, cost.lanes, uint32(len(want)))
	p.right = subtle.ConstantTimeCompare(got, want) == 1
	return nil
}

type pinCost struct {
	memory, passes uint32
	lanes          uint8
}

// hashPIN hashes a PIN with a salt of its own, in the form
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash. What no policy allows as a PIN is
// not hashed; lookPIN refuses it.
func (c *core) hashPIN(pin PIN) ([]byte, error) {
	if len(pin) > maxPIN || !digits(string(pin)) {
		return nil, nil
	}
	salt, err := c.draw(rule.VM5, pinSalt)
	if err != nil {
		return nil, err
	}
	hash := argon2.IDKey([]byte(pin), salt, pinPasses, pinMemory, pinLanes, pinKey)
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Appendf(nil, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, pinMemory, pinPasses, pinLanes, text(salt), text(hash)), nil
}

func parsePINHash(encoded []byte) (salt, hash []byte, cost pinCost, err error) {
	damaged := &Error{Code: rule.VM5, Kind: ErrStorage, Reason: "the stored PIN is damaged: set a new one"}
	parts := strings.Split(string(encoded), "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, nil, cost, damaged
	}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.memory, &cost.passes, &cost.lanes)
	if n != 3 || err != nil || cost.memory > 1<<20 || cost.passes == 0 || cost.passes > 100 || cost.lanes == 0 {
		return nil, nil, cost, damaged
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	hash, hashErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || hashErr != nil || len(salt) < 8 || len(hash) < 16 {
		return nil, nil, cost, damaged
	}
	return salt, hash, cost, nil
}
