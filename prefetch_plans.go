package pbx

import (
	"strings"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/store"
)

// The words that plans are made of, each for what some operations read
// together.

func (a *ahead) user(id UserID) found       { return a.get(usersTable.Key(), id) }
func (a *ahead) service(id ServiceID) found { return a.get(servicesTable.Key(), id) }
func (a *ahead) alias(id AliasID) found     { return a.get(aliasesTable.Key(), id) }
func (a *ahead) device(id DeviceID) found   { return a.get(devicesTable.Key(), id) }
func (a *ahead) group(id GroupID) found     { return a.get(groupsTable.Key(), id) }
func (a *ahead) foreign(id ForeignID) found { return a.get(foreignTable.Key(), id) }

func (a *ahead) location(id LocationID) found { return a.get(locationsTable.Key(), id) }
func (a *ahead) serviceType(code string) found {
	return a.get(serviceTypesTable.Key(), code)
}
func (a *ahead) stationPool(name string) found { return a.get(stationPoolsTable.Key(), name) }
func (a *ahead) extension(e Extension) found   { return a.get(extensionsTable.Key(), string(e)) }
func (a *ahead) number(e E164) found           { return a.get(numbersTable.Key(), string(e)) }

// place is where each of them is.
func (f found) place() found { return f.to(locationsTable.Key(), "location_id") }

// servicesOf are the services of a user, by his associations.
func (a *ahead) servicesOf(user UserID) found {
	return a.get(associationsTable.Key(), user).to(servicesTable.Key(), "service_id")
}

// usersOf are the users of a service, by its associations.
func (a *ahead) usersOf(service ServiceID) found {
	return a.get(associationsByService, service).to(usersTable.Key(), "user_id")
}

// services are those of each user.
func (f found) services() found {
	return f.to(associationsTable.Key(), "id").to(servicesTable.Key(), "service_id")
}

// users are those of each service.
func (f found) users() found {
	return f.to(associationsByService, "id").to(usersTable.Key(), "user_id")
}

// entitled is what decides the applications of each user.
func (f found) entitled() {
	f.to(stationPoolsTable.Key(), "station")
	f.services().to(serviceTypesTable.Key(), "type")
}

// association is a user, a service, and what they have to do with each other.
func (a *ahead) association(user UserID, service ServiceID) {
	a.user(user)
	a.service(service)
	a.get(associationsTable.Key(), user, service)
}

// withMailbox is a service and its mailbox.
func (a *ahead) withMailbox(service ServiceID) found {
	a.get(mailboxesTable.Key(), service)
	return a.service(service)
}

// numbered is what releasing the number of each service looks at.
func (f found) numbered() {
	f.to(numbersTable.Key(), "number").to(numbersTable.Key(), "temporary_for")
}

// ending is what goes with each service.
func (f found) ending() {
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
func (f found) foreign() found { return f.to(foreignByLine, "id") }

// aliasEnding is what goes with each alias.
func (f found) aliasEnding() {
	f.to(membersByMember, "id").to(groupsTable.Key(), "group_id")
	f.to(deviceLinesByAlias, "id").to(devicesTable.Key(), "device_id")
	f.to(extensionsByAlias, "id")
	f.to(sipIdentitiesTable.Key(), "sip_address")
}

// departure is what goes with a user.
func (f found) departure(form Deletion) {
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
func (f found) reached() {
	f.to(extensionsByUser, "id")
	f.to(aliasesByUser, "id").to(extensionsByAlias, "id")
	f.services()
}

// holder is what each line of the dial plan reaches.
func (f found) holder() {
	f.to(usersTable.Key(), "user_id")
	f.to(servicesTable.Key(), "service_id")
	f.to(aliasesTable.Key(), "alias_id")
	f.to(groupsTable.Key(), "group_id")
}

// line is the service with a national number.
func (a *ahead) line(nationalNumber string) found {
	number, ok := numplan.National(a.fixed().country, nationalNumber)
	if !ok {
		return found{a, 0}
	}
	return a.get(servicesByNumber, number)
}

// shown is what a line's management record is put together from.
func (f found) shown() {
	f.to(ownersTable.Key(), "id")
	f.users()
	f.place()
}

// login is who has a user ID.
func (a *ahead) login(login string) { a.get(usersByLogin, text.FoldLogin(login)) }

func (a *ahead) sip(address SIPAddress) found {
	return a.get(sipIdentitiesTable.Key(), strings.ToLower(string(address)))
}

// sipAddress is who has the SIP address that is wanted, or those that would be
// generated first.
func (a *ahead) sipAddress(wanted SIPAddress, from string, e Extension) {
	for _, address := range sipAddresses(wanted, from, e, a.fixed().domain) {
		a.sip(address)
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
func (a *ahead) newcomer(in *NewUser) {
	login := in.Login
	if login == "" {
		login = in.Email
	}
	a.login(login)
	a.location(in.LocationID)
	a.extension(in.Extension)
	a.sipAddress(in.SIPAddress, login, in.Extension)
}
