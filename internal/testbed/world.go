package testbed

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// World is a small provider with two customers, on one store.
type World struct {
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

// EachStore runs a test on a new world on every store; afterwards the checker
// must find nothing.
func EachStore(t *testing.T, test func(t *testing.T, w *World)) {
	if _, again := besides.LoadOrStore(t, true); !again {
		t.Parallel()
	}
	for name, open := range StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t, open(t))
			test(t, w)
			report, err := w.Support.Check(w.Ctx)
			require.NoError(t, err)
			require.Empty(t, report.Violations)
		})
	}
}

// NewWorld makes the provider and its customers on an empty store.
func NewWorld(t *testing.T, store store.Store, opts ...pbx.Option) *World {
	t.Helper()
	w := &World{T: t, Ctx: context.Background(), Store: store, Clock: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	t.Cleanup(func() { _ = store.Close() })
	opts = append([]pbx.Option{pbx.WithClock(func() time.Time { return w.Clock }), Sealed(t)}, opts...)
	w.Support = pbx.New(store, opts...).As(pbx.Support("agent"))
	w.US = w.Tenant("Acme", "US", "acme.example.com")
	w.UK = w.Tenant("Acme UK", "GB", "uk.acme.example.com")
	w.Dir = w.Support.As(pbx.Administrator("admin", w.US.ID))
	w.British = w.Support.As(pbx.Administrator("admin", w.UK.ID))
	w.Boston = w.Location(w.Dir, "BOS-1", "US", "+1617")
	w.London = w.Location(w.British, "LON-3", "GB", "+4420")
	_, err := w.Support.StockNumbers(w.Ctx, Numbers("+1617555010%d", 10)...)
	require.NoError(t, err)
	_, err = w.Support.StockNumbers(w.Ctx, Numbers("+44207946000%d", 10)...)
	require.NoError(t, err)
	return w
}

// Sealed is the option that credentials are sealed under a key of the tests'.
func Sealed(t testing.TB) pbx.Option {
	s, err := pbx.SealerFrom([]byte("a key of exactly thirty-two bytes"[:32]))
	require.NoError(t, err)
	return pbx.WithSealer(s)
}

// Review reviews what a function does.
func (w *World) Review(dir *pbx.Directory, fn func(dir *pbx.Directory) error) *pbx.Review {
	w.T.Helper()
	review, err := dir.Review(w.Ctx, func(_ context.Context, dir *pbx.Directory) error { return fn(dir) })
	require.NoError(w.T, err)
	return review
}

// Acting is the world with another Directory in place of w.Dir.
func (w *World) Acting(dir *pbx.Directory) *World {
	c := *w
	c.Dir = dir
	return &c
}
