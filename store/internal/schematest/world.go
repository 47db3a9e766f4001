// Package schematest has the changes that the constraints of every SQL store's
// schema must refuse.
package schematest

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// World has one valid record of every kind; each test breaks one thing.
type World struct {
	*Customer
	store   store.Store
	User    *pbx.User
	Other   *pbx.User // has no service
	Service *pbx.Service
	Bare    *pbx.Service // has no number, mailbox or user
	Device  *pbx.Device  // the user's
	Free    *pbx.Device
	Number  *pbx.Number // the service's
	Spare   *pbx.Number
	Stock   *pbx.Number
	Alias   *pbx.Alias
	Group   *pbx.Group
	Port    *pbx.PortRequest
	Order   *pbx.Order
	Foreign *Customer // another tenant
}

// New writes the world into an empty store.
func New(t testing.TB, db store.Store) *World {
	t.Helper()
	w := &World{Customer: NewCustomer(t, db, 1, 3), store: db, Foreign: NewCustomer(t, db, 2, 1)}
	changes := w.SetUp()
	w.User, w.Service = changes[1].New.(*pbx.User), changes[4].New.(*pbx.Service)
	w.Device, w.Number, w.Free, w.Spare = w.Devices[0], w.Numbers[0], w.Devices[1], w.Numbers[1]
	other := *w.User
	other.ID, other.Login, other.SIPAddress, other.Station = w.ID(), "other@example.com", "other@c1.example.com", ""
	w.Other = Set(&other, "login_folded", "other@example.com")
	bare := *w.Service
	bare.ID, bare.DN, bare.Number, bare.DeviceID = w.ID(), "20000", "", pbx.DeviceID{}
	w.Bare = &bare
	id := w.Tenant.ID
	w.Stock = &pbx.Number{E164: "+16175550100", TenantID: pbx.Provider, Rev: 1, State: pbx.NumberStock, CreatedAt: Noon}
	w.Alias = &pbx.Alias{TenantID: id, ID: w.ID(), Rev: 1, UserID: w.User.ID, Name: "Alias", SIPAddress: "alias@c1.example.com"}
	w.Group = &pbx.Group{TenantID: id, ID: w.ID(), Rev: 1, Kind: pbx.HuntGroup, Name: "Sales"}
	w.Port = &pbx.PortRequest{TenantID: id, ID: w.ID(), Rev: 1, Carrier: "Old", Date: Noon, State: pbx.PortRequested, CreatedAt: Noon}
	w.Order = &pbx.Order{
		TenantID: id, ID: w.ID(), Rev: 1, Number: 1, Status: pbx.OrderPlaced, PlacedBy: "admin", PlacedRole: pbx.RoleSupport,
		PlacedAt: Noon, UserID: w.User.ID,
	}
	provider := Set(&pbx.Tenant{ID: pbx.Provider, Rev: 1, Name: "provider", CreatedAt: Noon}, "name_folded", "provider")
	for _, r := range []store.Record{
		provider, w.Other, w.Bare, w.Stock, w.Alias,
		&pbx.SIPIdentity{Address: w.Alias.SIPAddress, TenantID: id, Rev: 1, AliasID: w.Alias.ID},
		w.Group, w.Port, w.Order,
		&pbx.DeviceLine{TenantID: id, DeviceID: w.Device.ID, Line: 1, Rev: 1, UserID: w.User.ID},
	} {
		changes = append(changes, store.Change{New: r})
	}
	require.NoError(t, apply(db, id, changes))
	return w
}

// Apply makes changes in an update of the first customer.
func (w *World) Apply(changes ...store.Change) error { return apply(w.store, w.Tenant.ID, changes) }

func apply(db store.Store, tenant pbx.TenantID, changes []store.Change) error {
	return db.Update(context.Background(), tenant, func(w store.Writer) error {
		return w.Apply(context.Background(), changes)
	})
}

// With is a changed copy of a record, and the change that makes it.
func With[R any, P interface {
	*R
	store.Record
}](old P, change func(P)) store.Change {
	row := *old
	change(&row)
	for _, f := range P(&row).Fields(nil) {
		if f.Name == "rev" {
			*f.Ptr.(*int64)++
		}
	}
	return store.Change{Old: old, New: P(&row)}
}

// Another is With, but makes a new record.
func Another[R any, P interface {
	*R
	store.Record
}](old P, change func(P)) store.Change {
	row := *old
	change(&row)
	return store.Change{New: P(&row)}
}

// Event is an event of the first customer, not there yet.
func (w *World) Event(seq int64) *pbx.Event {
	return event(w, func(e *pbx.Event) { e.Seq, e.Operation = seq, pbx.OperationID{1} }).New.(*pbx.Event)
}

// Location is a location of the first customer, not there yet.
func (w *World) Location(n int64) *pbx.Location {
	return &pbx.Location{TenantID: w.Tenant.ID, ID: pbx.LocationID{7, 14: byte(n >> 8), 15: byte(n)}, Rev: 1, Building: fmt.Sprint("B", n)}
}

// Read reads one record.
func (w *World) Read(k store.Key, into *store.Record) error {
	return w.store.View(context.Background(), func(r store.Reader) error {
		records, err := r.Get(context.Background(), k)
		if err == nil {
			*into = records[0]
		}
		return err
	})
}
