package sqlite_test

import (
	"context"
	"database/sql"
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

// A host keeps its tickets next to the library's records, and changes both in
// one transaction of its own.
func ExampleFromTx() {
	folder, err := os.MkdirTemp("", "pbx")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	ctx := context.Background()
	file := filepath.Join(folder, "pbx.db")

	// Once: make the store, a tenant, and the host's own table.
	store, err := sqlite.Open(ctx, file)
	if err != nil {
		panic(err)
	}
	defer store.Close()
	support := pbx.New(store).As(pbx.Support("alice"))
	acme, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	if err != nil {
		panic(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(file)+"?_txlock=immediate&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE tickets (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"); err != nil {
		panic(err)
	}

	// A ticket and the user that it asks for come together or not at all.
	newcomer := func(name string, extension pbx.Extension, end func(*sql.Tx) error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, "INSERT INTO tickets (text) VALUES (?)", "a phone for "+name); err != nil {
			return err
		}
		admin := pbx.New(sqlite.FromTx(tx)).As(pbx.Administrator("bob", acme.ID))
		in := pbx.SetUp{NewUser: pbx.NewUser{FirstName: name, Email: name + "@acme.example.com", Extension: extension}}
		if _, err := admin.SetUpUser(ctx, in); err != nil {
			return err
		}
		return end(tx)
	}
	fmt.Println("Ann:", newcomer("ann", "7001", (*sql.Tx).Commit))
	fmt.Println("Ben:", newcomer("ben", "7002", (*sql.Tx).Rollback))

	var tickets string
	if err := db.QueryRow("SELECT group_concat(text) FROM tickets").Scan(&tickets); err != nil {
		panic(err)
	}
	fmt.Println("Tickets:", tickets)
	for user, err := range support.In(acme.ID).Users(ctx, pbx.UserQuery{}) {
		if err != nil {
			panic(err)
		}
		fmt.Println("User:", user.FirstName)
	}
	// Output:
	// Ann: <nil>
	// Ben: <nil>
	// Tickets: a phone for ann
	// User: ann
}
