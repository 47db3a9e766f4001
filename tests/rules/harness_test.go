package rules_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// The stores that tests run over, and what else comes from the testbed.
var (
	stores        = testbed.Stores
	freshDatabase = testbed.FreshDatabase
	onServer      = testbed.OnServer
	numbers       = testbed.Numbers
)

const storesVariable = testbed.Variable

type (
	faraway = testbed.Faraway
	counted = testbed.Counted
)

func second[R any](r R, err error) error { return testbed.Second(r, err) }

// world is a small provider with two customers, on one store.
type world struct {
	t       *testing.T
	ctx     context.Context
	store   store.Store
	clock   time.Time
	support *pbx.Directory // in the provider's tenant
	us, uk  *pbx.Tenant
	dir     *pbx.Directory // an administrator of the US tenant
	british *pbx.Directory // an administrator of the UK tenant
	boston  *pbx.Location
	london  *pbx.Location
}

// besides are the tests that run beside others.
var besides sync.Map

// eachStore runs a test on a new world on every store; afterwards the checker
// must find nothing.
func eachStore(t *testing.T, test func(t *testing.T, w *world)) {
	if _, again := besides.LoadOrStore(t, true); !again {
		t.Parallel()
	}
	for name, open := range testbed.StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, open(t))
			test(t, w)
			report, err := w.support.Check(w.ctx)
			require.NoError(t, err)
			require.Empty(t, report.Violations)
		})
	}
}

func newWorld(t *testing.T, store store.Store, opts ...pbx.Option) *world {
	t.Helper()
	w := &world{t: t, ctx: context.Background(), store: store, clock: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	t.Cleanup(func() { _ = store.Close() })
	opts = append([]pbx.Option{pbx.WithClock(func() time.Time { return w.clock }), sealed(t)}, opts...)
	w.support = pbx.New(store, opts...).As(pbx.Support("agent"))
	w.us = w.tenant("Acme", "US", "acme.example.com")
	w.uk = w.tenant("Acme UK", "GB", "uk.acme.example.com")
	w.dir = w.support.As(pbx.Administrator("admin", w.us.ID))
	w.british = w.support.As(pbx.Administrator("admin", w.uk.ID))
	w.boston = w.location(w.dir, "BOS-1", "US", "+1617")
	w.london = w.location(w.british, "LON-3", "GB", "+4420")
	_, err := w.support.StockNumbers(w.ctx, numbers("+1617555010%d", 10)...)
	require.NoError(t, err)
	_, err = w.support.StockNumbers(w.ctx, numbers("+44207946000%d", 10)...)
	require.NoError(t, err)
	return w
}

// sealed is the option that credentials are sealed under a key of the tests'.
func sealed(t testing.TB) pbx.Option {
	s, err := pbx.SealerFrom([]byte("a key of exactly thirty-two bytes"[:32]))
	require.NoError(t, err)
	return pbx.WithSealer(s)
}

func (w *world) tenant(name, country, domain string) *pbx.Tenant {
	w.t.Helper()
	tenant, err := w.support.CreateTenant(w.ctx, pbx.NewTenant{Name: name, Country: country, SIPDomain: domain})
	require.NoError(w.t, err)
	in := w.support.In(tenant.ID)
	_, err = in.AddServiceType(w.ctx, pbx.NewServiceType{Code: "PRO", Name: "Connect Pro", Monthly: 2500, OneTime: 1000, Applications: []string{"softphone", "fax"}})
	require.NoError(w.t, err)
	_, err = in.AddServiceType(w.ctx, pbx.NewServiceType{Code: "FREE", Name: "Lobby phone"})
	require.NoError(w.t, err)
	_, err = in.AddStationPool(w.ctx, pbx.NewStationPool{Package: "STANDARD", Name: "Standard", Total: 3, Applications: []string{"softphone", "crm"}})
	require.NoError(w.t, err)
	return tenant
}

func (w *world) location(dir *pbx.Directory, building, country, prefix string) *pbx.Location {
	w.t.Helper()
	l, err := dir.AddLocation(w.ctx, pbx.NewLocation{
		Building: building, Name: "Building " + building, NumberPrefix: prefix,
		Address: pbx.CivicAddress{Street: "1 Main Street", City: "Town", PostalCode: "02110", Country: country},
	})
	require.NoError(w.t, err)
	return l
}

// user creates a user of the US tenant with nothing but an extension.
func (w *world) user(first, last string, e pbx.Extension) *pbx.User {
	w.t.Helper()
	u, err := w.dir.CreateUser(w.ctx, pbx.NewUser{FirstName: first, LastName: last, Email: strings.ToLower(first+"."+last) + "@example.com", Extension: e})
	require.NoError(w.t, err)
	return u
}

// service adds a service to the US tenant, for a user or for none.
func (w *world) service(user pbx.UserID, dn pbx.Extension) *pbx.Service {
	w.t.Helper()
	s, err := w.dir.AddService(w.ctx, pbx.NewService{UserID: user, DN: dn, DeviceType: "Polycom VVX 450"})
	require.NoError(w.t, err)
	return s
}

// refused asserts that an operation was refused by a rule, of a kind, and that
// it changed nothing in the store; and, where it calls w.dir, that the same
// refusal comes in a batch and in a review, which it leaves without a trace.
func (w *world) refused(code rule.Code, kind error, run func() error) *pbx.Error {
	w.t.Helper()
	before := dump(w.t, w.store)
	found := w.refusal(code, kind, run())
	w.refusedAgain(code, kind, found, run)
	require.Empty(w.t, cmp.Diff(before, dump(w.t, w.store)), "a refusal changed the store")
	return found
}

// refusal is the one of a code and a kind in an error.
func (w *world) refusal(code rule.Code, kind, err error) *pbx.Error {
	w.t.Helper()
	require.Error(w.t, err)
	require.ErrorIs(w.t, err, kind)
	var found *pbx.Error
	for _, e := range pbx.Errors(err) {
		if e.Code == code {
			found = e
		}
	}
	require.NotNil(w.t, found, "no refusal with code %s in %v", code, err)
	return found
}

// dump is every record of a store, as text, by table.
func dump(t testing.TB, db store.Store) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := db.View(context.Background(), func(r store.Reader) error {
		for _, table := range pbx.Tables() {
			for rec, err := range r.Find(context.Background(), store.Query{Index: table.Key()}) {
				if err != nil {
					return err
				}
				var line strings.Builder
				for _, f := range rec.Fields(nil) {
					fmt.Fprintf(&line, "%s=%v ", f.Name, f.Value())
				}
				out[table.Name] = append(out[table.Name], line.String())
			}
		}
		return nil
	})
	require.NoError(t, err)
	return out
}
