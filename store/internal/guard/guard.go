// Package guard refuses keys and changes that one store would accept and another
// would not, before either sees them.
package guard

import (
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pbxkit/pbx/store"
)

// Changes returns nil when every store can make the changes: text is UTF-8
// without NUL, moments are UTC and of whole microseconds, no column that must
// have a value is without, and an update keeps the record's key and raises its
// revision. What is wrong with a value is an error of kind ErrInvalid that
// names the column; a change that makes no sense is one of kind ErrMisuse.
func Changes(changes []store.Change) error {
	c := checkers.Get().(*checker)
	defer c.free()
	for _, ch := range changes {
		if err := c.change(ch); err != nil {
			return err
		}
	}
	return nil
}

// Key returns nil for a key of a unique index with a value for each column. Errors:
// ErrMisuse.
func Key(k store.Key) error {
	if !k.Index.Unique || len(k.Values) != len(k.Index.Columns) {
		return store.Misuse("a key that is not one of a unique index")
	}
	return nil
}

var checkers = sync.Pool{New: func() any { return new(checker) }}

// checker keeps the room that a check needs.
type checker struct {
	old, new       []store.Field
	oldKey, newKey []byte
}

// free gives the room back, without the records.
func (c *checker) free() {
	clear(c.old[:cap(c.old)])
	clear(c.new[:cap(c.new)])
	checkers.Put(c)
}

func (c *checker) change(ch store.Change) error {
	if ch.New == nil {
		if ch.Old == nil {
			return store.Misuse("a change without a record")
		}
		return nil
	}
	table := ch.New.Table()
	c.new = ch.New.Fields(c.new[:0])
	if ch.Old != nil {
		if err := c.update(table, ch.Old); err != nil {
			return err
		}
	}
	for i := range c.new {
		if reason := fault(&c.new[i], table.Columns[i].Null); reason != "" {
			return invalid(table.Columns[i].Name, reason)
		}
	}
	return nil
}

func (c *checker) update(table *store.Table, old store.Record) error {
	if old.Table() != table {
		return store.Misuse("a change from one kind of record to another")
	}
	if table.Revision < 0 {
		return store.Misuse("a change of a record that never changes")
	}
	c.old = old.Fields(c.old[:0])
	if rev := table.Revision; *c.new[rev].Ptr.(*int64) <= *c.old[rev].Ptr.(*int64) {
		return store.Misuse("a change that does not raise the revision")
	}
	c.oldKey, _ = table.Key().AppendFields(c.oldKey[:0], c.old)
	c.newKey, _ = table.Key().AppendFields(c.newKey[:0], c.new)
	if string(c.oldKey) != string(c.newKey) {
		return store.Misuse("a change of a record's key")
	}
	return nil
}

// fault says what is wrong with the value, or nothing.
func fault(f *store.Field, null bool) string {
	missing := false
	switch p := f.Ptr.(type) {
	case *string:
		return badText(*p)
	case *[]string:
		for _, s := range *p {
			if reason := badText(s); reason != "" {
				return reason
			}
		}
	case *time.Time:
		missing = p.IsZero()
		if !missing && (p.Location() != time.UTC || p.Nanosecond()%1000 != 0) {
			return "not a UTC time of whole microseconds"
		}
	case *[16]byte:
		missing = *p == [16]byte{}
	case *[]byte:
		missing = *p == nil
	}
	if missing && !null {
		return "a value is needed"
	}
	return ""
}

func badText(s string) string {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		return "holds a NUL character"
	case !utf8.ValidString(s):
		return "not valid UTF-8"
	}
	return ""
}

func invalid(column, reason string) error {
	return &store.Error{Kind: store.ErrInvalid, Field: column, Reason: reason}
}
