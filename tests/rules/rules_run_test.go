package rules_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// storesOfRules are the stores over which TestRules runs the rule tests, unless
// PBX_TEST_STORES names others: those that are quick.
const storesOfRules = "memory,read ahead,sqlite"

// askedForAlone reports whether -run asks for a test and for no test of a rule.
func askedForAlone(t *testing.T, tests map[rule.Code][]ruleTest) bool {
	t.Helper()
	pattern, _, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	asked, err := regexp.Compile(pattern)
	require.NoError(t, err)
	for _, list := range tests {
		if slices.ContainsFunc(list, func(test ruleTest) bool { return asked.MatchString(test.name) }) {
			return false
		}
	}
	return true
}

// kept runs the tests of each rule, in processes of their own, as many at a time
// as there are processors, and returns how many rules are kept.
func kept(t *testing.T, rows []ruleRow, tests map[rule.Code][]ruleTest) int {
	var count int
	binaries := buildTests(t)
	var mu sync.Mutex
	var runs sync.WaitGroup
	places := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, row := range slices.Backward(rows) { // the whole system's take longest
		places <- struct{}{}
		runs.Go(func() {
			defer func() { <-places }()
			broken := row.run(t.Context(), tests[row.code], binaries)
			mu.Lock()
			defer mu.Unlock()
			if count++; broken != nil {
				count--
				t.Errorf("%s is not kept: %v", row.code, broken)
			}
		})
	}
	runs.Wait()
	return count
}

// buildTests returns the program with the tests of each folder.
func buildTests(t *testing.T) map[string]string {
	own, err := os.Executable()
	require.NoError(t, err)
	binaries, out := map[string]string{here: own}, t.TempDir()
	for _, folder := range ruleFolders {
		if folder == here {
			continue
		}
		binaries[folder] = filepath.Join(out, strings.ReplaceAll(folder, "/", "-")+".test")
		build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-o", binaries[folder], "./"+folder)
		build.Dir = root
		said, err := build.CombinedOutput()
		require.NoError(t, err, "%s", said)
	}
	return binaries
}

var (
	resultForm   = regexp.MustCompile(`(?m)^--- (PASS|FAIL|SKIP): (Test\w+) `)
	assertedForm = regexp.MustCompile(`(?m)^asserted: (.+)$`)
)

// run runs the tests of a rule, and says why it is not kept: a test failed, did
// not run, or a refusal of the row was not asserted in each way that there is.
func (r ruleRow) run(ctx context.Context, tests []ruleTest, binaries map[string]string) error {
	var missing []error
	var asserted []string
	kept := false
	for _, folder := range ruleFolders {
		var names []string
		for _, test := range tests {
			if test.folder == folder {
				names = append(names, test.name)
			}
		}
		if len(names) == 0 {
			continue
		}
		output, err := r.runIn(ctx, folder, binaries[folder])
		if err != nil {
			return fmt.Errorf("%w\n%s", err, output)
		}
		results := map[string]string{}
		for _, m := range resultForm.FindAllStringSubmatch(output, -1) {
			results[m[2]] = m[1]
			kept = kept || m[1] == "PASS"
		}
		for _, name := range names {
			if results[name] == "" {
				missing = append(missing, fmt.Errorf("%s did not run", name))
			}
		}
		asserted = append(asserted, submatches(assertedForm, output)...)
	}
	if !kept {
		missing = append(missing, errors.New("no test of it ran"))
	}
	for _, way := range r.ways() {
		if !slices.Contains(asserted, way) {
			missing = append(missing, fmt.Errorf("no test of it asserts: %s", way))
		}
	}
	return errors.Join(missing...)
}

// runIn runs the tests of a rule that are in a folder, and returns what they say.
func (r ruleRow) runIn(ctx context.Context, folder, binary string) (output string, err error) {
	c := exec.CommandContext(ctx, binary, "-test.v", "-test.run=^Test"+strings.ReplaceAll(string(r.code), "-", "")+"_")
	c.Dir = filepath.Join(root, folder)
	c.Env = append(os.Environ(), testbed.RulesVariable+"=1")
	if os.Getenv(testbed.Variable) == "" {
		c.Env = append(c.Env, testbed.Variable+"="+storesOfRules)
	}
	said, err := c.CombinedOutput()
	return string(said), err
}
