package pbx

import (
	"time"

	"github.com/pbxkit/pbx/store"
)

// schema has the tables, each after those that its rows refer to, and the indexes that
// operations read by. The migrations of the SQL stores repeat them as tables, unique
// constraints and indexes of the same names, and add CHECKs and foreign keys for what
// the rules promise. A test of each store compares the two.
var schema store.Schema

// Tables returns the declarations of all kinds of record. A table comes after those
// that its rows refer to. It is for stores.
func Tables() []*store.Table { return schema.Tables() }

var (
	tenantsTable = store.Declare[Tenant](&schema, "tenants",
		store.Primary("id"),
		store.Unique("tenants_sip_domain", "sip_domain"),
		store.Ordered("tenants_by_name", "name_folded id"),
	)
	locationsTable = store.Declare[Location](&schema, "locations",
		store.Primary("tenant_id id"),
		store.Unique("locations_building", "tenant_id building"),
	)
	serviceTypesTable = store.Declare[ServiceType](&schema, "service_types",
		store.Primary("tenant_id code"),
	)
	stationPoolsTable = store.Declare[StationPool](&schema, "station_pools",
		store.Primary("tenant_id package"),
	)
	usersTable = store.Declare[User](&schema, "users",
		store.Primary("tenant_id id"),
		store.Unique("users_login", "login_folded"),
		store.Ordered("users_by_last", "tenant_id last_folded first_folded id"),
		store.Ordered("users_by_first", "tenant_id first_folded last_folded id"),
		store.Ordered("users_by_location", "tenant_id location_id id"),
		store.Ordered("users_by_station", "tenant_id station id"),
	)
	aliasesTable = store.Declare[Alias](&schema, "aliases",
		store.Primary("tenant_id id"),
		store.Ordered("aliases_by_user", "tenant_id user_id id"),
	)
	sipIdentitiesTable = store.Declare[SIPIdentity](&schema, "sip_identities",
		store.Primary("address"),
	)
	groupsTable = store.Declare[Group](&schema, "call_groups",
		store.Primary("tenant_id id"),
		store.Unique("call_groups_name", "tenant_id name_folded"),
	)
	membersTable = store.Declare[Member](&schema, "call_group_members",
		store.Primary("tenant_id group_id member_id"),
		store.Ordered("call_group_members_by_member", "tenant_id member_id group_id"),
	)
	devicesTable = store.Declare[Device](&schema, "devices",
		store.Primary("tenant_id id"),
		store.Unique("devices_mac", "mac"),
		store.Unique("devices_primary", "tenant_id primary_of"),
		store.Ordered("devices_by_state", "tenant_id state mac id"),
		store.Ordered("devices_by_user", "tenant_id user_id id"),
		store.Ordered("devices_by_location", "tenant_id location_id id"),
	)
	deviceLinesTable = store.Declare[DeviceLine](&schema, "device_lines",
		store.Primary("tenant_id device_id line"),
		store.Unique("device_lines_user", "tenant_id user_id device_id"),
		store.Unique("device_lines_alias", "tenant_id alias_id device_id"),
	)
	servicesTable = store.Declare[Service](&schema, "services",
		store.Primary("tenant_id id"),
		store.Unique("services_dn", "tenant_id dn"),
		store.Unique("services_number", "number"),
		store.Ordered("services_by_type", "tenant_id type id"),
		store.Ordered("services_by_location", "tenant_id location_id id"),
		store.Ordered("services_by_device", "tenant_id device_id id"),
		store.Ordered("services_by_cancellation", "tenant_id cancel_at id"),
	)
	serviceKeysTable = store.Declare[ServiceKey](&schema, "service_keys",
		store.Primary("tenant_id service_id position"),
	)
	associationsTable = store.Declare[Association](&schema, "associations",
		store.Primary("tenant_id user_id service_id"),
		store.Unique("associations_slot", "tenant_id user_id slot"),
		store.Unique("associations_primary", "tenant_id primary_of"),
		store.Ordered("associations_by_service", "tenant_id service_id user_id"),
	)
	extensionsTable = store.Declare[DialEntry](&schema, "extensions",
		store.Primary("tenant_id digits"),
		store.Unique("extensions_main", "tenant_id main_of"),
		store.Unique("extensions_service", "tenant_id service_id"),
		store.Ordered("extensions_by_user", "tenant_id user_id digits"),
		store.Ordered("extensions_by_alias", "tenant_id alias_id digits"),
		store.Ordered("extensions_by_group", "tenant_id group_id digits"),
	)
	ownersTable = store.Declare[Owner](&schema, "owners",
		store.Primary("tenant_id service_id principal"),
		store.Ordered("owners_by_principal", "tenant_id principal service_id"),
	)
	mailboxesTable = store.Declare[Mailbox](&schema, "mailboxes",
		store.Primary("tenant_id service_id"),
		store.Unique("mailboxes_number", "tenant_id number"),
	)
	foreignTable = store.Declare[ForeignService](&schema, "foreign_services",
		store.Primary("tenant_id id"),
		store.Unique("foreign_services_line", "tenant_id service_id system name"),
	)
	portRequestsTable = store.Declare[PortRequest](&schema, "port_requests",
		store.Primary("tenant_id id"),
	)
	numbersTable = store.Declare[Number](&schema, "numbers",
		store.Primary("e164"),
		store.Unique("numbers_service", "tenant_id service_id"),
		store.Unique("numbers_waiting", "tenant_id waiting_id"),
		store.Unique("numbers_temporary", "temporary_for"),
		store.Ordered("numbers_by_state", "tenant_id state e164"),
		store.Ordered("numbers_by_rest", "tenant_id state free_from e164"),
		store.Ordered("numbers_by_port", "tenant_id port_id e164"),
	)
	ordersTable = store.Declare[Order](&schema, "orders",
		store.Primary("tenant_id id"),
		store.Unique("orders_number", "tenant_id number"),
	)
	orderLinesTable = store.Declare[OrderLine](&schema, "order_lines",
		store.Primary("tenant_id order_id line"),
	)
	eventsTable = store.Declare[Event](&schema, "events",
		store.Primary("tenant_id seq pos"),
	)
	cursorsTable = store.Declare[Cursor](&schema, "cursors",
		store.Primary("subscriber tenant_id"),
	)
)

