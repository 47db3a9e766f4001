package endure_test

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store/memory"
)

// unplanned is how many of an operation's reads its plan may lack: those that
// follow from what others found, and are worth a trip only then.
var unplanned = map[string]int64{"ChangeNumber": 1}

func TestEveryMethodPlansWhatItReads(t *testing.T) {
	t.Parallel()
	o := testbed.PrepareOriginal(t, memory.New())
	for _, op := range slices.Concat(testbed.Operations, testbed.Readings) {
		r := o.InMemory(t)
		r = o.On(t, &testbed.Faraway{Store: r.World.Store})
		require.NoError(t, testbed.Second(r.World.Dir.OfferedNumbers(r.Ctx, r.Boston.ID, "", 1)))
		before := r.World.Support.Stats()
		_ = testbed.AtOnce(r.Ctx, op, r)
		require.LessOrEqual(t, r.World.Support.Stats().Unplanned-before.Unplanned, unplanned[op.Method],
			"%s asks the store for what it has not planned: its prefetch plan lacks something", op.Method)
	}
}

func TestWhatAnOperationDidNotPlanToReadIsCountedAndLogged(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := testbed.PrepareOriginal(t, memory.New()).InMemory(t)
	for _, op := range testbed.Operations {
		if op.Method != "ChangeNumber" {
			continue
		}
		support := pbx.New(&testbed.Faraway{Store: r.World.Store}, pbx.WithLogger(logger)).As(pbx.Support("agent"))
		r.World.Dir = support.As(pbx.Administrator("admin", r.US.ID))
		require.NoError(t, testbed.AtOnce(r.Ctx, op, r))
		require.EqualValues(t, 1, support.Stats().Unplanned)
	}
	require.Contains(t, log.String(), "level=DEBUG")
	require.Contains(t, log.String(), "operation=ChangeNumber")
}
