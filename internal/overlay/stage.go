package overlay

import "github.com/pbxkit/pbx/store"

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

// stage adds a change, or extends the latest change of the same record where no
// other change can depend on the difference. It panics when old is not the latest
// version of the record: the caller would overwrite a change that it has not seen.
func (o *Overlay) stage(old, rec store.Record) {
	some := rec
	if some == nil {
		some = old
	}
	pk := o.primary(some)
	before, known := o.known[pk]
	if before.staged() && before.rec != old {
		panic("pbx: an operation changes a version of a " + some.Table().Name + " record that is not the staged one")
	}
	if !known {
		before = knownRecord{rec: old}
	}
	if rec != nil {
		o.setRevision(rec, old)
	}
	after := knownRecord{rec: rec, change: before.change}
	if before.staged() && old != nil && rec != nil && o.sameClaims(old, rec) {
		o.changes[after.change-1].New = rec
	} else {
		o.changes = append(o.changes, store.Change{Old: old, New: rec})
		after.change = len(o.changes)
	}
	o.set(pk, before, after)
	o.OnRollBack(func() {
		if after.change == before.change {
			o.changes[after.change-1].New = old
		} else {
			o.changes = o.changes[:after.change-1]
		}
		o.set(pk, after, before)
	})
}

// set replaces what is known of a primary key, in the staged indexes too.
func (o *Overlay) set(pk string, from, to knownRecord) {
	if o.known == nil {
		o.known = make(map[string]knownRecord, 16)
	}
	o.known[pk] = to
	some := to.rec
	if some == nil {
		some = from.rec
	}
	table := some.Table()
	if o.staged == nil {
		o.staged = make(map[*store.Table]int)
	}
	switch {
	case !from.staged() && to.staged():
		o.staged[table]++
	case from.staged() && !to.staged():
		o.staged[table]--
	}
	for _, ix := range table.Indexes {
		if s := o.indexes[ix]; s != nil {
			if from.staged() {
				s.drop(from.rec)
			}
			if to.staged() {
				s.add(to.rec)
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

// revision points to a record's revision; nil where its kind has none.
func (o *Overlay) revision(rec store.Record) *int64 {
	at := rec.Table().Revision
	if at < 0 {
		return nil
	}
	o.fields = rec.Fields(o.fields[:0])
	return o.fields[at].Ptr.(*int64)
}

// sameClaims reports whether two versions of a record differ in nothing that
// another record can depend on: they have the same texts and IDs, and so the
// same unique values and references. Then the later version may take the place of
// the earlier one in the list of changes; otherwise it has to come after what was
// staged in between.
func (o *Overlay) sameClaims(a, b store.Record) bool {
	o.fields, o.other = a.Fields(o.fields[:0]), b.Fields(o.other[:0])
	for i, f := range o.fields {
		if t := f.Type(); (t == store.Text || t == store.UUID) && f.Value() != o.other[i].Value() {
			return false
		}
	}
	for _, ix := range a.Table().Indexes {
		if !ix.Unique {
			continue
		}
		for _, c := range ix.Columns {
			if o.fields[c].Value() != o.other[c].Value() {
				return false
			}
		}
	}
	return true
}
