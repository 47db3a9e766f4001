package secret

import (
	"slices"
	"strings"
)

// EitherWay reports whether a PIN is one of the known strings of digits, forwards or
// backwards.
func EitherWay(pin string, known ...string) bool {
	return slices.ContainsFunc(known, func(digits string) bool { return pin == digits || pin == backwards(digits) })
}

// Weakness says by which pattern a PIN is easy to guess, or "". A PIN is a string of
// digits.
func Weakness(pin string) string {
	once := string(slices.Compact([]byte(pin))) // 112233 is a run like 123
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

// different counts the different digits.
func different(pin string) int {
	seen := map[rune]bool{}
	for _, digit := range pin {
		seen[digit] = true
	}
	return len(seen)
}

// isRun reports whether each digit is the same step away from the one before it,
// where 0 follows 9: 123456, 654321, 890123, 135791.
func isRun(pin string) bool {
	for i := 2; i < len(pin); i++ {
		if (10+pin[i]-pin[i-1])%10 != (10+pin[1]-pin[0])%10 {
			return false
		}
	}
	return true
}

// isRepeated reports whether a beginning of up to half the length is repeated to the
// end: 121212, 123123, 1231231.
func isRepeated(pin string) bool {
	for n := 1; n <= len(pin)/2; n++ {
		if pin[n:] == pin[:len(pin)-n] {
			return true
		}
	}
	return false
}

// keypadLines are the straight lines on a keypad.
var keypadLines = []string{"123", "456", "789", "147", "258", "369", "159", "357", "2580"}

// isLines reports whether a PIN is made of keypad lines, each in either direction:
// 147258, 159753, 2580.
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
