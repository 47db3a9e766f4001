package rules_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/memory"
)

// twins are two worlds on two stores of the same kind, equal in every byte.
func twins(t *testing.T, test func(t *testing.T, a, b *world, ids map[*world]*testbed.Counted)) {
	for name, open := range testbed.StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			ids := map[*world]*testbed.Counted{}
			var two []*world
			for range 2 {
				c := new(testbed.Counted)
				w := newWorld(t, open(t), pbx.WithIDs(c.Next))
				ids[w] = c
				two = append(two, w)
			}
			require.Equal(t, testbed.Dump(t, two[0].Store), testbed.Dump(t, two[1].Store))
			test(t, two[0], two[1], ids)
			for _, w := range two {
				report, err := w.Support.Check(w.Ctx)
				require.NoError(t, err)
				require.Empty(t, report.Violations)
			}
		})
	}
}

// soon fails the test if run does not return at once: a deadlock would hang.
func soon(t *testing.T, run func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		run()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
}

func TestSYS1_TheOperationsOfABatchSucceedTogether(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var service *pbx.Service
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			u, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"})
			if err != nil {
				return err
			}
			if service, err = dir.AddService(ctx, pbx.NewService{UserID: u.ID, DN: "7002", DeviceType: "Cisco 8851"}); err != nil {
				return err
			}
			seen, err := dir.Service(ctx, service.ID)
			require.NoError(t, err)
			require.Equal(t, service, seen, "what is staged can be read")
			require.Len(t, testbed.Collect(t, dir.Users(ctx, pbx.UserQuery{})), 1)
			return nil
		}))
		stored, err := w.Dir.Service(w.Ctx, service.ID)
		require.NoError(t, err)
		require.Equal(t, service, stored)
		operations := map[pbx.OperationID]bool{}
		seqs := map[int64]bool{}
		for _, e := range testbed.Collect(t, w.Dir.Journal(w.Ctx, pbx.JournalQuery{})) {
			if strings.HasPrefix(e.Type, "user.") || strings.HasPrefix(e.Type, "service.") {
				operations[e.Operation], seqs[e.Seq] = true, true
			}
		}
		require.Len(t, operations, 1)
		require.Len(t, seqs, 1)
	})
}

// refusedParts are operations that stage many changes before they are refused.
var refusedParts = map[string]func(ctx context.Context, dir *pbx.Directory, x *prepared) error{
	"a number is released, then the extension is refused": func(ctx context.Context, dir *pbx.Directory, x *prepared) error {
		_, err := dir.ChangeNumber(ctx, x.ann.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), Previous: pbx.ReturnNumber, UpdateExtension: true, Extension: "911"})
		return err
	},
	"a deletion is not confirmed": func(ctx context.Context, dir *pbx.Directory, x *prepared) error {
		return dir.DeleteUser(ctx, x.ann.ID, pbx.UserAndPhones)
	},
	"a station is returned, and the other package has none left": func(ctx context.Context, dir *pbx.Directory, x *prepared) error {
		_, err := dir.Confirm(rule.STN3).ChangeStation(ctx, x.ann.ID, "EMPTY")
		return err
	},
	"an address is released, and a name is bad": func(ctx context.Context, dir *pbx.Directory, x *prepared) error {
		u, err := dir.User(ctx, x.ann.ID)
		if err != nil {
			return err
		}
		u.SIPAddress, u.Department = "other@acme.example.com", "x\x00"
		_, err = dir.ModifyUser(ctx, u)
		return err
	},
	"a batch within gives up": func(ctx context.Context, dir *pbx.Directory, x *prepared) error {
		return dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
			if _, err := dir.SetUpUser(ctx, seated(9, "STANDARD")); err != nil {
				return err
			}
			if err := dir.Confirm(rule.USR9, rule.USR10).DeleteUser(ctx, x.ann.ID, pbx.UserAndPhones); err != nil {
				return err
			}
			if err := dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
				_, err := dir.AddStationPool(ctx, pbx.NewStationPool{Package: "MORE", Name: "More", Total: 5})
				return err
			}); err != nil {
				return err
			}
			return errGaveUp
		})
	},
}

var errGaveUp = errors.New("gave up")

// prepared is a tenant in which there is something to change.
type prepared struct {
	ann     *pbx.User
	service *pbx.Service
	phone   *pbx.Device
}

