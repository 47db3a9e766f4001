package pbx

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// The limits of text fields, in characters, and of lists.
const (
	maxName  = 64
	maxLong  = 128
	maxCode  = 32
	maxCodes = 32  // codes in a list
	maxEmail = 254 // RFC 5321, section 4.5.3.1.3, without the angle brackets
)

// validation checks the input of an operation before anything is staged. It keeps every
// refusal, so that all bad fields are refused at once.
type validation struct{ refusals []*Error }

// refuse keeps a refusal of kind ErrInvalid of a field.
func (check *validation) refuse(code rule.Code, field, format string, args ...any) {
	check.refusals = append(check.refusals, &Error{Code: code, Kind: ErrInvalid, Field: field, Reason: fmt.Sprintf(format, args...)})
}

// err returns the refusals: nil, the one *Error, or a *multierror.Error of all.
func (check *validation) err() error { return all(check.refusals) }

// collect keeps the refusals in err, and returns nil. Any other error, and that of a
// store, it returns as it is.
func (check *validation) collect(err error) error {
	if list := Errors(err); len(list) > 0 && !errors.Is(err, ErrStorage) {
		check.refusals = append(check.refusals, list...)
		return nil
	}
	return err
}

// collectAs is collect for refusals that are about an input field of another name.
func (check *validation) collectAs(field string, err error) error {
	for _, e := range Errors(err) {
		e.Field = field
	}
	return check.collect(err)
}

// The times that every store can keep, and RFC 3339 can write: PostgreSQL ends sooner
// than time.Time, and so does a count of microseconds.
var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	endOfTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// keepableTime reports whether every store can keep a time.
func keepableTime(at time.Time) bool { return !at.Before(firstTime) && at.Before(endOfTime) }

// time checks a time; the zero time passes.
func (check *validation) time(code rule.Code, field string, at time.Time) {
	if !keepableTime(at) {
		check.refuse(code, field, "not within the years 1 and 9999")
	}
}

// text checks a line of text of at most limit characters.
func (check *validation) text(code rule.Code, field, s string, limit int) {
	switch {
	case !utf8.ValidString(s):
		check.refuse(code, field, "not valid UTF-8")
	case utf8.RuneCountInString(s) > limit:
		check.refuse(code, field, "longer than %d characters", limit)
	case strings.TrimSpace(s) != s:
		check.refuse(code, field, "begins or ends with a space")
	case strings.ContainsFunc(s, unprintable):
		check.refuse(code, field, "holds a control character")
	}
}

// unprintable reports whether a character is a control character or ends a line.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// required checks a line of text that may not be empty.
func (check *validation) required(code rule.Code, field, s string, limit int) {
	if s == "" {
		check.refuse(code, field, "is missing")
		return
	}
	check.text(code, field, s, limit)
}

// code checks the code of an entry of a catalogue: letters, digits and . _ -
func (check *validation) code(code rule.Code, field, s string) {
	if s == "" {
		check.refuse(code, field, "is missing")
		return
	}
	if len(s) > maxCode || strings.ContainsFunc(s, notInCode) {
		check.refuse(code, field, "not a code of up to %d letters, digits, '.', '_' and '-'", maxCode)
	}
}

// notInCode reports whether a character may not be in a code.
func notInCode(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-')
}

// codes checks a list of codes: at most maxCodes, and each of them once.
func (check *validation) codes(code rule.Code, field string, list []string) {
	if len(list) > maxCodes {
		check.refuse(code, field, "more than %d entries", maxCodes)
		return
	}
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		check.code(code, field, s)
		if seen[s] {
			check.refuse(code, field, "%s is listed twice", s)
		}
		seen[s] = true
	}
}

// digits reports whether s is one or more decimal digits and nothing else.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// kept refuses what a caller changed of a record that was read, except in the columns
// that the operation changes. So a new column of a record is one that is kept, until an
// operation names it. Revisions are compared by checkRevision, and columns that a
// caller cannot set are not compared.
func (check *validation) kept(code rule.Code, given, was store.Record, changes string) {
	table, changed := was.Table(), strings.Fields(changes)
	for _, column := range changed {
		table.Column(column) // panics where there is none
	}
	now, before := store.FieldsOf(given), store.FieldsOf(was)
	for i := range now {
		if i == table.Revision || slices.Contains(changed, now[i].Name) || sameValue(now[i], before[i]) {
			continue
		}
		record := reflect.ValueOf(given).Elem()
		if name := fieldAt(record, reflect.ValueOf(now[i].Ptr).Pointer()); name != "" {
			check.refuse(code, name, "cannot be changed here")
		}
	}
}

// sameValue reports whether two fields have the same value. Times are the same that
// are the same instant, in whatever zone.
func sameValue(a, b store.Field) bool {
	switch a := a.Ptr.(type) {
	case *time.Time:
		return a.Equal(*b.Ptr.(*time.Time))
	case *[]string:
		return slices.Equal(*a, *b.Ptr.(*[]string))
	case *[]byte:
		return bytes.Equal(*a, *b.Ptr.(*[]byte))
	}
	return a.Value() == b.Value()
}

// fieldAt returns the name of the exported field at an address in a struct, such as
// "Policy.PINTries", or "".
func fieldAt(record reflect.Value, address uintptr) string {
	for i := range record.NumField() {
		field, v := record.Type().Field(i), record.Field(i)
		switch {
		case !field.IsExported():
		case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
			if name := fieldAt(v, address); name != "" {
				return field.Name + "." + name
			}
		case v.Addr().Pointer() == address:
			return field.Name
		}
	}
	return ""
}
