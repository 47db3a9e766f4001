package oracle_test

import (
	"fmt"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

// listed is how many places a message names.
const listed = 4

// explain says why an anchor does not name one place, and what it may mean now.
func (s *source) explain(b seededBug, p piece, named []*decl, found []place) error {
	switch {
	case len(found) > 0:
		return fmt.Errorf("%d places hold the piece, it must be one: %s; give more of it, or the package", len(found), s.list(found))
	case len(named) > 0:
		return fmt.Errorf("%s does not hold the piece; %s", s.names(named), s.suggest(b, p, named))
	default:
		return fmt.Errorf("there is no %s; %s", b.in, s.suggest(b, p, s.named(lastName(b.in))))
	}
}

// suggest names where else the piece is, declarations of the same name first, or
// else the most similar code: where it was expected, or else anywhere.
func (s *source) suggest(b seededBug, p piece, expected []*decl) string {
	elsewhere := s.places(p, s.decls)
	name := lastName(b.in)
	other := func(at place) int {
		if lastName(at.decl.name) == name {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(elsewhere, func(x, y place) int { return other(x) - other(y) })
	switch {
	case len(elsewhere) == 1:
		return fmt.Sprintf("only %s holds it: did it move there, or was it renamed?", s.list(elsewhere))
	case len(elsewhere) > 1:
		return fmt.Sprintf("%d other places hold it: %s", len(elsewhere), s.list(elsewhere))
	}
	for _, decls := range [][]*decl{expected, s.decls} {
		if at, alike := s.nearest(b.old, p, decls); alike > 0 {
			return fmt.Sprintf("most like it is, in %s:\n\t%s", s.where(at.decl, at.span), s.text(at.decl, at.span))
		}
	}
	return "nothing like it is anywhere"
}

// nearest is the span that has most words in common with a piece, and how large a
// part that is; none where less than half is in common.
func (s *source) nearest(old string, p piece, decls []*decl) (best place, alike float64) {
	wanted := words(old)
	alike = 0.5
	for _, d := range decls {
		for at := range p.spans(d.node) {
			text := s.text(d, at)
			if len(text) > 2*len(old) || len(old) > 2*len(text) {
				continue
			}
			if a := inCommon(wanted, words(text)); a > alike {
				best, alike = place{d, p, at}, a
			}
		}
	}
	if best.decl == nil {
		return place{}, 0
	}
	return best, alike
}

// words are the names, literals and signs of code, in order.
func words(text string) []string {
	var scan scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	scan.Init(file, []byte(text), func(token.Position, string) {}, 0)
	var all []string
	for {
		_, sign, literal := scan.Scan()
		switch {
		case sign == token.EOF:
			slices.Sort(all)
			return all
		case sign == token.SEMICOLON:
		case literal != "":
			all = append(all, literal)
		default:
			all = append(all, sign.String())
		}
	}
}

// inCommon is the part of two sorted lists that is in both.
func inCommon(a, b []string) float64 {
	both, i, j := 0, 0, 0
	for i < len(a) && j < len(b) {
		switch order := strings.Compare(a[i], b[j]); {
		case order < 0:
			i++
		case order > 0:
			j++
		default:
			both, i, j = both+1, i+1, j+1
		}
	}
	return 2 * float64(both) / float64(max(1, len(a)+len(b)))
}

// lastName is the name in an anchor without its package and type.
func lastName(in string) string { return in[strings.LastIndexAny(in, "./")+1:] }

// list names places.
func (s *source) list(places []place) string {
	var all []string
	for _, at := range places {
		all = append(all, s.where(at.decl, at.span))
	}
	return shortened(all)
}

// names names declarations.
func (s *source) names(decls []*decl) string {
	var all []string
	for _, d := range decls {
		all = append(all, fmt.Sprintf("%s (%s)", d, d.file))
	}
	return shortened(all)
}

func shortened(all []string) string {
	if len(all) > listed {
		all = append(all[:listed:listed], "…")
	}
	return strings.Join(all, ", ")
}
