package oracle_test

import (
	"encoding/json"
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

// buildOracle builds the binaries, each with all bugs in it. Unless all bugs are
// tried only the tests of the rules are built; everything with a bug is compiled.
func buildOracle(t *testing.T, all bool) *oracle {
	absolute, err := filepath.Abs(root)
	require.NoError(t, err)
	o := &oracle{root: absolute, folders: map[string]string{}, binaries: map[string]string{}}
	s, err := readSource(root)
	require.NoError(t, err)
	seedings, err := s.findAll(seededBugs)
	require.NoError(t, err, "bring the list of bugs up to date")

	tests, code := slices.Clone(ruleFolders), []string{}
	for _, at := range seedings {
		folder := at.decl.folder
		o.folders[at.bug.String()] = folder
		code = append(code, "./"+folder)
		if inStore(folder) && all {
			tests = append(tests, folder)
		}
	}
	if all {
		tests = append(tests, modelFolder)
	}
	texts, err := s.seed(seedings)
	require.NoError(t, err)
	out := t.TempDir()
	overlay := o.overlay(t, out, texts)
	slices.Sort(code)
	o.command(t, "build", append([]string{"-overlay", overlay}, slices.Compact(code)...)...)
	build := []string{"-c", "-vet=off", "-overlay", overlay, "-o", out + string(filepath.Separator)}
	for _, folder := range tests {
		if o.binaries[folder] == "" {
			o.binaries[folder] = filepath.Join(out, filepath.Base(folder)+".test")
			build = append(build, "./"+folder)
		}
	}
	o.command(t, "test", build...)
	return o
}

// command runs the go command in the module.
func (o *oracle) command(t *testing.T, verb string, args ...string) {
	command := exec.Command("go", append([]string{verb}, args...)...)
	command.Dir = o.root
	said, err := command.CombinedOutput()
	require.NoError(t, err, "go %s: %s", verb, said)
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
