package pbx

import (
	"strings"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/store"
)

// The words that plans are made of, each for what some operations read
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

// place is where each of them is.
func (f prefetched) place() prefetched { return f.to(locationsTable.Key(), "location_id") }

// servicesOf are the services of a user, by his associations.
func (p *prefetch) servicesOf(user UserID) prefetched {
	return p.get(associationsTable.Key(), user).to(servicesTable.Key(), "service_id")
}

// usersOf are the users of a service, by its associations.
func (p *prefetch) usersOf(service ServiceID) prefetched {
	return p.get(associationsByService, service).to(usersTable.Key(), "user_id")
}

// services are those of each user.
func (f prefetched) services() prefetched {
	return f.to(associationsTable.Key(), "id").to(servicesTable.Key(), "service_id")
}

// users are those of each service.
func (f prefetched) users() prefetched {
	return f.to(associationsByService, "id").to(usersTable.Key(), "user_id")
}

// entitled is what decides the applications of each user.
func (f prefetched) entitled() {
	f.to(stationPoolsTable.Key(), "station")
	f.services().to(serviceTypesTable.Key(), "type")
}

// association is a user, a service, and what they have to do with each other.
func (p *prefetch) association(user UserID, service ServiceID) {
	p.user(user)
	p.service(service)
	p.get(associationsTable.Key(), user, service)
}

// withMailbox is a service and its mailbox.
func (p *prefetch) withMailbox(service ServiceID) prefetched {
	p.get(mailboxesTable.Key(), service)
	return p.service(service)
}

// numbered is what releasing the number of each service looks at.
func (f prefetched) numbered() {
	f.to(numbersTable.Key(), "number").to(numbersTable.Key(), "temporary_for")
}

// ending is what goes with each service.
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

// foreign are the foreign services of each line.
func (f prefetched) foreign() prefetched { return f.to(foreignByLine, "id") }

// aliasEnding is what goes with each alias.
func (f prefetched) aliasEnding() {
	f.to(membersByMember, "id").to(groupsTable.Key(), "group_id")
	f.to(deviceLinesByAlias, "id").to(devicesTable.Key(), "device_id")
	f.to(extensionsByAlias, "id")
	f.to(sipIdentitiesTable.Key(), "sip_address")
}

// departure is what goes with a user.
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

// reached are the extensions that reach each user.
func (f prefetched) reached() {
	f.to(extensionsByUser, "id")
	f.to(aliasesByUser, "id").to(extensionsByAlias, "id")
	f.services()
}

// holder is what each line of the dial plan reaches.
func (f prefetched) holder() {
	f.to(usersTable.Key(), "user_id")
	f.to(servicesTable.Key(), "service_id")
	f.to(aliasesTable.Key(), "alias_id")
	f.to(groupsTable.Key(), "group_id")
}

// line is the service with a national number.
func (p *prefetch) line(nationalNumber string) prefetched {
	number, ok := numplan.National(p.fixed().country, nationalNumber)
	if !ok {
		return prefetched{p, 0}
	}
	return p.get(servicesByNumber, number)
}

// shown is what a line's management record is put together from.
func (f prefetched) shown() {
	f.to(ownersTable.Key(), "id")
	f.users()
	f.place()
}

// login is who has a user ID.
func (p *prefetch) login(login string) { p.get(usersByLogin, text.FoldLogin(login)) }

func (p *prefetch) sip(address SIPAddress) prefetched {
	return p.get(sipIdentitiesTable.Key(), strings.ToLower(string(address)))
}

// sipAddress is who has the SIP address that is wanted, or those that would be
// generated first.
func (p *prefetch) sipAddress(wanted SIPAddress, from string, e Extension) {
	for _, address := range sipAddresses(wanted, from, e, p.fixed().domain) {
		p.sip(address)
	}
}

// sipAddresses are the one that is wanted, or those that would be generated
// first in a domain; none where that is not known.
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

// newcomer is what is looked at about a new user.
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
