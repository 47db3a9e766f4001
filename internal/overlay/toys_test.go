package overlay

import "github.com/pbxkit/pbx/store"

// The records of these tests: items, with every kind of index, and words, a small
// table with nothing but its key.

type id [16]byte

func (id id) UUID() [16]byte { return id }

var home = id{15: 1} // the tenant of all records

type Item struct {
	Tenant  id
	ID      id
	Rev     int64
	Code    string
	Name    string
	Count   int64
	State   string
	Owner   id
	FirstOf id // the owner whose first item this is
}

// Word is a record of two columns.
type Word struct {
	Tenant id
	Text   string
}

var (
	schema = new(store.Schema)
	items  = store.Declare[Item](schema, "items",
		store.Primary("tenant_id id"),
		store.Unique("items_code", "code"),
		store.Unique("items_first", "tenant_id first_of"),
		store.Ordered("items_by_state", "tenant_id state code id"),
		store.Ordered("items_by_owner", "tenant_id owner id"),
	)
	words = store.Declare[Word](schema, "words", store.Primary("tenant_id text"))
)

func (*Item) Table() *store.Table { return items }

func (it *Item) Fields(f []store.Field) []store.Field {
	return append(f,
		store.Field{Name: "tenant_id", Ptr: (*[16]byte)(&it.Tenant)}, store.Field{Name: "id", Ptr: (*[16]byte)(&it.ID)},
		store.Field{Name: "rev", Ptr: &it.Rev}, store.Field{Name: "code", Ptr: &it.Code},
		store.Field{Name: "name", Ptr: &it.Name}, store.Field{Name: "count", Ptr: &it.Count},
		store.Field{Name: "state", Ptr: &it.State},
		store.Field{Name: "owner", Ptr: (*[16]byte)(&it.Owner), Null: true},
		store.Field{Name: "first_of", Ptr: (*[16]byte)(&it.FirstOf), Null: true},
	)
}

func (*Word) Table() *store.Table { return words }

func (w *Word) Fields(f []store.Field) []store.Field {
	return append(f, store.Field{Name: "tenant_id", Ptr: (*[16]byte)(&w.Tenant)}, store.Field{Name: "text", Ptr: &w.Text})
}
