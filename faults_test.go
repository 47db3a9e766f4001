package pbx_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store/faulty"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/postgres"
	"github.com/pbxkit/pbx/store/sqlite"
	"github.com/pbxkit/pbx/store/transfer"
)

// operation is a method that changes something, and a call of it that goes
// through in a world with everything in it.
type operation struct {
	method string
	call   func(ctx context.Context, dir *pbx.Directory, x *all) error
	by     role
}

// role says whose Directory an operation is called on: an administrator's, or
// support's in the customer's tenant or in the provider's.
type role int

const (
	admin role = iota
	visiting
	providing
)

func (r role) of(w *world) *pbx.Directory {
	return []*pbx.Directory{w.dir, w.support.In(w.us.ID), w.support}[r]
}

// reads are the methods that change nothing, and those that the table of
// operations is not for: Batch and Review run operations, and Deliver, which
// hands over at least once, has tests of its own.
var reads = strings.Fields(`
	Alias Aliases As AssociationChoices Batch Check Confirm Connect Deliver Device DeviceLines Devices Digest ExportUsers Extensions
	ForeignService ForeignServices Group Groups In Journal Keys Line LineIdentity
	Location Locations Lookup Mailbox MainExtension Members NewNumbers Number Numbers Order Orders PortRequest PortRequests Review
	SIPIdentity Service ServiceTypes ServiceUsers Services StationPools Stats Tenant Tenants User UserByLogin UserServices Users`)