func (w *world) prepare() *prepared {
	w.T.Helper()
	w.ModifyPolicy(func(p *pbx.Policy) { p.NumberMonthly, p.NumberOneTime = 300, 100 })
	_, err := w.Dir.AddStationPool(w.Ctx, pbx.NewStationPool{Package: "EMPTY", Name: "Empty"})
	require.NoError(w.T, err)
	phone := w.handset("00:1b:54:aa:bb:01", "Cisco 8851")
	in := testbed.Newcomer("ann")
	in.Station, in.Applications, in.DeviceID, in.LocationID = "STANDARD", []string{"crm"}, phone.ID, w.Boston.ID
	made, err := w.Dir.SetUpUser(w.Ctx, in)
	require.NoError(w.T, err)
	return &prepared{made.User, made.Service, phone}
}

// around does something to the same records before and after a part.
func around(ctx context.Context, dir *pbx.Directory, x *prepared, part func() error) error {
	u, err := dir.User(ctx, x.ann.ID)
	if err != nil {
		return err
	}
	u.Department = "Before"
	if _, err := dir.ModifyUser(ctx, u); err != nil {
		return err
	}
	if _, err := dir.SetUpUser(ctx, seated(1, "STANDARD")); err != nil {
		return err
	}
	if err := part(); err != nil {
		return err
	}
	if u, err = dir.User(ctx, x.ann.ID); err != nil {
		return err
	}
	u.Department += " and after"
	if _, err := dir.ModifyUser(ctx, u); err != nil {
		return err
	}
	_, err = dir.SetUpUser(ctx, seated(2, "STANDARD"))
	return err
}

func TestSYS1_ARefusedPartLeavesTheOthersAndNoTrace(t *testing.T) {
	for name, refused := range refusedParts {
		t.Run(name, func(t *testing.T) {
			twins(t, func(t *testing.T, a, b *world, ids map[*world]*testbed.Counted) {
				x, y := a.prepare(), b.prepare()
				var spent uint64
				require.NoError(t, a.Dir.Batch(a.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
					return around(ctx, dir, x, func() error {
						before := ids[a].Drawn
						require.Error(t, refused(ctx, dir, x))
						spent = ids[a].Drawn - before
						return nil
					})
				}))
				require.NoError(t, b.Dir.Batch(b.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
					return around(ctx, dir, y, func() error {
						ids[b].Drawn += spent
						return nil
					})
				}))
				require.Empty(t, cmp.Diff(testbed.Dump(t, b.Store), testbed.Dump(t, a.Store)))
			})
		})
	}
}

func TestSYS1_AnErrorOfTheFunctionDropsAll(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		x := w.prepare()
		before := testbed.Dump(t, w.Store)
		err := w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			return around(ctx, dir, x, func() error { return errGaveUp })
		})
		require.Same(t, errGaveUp, err, "it comes back as it is")
		require.Equal(t, before, testbed.Dump(t, w.Store))
	})
}

func TestSYS1_APanicDropsAllAndGoesOn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		x := w.prepare()
		before := testbed.Dump(t, w.Store)
		require.PanicsWithValue(t, "no", func() {
			_ = w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				return around(ctx, dir, x, func() error { panic("no") })
			})
		})
		require.PanicsWithValue(t, "no", func() {
			_, _ = w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				return around(ctx, dir, x, func() error { panic("no") })
			})
		})
		require.Equal(t, before, testbed.Dump(t, w.Store))
		soon(t, func() {
			_, err := w.Dir.User(w.Ctx, x.ann.ID)
			if err == nil {
				_, err = w.Dir.AddExtension(w.Ctx, x.ann.ID, "7999")
			}
			if err != nil {
				t.Error(err)
			}
		})
	})
}

