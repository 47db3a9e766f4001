package testbed

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// Dump is every record of a store, as text, by table.
func Dump(t testing.TB, db store.Store) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := db.View(context.Background(), func(r store.Reader) error {
		for _, table := range pbx.Tables() {
			for rec, err := range r.Find(context.Background(), store.Query{Index: table.Key()}) {
				if err != nil {
					return err
				}
				var line strings.Builder
				for _, f := range rec.Fields(nil) {
					fmt.Fprintf(&line, "%s=%v ", f.Name, f.Value())
				}
				out[table.Name] = append(out[table.Name], line.String())
			}
		}
		return nil
	})
	require.NoError(t, err)
	return out
}
