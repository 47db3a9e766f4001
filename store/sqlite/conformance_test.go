package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/sqlite"
	"github.com/pbxkit/pbx/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, filepath.Join(t.TempDir(), "pbx.db"), sqlite.WithSynchronous(sqlite.Normal))
	})
}
