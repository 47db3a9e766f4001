package pbx_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

func TestRules(t *testing.T) {
	s := readSource(t)
	for _, r := range readRules(t) {
		var kinds []string
		for _, o := range r.outcomes {
			if o != "warning" {
				kinds = append(kinds, o)
			}
		}
		tested := slices.Sorted(maps.Keys(s.refused[r.code]))
		src := slices.Sorted(maps.Keys(s.outcomes[r.code]))
		diff := func(what string, a, b []string) {
			for _, x := range a {
				if !slices.Contains(b, x) {
					fmt.Println(r.code, what, x)
				}
			}
		}
		diff("row not tested:", kinds, tested)
		diff("tested not in row:", tested, r.outcomes)
		diff("source not in row:", src, r.outcomes)
		diff("row not in source:", r.outcomes, src)
		_ = src
		if s.used[r.code] != (len(r.outcomes) > 0) {
			fmt.Println(r.code, "used", s.used[r.code], r.outcomes)
		}
	}
	n := kept(t, readRules(t))
	fmt.Fprintf(t.Output(), "rules: %d of %d kept\n", n, len(readRules(t)))
}
