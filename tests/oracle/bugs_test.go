package oracle_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seededBug is a mistake that somebody could make in the code, and that the tests
// must find.
type seededBug struct {
	code string // of the rule that it breaks, whose tests look for it first
	name string // what is then wrong
	// in and old are the anchor: a declaration, see source.named, and a piece of it,
	// which must be there once. A piece is an expression, an element of a composite
	// literal, the header of an if, a for, a switch or a case, or statements that
	// follow one another. It is compared as code rather than as text, and _ stands
	// for any expression.
	in, old string
	// new takes the piece's place; BUG in it is whether this mistake is switched on,
	// OLD is the piece itself. Empty leaves the piece out: the header of an if or a
	// case, or statements.
	new string
}

// String is the bug's name among the others.
func (b seededBug) String() string { return b.code + " " + b.name }

// seededBugs are tried in this order.
var seededBugs = slices.Concat(accessBugs, lineBugs, userBugs, extensionBugs, serviceBugs, voicemailBugs, numberBugs,
	orderBugs, stationBugs, deviceBugs, systemBugs, storeBugs)

// TestAnchors finds the code that the list of bugs names, and lists at once all
// that it does not find. There is a bug against every rule of the catalogue.
func TestAnchors(t *testing.T) {
	s, err := readSource(root)
	require.NoError(t, err)
	all, err := s.findAll(seededBugs)
	if err != nil {
		t.Errorf("bring the list of bugs up to date:\n%v", err)
	}
	_, err = s.seed(all)
	require.NoError(t, err)

	names, against := map[string]bool{}, map[string]bool{}
	for _, b := range seededBugs {
		require.False(t, names[b.String()], "two bugs have the name %q", b)
		names[b.String()], against[b.code] = true, true
	}
	codes := s.codes()
	require.NotEmpty(t, codes)
	for _, code := range codes {
		require.True(t, against[code], "no bug is seeded against %s", code)
	}
}

var ruleCode = regexp.MustCompile(`^"([A-Z]+-\d+)"$`)

// codes are the codes of the rules, which package rule declares.
func (s *source) codes() []string {
	var codes []string
	for _, d := range s.decls {
		if values, ok := d.node.(*ast.ValueSpec); ok && d.folder == "rule" {
			for _, value := range values.Values {
				if literal, ok := value.(*ast.BasicLit); ok && ruleCode.MatchString(literal.Value) {
					codes = append(codes, strings.Trim(literal.Value, `"`))
				}
			}
		}
	}
	return codes
}
