package rules_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// TestRules compares four lists of the rules: the codes in codes.go, what the
// source does with them, the table of docs/rules.md, and the tests. Asked for
// alone, it also runs the tests of every rule, and says how many rules are kept:
// none of the tests failed, and each refusal of the table was asserted, where it
// can be at once, in a batch and in a review.
func TestRules(t *testing.T) {
	rows, tests, source := readRules(t), ruleTests(t), readSource(t)
	alone := askedForAlone(t, tests)
	require.NotEmpty(t, rows)
	compareCodes(t, rows)
	compareOutcomes(t, rows, source)
	compareMethods(t, rows, source)
	compareTests(t, rows, tests)
	if t.Failed() || !alone || *update {
		fmt.Fprintf(t.Output(), "rules: %d compared; go test -v -run 'TestRules$' ./%s says how many are kept\n", len(rows), here)
		return
	}
	fmt.Fprintf(t.Output(), "rules: %d of %d kept\n", kept(t, rows, tests), len(rows))
}

func compareCodes(t *testing.T, rows []ruleRow) {
	t.Helper()
	var codes, inTable []string
	for _, m := range regexp.MustCompile(`(?m)^\t([A-Z]+\d+)\s+Code = "([A-Z]+-\d+)"`).FindAllStringSubmatch(read(t, root+"/rule/codes.go"), -1) {
		require.Equal(t, m[1], strings.ReplaceAll(m[2], "-", ""))
		codes = append(codes, m[2])
	}
	for _, row := range rows {
		inTable = append(inTable, string(row.code))
		if strings.Contains(strings.ToLower(row.sentence), "to come") || row.sentence == "" {
			t.Errorf("docs/rules.md says nothing of %s, or that it is to come", row.code)
		}
	}
	if diff := cmp.Diff(codes, inTable); diff != "" {
		t.Errorf("codes.go and docs/rules.md differ:\n%s", diff)
	}
}

// compareOutcomes compares the outcomes in the table with the source and with
// what the tests assert.
func compareOutcomes(t *testing.T, rows []ruleRow, source *ruleSource) {
	t.Helper()
	for _, row := range rows {
		for _, outcome := range row.outcomes {
			if !slices.Contains(slices.Collect(maps.Values(outcomeWords)), outcome) {
				t.Errorf("%s: %q is no outcome", row.code, outcome)
			}
		}
		for said, by := range map[string]words{"the source has": source.outcomes, "a test asserts": source.refused} {
			for outcome := range by[row.code] {
				if !slices.Contains(row.outcomes, outcome) {
					t.Errorf("%s: %s %q, docs/rules.md has not", row.code, said, outcome)
				}
			}
		}
		for outcome, tested := range map[string]words{"warning": source.warned, "confirmation": source.refused} {
			if slices.Contains(row.outcomes, outcome) && (!source.outcomes[row.code][outcome] || !tested[row.code][outcome]) {
				t.Errorf("%s: docs/rules.md has %q, the source or its tests have not", row.code, outcome)
			}
		}
		if source.used[row.code] != (len(row.outcomes) > 0) {
			t.Errorf("%s: used by the source: %t; the outcomes in docs/rules.md: %q", row.code, source.used[row.code], row.outcomes)
		}
	}
}

// compareMethods compares the methods in the table with those that exist, and
// with what their documentation says.
func compareMethods(t *testing.T, rows []ruleRow, source *ruleSource) {
	t.Helper()
	named, all := words{}, map[string]bool{}
	for _, row := range rows {
		for _, method := range row.methods {
			named.add(row.code, method)
			all[method] = true
			if _, is := reflect.TypeFor[*pbx.Directory]().MethodByName(method); !is && !source.declared[method] {
				t.Errorf("%s: docs/rules.md names %s, which is nothing to call", row.code, method)
			}
		}
	}
	for code := range named {
		for method := range source.documented[code] {
			if !named[code][method] {
				t.Errorf("%s: %s says that it keeps it, and is not in its row of docs/rules.md", code, method)
			}
		}
	}
	for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
		if !all[m.Name] && m.Name != "Stats" {
			t.Errorf("docs/rules.md does not name the method %s", m.Name)
		}
	}
}

// compareTests compares the tests that exist with the rules and with
// docs/rules_tests.md, which -update writes.
func compareTests(t *testing.T, rows []ruleRow, tests map[rule.Code][]ruleTest) {
	t.Helper()
	var list strings.Builder
	list.WriteString(listHead)
	tests = maps.Clone(tests)
	for _, row := range rows {
		if len(tests[row.code]) == 0 {
			t.Errorf("%s has no test", row.code)
		}
		fmt.Fprintf(&list, "\n## %s\n\n", row.code)
		for _, test := range tests[row.code] {
			fmt.Fprintf(&list, "- `%s` in %s\n", test.name, map[string]string{".": "the root"}[test.folder]+strings.TrimPrefix(test.folder, "."))
		}
		delete(tests, row.code)
	}
	for code, of := range tests {
		t.Errorf("%v are of %s, which is no rule", of, code)
	}
	if *update {
		require.NoError(t, os.WriteFile(listFile, []byte(list.String()), 0o644))
	}
	if diff := cmp.Diff(read(t, listFile), list.String()); diff != "" {
		t.Errorf("the tests there are and those in docs/rules_tests.md differ (-update writes it anew):\n%s", diff)
	}
}

var update = flag.Bool("update", false, "write docs/rules_tests.md anew")

const (
	listFile = root + "/docs/rules_tests.md"
	listHead = `# The tests of the rules

Written by ` + "`go test -run 'TestRules$' ./" + here + " -update`" + ` from the names of the tests. [rules.md](rules.md) says what the rules
are.
`
)