// operations are all methods that change something.
var operations = []operation{
	{"ActivatePort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ActivatePort(ctx, x.port.ID))
	}, visiting},
	{"ActivateService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
			s, err := dir.AddService(ctx, pbx.NewService{DN: "7730", DeviceType: "Cisco 8851", ActivateLater: true})
			if err != nil {
				return err
			}
			return second(dir.ActivateService(ctx, s.ID))
		})
	}, admin},
	{"ActivateUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ActivateUser(ctx, x.dan.ID))
	}, admin},
	{"AddAlias", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddAlias(ctx, pbx.NewAlias{UserID: x.ann.ID, Name: "Second", Extension: "7720"}))
	}, admin},
	{"AddDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddDevice(ctx, pbx.NewDevice{MAC: "00-1B-54-00-00-99", Model: "Cisco 8851"}))
	}, admin},
	{"AddExtension", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddExtension(ctx, x.bob.ID, "7630"))
	}, admin},
	{"AddLocation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddLocation(ctx, pbx.NewLocation{Building: "NEW", Address: pbx.CivicAddress{Country: "US"}}))
	}, admin},
	{"AddMailbox", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddMailbox(ctx, x.shared.ID, pbx.NewMailbox{Email: "shared@example.com"}))
	}, admin},
	{"AddMember", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.AddMember(ctx, x.queue.ID, pbx.UserMember(x.bob.ID))
	}, admin},
	{"AddNumbers", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddNumbers(ctx, "+16175550160", "+16175550161"))
	}, visiting},
	{"AddOwner", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddOwner(ctx, x.national(), "lena"))
	}, admin},
	{"AddService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AddService(ctx, pbx.NewService{UserID: x.bob.ID, Type: "PRO", Number: pbx.NewNumber(), DeviceID: x.spare.ID,
			Keys: []pbx.PhoneKey{{Position: 5, Kind: pbx.KeyBusyLamp, Target: "7601"}}}))
	}, admin},
	{"AssignDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AssignDevice(ctx, x.spare.ID, x.bob.ID, 2))
	}, admin},
	{"Associate", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.Associate(ctx, x.cid.ID, x.bare.ID))
	}, admin},
	{"AttachForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.AttachForeign(ctx, x.shared.ID, miCollab("Client")))
	}, admin},
	{"CancelService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CancelService(ctx, x.line.ID, x.port.Date))
	}, admin},
	{"CompleteOrder", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CompleteOrder(ctx, x.processing.ID))
	}, visiting},
	{"CancelPort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CancelPort(ctx, x.port.ID))
	}, admin},
	{"ChangeNumber", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ChangeNumber(ctx, x.ann.ID, pbx.NumberChange{Number: pbx.Existing("+16175550182"), Previous: pbx.ReturnNumber, UpdateExtension: true}))
	}, admin},
	{"ChangeStation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.Confirm(pbx.STN3).ChangeStation(ctx, x.ann.ID, ""))
	}, admin},
	{"CheckPIN", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.CheckPIN(ctx, x.line.ID, "000111")
	}, admin},
	{"ClearDeviceLine", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.ClearDeviceLine(ctx, x.phone.ID, 1)
	}, admin},
	{"ConfirmPort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ConfirmPort(ctx, x.port.ID))
	}, visiting},
	{"CreateGroup", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CreateGroup(ctx, pbx.NewGroup{Kind: pbx.HuntGroup, Name: "New", Extension: "7790"}))
	}, admin},
	{"CreateTenant", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CreateTenant(ctx, pbx.NewTenant{Name: "New", Country: "US", SIPDomain: "new.example.com"}))
	}, providing},
	{"CreateUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.CreateUser(ctx, pbx.NewUser{FirstName: "New", Email: "new@example.com", Extension: "7800"}))
	}, admin},
	{"DeleteAlias", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DeleteAlias(ctx, x.alias.ID) }, admin},
	{"DeleteDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DeleteDevice(ctx, x.spare.ID) }, admin},
	{"DeleteGroup", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DeleteGroup(ctx, x.group.ID) }, admin},
	{"DeleteLocation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.DeleteLocation(ctx, x.empty(ctx, dir))
	}, admin},
	{"DeleteMailbox", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DeleteMailbox(ctx, x.line.ID) }, admin},
	{"DeleteService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(pbx.SVC9).DeleteService(ctx, x.shared.ID)
	}, admin},
	{"DeleteService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.DeleteService(ctx, x.waiting.ID)
	}, admin},
	{"DropRemoteService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.DropRemoteService(ctx, x.elsewhere.ID)
	}, visiting},
	{"DeleteUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(pbx.USR9, pbx.USR10).DeleteUser(ctx, x.ann.ID, pbx.UserAndPhones)
	}, admin},
	{"DeleteUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(pbx.USR9).DeleteUser(ctx, x.bob.ID, pbx.UserOnly)
	}, admin},
	{"DeleteService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(pbx.SVC10).DeleteService(ctx, x.hub.ID)
	}, admin},
	{"DetachForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.DetachForeign(ctx, x.left.ID) }, admin},
	{"Disassociate", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.Confirm(pbx.SVC5).Disassociate(ctx, x.cid.ID, x.shared.ID)
	}, admin},
	{"DisableUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.DisableUser(ctx, x.ann.ID))
	}, admin},
	{"EnableUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.EnableUser(ctx, x.fay.ID))
	}, admin},
	{"FailOrder", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.FailOrder(ctx, x.processing.ID, "No fibre in the street"))
	}, visiting},
	{"FailPort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.FailPort(ctx, x.port.ID))
	}, visiting},
	{"HandOver", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.HandOver(ctx, x.ann.ID, pbx.Successor{FirstName: "New", Email: "new@example.com", Mobile: "+16175550198"}))
	}, admin},
	{"ImportUsers", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.ImportUsers(ctx, strings.NewReader("first_name,email,extension,number_source,station,applications,mac\r\n"+
			"New,new@example.com,,new,STANDARD,crm,00:1b:54:00:00:02\r\nOther,other@example.com,7850,,,,\r\n")))
	}, admin},
	{"IssueCredentials", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.IssueCredentials(ctx, x.bob.SIPAddress))
	}, admin},
	{"IssueCredentials", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.IssueCredentials(ctx, x.alias.SIPAddress))
	}, admin},
	{"ModifyAlias", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Alias, error) { return dir.Alias(ctx, x.alias.ID) },
			func(a *pbx.Alias) error {
				a.SIPAddress = "renamed@acme.example.com"
				return second(dir.ModifyAlias(ctx, a))
			})
	}, admin},
	{"ModifyLocation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Location, error) { return dir.Location(ctx, x.phone.LocationID) },
			func(l *pbx.Location) error { l.Building = "BOS-2"; return second(dir.ModifyLocation(ctx, l)) })
	}, admin},
	{"ModifyMailbox", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Mailbox, error) { return dir.Mailbox(ctx, x.line.ID) },
			func(m *pbx.Mailbox) error { m.Email = "other@example.com"; return second(dir.ModifyMailbox(ctx, m)) })
	}, admin},
	{"ModifyService", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Service, error) { return dir.Service(ctx, x.line.ID) },
			func(s *pbx.Service) error { s.DN, s.Name = "7810", "Renamed"; return second(dir.ModifyService(ctx, s)) })
	}, admin},
	{"ModifyTenant", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.Tenant, error) { return dir.Tenant(ctx) },
			func(t *pbx.Tenant) error { t.Policy.NumberMonthly = 700; return second(dir.ModifyTenant(ctx, t)) })
	}, admin},
	{"ModifyUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return modify(func() (*pbx.User, error) { return dir.User(ctx, x.ann.ID) },
			func(u *pbx.User) error {
				u.LastName, u.SIPAddress = "Renamed", "renamed@acme.example.com"
				return second(dir.ModifyUser(ctx, u))
			})
	}, admin},
	{"RemoveExtension", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.RemoveExtension(ctx, "7502") }, admin},
	{"RemoveMember", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.RemoveMember(ctx, x.group.ID, pbx.UserMember(x.ann.ID))
	}, admin},
	{"RemoveOwner", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RemoveOwner(ctx, x.national(), "kate"))
	}, admin},
	{"RequestForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RequestForeign(ctx, x.shared.ID, miCollab("Client")))
	}, admin},
	{"RequestPort", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RequestPort(ctx, pbx.NewPort{Carrier: "C", Date: x.port.Date, Numbers: []pbx.E164{"+16175550190", "+16175550191"}}))
	}, admin},
	{"RetryForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RetryForeign(ctx, x.refused.ID))
	}, admin},
	{"RetryOrder", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.RetryOrder(ctx, x.failed.ID))
	}, admin},
	{"ReturnNumber", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.ReturnNumber(ctx, "+16175550150")
	}, admin},
	{"SendWelcomeMail", func(ctx context.Context, dir *pbx.Directory, x *all) error { return dir.SendWelcomeMail(ctx, x.bob.ID) }, admin},
	{"SetDeviceLine", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.SetDeviceLine(ctx, x.second.ID, 1, pbx.AliasMember(x.alias.ID)))
	}, admin},
	{"SetKeys", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.SetKeys(ctx, x.line.ID, x.line.Rev, []pbx.PhoneKey{
			{Position: 1, Kind: pbx.KeySpeedDial, Target: "+16175550199"}, {Position: 2, Kind: pbx.KeyBusyLamp, Target: "7604"},
		}))
	}, admin},
	{"SetLineLocation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.SetLineLocation(ctx, x.national(), "EMPTY"))
	}, admin},
	{"SetMainExtension", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.SetMainExtension(ctx, x.ann.ID, "7502")
	}, admin},
	{"SetPIN", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.SetPIN(ctx, x.line.ID, "927461")
	}, admin},
	{"SetPrimary", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.SetPrimary(ctx, x.bob.ID, x.shared.ID)
	}, admin},
	{"SetPrimaryDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		for d, err := range dir.Devices(ctx, pbx.DeviceQuery{UserID: x.ann.ID}) {
			switch {
			case err != nil:
				return err
			case d.ID != x.phone.ID:
				return dir.SetPrimaryDevice(ctx, d.ID)
			}
		}
		return errors.New("there is no other device")
	}, admin},
	{"SetServiceType", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		for p, err := range dir.ServiceTypes(ctx) {
			switch {
			case err != nil:
				return err
			case p.Code == "PRO":
				return second(dir.SetServiceType(ctx, pbx.ServiceType{Code: p.Code, Rev: p.Rev, Name: "Pro", Monthly: 9}))
			}
		}
		return errors.New("there is no such product")
	}, admin},
	{"SetStationPool", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		for p, err := range dir.StationPools(ctx) {
			if err != nil {
				return err
			}
			return second(dir.SetStationPool(ctx, pbx.StationPool{Package: p.Package, Rev: p.Rev, Name: "Standard", Total: 9}))
		}
		return errors.New("there is no package")
	}, admin},
	{"SettleForeign", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.SettleForeign(ctx, x.asked.ID, pbx.Settlement{State: pbx.ForeignActive, Link: "https://micollab.example.com/new"}))
	}, visiting},
	{"SetUpUser", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		in := newcomer("newcomer")
		in.Station, in.Applications, in.DeviceID, in.Ports = "STANDARD", []string{"crm", "fax"}, x.spare.ID, 2
		return second(dir.SetUpUser(ctx, in))
	}, admin},
	{"StockNumbers", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.StockNumbers(ctx, "+16175550170", "+16175550171"))
	}, providing},
	{"UnassignDevice", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return dir.UnassignDevice(ctx, x.phone.ID)
	}, admin},
	{"WithdrawCancellation", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.WithdrawCancellation(ctx, x.cancelled.ID))
	}, admin},
	{"UpdateLine", func(ctx context.Context, dir *pbx.Directory, x *all) error {
		return second(dir.UpdateLine(ctx, x.national(), pbx.LineChange{AddOwners: []pbx.Principal{"lena"}, RemoveOwners: []pbx.Principal{"kate"}, Building: "EMPTY"}))
	}, admin},
}

