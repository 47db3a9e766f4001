package oracle_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"iter"
	"reflect"
	"strings"
)

// shape is what kind of code a piece is.
type shape int

const (
	expression shape = iota
	element          // of a composite literal, with its key
	header           // of an if, for, switch or select, to its brace, or of a case, to its colon
	statements       // one or more, one after another
)

// piece is the code that an anchor names, parsed.
type piece struct {
	shape shape
	nodes []ast.Node
}

// span is code of the source that has a piece's shape.
type span struct {
	nodes    []ast.Node
	from, to token.Pos
	alone    bool // an expression that is a statement
}

// parsePiece parses an anchor's code.
func parsePiece(text string) (piece, error) {
	text = strings.TrimSuffix(strings.TrimSpace(text), ",")
	switch {
	case strings.HasPrefix(text, "case ") && strings.HasSuffix(text, ":"):
		list, err := parseStatements("switch {\n" + text + "\n}")
		if err != nil {
			return piece{}, err
		}
		clause, _ := headerOf(list[0].(*ast.SwitchStmt).Body.List[0])
		return piece{header, []ast.Node{clause}}, nil
	case strings.HasSuffix(text, "{"):
		list, err := parseStatements(text + "\n}")
		if err != nil {
			return piece{}, err
		}
		if start, _ := headerOf(list[0]); start != nil {
			return piece{header, []ast.Node{start}}, nil
		}
		return piece{}, errors.New("a piece that ends with a brace must be the header of an if, for, switch or select")
	}
	if x, err := parser.ParseExpr(text); err == nil {
		return piece{expression, []ast.Node{x}}, nil
	}
	if x, err := parser.ParseExpr("T{" + text + "}"); err == nil {
		if literal, ok := x.(*ast.CompositeLit); ok && len(literal.Elts) == 1 {
			return piece{element, []ast.Node{literal.Elts[0]}}, nil
		}
	}
	list, err := parseStatements(text)
	return piece{statements, nodesOf(list)}, err
}

// parseStatements parses the body of a function.
func parseStatements(text string) ([]ast.Stmt, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+text+"\n}", parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("the piece is no expression, element, header or statement: %w", err)
	}
	list := file.Decls[0].(*ast.FuncDecl).Body.List
	if len(list) == 0 {
		return nil, errors.New("the piece is empty")
	}
	return list, nil
}

func nodesOf(list []ast.Stmt) []ast.Node {
	nodes := make([]ast.Node, len(list))
	for i, s := range list {
		nodes[i] = s
	}
	return nodes
}

// headerOf returns a statement without its body, and where the header ends; nil
// for what has none.
func headerOf(n ast.Node) (ast.Node, token.Pos) {
	switch n := n.(type) {
	case *ast.IfStmt:
		return &ast.IfStmt{If: n.If, Init: n.Init, Cond: n.Cond}, n.Body.Lbrace + 1
	case *ast.ForStmt:
		return &ast.ForStmt{For: n.For, Init: n.Init, Cond: n.Cond, Post: n.Post}, n.Body.Lbrace + 1
	case *ast.RangeStmt:
		short := *n
		short.Body = nil
		return &short, n.Body.Lbrace + 1
	case *ast.SwitchStmt:
		return &ast.SwitchStmt{Switch: n.Switch, Init: n.Init, Tag: n.Tag}, n.Body.Lbrace + 1
	case *ast.TypeSwitchStmt:
		return &ast.TypeSwitchStmt{Switch: n.Switch, Init: n.Init, Assign: n.Assign}, n.Body.Lbrace + 1
	case *ast.SelectStmt:
		return &ast.SelectStmt{Select: n.Select}, n.Body.Lbrace + 1
	case *ast.CaseClause:
		return &ast.CaseClause{Case: n.Case, List: n.List, Colon: n.Colon}, n.Colon + 1
	}
	return nil, token.NoPos
}

// bodyOf is the list of statements in a block or a case.
func bodyOf(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return n.List
	case *ast.CaseClause:
		return n.Body
	case *ast.CommClause:
		return n.Body
	}
	return nil
}

// spans are all spans of a piece's shape in a declaration.
func (p piece) spans(root ast.Node) iter.Seq[span] {
	return func(yield func(span) bool) {
		statement := map[ast.Expr]bool{}
		ast.Inspect(root, func(n ast.Node) bool {
			switch n := n.(type) {
			case nil:
				return false
			case *ast.ExprStmt:
				statement[n.X] = true
			}
			more := true
			switch p.shape {
			case statements:
				for list := nodesOf(bodyOf(n)); more && len(list) >= len(p.nodes); list = list[1:] {
					run := list[:len(p.nodes)]
					more = yield(span{run, run[0].Pos(), run[len(run)-1].End(), true})
				}
			case header:
				if short, end := headerOf(n); short != nil {
					more = yield(span{[]ast.Node{short}, n.Pos(), end, false})
				}
			default:
				x, is := n.(ast.Expr)
				if _, keyed := n.(*ast.KeyValueExpr); is && keyed == (p.shape == element) {
					more = yield(span{[]ast.Node{x}, x.Pos(), x.End(), statement[x]})
				}
			}
			return more
		})
	}
}

// in finds the piece in a declaration.
func (p piece) in(d *decl) []span {
	var found []span
	for at := range p.spans(d.node) {
		if same(reflect.ValueOf(p.nodes), reflect.ValueOf(at.nodes)) {
			found = append(found, at)
		}
	}
	return found
}

var position = reflect.TypeFor[token.Pos]()

// same compares code as it is parsed, wherever it stands: line breaks, spaces and
// comments make no difference. A blank in the pattern, f(_), is any expression.
func same(pattern, code reflect.Value) bool {
	if !pattern.IsValid() || !code.IsValid() {
		return pattern.IsValid() == code.IsValid()
	}
	if pattern.Type() == position {
		return pattern.Int() == 0 == (code.Int() == 0) // so f(a...) is not f(a)
	}
	switch pattern.Kind() {
	case reflect.Interface, reflect.Pointer:
		if blank, ok := pattern.Interface().(*ast.Ident); ok && blank != nil && blank.Name == "_" {
			_, any := code.Interface().(ast.Expr)
			return any && !code.IsNil()
		}
		pattern, code = pattern.Elem(), code.Elem()
		return pattern.IsValid() == code.IsValid() &&
			(!pattern.IsValid() || pattern.Type() == code.Type() && same(pattern, code))
	case reflect.Struct:
		for i := range pattern.NumField() {
			if !same(pattern.Field(i), code.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if pattern.Len() != code.Len() {
			return false
		}
		for i := range pattern.Len() {
			if !same(pattern.Index(i), code.Index(i)) {
				return false
			}
		}
		return true
	}
	return pattern.Equal(code)
}

// place is where in the source a bug is seeded.
type place struct {
	decl  *decl
	piece piece
	span
}

// find returns the one place that the bug's anchor names.
func (s *source) find(b seededBug) (place, error) {
	p, err := parsePiece(b.old)
	if err != nil {
		return place{}, err
	}
	named := s.named(b.in)
	found := s.places(p, named)
	if len(found) == 1 {
		return found[0], nil
	}
	return place{}, s.explain(b, p, named, found)
}

// places finds the piece in declarations.
func (s *source) places(p piece, decls []*decl) []place {
	var found []place
	for _, d := range decls {
		for _, at := range p.in(d) {
			found = append(found, place{d, p, at})
		}
	}
	return found
}
