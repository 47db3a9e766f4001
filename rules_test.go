package pbx_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// docs/rules.md has a row for each code of codes.go, and names tests that exist.
func TestTheRulesDocumentIsCurrent(t *testing.T) {
	doc := read(t, "docs/rules.md")
	rows := submatches(`(?m)^\| ([A-Z]{2,3}-\d+) \|`, doc)
	codes := submatches(`(?m)^\t[A-Z]+\d+\s+Code = "([A-Z]{2,3}-\d+)"`, read(t, "codes.go"))
	require.NotEmpty(t, codes)
	require.Empty(t, cmp.Diff(codes, rows), "codes.go and docs/rules.md differ")

	var tests []string
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		tests = append(tests, submatches(`(?m)^func (Test\w+)\(`, read(t, file))...)
	}
	for _, named := range submatches("`(Test\\w+)`", doc) {
		require.True(t, slices.Contains(tests, named), "docs/rules.md names %s, which is no test", named)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

func submatches(pattern, text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}
