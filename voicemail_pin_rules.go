package pbx

import (
	"context"
	"slices"
	"strings"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// validatePIN refuses a PIN of another length than the policy's, and one that is
// soon guessed (VM-5): what it is held against is on the service, which may be
// new, the number that it waits for among it. The reason never says what the PIN
// was.
func (t *tx) validatePIN(ctx context.Context, check *validation, pin PIN, s *Service, awaited E164, mailbox string) error {
	p := &t.tenant.Policy
	if n := int64(len(pin)); n < p.PINMinLength || n > p.PINMaxLength || !digits(string(pin)) {
		check.refuse(rule.VM5, "PIN", "not a PIN of %d to %d digits", p.PINMinLength, p.PINMaxLength)
		return nil
	}
	own, err := t.extensionsOfUsers(ctx, s)
	if err != nil {
		return err
	}
	weakness := weaknessOf(string(pin))
	switch {
	case eitherWay(string(pin), string(s.DN), mailbox):
		check.refuse(rule.VM5, "PIN", "a PIN is not the DN or the number of the mailbox, forwards or backwards")
	case eitherWay(string(pin), own...):
		check.refuse(rule.VM5, "PIN", "a PIN is not an extension of a user of the line, forwards or backwards")
	case strings.HasSuffix(string(s.Number), string(pin)), strings.HasSuffix(string(awaited), string(pin)):
		check.refuse(rule.VM5, "PIN", "a PIN is not the end of the telephone number")
	case weakness != "":
		check.refuse(rule.VM5, "PIN", "too easy to guess: %s", weakness)
	}
	return nil
}

// eitherWay reports whether a PIN is any of some digits, forwards or backwards.
func eitherWay(pin string, known ...string) bool {
	return slices.ContainsFunc(known, func(digits string) bool { return pin == digits || pin == backwards(digits) })
}

// extensionsOfUsers reads the extensions that point at the users of a service.
func (t *tx) extensionsOfUsers(ctx context.Context, s *Service) ([]string, error) {
	if s.ID.IsZero() {
		return nil, nil // it is new, and so is its user
	}
	users, err := t.othersOf(ctx, s.ID, UserID{})
	if err != nil {
		return nil, err
	}
	var own []string
	for _, u := range users {
		entries, err := store.Collect(find[*DialEntry](ctx, t, store.Query{Index: extensionsByUser, Equal: []any{t.tenantID, u.ID}}))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			own = append(own, string(e.Digits))
		}
	}
	return own, nil
}

// awaitedNumber reads the number that a service waits for, or "".
func (t *tx) awaitedNumber(ctx context.Context, s *Service) (E164, error) {
	if s.Number == "" {
		return "", nil
	}
	n, err := t.number(ctx, rule.NUM3, s.Number)
	if err != nil {
		return "", err
	}
	return n.TemporaryFor, nil
}

// guessed plans what a PIN for the mailbox of each service is held against.
func (f prefetched) guessed() {
	f.to(numbersTable.Key(), "number")
	f.users().to(extensionsByUser, "id")
}

// weaknessOf says by what pattern digits are soon guessed, or "".
func weaknessOf(pin string) string {
	once := string(slices.Compact([]byte(pin))) // 112233 is a run as 123 is
	switch {
	case different(pin) < 3:
		return "it has fewer than three different digits"
	case isRun(once):
		return "it is a run of digits"
	case isRepeated(pin):
		return "it repeats its beginning"
	case pin == backwards(pin):
		return "it reads the same backwards"
	case isLines(pin):
		return "it is made of lines of the keypad"
	}
	return ""
}

func different(pin string) int {
	seen := map[rune]bool{}
	for _, digit := range pin {
		seen[digit] = true
	}
	return len(seen)
}

// isRun reports whether each digit is the same step from the one before it,
// 9 and 0 being neighbours: 123456, 654321, 890123, 135791.
func isRun(pin string) bool {
	for i := 2; i < len(pin); i++ {
		if (10+pin[i]-pin[i-1])%10 != (10+pin[1]-pin[0])%10 {
			return false
		}
	}
	return true
}

// isRepeated reports whether something of up to half its length is repeated to
// the end: 121212, 123123, 1231231.
func isRepeated(pin string) bool {
	for n := 1; n <= len(pin)/2; n++ {
		if pin[n:] == pin[:len(pin)-n] {
			return true
		}
	}
	return false
}

// keypadLines are what a finger draws on a keypad without a turn.
var keypadLines = []string{"123", "456", "789", "147", "258", "369", "159", "357", "2580"}

// isLines reports whether digits are keypad lines one after another, in either
// direction: 147258, 159753, 2580.
func isLines(pin string) bool {
	if pin == "" {
		return true
	}
	for _, line := range keypadLines {
		for _, way := range []string{line, backwards(line)} {
			if rest, ok := strings.CutPrefix(pin, way); ok && isLines(rest) {
				return true
			}
		}
	}
	return false
}

func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}
