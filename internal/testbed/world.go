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
	T       *testing.T
	Ctx     context.Context
	Store   store.Store
	Clock   time.Time
	Support *pbx.Directory // in the provider's tenant
	US, UK  *pbx.Tenant
	Dir     *pbx.Directory // an administrator of the US tenant
	British *pbx.Directory // an administrator of the UK tenant
	Boston  *pbx.Location
	London  *pbx.Location
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
			report, err := w.Support.Check(w.Ctx)
			require.NoError(t, err)
			require.Empty(t, report.Violations)
		})
	}
}

func newWorld(t *testing.T, store store.Store, opts ...pbx.Option) *world {
	t.Helper()
	w := &world{T: t, Ctx: context.Background(), Store: store, Clock: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	t.Cleanup(func() { _ = store.Close() })
	opts = append([]pbx.Option{pbx.WithClock(func() time.Time { return w.Clock }), sealed(t)}, opts...)
	w.Support = pbx.New(store, opts...).As(pbx.Support("agent"))
	w.US = w.Tenant("Acme", "US", "acme.example.com")
	w.UK = w.Tenant("Acme UK", "GB", "uk.acme.example.com")
	w.Dir = w.Support.As(pbx.Administrator("admin", w.US.ID))
	w.British = w.Support.As(pbx.Administrator("admin", w.UK.ID))
	w.Boston = w.Location(w.Dir, "BOS-1", "US", "+1617")
	w.London = w.Location(w.British, "LON-3", "GB", "+4420")
	_, err := w.Support.StockNumbers(w.Ctx, numbers("+1617555010%d", 10)...)
	require.NoError(t, err)
	_, err = w.Support.StockNumbers(w.Ctx, numbers("+44207946000%d", 10)...)
	require.NoError(t, err)
	return w
}

// sealed is the option that credentials are sealed under a key of the tests'.
func sealed(t testing.TB) pbx.Option {
	s, err := pbx.SealerFrom([]byte("a key of exactly thirty-two bytes"[:32]))
	require.NoError(t, err)
	return pbx.WithSealer(s)
}

func (w *world) Tenant(name, country, domain string) *pbx.Tenant {
	w.T.Helper()
	tenant, err := w.Support.CreateTenant(w.Ctx, pbx.NewTenant{Name: name, Country: country, SIPDomain: domain})
	require.NoError(w.T, err)
	in := w.Support.In(tenant.ID)
	_, err = in.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "PRO", Name: "Connect Pro", Monthly: 2500, OneTime: 1000, Applications: []string{"softphone", "fax"}})
	require.NoError(w.T, err)
	_, err = in.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "FREE", Name: "Lobby phone"})
	require.NoError(w.T, err)
	_, err = in.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "STANDARD", Name: "Standard", Total: 3, Applications: []string{"softphone", "crm"}})
	require.NoError(w.T, err)
	return tenant
}

func (w *world) Location(dir *pbx.Directory, building, country, prefix string) *pbx.Location {
	w.T.Helper()
	l, err := dir.AddLocation(w.Ctx, pbx.NewLocation{
		Building: building, Name: "Building " + building, NumberPrefix: prefix,
		Address: pbx.CivicAddress{Street: "1 Main Street", City: "Town", PostalCode: "02110", Country: country},
	})
	require.NoError(w.T, err)
	return l
}

// User creates a user of the US tenant with nothing but an extension.
func (w *world) User(first, last string, e pbx.Extension) *pbx.User {
	w.T.Helper()
	u, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: first, LastName: last, Email: strings.ToLower(first+"."+last) + "@example.com", Extension: e})
	require.NoError(w.T, err)
	return u
}

// Service adds a service to the US tenant, for a user or for none.
func (w *world) Service(user pbx.UserID, dn pbx.Extension) *pbx.Service {
	w.T.Helper()
	s, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: user, DN: dn, DeviceType: "Polycom VVX 450"})
	require.NoError(w.T, err)
	return s
}

// Refused asserts that an operation was refused by a rule, of a kind, and that
// it changed nothing in the store; and, where it calls w.Dir, that the same
// refusal comes in a batch and in a review, which it leaves without a trace.
func (w *world) Refused(code rule.Code, kind error, run func() error) *pbx.Error {
	w.T.Helper()
	before := dump(w.T, w.Store)
	found := w.refusal(code, kind, run())
	w.refusedAgain(code, kind, found, run)
	require.Empty(w.T, cmp.Diff(before, dump(w.T, w.Store)), "a refusal changed the store")
	return found
}

// refusal is the one of a code and a kind in an error.
func (w *world) refusal(code rule.Code, kind, err error) *pbx.Error {
	w.T.Helper()
	require.Error(w.T, err)
	require.ErrorIs(w.T, err, kind)
	var found *pbx.Error
	for _, e := range pbx.Errors(err) {
		if e.Code == code {
			found = e
		}
	}
	require.NotNil(w.T, found, "no refusal with code %s in %v", code, err)
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
