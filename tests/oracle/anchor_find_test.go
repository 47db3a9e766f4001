package oracle_test

import (
	"go/token"
	"testing"

	"github.com/stretchr/testify/require"
)

// toy is a source of two packages, on which anchors are tried.
func toy(t *testing.T) *source {
	t.Helper()
	s := &source{set: token.NewFileSet(), texts: map[string]string{}}
	require.NoError(t, s.add("shop.go", `package shop

var grants = map[string][]int{
	"sell": {1, 2},
	"buy":  {1},
}

func (s *stock[T]) take(n int) error {
	if n > s.left { // not more than there is
		return errShort
	}
	s.left -= n
	log("taken",
		n)
	switch {
	case s.left == 0 && s.open:
		s.order()
	}
	return nil
}

func sum(all ...int) (total int) {
	for _, n := range all {
		total += n
	}
	return max(all...)
}
`))
	require.NoError(t, s.add("internal/till/till.go", `package till

func sum(a, b int) int { return a + b }

func (t *till) give(n int) { t.left -= n }

func (t *till) back(n int) { t.left -= n }
`))
	return s
}

// TestAnchor_IsFoundByNameAndCode finds pieces of every shape, and seeds them.
func TestAnchor_IsFoundByNameAndCode(t *testing.T) {
	for _, c := range []struct{ in, old, new, changed string }{
		{"stock.take", `n > s.left`, `OLD && !BUG`, `if ((n > s.left) && !seeded("X-1 b")) {`},
		{"take", `if n > s.left {`, ``, "if seeded(\"X-1 b\") {\n} else if n > s.left {"},
		{"take", `case s.open && s.left == 0:`, ``, ``},
		{"take", `case s.left == 0 && s.open:`, ``, `case !seeded("X-1 b") && (s.left == 0 && s.open):`},
		{"take", `log("taken", n)`, ``, "if !seeded(\"X-1 b\") {\nlog(\"taken\",\n\t\tn)\n}"},
		{"take", `log(_, n)`, `if !BUG { OLD }`, "if !seeded(\"X-1 b\") { log(\"taken\",\n\t\tn) }"},
		{"take", "s.left -= n\nlog(_, _)", ``, "if !seeded(\"X-1 b\") {\ns.left -= n\n\tlog("},
		{"grants", `"buy": {1}`, `"buy": {either(BUG, 2, 1)}`, `"buy": {either(seeded("X-1 b"), 2, 1)},`},
		{"sum", `for _, n := range all {`, `for _, n := range either(BUG, nil, all) {`, `range either(seeded("X-1 b"), nil, all) {`},
		{"sum", `max(all)`, `either(BUG, 0, OLD)`, ``}, // it is max(all...)
		{"internal/till.sum", `a + b`, `either(BUG, a, OLD)`, `return (either(seeded("X-1 b"), a, (a + b)))`},
		{"internal/till.sum", `max(all...)`, `either(BUG, 0, OLD)`, ``},
	} {
		t.Run(c.in+" "+c.old, func(t *testing.T) {
			s := toy(t)
			all, err := s.findAll([]seededBug{{"X-1", "b", c.in, c.old, c.new}})
			if c.changed == "" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			texts, err := s.seed(all)
			require.NoError(t, err)
			require.Len(t, texts, 2, "the file, and the seedbed beside it")
			require.Contains(t, texts[all[0].decl.file], c.changed)
		})
	}
}

// TestAnchor_SaysWhatItMayMean fails for all anchors at once, each with what may
// have become of it.
func TestAnchor_SaysWhatItMayMean(t *testing.T) {
	for _, c := range []struct{ in, old, says string }{
		{"shelf.take", `s.order()`, `there is no shelf.take; only stock.take (shop.go:17) holds it`},
		{"stock.refill", `n > s.left`, `there is no stock.refill; only stock.take (shop.go:9) holds it`},
		{"stock.take", `total += n`, `stock.take (shop.go) does not hold the piece; only sum (shop.go:24) holds it`},
		{"stock.take", `n > s.rest`, "does not hold the piece; most like it is, in stock.take (shop.go:9):\n\tn > s.left"},
		{"stock.take", `shut(at.night, every, door)`, `nothing like it is anywhere`},
		{"stock.give", `t.left -= n`, `2 other places hold it: internal/till.till.give (internal/till/till.go:5), internal/till.till.back`},
		{"take", `n`, `4 places hold the piece, it must be one`},
		{"take", `n >`, `the piece is no expression, element, header or statement`},
	} {
		t.Run(c.in+" "+c.old, func(t *testing.T) {
			_, err := toy(t).findAll([]seededBug{{"X-1", "b", c.in, c.old, "BUG"}, {"X-2", "c", "gone", "x()", ""}})
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "X-2 c")
		})
	}
}

// TestAnchor_RefusesWhatCannotBeSeeded is about mistakes in the list itself.
func TestAnchor_RefusesWhatCannotBeSeeded(t *testing.T) {
	s := toy(t)
	_, err := s.findAll([]seededBug{{"X-1", "b", "take", "if n > s.left {", ""}, {"X-2", "c", "take", "n > s.left", "BUG"}})
	require.ErrorContains(t, err, `"X-1 b" and "X-2 c" change the same code of stock.take (shop.go:9)`)
	for _, b := range []seededBug{
		{"X-1", "an expression is left out", "take", "n > s.left", ""},
		{"X-1", "a loop is left out", "sum", "for _, n := range all {", ""},
		{"X-1", "there is no switch", "take", "n > s.left", "true"},
	} {
		all, err := s.findAll([]seededBug{b})
		if err == nil {
			_, err = s.seed(all)
		}
		require.Error(t, err, b.name)
	}
}
