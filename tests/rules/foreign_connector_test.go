package rules_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// elsewhere is another system. It does what it is asked, unless it is not
// available or has a reason to refuse.
type elsewhere struct {
	mu      sync.Mutex
	away    error             // its answer to everything
	refuses map[string]string // reasons, by the name of what is asked for
	between func(pbx.ForeignRequest)
	has     map[pbx.ForeignID]string // names
	calls   []string
	got     []pbx.ForeignRequest
}

func newElsewhere() *elsewhere {
	return &elsewhere{refuses: map[string]string{}, has: map[pbx.ForeignID]string{}}
}

func (s *elsewhere) take(verb string, r pbx.ForeignRequest) error {
	s.calls, s.got = append(s.calls, verb+" "+r.Foreign.Name), append(s.got, r)
	if s.between != nil {
		s.between(r)
	}
	if s.away != nil {
		return s.away
	}
	if reason, bad := s.refuses[r.Foreign.Name]; bad {
		return fmt.Errorf("%w: %s", pbx.ErrRefused, reason)
	}
	return nil
}

func (s *elsewhere) Create(_ context.Context, r pbx.ForeignRequest) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.take("create", r); err != nil {
		return "", err
	}
	s.has[r.Foreign.ID] = r.Foreign.Name
	return "https://elsewhere.example.com/" + r.Foreign.ID.String(), nil
}

func (s *elsewhere) Delete(_ context.Context, r pbx.ForeignRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.take("delete", r); err != nil {
		return err
	}
	delete(s.has, r.Foreign.ID)
	return nil
}

// said is what it was asked since the last time.
func (s *elsewhere) said() []string {
	calls := s.calls
	s.calls, s.got = nil, nil
	return calls
}

// connects runs the connector, and asserts how many requests came to an end.
func (w *world) connects(want int, s pbx.Connector) {
	w.T.Helper()
	n, err := w.Support.Connect(w.Ctx, "MICOLLAB", s)
	require.NoError(w.T, err)
	require.Equal(w.T, want, n)
}

func asking(names ...string) (list []pbx.NewForeign) {
	for _, name := range names {
		list = append(list, pbx.NewForeign{System: "MICOLLAB", Name: name, Deletable: true})
	}
	return list
}

func TestSVC18_OneActHereReachesTheOtherSystemToo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := newElsewhere()
		in := testbed.Newcomer("ann")
		in.Foreign = append(asking("Client", "Teleworker"), pbx.NewForeign{System: "CRM", Name: "Contacts"})
		made, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
		for _, f := range testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, made.Service.ID)) {
			require.Equal(t, pbx.ForeignRequested, f.State)
			require.EqualValues(t, 1, f.Requests)
		}
		w.connects(2, s)
		require.Len(t, s.got, 2)
		r := s.got[0]
		require.Equal(t, w.US.ID, r.Tenant)
		require.Equal(t, "Client", r.Foreign.Name)
		require.Equal(t, made.Service, r.Line)
		require.Len(t, r.Users, 1)
		require.Equal(t, made.User, r.Users[0])
		require.NotEqual(t, r.Key, s.got[1].Key)
		require.Equal(t, []string{"create Client", "create Teleworker"}, s.said(), "in the order of the journal")

		list := testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, made.Service.ID))
		require.Equal(t, pbx.ForeignRequested, list[0].State, "the other system's are not its")
		for _, f := range list[1:] {
			require.Equal(t, pbx.ForeignActive, f.State)
			require.Equal(t, "https://elsewhere.example.com/"+f.ID.String(), f.Link)
		}
		w.connects(0, s)
		require.Empty(t, s.said())
		require.Equal(t, 2, w.happened("foreign.active"), "the outcome is in the journal")
	})
}

// happened counts the events of a type in the customer's journal.
func (w *world) happened(typ string) (n int) {
	w.T.Helper()
	for _, e := range testbed.Collect(w.T, w.Dir.Journal(w.Ctx, pbx.JournalQuery{})) {
		if e.Type == typ {
			n++
		}
	}
	return n
}

