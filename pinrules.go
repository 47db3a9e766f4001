package pbx

import (
	"slices"
	"strings"
)

// lookPIN refuses a PIN of another length than the policy's, and one that is
// soon guessed (VM-5). The reason never says what the PIN was.
func (t *tx) lookPIN(d *door, pin PIN, s *Service, mailbox string) {
	p := &t.tenant.Policy
	if n := int64(len(pin)); n < p.PINMinLength || n > p.PINMaxLength || !digits(string(pin)) {
		d.refuse(VM5, "PIN", "not a PIN of %d to %d digits", p.PINMinLength, p.PINMaxLength)
		return
	}
	for _, known := range []string{string(s.DN), mailbox} {
		if string(pin) == known || string(pin) == backwards(known) {
			d.refuse(VM5, "PIN", "a PIN is not the DN or the number of the mailbox, forwards or backwards")
			return
		}
	}
	if strings.HasSuffix(string(s.Number), string(pin)) {
		d.refuse(VM5, "PIN", "a PIN is not the end of the telephone number")
		return
	}
	if weakness := weaknessOf(string(pin)); weakness != "" {
		d.refuse(VM5, "PIN", "too easy to guess: %s", weakness)
	}
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
