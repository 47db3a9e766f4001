// Package journal gives journals that are older than the hash chain theirs (SYS-11). It
// is for SQL stores, which call it when they are opened.
package journal

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/chain"
	"github.com/pbxkit/pbx/internal/commit"
	"github.com/pbxkit/pbx/store"
)

// Batch is how many events one update chains at most.
const Batch = 1000

// Amender is a Writer whose changes may be ones that no rule makes: events get their
// hash, and tenants' rows their head, with the revision as it is. It is Apply in all else.
type Amender interface {
	store.Writer
	Amend(ctx context.Context, changes []store.Change) error
}

// patience is how long one batch may take, waits for others included.
const patience = 30 * time.Second

// Chain gives each tenant that unchained names its chain, until it names none. A chain
// that was begun is continued: what is done stays done, whoever is interrupted. Several
// processes may be at it at the same time, for they write the same.
//
// A tenant whose journal cannot be read or written, or is locked by somebody else for
// long, is left out: its changes are refused until somebody has chained it (SYS-11), and
// nobody else's. Errors: those of unchained; the context's; ErrReopen.
func Chain(ctx context.Context, s store.Store, unchained func(context.Context) ([]pbx.TenantID, error)) error {
	left := map[pbx.TenantID]bool{}
	for {
		tenants, err := unchained(ctx)
		tenants = slices.DeleteFunc(tenants, func(id pbx.TenantID) bool { return left[id] })
		if err != nil || len(tenants) == 0 {
			return err
		}
		for _, id := range tenants {
			err := chainTenant(ctx, s, id)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, store.ErrReopen):
				return err
			case err != nil:
				left[id] = true
			}
		}
	}
}

var (
	tenantsTable = new(pbx.Tenant).Table()
	eventsTable  = new(pbx.Event).Table()
)

// place is how far a journal is chained.
type place struct {
	after []any // the key of the last event without the tenant; nil: none
	hash  string
	done  bool
}

// chainTenant chains one journal, batch by batch.
func chainTenant(ctx context.Context, s store.Store, id pbx.TenantID) error {
	for at := (place{}); !at.done; {
		var next place
		update := commit.Update{Store: s, Tenant: id, Attempt: func(w store.Writer) (err error) {
			next, err = batch(ctx, w.(Amender), id, at)
			return err
		}, Committed: func(ctx context.Context, r store.Reader) (bool, error) {
			_, err := r.Get(ctx, tenantsTable.Key().At(id)) // the same batch is made again
			return false, err
		}}
		if err := patiently(ctx, update.Run); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// patiently runs something that may not take long.
func patiently(ctx context.Context, run func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return run(ctx)
}

// batch chains the next events of a journal. With the last of them the tenant's row gets
// its head.
func batch(ctx context.Context, w Amender, id pbx.TenantID, at place) (place, error) {
	found, err := w.Get(ctx, tenantsTable.Key().At(id))
	if err != nil || found[0] == nil || *head(found[0]) != "" {
		return place{done: true}, err
	}
	events, err := store.Collect(w.Find(ctx, store.Query{Index: eventsTable.Key(), Equal: []any{id}, After: at.after, Limit: Batch}))
	if err != nil {
		return at, err
	}
	var changes []store.Change
	var links chain.Linker
	for _, e := range events {
		if kept := *hash(e); kept != "" { // chained before an interruption
			at.hash = kept
			continue
		}
		at.hash = links.Hash(at.hash, e)
		chained := store.Clone(e)
		*hash(chained) = at.hash
		changes = append(changes, store.Change{Old: e, New: chained})
	}
	if at.done = len(events) < Batch; at.done {
		row := store.Clone(found[0])
		rev, _ := store.RevisionOf(row)
		*head(row) = chain.Head(rev, at.hash)
		changes = append(changes, store.Change{Old: found[0], New: row})
	} else {
		values, _ := eventsTable.Key().Values(events[len(events)-1])
		at.after = values[1:]
	}
	return at, w.Amend(ctx, changes)
}

// head is the tenant's column with the head of its journal.
func head(tenant store.Record) *string {
	return store.FieldsOf(tenant)[tenantsTable.Column("journal_head")].Ptr.(*string)
}

// hash is the event's column with its hash.
func hash(event store.Record) *string {
	return store.FieldsOf(event)[eventsTable.Column(chain.Column)].Ptr.(*string)
}
