package endure_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/postgres"
)

// The workload of a busy provider: a few large tenants and many small ones, one
// range of new numbers that all draw from, one pool of licences, and one porting
// number that everybody wants.
const (
	processes  = 4
	goroutines = 8
	small      = 40 // tenants
)

// allRounds is how often each goroutine does something in a long run.
const allRounds = 25

// licences is what the pool has.
func licences() int { return testbed.Size(12, 60) }

// shift is what one process works on.
type shift struct {
	DSN     string
	Seed    uint64
	Rounds  int            // of each goroutine
	Large   []pbx.TenantID // the first has the pool, the second the porting number
	Small   []pbx.TenantID
	Porting pbx.E164
}

// tally is the result of a shift.
type tally struct {
	Done    int
	Refused map[rule.Code]int
	Stats   pbx.Stats
	Failed  []string // what no rule refused
}

// shiftVariable has a test process work a shift in place of running tests.
const shiftVariable = "PBX_TEST_SHIFT"

// workShift works the shift of the environment, if there is one, and prints its
// tally.
func workShift() bool {
	text := os.Getenv(shiftVariable)
	if text == "" {
		return false
	}
	var s shift
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		panic(err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(s.work())
	return true
}

func (s *shift) work() *tally {
	ctx := context.Background()
	store, err := postgres.Open(ctx, s.DSN)
	if err != nil {
		return &tally{Failed: []string{err.Error()}}
	}
	defer store.Close()
	support := pbx.New(store).As(pbx.Support("worker"))
	sum := &tally{Refused: map[rule.Code]int{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			w := worker{Rand: rand.New(rand.NewPCG(s.Seed, uint64(g))), shift: s, support: support}
			for n := range s.Rounds {
				err := w.act(ctx, fmt.Sprintf("w%dg%dn%d", s.Seed, g, n))
				mu.Lock()
				sum.count(err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	sum.Stats = support.Stats()
	return sum
}

// count sorts an outcome: done, refused by a rule, or failed.
func (t *tally) count(err error) {
	switch code := pbx.CodeOf(err); {
	case err == nil:
		t.Done++
	case code != "" && !errors.Is(err, pbx.ErrStorage) && !errors.Is(err, pbx.ErrMisuse) && !errors.Is(err, pbx.ErrCommitUnknown) && !errors.Is(err, pbx.ErrInvalid):
		t.Refused[code]++
	default:
		t.Failed = append(t.Failed, err.Error())
	}
}

// worker is one of a shift.
type worker struct {
	*rand.Rand
	*shift
	support *pbx.Directory
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// act does one thing in one tenant.
func (w *worker) act(ctx context.Context, name string) error {
	pool, porting := w.support.In(w.Large[0]), w.support.In(w.Large[1])
	any := w.support.In(pick(w.Rand, slices.Concat(w.Small, w.Large)))
	in := pbx.SetUp{NewUser: pbx.NewUser{FirstName: name, Email: name + "@example.com", NoWelcomeMail: true}, ServiceType: "PRO"}
	switch w.IntN(10) {
	case 0, 1, 2: // the last licence is given once
		in.Station = "STANDARD"
		return testbed.Second(pool.SetUpUser(ctx, in))
	case 3, 4: // the next number is given once
		in.Number = pbx.ProposedNumber()
		return testbed.Second(any.SetUpUser(ctx, in))
	case 5: // the porting number is waited for once
		in.Number = pbx.ExistingNumber(w.Porting)
		return testbed.Second(porting.SetUpUser(ctx, in))
	case 6:
		review, err := any.Review(ctx, func(ctx context.Context, dir *pbx.Directory) error { return testbed.Second(dir.SetUpUser(ctx, in)) })
		if err != nil {
			return err
		}
		return review.Commit(ctx)
	}
	return w.change(ctx, w.support.In(pick(w.Rand, w.Small)))
}

// change takes a user of a small tenant, and does something with them.
func (w *worker) change(ctx context.Context, dir *pbx.Directory) error {
	var users []*pbx.User
	for u, err := range dir.Users(ctx, pbx.UserQuery{Limit: 20}) {
		if err != nil {
			return err
		}
		users = append(users, u)
	}
	if len(users) == 0 {
		return testbed.Second(dir.CreateUser(ctx, pbx.NewUser{FirstName: "First", Email: fmt.Sprintf("first%d@example.com", w.Uint64()), Extension: "7500"}))
	}
	u := pick(w.Rand, users)
	switch w.IntN(4) {
	case 0:
		return dir.Confirm(rule.USR9, rule.USR10).DeleteUser(ctx, u.ID, pbx.UserAndPhones)
	case 1:
		return testbed.Second(dir.ChangeNumber(ctx, u.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber, UpdateExtension: true}))
	case 2:
		return testbed.Second(dir.AddService(ctx, pbx.NewService{UserID: u.ID, Type: "PRO", DeviceType: "Cisco 8851"}))
	}
	u.Department = fmt.Sprint(w.IntN(1000))
	return testbed.Second(dir.ModifyUser(ctx, u))
}

// workplace prepares a database for shifts.
func workplace(t *testing.T) (w *testbed.World, s shift) {
	s.DSN, s.Rounds = testbed.FreshDatabase(t), testbed.Size(6, allRounds)
	w = testbed.NewWorld(t, testbed.OnServer(t, s.DSN))
	for i := range 3 + small {
		tenant := w.Tenant(fmt.Sprint("Tenant ", i), "US", fmt.Sprintf("t%d.example.com", i))
		if i < 3 {
			s.Large = append(s.Large, tenant.ID)
		} else {
			s.Small = append(s.Small, tenant.ID)
		}
	}
	large := w.Acting(w.Support.In(s.Large[0]))
	require.NoError(t, large.ModifyPool("STANDARD", func(p *pbx.StationPool) { p.Total, p.Applications = int64(licences()), nil }))
	_, err := w.Support.StockNumbers(w.Ctx, testbed.Numbers("+1212555%04d", 900)...)
	require.NoError(t, err)
	s.Porting = "+13125550100"
	_, err = w.Support.In(s.Large[1]).RequestPort(w.Ctx, pbx.NewPort{Carrier: "Old", Date: w.Clock, Numbers: []pbx.E164{s.Porting}})
	require.NoError(t, err)
	return w, s
}

// start begins a shift in a process of its own.
func (s shift) start(t *testing.T, seed uint64) (command *exec.Cmd, out *strings.Builder) {
	s.Seed = seed
	text, err := json.Marshal(s)
	require.NoError(t, err)
	command, out = exec.Command(os.Args[0]), new(strings.Builder)
	command.Env = append(os.Environ(), shiftVariable+"="+string(text))
	command.Stdout, command.Stderr = out, os.Stderr
	require.NoError(t, command.Start())
	return command, out
}

func TestSYS1_ManyProcessesOneTruth(t *testing.T) {
	t.Parallel()
	w, s := workplace(t)
	var sum tally
	sum.Refused = map[rule.Code]int{}
	var commands []*exec.Cmd
	var outs []*strings.Builder
	for p := range processes {
		command, out := s.start(t, uint64(p+1))
		commands, outs = append(commands, command), append(outs, out)
	}
	for p, command := range commands {
		require.NoError(t, command.Wait())
		var one tally
		require.NoError(t, json.Unmarshal([]byte(outs[p].String()), &one), outs[p].String())
		sum.add(one)
	}
	require.Empty(t, sum.Failed)
	require.Equal(t, processes*goroutines*s.Rounds, sum.Done+total(sum.Refused))
	require.Positive(t, sum.Refused[rule.STN1], "the pool was asked for more than it has")
	require.Positive(t, sum.Refused[rule.NUM3], "the porting number was wanted by more than one")
	pool := agreed(t, w, s)
	require.Zero(t, pool.Available(), "the pool is exactly used up")
	t.Logf("%d processes × %d goroutines × %d: done %d, refused %v; retries %d, gave up %d",
		processes, goroutines, s.Rounds, sum.Done, sum.Refused, sum.Stats.Retries, sum.Stats.GaveUp)
}

func TestSYS1_ProcessesThatAreKilledLeaveOneTruth(t *testing.T) {
	t.Parallel()
	w, s := workplace(t)
	s.Rounds = allRounds // none should end before it is killed
	dice := rand.New(rand.NewPCG(20261124, 1))
	killed := 0
	waves := testbed.Size(2, 6)
	for wave := range waves {
		var commands []*exec.Cmd
		for p := range processes {
			command, _ := s.start(t, uint64(100*wave+p+1))
			commands = append(commands, command)
		}
		for _, command := range commands[1:] {
			time.Sleep(time.Duration(dice.IntN(150)) * time.Millisecond)
			require.NoError(t, command.Process.Kill())
		}
		for _, command := range commands {
			if err := command.Wait(); err != nil {
				killed++
			}
		}
	}
	pool := agreed(t, w, s)
	require.Positive(t, killed)
	t.Logf("%d of %d processes killed; %d of %d licences used", killed, waves*processes, pool.Used, pool.Total)
}

func (t *tally) add(one tally) {
	t.Done += one.Done
	for code, n := range one.Refused {
		t.Refused[code] += n
	}
	t.Failed = append(t.Failed, one.Failed...)
	t.Stats.Retries += one.Stats.Retries
	t.Stats.GaveUp += one.Stats.GaveUp
}

func total(refused map[rule.Code]int) (sum int) {
	for _, n := range refused {
		sum += n
	}
	return sum
}

// agreed proves what must hold after any number of shifts: the checker finds
// nothing, which covers the journals' sequences; the pool counts its users; and
// no number has two holders.
func agreed(t *testing.T, w *testbed.World, s shift) *pbx.StationPool {
	report, err := w.Support.Check(w.Ctx)
	require.NoError(t, err)
	require.Empty(t, report.Violations)
	holders := map[pbx.E164]pbx.ServiceID{}
	for _, tenant := range append(s.Large, s.Small...) {
		for line, err := range w.Support.In(tenant).Services(w.Ctx, pbx.ServiceQuery{}) {
			require.NoError(t, err)
			if line.Number != "" {
				require.NotContains(t, holders, line.Number, "a number has two holders")
				holders[line.Number] = line.ID
			}
		}
		seq := int64(0)
		for e, err := range w.Support.In(tenant).Journal(w.Ctx, pbx.JournalQuery{}) {
			require.NoError(t, err)
			require.Contains(t, []int64{seq, seq + 1}, e.Seq, "a gap in a journal")
			seq = e.Seq
		}
	}
	first := w.Support.In(s.Large[0])
	seats := int64(0)
	for u, err := range first.Users(w.Ctx, pbx.UserQuery{}) {
		require.NoError(t, err)
		if u.Station != "" {
			seats++
		}
	}
	for pool, err := range first.StationPools(w.Ctx) {
		require.NoError(t, err)
		require.Equal(t, pool.Used, seats)
		return pool
	}
	t.Fatal("there is no pool")
	return nil
}
