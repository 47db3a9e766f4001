package rules_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/sqlite"
)

// No query finds what is deleted, and nobody who reads the bytes of the file
// finds it either.
func TestUSR9_NothingOfThePersonIsLeftInTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pbx.db")
	store, err := sqlite.Open(t.Context(), file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	w := newWorld(t, store)
	content := func() []byte {
		require.NoError(t, store.Close())
		left, err := filepath.Glob(file + "*")
		require.NoError(t, err)
		require.Equal(t, []string{file}, left, "the log is gone when the file is closed")
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		return bytes.ToLower(b)
	}
	var leavers []*pbx.User
	for i := range 120 { // on pages that are split, joined and freed
		u, err := w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{
			FirstName: fmt.Sprint("Zanzibar ", i), LastName: "Quetzal", Email: fmt.Sprintf("zanzibar%d@quetzal.example", i), Department: "Quetzal Care",
			Extension: pbx.Extension(fmt.Sprint(7100 + i)),
		}})
		require.NoError(t, err)
		leavers = append(leavers, u.User)
	}
	w.User("Ann", "Lee", "7001")
	for _, u := range leavers {
		u.LastName = "Quetzal-Zanzibar"
		_, err := w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(t, err)
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, pbx.UserAndPhones))
	}
	b := content()
	require.True(t, bytes.Contains(b, []byte("ann.lee@example.com")), "the others are in it as they were")
	for _, word := range []string{"zanzibar", "quetzal"} {
		require.False(t, bytes.Contains(b, []byte(word)), word)
	}
}
