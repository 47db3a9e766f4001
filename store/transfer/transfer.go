// Package transfer copies tenants from one store to another, of any kinds, and
// compares two stores: backup, restore and move, with the journal.
//
// It is an operator's tool. It works on stores, not through a Directory, and so
// past the table of grants and past every rule: who holds two open stores may
// use it, and a program must offer it to nobody but the provider's own people. It
// leaves no event in any journal. A copy holds all that the source does, PIN
// hashes among it, and wants the same protection.
//
// A cursor arrives as far as it was, but free: without the lease of a
// subscriber that reads at the source, and with a first revision, since leases
// raise it. Everything else arrives as it is, revisions, IDs and events included.
package transfer

import (
	"context"
	"errors"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/commit"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Report is what Copy did, also where it gives an error.
type Report struct {
	Tenants int // that were copied
	Present int // that were there before, and equal
	Records int // of the tenants that were copied
}

// Copy copies the named tenants, or where none is named everything, the
// Provider's tenant included. All of it is read from one snapshot of the source,
// in one view that lasts as long as the copy.
//
// Each tenant arrives whole or not at all, in one update, and one after another:
// Copy keeps the records of one tenant in memory, twice where the target has it
// already. A tenant that is there and equal is skipped, so a copy that was
// interrupted is simply made again. With a tenant come the numbers that are its
// own; those that it returned are the Provider's. Copying a customer does not
// change the target's Provider, neither its stock of numbers nor its journal.
//
// A source whose records break invariants is not repaired: it is copied as it
// is, as far as the target's constraints let it. Records that belong to no
// tenant, and SIP identities that no user and no alias has, are not copied; Check
// and Compare find them.
//
// Errors, which leave the tenant that they are about out of the target:
// ErrNotFound for a named tenant that is not in the source (ACC-1), and then
// nothing is copied; ErrConflict for a tenant that is there and differs (ACC-1),
// and for each value that must be unique anywhere and is taken: a SIP domain
// (ACC-1), user ID (USR-3), SIP address (EXT-6), MAC address (DEV-1) or number
// (NUM-1), at most 100 of them at once and none with its holder; ErrStorage with
// SYS-4, over ErrConstraint, for a record that breaks a constraint of the target,
// as one that refers to nothing does; ErrConflict with SYS-1 when others keep
// getting in the way; those of both stores.
func Copy(ctx context.Context, to, from store.Store, tenants ...pbx.TenantID) (Report, error) {
	if ctx == nil || to == nil || from == nil {
		return Report{}, incomplete()
	}
	c := &copying{to: to}
	err := from.View(ctx, func(r store.Reader) error {
		if len(tenants) == 0 {
			return c.everything(ctx, r)
		}
		return c.named(ctx, r, tenants)
	})
	return c.report, err
}

// incomplete is the error of a call without a context or a store.
func incomplete() error {
	return store.Misuse("a context and two stores are needed: one of them is nil")
}

type copying struct {
	to     store.Store
	report Report
}

func (c *copying) everything(ctx context.Context, r store.Reader) error {
	for rec, err := range r.Find(ctx, store.Query{Index: tenantsTable.Key()}) {
		if err != nil {
			return err
		}
		if err := c.tenant(ctx, r, rec.(*pbx.Tenant).ID); err != nil {
			return err
		}
	}
	return nil
}

func (c *copying) named(ctx context.Context, r store.Reader, tenants []pbx.TenantID) error {
	if err := known(ctx, tenants, r); err != nil {
		return err
	}
	for _, tenant := range tenants {
		if err := c.tenant(ctx, r, tenant); err != nil {
			return err
		}
	}
	return nil
}

// known refuses a tenant that none of the readers has.
func known(ctx context.Context, tenants []pbx.TenantID, readers ...store.Reader) error {
	for _, tenant := range tenants {
		there := false
		for _, r := range readers {
			found, err := r.Get(ctx, keyOf(tenant))
			if err != nil {
				return err
			}
			there = there || found[0] != nil
		}
		if !there {
			return &pbx.Error{Code: rule.ACC1, Kind: pbx.ErrNotFound, Subject: ref(tenant), Reason: "there is no such tenant"}
		}
	}
	return nil
}

// tenant copies one tenant. Where a commit without an answer did take place, the
// next try finds the records and counts the tenant as copied.
func (c *copying) tenant(ctx context.Context, r store.Reader, id pbx.TenantID) error {
	records, err := read(ctx, r, id)
	if err != nil {
		return err
	}
	changes := make([]store.Change, len(records))
	for i, rec := range records {
		changes[i].New = rec
	}
	applied, present := false, false
	update := commit.Update{Store: c.to, Tenant: id, Committed: leftToAttempt(id), Attempt: func(w store.Writer) error {
		there, err := read(ctx, w, id)
		switch {
		case err != nil:
			return err
		case len(there) > 0:
			present = true
			return equal(id, records, there)
		}
		if err := unclaimed(ctx, w, records); err != nil {
			return err
		}
		applied = true
		return w.Apply(ctx, changes)
	}}
	switch err := update.Run(ctx); {
	case errors.Is(err, store.ErrConstraint):
		return &pbx.Error{Code: rule.SYS4, Kind: pbx.ErrStorage, Subject: ref(id), Err: err,
			Reason: "a record of the tenant breaks a constraint of the target, or refers to nothing: let the checker look at the source"}
	case err != nil:
		return withCode(err)
	case present && !applied:
		c.report.Present++
		return nil
	}
	c.report.Tenants++
	c.report.Records += len(records)
	return nil
}

// leftToAttempt asks nothing but to wait for a commit that is under way: an
// attempt finds the tenant that an earlier one copied.
func leftToAttempt(id pbx.TenantID) func(context.Context, store.Reader) (bool, error) {
	return func(ctx context.Context, r store.Reader) (bool, error) {
		_, err := r.Get(ctx, keyOf(id))
		return false, err
	}
}

// withCode gives a store's error with the code that operations give it.
func withCode(err error) error {
	if list := pbx.Errors(err); len(list) == 1 {
		return list[0]
	}
	return err
}

// equal refuses a tenant that is there with other records.
func equal(tenant pbx.TenantID, want, there []store.Record) error {
	same := len(want) == len(there)
	for i := 0; same && i < len(want); i++ {
		same = want[i].Table() == there[i].Table() && len(differing(want[i], there[i])) == 0
	}
	if same {
		return nil
	}
	return &pbx.Error{Code: rule.ACC1, Kind: pbx.ErrConflict, Subject: ref(tenant), Reason: "the tenant is there already, and differs"}
}

func ref(tenant pbx.TenantID) pbx.Ref { return pbx.Ref{Kind: "tenant", ID: tenant.String()} }

func keyOf(tenant pbx.TenantID) store.Key {
	return store.Key{Index: tenantsTable.Key(), Values: []any{tenant}}
}
