// Package house_test checks how the module's packages depend on one another,
// and on other modules.
package house_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/pbxkit/pbx"

// imports are the packages of the module that each of its packages may import; "."
// is the root. They run one way: rule, store and the small machinery import no
// other package of the module; overlay and commit know the storage contract; the
// root is the domain; the SQL stores need it for the list of its tables, those in
// memory do not. A new arrow is a decision: it is added here by hand.
var imports = map[string]string{
	".": "rule store internal/commit internal/csvfile internal/numplan internal/overlay internal/secret internal/text",

	"rule":                "",
	"store":               "",
	"internal/commit":     "store",
	"internal/csvfile":    "",
	"internal/numplan":    "",
	"internal/overlay":    "store",
	"internal/secret":     "",
	"internal/text":       "",
	"internal/pgtest":     "",
	"internal/pgwire":     "",
	"internal/testbed":    ". rule store store/faulty store/memory store/postgres store/sqlite store/transfer internal/pgtest",
	"examples/quickstart": ". store store/postgres store/sqlite",

	"store/faulty":              "store",
	"store/memory":              "store store/internal/gate store/internal/guard store/internal/queue",
	"store/postgres":            ". store store/internal/gate store/internal/guard store/internal/queue store/internal/sqlschema store/internal/sqlstore",
	"store/sqlite":              ". store store/internal/gate store/internal/guard store/internal/sqlschema store/internal/sqlstore",
	"store/storetest":           ". store",
	"store/transfer":            ". rule store store/internal/sqlschema internal/commit",
	"store/internal/gate":       "store",
	"store/internal/guard":      "store",
	"store/internal/queue":      "",
	"store/internal/schematest": ". store",
	"store/internal/sqlschema":  "store",
	"store/internal/sqlstore":   "store store/internal/guard",

	"tests/endure": "",
	"tests/house":  "",
	"tests/model":  ". rule",
	"tests/oracle": "",
	"tests/rules":  "",
}

// testImports are those that the tests of a package may import besides.
var testImports = map[string]string{
	".":                   "store/memory store/sqlite",
	"internal/pgwire":     "internal/pgtest",
	"examples/quickstart": "internal/pgtest",

	"store/faulty":             ". store/memory store/storetest",
	"store/memory":             ". store/storetest",
	"store/postgres":           "store/storetest store/internal/schematest internal/pgtest internal/pgwire",
	"store/sqlite":             "store/storetest store/internal/schematest",
	"store/transfer":           "store/sqlite",
	"store/internal/guard":     ".",
	"store/internal/sqlschema": ".",

	"tests/endure": ". rule store store/faulty store/memory store/postgres store/sqlite store/transfer internal/pgtest internal/pgwire internal/testbed",
	"tests/model":  "store store/memory store/transfer internal/numplan internal/testbed",
	"tests/rules":  ". rule store store/faulty store/memory store/postgres store/sqlite store/transfer internal/testbed",
}

// list is what go list says of the packages that the arguments name.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	command := exec.Command("go", append([]string{"list"}, args...)...)
	command.Dir = "../.."
	var complaint strings.Builder
	command.Stderr = &complaint
	out, err := command.Output()
	require.NoError(t, err, complaint.String())
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// inModule are the packages of the module among others, by their folders.
func inModule(paths string) (folders []string) {
	for _, path := range strings.Fields(paths) {
		switch folder, inside := strings.CutPrefix(path, module+"/"); {
		case path == module:
			folders = append(folders, ".")
		case inside:
			folders = append(folders, folder)
		}
	}
	return folders
}

func TestImportsRunOneWay(t *testing.T) {
	const format = "{{.ImportPath}}|{{range .Imports}}{{.}} {{end}}|{{range .TestImports}}{{.}} {{end}}{{range .XTestImports}}{{.}} {{end}}"
	for _, line := range list(t, "-f", format, "./...") {
		parts := strings.Split(line, "|")
		from := inModule(parts[0])[0]
		row, there := imports[from]
		if !there {
			t.Errorf("%s has no row in the table of imports", from)
			continue
		}
		may := strings.Fields(row)
		for _, to := range inModule(parts[1]) {
			if !slices.Contains(may, to) {
				t.Errorf("a new arrow: %s imports %s", from, to)
			}
		}
		may = slices.Concat(may, strings.Fields(testImports[from]), []string{from})
		for _, to := range inModule(parts[2]) {
			if !slices.Contains(may, to) {
				t.Errorf("a new arrow: the tests of %s import %s", from, to)
			}
		}
	}
}

// A program can use a store in memory, or any other store, without the domain.
func TestStoresNeedTheContractAlone(t *testing.T) {
	for _, folder := range []string{"./store", "./store/memory", "./store/faulty", "./internal/overlay"} {
		require.NotContains(t, inModule(strings.Join(list(t, "-deps", folder), " ")), ".", "%s needs the root", folder)
	}
}
