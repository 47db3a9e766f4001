package endure_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/memory"
)

// course is what an operation does in a world without faults: what it says, and
// what is in the store, the first time and the second.
type course struct {
	before, after, twice string
	first, again         string
	calls                int
}

// courseOf runs an operation twice, without faults.
func courseOf(op testbed.Operation, r *testbed.Replica, run runner) course {
	var c course
	c.before = r.State()
	r.Faulty.Arm(faulty.Plan{})
	c.first = r.Said(run(r.Ctx, op, r))
	c.calls = len(r.Faulty.Calls())
	c.after = r.State()
	report, err := r.Support.Check(r.Ctx)
	require.NoError(r.T, err)
	require.Empty(r.T, report.Violations, op.Method)
	c.again = r.Said(run(r.Ctx, op, r))
	c.twice = r.State()
	return c
}

// runner calls an operation: at once, or through a review.
type runner func(ctx context.Context, op testbed.Operation, r *testbed.Replica) error

func reviewed(ctx context.Context, op testbed.Operation, r *testbed.Replica) error {
	review, err := op.By.Of(r.World).Review(ctx, func(ctx context.Context, dir *pbx.Directory) error { return op.Call(ctx, dir, r.X) })
	if err != nil {
		return err
	}
	return review.Commit(ctx)
}

// trial is a fault that an operation has to endure.
type trial struct {
	faulty.Plan
	caller bool // a context that ends is the caller's own, and not that of the call alone
}

// endure runs an operation against one fault: the store has all of it or
// nothing, as the answer says. It returns which.
func endure(op testbed.Operation, r *testbed.Replica, run runner, c course, plan trial) (done bool) {
	ctx, cancel := context.WithCancel(r.Ctx)
	defer cancel()
	if plan.caller {
		plan.Cancel = cancel
	}
	r.Faulty.Arm(plan.Plan)
	err, panicked := testbed.Attempt(func() error { return run(ctx, op, r) })
	r.Faulty.Arm(faulty.Plan{})
	state := r.State()
	about := fmt.Sprintf("%s, %s: %v, panic %v", op.Method, plan, err, panicked)
	report, checkErr := r.Dir.CheckJournal(r.Ctx, "") // the state leaves out the hashes
	require.NoError(r.T, checkErr)
	require.Empty(r.T, report.Violations, about)
	switch {
	case !panicked && r.Said(err) == c.first:
		require.Empty(r.T, cmp.Diff(c.after, state), about)
	case !panicked && errors.Is(err, pbx.ErrCommitUnknown):
		require.True(r.T, state == c.before || state == c.after, about)
	default:
		require.Empty(r.T, cmp.Diff(c.before, state), about)
	}
	return state == c.after
}

// again runs the operation after a fault: it does or says what it would have.
func again(op testbed.Operation, r *testbed.Replica, run runner, c course, done bool) {
	want, after := c.first, c.after
	if done {
		want, after = c.again, c.twice
	}
	require.Equal(r.T, want, r.Said(run(r.Ctx, op, r)), op.Method)
	require.Empty(r.T, cmp.Diff(after, r.State()), op.Method)
}

// faultPlans are every fault at every call, and from each call on an ended context.
func faultPlans(calls int) (plans []faulty.Plan) {
	for plan := range faulty.Plans(calls) {
		if !plan.On || plan.Fault == faulty.ContextEnded {
			plans = append(plans, plan)
		}
	}
	return plans
}

// onceEach are every fault at every call, and the end of the caller's context at each.
func onceEach(calls int) (trials []trial) {
	for _, plan := range faultPlans(calls) {
		caller := plan.On
		plan.On = false
		trials = append(trials, trial{plan, caller})
	}
	return trials
}

// endureAll runs all operations, or a sample, against every share-th of the
// faults. A replica endures so many of them that leave nothing before the
// operation is run again on it.
func endureAll(t *testing.T, replicate func(t *testing.T) *testbed.Replica, name string, run runner, share, many int) {
	for i, op := range testbed.Operations {
		if op.Method == "CheckPIN" && name == "reviewed" {
			continue // it refuses to be
		}
		if !testbed.Sampled(i+share, testbed.SampleOfOperations) { // other ones for each kind of store
			continue
		}
		t.Run(fmt.Sprintf("%s %s %d", name, op.Method, i), func(t *testing.T) {
			t.Parallel()
			c := courseOf(op, replicate(t), run)
			require.False(t, c.before == c.after, "the operation changes nothing: "+c.first)
			var plans []trial
			for n, plan := range onceEach(c.calls) {
				if (n+i)%share == 0 {
					plans = append(plans, plan)
				}
			}
			for len(plans) > 0 {
				r := replicate(t)
				done := false
				for n := 0; n < many && len(plans) > 0 && !done; n++ {
					done = endure(op, r, run, c, plans[0])
					plans = plans[1:]
				}
				again(op, r, run, c, done)
			}
		})
	}
}

func TestSYS1_EveryOperationEnduresEveryFault(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	endureAll(t, o.InMemory, "at once", testbed.AtOnce, 1, 1)
	endureAll(t, o.InMemory, "reviewed", reviewed, 1, 1)
}

// A store that is told what will be read is asked in another way, and can fail
// in another way.
func TestSYS1_EveryOperationEnduresEveryFaultOfReadingAhead(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	ahead := func(t *testing.T) *testbed.Replica {
		return o.On(t, &testbed.Faraway{Store: o.InMemory(t).World.Store})
	}
	endureAll(t, ahead, "at once", testbed.AtOnce, 5, 1)
	endureAll(t, ahead, "reviewed", reviewed, 5, 1)
}

func TestSYS1_EveryOperationEnduresFaultsOnAServer(t *testing.T) {
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	endureAll(t, o.OnServer, "at once", testbed.AtOnce, 11, 25)
}

func TestSYS1_EveryOperationEnduresFaultsOnDisk(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareFile(t)
	endureAll(t, o.OnDisk, "at once", testbed.AtOnce, 3, 25)
}
