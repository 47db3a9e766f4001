package endure_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/transfer"
)

// eachPair runs a test from every store to every store; where the run is not a
// long one, from memory to each and back.
func eachPair(t *testing.T, test func(t *testing.T, from, to func(testing.TB) store.Store)) {
	for a, from := range testbed.Stores {
		for b, to := range testbed.Stores {
			if !testbed.Long() && a != "memory" && b != "memory" {
				continue
			}
			t.Run(a+" to "+b, func(t *testing.T) {
				t.Parallel()
				opened := func(open func(testing.TB) store.Store) func(testing.TB) store.Store {
					return func(t testing.TB) store.Store {
						s := open(t)
						t.Cleanup(func() { _ = s.Close() })
						return s
					}
				}
				test(t, opened(from), opened(to))
			})
		}
	}
}

// requireEqual asserts that two stores hold the same, and list the same
// tenants.
func requireEqual(t testing.TB, a, b store.Store, tenants ...pbx.TenantID) {
	t.Helper()
	found, err := transfer.Compare(context.Background(), a, b, tenants...)
	require.NoError(t, err)
	require.Empty(t, found)
}

// count is how many records a store holds.
func count(t testing.TB, store store.Store) (records int) {
	for _, rows := range testbed.Dump(t, store) {
		records += len(rows)
	}
	return records
}

func TestTransfer_ACopyOfEverythingIsEqualAndSound(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to func(testing.TB) store.Store) {
		w, target := testbed.NewWorld(t, from(t)), to(t)
		x := testbed.Everything(w)
		require.NoError(t, w.Dir.SetPIN(w.Ctx, x.Line.ID, "482915"))

		report, err := transfer.Copy(w.Ctx, target, w.Store)
		require.NoError(t, err)
		require.Equal(t, transfer.Report{Tenants: 3, Records: count(t, w.Store)}, report)
		requireEqual(t, w.Store, target)
		requireEqual(t, w.Store, target, pbx.Provider, w.US.ID, w.UK.ID)

		there := testbed.Dump(t, target)
		want := testbed.Dump(t, w.Store)
		delete(there, "cursors") // their revisions start again
		delete(want, "cursors")
		require.Empty(t, cmp.Diff(want, there))
		require.Empty(t, w.Violations(pbx.New(target).As(pbx.Support("agent"))))

		report, err = transfer.Copy(w.Ctx, target, w.Store)
		require.NoError(t, err)
		require.Equal(t, transfer.Report{Present: 3}, report, "a copy that is there is passed over")
	})
}

func TestTransfer_EveryOperationDoesTheSameOnACopy(t *testing.T) {
	testbed.NotShort(t)
	eachPair(t, func(t *testing.T, from, to func(testing.TB) store.Store) {
		o := testbed.PrepareOriginal(t, from(t))
		for i, op := range testbed.Operations {
			if !testbed.Sampled(i+4, testbed.SampleOfOperations) {
				continue
			}
			target := to(t)
			_, err := transfer.Copy(o.Ctx, target, o.Store)
			require.NoError(t, err)
			original, copied := o.InMemory(t), o.On(t, target)
			require.Equal(t, original.Said(testbed.AtOnce(o.Ctx, op, original)), copied.Said(testbed.AtOnce(o.Ctx, op, copied)), op.Method)
			requireEqual(t, original.World.Store, target)
			require.Equal(t, delivered(t, original), delivered(t, copied), "a subscriber goes on where it was")
			require.NoError(t, target.Close())
		}
	})
}

