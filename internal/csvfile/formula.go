package csvfile

import (
	"strings"
	"unicode/utf8"
)

// A spreadsheet takes a cell that begins with one of the formula signs for a
// formula, unless an apostrophe comes first. In some countries it also ends a cell
// at a semicolon, and takes quotation marks as the marks around a cell. So each part
// of a cell between semicolons is checked as if it were a cell.
const (
	formulaSigns = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20" // the last four are the full-width ones
	ignored      = "'\" "                               // before a formula sign
)

// isFormula reports whether a cell begins with a formula sign, after any
// apostrophes, quotation marks and spaces.
func isFormula(cell string) bool {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(cell, ignored))
	return strings.ContainsRune(formulaSigns, first)
}

// Escape puts an apostrophe before each part of a cell that could be taken for a
// formula.
func Escape(text string) string {
	return eachPart(text, func(part string) string {
		if isFormula(part) {
			return "'" + part
		}
		return part
	})
}

// Unescape undoes Escape: it removes one apostrophe before each part of a cell that
// could be taken for a formula. Unescape(Escape(s)) is s for any s.
func Unescape(cell string) string {
	return eachPart(cell, func(part string) string {
		if strings.HasPrefix(part, "'") && isFormula(part) {
			return part[1:]
		}
		return part
	})
}

// eachPart changes each part of a cell between semicolons.
func eachPart(cell string, change func(string) string) string {
	parts := strings.Split(cell, ";")
	for i, part := range parts {
		parts[i] = change(part)
	}
	return strings.Join(parts, ";")
}
