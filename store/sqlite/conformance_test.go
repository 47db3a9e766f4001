package sqlite_test

import (
	"testing"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/sqlite"
	"github.com/pbxkit/pbx/store/storetest"
)

func TestConformance(t *testing.T) {
	notShort(t)
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, newFile(t), sqlite.WithSynchronous(sqlite.Normal))
	})
}
