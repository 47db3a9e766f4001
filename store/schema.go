package store

import (
	"slices"
	"strings"
)

// MaxColumns is how many columns a table may have: a store can note in the bits
// of a uint64 which of them have changed.
const MaxColumns = 64

// maxIndexes is how many indexes a schema may have: Index.Number is one byte.
const maxIndexes = 256

// Column is a column of a table.
type Column struct {
	Name   string
	Type   Type
	Null   bool // false is NOT NULL
	Varies Volatility
}

// Table is the declaration of a kind of record, made once by Declare. Stores build
// their statements and trees from it.
type Table struct {
	Name     string
	Columns  []Column
	Indexes  []*Index // Indexes[0] is the key
	Revision int      // the position of the column "rev", or -1: such records never change
	New      func() Record

	clone func(Record) Record
	deep  []int // the columns that Clone has to copy one by one: lists and bytes
}

// Schema is the tables of one domain, in the order in which they are declared:
// a table comes after those that its rows refer to. The zero Schema has none.
type Schema struct {
	tables  []*Table
	indexes int
}

// Tables returns the declared tables.
func (s *Schema) Tables() []*Table { return slices.Clone(s.tables) }

// Declare adds a kind of record to a schema: a struct R of which *R is the Record.
// The first index is its key. It panics where there are more columns or indexes
// than a store can tell apart.
func Declare[R any, P interface {
	*R
	Record
}](s *Schema, name string, indexes ...IndexDecl) *Table {
	t := &Table{Name: name, Revision: -1, New: func() Record { return P(new(R)) }}
	t.clone = func(r Record) Record {
		c := *(*R)(r.(P))
		return P(&c)
	}
	for i, f := range t.New().Fields(nil) {
		t.Columns = append(t.Columns, Column{Name: f.Name, Type: f.Type(), Null: f.Null, Varies: f.Varies})
		switch {
		case f.Name == "rev":
			t.Revision = i
		case f.Type() == List, f.Type() == Bytes:
			t.deep = append(t.deep, i)
		}
	}
	if len(t.Columns) > MaxColumns || s.indexes+len(indexes) > maxIndexes {
		panic("pbx: table " + name + " has too many columns or indexes")
	}
	for _, decl := range indexes {
		ix := &Index{Table: t, Name: decl.name, Unique: decl.unique, number: byte(s.indexes)}
		s.indexes++
		for column := range strings.FieldsSeq(decl.columns) {
			ix.Columns = append(ix.Columns, t.Column(column))
		}
		t.Indexes = append(t.Indexes, ix)
	}
	t.Indexes[0].Name = name + "_pkey"
	s.tables = append(s.tables, t)
	return t
}

// Column returns the position of the column of that name; it panics where there
// is none.
func (t *Table) Column(name string) int {
	at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	if at < 0 {
		panic("pbx: table " + t.Name + " has no column " + name)
	}
	return at
}

// Key returns the table's primary key.
func (t *Table) Key() *Index { return t.Indexes[0] }

// Index returns the index of that name; it panics where there is none.
func (t *Table) Index(name string) *Index {
	for _, ix := range t.Indexes {
		if ix.Name == name {
			return ix
		}
	}
	panic("pbx: table " + t.Name + " has no index " + name)
}

// ByTenant returns an index that begins with the column "tenant_id" and holds
// every record of the table, or nil where there is none: for the tenants
// themselves, and for records with a key of the whole system.
func (t *Table) ByTenant() *Index {
	for _, ix := range t.Indexes {
		null := slices.ContainsFunc(ix.Columns, func(c int) bool { return t.Columns[c].Null })
		if t.Columns[ix.Columns[0]].Name == "tenant_id" && !null {
			return ix
		}
	}
	return nil
}
