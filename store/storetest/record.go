package storetest

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pbxkit/pbx/store"
)

// set sets a column of a record, exported or not.
func set(r store.Record, column string, value any) {
	for _, f := range r.Fields(nil) {
		if f.Name == column {
			reflect.ValueOf(f.Ptr).Elem().Set(reflect.ValueOf(value))
			return
		}
	}
	panic("storetest: table " + r.Table().Name + " has no column " + column)
}

// integer returns the address of an integer column.
func integer(r store.Record, column string) *int64 {
	for _, f := range r.Fields(nil) {
		if f.Name == column {
			return f.Ptr.(*int64)
		}
	}
	panic("storetest: table " + r.Table().Name + " has no column " + column)
}

// with returns a copy of the record with the column set.
func with[R store.Record](r R, column string, value any) R {
	c := clone(r)
	set(c, column, value)
	return c
}

// clone returns a copy of the record that shares nothing with it.
func clone[R store.Record](r R) R {
	c := r.Table().New()
	to := c.Fields(nil)
	for i, f := range r.Fields(nil) {
		switch p := f.Ptr.(type) {
		case *[]string:
			*to[i].Ptr.(*[]string) = slices.Clone(*p)
		case *[]byte:
			*to[i].Ptr.(*[]byte) = slices.Clone(*p)
		default:
			reflect.ValueOf(to[i].Ptr).Elem().Set(reflect.ValueOf(f.Ptr).Elem())
		}
	}
	return c.(R)
}

// revised returns a copy of the record with the next revision.
func revised[R store.Record](r R) R {
	c := clone(r)
	*integer(c, "rev")++
	return c
}

// insert, update and remove are changes.
func insert(records ...store.Record) []store.Change {
	changes := make([]store.Change, len(records))
	for i, r := range records {
		changes[i].New = r
	}
	return changes
}

func update(old, r store.Record) store.Change { return store.Change{Old: old, New: r} }

func remove(old store.Record) store.Change { return store.Change{Old: old} }

// keyOf returns the key of a record, in the table's key or in an index.
func keyOf(r store.Record) store.Key { return keyIn(r.Table().Key(), r) }

func keyIn(ix *store.Index, r store.Record) store.Key {
	values, in := ix.Values(r)
	if !in {
		panic("storetest: a record is not in " + ix.Name)
	}
	return store.Key{Index: ix, Values: values}
}

// show renders a record by its columns' values, such that two records are
// equal when their renderings are. A list's nil and a list of nothing are the
// same; a time shows its location.
func show(r store.Record) string {
	if r == nil {
		return "nothing"
	}
	var b strings.Builder
	b.WriteString(r.Table().Name)
	for _, f := range r.Fields(nil) {
		fmt.Fprintf(&b, " %s=%s", f.Name, showValue(f.Value()))
	}
	return b.String()
}

func showAll(records []store.Record) string {
	lines := make([]string, len(records))
	for i, r := range records {
		lines[i] = show(r)
	}
	return strings.Join(lines, "\n")
}

func showValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return fmt.Sprintf("%+q", v)
	case []string:
		return fmt.Sprintf("%+q", v)
	case []byte:
		return fmt.Sprintf("%x", v)
	case [16]byte:
		return fmt.Sprintf("%x", v[:])
	case time.Time:
		return v.Format("2006-01-02T15:04:05.999999999 ") + v.Location().String()
	}
	return fmt.Sprint(v)
}

// compare orders two values of one column.
func compare(a, b any) int {
	switch a := store.ColumnValue(a).(type) {
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	case bool:
		switch {
		case a == b.(bool):
			return 0
		case a:
			return 1
		}
		return -1
	case time.Time:
		return a.Compare(b.(time.Time))
	case [16]byte:
		other := store.ColumnValue(b).([16]byte)
		return bytes.Compare(a[:], other[:])
	}
	panic(fmt.Sprintf("storetest: no order of %T", a))
}

func compareAll(a, b []any) int {
	for i := range a {
		if c := compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}
