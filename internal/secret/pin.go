// Package secret hashes PINs, makes the digests of SIP credentials, and seals them.
// It knows no record and no rule.
package secret

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a hash: argon2id with 19 MiB and two passes. Each hash stores its own
// cost, so existing PINs stay valid when these change.
const (
	pinMemory = 19 * 1024 // KiB
	pinPasses = 2
	pinLanes  = 1
	pinKey    = 32

	maxPINMemory = 64 * 1024 // KiB, of a stored hash: one that says more is damaged
)

// PINSalt is the length of the salt that HashPIN needs.
const PINSalt = 16

// ErrDamaged: what is stored is not a hash.
var ErrDamaged = errors.New("secret: the stored hash is damaged")

// hashing has a place for each hash that is made at once in this process. Each takes
// the memory of its cost and a whole processor, so more than there are processors
// would take memory and save no time.
var hashing = make(chan struct{}, runtime.GOMAXPROCS(0))

// derive waits for a place, and makes a hash. Errors: the context's own.
func derive(ctx context.Context, pin string, salt []byte, cost pinCost, length int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(pin), salt, cost.passes, cost.memory, cost.lanes, uint32(length)), nil
}

// HashPIN hashes a PIN, slowly on purpose, in the form
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash. As many hashes are made at once as there
// are processors. Errors: the context's own, while it waits.
func HashPIN(ctx context.Context, pin string, salt []byte) ([]byte, error) {
	hash, err := derive(ctx, pin, salt, pinCost{memory: pinMemory, passes: pinPasses, lanes: pinLanes}, pinKey)
	if err != nil {
		return nil, err
	}
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Appendf(nil, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, pinMemory, pinPasses, pinLanes, text(salt), text(hash)), nil
}

// MatchPIN hashes the PIN in the way the hash was made, slowly on purpose, and
// compares the two in constant time. It waits as HashPIN does. Errors: ErrDamaged; the
// context's own.
func MatchPIN(ctx context.Context, pin string, hash []byte) (bool, error) {
	salt, want, cost, err := parsePINHash(hash)
	if err != nil {
		return false, err
	}
	got, err := derive(ctx, pin, salt, cost, len(want))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// WellFormed returns nil for the hash of a PIN. Errors: ErrDamaged.
func WellFormed(hash []byte) error {
	_, _, _, err := parsePINHash(hash)
	return err
}

type pinCost struct {
	memory, passes uint32
	lanes          uint8
}

func parsePINHash(encoded []byte) (salt, hash []byte, cost pinCost, err error) {
	parts := strings.Split(string(encoded), "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, nil, cost, ErrDamaged
	}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.memory, &cost.passes, &cost.lanes)
	if n != 3 || err != nil || cost.memory > maxPINMemory || cost.passes == 0 || cost.passes > 100 || cost.lanes == 0 {
		return nil, nil, cost, ErrDamaged
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	hash, hashErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || hashErr != nil || len(salt) < 8 || len(hash) < 16 {
		return nil, nil, cost, ErrDamaged
	}
	return salt, hash, cost, nil
}
