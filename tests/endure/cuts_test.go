package endure_test

import (
	"errors"
	"flag"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgwire"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/memory"
)

var cutShare = flag.Int("cuts", 61, "of the places where a connection can be cut, try one in so many; 1: all")

// cutFigures are the results of the cuts.
type cutFigures struct{ tried, made, done, undone, unknown, resolved, retried int64 }

// The connection is cut before, in and after each message that an operation
// sends. It is done once or not at all, as the answer says.
func TestSYS1_EveryOperationEnduresEveryCutOfItsConnection(t *testing.T) {
	o := testbed.PrepareOriginal(t, memory.New())
	var sum cutFigures
	place := 0
	for i, op := range testbed.Operations {
		if !testbed.Sampled(i, testbed.SampleOfOperations) {
			continue
		}
		t.Run(fmt.Sprintf("%s %d", op.Method, i), func(t *testing.T) {
			c := courseOf(op, o.OnServer(t), testbed.AtOnce)
			messages := cut(t, op, o, c, 0, pgwire.Before, &cutFigures{})
			require.Positive(t, messages)
			for n := 1; n <= messages; n++ {
				for _, how := range []pgwire.How{pgwire.Before, pgwire.During, pgwire.After} {
					if place++; place%*cutShare == 0 {
						cut(t, op, o, c, n, how, &sum)
					}
				}
			}
		})
	}
	t.Logf("cuts tried %d, made %d: done %d, not done %d, done twice 0, half done 0; outcomes unknown at first and resolved %d, unknown for good %d; tried again %d",
		sum.tried, sum.made, sum.done, sum.undone, sum.resolved, sum.unknown, sum.retried)
}

// cut runs an operation in a world of its own and cuts its connection at the
// n-th message, or nowhere. It returns how many messages there were.
func cut(t *testing.T, op testbed.Operation, o *testbed.Original, c course, n int, how pgwire.How, sum *cutFigures) (messages int) {
	t.Helper()
	proxy := pgwire.Listen(t, o.Database(t))
	r := o.On(t, testbed.OnServer(t, proxy.DSN()))
	require.NoError(t, testbed.Second(r.World.Dir.OfferedNumbers(r.Ctx, r.Boston.ID, "", 1)))
	proxy.Reset()
	proxy.CutAt(n, how)
	err := testbed.AtOnce(r.Ctx, op, r)
	messages, cuts := proxy.Messages(), proxy.Cuts()
	proxy.CutAt(0, how)
	proxy.Wait()

	state, stats := r.State(), r.Support.Stats()
	about := fmt.Sprintf("%s, cut %s message %d: %v", op.Method, how, n, err)
	sum.tried++
	sum.made += int64(cuts)
	sum.resolved += stats.Resolved
	sum.retried += stats.Retries
	switch {
	case r.Said(err) == c.first:
		require.Empty(t, cmp.Diff(c.after, state), about)
		sum.done++
	case errors.Is(err, pbx.ErrCommitUnknown):
		require.True(t, state == c.before || state == c.after, about)
		sum.unknown++
	default:
		require.Empty(t, cmp.Diff(c.before, state), about)
		sum.undone++
	}
	return messages
}