// delivered are the events that the replica's subscriber gets, by tenant.
func delivered(t *testing.T, r *testbed.Replica) map[pbx.TenantID][]string {
	var mu sync.Mutex
	keys := map[pbx.TenantID][]string{}
	_, err := r.Support.Deliver(r.Ctx, "mail", func(_ context.Context, e *pbx.Event) error {
		mu.Lock()
		defer mu.Unlock()
		keys[e.TenantID] = append(keys[e.TenantID], e.Key())
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	return keys
}

func TestTransfer_OneTenantMovesAloneIntoAStoreWithOthers(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to func(testing.TB) store.Store) {
		w, target := testbed.NewWorld(t, from(t)), to(t)
		testbed.Everything(w)
		there := pbx.New(target).As(pbx.Support("agent"))
		other, err := there.CreateTenant(w.Ctx, pbx.NewTenant{Name: "Other", Country: "US", SIPDomain: "other.example.com"})
		require.NoError(t, err)
		_, err = there.StockNumbers(w.Ctx, "+16175550900")
		require.NoError(t, err)
		before := testbed.Dump(t, target)

		report, err := transfer.Copy(w.Ctx, target, w.Store, w.US.ID)
		require.NoError(t, err)
		requireEqual(t, w.Store, target, w.US.ID)
		require.Empty(t, w.Violations(there.In(w.US.ID)))
		require.Empty(t, w.Violations(there))
		require.Equal(t, transfer.Report{Tenants: 1, Records: count(t, target) - records(before)}, report)
		for table, rows := range before {
			require.Subset(t, testbed.Dump(t, target)[table], rows, "what was there stays as it was")
		}

		var returned []string // numbers that were the tenant's, and are the provider's
		for _, n := range testbed.Collect(t, w.Support.Numbers(w.Ctx, pbx.NumberQuery{State: pbx.NumberResting})) {
			returned = append(returned, string(n.E164))
		}
		require.NotEmpty(t, returned)
		require.NotContains(t, strings.Join(testbed.Dump(t, target)["numbers"], "\n"), returned[0])

		found, err := transfer.Compare(w.Ctx, w.Store, target)
		require.NoError(t, err)
		for _, d := range found {
			require.NotEqual(t, w.US.ID, d.Tenant, d)
			require.True(t, d.Tenant != other.ID || d.In == transfer.OnlySecond, d)
		}
		found, err = transfer.Compare(w.Ctx, w.Store, target, w.UK.ID)
		require.NoError(t, err)
		require.NotEmpty(t, found)
		for _, d := range found {
			require.Equal(t, transfer.OnlyFirst, d.In, d)
		}
	})
}

func records(dump map[string][]string) (n int) {
	for _, rows := range dump {
		n += len(rows)
	}
	return n
}

// other is a customer of a target with few records.
func other() *pbx.Tenant {
	return &pbx.Tenant{ID: pbx.TenantID{9}, Rev: 1, Name: "Other", Country: "US", Currency: "USD", Policy: pbx.DefaultPolicy(),
		CreatedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

// claimants are records of other's that have a value of a record of the US
// tenant's, with the rule that this breaks and the value.
func claimants(x *testbed.All) map[string]struct {
	code  rule.Code
	value string
	rec   []store.Record
} {
	o := other()
	person := func(login string, address pbx.SIPAddress) *pbx.User {
		u := &pbx.User{TenantID: o.ID, ID: pbx.UserID{9}, Rev: 1, State: pbx.UserPending, SIPAddress: address, CreatedAt: o.CreatedAt}
		testbed.SetColumn(u, "login_folded", login)
		return u
	}
	withDomain := other()
	withDomain.SIPDomain = "acme.example.com"
	return map[string]struct {
		code  rule.Code
		value string
		rec   []store.Record
	}{
		"SIP domain": {rule.ACC1, "acme.example.com", []store.Record{withDomain}},
		"user ID":    {rule.USR3, "quetzal@marker.example", []store.Record{o, person("quetzal@marker.example", "o@other.example.com")}},
		"SIP address": {rule.EXT6, string(x.Ann.SIPAddress), []store.Record{o, person("o@other.example.com", x.Ann.SIPAddress),
			&pbx.SIPIdentity{Address: x.Ann.SIPAddress, TenantID: o.ID, Rev: 1, UserID: pbx.UserID{9}}}},
		"MAC address": {rule.DEV1, "00:1b:54:00:00:02", []store.Record{o, &pbx.Device{TenantID: o.ID, ID: pbx.DeviceID{9}, Rev: 1,
			MAC: "00:1b:54:00:00:02", Model: "Cisco 8851", Category: x.Phone.Category, State: pbx.DeviceAvailable}}},
		"number": {rule.NUM1, "+16175550181", []store.Record{o, &pbx.Number{E164: "+16175550181", TenantID: o.ID, Rev: 1,
			State: pbx.NumberAvailable, CreatedAt: o.CreatedAt}}},
	}
}

func TestTransfer_WhatIsTakenIsNamedAndNothingArrives(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to func(testing.TB) store.Store) {
		w := testbed.NewWorld(t, from(t))
		for kind, c := range claimants(testbed.Everything(w)) {
			target := *w
			target.Store = to(t)
			for _, rec := range c.rec {
				target.Plant(rec)
			}
			e := target.Refused(c.code, pbx.ErrConflict, func() error {
				_, err := transfer.Copy(w.Ctx, target.Store, w.Store, w.US.ID)
				return err
			})
			require.Equal(t, pbx.Ref{Kind: kind, ID: c.value}, e.Subject)
			require.Equal(t, fmt.Sprintf("the %s %s is taken", kind, c.value), e.Reason)
			require.Empty(t, e.Holder)
		}
	})
}