func second[R any](_ R, err error) error { return err }

func modify[R any](read func() (R, error), change func(R) error) error {
	r, err := read()
	if err != nil {
		return err
	}
	return change(r)
}

// national is the number of the line that has everything.
func (x *all) national() string { return string(x.line.Number)[2:] }

// empty finds the location where nobody is.
func (x *all) empty(ctx context.Context, dir *pbx.Directory) pbx.LocationID {
	for l, err := range dir.Locations(ctx) {
		if err == nil && l.Building == "EMPTY" {
			return l.ID
		}
	}
	return pbx.LocationID{1}
}

func TestSYS4_EveryMethodIsEitherAnOperationOrARead(t *testing.T) {
	listed := slices.Clone(reads)
	for _, op := range operations {
		if !slices.Contains(listed, op.method) {
			listed = append(listed, op.method)
		}
	}
	slices.Sort(listed)
	var methods []string
	for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
		methods = append(methods, m.Name)
	}
	require.Equal(t, methods, listed, "a method is missing in the tables of this file, or listed twice")
}

// original is a world with everything in it, from which others are made.
type original struct {
	*world
	x    *all
	made uint64 // IDs
	file []byte // the SQLite store, if it is one

	lines map[pbx.Record]string // each record as text
}

// draws are the sources that a world draws from: what it draws in an operation
// can be foretold.
type draws struct{ counted }