func TestSVC18_TheBadRequestsOfAnActAreReportedWithItsOtherFields(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		bad := []pbx.NewForeign{{System: "MICOLLAB", Name: "Client"}, {System: "MICOLLAB", Name: "Client"}, {System: "?", Link: "x"}}
		for _, call := range []func() error{
			func() error { return second(w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", Foreign: bad})) },
			func() error {
				return second(w.Dir.SetUpUser(w.Ctx, pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Ann", Email: "a@example.com", Extension: "7101"}, DeviceType: "?", Foreign: bad}))
			},
		} {
			before := testbed.Dump(t, w.Store)
			require.Equal(t, []string{
				"DeviceType SVC-2", "Foreign[1].Name SVC-13", "Foreign[2].Link SVC-13", "Foreign[2].Name SVC-13", "Foreign[2].System SVC-13",
			}, badFields(call()))
			require.Equal(t, before, testbed.Dump(t, w.Store))
		}
	})
}

func TestSVC10_ADeletionIsTakenToTheOtherSystemAndTheRecordGoesWhenItIsDone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := newElsewhere()
		line, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Foreign: asking("Client")})
		require.NoError(t, err)
		w.connects(1, s)
		s.said()
		require.NoError(t, w.Dir.Confirm(rule.SVC10).DeleteService(w.Ctx, line.ID))
		w.connects(1, s)
		require.Nil(t, s.got[0].Line)
		require.Empty(t, s.got[0].Users)
		require.EqualValues(t, "7101", s.got[0].Foreign.FormerDN)
		require.Equal(t, []string{"delete Client"}, s.said())
		require.Empty(t, s.has)
		require.Empty(t, testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, pbx.ServiceID{})))
		require.Equal(t, 1, w.happened("foreign.gone"))
	})
}

func TestSVC18_WhatTheOtherSystemCannotDoNowComesAgainInItsOrder(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := newElsewhere()
		_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Foreign: asking("A", "B")})
		require.NoError(t, err)
		_, err = w.British.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Foreign: asking("Other")})
		require.NoError(t, err)
		s.away = errors.New("connection refused")
		var key string
		for range 3 {
			n, err := w.Support.Connect(w.Ctx, "MICOLLAB", s)
			require.Zero(t, n)
			require.ErrorIs(t, err, s.away)
			var held *pbx.DeliveryError
			require.ErrorAs(t, err, &held)
			for _, r := range s.got {
				if r.Foreign.Name == "A" {
					require.True(t, key == "" || key == r.Key, "the same key each time")
					key = r.Key
				}
			}
			require.ElementsMatch(t, []string{"create A", "create Other"}, s.said(), "a later one waits; another tenant does not")
		}
		for _, f := range testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, pbx.ServiceID{})) {
			require.Equal(t, pbx.ForeignRequested, f.State)
		}
		s.away = nil
		w.connects(3, s)
		require.Len(t, s.has, 3)
	})
}

func TestSVC18_ARefusalStandsInTheRecordUntilItIsAskedForAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := newElsewhere()
		s.refuses["A"] = "no licence\x00 left\n"
		line, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Foreign: asking("A", "B")})
		require.NoError(t, err)
		w.connects(2, s)
		require.Equal(t, []string{"create A", "create B"}, s.said(), "it holds up nothing")
		a := testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, line.ID))[0]
		require.Equal(t, pbx.ForeignFailed, a.State)
		require.Equal(t, "refused by the other system: no licence  left", a.Outcome)
		require.Equal(t, 1, w.happened("foreign.failed"))
		w.connects(0, s)

		s.refuses = nil
		again, err := w.Dir.RetryForeign(w.Ctx, a.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.ForeignRequested, again.State)
		require.Empty(t, again.Outcome)
		w.connects(1, s)
		require.Equal(t, []string{"create A"}, s.said())
		require.Equal(t, pbx.ForeignActive, w.foreign(a.ID).State)

		s.refuses = map[string]string{"A": strings.Repeat("ü", 300)}
		require.NoError(t, w.Dir.Confirm(rule.SVC10).DeleteService(w.Ctx, line.ID))
		w.connects(2, s)
		require.Equal(t, []string{"delete A", "delete B"}, s.said())
		a = w.foreign(a.ID)
		require.Equal(t, pbx.ForeignFailed, a.State)
		require.Len(t, []rune(a.Outcome), 256)
		require.EqualValues(t, "7101", a.FormerDN)
		s.refuses = nil
		_, err = w.Dir.RetryForeign(w.Ctx, a.ID)
		require.NoError(t, err)
		require.Equal(t, pbx.ForeignDeleting, w.foreign(a.ID).State)
		w.connects(1, s)
		require.Empty(t, s.has)
	})
}

func TestSVC18_ARequestThatIsOvertakenIsPassedOver(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := newElsewhere()
		add := func(dn pbx.Extension, in ...pbx.NewForeign) *pbx.Service {
			line, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: dn, DeviceType: "Cisco 8851", Foreign: in})
			require.NoError(t, err)
			return line
		}
		remove := func(line *pbx.Service) { require.NoError(t, w.Dir.Confirm(rule.SVC10).DeleteService(w.Ctx, line.ID)) }
		remove(add("7101", asking("Never")...))
		w.connects(1, s)
		require.Equal(t, []string{"delete Never"}, s.said(), "its line was gone before it was made")

		line := add("7102", asking("Late")...)
		s.between = func(r pbx.ForeignRequest) {
			if s.between = nil; r.Line != nil {
				remove(line)
			}
		}
		w.connects(0, s)
		require.Equal(t, []string{"create Late"}, s.said())
		w.connects(1, s)
		require.Equal(t, []string{"delete Late"}, s.said(), "it was made while its line went")
		require.Empty(t, s.has)

		stays := add("7103", pbx.NewForeign{System: "MICOLLAB", Name: "Own"})
		remove(stays)
		w.connects(0, s)
		require.Empty(t, s.said())
		left := testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, pbx.ServiceID{}))
		require.Len(t, left, 1)
		require.NoError(t, w.Dir.DetachForeign(w.Ctx, left[0].ID))
		w.connects(0, s)
	})
}

