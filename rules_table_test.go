package pbx_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
)

// ruleRow is a row of docs/rules.md.
type ruleRow struct {
	code     pbx.Code
	sentence string
	methods  []string
	outcomes []string // none for "–"
	tests    []string
}

// outcomeWords are what the table calls the kinds of error, and what is none.
var outcomeWords = map[string]string{
	"ErrNotFound": "not found", "ErrInvalid": "invalid", "ErrConflict": "conflict", "ErrDenied": "denied",
	"ErrFailedPrecondition": "failed precondition", "ErrExhausted": "exhausted", "ErrStale": "stale",
	"ErrUnconfirmed": "confirmation", "ErrMisuse": "misuse", "ErrStorage": "storage failure", "ErrCommitUnknown": "commit outcome unknown",
	"warn": "warning", "confirm": "confirmation",
}

// outcomeOf is what the table calls a kind of error.
func outcomeOf(kind error) string {
	if kind == pbx.ErrUnconfirmed {
		return "confirmation"
	}
	return kind.Error()
}

// ways are the ways in which each refusal of the row has to be asserted.
func (r ruleRow) ways() []string {
	var list []string
	for _, outcome := range r.outcomes {
		if outcome == "warning" {
			continue
		}
		for _, how := range []string{"at once", "in a batch", "in a review"} {
			list = append(list, fmt.Sprintf("%s %s, %s", r.code, outcome, how))
		}
	}
	return list
}

var (
	rowForm  = regexp.MustCompile(`(?m)^\| ([A-Z]{2,3}-\d+) \|(.+)\|$`)
	nameForm = regexp.MustCompile(`\b[A-Z]\w+\b`)
	testForm = regexp.MustCompile("`(Test\\w+)`")
	testDecl = regexp.MustCompile(`(?m)^func (Test([A-Z]+)(\d+)_\w+)\(`)
)

// readRules reads the rows of docs/rules.md, in their order.
func readRules(t *testing.T) []ruleRow {
	t.Helper()
	var rows []ruleRow
	for _, m := range rowForm.FindAllStringSubmatch(read(t, "docs/rules.md"), -1) {
		cells := strings.Split(m[2], "|")
		require.Len(t, cells, 4, m[1])
		row := ruleRow{
			code: pbx.Code(m[1]), sentence: strings.TrimSpace(cells[0]), methods: nameForm.FindAllString(cells[1], -1),
			tests: submatches(testForm, cells[3]),
		}
		if outcome := strings.TrimSpace(cells[2]); outcome != "–" {
			row.outcomes = strings.Split(outcome, "; ")
		}
		rows = append(rows, row)
	}
	return rows
}

// ruleTests are the tests that are named by a rule's code.
func ruleTests(t *testing.T) map[pbx.Code][]string {
	t.Helper()
	tests := map[pbx.Code][]string{}
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		for _, m := range testDecl.FindAllStringSubmatch(read(t, file), -1) {
			code := pbx.Code(m[2] + "-" + m[3])
			tests[code] = append(tests[code], m[1])
		}
	}
	for _, list := range tests {
		slices.Sort(list)
	}
	return tests
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

func submatches(form *regexp.Regexp, text string) []string {
	var found []string
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}
