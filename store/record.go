package store

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Record is a row of one table: *User, *Service and so on.
type Record interface {
	// Table returns the declaration of the record's kind.
	Table() *Table
	// Fields appends a Field for each column, in the order of the table's columns.
	// Their pointers lead into the record: a store decodes a row through them.
	Fields(dst []Field) []Field
}

// Field is one column of one record.
type Field struct {
	Name   string
	Ptr    any        // a pointer into the record, of the Go type that Type names
	Null   bool       // the zero value stands for NULL
	Varies Volatility // what two runs of an operation may differ in
}

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

// FieldsOf returns the record's fields in a slice of their own. Code that reads
// many records calls Record.Fields with a slice that it uses again.
func FieldsOf(r Record) []Field {
	return r.Fields(make([]Field, 0, len(r.Table().Columns)))
}

// RevisionOf returns a record's revision, and whether its kind has one.
func RevisionOf(r Record) (rev int64, has bool) {
	at := r.Table().Revision
	if at < 0 {
		return 0, false
	}
	return *FieldsOf(r)[at].Ptr.(*int64), true
}

// Clone returns a copy of a record that shares no column's value with it.
func Clone[R Record](r R) R {
	t := r.Table()
	c := t.clone(r)
	if len(t.deep) > 0 {
		t.cloneDeep(c)
	}
	return c.(R)
}

// cloneDeep copies the lists and bytes of a copied record, which the original has too.
// Reading a list of records clones each, so the room for fields is used again.
func (t *Table) cloneDeep(c Record) {
	room := fieldRooms.Get().(*[]Field)
	fields := c.Fields((*room)[:0])
	for _, i := range t.deep {
		switch p := fields[i].Ptr.(type) {
		case *[]string:
			*p = slices.Clone(*p)
		case *[]byte:
			*p = slices.Clone(*p)
		}
	}
	clear(fields) // a pointer that stays would keep the record
	*room = fields
	fieldRooms.Put(room)
}

var fieldRooms = sync.Pool{New: func() any { return new([]Field) }}

// ColumnValue returns a value of a Key or Query in the form that a column has: an
// ID becomes a [16]byte. It panics on a type that no indexed column has.
func ColumnValue(v any) any {
	switch v := v.(type) {
	case string, int64, bool, time.Time, [16]byte:
		return v
	case interface{ UUID() [16]byte }:
		return v.UUID()
	}
	panic(fmt.Sprintf("pbx: %T is not a column's value", v))
}
