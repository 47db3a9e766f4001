// Quickstart provisions the telephone system of a real company on one SQLite
// file, or in a PostgreSQL database: two tenants, three sites, about a hundred people and rooms, read from
// company.csv and set up in reviewed batches. Then it walks through one story
// of everyday work after another, and ends with the directory, the journal's
// last lines, and the checker's verdict. Run again on the same file, it says
// what is there.
//
//	go run ./examples/quickstart [-store pbx.db]
//	go run ./examples/quickstart -store postgres://user@host/database
package main

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/postgres"
	"github.com/pbxkit/pbx/store/sqlite"
)

//go:embed company.csv
var companyCSV []byte

func main() {
	place := flag.String("store", "pbx.db", "an SQLite file, which is created if it is not there, or the postgres:// URL of a database")
	file := flag.String("csv", "", "the company to provision, in place of the built-in company.csv")
	flag.Parse()
	if err := run(context.Background(), *place, *file); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, place, file string) (err error) {
	csv := companyCSV
	if file != "" {
		if csv, err = os.ReadFile(file); err != nil {
			return err
		}
	}
	company, err := readCompany(bytes.NewReader(csv))
	if err != nil {
		return err
	}
	store, name, err := open(ctx, place)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := store.Close(); err == nil {
			err = closeErr
		}
	}()
	dir := pbx.New(store).As(pbx.Support("quickstart"))

	tenants, err := customers(ctx, dir, company)
	if err != nil {
		return err
	}
	switch len(tenants) {
	case len(company.tenants):
		fmt.Printf("%s holds this company already. Here it is.\n", name)
	case 0:
		fmt.Printf("Provisioning %d people and rooms of %d tenants in %s\n", company.size(), len(company.tenants), name)
		if tenants, err = provision(ctx, dir, company); err != nil {
			return err
		}
		if err := tellStories(ctx, dir, tenants); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%s holds only a part of this company: a run before was ended half way; delete it", name)
	}
	return report(ctx, dir, tenants)
}

// open opens the store, and returns what it is called: a URL may hold a
// password.
func open(ctx context.Context, place string) (store store.Store, name string, err error) {
	if strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://") {
		store, err = postgres.Open(ctx, place)
		return store, "the database", err
	}
	store, err = sqlite.Open(ctx, place)
	return store, place, err
}

// customers finds the company's tenants, as a support agent would, by name.
func customers(ctx context.Context, dir *pbx.Directory, c *company) ([]*pbx.Tenant, error) {
	var found []*pbx.Tenant
	for _, want := range c.tenants {
		for tenant, err := range dir.Tenants(ctx, pbx.TenantQuery{Name: want.name}) {
			if err != nil {
				return nil, err
			}
			if tenant.Name == want.name {
				found = append(found, tenant)
			}
		}
	}
	return found, nil
}
