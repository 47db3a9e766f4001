package pbx

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// kept refuses what a caller changed of a record that was read, except in the columns
// that the operation changes. So a new column of a record is one that is kept, until an
// operation names it. Revisions are compared by checkRevision, and columns that a
// caller cannot set are not compared.
func (check *validation) kept(code rule.Code, given, was store.Record, changes string) {
	table, changed := was.Table(), strings.Fields(changes)
	for _, column := range changed {
		table.Column(column) // panics where there is none
	}
	now, before := store.FieldsOf(given), store.FieldsOf(was)
	for i := range now {
		if i == table.Revision || slices.Contains(changed, now[i].Name) || sameValue(now[i], before[i]) {
			continue
		}
		record := reflect.ValueOf(given).Elem()
		if name := fieldAt(record, reflect.ValueOf(now[i].Ptr).Pointer()); name != "" {
			check.refuse(code, name, "cannot be changed here")
		}
	}
}

// sameValue reports whether two fields have the same value. Times are the same that
// are the same instant, in whatever zone.
func sameValue(a, b store.Field) bool {
	switch a := a.Ptr.(type) {
	case *time.Time:
		return a.Equal(*b.Ptr.(*time.Time))
	case *[]string:
		return slices.Equal(*a, *b.Ptr.(*[]string))
	case *[]byte:
		return bytes.Equal(*a, *b.Ptr.(*[]byte))
	}
	return a.Value() == b.Value()
}

// fieldAt returns the name of the exported field at an address in a struct, such as
// "Policy.PINTries", or "".
func fieldAt(record reflect.Value, address uintptr) string {
	for i := range record.NumField() {
		field, v := record.Type().Field(i), record.Field(i)
		switch {
		case !field.IsExported():
		case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
			if name := fieldAt(v, address); name != "" {
				return field.Name + "." + name
			}
		case v.Addr().Pointer() == address:
			return field.Name
		}
	}
	return ""
}
