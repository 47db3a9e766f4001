package rules_test

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

func (op operation) course(r *replica, run runner) course {
	var c course
	c.before = r.state()
	r.faulty.Arm(faulty.Plan{})
	c.first = r.said(run(op, r.ctx, r))
	c.calls = len(r.faulty.Calls())
	c.after = r.state()
	report, err := r.support.Check(r.ctx)
	require.NoError(r.t, err)
	require.Empty(r.t, report.Violations, op.method)
	c.again = r.said(run(op, r.ctx, r))
	c.twice = r.state()
	return c
}

// runner calls an operation: at once, or through a review.
type runner func(op operation, ctx context.Context, r *replica) error

func atOnce(op operation, ctx context.Context, r *replica) error {
	return op.call(ctx, op.by.of(r.world), r.x)
}

func reviewed(op operation, ctx context.Context, r *replica) error {
	review, err := op.by.of(r.world).Review(ctx, func(ctx context.Context, dir *pbx.Directory) error { return op.call(ctx, dir, r.x) })
	if err != nil {
		return err
	}
	return review.Commit(ctx)
}

// endure runs an operation against one fault: the store has all of it or
// nothing, as the answer says. It returns which.
func (op operation) endure(r *replica, run runner, c course, plan faulty.Plan) (done bool) {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	if plan.On { // a fault that stays is not what is tried here: it ends the caller's context too
		plan.On, plan.Cancel = false, cancel
	}
	r.faulty.Arm(plan)
	err, panicked := attempt(func() error { return run(op, ctx, r) })
	r.faulty.Arm(faulty.Plan{})
	state := r.state()
	about := fmt.Sprintf("%s, %s: %v, panic %v", op.method, plan, err, panicked)
	switch {
	case !panicked && r.said(err) == c.first:
		require.Empty(r.t, cmp.Diff(c.after, state), about)
	case !panicked && errors.Is(err, pbx.ErrCommitUnknown):
		require.True(r.t, state == c.before || state == c.after, about)
	default:
		require.Empty(r.t, cmp.Diff(c.before, state), about)
	}
	return state == c.after
}

// again runs the operation after a fault: it does or says what it would have.
func (op operation) again(r *replica, run runner, c course, done bool) {
	want, after := c.first, c.after
	if done {
		want, after = c.again, c.twice
	}
	require.Equal(r.t, want, r.said(run(op, r.ctx, r)), op.method)
	require.Empty(r.t, cmp.Diff(after, r.state()), op.method)
}

func attempt(run func() error) (err error, panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != any(faulty.ErrInjected) {
				panic(p)
			}
			panicked = true
		}
	}()
	return run(), false
}

// faultPlans are every fault at every call, and the end of the caller's context
// at each.
func faultPlans(calls int) (plans []faulty.Plan) {
	for plan := range faulty.Plans(calls) {
		if !plan.On || plan.Fault == faulty.ContextEnded {
			plans = append(plans, plan)
		}
	}
	return plans
}

// sampleOfOperations is of how many operations a run that is not long tries one
// against faults, cuts and hosts.
const sampleOfOperations = 8

// endureAll runs all operations, or a sample, against every share-th of the
// faults. A replica endures so many of them that leave nothing before the
// operation is run again on it.
func endureAll(t *testing.T, replicate func(t *testing.T) *replica, name string, run runner, share, many int) {
	for i, op := range operations {
		if op.method == "CheckPIN" && name == "reviewed" {
			continue // it refuses to be
		}
		if !testbed.Sampled(i+share, sampleOfOperations) { // other ones for each kind of store
			continue
		}
		t.Run(fmt.Sprintf("%s %s %d", name, op.method, i), func(t *testing.T) {
			t.Parallel()
			c := op.course(replicate(t), run)
			require.False(t, c.before == c.after, "the operation changes nothing: "+c.first)
			var plans []faulty.Plan
			for n, plan := range faultPlans(c.calls) {
				if (n+i)%share == 0 {
					plans = append(plans, plan)
				}
			}
			for len(plans) > 0 {
				r := replicate(t)
				done := false
				for n := 0; n < many && len(plans) > 0 && !done; n++ {
					done = op.endure(r, run, c, plans[0])
					plans = plans[1:]
				}
				op.again(r, run, c, done)
			}
		})
	}
}

func TestSYS1_EveryOperationEnduresEveryFault(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := prepareOriginal(t, memory.New())
	endureAll(t, o.inMemory, "at once", atOnce, 1, 1)
	endureAll(t, o.inMemory, "reviewed", reviewed, 1, 1)
}

// A store that is told what will be read is asked otherwise, and can fail
// otherwise.
func TestSYS1_EveryOperationEnduresEveryFaultOfReadingAhead(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := prepareOriginal(t, memory.New())
	ahead := func(t *testing.T) *replica { return o.on(t, &faraway{Store: o.inMemory(t).world.store}) }
	endureAll(t, ahead, "at once", atOnce, 5, 1)
	endureAll(t, ahead, "reviewed", reviewed, 5, 1)
}

func TestSYS1_EveryOperationEnduresFaultsOnAServer(t *testing.T) {
	t.Parallel()
	o := prepareOriginal(t, memory.New())
	endureAll(t, o.onServer, "at once", atOnce, 11, 25)
}

func TestSYS1_EveryOperationEnduresFaultsOnDisk(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := prepareFile(t)
	endureAll(t, o.onDisk, "at once", atOnce, 3, 25)
}
