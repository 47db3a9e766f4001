package pbx

// The tables, each after those that its rows refer to, and the indexes that
// the operations read by. The SQL stores' migrations repeat them as tables,
// unique constraints and indexes of the same names, and add what rules must
// hold as CHECKs and foreign keys; a test of each store compares the two.
var schema Schema

// Tables returns the declarations of all kinds of record, such that a table
// comes after those that its rows refer to.
func Tables() []*Table { return schema.Tables() }

var (
	tenantsTable = Declare[Tenant](&schema, "tenants",
		Primary("id"),
		Unique("tenants_sip_domain", "sip_domain"),
		Ordered("tenants_by_name", "name_folded id"),
	)
	locationsTable = Declare[Location](&schema, "locations",
		Primary("tenant_id id"),
		Unique("locations_building", "tenant_id building"),
	)
	serviceTypesTable = Declare[ServiceType](&schema, "service_types",
		Primary("tenant_id code"),
	)
	stationPoolsTable = Declare[StationPool](&schema, "station_pools",
		Primary("tenant_id package"),
	)
	usersTable = Declare[User](&schema, "users",
		Primary("tenant_id id"),
		Unique("users_login", "login_folded"),
		Ordered("users_by_last", "tenant_id last_folded first_folded id"),
		Ordered("users_by_first", "tenant_id first_folded last_folded id"),
		Ordered("users_by_location", "tenant_id location_id id"),
		Ordered("users_by_station", "tenant_id station id"),
	)
	aliasesTable = Declare[Alias](&schema, "aliases",
		Primary("tenant_id id"),
		Ordered("aliases_by_user", "tenant_id user_id id"),
	)
	sipIdentitiesTable = Declare[SIPIdentity](&schema, "sip_identities",
		Primary("address"),
	)
	groupsTable = Declare[Group](&schema, "call_groups",
		Primary("tenant_id id"),
		Unique("call_groups_name", "tenant_id name_folded"),
	)
	membersTable = Declare[Member](&schema, "call_group_members",
		Primary("tenant_id group_id member_id"),
		Ordered("call_group_members_by_member", "tenant_id member_id group_id"),
	)
	devicesTable = Declare[Device](&schema, "devices",
		Primary("tenant_id id"),
		Unique("devices_mac", "mac"),
		Unique("devices_primary", "tenant_id primary_of"),
		Ordered("devices_by_state", "tenant_id state mac id"),
		Ordered("devices_by_user", "tenant_id user_id id"),
		Ordered("devices_by_location", "tenant_id location_id id"),
	)
	deviceLinesTable = Declare[DeviceLine](&schema, "device_lines",
		Primary("tenant_id device_id line"),
		Unique("device_lines_user", "tenant_id user_id device_id"),
		Unique("device_lines_alias", "tenant_id alias_id device_id"),
	)
	servicesTable = Declare[Service](&schema, "services",
		Primary("tenant_id id"),
		Unique("services_dn", "tenant_id dn"),
		Unique("services_number", "number"),
		Ordered("services_by_type", "tenant_id type id"),
		Ordered("services_by_location", "tenant_id location_id id"),
		Ordered("services_by_device", "tenant_id device_id id"),
		Ordered("services_by_cancellation", "tenant_id cancel_at id"),
	)
	serviceKeysTable = Declare[ServiceKey](&schema, "service_keys",
		Primary("tenant_id service_id position"),
	)
	associationsTable = Declare[Association](&schema, "associations",
		Primary("tenant_id user_id service_id"),
		Unique("associations_slot", "tenant_id user_id slot"),
		Unique("associations_primary", "tenant_id primary_of"),
		Ordered("associations_by_service", "tenant_id service_id user_id"),
	)
	extensionsTable = Declare[DialEntry](&schema, "extensions",
		Primary("tenant_id digits"),
		Unique("extensions_main", "tenant_id main_of"),
		Unique("extensions_service", "tenant_id service_id"),
		Ordered("extensions_by_user", "tenant_id user_id digits"),
		Ordered("extensions_by_alias", "tenant_id alias_id digits"),
		Ordered("extensions_by_group", "tenant_id group_id digits"),
	)
	ownersTable = Declare[Owner](&schema, "owners",
		Primary("tenant_id service_id principal"),
		Ordered("owners_by_principal", "tenant_id principal service_id"),
	)
	mailboxesTable = Declare[Mailbox](&schema, "mailboxes",
		Primary("tenant_id service_id"),
		Unique("mailboxes_number", "tenant_id number"),
	)
	foreignTable = Declare[ForeignService](&schema, "foreign_services",
		Primary("tenant_id id"),
		Unique("foreign_services_line", "tenant_id service_id system name"),
	)
	portRequestsTable = Declare[PortRequest](&schema, "port_requests",
		Primary("tenant_id id"),
	)
	numbersTable = Declare[Number](&schema, "numbers",
		Primary("e164"),
		Unique("numbers_service", "tenant_id service_id"),
		Unique("numbers_waiting", "tenant_id waiting_id"),
		Unique("numbers_temporary", "temporary_for"),
		Ordered("numbers_by_state", "tenant_id state e164"),
		Ordered("numbers_by_rest", "tenant_id state free_from e164"),
		Ordered("numbers_by_port", "tenant_id port_id e164"),
	)
	ordersTable = Declare[Order](&schema, "orders",
		Primary("tenant_id id"),
		Unique("orders_number", "tenant_id number"),
	)
	orderLinesTable = Declare[OrderLine](&schema, "order_lines",
		Primary("tenant_id order_id line"),
	)
	eventsTable = Declare[Event](&schema, "events",
		Primary("tenant_id seq pos"),
	)
	cursorsTable = Declare[Cursor](&schema, "cursors",
		Primary("subscriber tenant_id"),
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
