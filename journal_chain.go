package pbx

import (
	"context"
	"slices"

	"github.com/pbxkit/pbx/internal/chain"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// JournalHead is the end of a tenant's journal at some time, as
// [Directory.JournalHead] returns it: the number of the last change, a colon, and the
// hash of the last event, which covers all events before it (SYS-11). Keep it outside
// the store, where nobody who can write to the store can change it.
type JournalHead string

// JournalHead returns the head of the journal of the tenant that the Directory works in;
// it is empty while there is no journal. With it [Directory.CheckJournal] finds out later
// whether the journal still is what it was, even if somebody has rewritten all of it
// (SYS-11). It is a part of the tenant's row, so it takes no more than reading that.
//
// Errors: ErrNotFound; ErrDenied.
func (d *Directory) JournalHead(ctx context.Context) (JournalHead, error) {
	return read(ctx, d, "JournalHead", nil, func(t *tx) (JournalHead, error) {
		if t.base == nil {
			return "", nil
		}
		return t.base.head, nil
	})
}

// CheckJournal checks the journal of the tenant that the Directory works in as Check
// does, and against a head that the caller has kept: up to there it must be the journal
// of which the head was taken, event by event, and what follows must continue it
// (SYS-11). Without a kept head it finds what does not fit together: an event that was
// edited, dropped, inserted or swapped, and an end that was cut off the journal alone.
// Only with one does it find a journal that was cut off or rewritten together with the
// tenant's row. It reads the whole journal, in one snapshot.
//
// Errors: those of the store; ErrInvalid for a text that is no head; ErrMisuse inside a
// batch or review; ErrDenied.
func (d *Directory) CheckJournal(ctx context.Context, kept JournalHead) (*CheckReport, error) {
	tenant, err := d.enter(ctx, "CheckJournal")
	if err != nil {
		return nil, err
	}
	if d.tx != nil {
		return nil, checkInBatch()
	}
	keptSeq, keptHash, ok := chain.ParseHead(string(kept))
	if !ok && kept != "" {
		return nil, &Error{Code: rule.SYS11, Kind: ErrInvalid, Field: "Kept", Reason: "not the head of a journal, as JournalHead returns it"}
	}
	var c *checker
	err = d.core.view(ctx, func(r store.Reader) error {
		c = &checker{ctx: ctx, reader: r, models: d.core.models, only: tenant}
		return c.journal(keptSeq, keptHash)
	})
	if err != nil {
		return nil, err
	}
	c.report.sort()
	return &c.report, nil
}

// journal checks the journal of the one tenant, against a kept head unless its sequence
// is 0.
func (c *checker) journal(keptSeq int64, keptHash string) error {
	found, err := c.reader.Get(c.ctx, tenantsTable.Key().At(c.only))
	if err != nil {
		return err
	}
	row, _ := found[0].(*Tenant)
	if row == nil && c.only != Provider {
		return noTenant(c.only)
	}
	if row == nil { // the provider's, before its first change
		row = &Tenant{ID: Provider}
	}
	c.report.Tenants++
	of := newTenantCheck(c, row)
	var at string // the hash of the last event of the kept sequence
	err = c.walk(store.Query{Index: eventsTable.Key(), Equal: []any{c.only}}, func(rec store.Record) error {
		c.report.Records++
		for i := range journalInvariants {
			if of.running = &journalInvariants[i]; of.running.each != nil {
				of.running.each(of, rec)
			}
		}
		if e := rec.(*Event); e.Seq == keptSeq {
			at = e.hash
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range journalInvariants {
		if of.running = &journalInvariants[i]; of.running.end != nil {
			of.running.end(of)
		}
	}
	if of.running = keptHolds; keptSeq > 0 && at != keptHash {
		of.broken(subjectOf(row), "at change %d it is another one, or it was cut off before", keptSeq)
	}
	return nil
}

// keptHolds is checked against a head that the host has kept.
var keptHolds = &invariant{code: rule.SYS11, holds: "the journal continues from the head that was kept"}

// chainInvariant holds for each event. It goes by the hash that the event before it has,
// so that one that was changed is found, and not all that follow.
var chainInvariant = each(eventsTable, rule.SYS11, "the hash of an event covers the event and the hash of the one before", func(c *tenantCheck, e *Event) {
	before := ""
	if c.last != nil {
		before = c.last.hash
	}
	if e.hash != c.links.Hash(before, e) {
		c.broken(subjectOf(e), "the event, or the one before it, is not the one that was written here")
	}
})

// headInvariant holds for the tenant's row.
var headInvariant = inTheEnd(rule.SYS11, "a tenant's row has the head of its journal", func(c *tenantCheck) {
	hash := ""
	if c.last != nil {
		hash = c.last.hash
	}
	if c.tenant.Rev == 0 && c.last == nil { // the provider's, before its first change
		return
	}
	if c.tenant.head != JournalHead(chain.Head(c.tenant.Rev, hash)) {
		c.broken(subjectOf(c.tenant), "the journal does not end where the row says")
	}
})

// chainEvents gives the events of a commit their hashes, and the tenants' rows their
// heads. Row is the tenant's row as it will be committed. Events of another tenant are
// the first of one that is created.
func (t *tx) chainEvents(row *Tenant) error {
	before := ""
	if t.base != nil {
		seq, hash, ok := chain.ParseHead(string(t.base.head))
		if !ok || seq != t.base.Rev {
			return &Error{Code: rule.SYS11, Kind: ErrStorage, Subject: t.base.ref(),
				Reason: "the tenant's row has no head of its journal, or a damaged one; nothing was changed. A store gets it when it is opened; the checker says more"}
		}
		before = hash
	}
	var links chain.Linker
	for _, e := range t.events {
		if e.TenantID == t.tenantID {
			before = e.link(&links, before)
			continue
		}
		first := e.link(&links, "")
		at := slices.IndexFunc(t.Changes(), func(c store.Change) bool {
			created, is := c.New.(*Tenant)
			return is && created.ID == e.TenantID
		})
		t.Changes()[at].New.(*Tenant).head = JournalHead(chain.Head(e.Seq, first))
	}
	row.head = JournalHead(chain.Head(row.Rev, before))
	return nil
}

// link gives the event the hash that follows the one before, and returns it.
func (e *Event) link(links *chain.Linker, before string) string {
	e.hash = links.Hash(before, e)
	return e.hash
}
