package testbed

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
)

// Statuses are services in the statuses that not every service reaches.
type Statuses struct{ Processing, Failed, Cancelled, Elsewhere *pbx.Service }

// EveryStatus adds them, and a type that the provider has to do something for.
func EveryStatus(w *World) (s Statuses) {
	w.T.Helper()
	w.Fibre()
	visiting := w.Support.In(w.US.ID)
	s.Processing = w.Order(pbx.NewService{DN: "7641"})
	s.Failed = w.Order(pbx.NewService{DN: "7642", ActivateLater: true})
	var err error
	s.Failed, err = visiting.FailOrder(w.Ctx, s.Failed.ID, "No fibre in the street")
	require.NoError(w.T, err)
	s.Cancelled, err = w.Dir.CancelService(w.Ctx, w.Service(pbx.UserID{}, "7643").ID, w.Clock.Add(30*24*time.Hour))
	require.NoError(w.T, err)
	s.Elsewhere, err = w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7644", DeviceType: "Cisco 8851", RemoteSystem: "Leeds"})
	require.NoError(w.T, err)
	return s
}

// Fibre adds a type that the provider has to do something for.
func (w *World) Fibre() {
	w.T.Helper()
	_, err := w.Support.In(w.US.ID).AddServiceType(w.Ctx, pbx.NewServiceType{Code: "FIBRE", Name: "Fibre line", Monthly: 4000, Fulfilment: true})
	require.NoError(w.T, err)
}

// Order adds a service of that type.
func (w *World) Order(in pbx.NewService) *pbx.Service {
	w.T.Helper()
	in.Type, in.DeviceType = "FIBRE", "Cisco 8851"
	s, err := w.Dir.AddService(w.Ctx, in)
	require.NoError(w.T, err)
	return s
}

// Move is an operation that takes a service from one status to another.
type Move struct {
	Name string
	From pbx.ServiceStatus
	Call func(ctx context.Context, dir *pbx.Directory, id pbx.ServiceID, at time.Time) (*pbx.Service, error)
}

// Moves are the operations that take a service from one status to others.
var Moves = []Move{
	{"ActivateService", pbx.StatusPendingActivation,
		func(ctx context.Context, dir *pbx.Directory, id pbx.ServiceID, _ time.Time) (*pbx.Service, error) {
			return dir.ActivateService(ctx, id)
		}},
	{"CompleteOrder", pbx.StatusOrderProcessing,
		func(ctx context.Context, dir *pbx.Directory, id pbx.ServiceID, _ time.Time) (*pbx.Service, error) {
			return dir.CompleteOrder(ctx, id)
		}},
	{"FailOrder", pbx.StatusOrderProcessing,
		func(ctx context.Context, dir *pbx.Directory, id pbx.ServiceID, _ time.Time) (*pbx.Service, error) {
			return dir.FailOrder(ctx, id, "No")
		}},
	{"RetryOrder", pbx.StatusOrderFailed,
		func(ctx context.Context, dir *pbx.Directory, id pbx.ServiceID, _ time.Time) (*pbx.Service, error) {
			return dir.RetryOrder(ctx, id)
		}},
	{"CancelService", pbx.StatusActive,
		func(ctx context.Context, dir *pbx.Directory, id pbx.ServiceID, at time.Time) (*pbx.Service, error) {
			return dir.CancelService(ctx, id, at)
		}},
	{"WithdrawCancellation", pbx.StatusPendingCancellation,
		func(ctx context.Context, dir *pbx.Directory, id pbx.ServiceID, _ time.Time) (*pbx.Service, error) {
			return dir.WithdrawCancellation(ctx, id)
		}},
}