func TestSYS1_AnOperationThatPanicsLeavesNothingInABatchThatGoesOn(t *testing.T) {
	for name, open := range testbed.StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open(t), pbx.WithAllocator(func(context.Context, pbx.Extension, pbx.Extension, func(pbx.Extension) (bool, error)) (pbx.Extension, error) {
				panic("allocator")
			}))
			u, s := w.profiled("Ann", "7001", pbx.ProposedNumber())
			recovered := func(run func() error) (err error) {
				defer func() { err = fmt.Errorf("recovered %v", recover()) }()
				return run()
			}
			require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				for _, run := range []func() error{
					func() error { // releases the number before it asks for an extension
						_, err := dir.ChangeNumber(ctx, u.ID, pbx.NumberChange{Previous: pbx.ReturnNumber, UpdateExtension: true})
						return err
					},
					func() error {
						return dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
							_, err := dir.ChangeNumber(ctx, u.ID, pbx.NumberChange{Previous: pbx.ReturnNumber})
							require.NoError(t, err)
							panic("allocator")
						})
					},
				} {
					require.EqualError(t, recovered(run), "recovered allocator")
				}
				_, err := dir.AddExtension(ctx, u.ID, "7999")
				return err
			}))
			require.Equal(t, s.Number, w.serviceNumber(s))
			require.Equal(t, s.ID, w.number(s.Number).ServiceID)
			report, err := w.Support.Check(w.Ctx)
			require.NoError(t, err)
			require.Empty(t, report.Violations)
		})
	}
}

func TestSYS1_ABatchInABatchIsAPartOfIt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		inner := func(ctx context.Context, dir *pbx.Directory) error {
			return dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
				_, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"})
				return err
			})
		}
		before := testbed.Dump(t, w.Store)
		require.ErrorIs(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.NoError(t, inner(ctx, dir))
			return errGaveUp
		}), errGaveUp)
		require.Equal(t, before, testbed.Dump(t, w.Store), "it falls with the outer one")
		r, err := w.Dir.Review(w.Ctx, inner)
		require.NoError(t, err)
		require.Equal(t, before, testbed.Dump(t, w.Store))
		require.NotEmpty(t, r.Effects)
		require.NoError(t, w.Dir.Batch(w.Ctx, inner))
		_, err = w.Dir.Lookup(w.Ctx, "7001")
		require.NoError(t, err)
		stale := new(pbx.Error)
		require.ErrorAs(t, r.Commit(w.Ctx), &stale)
		require.ErrorIs(t, stale, pbx.ErrStale)
	})
}

func TestSYS1_ThreeHundredSetUpsInOneBatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		const n = 300
		_, err := w.Support.StockNumbers(w.Ctx, testbed.Numbers("+1617556%04d", n)...)
		require.NoError(t, err)
		require.NoError(t, w.ModifyPool("STANDARD", func(p *pbx.StationPool) { p.Total, p.Applications = n, []string{"crm"} }))
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			for i := range n {
				in := testbed.Newcomer(fmt.Sprintf("user%03d", i))
				in.Station, in.Applications, in.LocationID = "STANDARD", []string{"crm"}, w.Boston.ID
				made, err := dir.SetUpUser(ctx, in)
				if err != nil {
					return err
				}
				require.Equal(t, pbx.Extension(fmt.Sprint(7000+i)), made.Service.DN)
				require.Equal(t, int64(i+1), made.Order.Number)
			}
			_, err := dir.SetUpUser(ctx, seated(1, "STANDARD"))
			require.ErrorIs(t, err, pbx.ErrExhausted)
			require.Len(t, testbed.Collect(t, dir.Users(ctx, pbx.UserQuery{FirstName: "user"})), n, "pages of what is staged")
			return nil
		}))
		require.Len(t, testbed.Collect(t, w.Dir.Services(w.Ctx, pbx.ServiceQuery{})), n)
		require.Len(t, testbed.Collect(t, w.Dir.Orders(w.Ctx, 0)), n)
		require.Zero(t, w.Pool("STANDARD").Available())
		require.Len(t, w.stocked(), 20)
	})
}