var (
	tenantsBySIPDomain     = tenantsTable.Index("tenants_sip_domain")
	tenantsByName          = tenantsTable.Index("tenants_by_name")
	locationsByBuilding    = locationsTable.Index("locations_building")
	usersByLogin           = usersTable.Index("users_login")
	usersByLast            = usersTable.Index("users_by_last")
	usersByFirst           = usersTable.Index("users_by_first")
	usersByLocation        = usersTable.Index("users_by_location")
	aliasesByUser          = aliasesTable.Index("aliases_by_user")
	groupsByName           = groupsTable.Index("call_groups_name")
	membersByMember        = membersTable.Index("call_group_members_by_member")
	devicesByMAC           = devicesTable.Index("devices_mac")
	devicesByPrimary       = devicesTable.Index("devices_primary")
	devicesByState         = devicesTable.Index("devices_by_state")
	devicesByUser          = devicesTable.Index("devices_by_user")
	devicesByLocation      = devicesTable.Index("devices_by_location")
	deviceLinesByUser      = deviceLinesTable.Index("device_lines_user")
	deviceLinesByAlias     = deviceLinesTable.Index("device_lines_alias")
	servicesByDN           = servicesTable.Index("services_dn")
	servicesByNumber       = servicesTable.Index("services_number")
	servicesByLocation     = servicesTable.Index("services_by_location")
	servicesByDevice       = servicesTable.Index("services_by_device")
	servicesByCancellation = servicesTable.Index("services_by_cancellation")
	foreignByLine          = foreignTable.Index("foreign_services_line")
	associationsBySlot     = associationsTable.Index("associations_slot")
	associationsByPrimary  = associationsTable.Index("associations_primary")
	associationsByService  = associationsTable.Index("associations_by_service")
	extensionsByMain       = extensionsTable.Index("extensions_main")
	extensionsByUser       = extensionsTable.Index("extensions_by_user")
	extensionsByAlias      = extensionsTable.Index("extensions_by_alias")
	extensionsByGroup      = extensionsTable.Index("extensions_by_group")
	mailboxesByNumber      = mailboxesTable.Index("mailboxes_number")
	numbersByWaiting       = numbersTable.Index("numbers_waiting")
	numbersByTemporary     = numbersTable.Index("numbers_temporary")
	numbersByState         = numbersTable.Index("numbers_by_state")
	numbersByRest          = numbersTable.Index("numbers_by_rest")
	numbersByPort          = numbersTable.Index("numbers_by_port")
	ordersByNumber         = ordersTable.Index("orders_number")
)

// The constructors of fields. They also say what may differ between two runs of the same
// operation (store.Volatility), so that a review can compare the rest.

func words(name string, p *string) store.Field    { return store.Field{Name: name, Ptr: p} }
func optional(name string, p *string) store.Field { return store.Field{Name: name, Ptr: p, Null: true} }
func integer(name string, p *int64) store.Field   { return store.Field{Name: name, Ptr: p} }
func boolean(name string, p *bool) store.Field    { return store.Field{Name: name, Ptr: p} }
func list(name string, p *[]string) store.Field   { return store.Field{Name: name, Ptr: p} }

// counter is a count that other operations change too.
func counter(name string, p *int64) store.Field {
	return store.Field{Name: name, Ptr: p, Varies: store.Volatile}
}

// revision is the column that counts a record's changes.
func revision(p *int64) store.Field { return counter("rev", p) }

// moment is a time read from the clock.
func moment(name string, p *time.Time) store.Field {
	return store.Field{Name: name, Ptr: p, Varies: store.Stamp}
}

// maybeTime is a moment, or NULL.
func maybeTime(name string, p *time.Time) store.Field {
	return store.Field{Name: name, Ptr: p, Null: true, Varies: store.Stamp}
}

// maybeDay is a time of which only the day counts, or NULL.
func maybeDay(name string, p *time.Time) store.Field {
	return store.Field{Name: name, Ptr: p, Null: true, Varies: store.TimeOfDay}
}

// maybeDeadline is a time that lies a fixed time after the operation, or NULL.
func maybeDeadline(name string, p *time.Time) store.Field {
	return store.Field{Name: name, Ptr: p, Null: true, Varies: store.Deadline}
}

// salted is a value that never comes out the same twice.
func salted(name string, p *[]byte) store.Field {
	return store.Field{Name: name, Ptr: p, Null: true, Varies: store.Stamp}
}

func id[R any](name string, p *ID[R]) store.Field {
	return store.Field{Name: name, Ptr: (*[16]byte)(p)}
}

func maybeID[R any](name string, p *ID[R]) store.Field {
	return store.Field{Name: name, Ptr: (*[16]byte)(p), Null: true}
}
