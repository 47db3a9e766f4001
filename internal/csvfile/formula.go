package csvfile

import (
	"strings"
	"unicode/utf8"
)

// Spreadsheets take a cell that begins with one of these for a formula, and
// one with an apostrophe before it for text. In some countries they take a
// semicolon for the end of a cell, too, and quotation marks for what is around
// the next: so each part of a cell between semicolons is looked at as a cell.
const (
	formulaSigns = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20" // the last four are the full-width ones
	passedOver   = "'\" "
)

// formula reports whether a cell is, behind apostrophes, quotation marks and
// spaces, one that a spreadsheet could take for a formula.
func formula(cell string) bool {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(cell, passedOver))
	return strings.ContainsRune(formulaSigns, first)
}

// Escape puts an apostrophe before what could be taken for a formula.
func Escape(text string) string {
	return eachPart(text, func(part string) string {
		if formula(part) {
			return "'" + part
		}
		return part
	})
}

// Unescape takes one apostrophe away from before it: of any text, what Escape
// made of it is that text again.
func Unescape(cell string) string {
	return eachPart(cell, func(part string) string {
		if strings.HasPrefix(part, "'") && formula(part) {
			return part[1:]
		}
		return part
	})
}

func eachPart(cell string, change func(string) string) string {
	parts := strings.Split(cell, ";")
	for i, part := range parts {
		parts[i] = change(part)
	}
	return strings.Join(parts, ";")
}
