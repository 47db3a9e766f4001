package postgres

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pbxkit/pbx/store"
)

// epoch is PostgreSQL's, in microseconds of Unix time.
const epoch = 946684800_000_000

// unbind begins the values of the next statement.
func (r *room) unbind() {
	clear(r.bound)
	r.bound, r.buf = r.bound[:0], r.buf[:0]
}

// typeOf returns the type of a value, given as keys and queries have it.
func typeOf(value any) store.Type {
	switch store.ColumnValue(value).(type) {
	case string:
		return store.Text
	case int64:
		return store.Int
	case bool:
		return store.Bool
	case time.Time:
		return store.Time
	}
	return store.UUID
}

// bind binds the next values.
func (r *room) bind(values ...any) {
	for _, v := range values {
		switch v := store.ColumnValue(v).(type) {
		case string:
			r.value(append(r.buf, v...))
		case int64:
			r.value(appendInt(r.buf, v))
		case bool:
			r.value(appendBool(r.buf, v))
		case time.Time:
			r.value(appendInt(r.buf, v.UnixMicro()-epoch))
		case [16]byte:
			r.value(append(r.buf, v[:]...))
		}
	}
}

// BindField binds a record's field.
func (r *room) BindField(f *store.Field) {
	switch p := f.Ptr.(type) {
	case *string:
		if f.Null && *p == "" {
			r.null()
		} else {
			r.value(append(r.buf, *p...))
		}
	case *int64:
		r.value(appendInt(r.buf, *p))
	case *bool:
		r.value(appendBool(r.buf, *p))
	case *time.Time:
		if p.IsZero() {
			r.null()
		} else {
			r.value(appendInt(r.buf, p.UnixMicro()-epoch))
		}
	case *[16]byte:
		if *p == [16]byte{} {
			r.null()
		} else {
			r.value(append(r.buf, p[:]...))
		}
	case *[]string:
		r.value(appendList(r.buf, *p))
	case *[]byte:
		if *p == nil {
			r.null()
		} else {
			r.value(append(r.buf, *p...))
		}
	}
}

// value binds what was appended to buf.
func (r *room) value(buf []byte) {
	r.bound = append(r.bound, buf[len(r.buf):len(buf):len(buf)])
	r.buf = buf
}

func (r *room) null() { r.bound = append(r.bound, nil) }

func appendInt(dst []byte, n int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(n)) }

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// appendList appends an array of text: its dimensions, no NULLs, the type of
// its elements; then of the one dimension the length and the first index; then
// the elements.
func appendList(dst []byte, list []string) []byte {
	word := binary.BigEndian.AppendUint32
	if len(list) == 0 {
		return word(word(word(dst, 0), 0), pgtype.TextOID)
	}
	dst = word(word(word(dst, 1), 0), pgtype.TextOID)
	dst = word(word(dst, uint32(len(list))), 1)
	for _, s := range list {
		dst = append(word(dst, uint32(len(s))), s...)
	}
	return dst
}

// decode puts a row's values into the record's fields.
func (r *room) decode(record store.Record, row [][]byte) error {
	r.fields = record.Fields(r.fields[:0])
	if len(row) != len(r.fields) {
		return fmt.Errorf("postgres: a row of %s has %d columns", record.Table().Name, len(row))
	}
	for i := range r.fields {
		if f := &r.fields[i]; !decodeField(f, row[i]) {
			return fmt.Errorf("postgres: %s.%s holds a value that cannot be read", record.Table().Name, f.Name)
		}
	}
	return nil
}

// decodeField reports whether the value is one that the field can have.
func decodeField(f *store.Field, value []byte) (ok bool) {
	if value == nil { // the record is new: its fields are zero
		return f.Null
	}
	switch p := f.Ptr.(type) {
	case *string:
		*p, ok = string(value), true
	case *int64:
		*p, ok = integer(value)
	case *bool:
		ok = len(value) == 1
		*p = ok && value[0] != 0
	case *time.Time:
		var n int64
		n, ok = integer(value)
		ok = ok && n != 1<<63-1 && n != -1<<63 // infinity has no place in a time
		*p = time.UnixMicro(n + epoch).UTC()
	case *[16]byte:
		ok = len(value) == len(p)
		copy(p[:], value)
	case *[]string:
		*p, ok = list(value)
	case *[]byte:
		*p, ok = append([]byte{}, value...), true
	}
	return ok
}

func integer(value []byte) (int64, bool) {
	if len(value) != 8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(value)), true
}

// list reads an array of text, in the form of appendList; an empty one is a nil
// list.
func list(value []byte) (list []string, ok bool) {
	words := func(n int) (list []uint32, ok bool) {
		if len(value) < 4*n {
			return nil, false
		}
		for range n {
			list, value = append(list, binary.BigEndian.Uint32(value)), value[4:]
		}
		return list, true
	}
	head, ok := words(3)
	if !ok || head[0] > 1 || head[1] != 0 || head[2] != pgtype.TextOID {
		return nil, false
	}
	if head[0] == 0 {
		return nil, len(value) == 0
	}
	dimension, ok := words(2)
	if !ok || int(dimension[0]) > len(value)/4 {
		return nil, false
	}
	list = make([]string, dimension[0])
	for i := range list {
		size, ok := words(1)
		if !ok || int(size[0]) > len(value) {
			return nil, false
		}
		list[i], value = string(value[:size[0]]), value[size[0]:]
	}
	return list, len(value) == 0
}