func (c *draws) options(w *world) []pbx.Option {
	return []pbx.Option{
		pbx.WithClock(func() time.Time { return w.clock }), pbx.WithIDs(c.next),
		pbx.WithRandom(rand.NewChaCha8([32]byte{1})), sealed(w.t),
	}
}

func prepareOriginal(t *testing.T, store pbx.Store) *original {
	c := new(draws)
	clock := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	w := newWorld(t, store, c.options(&world{t: t, clock: clock})...)
	x := everything(w)
	w.location(w.dir, "EMPTY", "US", "")
	require.NoError(t, w.dir.SetPIN(w.ctx, x.line.ID, "482915"))
	report, err := w.support.Check(w.ctx)
	require.NoError(t, err)
	require.Empty(t, report.Violations)
	o := &original{world: w, x: x, made: c.drawn, lines: map[pbx.Record]string{}}
	for _, rec := range o.records(t) {
		o.lines[rec] = rendered(rec)
	}
	return o
}

// prepareFile is prepareOriginal in a file.
func prepareFile(t *testing.T) *original {
	file := filepath.Join(t.TempDir(), "original.db")
	store, err := sqlite.Open(context.Background(), file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	o := prepareOriginal(t, store)
	require.NoError(t, store.Close())
	o.file, err = os.ReadFile(file)
	require.NoError(t, err)
	return o
}

// records are all of them.
func (o *original) records(t *testing.T) (all []pbx.Record) {
	require.NoError(t, o.store.View(o.ctx, func(r pbx.Reader) error {
		for _, table := range pbx.Tables() {
			for rec, err := range r.Find(o.ctx, pbx.Query{Index: table.Key()}) {
				if err != nil {
					return err
				}
				all = append(all, rec)
			}
		}
		return nil
	}))
	return all
}

// replica is the original on another store with the same records.
type replica struct {
	*world
	*original
	draws  *draws
	faulty *faulty.Store
}

func (o *original) on(t *testing.T, store pbx.Store) *replica {
	w := *o.world
	w.t = t
	r := &replica{world: &w, original: o, draws: &draws{counted{o.made}}, faulty: faulty.New(store, faulty.Plan{})}
	w.store = store
	w.support = pbx.New(r.faulty.Whole(), r.draws.options(&w)...).As(pbx.Support("agent"))
	w.dir = w.support.As(pbx.Administrator("admin", w.us.ID))
	w.british = w.support.As(pbx.Administrator("admin", w.uk.ID))
	return r
}

// inMemory copies the original into memory.
func (o *original) inMemory(t *testing.T) *replica {
	store := memory.New()
	var changes []pbx.Change
	for _, rec := range o.records(t) {
		changes = append(changes, pbx.Change{New: rec})
	}
	require.NoError(t, store.Update(o.ctx, pbx.Provider, func(w pbx.Writer) error { return w.Apply(o.ctx, changes) }))
	return o.on(t, store)
}

// onDisk copies the original's file.
func (o *original) onDisk(t *testing.T) *replica {
	file := filepath.Join(t.TempDir(), "copy.db")
	require.NoError(t, os.WriteFile(file, o.file, 0o600))
	store, err := sqlite.Open(o.ctx, file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	return o.on(t, store)
}

// database copies the original into a database of its own.
func (o *original) database(t *testing.T) (dsn string) {
	return cloned(t, "everything", func(dsn string) error {
		store, err := postgres.Open(o.ctx, dsn)
		if err != nil {
			return err
		}
		defer store.Close()
		_, err = transfer.Copy(o.ctx, store, o.store)
		return err
	})
}

// onServer copies the original into PostgreSQL.
func (o *original) onServer(t *testing.T) *replica { return o.on(t, onServer(t, o.database(t))) }

// state is what the replica's store holds, as text, with the IDs that came
// after the original's numbered in their order, and without salts.
func (r *replica) state() string {
	var lines []string
	var fresh []int
	require.NoError(r.t, r.world.store.View(r.ctx, func(rd pbx.Reader) error {
		for _, table := range pbx.Tables() {
			for rec, err := range rd.Find(r.ctx, pbx.Query{Index: table.Key()}) {
				if err != nil {
					return err
				}
				line, known := r.lines[rec]
				if !known {
					line = rendered(rec)
					fresh = append(fresh, len(lines))
				}
				lines = append(lines, line)
			}
		}
		return nil
	}))
	plain := make([]string, len(fresh))
	for i, at := range fresh {
		plain[i] = lines[at]
	}
	for i, line := range strings.Split(r.plain(strings.Join(plain, "\x00")), "\x00") {
		if len(fresh) > 0 {
			lines[fresh[i]] = line
		}
	}
	return strings.Join(lines, "\n")
}

// rendered is a record as a line of text.
func rendered(rec pbx.Record) string {
	line := []byte(rec.Table().Name)
	for _, f := range rec.Fields(nil) {
		line = append(append(append(line, ' '), f.Name...), '=')
		switch v := f.Value().(type) {
		case string:
			line = append(line, v...)
		case int64:
			line = strconv.AppendInt(line, v, 10)
		case [16]byte:
			line = append(line, pbx.TenantID(v).String()...)
		case []byte:
			line = append(line, "secret"...)
		default:
			line = fmt.Append(line, v)
		}
	}
	return string(line)
}

// plain numbers the new IDs in a text.
func (r *replica) plain(text string) string {
	source := counted{r.original.made}
	var names []string
	for source.drawn < r.draws.drawn {
		if id := pbx.TenantID(source.next()).String(); strings.Contains(text, id) {
			names = append(names, id, fmt.Sprintf("<new %d>", len(names)/2))
		}
	}
	return strings.NewReplacer(names...).Replace(text)
}

// said is an operation's answer as text.
func (r *replica) said(err error) string {
	if err == nil {
		return "done"
	}
	return r.plain(err.Error())
}

// course is what an operation does in a world without faults: what it says, and
// what is in the store, the first time and the second.
type course struct {
	before, after, twice string
	first, again         string
	calls                int
}

func (op operation) course(r *replica, run runner) course {
	var c course
	c.before = r.state()
	r.faulty.Arm(faulty.Plan{})
	c.first = r.said(run(op, r.ctx, r))
	c.calls = len(r.faulty.Calls())
	c.after = r.state()
	report, err := r.support.Check(r.ctx)
	require.NoError(r.t, err)
	require.Empty(r.t, report.Violations, op.method)
	c.again = r.said(run(op, r.ctx, r))
	c.twice = r.state()
	return c
}

// runner calls an operation: at once, or through a review.
type runner func(op operation, ctx context.Context, r *replica) error

func atOnce(op operation, ctx context.Context, r *replica) error {
	return op.call(ctx, op.by.of(r.world), r.x)
}

func reviewed(op operation, ctx context.Context, r *replica) error {
	review, err := op.by.of(r.world).Review(ctx, func(ctx context.Context, dir *pbx.Directory) error { return op.call(ctx, dir, r.x) })
	if err != nil {
		return err
	}
	return review.Commit(ctx)
}

// endure runs an operation against one fault: the store has all of it or
// nothing, as the answer says. It returns which.
func (op operation) endure(r *replica, run runner, c course, plan faulty.Plan) (done bool) {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	if plan.On { // a fault that stays is not what is tried here: it ends the caller's context too
		plan.On, plan.Cancel = false, cancel
	}
	r.faulty.Arm(plan)
	err, panicked := attempt(func() error { return run(op, ctx, r) })
	r.faulty.Arm(faulty.Plan{})
	state := r.state()
	about := fmt.Sprintf("%s, %s: %v, panic %v", op.method, plan, err, panicked)
	switch {
	case !panicked && r.said(err) == c.first:
		require.Empty(r.t, cmp.Diff(c.after, state), about)
	case !panicked && errors.Is(err, pbx.ErrCommitUnknown):
		require.True(r.t, state == c.before || state == c.after, about)
	default:
		require.Empty(r.t, cmp.Diff(c.before, state), about)
	}
	return state == c.after
}

// again runs the operation after a fault: it does or says what it would have.
func (op operation) again(r *replica, run runner, c course, done bool) {
	want, after := c.first, c.after
	if done {
		want, after = c.again, c.twice
	}
	require.Equal(r.t, want, r.said(run(op, r.ctx, r)), op.method)
	require.Empty(r.t, cmp.Diff(after, r.state()), op.method)
}

func attempt(run func() error) (err error, panicked bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != any(faulty.ErrInjected) {
				panic(p)
			}
			panicked = true
		}
	}()
	return run(), false
}

