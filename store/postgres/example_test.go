package postgres_test

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/postgres"
)

func ExampleOpen() {
	ctx := context.Background()
	store, err := postgres.Open(ctx, "postgres://pbx@localhost/telephony")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	support := pbx.New(store).As(pbx.Support("alice"))
	tenant, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tenant.Name, tenant.SIPDomain)
}

// A host opens a ticket and creates the tenant that it is about, in one commit.
func ExampleFromTx() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "postgres://host@localhost/telephony")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	tx, err := pool.Begin(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tx.Rollback(ctx) // where it is not committed
	if _, err := tx.Exec(ctx, "INSERT INTO tickets (title) VALUES ('New customer')"); err != nil {
		fmt.Println(err)
		return
	}
	support := pbx.New(postgres.FromTx(tx)).As(pbx.Support("alice"))
	if _, err := support.CreateTenant(ctx, pbx.NewTenant{Name: "Acme", Country: "US", SIPDomain: "acme.example.com"}); err != nil {
		fmt.Println(err) // errors.Is(err, store.ErrHostRetry): begin again
		return
	}
	if err := tx.Commit(ctx); err != nil {
		fmt.Println(err)
	}
}

// A host's commit gets no answer. The host finds out what became of it before it tells
// anybody, or tries again.
func ExampleStore_Settle() {
	commit := func(ctx context.Context, db *postgres.Store, tx pgx.Tx, tenant pbx.TenantID) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err := tx.Commit(ctx)
		if err == nil {
			return nil
		}
		if settled := db.Settle(context.WithoutCancel(ctx), tenant); settled != nil {
			return settled // not known, and not to be found out now
		}
		return err // look for the ticket: if it is there the transaction was committed
	}
	_ = commit
}
