package overlay

import (
	"github.com/pbxkit/pbx/store"
)

// entry is what is known of a key: the record, nil where there is none, and
// the place of its latest change in tx.changes, counted from 1; 0 where it is
// as the store has it.
type entry struct {
	rec    store.Record
	change int
}

func (e entry) staged() bool { return e.change > 0 }

// Insert stages a new record.
func (o *Overlay) Insert(rec store.Record) { o.stage(nil, rec) }

// Update stages a new version of a record that was read here.
func (o *Overlay) Update(old, rec store.Record) { o.stage(old, rec) }

// Remove stages the deletion of a record that was read here.
func (o *Overlay) Remove(old store.Record) { o.stage(old, nil) }

// Edit stages a changed copy of a record that was read here, and returns it.
func Edit[R store.Record](o *Overlay, old R, change func(R)) R {
	rec := store.Clone(old)
	change(rec)
	o.Update(old, rec)
	return rec
}

func (o *Overlay) stage(old, rec store.Record) {
	some := rec
	if some == nil {
		some = old
	}
	pk := o.primary(some)
	before, known := o.entries[pk]
	if before.staged() && before.rec != old {
		panic("pbx: an operation changes a version of a " + some.Table().Name + " record that is not the staged one")
	}
	if !known {
		before = entry{rec: old}
	}
	if rec != nil {
		o.setRevision(rec, old)
	}
	after := entry{rec: rec, change: before.change}
	if before.staged() && old != nil && rec != nil && sameClaims(old, rec) {
		o.changes[after.change-1].New = rec
	} else {
		o.changes = append(o.changes, store.Change{Old: old, New: rec})
		after.change = len(o.changes)
	}
	o.set(pk, before, after)
	o.KeepUndo(func() {
		if after.change == before.change {
			o.changes[after.change-1].New = old
		} else {
			o.changes = o.changes[:after.change-1]
		}
		o.set(pk, after, before)
	})
}

// set puts an entry in the place of another, in the layers too.
func (o *Overlay) set(pk string, from, to entry) {
	if o.entries == nil {
		o.entries = make(map[string]entry, 16)
	}
	o.entries[pk] = to
	some := to.rec
	if some == nil {
		some = from.rec
	}
	table := some.Table()
	if o.dirty == nil {
		o.dirty = make(map[*store.Table]int)
	}
	switch {
	case !from.staged() && to.staged():
		o.dirty[table]++
	case from.staged() && !to.staged():
		o.dirty[table]--
	}
	for _, ix := range table.Indexes {
		if l := o.layers[ix]; l != nil {
			if from.staged() {
				l.drop(from.rec)
			}
			if to.staged() {
				l.add(to.rec)
			}
		}
	}
}

// setRevision gives rec the revision that follows old's.
func (o *Overlay) setRevision(rec, old store.Record) {
	rev := o.revision(rec)
	if rev == nil {
		return
	}
	*rev = 1
	if old != nil {
		*rev = *o.revision(old) + 1
	}
}

// revision points to a record's revision; nil where rows never change.
func (o *Overlay) revision(rec store.Record) *int64 {
	at := rec.Table().Revision
	if at < 0 {
		return nil
	}
	o.fields = rec.Fields(o.fields[:0])
	return o.fields[at].Ptr.(*int64)
}

// sameClaims reports whether two versions of a record differ in nothing that
// another record can depend on: they hold the same texts and IDs, and so the
// same unique values and references. Then the later may take the place of the
// earlier in the list of changes; else it must come behind what was staged in
// between.
func sameClaims(a, b store.Record) bool {
	var roomA, roomB [40]store.Field
	fa, fb := a.Fields(roomA[:0]), b.Fields(roomB[:0])
	for i := range fa {
		if t := fa[i].Type(); (t == store.Text || t == store.UUID) && fa[i].Value() != fb[i].Value() {
			return false
		}
	}
	for _, ix := range a.Table().Indexes {
		if !ix.Unique {
			continue
		}
		for _, c := range ix.Columns {
			if fa[c].Value() != fb[c].Value() {
				return false
			}
		}
	}
	return true
}