// faultPlans are every fault at every call, and the end of the caller's context
// at each.
func faultPlans(calls int) (plans []faulty.Plan) {
	for plan := range faulty.Plans(calls) {
		if !plan.On || plan.Fault == faulty.ContextEnded {
			plans = append(plans, plan)
		}
	}
	return plans
}

// endureAll runs all operations against every share-th of the faults. A replica
// endures so many of them that leave nothing before the operation is run again
// on it.
func endureAll(t *testing.T, replicate func(t *testing.T) *replica, name string, run runner, share, many int) {
	for i, op := range operations {
		if op.method == "CheckPIN" && name == "reviewed" {
			continue // it refuses to be
		}
		t.Run(fmt.Sprintf("%s %s %d", name, op.method, i), func(t *testing.T) {
			c := op.course(replicate(t), run)
			require.False(t, c.before == c.after, "the operation changes nothing: "+c.first)
			var plans []faulty.Plan
			for n, plan := range faultPlans(c.calls) {
				if (n+i)%share == 0 {
					plans = append(plans, plan)
				}
			}
			for len(plans) > 0 {
				r := replicate(t)
				done := false
				for n := 0; n < many && len(plans) > 0 && !done; n++ {
					done = op.endure(r, run, c, plans[0])
					plans = plans[1:]
				}
				op.again(r, run, c, done)
			}
		})
	}
}

func TestSYS1_EveryOperationEnduresEveryFault(t *testing.T) {
	o := prepareOriginal(t, memory.New())
	endureAll(t, o.inMemory, "at once", atOnce, 1, 1)
	endureAll(t, o.inMemory, "reviewed", reviewed, 1, 1)
}

// A store that is told what will be read is asked otherwise, and can fail
// otherwise.
func TestSYS1_EveryOperationEnduresEveryFaultOfReadingAhead(t *testing.T) {
	o := prepareOriginal(t, memory.New())
	ahead := func(t *testing.T) *replica { return o.on(t, &faraway{Store: o.inMemory(t).world.store}) }
	endureAll(t, ahead, "at once", atOnce, 5, 1)
	endureAll(t, ahead, "reviewed", reviewed, 5, 1)
}

func TestSYS1_EveryOperationEnduresFaultsOnAServer(t *testing.T) {
	o := prepareOriginal(t, memory.New())
	endureAll(t, o.onServer, "at once", atOnce, 11, 25)
}

func TestSYS1_EveryOperationEnduresFaultsOnDisk(t *testing.T) {
	o := prepareFile(t)
	endureAll(t, o.onDisk, "at once", atOnce, 3, 25)
}
