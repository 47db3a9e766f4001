package endure_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/transfer"
)

func TestTransfer_ACopyHasTheChainOfItsSourceAndAnUnsoundOneIsCounted(t *testing.T) {
	eachPair(t, func(t *testing.T, from, to func(testing.TB) store.Store) {
		w, target := testbed.NewWorld(t, from(t)), to(t)
		w.User("Ann", "Lee", "7001")
		kept, err := w.Dir.JournalHead(w.Ctx)
		require.NoError(t, err)
		report, err := transfer.Copy(w.Ctx, target, w.Store)
		require.NoError(t, err)
		require.Zero(t, report.Broken)
		copied := pbx.New(target).As(pbx.Administrator("anna", w.US.ID))
		head, err := copied.JournalHead(w.Ctx)
		require.NoError(t, err)
		require.Equal(t, kept, head)
		_, err = copied.CreateGroup(w.Ctx, pbx.NewGroup{Name: "goes on"})
		require.NoError(t, err)
		found, err := copied.CheckJournal(w.Ctx, kept)
		require.NoError(t, err)
		require.Empty(t, found.Violations)

		w.Rewrite("events", testbed.Where{"tenant_id": w.US.ID, "seq": 2, "pos": 1}, testbed.Where{"actor": "somebody else"})
		report, err = transfer.Copy(w.Ctx, memory.New(), w.Store)
		require.NoError(t, err)
		require.Equal(t, 1, report.Broken)
	})
}