// A foreign key holds at every step, so what one operation of a batch needs
// from another has to exist before it.
func TestSYS1_LaterOperationsOfABatchUseWhatEarlierOnesMade(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			u, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"})
			require.NoError(t, err)
			s, err := dir.AddService(ctx, pbx.NewService{UserID: u.ID, DN: "7002", DeviceType: "Cisco 8851"})
			require.NoError(t, err)

			_, err = dir.AddStationPool(ctx, pbx.NewStationPool{Package: "NEW", Name: "New", Total: 1, Applications: []string{"crm"}})
			require.NoError(t, err)
			_, err = dir.ChangeStation(ctx, u.ID, "NEW")
			require.NoError(t, err)
			_, err = dir.AddServiceType(ctx, pbx.NewServiceType{Code: "NEW", Name: "New"})
			require.NoError(t, err)
			s.Type = "NEW"
			_, err = dir.ModifyService(ctx, s)
			require.NoError(t, err)
			l, err := dir.AddLocation(ctx, pbx.NewLocation{Building: "NEW", Address: pbx.CivicAddress{Country: "US", Street: "1", City: "B", PostalCode: "02110"}})
			require.NoError(t, err)

			u, err = dir.User(ctx, u.ID)
			require.NoError(t, err)
			u.LocationID, u.E911, u.Applications, u.SIPAddress = l.ID, true, []string{"crm"}, "new@acme.example.com"
			_, err = dir.ModifyUser(ctx, u)
			require.NoError(t, err)
			a, err := dir.AddAlias(ctx, pbx.NewAlias{UserID: u.ID, Name: "Desk", SIPAddress: "ann@acme.example.com"})
			require.NoError(t, err, "the address that she had")
			a.SIPAddress = "desk@acme.example.com"
			_, err = dir.ModifyAlias(ctx, a)
			require.NoError(t, err)

			now, err := dir.ChangeNumber(ctx, u.ID, pbx.NumberChange{Number: pbx.ProposedNumber(), UpdateExtension: true, Extension: "7003"})
			require.NoError(t, err)
			other, err := dir.AddService(ctx, pbx.NewService{DN: "7002", DeviceType: "Cisco 8851"})
			require.NoError(t, err, "the DN that it had")
			_, err = dir.ChangeNumber(ctx, u.ID, pbx.NumberChange{Previous: pbx.KeepNumber})
			require.NoError(t, err)
			require.NoError(t, dir.DeleteService(ctx, other.ID))
			_, err = dir.AddService(ctx, pbx.NewService{DN: "7002", DeviceType: "Cisco 8851", Number: pbx.ExistingNumber(now.Number)})
			require.NoError(t, err, "the DN and the number that others had")
			d, err := dir.AddDevice(ctx, pbx.NewDevice{MAC: "00:1b:54:aa:bb:01", Model: "Cisco 8851", LocationID: l.ID})
			require.NoError(t, err)
			_, err = dir.AssignDevice(ctx, d.ID, u.ID, 2)
			require.NoError(t, err)
			return dir.Confirm(rule.USR9, rule.USR10).DeleteUser(ctx, u.ID, pbx.UserAndPhones)
		}))
		require.Empty(t, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{})))
		require.Len(t, testbed.Collect(t, w.Dir.Devices(w.Ctx, pbx.DeviceQuery{})), 1)
	})
}

func TestACC4_TenantsCreatedInABatchEachBeginTheirOwnJournal(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var made []*pbx.Tenant
		create := func(ctx context.Context, dir *pbx.Directory, domain string) error {
			tenant, err := dir.CreateTenant(ctx, pbx.NewTenant{Name: "New", Country: "US", SIPDomain: domain})
			if err == nil {
				made = append(made, tenant)
			}
			return err
		}
		require.NoError(t, w.Support.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			made = nil
			require.NoError(t, create(ctx, dir, "one.example.com"))
			require.ErrorIs(t, create(ctx, dir, "one.example.com"), pbx.ErrConflict)
			_, err := dir.StockNumbers(ctx, "+16175550700")
			require.NoError(t, err)
			return create(ctx, dir, "two.example.com")
		}))
		provider := testbed.Collect(t, w.Support.Journal(w.Ctx, pbx.JournalQuery{Latest: true, Limit: 3}))
		require.Equal(t, []int64{3, 2, 1}, []int64{provider[0].Pos, provider[1].Pos, provider[2].Pos})
		for _, tenant := range made {
			inside := w.Support.In(tenant.ID)
			events := testbed.Collect(t, inside.Journal(w.Ctx, pbx.JournalQuery{}))
			require.Len(t, events, 1)
			require.Equal(t, [2]int64{1, 1}, [2]int64{events[0].Seq, events[0].Pos})
			require.Equal(t, provider[0].Operation, events[0].Operation)
			_, err := inside.AddServiceType(w.Ctx, pbx.NewServiceType{Code: "FIRST", Name: "First"})
			require.NoError(t, err)
			require.Equal(t, int64(2), testbed.Collect(t, inside.Journal(w.Ctx, pbx.JournalQuery{Latest: true}))[0].Seq)
		}
	})
}

