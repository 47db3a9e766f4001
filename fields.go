package pbx

import "time"

// The constructors of fields.

func text(name string, p *string) Field         { return Field{Name: name, Ptr: p} }
func optional(name string, p *string) Field     { return Field{Name: name, Ptr: p, Null: true} }
func integer(name string, p *int64) Field       { return Field{Name: name, Ptr: p} }
func boolean(name string, p *bool) Field        { return Field{Name: name, Ptr: p} }
func moment(name string, p *time.Time) Field    { return Field{Name: name, Ptr: p} }
func maybeTime(name string, p *time.Time) Field { return Field{Name: name, Ptr: p, Null: true} }
func list(name string, p *[]string) Field       { return Field{Name: name, Ptr: p} }
func secret(name string, p *[]byte) Field       { return Field{Name: name, Ptr: p, Null: true} }

func id[R any](name string, p *ID[R]) Field {
	return Field{Name: name, Ptr: (*[16]byte)(p)}
}

func maybeID[R any](name string, p *ID[R]) Field {
	return Field{Name: name, Ptr: (*[16]byte)(p), Null: true}
}
