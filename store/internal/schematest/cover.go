package schematest

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// EveryNamedCheck requires that one of Broken is refused by each CHECK that has
// a name in a store's migrations.
func EveryNamedCheck(t *testing.T, migrations fs.FS) {
	t.Helper()
	files, err := fs.Glob(migrations, "*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		text, err := fs.ReadFile(migrations, name)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`CONSTRAINT (\w+) CHECK`).FindAllStringSubmatch(string(text), -1) {
			tested := strings.HasSuffix(m[1], "_list") // by raw statements
			for _, b := range Broken {
				tested = tested || b.Constraint == m[1]
			}
			require.True(t, tested, m[1])
		}
	}
}

// EveryForeignKey requires that Dangling has a change for each foreign key of a
// store's schema, written as table(column, column), and for no other.
func EveryForeignKey(t *testing.T, keys []string) {
	t.Helper()
	require.Equal(t, slices.Sorted(slices.Values(keys)), slices.Sorted(maps.Keys(Dangling)))
}
