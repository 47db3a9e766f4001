// Package sqlschema writes the SQL statements over declared tables: those that read
// by an index, and those that make a change.
package sqlschema

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/pbxkit/pbx/store"
)

// Verb is what a statement does.
type Verb uint8

// The verbs.
const (
	VerbGet Verb = iota + 1
	VerbFind
	VerbInsert
	VerbUpdate
	VerbDelete
)

// Statement is the shape of a statement: all that its text depends on, and
// nothing of its values. It can be the key of a map of prepared statements.
type Statement struct {
	Verb    Verb
	Index   *store.Index // what is read by; for changes the table's key
	Columns uint64       // of an update: a bit for each column that is set

	// Of a range: how many leading columns are equal to something, whether the
	// next one is bounded, and whether the range begins after a record.
	Equal               uint8
	Lower, Upper, After bool
	Desc                bool
	Whole               bool // without a limit
}

// Get reads one record by a unique index. Its values are those of the index's
// columns.
func Get(ix *store.Index) Statement { return Statement{Verb: VerbGet, Index: ix} }

// Insert adds a record. Its values are those of all columns.
func Insert(t *store.Table) Statement { return Statement{Verb: VerbInsert, Index: t.Key()} }

// Update changes the columns of a record: a bit for each. Its values are theirs
// in the table's order, then the key's, then the old revision.
func Update(t *store.Table, columns uint64) Statement {
	return Statement{Verb: VerbUpdate, Index: t.Key(), Columns: columns}
}

// Delete removes a record. Its values are the key's, then the old revision
// where the table has one.
func Delete(t *store.Table) Statement { return Statement{Verb: VerbDelete, Index: t.Key()} }

// Question is the placeholder "?".
func Question(int) string { return "?" }

// Dollar is the placeholder "$1", "$2" and so on.
func Dollar(n int) string { return "$" + strconv.Itoa(n) }

// Dialect is what two engines write differently.
type Dialect struct {
	Param  func(n int) string // the placeholder of the n-th value, counted from 1
	Schema string             // what stands before the names of tables, with its dot; or nothing
}

// SQL returns the statement's text.
func (s Statement) SQL(d Dialect) string {
	text, _ := s.Text(d)
	return text
}

// Text returns the statement's text and the types of its values.
func (s Statement) Text(d Dialect) (text string, values []store.Type) {
	w := &writer{table: s.Index.Table, dialect: d}
	switch s.Verb {
	case VerbGet:
		w.selectAll()
		w.text(" WHERE ")
		w.equal(s.Index.Columns)
	case VerbFind:
		w.selectAll()
		w.where(s, nil)
		w.order(s)
		w.limit(s)
	case VerbInsert:
		w.insert()
	case VerbUpdate:
		w.update(s.Columns)
	case VerbDelete:
		w.text("DELETE FROM ")
		w.tableName()
		w.text(" WHERE ")
		w.unchanged()
	}
	return w.String(), w.types
}

// AppendKey appends a few bytes that identify the statement.
func (s Statement) AppendKey(dst []byte) []byte {
	var flags byte
	for i, set := range [...]bool{s.Lower, s.Upper, s.After, s.Desc, s.Whole} {
		if set {
			flags |= 1 << i
		}
	}
	return binary.AppendUvarint(append(dst, byte(s.Verb), s.Index.Number(), s.Equal, flags), s.Columns)
}

// writer writes the text of one statement.
type writer struct {
	strings.Builder
	dialect Dialect
	table   *store.Table
	types   []store.Type // of the values so far
}

func (w *writer) text(parts ...string) {
	for _, part := range parts {
		w.WriteString(part)
	}
}

func (w *writer) name(column int) string { return w.table.Columns[column].Name }

// names writes the columns' names, each followed by suffix, with commas.
func (w *writer) names(columns []int, suffix string) {
	for i, c := range columns {
		if i > 0 {
			w.text(", ")
		}
		w.text(w.name(c), suffix)
	}
}

func (w *writer) tableName() { w.text(w.dialect.Schema, w.table.Name) }

// value writes the next placeholder, of a value of that type.
func (w *writer) value(of store.Type) {
	w.types = append(w.types, of)
	w.text(w.dialect.Param(len(w.types)))
}

// valueOf writes the next placeholder, of a value of that column.
func (w *writer) valueOf(column int) { w.value(w.table.Columns[column].Type) }

// values writes placeholders for the columns with commas.
func (w *writer) values(columns []int) {
	for i, c := range columns {
		if i > 0 {
			w.text(", ")
		}
		w.valueOf(c)
	}
}

// equal writes a condition for each of the columns.
func (w *writer) equal(columns []int) {
	for i, c := range columns {
		if i > 0 {
			w.text(" AND ")
		}
		w.text(w.name(c), " = ")
		w.valueOf(c)
	}
}

func (w *writer) selectAll() {
	w.text("SELECT ")
	w.names(all(w.table), "")
	w.text(" FROM ")
	w.tableName()
}

func (w *writer) insert() {
	w.text("INSERT INTO ")
	w.tableName()
	w.text(" (")
	w.names(all(w.table), "")
	w.text(") VALUES (")
	w.values(all(w.table))
	w.text(")")
}

func (w *writer) update(columns uint64) {
	w.text("UPDATE ")
	w.tableName()
	w.text(" SET ")
	first := true
	for c := range w.table.Columns {
		if columns&(1<<c) == 0 {
			continue
		}
		if !first {
			w.text(", ")
		}
		first = false
		w.text(w.name(c), " = ")
		w.valueOf(c)
	}
	w.text(" WHERE ")
	w.unchanged()
}

// unchanged writes the condition that finds a record only as it was read.
func (w *writer) unchanged() {
	w.equal(w.table.Key().Columns)
	if w.table.Revision >= 0 {
		w.text(" AND ", w.name(w.table.Revision), " = ")
		w.valueOf(w.table.Revision)
	}
}

func all(t *store.Table) []int {
	columns := make([]int, len(t.Columns))
	for i := range columns {
		columns[i] = i
	}
	return columns
}
