package oracle_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// source is the module's code without its tests, which bugs are seeded into.
type source struct {
	set   *token.FileSet
	texts map[string]string // by file, as seen from the module's folder
	decls []*decl
}

// decl is what a package declares by name: a function, a method, a type, or the
// variables or constants of one specification.
type decl struct {
	folder string // of its package, "." for the module's own
	pkg    string
	file   string
	name   string // Directory.AssignDevice, validDomain, grants
	node   ast.Node
}

func (d *decl) String() string {
	if d.folder == "." {
		return d.name
	}
	return d.folder + "." + d.name
}

// readSource reads the packages under root that others may import. Other modules
// and what only tests and examples use are left out.
func readSource(root string) (*source, error) {
	s := &source{set: token.NewFileSet(), texts: map[string]string{}}
	return s, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && file != "." && notSource(path, entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return s.add(filepath.ToSlash(file), string(text))
	})
}

// notSource reports whether a folder holds none of the module's packages.
func notSource(path, name string) bool {
	switch name {
	case "docs", "examples", "testdata", "tests":
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil || strings.HasPrefix(name, ".")
}

// add reads what a file declares.
func (s *source) add(file, text string) error {
	tree, err := parser.ParseFile(s.set, file, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	s.texts[file] = text
	declare := func(name string, node ast.Node) {
		s.decls = append(s.decls, &decl{filepath.ToSlash(filepath.Dir(file)), tree.Name.Name, file, name, node})
	}
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			declare(functionName(d), d)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					declare(spec.Name.Name, spec)
				case *ast.ValueSpec:
					declare(spec.Names[0].Name, spec)
				}
			}
		}
	}
	return nil
}

// functionName is a function's name, or Type.method.
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	for {
		switch t := receiver.(type) {
		case *ast.StarExpr:
			receiver = t.X
		case *ast.IndexExpr:
			receiver = t.X
		case *ast.IndexListExpr:
			receiver = t.X
		case *ast.Ident:
			return t.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

// named finds the declarations that an anchor may mean. A name is a function's or
// Type.method; a method's name alone means the method of any type. The folder of
// the package may stand before it: store/sqlite.conn.script.
func (s *source) named(in string) []*decl {
	folder, name := "", in
	if slash := strings.LastIndex(in, "/"); slash >= 0 {
		pkg, rest, _ := strings.Cut(in[slash:], ".")
		folder, name = in[:slash]+pkg, rest
	}
	var found []*decl
	for _, d := range s.decls {
		if (folder == "" || d.folder == folder) && (d.name == name || strings.HasSuffix(d.name, "."+name)) {
			found = append(found, d)
		}
	}
	return found
}

// text is the source of a span.
func (s *source) text(d *decl, at span) string {
	return s.texts[d.file][s.offset(at.from):s.offset(at.to)]
}

func (s *source) offset(p token.Pos) int { return s.set.Position(p).Offset }

// where is a span's file and line, for a message.
func (s *source) where(d *decl, at span) string {
	return fmt.Sprintf("%s (%s:%d)", d, d.file, s.set.Position(at.from).Line)
}
