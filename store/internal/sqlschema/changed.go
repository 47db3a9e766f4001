package sqlschema

import (
	"bytes"
	"slices"
	"time"

	"github.com/pbxkit/pbx/store"
)

// Changed returns a bit for each column whose value differs between two
// versions of a record.
func Changed(old, new []store.Field) uint64 {
	var columns uint64
	for i := range old {
		if !same(old[i].Ptr, new[i].Ptr) {
			columns |= 1 << i
		}
	}
	return columns
}

func same(a, b any) bool {
	switch a := a.(type) {
	case *string:
		return *a == *b.(*string)
	case *int64:
		return *a == *b.(*int64)
	case *bool:
		return *a == *b.(*bool)
	case *time.Time:
		return a.Equal(*b.(*time.Time))
	case *[16]byte:
		return *a == *b.(*[16]byte)
	case *[]string:
		return slices.Equal(*a, *b.(*[]string))
	case *[]byte:
		b := b.(*[]byte)
		return bytes.Equal(*a, *b) && (*a == nil) == (*b == nil)
	}
	return false
}
