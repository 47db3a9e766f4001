package model_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/commands"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/tests/model"
)

var (
	modelSeed     = flag.Int64("seed", 20261124, "the seed of TestModel; 0: another one each time")
	modelCommands = flag.Int("commands", 0, "how many commands TestModel carries out on each store; 0: 2000 in a long run, else 400")
)

// sequence is how many commands are carried out one after another.
const sequence = 40

// lockstep carries out the model's commands on every store at once.
type lockstep struct {
	t      *scope
	each   []*played // the first is the one that is compared with the model
	said   *outcomes
	broken bool // a divergence was seen: the rest of the sequence says nothing more
	state  *model.State
}

// scope is the part of a test that a sequence takes: what is opened for it is
// closed after it.
type scope struct {
	testing.TB
	cleanups []func()
}

// Cleanup calls f when the sequence is over.
func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

// TempDir is a folder that is removed with the sequence.
func (s *scope) TempDir() string {
	dir, err := os.MkdirTemp("", "model")
	require.NoError(s, err)
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (s *scope) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

// run carries a command out on each store, and says how the outcome differs
// from the predicted one, or "".
func (l *lockstep) run(c model.Command) string {
	if l.broken {
		return ""
	}
	before := l.state
	l.state = c.Next(before)
	problem := l.compare(c)
	l.broken = problem != ""
	if !l.broken {
		l.said.add(l.state.Last)
	}
	return problem
}

// seen is what a store did with a command, and what is in it then.
type seen struct {
	out     model.Outcome
	records [][]store.Record
	err     error
}

// carryOut carries a command out on all stores at once.
func (l *lockstep) carryOut(c model.Command) []seen {
	all := make([]seen, len(l.each))
	var each sync.WaitGroup
	for i, p := range l.each {
		each.Go(func() {
			all[i].out = p.run(c)
			all[i].records, all[i].err = p.look()
			p.raw = encode(p.raw[:0], all[i].records)
		})
	}
	each.Wait()
	return all
}

func (l *lockstep) compare(c model.Command) string {
	want := l.state.Last
	for i, got := range l.carryOut(c) {
		p := l.each[i]
		wrong := func(what, diff string) string { return fmt.Sprintf("%s: %s: %s%s", p.name, c, what, diff) }
		if got.err != nil {
			return wrong("", got.err.Error())
		}
		if diff := compare(spoken(want), spoken(got.out)); diff != "" {
			return wrong("", diff)
		}
		if i > 0 && bytes.Equal(p.raw, l.each[0].raw) {
			continue
		}
		lines, journal := p.lines(got.records)
		if diff := compare(want.Journal, journal); diff != "" {
			return wrong("journal:", diff)
		}
		if diff := compare(l.state.Lines(), lines); diff != "" {
			return wrong("state:", diff)
		}
		if i > 0 {
			return wrong("differs in what is not foretold from ", l.each[0].name)
		}
	}
	return ""
}

// spoken is what an outcome says, as lines.
func spoken(o model.Outcome) []string {
	var lines []string
	for _, r := range o.Refused {
		lines = append(lines, "refused "+strings.TrimSpace(fmt.Sprint(r.Code, " ", r.Kind, " ", r.Field)))
	}
	for _, n := range o.Warnings {
		lines = append(lines, fmt.Sprint("warned ", n.Code, " ", n.Subject))
	}
	for _, n := range o.Asked {
		lines = append(lines, fmt.Sprint("asked ", n.Code, " ", n.Subject))
	}
	for _, e := range o.Effects {
		lines = append(lines, fmt.Sprint("effect ", e))
	}
	if o.Monthly != 0 || o.OneTime != 0 {
		lines = append(lines, fmt.Sprint("costs ", o.Monthly, " ", o.OneTime))
	}
	for i, line := range o.Answer {
		lines = append(lines, fmt.Sprintf("answered %02d %s", i, line))
	}
	for i, p := range o.Parts {
		for _, line := range spoken(p) {
			lines = append(lines, fmt.Sprint("part ", i, " ", p.Op, " ", line))
		}
	}
	slices.Sort(lines)
	return lines
}

// end checks every store, and closes it.
func (l *lockstep) end() {
	for _, p := range l.each {
		report, err := p.dir.As(pbx.Support("checker")).Check(p.ctx)
		if err != nil || len(report.Violations) > 0 {
			l.t.Errorf("%s: the checker: %v %v", p.name, err, report)
		}
		_ = p.store.Close()
	}
	l.t.end()
}

// commanded is a command of the model as gopter wants it.
type commanded struct{ model.Command }

// Run carries it out.
func (c commanded) Run(sut commands.SystemUnderTest) commands.Result {
	return sut.(*lockstep).run(c.Command)
}

// NextState is the model's.
func (c commanded) NextState(s commands.State) commands.State { return c.Next(s.(*model.State)) }

// PreCondition always holds: what is not possible is refused.
func (c commanded) PreCondition(commands.State) bool { return true }

// PostCondition fails with what diverged.
func (c commanded) PostCondition(_ commands.State, result commands.Result) *gopter.PropResult {
	return gopter.NewPropResult(result == "", result.(string))
}

// String puts each command on its own line.
func (c commanded) String() string { return "\n  " + c.Command.String() }

func simpler(v any) gopter.Shrink {
	list := model.Simpler(v.(commanded).Command)
	return func() (any, bool) {
		if len(list) == 0 {
			return nil, false
		}
		next := list[0]
		list = list[1:]
		return commanded{next}, true
	}
}

// preparedModel is the model's world on a store, to be copied for each sequence.
func preparedModel(t *testing.T, said *outcomes) (*played, *model.State) {
	l := &lockstep{t: &scope{TB: t}, each: []*played{begin("memory", memory.New(), modelBegin)}, said: said, state: model.Start(modelBegin)}
	for _, c := range modelWorld() {
		require.Empty(t, l.run(c))
		require.Empty(t, l.state.Last.Refused, "%s", c)
	}
	return l.each[0], l.state
}

// modelSystem begins sequences from the world.
func modelSystem(t *testing.T, said *outcomes) (*commands.ProtoCommands, *model.State) {
	world, start := preparedModel(t, said)
	names := slices.Sorted(maps.Keys(stores)) // memory first
	return &commands.ProtoCommands{
		NewSystemUnderTestFunc: func(commands.State) commands.SystemUnderTest {
			l := &lockstep{t: &scope{TB: t}, said: said, state: start}
			for _, name := range names {
				l.each = append(l.each, world.on(l.t, name, stores[name](l.t)))
			}
			return l
		},
		DestroySystemUnderTestFunc: func(sut commands.SystemUnderTest) { sut.(*lockstep).end() },
		InitialStateGen: func(*gopter.GenParameters) *gopter.GenResult {
			return gopter.NewGenResult(start, gopter.NoShrinker)
		},
		GenCommandFunc: func(s commands.State) gopter.Gen {
			return func(p *gopter.GenParameters) *gopter.GenResult {
				return gopter.NewGenResult(commanded{draw{Rand: p.Rng, s: s.(*model.State), said: said}.command()}, simpler)
			}
		},
	}, start
}

// Every store does what the model predicts for every operation.
func TestModel(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	said := newOutcomes()
	system, start := modelSystem(t, said)
	for i, regression := range regressions {
		var list []commands.Command
		for _, c := range regression {
			list = append(list, commanded{c})
		}
		sut := system.NewSystemUnderTest(start)
		result := commands.Replay(sut, start, list...)
		system.DestroySystemUnderTest(sut)
		require.True(t, result.Success(), "regression %d: %s", i, strings.Join(result.Labels, ""))
	}
	seed := *modelSeed
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("seed %d: -seed %d repeats this", seed, seed)
	foretold := commands.Prop(system)
	holds := func(seed int64, sequences int) {
		parameters := gopter.DefaultTestParametersWithSeed(seed)
		parameters.MinSuccessfulTests, parameters.MaxShrinkCount, parameters.Workers = sequences, 2000, 1
		parameters.MinSize, parameters.MaxSize = sequence, sequence+1
		properties := gopter.NewProperties(parameters)
		properties.Property("every store does what the model foretells", foretold)
		if !properties.Run(gopter.NewFormatedReporter(false, 1000, os.Stdout)) {
			t.Fatalf("a divergence: seed %d", seed)
		}
	}
	asked := cmp.Or(*modelCommands, testbed.Size(400, 2000))
	holds(seed, (asked+sequence-1)/sequence)
	if *modelCommands == 0 && !testbed.Long() {
		return // too few to see everything
	}
	for more := int64(1); more <= 10 && len(said.missing()) > 0; more++ {
		holds(seed+more, 10) // for what was not seen yet
	}
	said.report(t)
}

// opName is the name of an operation.
func opName(op model.Op) string { return reflect.TypeOf(op).Name() }
