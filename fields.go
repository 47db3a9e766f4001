package pbx

import (
	"time"

	"github.com/pbxkit/pbx/store"
)

// The constructors of fields.

func words(name string, p *string) store.Field     { return store.Field{Name: name, Ptr: p} }
func optional(name string, p *string) store.Field  { return store.Field{Name: name, Ptr: p, Null: true} }
func integer(name string, p *int64) store.Field    { return store.Field{Name: name, Ptr: p} }
func boolean(name string, p *bool) store.Field     { return store.Field{Name: name, Ptr: p} }
func moment(name string, p *time.Time) store.Field { return store.Field{Name: name, Ptr: p} }
func maybeTime(name string, p *time.Time) store.Field {
	return store.Field{Name: name, Ptr: p, Null: true}
}
func list(name string, p *[]string) store.Field { return store.Field{Name: name, Ptr: p} }
func octets(name string, p *[]byte) store.Field { return store.Field{Name: name, Ptr: p, Null: true} }

func id[R any](name string, p *ID[R]) store.Field {
	return store.Field{Name: name, Ptr: (*[16]byte)(p)}
}

func maybeID[R any](name string, p *ID[R]) store.Field {
	return store.Field{Name: name, Ptr: (*[16]byte)(p), Null: true}
}
