package pbx

import (
	"cmp"
	"context"
	"strings"

	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/store"
)

// prefetch reads ahead what some rows need, in three trips: the records that they
// name; who has what they want; and the numbers and extensions from which theirs
// are chosen.
func (im *importing) prefetch(ctx context.Context, rows []*csvRow) error {
	var named []store.Key
	for _, row := range rows {
		named = append(named, im.namedBy(row)...)
	}
	if err := im.Load(ctx, named...); err != nil {
		return err
	}
	if err := im.Load(ctx, im.holders(named)...); err != nil {
		return err
	}
	return im.tx.prefetch(ctx, func(p *prefetch) {
		im.choices(p, rows)
		im.sharedLines(p, rows)
	})
}

// sharedLines plans to read what sharing the lines of rows needs.
func (im *importing) sharedLines(p *prefetch, rows []*csvRow) {
	for _, row := range rows {
		entry, _ := im.Known(im.keyed(extensionsTable.Key(), string(row.in.Extension))).(*DialEntry)
		if row.line == lineShared && entry != nil {
			p.service(entry.ServiceID).to(serviceTypesTable.Key(), "type")
			p.get(foreignByLine, entry.ServiceID) // also where the line is only staged
			p.usersOf(entry.ServiceID)
		}
	}
}

// keyed is the key of a record by a value of its own, with the tenant before it in
// an index that begins with the tenant.
func (t *tx) keyed(ix *store.Index, value any) store.Key {
	if ix.Table.Columns[ix.Columns[0]].Name == "tenant_id" {
		return ix.At(t.tenantID, value)
	}
	return ix.At(value)
}

// namedBy are the records that a row names.
func (im *importing) namedBy(row *csvRow) []store.Key {
	in := &row.in
	login := cmp.Or(in.Login, in.Email)
	var keys []store.Key
	add := func(ix *store.Index, value string) {
		if value != "" {
			keys = append(keys, im.keyed(ix, value))
		}
	}
	add(usersByLogin, text.FoldLogin(login))
	add(extensionsTable.Key(), string(in.Extension))
	add(locationsByBuilding, row.building)
	add(devicesByMAC, string(row.mac))
	add(serviceTypesTable.Key(), in.ServiceType)
	add(stationPoolsTable.Key(), in.Station)
	add(numbersTable.Key(), string(in.Number.Number))
	for _, address := range sipAddresses(in.SIPAddress, login, in.Extension, im.tenant.SIPDomain) {
		add(sipIdentitiesTable.Key(), strings.ToLower(string(address)))
	}
	return keys
}

// holders are the records that would be named as holders if what is named is taken.
func (im *importing) holders(named []store.Key) []store.Key {
	var keys []store.Key
	add := func(table *store.Table, id interface{ UUID() [16]byte }) {
		if id.UUID() != [16]byte{} {
			keys = append(keys, im.keyed(table.Key(), id))
		}
	}
	for _, k := range named {
		switch rec := im.Known(k).(type) {
		case *DialEntry:
			add(usersTable, rec.UserID)
			add(servicesTable, rec.ServiceID)
			add(aliasesTable, rec.AliasID)
			add(groupsTable, rec.GroupID)
		case *SIPIdentity:
			add(usersTable, rec.UserID)
			add(aliasesTable, rec.AliasID)
		case *Number:
			add(servicesTable, rec.ServiceID)
			add(servicesTable, rec.WaitingID)
		case *Device:
			add(usersTable, rec.UserID)
		}
	}
	return keys
}

// choices plans to read as many numbers in stock of each area as the rows may
// take, and the extensions that are dialled, between which free ones are found.
func (im *importing) choices(p *prefetch, rows []*csvRow) {
	var areas []string
	wanted, extensions := make(map[string]int), 0
	for _, row := range rows {
		for _, area := range im.areasOf(row) {
			if wanted[area]++; wanted[area] == 1 {
				areas = append(areas, area)
			}
		}
		if row.guided && row.in.Extension == "" && row.in.fillsDN() {
			extensions++
		}
	}
	for _, area := range areas {
		p.scan(im.stillInStock(area, wanted[area]))
	}
	if extensions > 0 && im.core.allocate == nil {
		p.scan(dialledIn(im.tenantID, im.tenant.firstCandidate(), im.tenant.Policy.ExtensionLast, extensions+64))
	}
}

// areasOf are the areas from which a row may take a number that it does not name: a
// proposed or a temporary one.
func (im *importing) areasOf(row *csvRow) []string {
	choice := row.in.Number
	at, _ := im.Known(im.keyed(locationsByBuilding, row.building)).(*Location)
	named, _ := im.Known(im.keyed(numbersTable.Key(), string(choice.Number))).(*Number)
	switch {
	case choice.Source == FromProvider && choice.Number == "" && (choice.Prefix == "" || im.hasNewNumbersLike(choice.Prefix, at)):
		return im.proposals(choice.Prefix, at)
	case choice.Source == FromTenant && named != nil && named.State == NumberPorting:
		return im.areas(at)
	}
	return nil
}
