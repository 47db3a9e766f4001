package rules_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/memory"
)

// schedule plays deliveries of three processes to one subscriber against one
// another. The next step says what happens while an event is handled: it is
// handled, it fails, the handler panics, time passes, something new is written,
// or another process delivers meanwhile, which nests. So any interleaving of
// deliveries can come up, and the same steps always make the same one.
type schedule struct {
	*world
	hands     *clock
	processes []*pbx.Directory
	steps     []uint8
	groups    int
	wrong     string

	handled map[pbx.TenantID]int      // how many of the journal's events
	inside  map[pbx.TenantID][]*stint // who handles one of its events now
	busy    []bool                    // by process: it is in a delivery
}

// stint is the handling of one event: the tenant's journal is the process's own
// until then. The clock of the test passes by jumps, so nothing renews a lease.
type stint struct{ until time.Time }

func newSchedule(t *testing.T, steps []uint8) *schedule {
	s := &schedule{
		world: newWorld(t, memory.New()), steps: steps,
		handled: map[pbx.TenantID]int{}, inside: map[pbx.TenantID][]*stint{}, busy: make([]bool, 3),
	}
	s.hands = s.world.hands()
	for range s.busy {
		s.processes = append(s.processes, s.process(s.hands, pbx.WithDeliveries(1)))
	}
	return s
}

// step takes the next step; if there are no more, all events are handled.
func (s *schedule) step() uint8 {
	if len(s.steps) == 0 {
		return 0
	}
	n := s.steps[0]
	s.steps = s.steps[1:]
	return n
}

func (s *schedule) fault(form string, args ...any) {
	if s.wrong == "" {
		s.wrong = fmt.Sprintf(form, args...)
	}
}

// deliver makes a process deliver, if it is not delivering already.
func (s *schedule) deliver(process int) {
	if s.busy[process] {
		return
	}
	s.busy[process] = true
	defer func() {
		s.busy[process] = false
		if value := recover(); value != nil && value != errDropped {
			panic(value)
		}
	}()
	_, _ = s.processes[process].Deliver(s.Ctx, "mail", s.handle)
}

func (s *schedule) handle(_ context.Context, e *pbx.Event) (err error) {
	for _, other := range s.inside[e.TenantID] {
		if s.hands.now().Before(other.until) {
			s.fault("%s comes to two at the same time", e.Key())
		}
	}
	me := &stint{s.cursors("mail")[e.TenantID].LeasedUntil}
	if !me.until.After(s.hands.now()) {
		s.fault("%s comes without a lease", e.Key())
	}
	s.inside[e.TenantID] = append(s.inside[e.TenantID], me)
	defer func() {
		at := s.inside[e.TenantID]
		s.inside[e.TenantID] = at[:len(at)-1]
	}()
	place := s.place(e)
	if place > s.handled[e.TenantID] {
		s.fault("%s comes before what is in front of it was handled", e.Key())
	}
	for n := s.step(); n%8 != 0; n = s.step() {
		switch n % 8 {
		case 1:
			return errDropped
		case 2:
			panic(errDropped)
		case 3:
			s.hands.pass(time.Duration(n) * time.Second / 4) // up to a minute
		case 4:
			s.groups++
			s.Group(fmt.Sprint("G", s.groups), "")
		default:
			s.deliver(int(n/8) % len(s.processes))
		}
	}
	s.handled[e.TenantID] = max(s.handled[e.TenantID], place+1)
	return nil
}

// place is the event's in its journal, counted from 0.
func (s *schedule) place(e *pbx.Event) int {
	for i, other := range s.eventsOf(e.TenantID) {
		if *other == *e {
			return i
		}
	}
	s.fault("%s is in no journal", e.Key())
	return 0
}

// play plays all steps, lets the leases run out, and delivers the rest.
func (s *schedule) play() string {
	seen := map[pbx.TenantID]*pbx.Cursor{}
	for len(s.steps) > 0 {
		s.deliver(int(s.step()) % len(s.processes))
		for id, c := range s.cursors("mail") {
			if was := seen[id]; was != nil && (c.Seq < was.Seq || c.Seq == was.Seq && c.Pos < was.Pos) {
				s.fault("a cursor went back to %d/%d", c.Seq, c.Pos)
			}
			if seen[id] = c; !c.Holder.IsZero() {
				s.fault("a lease was not given back")
			}
		}
	}
	_, err := s.processes[0].Deliver(s.Ctx, "mail", s.handle)
	if err != nil {
		s.fault("at last: %v", err)
	}
	for _, id := range []pbx.TenantID{s.US.ID, s.UK.ID, pbx.Provider} {
		if n := len(s.eventsOf(id)); s.handled[id] != n {
			s.fault("%d of %d events were handled", s.handled[id], n)
		}
	}
	report, err := s.Support.Check(s.Ctx)
	if err != nil || len(report.Violations) > 0 {
		s.fault("%v %v", err, report.Violations)
	}
	return s.wrong
}

func TestSYS3_InAnyScheduleAllIsDeliveredInOrderAndToOneAtATime(t *testing.T) {
	testbed.NotShort(t)
	const seed = 20260302
	parameters := gopter.DefaultTestParametersWithSeed(seed)
	parameters.MinSuccessfulTests, parameters.Workers = testbed.Size(60, 400), 1
	parameters.MinSize, parameters.MaxSize = 5, 200
	properties := gopter.NewProperties(parameters)
	properties.Property("all is delivered", prop.ForAll(func(steps []uint8) string {
		return newSchedule(t, steps).play()
	}, gen.SliceOf(gen.UInt8())))
	properties.TestingRun(t)
}
