// Package testbed is what tests start from: a small provider and its customers, a
// call of each method there, what tests assert of a refusal, and the stores that
// they run over.
package testbed

import (
	"context"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/postgres"
	"github.com/pbxkit/pbx/store/sqlite"
)

// Stores are all that the rules are tested over.
var Stores = map[string]func(t testing.TB) store.Store{
	"memory":     func(testing.TB) store.Store { return memory.New() },
	"read ahead": func(testing.TB) store.Store { return &Faraway{Store: memory.New()} },
	"sqlite": func(t testing.TB) store.Store {
		file := filepath.Join(t.TempDir(), "pbx.db")
		empty, err := emptyFile()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, empty, 0o600))
		s, err := sqlite.Open(context.Background(), file, sqlite.WithSynchronous(sqlite.Off))
		require.NoError(t, err)
		return s
	},
	"postgres": func(t testing.TB) store.Store { return OnServer(t, FreshDatabase(t)) },
}

// emptyFile is an SQLite file with the schema and nothing in it.
var emptyFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "pbx-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "pbx.db")
	s, err := sqlite.Open(context.Background(), file, sqlite.WithSynchronous(sqlite.Off))
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// Variable names the stores to test over, separated by commas; without it
// StoresOf chooses them. It chooses for the tests that run over stores, and for no other: those
// about one store use that, be it named or not, and those about none the memory
// store, which is always there.
const Variable = "PBX_TEST_STORES"

// Chosen reports whether a store is to be tested over. With -short none is that
// takes a file or a server, unless Variable names it.
func Chosen(store string) bool {
	list := os.Getenv(Variable)
	if list == "" {
		return store == "memory" || store == "read ahead" || Long() || !testing.Short()
	}
	return store == "memory" || slices.Contains(strings.Split(list, ","), store)
}

// Choose leaves out the stores that are not to be tested over.
func Choose() {
	for store := range strings.SplitSeq(os.Getenv(Variable), ",") {
		if Stores[store] == nil && store != "" {
			panic(Variable + " names " + store + ", which is no store")
		}
	}
	maps.DeleteFunc(Stores, func(name string, _ func(testing.TB) store.Store) bool { return !Chosen(name) })
}

// Run runs a package's tests over the chosen stores, with a server where there is
// one, and says what they asserted where RulesVariable asks for that.
func Run(m *testing.M) int {
	flag.Parse() // for -short
	Choose()
	defer asserted.tell()
	return pgtest.Run(m)
}

// FreshDatabase is the DSN of a database with the schema and nothing in it.
func FreshDatabase(t testing.TB) string { return pgtest.Clone(t, "empty", makeSchema) }

// OnServer opens the store in a database.
func OnServer(t testing.TB, dsn string) store.Store {
	s, err := postgres.Open(context.Background(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func makeSchema(dsn string) error {
	s, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		return err
	}
	return s.Close()
}
