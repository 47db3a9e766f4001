package endure_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/sqlite"
	"github.com/pbxkit/pbx/store/transfer"
)

// damages are how files are damaged: a change of some bytes at a place.
var damages = map[string]func(file []byte, r *rand.Rand){
	"one bit":        func(file []byte, r *rand.Rand) { file[r.IntN(len(file))] ^= 1 << r.IntN(8) },
	"one byte":       func(file []byte, r *rand.Rand) { file[r.IntN(len(file))] = byte(r.Uint32()) },
	"a sector of 0":  func(file []byte, r *rand.Rand) { clear(sector(file, r)) },
	"another sector": func(file []byte, r *rand.Rand) { copy(sector(file, r), sector(file, r)) },
}

func sector(file []byte, r *rand.Rand) []byte {
	at := r.IntN(len(file)/512) * 512
	return file[at : at+512]
}

// findDamage says by what the damage to a file is found: opening, SQLite's own check,
// the chain of a journal alone, or another rule. "" is none of them.
func findDamage(ctx context.Context, path string) (db *sqlite.Store, by string) {
	db, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, "opening"
	}
	if db.Check(ctx) != nil {
		return db, "SQLite's check"
	}
	report, err := pbx.New(db).As(pbx.Support("checker")).Check(ctx)
	switch {
	case err != nil:
		return db, "reading"
	case len(report.Violations) == 0:
		return db, ""
	}
	if slices.ContainsFunc(report.Violations, func(v pbx.Violation) bool { return v.Code != rule.SYS11 }) {
		return db, "another rule"
	}
	return db, "the chain alone"
}

// A file that was damaged is found to be so, or the damage is in what no check can know.
// Nothing of that kind is in a journal, and nothing panics.
func TestSYS11_DamagedFilesAreFoundOrTheirJournalsAreSound(t *testing.T) {
	testbed.NotShort(t)
	whole := filepath.Join(t.TempDir(), "whole.db")
	db, err := sqlite.Open(t.Context(), whole)
	require.NoError(t, err)
	testbed.Everything(testbed.NewWorld(t, db))
	require.NoError(t, db.Close())
	file, err := os.ReadFile(whole)
	require.NoError(t, err)
	db, err = sqlite.Open(t.Context(), whole)
	require.NoError(t, err)
	defer db.Close()

	size := testbed.Size(10, 250)
	found, silent := map[string]int{}, map[string]int{}
	for _, kind := range slices.Sorted(maps.Keys(damages)) {
		for n := range size {
			damaged := slices.Clone(file)
			damages[kind](damaged, rand.New(rand.NewPCG(uint64(n), 11)))
			path := filepath.Join(t.TempDir(), "damaged.db")
			require.NoError(t, os.WriteFile(path, damaged, 0o600))
			other, by := findDamage(t.Context(), path)
			if by == "" {
				by = "nothing, and there is none in a record"
				differences, err := transfer.Compare(t.Context(), db, other)
				require.NoError(t, err)
				for _, d := range differences {
					require.NotEqual(t, "events", d.Table, "%s %d: %s", kind, n, d)
					by = "nothing"
					silent[d.Table+"."+strings.Join(d.Columns, ",")]++
				}
			}
			found[by]++
			if other != nil {
				_ = other.Close()
			}
		}
	}
	t.Logf("figure: %d damaged SQLite files; found by: %v; columns that were silent: %v", size*len(damages), fmt.Sprint(found), silent)
}
