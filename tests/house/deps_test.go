package house_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// allowedDeps are all the packages, besides the standard library's, that a program
// gets by importing the root package. A new one is a decision: it is added here by
// hand, with the reason why it is needed.
var allowedDeps = []string{
	"github.com/hashicorp/errwrap",
	"github.com/hashicorp/go-multierror", // several bad fields at once
	"github.com/pbxkit/pbx",
	"github.com/pbxkit/pbx/internal/chain",
	"github.com/pbxkit/pbx/internal/commit",
	"github.com/pbxkit/pbx/internal/csvfile",
	"github.com/pbxkit/pbx/internal/numplan",
	"github.com/pbxkit/pbx/internal/overlay",
	"github.com/pbxkit/pbx/internal/secret",
	"github.com/pbxkit/pbx/internal/text",
	"github.com/pbxkit/pbx/rule",
	"github.com/pbxkit/pbx/store",
	"golang.org/x/crypto/argon2", // voicemail PINs
	"golang.org/x/crypto/blake2b",
	"golang.org/x/sys/cpu",
	"golang.org/x/text/transform",
	"golang.org/x/text/unicode/norm", // search without regard to accents
}

// forbiddenDeps are the beginnings of packages that no program should get unasked:
// SQL drivers come with the store that is chosen, test libraries with tests.
var forbiddenDeps = []string{
	"database/sql",
	"github.com/go-sql-driver/", "github.com/jackc/", "github.com/lib/pq", "github.com/mattn/",
	"github.com/ncruces/", "modernc.org/", "zombiezen.com/",
	"github.com/google/go-cmp", "github.com/leanovate/gopter", "github.com/stretchr/", "testing",
}

// rootDeps lists the packages that the root package is built from, itself
// among them; the format is one of go list.
func rootDeps(t *testing.T, format string) []string {
	t.Helper()
	deps := strings.Fields(strings.Join(list(t, "-deps", "-f", format, module), "\n"))
	slices.Sort(deps)
	return deps
}

func TestRootPackageHasNoDependencyThatIsNotAllowed(t *testing.T) {
	got := rootDeps(t, `{{if not .Standard}}{{.ImportPath}}{{end}}`)
	require.Contains(t, got, "github.com/pbxkit/pbx")
	var unused []string
	want := slices.DeleteFunc(slices.Clone(allowedDeps), func(path string) bool {
		if slices.Contains(got, path) {
			return false
		}
		unused = append(unused, path)
		return true
	})
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the root package needs packages that are not on the list (-allowed +needed):\n%s", diff)
	}
	if unused != nil {
		t.Logf("allowed, but not needed: %s", strings.Join(unused, ", "))
	}
}

func TestRootPackageNeedsNoSQLDriverAndNoTestLibrary(t *testing.T) {
	for _, path := range rootDeps(t, `{{.ImportPath}}`) {
		for _, start := range forbiddenDeps {
			require.False(t, path == start || strings.HasPrefix(path, strings.TrimSuffix(start, "/")+"/"),
				"the root package needs %s", path)
		}
	}
}
