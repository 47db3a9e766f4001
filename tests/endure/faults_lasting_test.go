package endure_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/memory"
)

// fromEach are every fault at every call and all later ones, as when a database goes
// away and does not come back.
func fromEach(calls int) (trials []trial) {
	for plan := range faulty.Plans(calls) {
		if plan.On {
			trials = append(trials, trial{Plan: plan})
		}
	}
	return trials
}

// lasting is how an operation is tried against faults that last.
type lasting struct {
	name  string
	run   runner
	share int // of how many faults one is tried
	many  int // faults that one replica endures, if they leave nothing

	// prepare makes a copy of the original, and returns what opens it. Only what is
	// opened waits by the clock of the trial.
	prepare func(t *testing.T) (open func(t *testing.T) *testbed.Replica)
	trials  *atomic.Int64
}

// endureAll runs all operations, or a sample, against faults that last. Time is not real
// in there: an operation that lost the outcome of its commit goes on asking for it for
// ten seconds.
func (l lasting) endureAll(t *testing.T) {
	l.trials = new(atomic.Int64)
	t.Cleanup(func() {
		t.Logf("figure: %d faults from some store call on, %s: each operation done or not as it said", l.trials.Load(), l.name)
	})
	for i, op := range testbed.Operations {
		if !testbed.Sampled(i+l.share+3, testbed.SampleOfOperations) {
			continue
		}
		t.Run(fmt.Sprintf("%s %s %d", l.name, op.Method, i), func(t *testing.T) {
			t.Parallel()
			c := courseOf(op, l.prepare(t)(t), l.run)
			require.False(t, c.before == c.after, "the operation changes nothing: "+c.first)
			var plans []trial
			for n, plan := range fromEach(c.calls) {
				if (n+i)%l.share == 0 {
					plans = append(plans, plan)
				}
			}
			for len(plans) > 0 {
				plans = l.some(t, op, c, plans)
			}
		})
	}
}

// some tries faults on one replica, and returns those that are left.
func (l lasting) some(t *testing.T, op testbed.Operation, c course, plans []trial) []trial {
	open := l.prepare(t)
	synctest.Test(t, func(t *testing.T) {
		r := open(t)
		done := false
		for n := 0; n < l.many && len(plans) > 0 && !done; n++ {
			done = endure(op, r, l.run, c, plans[0])
			plans = plans[1:]
			l.trials.Add(1)
		}
		again(op, r, l.run, c, done)
	})
	return plans
}

func TestSYS1_EveryOperationEnduresAStoreThatGoesAway(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	prepare := func(*testing.T) func(*testing.T) *testbed.Replica { return o.InMemory }
	lasting{name: "in memory", run: testbed.AtOnce, share: 1, many: 1, prepare: prepare}.endureAll(t)
}

func TestSYS1_EveryOperationEnduresAStoreThatReadsAheadAndGoesAway(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	ahead := func(t *testing.T) *testbed.Replica {
		return o.On(t, &testbed.Faraway{Store: o.InMemory(t).World.Store})
	}
	prepare := func(*testing.T) func(*testing.T) *testbed.Replica { return ahead }
	lasting{name: "reading ahead", run: testbed.AtOnce, share: 1, many: 1, prepare: prepare}.endureAll(t)
}

func TestSYS1_EveryOperationEnduresAServerThatGoesAway(t *testing.T) {
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	prepare := func(t *testing.T) func(*testing.T) *testbed.Replica {
		dsn := o.Database(t)
		return func(t *testing.T) *testbed.Replica { return o.On(t, testbed.OnServer(t, dsn)) }
	}
	lasting{name: "on a server", run: testbed.AtOnce, share: 5, many: 25, prepare: prepare}.endureAll(t)
}

func TestSYS1_EveryOperationEnduresADiskThatGoesAway(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	o := testbed.PrepareFile(t)
	prepare := func(*testing.T) func(*testing.T) *testbed.Replica { return o.OnDisk }
	lasting{name: "on disk", run: testbed.AtOnce, share: 2, many: 25, prepare: prepare}.endureAll(t)
}
