// Package text folds text so that it compares as people expect: without case and
// accents.
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

// Fold removes case and accents, in the same way for every store: the folded
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

// FoldLogin returns a user ID in the form in which it is compared with others
// (USR-3): in lower case, with letter and accent in one character where there is one.
func FoldLogin(s string) string { return strings.ToLower(norm.NFC.String(s)) }

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
