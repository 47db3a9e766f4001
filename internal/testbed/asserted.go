package testbed

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// RulesVariable is set to 1 where TestRules runs the tests of a rule, and wants to
// be told what they assert.
const RulesVariable = "PBX_TEST_RULES"

// asserted are the refusals that tests asserted.
var asserted = &assertions{seen: map[string]bool{}}

type assertions struct {
	mu   sync.Mutex
	seen map[string]bool // "USR-1 invalid, in a batch"
}

func (a *assertions) add(code rule.Code, kind error, how string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[fmt.Sprintf("%s %s, %s", code, OutcomeOf(kind), how)] = true
}

// tell prints them for TestRules, where that runs the tests.
func (a *assertions) tell() {
	if os.Getenv(RulesVariable) == "" {
		return
	}
	for _, line := range slices.Sorted(maps.Keys(a.seen)) {
		fmt.Println("asserted:", line)
	}
}

// OutcomeOf is what docs/rules.md calls a kind of error.
func OutcomeOf(kind error) string {
	if kind == pbx.ErrUnconfirmed {
		return "confirmation"
	}
	return kind.Error()
}
