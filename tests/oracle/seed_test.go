package oracle_test

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// seedbed is what the changed files of a package use.
const seedbed = `package %s

import (
	"os"
	"strings"
)

var seededBug = os.Getenv("` + seededSwitch + `")

func seeded(bug string) bool { return seededBug == bug }

func either[T any](bug bool, wrong, right T) T {
	if bug {
		return wrong
	}
	return right
}

func without(text, piece string) string { return strings.ReplaceAll(text, piece, "") }
`

// seededSwitch names the bug that is switched on.
const seededSwitch = "PBX_SEEDED_BUG"

// seeding is a bug with the place where it is seeded.
type seeding struct {
	bug seededBug
	place
}

// findAll finds the places of the bugs. The error names every bug whose anchor
// names no place, or more than one, and those that change the same code.
func (s *source) findAll(bugs []seededBug) ([]seeding, error) {
	var all []seeding
	var errs []error
	for _, b := range bugs {
		at, err := s.find(b)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q in %s: %w\n\t%s", b, b.in, err, strings.ReplaceAll(b.old, "\n", "\n\t")))
			continue
		}
		all = append(all, seeding{b, at})
	}
	slices.SortStableFunc(all, func(a, b seeding) int { return cmp.Compare(a.from, b.from) })
	last := seeding{}
	for _, next := range all {
		if next.from < last.to {
			errs = append(errs, fmt.Errorf("%q and %q change the same code of %s", last.bug, next.bug, s.where(next.decl, next.span)))
		}
		if next.to > last.to {
			last = next
		}
	}
	return all, errors.Join(errs...)
}

// seed returns the files that change, with all bugs in them.
func (s *source) seed(all []seeding) (map[string]string, error) {
	texts := map[string]string{}
	var errs []error
	for _, at := range slices.Backward(all) { // so that the places before stay where they are
		old := s.text(at.decl, at.span)
		with, err := at.replacement(old)
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", at.bug, err))
			continue
		}
		file := at.decl.file
		text := cmp.Or(texts[file], s.texts[file])
		from := s.offset(at.from)
		texts[file] = text[:from] + with + text[from+len(old):]
		texts[path.Join(at.decl.folder, "seedbed.go")] = fmt.Sprintf(seedbed, at.decl.pkg)
	}
	return texts, errors.Join(errs...)
}

var (
	bugSwitch = regexp.MustCompile(`\bBUG\b`)
	oldPiece  = regexp.MustCompile(`\bOLD\b`)
)

// replacement is what takes the place of a bug's piece.
func (at seeding) replacement(old string) (string, error) {
	with := at.bug.new
	if with == "" {
		var err error
		if with, err = at.leftOut(old); err != nil {
			return "", err
		}
	}
	if !bugSwitch.MatchString(with) {
		return "", errors.New("what takes the piece's place does not say BUG")
	}
	if at.piece.shape == expression && !at.alone {
		old, with = "("+old+")", "("+with+")"
	}
	with = bugSwitch.ReplaceAllLiteralString(with, fmt.Sprintf("seeded(%q)", at.bug))
	return oldPiece.ReplaceAllLiteralString(with, old), nil
}

// leftOut is what leaves the piece out while the bug is switched on.
func (at seeding) leftOut(old string) (string, error) {
	switch n := at.nodes[0].(type) {
	case *ast.IfStmt:
		if at.piece.shape == header {
			return "if BUG {\n} else OLD", nil
		}
	case *ast.CaseClause:
		if len(n.List) == 1 {
			condition := strings.TrimSuffix(strings.TrimPrefix(old, "case "), ":")
			return "case !BUG && (" + condition + "):", nil
		}
	}
	if at.alone {
		return "if !BUG {\nOLD\n}", nil
	}
	return "", errors.New("such a piece cannot be left out: say what takes its place")
}
