package pbx

// The tables, each after those that its rows refer to, and the indexes that
// the operations read by. The SQL stores' migrations repeat them as tables,
// unique constraints and indexes of the same names, and add what rules must
// hold as CHECKs and foreign keys; a test of each store compares the two.
var (
	tenantsTable = table[Tenant]("tenants",
		key("id"),
		unique("tenants_sip_domain", "sip_domain"),
		ordered("tenants_by_name", "name_folded id"),
	)
	locationsTable = table[Location]("locations",
		key("tenant_id id"),
		unique("locations_building", "tenant_id building"),
	)
	serviceTypesTable = table[ServiceType]("service_types",
		key("tenant_id code"),
	)
	stationPoolsTable = table[StationPool]("station_pools",
		key("tenant_id package"),
	)
	usersTable = table[User]("users",
		key("tenant_id id"),
		unique("users_login", "login_folded"),
		ordered("users_by_last", "tenant_id last_folded first_folded id"),
		ordered("users_by_first", "tenant_id first_folded last_folded id"),
		ordered("users_by_location", "tenant_id location_id id"),
		ordered("users_by_station", "tenant_id station id"),
	)
	aliasesTable = table[Alias]("aliases",
		key("tenant_id id"),
		ordered("aliases_by_user", "tenant_id user_id id"),
	)
	sipIdentitiesTable = table[SIPIdentity]("sip_identities",
		key("address"),
	)
	groupsTable = table[Group]("call_groups",
		key("tenant_id id"),
		unique("call_groups_name", "tenant_id name_folded"),
	)
	membersTable = table[Member]("call_group_members",
		key("tenant_id group_id member_id"),
		ordered("call_group_members_by_member", "tenant_id member_id group_id"),
	)
	devicesTable = table[Device]("devices",
		key("tenant_id id"),
		unique("devices_mac", "mac"),
		unique("devices_primary", "tenant_id primary_of"),
		ordered("devices_by_state", "tenant_id state mac id"),
		ordered("devices_by_user", "tenant_id user_id id"),
		ordered("devices_by_location", "tenant_id location_id id"),
	)
	deviceLinesTable = table[DeviceLine]("device_lines",
		key("tenant_id device_id line"),
		unique("device_lines_user", "tenant_id user_id device_id"),
		unique("device_lines_alias", "tenant_id alias_id device_id"),
	)
	servicesTable = table[Service]("services",
		key("tenant_id id"),
		unique("services_dn", "tenant_id dn"),
		unique("services_number", "number"),
		ordered("services_by_type", "tenant_id type id"),
		ordered("services_by_location", "tenant_id location_id id"),
		ordered("services_by_device", "tenant_id device_id id"),
		ordered("services_by_cancellation", "tenant_id cancel_at id"),
	)
	serviceKeysTable = table[ServiceKey]("service_keys",
		key("tenant_id service_id position"),
	)
	associationsTable = table[Association]("associations",
		key("tenant_id user_id service_id"),
		unique("associations_slot", "tenant_id user_id slot"),
		unique("associations_primary", "tenant_id primary_of"),
		ordered("associations_by_service", "tenant_id service_id user_id"),
	)
	extensionsTable = table[DialEntry]("extensions",
		key("tenant_id digits"),
		unique("extensions_main", "tenant_id main_of"),
		unique("extensions_service", "tenant_id service_id"),
		ordered("extensions_by_user", "tenant_id user_id digits"),
		ordered("extensions_by_alias", "tenant_id alias_id digits"),
		ordered("extensions_by_group", "tenant_id group_id digits"),
	)
	ownersTable = table[Owner]("owners",
		key("tenant_id service_id principal"),
		ordered("owners_by_principal", "tenant_id principal service_id"),
	)
	mailboxesTable = table[Mailbox]("mailboxes",
		key("tenant_id service_id"),
		unique("mailboxes_number", "tenant_id number"),
	)
	foreignTable = table[ForeignService]("foreign_services",
		key("tenant_id id"),
		unique("foreign_services_line", "tenant_id service_id system name"),
	)
	portRequestsTable = table[PortRequest]("port_requests",
		key("tenant_id id"),
	)
	numbersTable = table[Number]("numbers",
		key("e164"),
		unique("numbers_service", "tenant_id service_id"),
		unique("numbers_waiting", "tenant_id waiting_id"),
		unique("numbers_temporary", "temporary_for"),
		ordered("numbers_by_state", "tenant_id state e164"),
		ordered("numbers_by_rest", "tenant_id state free_from e164"),
		ordered("numbers_by_port", "tenant_id port_id e164"),
	)
	ordersTable = table[Order]("orders",
		key("tenant_id id"),
		unique("orders_number", "tenant_id number"),
	)
	orderLinesTable = table[OrderLine]("order_lines",
		key("tenant_id order_id line"),
	)
	eventsTable = table[Event]("events",
		key("tenant_id seq pos"),
	)
	cursorsTable = table[Cursor]("cursors",
		key("subscriber tenant_id"),
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