func TestTransfer_AllThatIsTakenIsNamedAtOnce(t *testing.T) {
	w := testbed.NewWorld(t, memory.New())
	testbed.Everything(w)
	target := memory.New()
	twin := *w
	twin.Store = target
	_, err := pbx.New(target).As(pbx.Support("agent")).StockNumbers(w.Ctx, "+16175550181", "+16175550182")
	require.NoError(t, err)
	twin.Plant(other(), &pbx.Device{TenantID: other().ID, ID: pbx.DeviceID{9}, Rev: 1, MAC: "00:1b:54:00:00:02"})
	_, err = transfer.Copy(w.Ctx, target, w.Store, w.US.ID)
	require.EqualError(t, err, "DEV-1: the MAC address 00:1b:54:00:00:02 is taken; NUM-1: the number +16175550181 is taken; "+
		"NUM-1: the number +16175550182 is taken")
	require.Len(t, pbx.Errors(err), 3)

	many := make([]pbx.E164, 150)
	for i := range many {
		many[i] = pbx.E164(fmt.Sprintf("+1617555%04d", 2000+i))
	}
	w.Own(many...)
	_, err = pbx.New(target).As(pbx.Support("agent")).StockNumbers(w.Ctx, many...)
	require.NoError(t, err)
	_, err = transfer.Copy(w.Ctx, target, w.Store, w.US.ID)
	require.Len(t, pbx.Errors(err), 100)
}

func TestTransfer_ATenantThatIsThereAndDiffersIsRefused(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to func(testing.TB) store.Store) {
		w := testbed.NewWorld(t, from(t))
		testbed.Everything(w)
		target := *w
		target.Store = to(t)
		_, err := transfer.Copy(w.Ctx, target.Store, w.Store, w.US.ID)
		require.NoError(t, err)
		w.User("Late", "Comer", "7950")
		e := target.Refused(rule.ACC1, pbx.ErrConflict, func() error {
			_, err := transfer.Copy(w.Ctx, target.Store, w.Store, w.US.ID)
			return err
		})
		require.Equal(t, pbx.Ref{Kind: "tenant", ID: w.US.ID.String()}, e.Subject)

		report, err := transfer.Copy(w.Ctx, target.Store, w.Store)
		require.ErrorIs(t, err, pbx.ErrConflict)
		require.Equal(t, 1, report.Tenants, "the Provider's tenant came before it")
	})
}

func TestTransfer_ATenantThatIsNotThereIsNotFoundAndNothingIsCopied(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to func(testing.TB) store.Store) {
		w := testbed.NewWorld(t, from(t))
		target := *w
		target.Store = to(t)
		for _, missing := range []pbx.TenantID{{}, {9}} {
			target.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
				_, err := transfer.Copy(w.Ctx, target.Store, w.Store, w.US.ID, missing)
				return err
			})
			_, err := transfer.Compare(w.Ctx, target.Store, w.Store, w.US.ID, missing)
			require.ErrorIs(t, err, pbx.ErrNotFound)
		}
		empty := to(t)
		report, err := transfer.Copy(w.Ctx, target.Store, empty)
		require.NoError(t, err)
		require.Zero(t, report)
		requireEqual(t, target.Store, empty)
	})
}

