package pbx

import (
	"strings"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/store"
)

// The parts that plans are made of: each plans to read what some operations need
// together.

func (p *prefetch) user(id UserID) prefetched       { return p.get(usersTable.Key(), id) }
func (p *prefetch) service(id ServiceID) prefetched { return p.get(servicesTable.Key(), id) }
func (p *prefetch) alias(id AliasID) prefetched     { return p.get(aliasesTable.Key(), id) }
func (p *prefetch) device(id DeviceID) prefetched   { return p.get(devicesTable.Key(), id) }
func (p *prefetch) group(id GroupID) prefetched     { return p.get(groupsTable.Key(), id) }
func (p *prefetch) foreign(id ForeignID) prefetched { return p.get(foreignTable.Key(), id) }

func (p *prefetch) location(id LocationID) prefetched { return p.get(locationsTable.Key(), id) }
func (p *prefetch) serviceType(code string) prefetched {
	return p.get(serviceTypesTable.Key(), code)
}
func (p *prefetch) stationPool(name string) prefetched { return p.get(stationPoolsTable.Key(), name) }
func (p *prefetch) extension(e Extension) prefetched   { return p.get(extensionsTable.Key(), string(e)) }
func (p *prefetch) number(e E164) prefetched           { return p.get(numbersTable.Key(), string(e)) }

// place plans to read the location of each record.
func (f prefetched) place() prefetched { return f.to(locationsTable.Key(), "location_id") }

// servicesOf plans to read the services of a user, by their associations.
func (p *prefetch) servicesOf(user UserID) prefetched {
	return p.get(associationsTable.Key(), user).to(servicesTable.Key(), "service_id")
}

// usersOf plans to read the users of a service, by its associations.
func (p *prefetch) usersOf(service ServiceID) prefetched {
	return p.get(associationsByService, service).to(usersTable.Key(), "user_id")
}

// services plans to read the services of each user.
func (f prefetched) services() prefetched {
	return f.to(associationsTable.Key(), "id").to(servicesTable.Key(), "service_id")
}

// users plans to read the users of each service.
func (f prefetched) users() prefetched {
	return f.to(associationsByService, "id").to(usersTable.Key(), "user_id")
}

// entitled plans to read what decides which applications each user can have.
func (f prefetched) entitled() {
	f.to(stationPoolsTable.Key(), "station")
	f.services().to(serviceTypesTable.Key(), "type")
}

// association plans to read a user, a service, and their association.
func (p *prefetch) association(user UserID, service ServiceID) {
	p.user(user)
	p.service(service)
	p.get(associationsTable.Key(), user, service)
}

// withMailbox plans to read a service and its mailbox.
func (p *prefetch) withMailbox(service ServiceID) prefetched {
	p.get(mailboxesTable.Key(), service)
	return p.service(service)
}

// numbered plans to read what releasing the number of each service needs.
func (f prefetched) numbered() {
	f.to(numbersTable.Key(), "number").to(numbersTable.Key(), "temporary_for")
}

// ending plans to read what ends with each service.
func (f prefetched) ending() {
	for _, part := range []struct {
		of     *store.Table
		column string
	}{
		{serviceTypesTable, "type"}, {mailboxesTable, "id"}, {ownersTable, "id"}, {extensionsTable, "dn"}, {devicesTable, "device_id"}, {serviceKeysTable, "id"},
	} {
		f.to(part.of.Key(), part.column)
	}
	f.numbered()
	f.foreign()
	users := f.users()
	users.entitled()
	users.to(extensionsByMain, "id")
	users.to(associationsByPrimary, "id")
}

// foreign plans to read the foreign services of each line.
func (f prefetched) foreign() prefetched { return f.to(foreignByLine, "id") }

// aliasEnding plans to read what ends with each alias.
func (f prefetched) aliasEnding() {
	f.to(membersByMember, "id").to(groupsTable.Key(), "group_id")
	f.to(deviceLinesByAlias, "id").to(devicesTable.Key(), "device_id")
	f.to(extensionsByAlias, "id")
	f.to(sipIdentitiesTable.Key(), "sip_address")
}

// departure plans to read what the deletion of a user needs.
func (f prefetched) departure(form Deletion) {
	f.to(stationPoolsTable.Key(), "station")
	devices := f.to(devicesByUser, "id")
	devices.to(servicesByDevice, "id")
	devices.to(deviceLinesTable.Key(), "id")
	f.to(extensionsByUser, "id")
	f.to(aliasesByUser, "id").aliasEnding()
	f.to(membersByMember, "id").to(groupsTable.Key(), "group_id")
	f.to(sipIdentitiesTable.Key(), "sip_address")
	services := f.services()
	if form == UserAndPhones {
		services.ending()
		return
	}
	services.to(mailboxesTable.Key(), "id")
	services.to(ownersTable.Key(), "id")
	services.to(serviceKeysTable.Key(), "id")
	services.foreign()
	services.users()
}

// reached plans to read the extensions that reach each user.
func (f prefetched) reached() {
	f.to(extensionsByUser, "id")
	f.to(aliasesByUser, "id").to(extensionsByAlias, "id")
	f.services()
}

// holder plans to read what each entry of the dial plan reaches.
func (f prefetched) holder() {
	f.to(usersTable.Key(), "user_id")
	f.to(servicesTable.Key(), "service_id")
	f.to(aliasesTable.Key(), "alias_id")
	f.to(groupsTable.Key(), "group_id")
}

// line plans to read the service with a national number.
func (p *prefetch) line(nationalNumber string) prefetched {
	number, ok := numplan.National(p.fixed().country, nationalNumber)
	if !ok {
		return prefetched{p, 0}
	}
	return p.get(servicesByNumber, number)
}

// shown plans to read what the management record of each line is made of.
func (f prefetched) shown() {
	f.to(ownersTable.Key(), "id")
	f.users()
	f.place()
}

// login plans to read who has a user ID.
func (p *prefetch) login(login string) { p.get(usersByLogin, text.FoldLogin(login)) }

func (p *prefetch) sip(address SIPAddress) prefetched {
	return p.get(sipIdentitiesTable.Key(), strings.ToLower(string(address)))
}

// sipAddress plans to read who has the SIP address that is wanted, or else those that
// would be generated first.
func (p *prefetch) sipAddress(wanted SIPAddress, from string, e Extension) {
	for _, address := range sipAddresses(wanted, from, e, p.fixed().domain) {
		p.sip(address)
	}
}

// sipAddresses returns the address that is wanted, or else those that would be
// generated first in a domain; none where the domain is not known.
func sipAddresses(wanted SIPAddress, from string, e Extension, domain string) []SIPAddress {
	if wanted != "" {
		return []SIPAddress{wanted}
	}
	if domain == "" {
		return nil
	}
	local := sipUser(from)
	list := []SIPAddress{SIPAddress(local + "@" + domain)}
	if e != "" {
		list = append(list, SIPAddress(withEnd(local, string(e))+"@"+domain))
	}
	return list
}

// newcomer plans to read what checking a new user needs.
func (p *prefetch) newcomer(in *NewUser) {
	login := in.Login
	if login == "" {
		login = in.Email
	}
	p.login(login)
	p.location(in.LocationID)
	p.extension(in.Extension)
	p.sipAddress(in.SIPAddress, login, in.Extension)
}
