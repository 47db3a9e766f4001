package secret

import (
	"slices"
	"strings"
)

// EitherWay reports whether a PIN is any of some digits, forwards or backwards.
func EitherWay(pin string, known ...string) bool {
	return slices.ContainsFunc(known, func(digits string) bool { return pin == digits || pin == backwards(digits) })
}

// Weakness says by what pattern digits are soon guessed, or "".
func Weakness(pin string) string {
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
