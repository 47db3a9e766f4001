package store

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Type is the type of a column.
type Type uint8

// The column types, and the Go type that a Field's pointer has for each.
const (
	Text  Type = iota + 1 // *string: valid UTF-8 without NUL, compared bytewise
	Int                   // *int64
	Bool                  // *bool
	Time                  // *time.Time: UTC, whole microseconds; zero is NULL
	UUID                  // *[16]byte; zero is NULL
	List                  // *[]string: a small set of codes
	Bytes                 // *[]byte; nil is NULL
)

// Field is one column of one record.
type Field struct {
	Name   string
	Ptr    any        // a pointer into the record, of the type that Type names
	Null   bool       // the zero value stands for NULL
	Varies Volatility // what two runs of an operation may differ in
}

// Type returns the column type of the field's pointer.
func (f Field) Type() Type {
	switch f.Ptr.(type) {
	case *string:
		return Text
	case *int64:
		return Int
	case *bool:
		return Bool
	case *time.Time:
		return Time
	case *[16]byte:
		return UUID
	case *[]string:
		return List
	case *[]byte:
		return Bytes
	}
	panic(fmt.Sprintf("pbx: column %s has a pointer of type %T", f.Name, f.Ptr))
}

// Value returns the field's value, or nil for NULL.
func (f Field) Value() any {
	switch p := f.Ptr.(type) {
	case *string:
		if f.Null && *p == "" {
			return nil
		}
		return *p
	case *int64:
		return *p
	case *bool:
		return *p
	case *time.Time:
		if p.IsZero() {
			return nil
		}
		return *p
	case *[16]byte:
		if *p == [16]byte{} {
			return nil
		}
		return *p
	case *[]string:
		return *p
	case *[]byte:
		if *p == nil {
			return nil
		}
		return *p
	}
	panic(fmt.Sprintf("pbx: column %s has a pointer of type %T", f.Name, f.Ptr))
}

// Column is a column of a table, of NOT NULL where Null is false.
type Column struct {
	Name   string
	Type   Type
	Null   bool
	Varies Volatility
}

// Table is the declaration of a kind of record, made once; stores build their
// statements and trees from it.
type Table struct {
	Name     string
	Columns  []Column
	Indexes  []*Index // Indexes[0] is the key
	Revision int      // the position of the column "rev", or -1: rows never change
	New      func() Record

	clone func(Record) Record
	deep  []int // the columns of which a copy of the record needs a copy
}

// Index is an ordering of a table's records by some columns. Every index is a
// total order: it is unique, or ends with the columns of the key. Records with
// NULL in one of its columns are not in it.
type Index struct {
	Table   *Table
	Name    string
	Columns []int // positions in Table.Columns
	Unique  bool

	number byte
}

// Number is the index's place among all indexes of all tables, from 0.
func (ix *Index) Number() byte { return ix.number }

// Schema is the tables of one domain, in the order in which they are declared:
// a table comes after those that its rows refer to. The zero Schema has none.
type Schema struct {
	tables  []*Table
	indexes int
}

// Tables returns the tables that are declared.
func (s *Schema) Tables() []*Table { return slices.Clone(s.tables) }

// Declared declares an index over columns, whose names are separated by spaces.
type Declared struct {
	name    string
	columns string
	unique  bool
}

// Primary is the key of a table.
func Primary(columns string) Declared { return Declared{"", columns, true} }

// Unique is an index in which no two records have the same values.
func Unique(name, columns string) Declared { return Declared{name, columns, true} }

// Ordered is an index that ends with the columns of the key.
func Ordered(name, columns string) Declared { return Declared{name, columns, false} }

