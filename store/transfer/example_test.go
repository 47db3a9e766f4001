package transfer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/sqlite"
	"github.com/pbxkit/pbx/store/transfer"
)

// An SQLite store is backed up into another file, while it is in use, and the
// two are compared. A store of any other kind takes either place.
func Example() {
	folder, err := os.MkdirTemp("", "pbx")
	check(err)
	defer os.RemoveAll(folder)
	ctx := context.Background()

	store, err := sqlite.Open(ctx, filepath.Join(folder, "pbx.db"))
	check(err)
	defer store.Close()
	support := pbx.New(store).As(pbx.Support("alice"))
	acme, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	check(err)
	_, err = support.StockNumbers(ctx, "+16175550100", "+16175550101")
	check(err)

	backup, err := sqlite.Open(ctx, filepath.Join(folder, "backup.db"))
	check(err)
	defer backup.Close()
	report, err := transfer.Copy(ctx, backup, store)
	check(err)
	fmt.Println(report.Tenants, "tenants,", report.Records, "records")
	differences, err := transfer.Compare(ctx, store, backup)
	check(err)
	fmt.Println(len(differences), "differences")

	admin := support.As(pbx.Administrator("bob", acme.ID))
	_, err = admin.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@acme.example.com", Extension: "7001"})
	check(err)
	differences, err = transfer.Compare(ctx, store, backup, acme.ID)
	check(err)
	fmt.Println(differences[0].Table, differences[0].Columns)
	// Output:
	// 2 tenants, 8 records
	// 0 differences
	// tenants [rev journal_head]
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
