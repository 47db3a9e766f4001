package pbx

import (
	"bytes"
	"context"
	"github.com/pbxkit/pbx/store"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// tx is what every operation reads and writes through: the store's committed
// state, with the changes staged so far laid over it. Nothing reaches the
// store before seal.
type tx struct {
	core     *core
	reader   store.Reader
	tenantID TenantID
	now      time.Time
	ran      time.Time // when the operations ran; a commit as reviewed has a later now
	op       OperationID
	reruns   int // how often all this ran before, and others got in the way

	mu        sync.Mutex // one operation at a time
	over      bool       // the closure has returned
	actor     Actor      // of the operation that runs
	confirmed []Code     // by the operation that runs
	reviewing bool       // confirmations are listed, not asked for
	failed    error      // the store failed: nothing may be committed any more

	base    *Tenant // as read; nil before the provider's first change
	tenant  *Tenant // as staged
	entries map[string]entry
	dirty   map[*store.Table]int // how many records of the table are staged
	layers  map[*store.Index]*layer
	spans   map[*store.Index]spans // what was read ahead
	drawn   map[string]E164        // by area: all of its stock up to there is taken here
	changes []store.Change
	undo    []func() // kept only where a part can be taken back
	buf     []byte
	fields  []store.Field // room for a record's

	outcome
	ids    [][16]byte // drawn so far; a review's commit draws the same again
	replay [][16]byte
}

// outcome is what an operation says about itself.
type outcome struct {
	effects       []Effect
	events        []*Event
	warnings      []Notice
	confirmations []Notice
	orders        []*Order
	passwords     []*drawn
}

// entry is what is known of a key: the record, nil where there is none, and
// the place of its latest change in tx.changes, counted from 1; 0 where it is
// as the store has it.
type entry struct {
	rec    store.Record
	change int
}

func (e entry) staged() bool { return e.change > 0 }

func (c *core) newTx(tenant TenantID, r store.Reader) *tx {
	now := c.moment()
	return &tx{core: c, reader: r, tenantID: tenant, now: now, ran: now}
}

// begin reads the tenant's row, which brings its policy, if it was not read
// yet, and with it what the plan says.
func (t *tx) begin(ctx context.Context, p plan) error {
	if t.tenant != nil {
		return nil
	}
	if f, ok := t.reader.(store.Fetcher); ok {
		return t.beginAhead(ctx, f, p)
	}
	recs, err := t.reader.Get(ctx, tenantsTable.Key().At(t.tenantID))
	if err != nil {
		return err
	}
	row, _ := recs[0].(*Tenant)
	return t.enterTenant(row)
}

// enterTenant begins with the tenant's row, nil where there is none.
func (t *tx) enterTenant(row *Tenant) error {
	switch {
	case row != nil:
		t.base, t.tenant = row, row
		return nil
	case t.tenantID == Provider:
		t.tenant = &Tenant{ID: Provider, Name: "provider", nameFolded: "provider", Policy: DefaultPolicy(), CreatedAt: t.now}
		return nil
	}
	return noTenant(t.tenantID)
}

// newID draws an ID, the reviewed one where a review is committed again.
func (t *tx) newID() [16]byte {
	if n := len(t.ids); n < len(t.replay) {
		t.ids = append(t.ids, t.replay[n])
	} else {
		t.ids = append(t.ids, t.core.newID())
	}
	return t.ids[len(t.ids)-1]
}

// load reads the keys in one trip, so that the reads that follow make none.
func (t *tx) load(ctx context.Context, keys ...store.Key) error {
	wanted := keys[:0:0]
	for _, k := range keys {
		switch _, known := t.entries[string(t.encode(k))]; {
		case known || t.learnAhead(k):
		case !storable(k.Values...):
			t.learn(string(t.encode(k)), nil)
		default:
			wanted = append(wanted, k)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	recs, err := t.reader.Get(ctx, wanted...)
	if err != nil {
		return t.fail(err)
	}
	for i, k := range wanted {
		t.learn(string(t.encode(k)), recs[i])
	}
	return nil
}

// storable reports whether a record can have the values: no store takes text
// that is not UTF-8 or holds NUL, so no store is asked for it either.
func storable(values ...any) bool {
	for _, v := range values {
		if s, ok := v.(string); ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
			return false
		}
	}
	return true
}

func (t *tx) encode(k store.Key) []byte {
	t.buf = k.Index.AppendValues(t.buf[:0], k.Values...)
	return t.buf
}

// learn keeps what was read under a key, and under the primary key too.
func (t *tx) learn(at string, rec store.Record) {
	if t.entries == nil {
		t.entries = make(map[string]entry, 16)
	}
	t.entries[at] = entry{rec: rec}
	if rec != nil {
		t.learnRecord(rec)
	}
}

// learnRecord keeps a record under its primary key, unless that is known.
func (t *tx) learnRecord(rec store.Record) {
	if t.entries == nil {
		t.entries = make(map[string]entry, 16)
	}
	pk := t.primary(rec)
	if _, known := t.entries[pk]; !known {
		t.entries[pk] = entry{rec: rec}
	}
}

// learnAhead keeps what is known of a key from what was read ahead, if it is.
func (t *tx) learnAhead(k store.Key) bool {
	if t.spans == nil {
		return false
	}
	recs, known := t.answer(store.Query{Index: k.Index, Equal: k.Values})
	if !known {
		return false
	}
	var rec store.Record
	if len(recs) > 0 {
		rec = recs[0]
	}
	t.learn(string(t.encode(k)), rec)
	return true
}

func (t *tx) primary(rec store.Record) string {
	t.fields = rec.Fields(t.fields[:0])
	t.buf, _ = rec.Table().Key().AppendFields(t.buf[:0], t.fields)
	return string(t.buf)
}

// get returns the record with these values in a unique index, staged changes
// included, or nil.
func (t *tx) get(ctx context.Context, ix *store.Index, values ...any) (store.Record, error) {
	k := ix.At(values...)
	isPrimary := ix == ix.Table.Key()
	if t.dirty[ix.Table] > 0 && !isPrimary {
		if rec := t.layer(ix).at(string(t.encode(k))); rec != nil {
			return rec, nil
		}
	}
	e, known := t.entries[string(t.encode(k))]
	if !known {
		if err := t.load(ctx, k); err != nil {
			return nil, err
		}
		e = t.entries[string(t.encode(k))]
	}
	if isPrimary || e.rec == nil || t.dirty[ix.Table] == 0 {
		return e.rec, nil
	}
	if t.entries[t.primary(e.rec)].staged() {
		return nil, nil // it has been staged since, and the layer does not have it here
	}
	return e.rec, nil
}

// one is get for a record of type R; a missing one is a nil R.
func one[R store.Record](ctx context.Context, t *tx, ix *store.Index, values ...any) (R, error) {
	var none R
	rec, err := t.get(ctx, ix, values...)
	if rec == nil || err != nil {
		return none, err
	}
	return rec.(R), nil
}

// find yields the records of a range, staged changes included.
func find[R store.Record](ctx context.Context, t *tx, q store.Query) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		for rec, err := range t.scan(ctx, q) {
			if err != nil {
				yield(none, t.fail(err))
				return
			}
			if !yield(rec.(R), nil) {
				return
			}
		}
	}
}