// Declare declares a kind of record, a struct R of which *R is the Record; the
// first index is its key.
func Declare[R any, P interface {
	*R
	Record
}](s *Schema, name string, indexes ...Declared) *Table {
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

// Clone returns a copy of a record that shares nothing of its columns.
func Clone[R Record](r R) R {
	t := r.Table()
	c := t.clone(r)
	if len(t.deep) > 0 {
		fields := c.Fields(nil)
		for _, i := range t.deep {
			switch p := fields[i].Ptr.(type) {
			case *[]string:
				*p = slices.Clone(*p)
			case *[]byte:
				*p = slices.Clone(*p)
			}
		}
	}
	return c.(R)
}

// RevisionOf returns a record's revision, and whether its kind has one.
func RevisionOf(r Record) (rev int64, has bool) {
	at := r.Table().Revision
	if at < 0 {
		return 0, false
	}
	return *r.Fields(nil)[at].Ptr.(*int64), true
}

// Column is the position of the column of that name; it panics where there is
// none.
func (t *Table) Column(name string) int {
	at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	if at < 0 {
		panic("pbx: table " + t.Name + " has no column " + name)
	}
	return at
}

// Key returns the table's primary key.
func (t *Table) Key() *Index { return t.Indexes[0] }

// Index returns the index of that name; it panics when there is none.
func (t *Table) Index(name string) *Index {
	for _, ix := range t.Indexes {
		if ix.Name == name {
			return ix
		}
	}
	panic("pbx: table " + t.Name + " has no index " + name)
}

// ByTenant returns an index that begins with the tenant and holds every record
// of the table; nil where there is none: for the tenants themselves, and for what
// is kept under a key of the whole system, SIP identities and cursors.
func (t *Table) ByTenant() *Index {
	for _, ix := range t.Indexes {
		null := slices.ContainsFunc(ix.Columns, func(c int) bool { return t.Columns[c].Null })
		if t.Columns[ix.Columns[0]].Name == "tenant_id" && !null {
			return ix
		}
	}
	return nil
}

// Values returns the record's values of the index's columns, and whether it is
// in the index at all.
func (ix *Index) Values(r Record) ([]any, bool) {
	var room [40]Field
	fields := r.Fields(room[:0])
	values := make([]any, len(ix.Columns))
	for i, c := range ix.Columns {
		v := fields[c].Value()
		if v == nil {
			return nil, false
		}
		values[i] = v
	}
	return values, true
}

// AppendFields appends the entry of a record, given by its fields, to dst: the
// index's number, then each value in a form whose bytes sort as the values do.
// It reports whether the record is in the index.
func (ix *Index) AppendFields(dst []byte, fields []Field) ([]byte, bool) {
	dst = append(dst, ix.number)
	for _, c := range ix.Columns {
		f := &fields[c]
		switch p := f.Ptr.(type) {
		case *string:
			if f.Null && *p == "" {
				return dst, false
			}
			dst = append(append(dst, *p...), 0)
		case *int64:
			dst = appendInt(dst, *p)
		case *bool:
			dst = appendBool(dst, *p)
		case *time.Time:
			if p.IsZero() {
				return dst, false
			}
			dst = appendInt(dst, p.UnixMicro())
		case *[16]byte:
			if *p == [16]byte{} {
				return dst, false
			}
			dst = append(dst, p[:]...)
		default:
			panic("pbx: column " + f.Name + " cannot be in an index")
		}
	}
	return dst, true
}

// AppendValues appends the index's number and the leading values, in the form
// of AppendFields. Values are string, int64, bool, time.Time, [16]byte or an ID.
func (ix *Index) AppendValues(dst []byte, values ...any) []byte {
	return appendValues(append(dst, ix.number), values)
}

func appendValues(dst []byte, values []any) []byte {
	for _, v := range values {
		switch v := v.(type) {
		case string:
			dst = append(append(dst, v...), 0)
		case int64:
			dst = appendInt(dst, v)
		case bool:
			dst = appendBool(dst, v)
		case time.Time:
			dst = appendInt(dst, v.UnixMicro())
		case [16]byte:
			dst = append(dst, v[:]...)
		case interface{ UUID() [16]byte }:
			id := v.UUID()
			dst = append(dst, id[:]...)
		default:
			panic(fmt.Sprintf("pbx: %T is not a column's value", v))
		}
	}
	return dst
}

// Range returns the entries between which a query's records lie: from is the
// first that may be in it, to the first behind it, both in the form of
// AppendFields.
func (q Query) Range() (from, to []byte) {
	base := q.Index.AppendValues(make([]byte, 0, 64), q.Equal...)
	from, to = base, Upper(base)
	switch {
	case q.Prefix != "":
		from = append(slices.Clip(base), q.Prefix...)
		to = Upper(from)
	default:
		if q.From != nil {
			from = appendValues(slices.Clip(base), []any{q.From})
		}
		if q.To != nil {
			to = appendValues(slices.Clip(base), []any{q.To})
		}
	}
	if q.After == nil {
		return from, to
	}
	after := appendValues(slices.Clip(base), q.After)
	if q.Desc {
		if string(after) < string(to) {
			to = after
		}
	} else if after = append(after, 0); string(after) > string(from) {
		from = after
	}
	return from, to
}

// Upper returns the least string above all that begin with prefix.
func Upper(prefix []byte) []byte {
	up := slices.Clone(prefix)
	for i := len(up) - 1; i >= 0; i-- {
		if up[i] < 0xff {
			up[i]++
			return up[:i+1]
		}
	}
	return nil
}

// Plain returns the value in the form that a driver can take: IDs become
// [16]byte; it panics on a type that no column has.
func Plain(v any) any {
	switch v := v.(type) {
	case string, int64, bool, time.Time, [16]byte:
		return v
	case interface{ UUID() [16]byte }:
		return v.UUID()
	}
	panic(fmt.Sprintf("pbx: %T is not a column's value", v))
}

func appendInt(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(n)^(1<<63))
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}
