package rules_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// ruleRow is a row of docs/rules.md.
type ruleRow struct {
	code     rule.Code
	sentence string
	methods  []string
	outcomes []string // none for "–"
}

// kinds are the kinds of error, by their names.
var kinds = map[string]error{
	"ErrNotFound": pbx.ErrNotFound, "ErrInvalid": pbx.ErrInvalid, "ErrConflict": pbx.ErrConflict, "ErrDenied": pbx.ErrDenied,
	"ErrFailedPrecondition": pbx.ErrFailedPrecondition, "ErrExhausted": pbx.ErrExhausted, "ErrStale": pbx.ErrStale,
	"ErrUnconfirmed": pbx.ErrUnconfirmed, "ErrMisuse": pbx.ErrMisuse, "ErrStorage": pbx.ErrStorage, "ErrCommitUnknown": pbx.ErrCommitUnknown,
}

// outcomeWords are the table's words for the outcomes, by the names of the
// kinds of error and of the functions that warn and ask.
var outcomeWords = func() map[string]string {
	words := map[string]string{"warn": "warning", "confirm": testbed.OutcomeOf(pbx.ErrUnconfirmed)}
	for name, kind := range kinds {
		words[name] = testbed.OutcomeOf(kind)
	}
	return words
}()

// notAsserted are the refusals that World.Refused cannot assert, and why.
var notAsserted = map[string]string{
	"EXT-7 failed precondition":    "a password is asked for what it is, which is no operation",
	"VM-5 denied":                  "a wrong PIN is counted, so the store changes",
	"SYS-1 commit outcome unknown": "the store may have changed",
	"SYS-3 conflict":               "events were handled, so the cursor has moved",
	"SYS-3 storage failure":        "only a mistake of this library's leads to it",
	"SYS-4 storage failure":        "a rule has to be missing, or something else to write into the store",
}

// checkedPIN is a PIN's other refusal: a PIN is not checked in a batch or a review.
const checkedPIN = "VM-5 failed precondition"

// ways are the ways in which the refusals of the row have to be asserted.
func (r ruleRow) ways() []string {
	var list []string
	for word, outcome := range outcomeWords {
		refusal := string(r.code) + " " + outcome
		if kind := kinds[word]; kind != nil && slices.Contains(r.outcomes, outcome) && notAsserted[refusal] == "" {
			list = append(list, refusal+", at once")
			if !testbed.OnlyAtOnce(r.code, kind) && refusal != checkedPIN {
				list = append(list, refusal+", in a batch", refusal+", in a review")
			}
		}
	}
	return list
}

var (
	rowForm  = regexp.MustCompile(`(?m)^\| ([A-Z]{2,3}-\d+) \|(.+)\|$`)
	nameForm = regexp.MustCompile(`\b[A-Z]\w+\b`)
	testDecl = regexp.MustCompile(`(?m)^func (Test([A-Z]+)(\d+)_\w+)\(`)
)

// readRules reads the rows of docs/rules.md, in their order.
func readRules(t *testing.T) []ruleRow {
	t.Helper()
	var rows []ruleRow
	for _, m := range rowForm.FindAllStringSubmatch(read(t, root+"/docs/rules.md"), -1) {
		cells := strings.Split(m[2], "|")
		require.Len(t, cells, 3, m[1])
		row := ruleRow{code: rule.Code(m[1]), sentence: strings.TrimSpace(cells[0]), methods: nameForm.FindAllString(cells[1], -1)}
		if outcome := strings.TrimSpace(cells[2]); outcome != "–" {
			row.outcomes = strings.Split(outcome, "; ")
		}
		rows = append(rows, row)
	}
	return rows
}

// ruleTest is a test that is named by a rule's code.
type ruleTest struct{ name, folder string }

// ruleFolders are where such tests are, from the module's folder.
var ruleFolders = []string{".", "internal/overlay", here, "tests/endure"}

// here is the folder of these tests.
const here = "tests/rules"

// ruleTests are the tests of each rule, in the order of their names.
func ruleTests(t *testing.T) map[rule.Code][]ruleTest {
	t.Helper()
	tests := map[rule.Code][]ruleTest{}
	for _, folder := range ruleFolders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, folder)
		for _, file := range files {
			for _, m := range testDecl.FindAllStringSubmatch(read(t, file), -1) {
				code := rule.Code(m[2] + "-" + m[3])
				tests[code] = append(tests[code], ruleTest{m[1], folder})
			}
		}
	}
	for _, list := range tests {
		slices.SortFunc(list, func(a, b ruleTest) int { return strings.Compare(a.name, b.name) })
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