// first returns the first of a range, or a nil R.
func first[R store.Record](ctx context.Context, t *tx, q store.Query) (R, error) {
	q.Limit = 1
	var none R
	for r, err := range find[R](ctx, t, q) {
		return r, err
	}
	return none, nil
}

// insert stages a new record.
func (t *tx) insert(rec store.Record) { t.stage(nil, rec) }

// update stages a new version of a record that was read here.
func (t *tx) update(old, rec store.Record) { t.stage(old, rec) }

// remove stages the deletion of a record that was read here.
func (t *tx) remove(old store.Record) { t.stage(old, nil) }

// edit stages a changed copy of a record that was read here, and returns it.
func edit[R store.Record](t *tx, old R, change func(R)) R {
	rec := store.Clone(old)
	change(rec)
	t.update(old, rec)
	return rec
}

func (t *tx) stage(old, rec store.Record) {
	some := rec
	if some == nil {
		some = old
	}
	pk := t.primary(some)
	before, known := t.entries[pk]
	if before.staged() && before.rec != old {
		panic("pbx: an operation changes a version of a " + some.Table().Name + " record that is not the staged one")
	}
	if !known {
		before = entry{rec: old}
	}
	if rec != nil {
		t.setRevision(rec, old)
	}
	after := entry{rec: rec, change: before.change}
	if before.staged() && old != nil && rec != nil && sameClaims(old, rec) {
		t.changes[after.change-1].New = rec
	} else {
		t.changes = append(t.changes, store.Change{Old: old, New: rec})
		after.change = len(t.changes)
	}
	t.set(pk, before, after)
	t.keepUndo(func() {
		if after.change == before.change {
			t.changes[after.change-1].New = old
		} else {
			t.changes = t.changes[:after.change-1]
		}
		t.set(pk, after, before)
	})
}

func (t *tx) keepUndo(f func()) {
	if t.undo != nil {
		t.undo = append(t.undo, f)
	}
}

