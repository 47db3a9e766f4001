package oracle_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's folder.
const root = "../.."

// oracle is the test binaries with the bugs in them.
type oracle struct {
	root     string            // the folder of the module
	folders  map[string]string // by a bug's name, of the package that it is in
	binaries map[string]string // by the folder of the package whose tests are in it
}

// buildOracle compiles the code with all bugs in it, builds the binaries of the
// tests, and returns the bugs that these tests look for: all, or a few.
func buildOracle(t *testing.T, all bool) (*oracle, []seededBug) {
	absolute, err := filepath.Abs(root)
	require.NoError(t, err)
	o := &oracle{root: absolute, folders: map[string]string{}, binaries: map[string]string{}}
	s, err := readSource(root)
	require.NoError(t, err)
	seedings, err := s.findAll(seededBugs)
	require.NoError(t, err, "bring the list of bugs up to date")
	texts, err := s.seed(seedings)
	require.NoError(t, err)

	var bugs []seededBug
	code := map[string]bool{}
	for _, at := range seedings {
		o.folders[at.bug.String()] = at.decl.folder
		code["./"+at.decl.folder] = true
	}
	for _, b := range seededBugs {
		if all || o.folders[b.String()] == quickFolder {
			bugs = append(bugs, b)
		}
	}
	out := t.TempDir()
	overlay := o.overlay(t, out, texts)
	o.command(t, append([]string{"build", "-overlay", overlay}, slices.Sorted(maps.Keys(code))...)...)
	build := []string{"test", "-c", "-vet=off", "-overlay", overlay, "-o", out + string(filepath.Separator)}
	for _, b := range bugs {
		for _, r := range o.rounds(b) {
			if o.binaries[r.folder] == "" {
				o.binaries[r.folder] = filepath.Join(out, filepath.Base(r.folder)+".test")
				build = append(build, "./"+r.folder)
			}
		}
	}
	o.command(t, build...)
	return o, bugs
}

// command runs the go command in the module.
func (o *oracle) command(t *testing.T, args ...string) {
	command := exec.Command("go", args...)
	command.Dir = o.root
	said, err := command.CombinedOutput()
	require.NoError(t, err, "go %s: %s", args[0], said)
}

// overlay writes changed copies of files, and a file that says which copy is laid
// over which.
func (o *oracle) overlay(t *testing.T, out string, texts map[string]string) string {
	laid := map[string]string{}
	for file, text := range texts {
		copied := filepath.Join(out, strings.ReplaceAll(file, "/", "-"))
		require.NoError(t, os.WriteFile(copied, []byte(text), 0o600))
		laid[filepath.Join(o.root, file)] = copied
	}
	replace, err := json.Marshal(map[string]any{"Replace": laid})
	require.NoError(t, err)
	file := filepath.Join(out, "overlay.json")
	require.NoError(t, os.WriteFile(file, replace, 0o600))
	return file
}
