package pbx

import (
	"crypto/md5"
	"crypto/sha256"
	"slices"

	"github.com/pbxkit/pbx/internal/secret"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// journalInvariants hold for the journal of a tenant.
var journalInvariants = []invariant{
	chainInvariant,
	each(eventsTable, rule.ACC4, "the journal numbers the changes 1, 2, 3 and so on, and the events of each", func(c *tenantCheck, e *Event) {
		seq, pos := int64(0), int64(0)
		if c.last != nil {
			seq, pos = c.last.Seq, c.last.Pos
		}
		if !(e.Seq == seq && e.Pos == pos+1 || e.Seq == seq+1 && e.Pos == 1) {
			c.broken(subjectOf(e), "it comes after %d/%d", seq, pos)
		}
	}),
	each(eventsTable, rule.ACC4, "the events of one change are of one operation", func(c *tenantCheck, e *Event) {
		if c.last != nil && c.last.Seq == e.Seq && c.last.Operation != e.Operation {
			c.broken(subjectOf(e), "it is of %s, and the one before of %s", e.Operation, c.last.Operation)
		}
		c.last = e
	}),
	each(eventsTable, rule.ACC4, "an event says what was done, by whom and in which role", func(c *tenantCheck, e *Event) {
		if e.Type == "" || e.Actor == "" || !slices.Contains(everyRole, e.Role) {
			c.broken(subjectOf(e), "type %q, role %q", e.Type, e.Role)
		}
	}),
	inTheEnd(rule.ACC4, "a tenant's revision is the last change of its journal", func(c *tenantCheck) {
		seq := int64(0)
		if c.last != nil {
			seq = c.last.Seq
		}
		if c.tenant.Rev != seq {
			c.broken(subjectOf(c.tenant), "it is %d, and the journal ends with %d", c.tenant.Rev, seq)
		}
	}),
	headInvariant,
}

// The invariants of the records that are not kept by tenant.
var (
	identityHolds   = &invariant{code: rule.EXT6, holds: "a SIP address is claimed for the user or alias that has it"}
	secretsHold     = &invariant{code: rule.EXT7, holds: "credentials have a time, a SHA-256 hash, perhaps an MD5 one, and all of their length"}
	cursorHolds     = &invariant{code: rule.SYS3, holds: "a subscriber's cursor is at an event of the journal, or before the first"}
	subscriberHolds = &invariant{code: rule.SYS3, holds: "a cursor is a subscriber's"}
	leaseHolds      = &invariant{code: rule.SYS3, holds: "a journal that is leased has a holder, and a time when it runs out"}
)

// global checks the tables that are not ordered by tenant: SIP identities and
// cursors. If only one tenant is checked, its identities have been found through its
// users and aliases, and its cursors are found through the subscribers' names.
func (c *checker) global() error {
	if !c.only.IsZero() {
		return c.cursors()
	}
	err := c.walk(store.Query{Index: sipIdentitiesTable.Key()}, func(rec store.Record) error {
		c.identity(rec.(*SIPIdentity))
		return nil
	})
	if err != nil {
		return err
	}
	return c.walk(store.Query{Index: cursorsTable.Key()}, func(rec store.Record) error {
		c.cursor(rec.(*Cursor))
		return nil
	})
}

// claim checks an identity that was found through a user or an alias of the one
// tenant.
func (c *checker) claim(s *SIPIdentity) {
	if s != nil && s.TenantID == c.only && !c.seen[s.Address] {
		c.seen[s.Address] = true
		c.identity(s)
	}
}

// cursors checks the cursors of the one tenant. It goes from subscriber to subscriber,
// without reading the cursors of other tenants.
func (c *checker) cursors() error {
	for q := (store.Query{Index: cursorsTable.Key(), Limit: 1}); ; {
		next, err := store.Collect(c.reader.Find(c.ctx, q))
		if err != nil {
			return err
		}
		if len(next) == 0 {
			return c.answer()
		}
		subscriber := next[0].(*Cursor).Subscriber
		c.ask(q.Index.At(subscriber, c.only), func(found store.Record) {
			if at, _ := found.(*Cursor); at != nil {
				c.cursor(at)
			}
		})
		q.After = []any{subscriber, lastTenant}
	}
}

// lastTenant is the highest ID that a tenant can have.
var lastTenant = TenantID(slices.Repeat([]byte{0xff}, len(TenantID{})))

// identity checks that an address is claimed for the user or the alias that has it,
// and that its credentials are complete.
func (c *checker) identity(s *SIPIdentity) {
	c.report.Records++
	c.secrets(s)
	of := &tenantCheck{checker: c, tenant: &Tenant{ID: s.TenantID}, running: identityHolds}
	switch {
	case s.UserID.IsZero() == s.AliasID.IsZero():
		of.broken(subjectOf(s), "it is claimed for nobody, or for two")
	case !s.UserID.IsZero():
		of.askFor(usersTable.Key(), []any{s.TenantID, s.UserID}, func(found store.Record) {
			if u, _ := found.(*User); u == nil || u.SIPAddress != s.Address {
				of.broken(subjectOf(s), "user %s does not have it", s.UserID)
			}
		})
	default:
		of.askFor(aliasesTable.Key(), []any{s.TenantID, s.AliasID}, func(found store.Record) {
			if a, _ := found.(*Alias); a == nil || a.SIPAddress != s.Address {
				of.broken(subjectOf(s), "alias %s does not have it", s.AliasID)
			}
		})
	}
}

// secrets checks that credentials are complete. It shows nothing of them.
func (c *checker) secrets(s *SIPIdentity) {
	of := &tenantCheck{checker: c, tenant: &Tenant{ID: s.TenantID}, running: secretsHold}
	longer := 0
	if s.sealed {
		longer = secret.SealGrowth
	}
	switch {
	case s.IssuedAt.IsZero() && (s.sha256 != nil || s.md5 != nil || s.sealed):
		of.broken(subjectOf(s), "there is something of credentials that were not issued")
	case s.IssuedAt.IsZero():
	case len(s.sha256) != sha256.Size+longer:
		of.broken(subjectOf(s), "the SHA-256 hash has %d bytes", len(s.sha256))
	case s.md5 != nil && len(s.md5) != md5.Size+longer:
		of.broken(subjectOf(s), "the MD5 hash has %d bytes", len(s.md5))
	}
}

// cursor checks that a subscriber's cursor is at an event of the journal. After the
// first lease, before any event was handled, it is at none.
func (c *checker) cursor(at *Cursor) {
	c.report.Records++
	of := &tenantCheck{checker: c, tenant: &Tenant{ID: at.TenantID}, running: leaseHolds}
	if at.Holder.IsZero() != at.LeasedUntil.IsZero() {
		of.broken(subjectOf(at), "it has one without the other")
	}
	of = &tenantCheck{checker: c, tenant: &Tenant{ID: at.TenantID}, running: subscriberHolds}
	of.validate(at, func(check *validation) { check.code(rule.SYS3, "Subscriber", at.Subscriber) })
	of = &tenantCheck{checker: c, tenant: &Tenant{ID: at.TenantID}, running: cursorHolds}
	next := []any{at.TenantID, at.Seq, at.Pos}
	if at.Seq == 0 && at.Pos == 0 {
		next = []any{at.TenantID, int64(1), int64(1)}
	}
	of.askFor(eventsTable.Key(), next, func(found store.Record) {
		if found == nil {
			of.broken(subjectOf(at), "there is no event %d/%d", next[1], next[2])
		}
	})
}
