package rules_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/rule"
)

// words are said of rules: outcomes, or methods.
type words map[rule.Code]map[string]bool

func (w words) add(code rule.Code, word string) {
	if code == "" || word == "" {
		return
	}
	if w[code] == nil {
		w[code] = map[string]bool{}
	}
	w[code][word] = true
}

// ruleSource is what the source says of the rules.
type ruleSource struct {
	used       map[rule.Code]bool // by anything but the checker, which refuses nothing
	outcomes   words              // where code and kind are together
	refused    words              // with which tests assert that something is refused
	warned     words              // for which a test checks a review's warnings
	documented words              // the methods that say that they keep the rule
	declared   map[string]bool    // the methods of a Review and an Event, and functions
}

// readSource parses the package and its tests.
func readSource(t *testing.T) *ruleSource {
	t.Helper()
	s := &ruleSource{used: map[rule.Code]bool{}, outcomes: words{}, refused: words{}, warned: words{}, documented: words{}, declared: map[string]bool{}}
	source, tests := parse(t)
	asInvalid := validations(source)
	require.NotEmpty(t, asInvalid)
	for _, fn := range slices.Concat(methodsOf("Review", source...), methodsOf("Event", source...), methodsOf("", source...)) {
		s.declared[fn.Name.Name] = fn.Name.IsExported()
	}
	for _, f := range source {
		s.readDocumentation(f)
		s.readOutcomes(f, asInvalid)
	}
	for _, f := range tests {
		s.readRefused(f)
		s.readWarned(f)
	}
	return s
}

// root is the module's folder.
const root = "../.."

// parse parses the files of the package, except the codes and the checker, and
// the tests that are named by the codes of rules.
func parse(t *testing.T) (source, tests []*ast.File) {
	t.Helper()
	for _, folder := range []string{root, ".", "../endure"} {
		names, err := filepath.Glob(filepath.Join(folder, "*.go"))
		require.NoError(t, err)
		for _, name := range names {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			require.NoError(t, err)
			switch {
			case strings.HasSuffix(name, "_test.go"):
				tests = append(tests, f)
			case !strings.HasPrefix(filepath.Base(name), "check_"):
				source = append(source, f)
			}
		}
	}
	return source, tests
}

// methodsOf are the methods of a type that files declare; of "", the functions.
func methodsOf(typ string, files ...*ast.File) []*ast.FuncDecl {
	var list []*ast.FuncDecl
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && receiver(fn) == typ {
				list = append(list, fn)
			}
		}
	}
	return list
}

// receiver is the name of the type that a function is a method of, or "".
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	if star, ok := fn.Recv.List[0].Type.(*ast.StarExpr); ok {
		return identifier(star.X)
	}
	return identifier(fn.Recv.List[0].Type)
}

// validations are the methods of the type that checks an operation's input: what
// they check under a code is refused as invalid.
func validations(files []*ast.File) []string {
	var names []string
	for _, fn := range methodsOf("validation", files...) {
		if len(fn.Type.Params.List) == 0 {
			continue
		}
		if identifier(fn.Type.Params.List[0].Type) == "Code" {
			names = append(names, fn.Name.Name)
		}
	}
	return names
}

// readDocumentation finds the rules that the methods of a Directory name.
func (s *ruleSource) readDocumentation(f *ast.File) {
	for _, fn := range methodsOf("Directory", f) {
		if !fn.Name.IsExported() {
			continue
		}
		text := ruleSpan.ReplaceAllStringFunc(fn.Doc.Text(), spellOut)
		for _, code := range anyRule.FindAllString(text, -1) {
			s.documented.add(rule.Code(code), fn.Name.Name)
		}
	}
}

var (
	anyRule  = regexp.MustCompile(`\b[A-Z]{2,3}-\d+\b`)
	ruleSpan = regexp.MustCompile(`\b([A-Z]{2,3})-(\d+) to [A-Z]{2,3}-(\d+)\b`)
)

// spellOut makes "NUM-2 to NUM-4" name NUM-3 too.
func spellOut(span string) string {
	m := ruleSpan.FindStringSubmatch(span)
	var from, to int
	_, _ = fmt.Sscan(m[2]+" "+m[3], &from, &to)
	var codes []string
	for n := from; n <= to; n++ {
		codes = append(codes, fmt.Sprintf("%s-%d", m[1], n))
	}
	return strings.Join(codes, " ")
}

// readOutcomes finds the codes that a file uses, and how it refuses with them,
// as far as that can be read: if a code is in a variable, it cannot.
func (s *ruleSource) readOutcomes(f *ast.File, asInvalid []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if code := codeOf(n); code != "" {
				s.used[code] = true
			}
		case *ast.CompositeLit:
			given := map[string]ast.Expr{}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					given[identifier(kv.Key)] = kv.Value
				}
			}
			s.outcomes.add(codeOf(given["Code"]), outcomeWords[identifier(given["Kind"])])
		case *ast.CallExpr:
			if len(n.Args) == 0 {
				break
			}
			word := outcomeWords[identifier(n.Fun)]
			if slices.Contains(asInvalid, identifier(n.Fun)) {
				word = outcomeWords["ErrInvalid"]
			}
			s.outcomes.add(codeOf(n.Args[0]), word)
		}
		return true
	})
}

// readWarned finds the rules for which a test checks a review's warnings.
func (s *ruleSource) readWarned(f *ast.File) {
	for _, fn := range methodsOf("", f) {
		of := testName.FindStringSubmatch(fn.Name.Name)
		if of == nil {
			continue
		}
		looks, names := false, false
		ast.Inspect(fn, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				looks, names = looks || sel.Sel.Name == "Warnings", names || sel.Sel.Name == of[1]+of[2]
			}
			return true
		})
		if looks && names {
			s.warned.add(rule.Code(of[1]+"-"+of[2]), "warning")
		}
	}
}

// readRefused finds the refusals that tests assert.
func (s *ruleSource) readRefused(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 1 && identifier(call.Fun) == "Refused" {
			s.refused.add(codeOf(call.Args[0]), outcomeWords[identifier(call.Args[1])])
		}
		return true
	})
}

// identifier is the last name of an expression like USR1, pbx.USR1 or w.Refused.
func identifier(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// codeOf is the code that an expression names.
func codeOf(e ast.Expr) rule.Code {
	if m := codeName.FindStringSubmatch(identifier(e)); m != nil {
		return rule.Code(m[1] + "-" + m[2])
	}
	return ""
}

var testName = regexp.MustCompile(`^Test([A-Z]+)(\d+)_`)

var codeName = regexp.MustCompile(`^([A-Z]{2,3})(\d+)$`)
