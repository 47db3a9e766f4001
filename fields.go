package pbx

import (
	"time"

	"github.com/pbxkit/pbx/store"
)

// The constructors of fields. They also say what may differ between two runs of the same
// operation (store.Volatility), so that a review can compare the rest.

func words(name string, p *string) store.Field    { return store.Field{Name: name, Ptr: p} }
func optional(name string, p *string) store.Field { return store.Field{Name: name, Ptr: p, Null: true} }
func integer(name string, p *int64) store.Field   { return store.Field{Name: name, Ptr: p} }
func boolean(name string, p *bool) store.Field    { return store.Field{Name: name, Ptr: p} }
func list(name string, p *[]string) store.Field   { return store.Field{Name: name, Ptr: p} }

// counter is a count that other operations change too.
func counter(name string, p *int64) store.Field {
	return store.Field{Name: name, Ptr: p, Varies: store.Volatile}
}

// revision is the column that counts a record's changes.
func revision(p *int64) store.Field { return counter("rev", p) }

// moment is a time read from the clock.
func moment(name string, p *time.Time) store.Field {
	return store.Field{Name: name, Ptr: p, Varies: store.Stamp}
}

// maybeTime is a moment, or NULL.
func maybeTime(name string, p *time.Time) store.Field {
	return store.Field{Name: name, Ptr: p, Null: true, Varies: store.Stamp}
}

// maybeDay is a time of which only the day counts, or NULL.
func maybeDay(name string, p *time.Time) store.Field {
	return store.Field{Name: name, Ptr: p, Null: true, Varies: store.TimeOfDay}
}

// maybeDeadline is a time that lies a fixed time after the operation, or NULL.
func maybeDeadline(name string, p *time.Time) store.Field {
	return store.Field{Name: name, Ptr: p, Null: true, Varies: store.Deadline}
}

// salted is a value that never comes out the same twice.
func salted(name string, p *[]byte) store.Field {
	return store.Field{Name: name, Ptr: p, Null: true, Varies: store.Stamp}
}

func id[R any](name string, p *ID[R]) store.Field {
	return store.Field{Name: name, Ptr: (*[16]byte)(p)}
}

func maybeID[R any](name string, p *ID[R]) store.Field {
	return store.Field{Name: name, Ptr: (*[16]byte)(p), Null: true}
}
