// Quickstart provisions the telephone system of a real company on one SQLite
// file: two tenants, three sites, about a hundred people and rooms, read from
// company.csv and set up in reviewed batches. Then it walks through one story
// of everyday work after another, and ends with the directory, the journal's
// last lines, and the checker's verdict. Run again on the same file, it says
// what is there.
//
//	go run ./examples/quickstart [-db pbx.db]
package main

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/sqlite"
)

//go:embed company.csv
var companyCSV []byte

func main() {
	path := flag.String("db", "pbx.db", "the SQLite file; it is created if it is not there")
	file := flag.String("csv", "", "the company to provision, in place of the built-in company.csv")
	flag.Parse()
	if err := run(context.Background(), *path, *file); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path, file string) (err error) {
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
	store, err := sqlite.Open(ctx, path)
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
		fmt.Printf("%s holds this company already. Here it is.\n", path)
	case 0:
		fmt.Printf("Provisioning %d people and rooms of %d tenants in %s\n", company.size(), len(company.tenants), path)
		if tenants, err = provision(ctx, dir, company); err != nil {
			return err
		}
		if err := tellStories(ctx, dir, tenants); err != nil {
			return err
		}
	default:
		return fmt.Errorf("%s holds only a part of this company: a run before was ended half way; delete the file", path)
	}
	return report(ctx, dir, tenants)
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