// An answer can take long: meanwhile support heard of a refusal in another way,
// and an administrator asked again.
func TestSVC18_TheAnswerToAnEarlierRequestLeavesALaterOnePending(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := newElsewhere()
		visiting := w.Support.In(w.US.ID)
		line, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Foreign: asking("A")})
		require.NoError(t, err)
		f := testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, line.ID))[0]
		s.between = func(pbx.ForeignRequest) {
			s.between = nil
			_, err := visiting.SettleForeign(w.Ctx, f.ID, pbx.Settlement{State: pbx.ForeignFailed, Request: 1})
			require.NoError(t, err)
			_, err = w.Dir.RetryForeign(w.Ctx, f.ID)
			require.NoError(t, err)
		}
		w.connects(0, s)
		require.Equal(t, []string{"create A"}, s.said())
		asked := w.foreign(f.ID)
		require.Equal(t, pbx.ForeignRequested, asked.State)
		require.EqualValues(t, 2, asked.Requests)
		for _, request := range []int64{1, 3, -1} {
			for _, state := range []pbx.ForeignState{pbx.ForeignActive, pbx.ForeignFailed} {
				e := w.Refused(rule.SVC18, pbx.ErrFailedPrecondition, func() error {
					return second(visiting.SettleForeign(w.Ctx, f.ID, pbx.Settlement{State: state, Request: request}))
				})
				require.Equal(t, "Request", e.Field)
			}
		}
		w.connects(1, s)
		require.Equal(t, []string{"create A"}, s.said(), "the later request is made too")
		require.Equal(t, pbx.ForeignActive, w.foreign(f.ID).State)

		// The answer to a request to create says nothing about a request to
		// delete.
		require.NoError(t, w.Dir.Confirm(rule.SVC10).DeleteService(w.Ctx, line.ID))
		w.Refused(rule.SVC18, pbx.ErrFailedPrecondition, func() error {
			return second(visiting.SettleForeign(w.Ctx, f.ID, pbx.Settlement{State: pbx.ForeignFailed, Request: 2}))
		})
		require.Equal(t, pbx.ForeignDeleting, w.foreign(f.ID).State)
		gone, err := visiting.SettleForeign(w.Ctx, f.ID, pbx.Settlement{State: pbx.ForeignGone, Request: 3})
		require.NoError(t, err)
		require.Equal(t, pbx.ForeignGone, gone.State)
	})
}

// A process that ends between the other system's answer and the cursor's move
// leaves a request that comes again: under its key, unless it is settled, and
// never in place of a later one.
func TestSVC18_ARequestThatComesAgainIsMadeOnceAndNeverForALaterOne(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := newElsewhere()
		s.refuses["A"] = "no"
		line, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Foreign: asking("A")})
		require.NoError(t, err)
		w.connects(1, s)
		f := testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, line.ID))[0]
		_, err = w.Dir.RetryForeign(w.Ctx, f.ID)
		require.NoError(t, err)
		first := s.got[0].Key
		s.said()

		// As if the cursor had never moved: the whole journal comes to it again.
		w.forget("foreign.MICOLLAB")
		delete(s.refuses, "A")
		w.connects(1, s)
		require.Len(t, s.got, 1)
		require.NotEqual(t, first, s.got[0].Key, "the request that counts is the last one")
		require.Equal(t, []string{"create A"}, s.said())
		w.forget("foreign.MICOLLAB")
		w.connects(0, s)
		require.Empty(t, s.said(), "it is settled")
	})
}

// forget loses a subscriber's position.
func (w *world) forget(subscriber string) {
	w.T.Helper()
	for _, tenant := range []pbx.TenantID{pbx.Provider, w.US.ID, w.UK.ID} {
		require.NoError(w.T, w.Store.Update(w.Ctx, tenant, func(s store.Writer) error {
			for _, kind := range pbx.Tables() {
				if kind.Name != "cursors" {
					continue
				}
				at, err := s.Get(w.Ctx, store.Key{Index: kind.Key(), Values: []any{subscriber, tenant}})
				if err != nil || at[0] == nil {
					return err
				}
				return s.Apply(w.Ctx, []store.Change{{Old: at[0]}})
			}
			return nil
		}))
	}
}

