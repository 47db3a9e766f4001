//go:build linux || darwin

package endure_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgtest"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/postgres"
)

// waitsLong skips a test that mostly waits for ten seconds to pass, twice, where not
// everything was asked for. TestASynchronousStandby of the store does the same in less.
func waitsLong(t *testing.T) {
	t.Helper()
	if !testbed.Long() {
		t.Skip(testbed.LongVariable + "=1 asks for it")
	}
}

// office is a clerk at work in this process, on a primary with a standby.
type office struct {
	clerk
	*ledger
	stop func() // and waits until the clerk has
}

// openOffice opens the store and has the clerk begin.
func openOffice(t *testing.T, dsn string) *office {
	db, err := postgres.Open(context.Background(), dsn)
	require.NoError(t, err)
	o := &office{ledger: newLedger()}
	o.Tenants = tenantsFor(testbed.NewWorld(t, db), 4)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		o.work(ctx, db, o.note)
	}()
	o.stop = func() { cancel(); <-over }
	t.Cleanup(o.stop)
	return o
}

// eitherOf is the DSN of whichever server of a pair can be written to.
func eitherOf(t *testing.T, pair *pgtest.Pair) string {
	primary, err := url.Parse(pair.Primary.DSN("postgres"))
	require.NoError(t, err)
	standby, err := url.Parse(pair.Standby.DSN("postgres"))
	require.NoError(t, err)
	primary.Host += "," + standby.Host
	return primary.String() + "&target_session_attrs=read-write&connect_timeout=1"
}

// audit counts what is lost on a server of the pair.
func (o *office) audit(t *testing.T, node *pgtest.Node) (lost, besides int) {
	db, err := postgres.Open(context.Background(), node.DSN("postgres"))
	require.NoError(t, err)
	defer db.Close()
	return o.lost(t, db, o.Tenants)
}

func TestSYS1_NothingAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	t.Parallel()
	testbed.NotShort(t)
	pair := pgtest.NewPair(t)
	o := openOffice(t, pair.Primary.DSN("postgres"))
	kills, dice := testbed.Size(2, 12), rand.New(rand.NewPCG(20261130, 2))
	for range kills {
		o.waitFor(t, 20)
		time.Sleep(time.Duration(dice.IntN(20000)) * time.Microsecond)
		pair.Primary.Kill()
		require.NoError(t, pair.StartPrimary())
	}
	o.waitFor(t, 20)
	o.stop()
	lost, besides := o.audit(t, pair.Primary)
	t.Logf("figure: PostgreSQL: %d kills of the server, %d users acknowledged, lost %d; unknown %d, refused meanwhile %d, there without an answer %d",
		kills, o.acknowledged(), lost, o.unknown, o.failed, besides)
	require.Zero(t, lost)
}

func TestSYS1_NothingAcknowledgedIsLostInAFailover(t *testing.T) {
	for name, c := range map[string]struct {
		away  func(*pgtest.Node)
		times int
	}{
		"kill":   {(*pgtest.Node).Kill, testbed.Size(1, 3)},
		"freeze": {(*pgtest.Node).Freeze, testbed.Size(0, 3)},
	} {
		for n := range c.times {
			t.Run(fmt.Sprint(name, " ", n+1), func(t *testing.T) {
				t.Parallel()
				testbed.NotShort(t)
				pair := pgtest.NewPair(t)
				o := openOffice(t, eitherOf(t, pair))
				o.waitFor(t, 50)
				c.away(pair.Primary)
				before := o.acknowledged()
				require.NoError(t, pair.Promote())
				lost, _ := o.audit(t, pair.Standby)
				require.Zero(t, lost)
				o.waitFor(t, 50) // the clerk has found the other server
				pair.Primary.Kill()
				o.stop()
				lost, besides := o.audit(t, pair.Standby)
				t.Logf("figure: PostgreSQL: failover by %s of the primary, %d users acknowledged before and %d after, lost %d; unknown %d, refused meanwhile %d, there without an answer %d",
					name, before, o.acknowledged()-before, lost, o.unknown, o.failed, besides)
				require.Zero(t, lost)
			})
		}
	}
}

// A primary that was taken for dead comes back after the failover, and a program that
// knows no other goes on with it: it confirms nothing.
func TestSYS1_APrimaryThatComesBackAfterAFailoverAcknowledgesNothing(t *testing.T) {
	t.Parallel()
	waitsLong(t)
	pair := pgtest.NewPair(t)
	o := openOffice(t, pair.Primary.DSN("postgres"))
	o.waitFor(t, 50)
	pair.Primary.Freeze()
	require.NoError(t, pair.Promote())
	pair.Primary.Thaw()
	time.Sleep(time.Second)
	o.stop()
	lost, besides := o.audit(t, pair.Standby)
	t.Logf("figure: PostgreSQL: a primary that comes back after the failover, %d users acknowledged, lost %d; unknown %d, there without an answer %d",
		o.acknowledged(), lost, o.unknown, besides)
	require.Zero(t, lost)
	require.Equal(t, len(o.Tenants), o.unknown, "those that were under way")
}

// The standby is away while a user is created, and the primary is lost before it is
// back: what only the primary had is gone, and nobody was told that it was there.
func TestSYS1_WhatTheStandbyDoesNotHaveIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	waitsLong(t)
	pair := pgtest.NewPair(t)
	db, err := postgres.Open(context.Background(), pair.Primary.DSN("postgres"))
	require.NoError(t, err)
	w := testbed.NewWorld(t, db)
	pair.Standby.Kill()
	_, err = w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"})
	require.ErrorIs(t, err, pbx.ErrCommitUnknown)
	require.Equal(t, pbx.Stats{Unknown: 1}, w.Support.Stats())

	pair.Primary.Kill()
	require.NoError(t, pair.StartStandbyAlone())
	require.NoError(t, pair.Promote())
	after, err := postgres.Open(context.Background(), pair.Standby.DSN("postgres"))
	require.NoError(t, err)
	defer after.Close()
	users := testbed.Collect(t, pbx.New(after).As(pbx.Support("agent")).In(w.US.ID).Users(w.Ctx, pbx.UserQuery{}))
	require.Empty(t, users)
}