func TestSYS1_TheProvidersFirstChangesComeAtOnce(t *testing.T) {
	for name, open := range testbed.StoresOf(t) {
		t.Run(name, func(t *testing.T) {
			store := open(t)
			t.Cleanup(func() { _ = store.Close() })
			support := pbx.New(store).As(pbx.Support("agent"))
			tenant, err := support.Tenant(context.Background())
			require.NoError(t, err)
			require.Equal(t, pbx.Provider, tenant.ID, "there is one before it has changed anything")
			require.Empty(t, testbed.Dump(t, store))
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					if _, err := support.StockNumbers(context.Background(), pbx.E164(fmt.Sprintf("+161755501%02d", i))); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			require.Len(t, testbed.Collect(t, support.Journal(context.Background(), pbx.JournalQuery{})), 8)
			report, err := support.Check(context.Background())
			require.NoError(t, err)
			require.Empty(t, report.Violations)
		})
	}
}

func TestSYS1_ConfirmationsAreGivenByNameOrRefuseTheOperation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		remove := func(dir *pbx.Directory) func() error {
			return func() error { return dir.DeleteUser(w.Ctx, u.ID, pbx.UserOnly) }
		}
		w.Refused(rule.USR9, pbx.ErrUnconfirmed, remove(w.Dir))
		w.Refused(rule.USR9, pbx.ErrUnconfirmed, remove(w.Dir.Confirm()))
		w.Refused(rule.USR9, pbx.ErrUnconfirmed, remove(w.Dir.Confirm(rule.USR10, rule.SVC9)))
		require.ErrorIs(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			err := dir.DeleteUser(ctx, u.ID, pbx.UserOnly)
			require.ErrorIs(t, err, pbx.ErrUnconfirmed)
			_, err = dir.User(ctx, u.ID)
			require.NoError(t, err, "he is still there")
			require.NoError(t, dir.Confirm(rule.USR9).DeleteUser(ctx, u.ID, pbx.UserOnly))
			_, err = dir.User(ctx, u.ID)
			require.ErrorIs(t, err, pbx.ErrNotFound)
			return errGaveUp
		}), errGaveUp)
		_, err := w.Dir.User(w.Ctx, u.ID)
		require.NoError(t, err)
		require.NoError(t, remove(w.Dir.Confirm(rule.USR10).Confirm(rule.USR9))())
	})
}

func TestSYS1_AConfirmationHoldsForTheWholeBatchItIsGivenTo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		a, b := w.User("Ann", "Lee", "7001"), w.User("Bob", "Day", "7002")
		require.NoError(t, w.Dir.Confirm(rule.USR9).Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			if err := dir.DeleteUser(ctx, a.ID, pbx.UserOnly); err != nil {
				return err
			}
			return dir.DeleteUser(ctx, b.ID, pbx.UserOnly)
		}))
		require.Empty(t, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{})))
	})
}

func TestSYS1_AConfirmationHoldsForNoOperationButTheOneItIsGivenTo(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		a, b := w.User("Ann", "Lee", "7001"), w.User("Bob", "Day", "7002")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.NoError(t, dir.Confirm(rule.USR9).DeleteUser(ctx, a.ID, pbx.UserOnly))
			require.ErrorIs(t, dir.DeleteUser(ctx, b.ID, pbx.UserOnly), pbx.ErrUnconfirmed)
			return nil
		}))
		require.Equal(t, []*pbx.User{b}, testbed.Collect(t, w.Dir.Users(w.Ctx, pbx.UserQuery{})))
	})
}

func TestSYS1_ABatchHoldsALimitedNumberOfChanges(t *testing.T) {
	w := newWorld(t, memory.New(), pbx.WithBatchLimit(40))
	made := 0
	batch := func(ctx context.Context, dir *pbx.Directory) error {
		for made = 0; ; made++ {
			if _, err := dir.AddDevice(ctx, pbx.NewDevice{MAC: fmt.Sprintf("0004f2%06x", made), Model: "Polycom VVX 450", LocationID: w.Boston.ID}); err != nil {
				return err
			}
		}
	}
	for _, run := range []func() error{
		func() error { return w.Dir.Batch(w.Ctx, batch) },
		func() error { return second(w.Dir.Review(w.Ctx, batch)) },
	} {
		require.ErrorContains(t, w.Refused(rule.SYS1, pbx.ErrInvalid, run), "at most 40 changes")
		require.Positive(t, made)
		require.LessOrEqual(t, made, 40)
	}
}
