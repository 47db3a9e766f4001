package rules_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/rule"
)

// rulesVariable is set where TestRules runs this program for the tests of a rule.
const rulesVariable = "PBX_TEST_RULES"

// storesOfRules are the stores over which TestRules runs the rule tests, unless
// PBX_TEST_STORES names others: those that are quick.
const storesOfRules = "memory,read ahead,sqlite"

// askedForAlone reports whether -run asks for a test and for no test of a rule.
func askedForAlone(t *testing.T, tests map[rule.Code][]string) bool {
	t.Helper()
	pattern, _, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	asked, err := regexp.Compile(pattern)
	require.NoError(t, err)
	for _, list := range tests {
		if slices.ContainsFunc(list, asked.MatchString) {
			return false
		}
	}
	return true
}

// kept runs the tests of each rule, in a process of its own, as many at a time
// as there are processors, and returns how many rules are kept.
func kept(t *testing.T, rows []ruleRow) int {
	var count int
	var mu sync.Mutex
	var runs sync.WaitGroup
	places := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, row := range slices.Backward(rows) { // the whole system's take longest
		places <- struct{}{}
		runs.Go(func() {
			defer func() { <-places }()
			broken := row.run(t.Context())
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

var (
	resultForm   = regexp.MustCompile(`(?m)^--- (PASS|FAIL|SKIP): (Test\w+) `)
	assertedForm = regexp.MustCompile(`(?m)^asserted: (.+)$`)
)

// run runs the tests of a rule, and says why it is not kept: a test failed, did
// not run, or a refusal of the row was not asserted in each way that there is.
func (r ruleRow) run(ctx context.Context) error {
	name := strings.ReplaceAll(string(r.code), "-", "")
	c := exec.CommandContext(ctx, os.Args[0], "-test.v", "-test.run=^Test"+name+"_")
	c.Env = append(os.Environ(), rulesVariable+"=1")
	if os.Getenv(storesVariable) == "" {
		c.Env = append(c.Env, storesVariable+"="+storesOfRules)
	}
	output, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	passed := map[string]bool{}
	for _, m := range resultForm.FindAllStringSubmatch(string(output), -1) {
		passed[m[2]] = m[1] == "PASS"
	}
	var missing []error
	for _, test := range r.tests {
		if ok, ran := passed[test]; !ran {
			missing = append(missing, fmt.Errorf("%s did not run", test))
		} else if !ok {
			delete(passed, test)
		}
	}
	if len(passed) == 0 {
		missing = append(missing, errors.New("no test of it ran"))
	}
	for _, way := range r.ways() {
		if !slices.Contains(submatches(assertedForm, string(output)), way) {
			missing = append(missing, fmt.Errorf("no test of it asserts: %s", way))
		}
	}
	return errors.Join(missing...)
}
