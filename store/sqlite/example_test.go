package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/sqlite"
)

func ExampleOpen() {
	folder, err := os.MkdirTemp("", "pbx")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	ctx := context.Background()

	store, err := sqlite.Open(ctx, filepath.Join(folder, "pbx.db"))
	if err != nil {
		panic(err)
	}
	defer store.Close()

	support := pbx.New(store).As(pbx.Support("alice"))
	tenant, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	if err != nil {
		panic(err)
	}
	fmt.Println(tenant.Name, tenant.SIPDomain)
	// Output: Acme acme.example.com
}