// set puts an entry in the place of another, in the layers too.
func (t *tx) set(pk string, from, to entry) {
	if t.entries == nil {
		t.entries = make(map[string]entry, 16)
	}
	t.entries[pk] = to
	some := to.rec
	if some == nil {
		some = from.rec
	}
	table := some.Table()
	if t.dirty == nil {
		t.dirty = make(map[*store.Table]int)
	}
	switch {
	case !from.staged() && to.staged():
		t.dirty[table]++
	case from.staged() && !to.staged():
		t.dirty[table]--
	}
	for _, ix := range table.Indexes {
		if l := t.layers[ix]; l != nil {
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
func (t *tx) setRevision(rec, old store.Record) {
	rev := t.revision(rec)
	if rev == nil {
		return
	}
	*rev = 1
	if old != nil {
		*rev = *t.revision(old) + 1
	}
}

// revision points to a record's revision; nil where rows never change.
func (t *tx) revision(rec store.Record) *int64 {
	at := rec.Table().Revision
	if at < 0 {
		return nil
	}
	t.fields = rec.Fields(t.fields[:0])
	return t.fields[at].Ptr.(*int64)
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

// editTenant stages a change of the tenant's own row.
func (t *tx) editTenant(change func(*Tenant)) {
	before := t.tenant
	t.tenant = store.Clone(before)
	change(t.tenant)
	t.keepUndo(func() { t.tenant = before })
}

// fail keeps an error of the store: a batch that goes on after it must not
// commit half of what it meant to do.
func (t *tx) fail(err error) error {
	err = refusal(err)
	if t.failed == nil {
		t.failed = err
	}
	return err
}

// part runs one operation of a batch or a review: if it is refused, what it
// staged is taken back and the others stand.
func (t *tx) part(ctx context.Context, d *Directory, p plan, run func(*tx) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.whole(func() error {
		asked := len(t.confirmations)
		t.actor, t.confirmed = d.actor, d.confirmed
		if err := t.foresee(ctx, p); err != nil {
			return err
		}
		if err := run(t); err != nil {
			return err
		}
		return t.unconfirmed(asked)
	})
}

// nested runs a batch inside a batch: its operations stand or fall together.
func (t *tx) nested(run func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.whole(func() error {
		t.mu.Unlock()
		defer t.mu.Lock()
		return run()
	})
}

// whole runs a part of a batch, and takes back all that it staged, said and
// drew if it gives an error or panics.
func (t *tx) whole(run func() error) error {
	if t.over {
		return misuse("a batch's Directory was used after the batch's end")
	}
	if t.undo == nil {
		t.undo = []func(){}
	}
	mark, said, drawn := len(t.undo), t.outcome, len(t.ids)
	stands := false
	defer func() {
		if !stands {
			t.takeBack(mark, said, drawn)
		}
	}()
	err := run()
	stands = err == nil
	return err
}

// takeBack undoes what was staged, said and drawn since a mark.
func (t *tx) takeBack(mark int, said outcome, drawn int) {
	for _, f := range slices.Backward(t.undo[mark:]) {
		f()
	}
	t.undo, t.outcome, t.ids = t.undo[:mark], said, t.ids[:drawn]
}

// apply gives the store everything staged, and returns the sequence that the
// commit will have in the tenant's journal; 0 where there is nothing to commit.
func (t *tx) apply(ctx context.Context, w store.Writer) (int64, error) {
	switch {
	case t.failed != nil:
		return 0, t.failed
	case len(t.events) > 0:
		changes := t.seal()
		return changes[0].New.(*Tenant).Rev, w.Apply(ctx, changes)
	case len(t.changes) > 0:
		return 0, &Error{Code: SYS3, Kind: ErrStorage, Reason: "an operation changed records without an event"}
	}
	return 0, nil
}

// reveal makes valid the passwords that are so when they are committed: not those
// that were ended, or issued again, behind.
func (t *tx) reveal() {
	for _, secret := range t.passwords {
		at := t.entries[string(t.encode(sipIdentitiesTable.Key().At(string(secret.address))))]
		state := passwordOvertaken
		if s, _ := at.rec.(*SIPIdentity); s != nil && bytes.Equal(s.sha256, secret.kept) {
			state = passwordValid
		}
		secret.state.Store(state)
	}
}

// seal returns all that a commit has to apply: the tenant's next revision
// first, then the staged changes, then the journal's events.
func (t *tx) seal() []store.Change {
	row := store.Clone(t.tenant)
	changes := make([]store.Change, 0, 1+len(t.changes)+len(t.events))
	if t.base != nil {
		t.setRevision(row, t.base)
		changes = append(changes, store.Change{Old: t.base, New: row})
	} else {
		t.setRevision(row, nil)
		changes = append(changes, store.Change{New: row})
	}
	changes = append(changes, t.changes...)
	pos := int64(0)
	for _, e := range t.events {
		if e.TenantID == t.tenantID {
			pos++
			e.Seq, e.Pos = row.Rev, pos
		}
		e.Operation, e.At = t.op, t.now
		changes = append(changes, store.Change{New: e})
	}
	return changes
}

func misuse(reason string) error {
	return &Error{Code: SYS1, Kind: ErrMisuse, Reason: reason}
}
