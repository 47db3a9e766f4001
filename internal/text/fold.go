// Package text compares text as people do.
package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Letters that Unicode does not decompose, as people type them when they
// search without the accent.
var plainLetters = strings.NewReplacer(
	"ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "ħ", "h",
	"ı", "i", "ł", "l", "ŋ", "n", "þ", "th", "ŧ", "t", "’", "'",
	"ς", "σ", // at the end of a word
)

// Fold takes case and accents away, the same for every store: the folded
// columns are compared bytewise (USR-8).
func Fold(s string) string {
	if plainASCII(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return plainLetters.Replace(b.String())
}

// FoldLogin is a user ID as it is compared with others (USR-3): in lower case, and
// accents in one character with their letters where that can be.
func FoldLogin(s string) string { return strings.ToLower(norm.NFC.String(s)) }

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
