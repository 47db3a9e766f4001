package overlay

import "github.com/pbxkit/pbx/store"

// The records of these tests: a table with every kind of index, and a small one.

type uuid [16]byte

func (id uuid) UUID() [16]byte { return id }

type (
	TenantID    = uuid
	UserID      = uuid
	DeviceID    = uuid
	MAC         string
	DeviceState string
)

var Provider = TenantID{15: 1}

const (
	DeviceAvailable DeviceState = "available"
	DeviceAssigned  DeviceState = "assigned"
	DeviceInService DeviceState = "in-service"
)

type Device struct {
	TenantID  TenantID
	ID        DeviceID
	Rev       int64
	MAC       MAC
	Model     string
	Ports     int64
	State     DeviceState
	UserID    UserID
	PrimaryOf UserID
}

var (
	schema       store.Schema
	devicesTable = store.Declare[Device](&schema, "devices",
		store.Primary("tenant_id id"),
		store.Unique("devices_mac", "mac"),
		store.Unique("devices_primary", "tenant_id primary_of"),
		store.Ordered("devices_by_state", "tenant_id state mac id"),
		store.Ordered("devices_by_user", "tenant_id user_id id"),
	)
	extensionsTable = store.Declare[DialEntry](&schema, "extensions", store.Primary("tenant_id digits"))
)

func (d *Device) Table() *store.Table { return devicesTable }

func (d *Device) Fields(f []store.Field) []store.Field {
	return append(f,
		store.Field{Name: "tenant_id", Ptr: (*[16]byte)(&d.TenantID)}, store.Field{Name: "id", Ptr: (*[16]byte)(&d.ID)},
		store.Field{Name: "rev", Ptr: &d.Rev}, store.Field{Name: "mac", Ptr: (*string)(&d.MAC)},
		store.Field{Name: "model", Ptr: &d.Model}, store.Field{Name: "ports", Ptr: &d.Ports},
		store.Field{Name: "state", Ptr: (*string)(&d.State)},
		store.Field{Name: "user_id", Ptr: (*[16]byte)(&d.UserID), Null: true},
		store.Field{Name: "primary_of", Ptr: (*[16]byte)(&d.PrimaryOf), Null: true},
	)
}

// DialEntry is a record of two columns.
type DialEntry struct {
	TenantID TenantID
	Digits   string
}

func (e *DialEntry) Table() *store.Table { return extensionsTable }

func (e *DialEntry) Fields(f []store.Field) []store.Field {
	return append(f, store.Field{Name: "tenant_id", Ptr: (*[16]byte)(&e.TenantID)}, store.Field{Name: "digits", Ptr: &e.Digits})
}

// part runs what is taken back when it gives an error.
func (o *Overlay) part(run func() error) error {
	mark := o.Mark()
	err := run()
	if err != nil {
		o.TakeBack(mark)
	}
	return err
}
