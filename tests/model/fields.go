package model

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// The forms of fields.
var (
	emailForm  = regexp.MustCompile(`^[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+$`)
	codeForm   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9._@/-]{1,254}$`) // of a principal that is no email address
	sipForm    = regexp.MustCompile(`^[a-z0-9._+-]{1,64}$`)      // before the @
	domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	digitForm  = regexp.MustCompile(`^[0-9]+$`)
	macForm    = regexp.MustCompile(`^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$|^[0-9a-f]{12}$|^([0-9a-f]{4}\.){2}[0-9a-f]{4}$`)
)

// country is what the model knows of a country.
type country struct {
	calling   string
	emergency []string
	lengths   []int // of national numbers
	tollFree  []string
	areas     []string // of numbers that are its own; none: those that are no other's
}

var countries = map[string]country{
	"US": {"1", []string{"112", "911"}, []int{10}, []string{"800", "888"}, nil},
	"CA": {"1", []string{"112", "911"}, []int{10}, []string{"800", "888"}, []string{"416"}},
	"GB": {"44", []string{"112", "999"}, []int{7, 9, 10}, []string{"800"}, nil},
	"DE": {"49", []string{"110", "112"}, []int{5, 6, 7, 8, 9, 10, 11, 12, 13}, []string{"800"}, nil},
}

// e164 reports whether a number has the form of one.
func e164(n pbx.E164) bool {
	for _, c := range countries {
		national, ok := strings.CutPrefix(string(n), "+"+c.calling)
		if !ok || !digitForm.MatchString(national) || national[0] == '0' || c.calling == "1" && national[0] == '1' {
			continue
		}
		for _, length := range c.lengths {
			if len(national) == length {
				return true
			}
		}
	}
	return false
}

// ordinary reports whether a number is a country's own, and not toll-free.
func (c country) ordinary(n pbx.E164) bool {
	for _, other := range countries {
		for _, area := range other.areas {
			if strings.HasPrefix(string(n), "+"+other.calling+area) && !slices.Contains(c.areas, area) {
				return false
			}
		}
	}
	return !tollFree(n) && (c.areas == nil || slices.ContainsFunc(c.areas, func(area string) bool {
		return strings.HasPrefix(string(n), "+"+c.calling+area)
	}))
}

func tollFree(n pbx.E164) bool {
	for _, c := range countries {
		for _, begin := range c.tollFree {
			if e164(n) && strings.HasPrefix(string(n), "+"+c.calling+begin) {
				return true
			}
		}
	}
	return false
}

// text refuses a text that no field takes.
func (x *step) text(code rule.Code, field, s string, limit int) {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > limit || strings.TrimSpace(s) != s || strings.ContainsAny(s, "\x00\x07\n") {
		x.invalid(code, field)
	}
}

func (x *step) required(code rule.Code, field, s string, limit int) {
	if s == "" {
		x.invalid(code, field)
		return
	}
	x.text(code, field, s, limit)
}

// form refuses what does not have the form.
func (x *step) form(code rule.Code, field, s string, form *regexp.Regexp) bool {
	if !form.MatchString(s) {
		x.invalid(code, field)
		return false
	}
	return true
}

// codes refuses a list with a bad code, or with the same code twice.
func (x *step) codes(code rule.Code, field string, list []string) {
	seen := map[string]bool{}
	for _, s := range list {
		x.form(code, field, s, codeForm)
		if seen[s] {
			x.invalid(code, field)
		}
		seen[s] = true
	}
}

func (x *step) country(field, c string) {
	if _, known := countries[c]; !known {
		x.invalid(rule.ACC1, field)
	}
}

// Set are the fields that a Modify… operation changes: "Name=value".
type Set []string

// each calls change with every field and its new value.
func (s Set) each(change func(field, value string)) {
	for _, entry := range s {
		field, value, _ := strings.Cut(entry, "=")
		change(field, value)
	}
}

// has reports whether the field is among them.
func (s Set) has(field string) bool {
	return slices.ContainsFunc(s, func(entry string) bool { return strings.HasPrefix(entry, field+"=") })
}

// kept refuses to save what no operation changes: the tenant of a record, and times
// that are the library's own.
func (x *step) kept(code rule.Code, s Set, fields ...string) {
	for _, field := range fields {
		if s.has(field) {
			x.invalid(code, field)
		}
	}
}

// list reads a list out of a value of a Set.
func list(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, "+")
}