func TestSVC18_ALinkThatLeadsNowhereIsNotKept(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		line, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7101", DeviceType: "Cisco 8851", Foreign: asking("A")})
		require.NoError(t, err)
		w.connects(1, sloppy{newElsewhere()})
		f := testbed.Collect(t, w.Dir.ForeignServices(w.Ctx, line.ID))[0]
		require.Equal(t, pbx.ForeignActive, f.State)
		require.Empty(t, f.Link)
		require.Equal(t, "the other system gave a link that is not the address of a page", f.Outcome)
	})
}

type sloppy struct{ *elsewhere }

func (sloppy) Create(context.Context, pbx.ForeignRequest) (string, error) {
	return "javascript:alert(1)", nil
}

func TestSVC18_WhatTheOtherSystemSaysIsSettledByStateAndBySupport(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		x := testbed.Foreigners(w.World)
		visiting := w.Support.In(w.US.ID)
		support := w.acting(visiting)
		states := map[pbx.ForeignState]*pbx.ForeignService{
			pbx.ForeignRequested: x.Asked, pbx.ForeignActive: x.There, pbx.ForeignFailed: x.Refused, pbx.ForeignDeleting: x.Deleting, pbx.ForeignLeft: x.Left,
		}
		for to, from := range map[pbx.ForeignState][]pbx.ForeignState{
			pbx.ForeignActive: {pbx.ForeignRequested},
			pbx.ForeignFailed: {pbx.ForeignRequested, pbx.ForeignDeleting},
			pbx.ForeignGone:   {pbx.ForeignActive, pbx.ForeignFailed, pbx.ForeignDeleting, pbx.ForeignLeft},
		} {
			for state, f := range states {
				about := string(state) + " to " + string(to)
				review, err := visiting.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
					return second(dir.SettleForeign(ctx, f.ID, pbx.Settlement{State: to, Outcome: "said"}))
				})
				if slices.Contains(from, state) {
					require.NoError(t, err, about)
					require.Equal(t, "foreign."+string(to), review.Effects[0].Type, about)
					continue
				}
				require.Equal(t, rule.SVC18, pbx.CodeOf(err), about)
				refusal := support.Refused(rule.SVC18, pbx.ErrFailedPrecondition, func() error {
					return second(support.Dir.SettleForeign(w.Ctx, f.ID, pbx.Settlement{State: to}))
				})
				require.Equal(t, f.ID.String(), refusal.Subject.ID, about)
			}
		}
		for _, bad := range []pbx.ForeignState{"", pbx.ForeignRequested, pbx.ForeignLeft, "lost"} {
			support.Refused(rule.SVC18, pbx.ErrInvalid, func() error {
				_, err := support.Dir.SettleForeign(w.Ctx, x.Asked.ID, pbx.Settlement{State: bad, Outcome: strings.Repeat("x", 257), Link: "x"})
				require.Equal(t, []string{"Link SVC-13", "Outcome SVC-18", "State SVC-18"}, badFields(err))
				return err
			})
		}
		for _, f := range []*pbx.ForeignService{x.There, x.Asked, x.Deleting, x.Left} {
			w.Refused(rule.SVC18, pbx.ErrFailedPrecondition, func() error { return second(w.Dir.RetryForeign(w.Ctx, f.ID)) })
		}
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error {
			return second(w.Dir.SettleForeign(w.Ctx, x.Asked.ID, pbx.Settlement{State: pbx.ForeignActive}))
		})
		gone, err := visiting.SettleForeign(w.Ctx, x.There.ID, pbx.Settlement{State: pbx.ForeignGone, Outcome: "an administrator did"})
		require.NoError(t, err)
		require.Equal(t, pbx.ForeignGone, gone.State)
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return second(w.Dir.ForeignService(w.Ctx, x.There.ID)) })
	})
}

func TestSVC18_AConnectorIsRunBySupportForOneSystem(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		connect := func(dir *pbx.Directory, system string) func() error {
			return func() error { return second(dir.Connect(w.Ctx, system, newElsewhere())) }
		}
		w.Refused(rule.ACC2, pbx.ErrDenied, connect(w.Dir, "MICOLLAB"))
		w.Refused(rule.ACC2, pbx.ErrDenied, connect(w.Support.In(w.US.ID), "MICOLLAB"))
		for _, bad := range []string{"", "A#B", "A B", strings.Repeat("x", 25)} {
			refusal := w.Refused(rule.SVC13, pbx.ErrInvalid, connect(w.Support, bad))
			require.Equal(t, "System", refusal.Field)
		}
		require.NoError(t, connect(w.Support, strings.Repeat("x", 24))())
		w.Refused(rule.SYS1, pbx.ErrMisuse, func() error {
			return w.Support.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				return second(dir.Connect(ctx, "MICOLLAB", newElsewhere()))
			})
		})
	})
}