// A source that lost an invariant is copied as it is; what a schema can see of
// that, it refuses.
func TestTransfer_AReferenceToNothingIsRefusedByASchema(t *testing.T) {
	w := testbed.NewWorld(t, memory.New())
	x := testbed.Everything(w)
	w.Drop("users", testbed.Where{"id": x.Bob.ID})
	for name, open := range testbed.Stores {
		t.Run(name, func(t *testing.T) {
			target := *w
			target.T, target.Store = t, open(t)
			defer target.Store.Close()
			if name == "memory" || name == "read ahead" { // in memory too
				_, err := transfer.Copy(w.Ctx, target.Store, w.Store, w.US.ID)
				require.NoError(t, err)
				found, err := transfer.Compare(w.Ctx, w.Store, target.Store, w.US.ID)
				require.NoError(t, err)
				require.Len(t, found, 1)
				require.Equal(t, "sip_identities "+string(x.Bob.SIPAddress)+" of tenant "+w.US.ID.String()+": only in the first store", found[0].String())
				return
			}
			e := target.Refused(rule.SYS4, pbx.ErrStorage, func() error {
				_, err := transfer.Copy(w.Ctx, target.Store, w.Store, w.US.ID)
				return err
			})
			require.ErrorIs(t, e, store.ErrConstraint)
			require.Equal(t, pbx.Ref{Kind: "tenant", ID: w.US.ID.String()}, e.Subject)
		})
	}
}

// Where two tenants claim one SIP address, each has its own records copied.
func TestTransfer_WhatIsAnotherTenantsStaysThere(t *testing.T) {
	w, target := testbed.NewWorld(t, memory.New()), memory.New()
	x := testbed.Everything(w)
	w.Rewrite("users", testbed.Where{"id": x.Ann.ID}, testbed.Where{"sip_address": x.Brit.SIPAddress})
	_, err := transfer.Copy(w.Ctx, target, w.Store, w.US.ID)
	require.NoError(t, err)
	for table, rows := range testbed.Dump(t, target) {
		require.NotContains(t, strings.Join(rows, "\n"), fmt.Sprint([16]byte(w.UK.ID)), table)
	}
}

func TestTransfer_EveryPageOfALargeTenantIsCopiedAndCompared(t *testing.T) {
	testbed.NotShort(t)
	eachPair(t, func(t *testing.T, from, to func(testing.TB) store.Store) {
		w, target := testbed.NewWorld(t, from(t)), to(t)
		w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionFirst, p.ExtensionLast, p.AdvisedExtension = "70000", "79999", "" })
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range 600 {
				_, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "U", Email: fmt.Sprintf("u%d@example.com", i), Extension: pbx.Extension(fmt.Sprint(70000 + i))})
				if err != nil {
					return err
				}
			}
			return nil
		}))
		for i := range 5 {
			_, err := w.Support.Deliver(w.Ctx, fmt.Sprint("subscriber-", i), func(context.Context, *pbx.Event) error { return nil })
			require.NoError(t, err)
		}
		_, err := transfer.Copy(w.Ctx, target, w.Store)
		require.NoError(t, err)
		requireEqual(t, w.Store, target)
		requireEqual(t, w.Store, target, w.US.ID)
		require.Empty(t, w.Violations(pbx.New(target).As(pbx.Support("agent"))))

		found, err := transfer.Compare(w.Ctx, w.Store, to(t))
		require.NoError(t, err)
		require.Len(t, found, transfer.MostDifferences)
	})
}

func TestTransfer_WhateverOperationsDidComesBackEqual(t *testing.T) {
	testbed.NotShort(t)
	parameters := gopter.DefaultTestParametersWithSeed(20260302)
	parameters.MinSuccessfulTests, parameters.Workers = testbed.Size(3, 12), 1
	properties := gopter.NewProperties(parameters)
	properties.Property("there and back is where it was", prop.ForAll(func(seed uint64, steps int) string {
		w := newWalker(t, memory.New(), seed)
		for range steps {
			w.walk()
		}
		for name, open := range testbed.Stores {
			if wrong := thereAndBack(t, w, open(t)); wrong != "" {
				return name + ": " + wrong
			}
		}
		return ""
	}, gen.UInt64(), gen.IntRange(0, 120)))
	properties.TestingRun(t)
}

func thereAndBack(t *testing.T, w *walker, there store.Store) string {
	defer there.Close()
	back := memory.New()
	for _, leg := range [][2]store.Store{{there, w.Store}, {back, there}} {
		if _, err := transfer.Copy(w.Ctx, leg[0], leg[1]); err != nil {
			return err.Error()
		}
	}
	found, err := transfer.Compare(w.Ctx, w.Store, back)
	if err != nil || len(found) > 0 {
		return fmt.Sprint(err, found)
	}
	return cmp.Diff(testbed.Dump(t, w.Store), testbed.Dump(t, back))
}
