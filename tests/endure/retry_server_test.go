package endure_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/pgwire"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// interrupting is a store on which somebody does something else, once, when an
// update has decided what to do and has not committed yet.
type interrupting struct {
	store.Store
	interrupt func()
}

func (m *interrupting) Update(ctx context.Context, tenant [16]byte, fn func(store.Writer) error) error {
	return m.Store.Update(ctx, tenant, func(w store.Writer) error {
		err := fn(w)
		if interrupt := m.interrupt; err == nil && interrupt != nil {
			m.interrupt = nil
			interrupt()
		}
		return err
	})
}

// Whatever conflict occurs on a server, the operation runs again, is done once
// or refused by its rule, and is counted.
func TestSYS1_EveryKindOfConflictIsRetriedAndCounted(t *testing.T) {
	set := func(w *testbed.World) error { return testbed.Second(w.Dir.SetUpUser(w.Ctx, testbed.Newcomer("ann"))) }
	for name, c := range map[string]struct {
		arrange func(w *testbed.World, store *interrupting, proxy *pgwire.Proxy)
		refused rule.Code
	}{
		"a unique claim": {func(w *testbed.World, store *interrupting, _ *pgwire.Proxy) {
			store.interrupt = func() {
				require.NoError(w.T, testbed.Second(w.British.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Other", Email: testbed.Newcomer("ann").Email, Extension: "7001"})))
			}
		}, rule.USR3},
		"a stale revision": {func(w *testbed.World, store *interrupting, _ *pgwire.Proxy) {
			other := w.Support.In(w.Tenant("Rival", "US", "rival.example.com").ID)
			store.interrupt = func() { require.NoError(w.T, testbed.Second(other.SetUpUser(w.Ctx, testbed.Newcomer("bob")))) }
		}, ""},
		"a serialization failure":             {arrange: func(w *testbed.World, _ *interrupting, proxy *pgwire.Proxy) { failOnce(w, proxy, "40001") }},
		"a deadlock":                          {arrange: func(w *testbed.World, _ *interrupting, proxy *pgwire.Proxy) { failOnce(w, proxy, "40P01") }},
		"a connection lost before the COMMIT": {arrange: func(w *testbed.World, store *interrupting, proxy *pgwire.Proxy) { store.interrupt = proxy.CutAll }},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := pgwire.Listen(t, testbed.FreshDatabase(t))
			store := &interrupting{Store: testbed.OnServer(t, proxy.DSN())}
			w := testbed.NewWorld(t, store)
			c.arrange(w, store, proxy)
			before := w.Support.Stats()
			err := set(w)
			if c.refused == "" {
				require.NoError(t, err)
			} else {
				require.Equal(t, c.refused, pbx.CodeOf(err))
			}
			require.Equal(t, before.Retries+1, w.Support.Stats().Retries)
			report, err := w.Support.Check(w.Ctx)
			require.NoError(t, err)
			require.Empty(t, report.Violations)
			users := len(testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{})))
			require.Equal(t, map[bool]int{true: 1, false: 0}[c.refused == ""], users, "done once, or not at all")
		})
	}
}

// failOnce has the server fail the next insertion of a user with a SQLSTATE. A
// sequence counts, because it is not rolled back.
func failOnce(w *testbed.World, proxy *pgwire.Proxy, code string) {
	c, err := pgx.Connect(w.Ctx, proxy.DSN())
	require.NoError(w.T, err)
	defer c.Close(w.Ctx)
	for _, text := range []string{
		"CREATE SEQUENCE failures",
		fmt.Sprintf(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('public.failures') = 1 THEN RAISE EXCEPTION 'injected' USING ERRCODE = '%s'; END IF;
			RETURN NEW; END $$`, code),
		"CREATE TRIGGER fail BEFORE INSERT ON pbx.users FOR EACH ROW EXECUTE FUNCTION fail()",
	} {
		require.NoError(w.T, testbed.Second(c.Exec(w.Ctx, text)))
	}
}
