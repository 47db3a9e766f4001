package oracle_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
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

// root is the module's folder.
const root = "../.."

// The oracle, which is the tests of the rules and the model, is tested here: a
// seeded bug that it does not find is a hole in it.
//
// The code of the library stays clean. Copies of its files in which every mistake
// of the list is written beside what is right, under a switch, are laid over it
// (go help build, -overlay) and built into a test binary once. With all switches
// off its tests must pass; and then, for each bug in turn, with that one switched
// on, one must fail: of the tests of the bug's own rule, else of those of any
// rule, else the model; for a mistake in a store, of the store's tests. A panic,
// a test that does not come to an end and code that does not compile count as
// nothing.
//
// All of the list is tried when this test is asked for by name:
//
//	go test -run TestOracle -v ./tests/oracle
//
// There is a bug against every rule of the catalogue, at least one.
//
// Among all other tests it tries a few, so that it cannot rot: the whole list is
// built into the binary all the same. A piece of code that the list names has to
// be there once: who changes it brings the list up to date.
func TestOracle(t *testing.T) {
	o := buildOracle(t)
	bugs := seededBugs
	all := strings.Contains(flag.Lookup("test.run").Value.String(), "Oracle")
	if !all {
		third := len(bugs) / 3
		bugs = []seededBug{bugs[0], bugs[third], bugs[2*third]}
	}
	var tried, caught atomic.Int64
	t.Run("bugs", func(t *testing.T) {
		t.Run("none", func(t *testing.T) {
			t.Parallel()
			o.passes(t, bugs, all)
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

// oracle is the test binaries with the bugs in them.
type oracle struct {
	root     string            // the folder of the module
	binaries map[string]string // by the folder of the package whose tests are in it
}

// seededSwitch names the bug that is switched on.
const seededSwitch = "PBX_SEEDED_BUG"

// seedbed is what the changed files of a package use.
const seedbed = `package %s

import (
	"os"
	"strings"
)

var seededBug = os.Getenv("` + seededSwitch + `")

func seeded(bug string) bool { return seededBug == bug }

func either[T any](bug bool, wrong, right T) T {
	if bug {
		return wrong
	}
	return right
}

func without(text, piece string) string { return strings.ReplaceAll(text, piece, "") }
`

// String is the bug's name among the others.
func (b seededBug) String() string { return b.code + " " + b.name }

// seed writes the bug into a file's text.
func (b seededBug) seed(text string) string {
	with := b.new
	switch {
	case with != "":
	case strings.HasPrefix(b.old, "if "):
		with = "if BUG {\n} else " + b.old
	case strings.HasPrefix(b.old, "case "):
		with = "case !BUG && (" + strings.TrimSuffix(strings.TrimPrefix(b.old, "case "), ":") + "):"
	default:
		with = "if !BUG {\n" + b.old + "\n}"
	}
	with = strings.ReplaceAll(with, "BUG", fmt.Sprintf("seeded(%q)", b))
	return strings.Replace(text, b.old, with, 1)
}

// folder is that of the package whose code it is in, and whose tests must find it.
func (b seededBug) folder() string { return filepath.Dir(b.file) }

// tests is the folder of the tests that must find it: a store's own, else the
// rules'.
func (b seededBug) tests() string {
	if strings.HasPrefix(b.folder(), "store/") {
		return b.folder()
	}
	return "tests/rules"
}

// nameOf is the name of the package in a folder.
func nameOf(folder string) string { return filepath.Base(filepath.Join("pbx", folder)) }

// buildOracle builds the binaries, each with all bugs in it.
func buildOracle(t *testing.T) *oracle {
	root, err := filepath.Abs(root)
	require.NoError(t, err)
	o := &oracle{root: root, binaries: map[string]string{}}
	out := t.TempDir()
	overlay := filepath.Join(out, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": o.seedAll(t, out)})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, replace, 0o600))
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", out+string(filepath.Separator))
	for folder := range o.binaries {
		o.binaries[folder] = filepath.Join(out, nameOf(folder)+".test")
		build.Args = append(build.Args, "./"+folder)
	}
	build.Dir = root
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
	return o
}

var rulesCode = regexp.MustCompile(`Code = "([A-Z]+-\d+)"`)

// seedAll writes changed copies of the files, and returns which copy is laid over
// which file.
func (o *oracle) seedAll(t *testing.T, out string) map[string]string {
	catalogue, err := os.ReadFile(filepath.Join(root, "rule/codes.go"))
	require.NoError(t, err)
	texts, names, against := map[string]string{}, map[string]bool{}, map[string]bool{}
	for _, b := range seededBugs {
		require.False(t, names[b.String()], "two bugs have the name %q", b)
		names[b.String()], against[b.code] = true, true
		content, err := os.ReadFile(filepath.Join(o.root, b.file))
		require.NoError(t, err)
		original := string(content)
		require.Equal(t, 1, strings.Count(original, b.old), "how often %s holds what is changed for %q: bring the list up to date", b.file, b)
		before := cmp.Or(texts[b.file], original)
		texts[b.file] = b.seed(before)
		require.NotEqual(t, before, texts[b.file], "another bug changes the same piece of %s as %q", b.file, b)
		texts[filepath.Join(b.folder(), "seedbed.go")] = fmt.Sprintf(seedbed, nameOf(b.folder()))
		o.binaries[b.tests()] = ""
		o.binaries["tests/model"] = ""
	}
	for _, code := range rulesCode.FindAllSubmatch(catalogue, -1) {
		require.True(t, against[string(code[1])], "no bug is seeded against %s", code[1])
	}
	laid := map[string]string{}
	for file, text := range texts {
		copied := filepath.Join(out, strings.ReplaceAll(file, string(filepath.Separator), "-"))
		require.NoError(t, os.WriteFile(copied, []byte(text), 0o600))
		laid[filepath.Join(o.root, file)] = copied
	}
	return laid
}

// round is a part of a package's tests.
type round struct{ folder, tests string }

var (
	everyRule = round{"tests/rules", `^Test[A-Z]+\d+_`}
	theModel  = round{"tests/model", `^TestModel$`}
	// What takes long, or a server, and is about transactions rather than rules.
	leftOut = "Host|Cut|Fault|Process|Conflict|Server|Guest"
)

// rounds are what looks for the bug, one after another.
func (b seededBug) rounds() []round {
	if b.tests() != "tests/rules" {
		return []round{{b.tests(), "."}}
	}
	return []round{{"tests/rules", "^Test" + strings.ReplaceAll(b.code, "-", "") + "_"}, everyRule, theModel}
}

// passes requires that without a bug all passes that looks for any of them; where
// only a few are tried, what looks for each of them first.
func (o *oracle) passes(t *testing.T, bugs []seededBug, all bool) {
	done := map[round]bool{}
	for _, b := range bugs {
		rounds := b.rounds()
		switch {
		case !all:
			rounds = rounds[:1]
		case b.tests() == "tests/rules":
			rounds = []round{everyRule, theModel} // those of its own rule are among them
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
	for _, r := range b.rounds() {
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

// run runs tests with a bug, over the store in memory, and returns which was the
// first to fail, and what was said.
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
