package rules_test

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/memory"
)

// unplanned is how many of an operation's reads its plan may lack: those that
// follow from what others found, and are worth a trip only then.
var unplanned = map[string]int64{"ChangeNumber": 1}

func TestEveryMethodPlansWhatItReads(t *testing.T) {
	t.Parallel()
	o := prepareOriginal(t, memory.New())
	for _, op := range slices.Concat(operations, readings) {
		r := o.inMemory(t)
		r = o.on(t, &faraway{Store: r.world.store})
		require.NoError(t, second(r.world.dir.OfferedNumbers(r.ctx, r.boston.ID, "", 1)))
		before := r.world.support.Stats()
		_ = atOnce(op, r.ctx, r)
		require.LessOrEqual(t, r.world.support.Stats().Unplanned-before.Unplanned, unplanned[op.method],
			"%s asks the store for what it has not planned: its prefetch plan lacks something", op.method)
	}
}

func TestWhatAnOperationDidNotPlanToReadIsCountedAndLogged(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := prepareOriginal(t, memory.New()).inMemory(t)
	for _, op := range operations {
		if op.method != "ChangeNumber" {
			continue
		}
		support := pbx.New(&faraway{Store: r.world.store}, pbx.WithLogger(logger)).As(pbx.Support("agent"))
		r.world.dir = support.As(pbx.Administrator("admin", r.us.ID))
		require.NoError(t, atOnce(op, r.ctx, r))
		require.EqualValues(t, 1, support.Stats().Unplanned)
	}
	require.Contains(t, log.String(), "level=DEBUG")
	require.Contains(t, log.String(), "operation=ChangeNumber")
}
