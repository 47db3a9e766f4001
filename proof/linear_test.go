package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// clients work side by side in one history, each with so many operations. Every other
// one has opened the database anew.
const (
	clients    = 4
	operations = 10
)

// world is what one history happens in.
type world struct {
	t       *testing.T
	n       int               // of the history
	support [2]*pbx.Directory // each over a store of its own on the same database
	tenants [customers]pbx.TenantID
}

func newWorld(t *testing.T, n int, a, b store.Store) *world {
	w := &world{t: t, n: n}
	for i, s := range []store.Store{a, b} {
		w.support[i] = pbx.New(s).As(pbx.Support("prover"))
	}
	for i := range w.tenants {
		name := fmt.Sprintf("customer-%d-%d", n, i)
		tenant, err := w.support[0].CreateTenant(t.Context(), pbx.NewTenant{Name: name, Country: "US", SIPDomain: name + ".example.com"})
		require.NoError(t, err)
		w.tenants[i] = tenant.ID
	}
	return w
}

func (w *world) login(i int) string { return fmt.Sprintf("person-%d-%d@example.com", w.n, i) }

func extension(i int) pbx.Extension { return pbx.Extension(fmt.Sprint(7100 + i)) }

// client calls operations one after another, and remembers whom it has seen.
type client struct {
	w    *world
	id   int
	rand *rand.Rand
	seen []*pbx.User
}

func (c *client) draw() input {
	in := input{Customer: c.rand.IntN(customers), Login: c.rand.IntN(logins), Room: fmt.Sprintf("%d-%d", c.id, c.rand.IntN(1000))}
	in.Extension = []int{c.rand.IntN(extensions)}
	in.Kind = []kind{create, create, remove, modify, add, read, read, list}[c.rand.IntN(8)]
	if in.Kind == create && c.rand.IntN(2) == 0 {
		in.Extension = []int{in.Extension[0], (in.Extension[0] + 1) % extensions}
	}
	if slices.Contains([]kind{remove, modify, add}, in.Kind) {
		if len(c.seen) == 0 {
			in.Kind = read
			return in
		}
		u := c.seen[c.rand.IntN(len(c.seen))]
		in.ID, in.Rev, in.Customer = u.ID, u.Rev, slices.Index(c.w.tenants[:], u.TenantID)
	}
	return in
}

// clientKey is where a context has the client who acts.
type clientKey struct{}

// call calls an operation on one of the two stores.
func (c *client) call(in input) output {
	ctx := context.WithValue(context.Background(), clientKey{}, c.id)
	dir := c.w.support[c.id%2].In(c.w.tenants[in.Customer]).Confirm(rule.USR9)
	var u *pbx.User
	var out output
	var err error
	switch in.Kind {
	case create:
		err = dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) (err error) {
			u, err = dir.CreateUser(ctx, pbx.NewUser{FirstName: "A", LastName: "B", Login: c.w.login(in.Login), Email: c.w.login(in.Login),
				Department: in.Room, Extension: extension(in.Extension[0]), NoWelcomeMail: true})
			for _, e := range in.Extension[1:] {
				if err == nil {
					_, err = dir.AddExtension(ctx, u.ID, extension(e))
				}
			}
			return err
		})
	case remove:
		err = dir.DeleteUser(ctx, in.ID, pbx.UserOnly)
	case modify:
		form := *c.find(in.ID, in.Rev)
		form.Department = in.Room
		u, err = dir.ModifyUser(ctx, &form)
	case add:
		_, err = dir.AddExtension(ctx, in.ID, extension(in.Extension[0]))
	case read:
		u, err = dir.UserByLogin(ctx, c.w.login(in.Login))
	case list:
		for entry, e := range dir.Extensions(ctx, pbx.ExtensionQuery{}) {
			if err = e; err == nil {
				out.DialPlan[slices.IndexFunc([]int{0, 1, 2, 3}, func(i int) bool { return extension(i) == entry.Digits })] = entry.UserID
			}
		}
	}
	if u != nil { // of a create without an answer too: that is the user who may be there
		out.Person = person{ID: u.ID, Customer: in.Customer, Rev: u.Rev, Room: u.Department}
		if err == nil {
			c.seen = append(c.seen, u)
		}
	}
	out.Answer = c.answer(in, err)
	return out
}

func (c *client) find(id pbx.UserID, rev int64) *pbx.User {
	return c.seen[slices.IndexFunc(c.seen, func(u *pbx.User) bool { return u.ID == id && u.Rev == rev })]
}

func (c *client) answer(in input, err error) answer {
	switch {
	case err == nil:
		return done
	case errors.Is(err, pbx.ErrCommitUnknown):
		return unknown
	case errors.Is(err, pbx.ErrConflict) && pbx.CodeOf(err) == rule.SYS1:
		return refused
	}
	for kind, is := range map[error]answer{pbx.ErrConflict: conflict, pbx.ErrNotFound: notFound, pbx.ErrStale: stale} {
		if errors.Is(err, kind) {
			return is
		}
	}
	c.w.t.Errorf("%+v: %v", in, err)
	return refused
}

// history lets all clients work, and returns what they did and were told.
func (w *world) history(seed uint64) []porcupine.Operation {
	var mu sync.Mutex
	var all []porcupine.Operation
	var working sync.WaitGroup
	start := time.Now()
	for i := range clients {
		c := &client{w: w, id: i, rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		working.Go(func() {
			for range operations {
				in := c.draw()
				op := porcupine.Operation{ClientId: i, Input: in, Call: int64(time.Since(start))}
				op.Output = c.call(in)
				op.Return = int64(time.Since(start))
				mu.Lock()
				all = append(all, op)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	last := int64(time.Since(start))
	for i := range all { // what got no answer may still be done until the end
		if all[i].Output.(output).Answer == unknown {
			all[i].Return = last
		}
	}
	return all
}

// figures count what histories held.
type figures struct {
	histories, illegal, operations, unknown int
	overlapping                             int // operations that began while another one was under way
}

func (f *figures) add(all []porcupine.Operation, result porcupine.CheckResult) {
	f.histories++
	f.operations += len(all)
	if result == porcupine.Illegal {
		f.illegal++
	}
	for _, a := range all {
		if a.Output.(output).Answer == unknown {
			f.unknown++
		}
		if slices.ContainsFunc(all, func(b porcupine.Operation) bool { return a.ClientId != b.ClientId && b.Call < a.Call && a.Call < b.Return }) {
			f.overlapping++
		}
	}
}

func (f *figures) String() string {
	return fmt.Sprintf("%d histories of %d operations, %d of them overlapping and %d unknown: %d illegal",
		f.histories, f.operations, f.overlapping, f.unknown, f.illegal)
}

// prove checks histories over two stores on one database.
func prove(t *testing.T, histories int, a, b store.Store) *figures {
	var f figures
	for n := range histories {
		w := newWorld(t, n, a, b)
		all := w.history(uint64(n))
		result := porcupine.CheckOperationsTimeout(sequential(), all, time.Minute)
		require.NotEqual(t, porcupine.Unknown, result, "the checker gave up")
		f.add(all, result)
	}
	return &f
}
