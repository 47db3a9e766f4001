package store

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Index is an order of a table's records by some of its columns. Every index is a
// total order: it is unique, or ends with the columns of the table's key. Records
// with NULL in one of its columns are not in it.
type Index struct {
	Table   *Table
	Name    string
	Columns []int // positions in Table.Columns
	Unique  bool

	number byte
}

// Number returns the index's place among all indexes of its schema, from 0.
func (ix *Index) Number() byte { return ix.number }

// IndexDecl declares an index for Declare. Names of columns are separated by
// spaces.
type IndexDecl struct {
	name    string
	columns string
	unique  bool
}

// Primary declares the key of a table.
func Primary(columns string) IndexDecl { return IndexDecl{"", columns, true} }

// Unique declares an index in which no two records have the same values.
func Unique(name, columns string) IndexDecl { return IndexDecl{name, columns, true} }

// Ordered declares an index whose last columns are those of the key.
func Ordered(name, columns string) IndexDecl { return IndexDecl{name, columns, false} }

// Key names one record: a unique index, and a value for each of its columns. The
// values are of the column's type or an ID; see ColumnValue.
type Key struct {
	Index  *Index
	Values []any
}

// At returns the key of the record with these values in a unique index.
func (ix *Index) At(values ...any) Key { return Key{ix, values} }

// Values returns the record's values in the index's columns, and whether the
// record is in the index at all.
func (ix *Index) Values(r Record) ([]any, bool) {
	fields := FieldsOf(r)
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

// AppendFields appends to dst the sort key of a record, given by its fields: the
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

// AppendValues appends the index's number and the values of its first columns, in
// the form of AppendFields. Values are string, int64, bool, time.Time, [16]byte or
// an ID.
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

func appendInt(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(n)^(1<<63))
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}
