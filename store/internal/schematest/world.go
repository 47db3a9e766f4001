// Package schematest holds the constraints of the SQL stores' schemas to what
// they have in common: changes that each of them must refuse.
package schematest

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
)

// World is one of everything, all of it right; each test breaks one thing.
type World struct {
	*customer
	store   pbx.Store
	user    *pbx.User
	other   *pbx.User // has no service
	service *pbx.Service
	bare    *pbx.Service // has no number, mailbox or user
	device  *pbx.Device  // the user's
	free    *pbx.Device
	number  *pbx.Number // the service's
	spare   *pbx.Number
	stock   *pbx.Number
	alias   *pbx.Alias
	group   *pbx.Group
	port    *pbx.PortRequest
	order   *pbx.Order
	foreign *customer // another tenant
}

// New writes the world into an empty store.
func New(t testing.TB, store pbx.Store) *World {
	t.Helper()
	w := &World{customer: newCustomer(t, store, 1, 3), store: store, foreign: newCustomer(t, store, 2, 1)}
	changes := w.setUp()
	w.user, w.service = changes[1].New.(*pbx.User), changes[4].New.(*pbx.Service)
	w.device, w.number, w.free, w.spare = w.devices[0], w.numbers[0], w.devices[1], w.numbers[1]
	other := *w.user
	other.ID, other.Login, other.SIPAddress, other.Station = w.id(), "other@example.com", "other@c1.example.com", ""
	w.other = set(&other, "login_folded", "other@example.com")
	bare := *w.service
	bare.ID, bare.DN, bare.Number, bare.DeviceID = w.id(), "20000", "", pbx.DeviceID{}
	w.bare = &bare
	id := w.tenant.ID
	w.stock = &pbx.Number{E164: "+16175550100", TenantID: pbx.Provider, Rev: 1, State: pbx.NumberStock, CreatedAt: noon}
	w.alias = &pbx.Alias{TenantID: id, ID: w.id(), Rev: 1, UserID: w.user.ID, Name: "Alias", SIPAddress: "alias@c1.example.com"}
	w.group = &pbx.Group{TenantID: id, ID: w.id(), Rev: 1, Kind: pbx.HuntGroup, Name: "Sales"}
	w.port = &pbx.PortRequest{TenantID: id, ID: w.id(), Rev: 1, Carrier: "Old", Date: noon, State: pbx.PortRequested, CreatedAt: noon}
	w.order = &pbx.Order{
		TenantID: id, ID: w.id(), Rev: 1, Number: 1, Status: pbx.OrderPlaced, PlacedBy: "admin", PlacedRole: pbx.RoleSupport,
		PlacedAt: noon, UserID: w.user.ID,
	}
	provider := set(&pbx.Tenant{ID: pbx.Provider, Rev: 1, Name: "provider", CreatedAt: noon}, "name_folded", "provider")
	for _, r := range []pbx.Record{
		provider, w.other, w.bare, w.stock, w.alias,
		&pbx.SIPIdentity{Address: w.alias.SIPAddress, TenantID: id, Rev: 1, AliasID: w.alias.ID},
		w.group, w.port, w.order,
	} {
		changes = append(changes, pbx.Change{New: r})
	}
	require.NoError(t, apply(store, id, changes))
	return w
}

// Apply makes changes in an update of the first customer.
func (w *World) Apply(changes ...pbx.Change) error { return apply(w.store, w.tenant.ID, changes) }

func apply(store pbx.Store, tenant pbx.TenantID, changes []pbx.Change) error {
	return store.Update(context.Background(), tenant, func(w pbx.Writer) error {
		return w.Apply(context.Background(), changes)
	})
}

// with is a changed copy of a record, and the change that makes it.
func with[R any, P interface {
	*R
	pbx.Record
}](old P, change func(P)) pbx.Change {
	row := *old
	change(&row)
	for _, f := range P(&row).Fields(nil) {
		if f.Name == "rev" {
			*f.Ptr.(*int64)++
		}
	}
	return pbx.Change{Old: old, New: P(&row)}
}

// another is with, but makes a new record.
func another[R any, P interface {
	*R
	pbx.Record
}](old P, change func(P)) pbx.Change {
	row := *old
	change(&row)
	return pbx.Change{New: P(&row)}
}

// Tenant is the first customer.
func (w *World) Tenant() pbx.TenantID { return w.tenant.ID }

// Event is an event of the first customer, not there yet.
func (w *World) Event(seq int64) *pbx.Event {
	return event(w, func(e *pbx.Event) { e.Seq, e.Operation = seq, pbx.OperationID{1} }).New.(*pbx.Event)
}

// Location is a location of the first customer, not there yet.
func (w *World) Location(n int64) *pbx.Location {
	return &pbx.Location{TenantID: w.tenant.ID, ID: pbx.LocationID{7, 14: byte(n >> 8), 15: byte(n)}, Rev: 1, Building: fmt.Sprint("B", n)}
}

// Read reads one record.
func (w *World) Read(k pbx.Key, into *pbx.Record) error {
	return w.store.View(context.Background(), func(r pbx.Reader) error {
		records, err := r.Get(context.Background(), k)
		if err == nil {
			*into = records[0]
		}
		return err
	})
}
