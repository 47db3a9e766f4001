package endure_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
)

// clerk creates users, in several tenants at once.
type clerk struct {
	Tenants []pbx.TenantID
	Seed    int // of the names
}

// work creates users until the context ends, and tells of each outcome. An operation
// that was begun is waited for.
func (c *clerk) work(ctx context.Context, db store.Store, outcome func(tenant pbx.TenantID, user pbx.UserID, err error)) {
	support := pbx.New(db).As(pbx.Support("clerk"))
	var all sync.WaitGroup
	for g, tenant := range c.Tenants {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				user, err := support.In(tenant).CreateUser(context.WithoutCancel(ctx), pbx.NewUser{
					FirstName: "New", Email: fmt.Sprintf("s%dg%dn%d@example.com", c.Seed, g, n), NoWelcomeMail: true,
					Extension: pbx.Extension(fmt.Sprint(20000 + 500*c.Seed + n)),
				})
				if err != nil {
					outcome(tenant, pbx.UserID{}, err)
					time.Sleep(10 * time.Millisecond)
					continue
				}
				outcome(tenant, user.ID, nil)
			}
		})
	}
	all.Wait()
}

// tenantsFor makes tenants for a clerk.
func tenantsFor(w *testbed.World, n int) (list []pbx.TenantID) {
	for i := range n {
		tenant := w.Tenant(fmt.Sprint("Tenant ", i), "US", fmt.Sprintf("t%d.example.com", i))
		list = append(list, tenant.ID)
	}
	return list
}

// ledger is what was acknowledged, kept where it survives.
type ledger struct {
	mu      sync.Mutex
	entries map[pbx.UserID]pbx.TenantID
	unknown int // outcomes that nobody could tell
	failed  int // operations that were refused for want of a server
}

func newLedger() *ledger { return &ledger{entries: map[pbx.UserID]pbx.TenantID{}} }

// note is a clerk's outcome.
func (l *ledger) note(tenant pbx.TenantID, user pbx.UserID, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.entries[user] = tenant
	case errors.Is(err, pbx.ErrCommitUnknown):
		l.unknown++
	default:
		l.failed++
	}
}

func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// waitFor waits until so many more are acknowledged.
func (l *ledger) waitFor(t *testing.T, more int) {
	t.Helper()
	enough := l.acknowledged() + more
	require.Eventually(t, func() bool { return l.acknowledged() >= enough }, 2*time.Minute, time.Millisecond)
}

// lost returns how many of the users acknowledged by now a store does not have, and
// how many it has besides. Its checker must find nothing.
func (l *ledger) lost(t *testing.T, db store.Store, tenants []pbx.TenantID) (lost, besides int) {
	t.Helper()
	ctx := context.Background()
	l.mu.Lock()
	entries := maps.Clone(l.entries) // before the look: a clerk may be at work
	l.mu.Unlock()
	support := pbx.New(db).As(pbx.Support("auditor"))
	there := map[pbx.UserID]pbx.TenantID{}
	for _, tenant := range tenants {
		for _, u := range testbed.Collect(t, support.In(tenant).Users(ctx, pbx.UserQuery{})) {
			there[u.ID] = tenant
		}
	}
	for user, tenant := range entries {
		if there[user] != tenant {
			lost++
		}
	}
	report, err := support.Check(ctx)
	require.NoError(t, err)
	require.Empty(t, report.Violations)
	return lost, len(there) - (len(entries) - lost)
}
