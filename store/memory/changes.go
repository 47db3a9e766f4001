package memory

import (
	"sync"

	"github.com/pbxkit/pbx/store"
)

// changes are what an update applies, and how to undo it.
type changes struct {
	list     []store.Change
	undo     []step
	old, new entries
}

// step is what was at an entry before a change; nil: nothing.
type step struct {
	entry string
	was   store.Record
}

// rooms keeps changes that are no longer used, for their memory.
var rooms = sync.Pool{New: func() any { return new(changes) }}

func newChanges(list []store.Change) *changes {
	c := rooms.Get().(*changes)
	c.list = append(c.list, list...)
	return c
}

// free gives the memory back, without the records.
func (c *changes) free() {
	clear(c.list)
	clear(c.undo)
	c.list, c.undo = c.list[:0], c.undo[:0]
	c.old.free()
	c.new.free()
	rooms.Put(c)
}

// apply makes all changes in the tree, or none: then one of them does not fit
// what is there.
func (c *changes) apply(t *tree) bool {
	c.undo = c.undo[:0]
	for _, ch := range c.list {
		if !c.one(t, ch) {
			c.revert(t)
			return false
		}
	}
	return true
}

// revert undoes what apply did, last first.
func (c *changes) revert(t *tree) {
	for i := len(c.undo) - 1; i >= 0; i-- {
		if s := &c.undo[i]; s.was == nil {
			t.Delete(s.entry)
		} else {
			t.Set(s.entry, s.was)
		}
	}
	c.undo = c.undo[:0]
}

func (c *changes) one(t *tree, ch store.Change) bool {
	switch {
	case ch.Old == nil:
		return c.insert(t, ch.New)
	case ch.New == nil:
		return c.remove(t, ch.Old)
	}
	return c.replace(t, ch.Old, ch.New)
}

func (c *changes) insert(t *tree, r store.Record) bool {
	c.new.read(r)
	for i := range c.new.ends {
		entry := c.new.at(i)
		if entry == "" {
			continue
		}
		if _, taken := c.set(t, entry, r); taken {
			return false
		}
	}
	return true
}

func (c *changes) replace(t *tree, old, r store.Record) bool {
	c.new.read(r)
	was, ok := c.set(t, c.new.key(), r)
	if !ok || !c.current(was, old) {
		return false
	}
	for i := 1; i < len(c.new.ends); i++ {
		was, is := c.old.at(i), c.new.at(i)
		if was != is && was != "" {
			c.delete(t, was)
		}
		if is == "" {
			continue
		}
		if _, taken := c.set(t, is, r); taken && was != is {
			return false
		}
	}
	return true
}

func (c *changes) remove(t *tree, old store.Record) bool {
	c.old.read(old)
	was, ok := c.delete(t, c.old.key())
	if !ok || !c.current(was, old) {
		return false
	}
	for i := 1; i < len(c.old.ends); i++ {
		if entry := c.old.at(i); entry != "" {
			c.delete(t, entry)
		}
	}
	return true
}

// current reports whether the record that was there is of old's revision, and
// sets c.old to its entries.
func (c *changes) current(was, old store.Record) bool {
	c.old.read(old)
	if was == old { // as a rule, since records are shared
		return true
	}
	rev := c.old.revision
	c.old.read(was)
	return c.old.revision == rev
}

func (c *changes) set(t *tree, entry string, r store.Record) (was store.Record, taken bool) {
	was, taken = t.Set(entry, r)
	c.undo = append(c.undo, step{entry, was})
	return was, taken
}

func (c *changes) delete(t *tree, entry string) (was store.Record, ok bool) {
	was, ok = t.Delete(entry)
	if ok {
		c.undo = append(c.undo, step{entry, was})
	}
	return was, ok
}

// entries are those of one record in all indexes of its table.
type entries struct {
	text     string // one after the other
	ends     []int  // where the entry of each index ends
	revision int64

	fields []store.Field
	buf    []byte
}

// read sets the entries to those of a record.
func (e *entries) read(r store.Record) {
	table := r.Table()
	e.fields = r.Fields(e.fields[:0])
	e.buf, e.ends = e.buf[:0], e.ends[:0]
	for _, ix := range table.Indexes {
		start := len(e.buf)
		var in bool
		if e.buf, in = ix.AppendFields(e.buf, e.fields); !in {
			e.buf = e.buf[:start]
		}
		e.ends = append(e.ends, len(e.buf))
	}
	e.text = string(e.buf)
	e.revision = 0
	if table.Revision >= 0 {
		e.revision = *e.fields[table.Revision].Ptr.(*int64)
	}
}

// key returns the record's entry in the key of its table.
func (e *entries) key() string { return e.at(0) }

// at returns the entry in the table's i-th index, or "".
func (e *entries) at(i int) string {
	if i == 0 {
		return e.text[:e.ends[0]]
	}
	return e.text[e.ends[i-1]:e.ends[i]]
}

func (e *entries) free() {
	clear(e.fields[:cap(e.fields)])
	e.text = ""
}
