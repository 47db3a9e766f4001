package oracle_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ruleFolders are the folders whose tests are named by the codes of rules.
var ruleFolders = []string{"tests/rules", "tests/endure"}

const (
	modelFolder = "tests/model"
	quickFolder = "store/memory" // whose bugs are tried by default, because its tests are built in seconds
	everyRule   = `^Test[A-Z]+\d+_`
	theModel    = `^TestModel$`
	// Tests that take long or need a server, and are about transactions rather
	// than rules.
	leftOut = "Host|Cut|Fault|Process|Conflict|Server|Guest"
)

// The oracle, which is the tests of the rules and the model, is tested here: a
// seeded bug that it does not find is a hole in it.
//
// The code of the library stays clean. Copies of its files in which every mistake
// of the list is written beside what is right, under a switch, are laid over it
// (go help build, -overlay) and built into test binaries once. With all switches
// off the tests must pass; and then, for each bug in turn, with that one switched
// on, one must fail: of the tests of the bug's own rule, else of those of any
// rule, else the model; for a mistake in a store, of the store's tests. A panic,
// a test that does not come to an end and code that does not compile count as
// nothing.
//
// All of the list is tried when this test is asked for by name:
//
//	go test -run TestOracle -v ./tests/oracle
//
// Among all other tests it tries those of one store, so that it cannot rot: the
// whole list is compiled all the same. With -short nothing is built, and only
// TestAnchors checks the list.
func TestOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the module")
	}
	all := strings.Contains(flag.Lookup("test.run").Value.String(), "Oracle")
	o, bugs := buildOracle(t, all)
	var tried, caught atomic.Int64
	t.Run("bugs", func(t *testing.T) {
		t.Run("none", func(t *testing.T) {
			t.Parallel()
			o.passes(t, bugs)
		})
		for _, b := range bugs {
			t.Run(b.String(), func(t *testing.T) {
				t.Parallel()
				tried.Add(1)
				if o.catches(t, b) {
					caught.Add(1)
				}
			})
		}
	})
	t.Logf("seeded bugs: %d of %d caught", caught.Load(), tried.Load())
}

// inStore reports whether a folder is a store's, whose own tests find its bugs.
func inStore(folder string) bool { return strings.HasPrefix(folder, "store/") }

// round is a part of a package's tests.
type round struct{ folder, tests string }

// rounds are the tests that look for the bug, one after another.
func (o *oracle) rounds(b seededBug) []round {
	folder := o.folders[b.String()]
	if inStore(folder) {
		return []round{{folder, "."}}
	}
	var rounds []round
	for _, tests := range []string{"^Test" + strings.ReplaceAll(b.code, "-", "") + "_", everyRule} {
		for _, folder := range ruleFolders {
			rounds = append(rounds, round{folder, tests})
		}
	}
	return append(rounds, round{modelFolder, theModel})
}

// passes requires that, without a bug, all tests that look for any of the bugs
// pass.
func (o *oracle) passes(t *testing.T, bugs []seededBug) {
	done := map[round]bool{}
	for _, b := range bugs {
		rounds := o.rounds(b)
		if !inStore(o.folders[b.String()]) {
			rounds = rounds[len(ruleFolders):] // the tests of its own rule are among the others
		}
		for _, r := range rounds {
			if done[r] {
				continue
			}
			done[r] = true
			failed, said := o.run(t, "", r)
			require.Empty(t, failed, "with no bug: %s", said)
		}
	}
}

// catches reports whether a test fails with the bug.
func (o *oracle) catches(t *testing.T, b seededBug) bool {
	for _, r := range o.rounds(b) {
		switch failed, said := o.run(t, b.String(), r); {
		case failed == "":
		case strings.Contains(said, "panic: "):
			t.Errorf("%s does not fail with the bug, it falls: %s", failed, said)
			return false
		default:
			t.Logf("caught by %s", failed)
			return true
		}
	}
	t.Error("no test finds the bug")
	return false
}

var failure = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// run runs tests with a bug, over the store in memory, and returns the first
// that failed, and the output.
func (o *oracle) run(t *testing.T, bug string, r round) (failed, said string) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args := []string{"-test.run", r.tests, "-test.skip", leftOut, "-test.failfast", "-test.timeout", "2m"}
	tests := exec.CommandContext(ctx, o.binaries[r.folder], args...)
	tests.Dir = filepath.Join(o.root, r.folder)
	tests.Env = append(os.Environ(), seededSwitch+"="+bug, "PBX_TEST_STORES=memory")
	out, err := tests.CombinedOutput()
	if err == nil {
		return "", string(out)
	}
	found := failure.FindSubmatch(out)
	require.NotNil(t, found, "%v: %s", err, out)
	return string(found[1]), string(out)
}
