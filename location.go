package pbx

import (
	"context"
	"fmt"
	"iter"

	"github.com/pbxkit/pbx/internal/numplan"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Location is a site or building of a tenant.
type Location struct {
	TenantID TenantID
	ID       LocationID
	Rev      int64
	Building string // the code by which lines name it, unique in the tenant
	Name     string
	Address  CivicAddress
	// NumberPrefix is the beginning, in E.164, of the numbers that are near
	// the location: "+1617" (NUM-4). Empty: anywhere in the country.
	NumberPrefix string
}

// CivicAddress is where an emergency call would be dispatched to.
type CivicAddress struct {
	Street, City, Region, PostalCode string
	Country                          string // ISO 3166-1 alpha-2
}

// Table returns the declaration of locations.
func (l *Location) Table() *store.Table { return locationsTable }

// Fields appends the location's columns.
func (l *Location) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &l.TenantID), id("id", &l.ID), revision(&l.Rev),
		words("building", &l.Building), words("name", &l.Name),
		words("street", &l.Address.Street), words("city", &l.Address.City), words("region", &l.Address.Region),
		words("postal_code", &l.Address.PostalCode), words("country", &l.Address.Country),
		words("number_prefix", &l.NumberPrefix),
	)
}

func (l *Location) ref() Ref { return Ref{"location", l.ID.String(), l.Building} }

// NewLocation is what AddLocation needs to know of a site.
type NewLocation struct {
	Building     string // required, unique in the tenant: letters, digits, '.', '_', '-', up to 32
	Name         string // up to 64 characters
	Address      CivicAddress
	NumberPrefix string // E.164, such as "+1617"; or empty
}

// AddLocation adds a site to the tenant (ACC-1). Its address needs a country
// at least; e911 needs all of it (USR-6).
//
// Errors: ErrInvalid for bad fields, all at once; ErrConflict for a building
// code that is taken.
func (d *Directory) AddLocation(ctx context.Context, in NewLocation) (*Location, error) {
	var made *Location
	err := d.change(ctx, "AddLocation", func(p *prefetch) { p.get(locationsByBuilding, in.Building) }, func(t *tx) error {
		row := &Location{TenantID: t.tenantID, Building: in.Building, Name: in.Name, Address: in.Address, NumberPrefix: in.NumberPrefix}
		if err := row.validate(); err != nil {
			return err
		}
		if err := t.freeBuilding(ctx, row.Building); err != nil {
			return err
		}
		row.ID = t.newID()
		t.Insert(row)
		t.did("location.created", row.ref(), "")
		made = copyOf(row)
		return nil
	})
	return made, err
}

func (l *Location) validate() error {
	var check validation
	check.code(rule.ACC1, "Building", l.Building)
	check.text(rule.ACC1, "Name", l.Name, maxName)
	check.text(rule.ACC1, "Address.Street", l.Address.Street, maxLong)
	check.text(rule.ACC1, "Address.City", l.Address.City, maxName)
	check.text(rule.ACC1, "Address.Region", l.Address.Region, maxName)
	check.text(rule.ACC1, "Address.PostalCode", l.Address.PostalCode, maxCode)
	check.country(rule.ACC1, "Address.Country", l.Address.Country)
	if plan, known := numplan.For(l.Address.Country); known && l.NumberPrefix != "" && !within(l.NumberPrefix, plan.CallingCode) {
		check.refuse(rule.NUM4, "NumberPrefix", "not the beginning of E.164 numbers of %s", l.Address.Country)
	}
	return check.err()
}

// within reports whether prefix is +, the calling code, and up to 10 digits.
func within(prefix, callingCode string) bool {
	full := "+" + callingCode
	return len(prefix) >= len(full) && len(prefix) <= 12 && prefix[:len(full)] == full && digits(prefix[1:])
}

// dispatchable reports whether emergency services could be sent there.
func (l *Location) dispatchable() bool {
	a := l.Address
	return a.Street != "" && a.City != "" && a.PostalCode != "" && a.Country != ""
}

func (t *tx) freeBuilding(ctx context.Context, building string) error {
	taken, err := one[*Location](ctx, t, locationsByBuilding, t.tenantID, building)
	if err != nil || taken == nil {
		return err
	}
	return &Error{Code: rule.ACC1, Kind: ErrConflict, Field: "Building", Subject: Ref{Kind: "building", ID: building}, Holder: taken.ref(),
		Reason: "the building code " + building + " is taken"}
}

// location reads the location that a record or an input names; the zero ID is
// none.
func (t *tx) location(ctx context.Context, id LocationID) (*Location, error) {
	if id.IsZero() {
		return nil, nil
	}
	l, err := one[*Location](ctx, t, locationsTable.Key(), t.tenantID, id)
	if l != nil && t.Prefetched() {
		t.core.facts.prefixes.learn(l.ID, l.NumberPrefix)
	}
	if err == nil && l == nil {
		refusal := notFound("location", id.String())
		refusal.Field = "LocationID"
		err = refusal
	}
	return l, err
}

// theLocation reads the location that an operation is about.
func (t *tx) theLocation(ctx context.Context, id LocationID) (*Location, error) {
	l, err := one[*Location](ctx, t, locationsTable.Key(), t.tenantID, id)
	if err == nil && l == nil {
		err = notFound("location", id.String())
	}
	return l, err
}

// building reads a location by its building code; what rule it is for is code.
func (t *tx) building(ctx context.Context, code rule.Code, building string) (*Location, error) {
	l, err := one[*Location](ctx, t, locationsByBuilding, t.tenantID, building)
	if err == nil && l == nil {
		err = &Error{Code: code, Kind: ErrNotFound, Field: "Building", Subject: Ref{Kind: "building", ID: building},
			Reason: "the tenant has no building with that code"}
	}
	return l, err
}

// Location returns a location of the tenant. Errors: ErrNotFound.
func (d *Directory) Location(ctx context.Context, id LocationID) (*Location, error) {
	var out *Location
	err := d.read(ctx, "Location", func(p *prefetch) { p.location(id) }, func(t *tx) error {
		l, err := t.theLocation(ctx, id)
		if err == nil {
			out = copyOf(l)
		}
		return err
	})
	return out, err
}

// Locations yields the tenant's locations in the order of their building codes.
func (d *Directory) Locations(ctx context.Context) iter.Seq2[*Location, error] {
	return pages[*Location](ctx, d, "Locations", store.Query{Index: locationsByBuilding, Equal: []any{d.scope()}}, 0, nil)
}

// ModifyLocation saves a location as read and then changed. Numbers that exist
// stay, also where they are not near any more.
//
// Errors: ErrInvalid for bad fields, all at once, and for a country in which an
// extension of somebody there would get in the way of an emergency number
// (EXT-3); ErrNotFound; ErrConflict for a building code that is taken;
// ErrFailedPrecondition for an address that no longer does for the e911 of
// somebody there, who is named (USR-6); ErrStale, together with the location as
// it is now (SVC-15).
func (d *Directory) ModifyLocation(ctx context.Context, in *Location) (*Location, error) {
	var out *Location
	err := d.change(ctx, "ModifyLocation", func(p *prefetch) {
		p.location(in.ID)
		p.get(locationsByBuilding, in.Building)
	}, func(t *tx) error {
		was, err := t.theLocation(ctx, in.ID)
		if err != nil {
			return err
		}
		if err := current(in.Rev, was.Rev, was.ref()); err != nil {
			out = copyOf(was)
			return err
		}
		row := copyOf(was)
		row.Building, row.Name, row.Address, row.NumberPrefix = in.Building, in.Name, in.Address, in.NumberPrefix
		if err := t.validateModifiedLocation(ctx, row, was); err != nil {
			return err
		}
		t.Update(was, row)
		t.did("location.modified", row.ref(), "")
		out = copyOf(row)
		return nil
	})
	return out, err
}

func (t *tx) validateModifiedLocation(ctx context.Context, row, was *Location) error {
	if err := row.validate(); err != nil {
		return err
	}
	if row.Building != was.Building {
		if err := t.freeBuilding(ctx, row.Building); err != nil {
			return err
		}
	}
	if was.dispatchable() && !row.dispatchable() {
		if err := t.withoutE911(ctx, was); err != nil {
			return err
		}
	}
	if row.Address.Country != was.Address.Country {
		return t.dialledAt(ctx, row)
	}
	return nil
}

// withoutE911 refuses to take the address from a location that somebody's
// emergency calls are dispatched to (USR-6).
func (t *tx) withoutE911(ctx context.Context, l *Location) error {
	for u, err := range find[*User](ctx, t, store.Query{Index: usersByLocation, Equal: []any{t.tenantID, l.ID}}) {
		if err != nil {
			return err
		}
		if u.E911 {
			return &Error{Code: rule.USR6, Kind: ErrFailedPrecondition, Field: "Address", Subject: l.ref(), Holder: u.ref(),
				Reason: fmt.Sprintf("emergency calls of %s are dispatched to %s: its address needs street, city and postal code", u.ref(), l.ref())}
		}
	}
	return nil
}

// dialledAt refuses a location in whose country an extension that reaches
// somebody or something there would get in the way of an emergency number
// (EXT-3).
func (t *tx) dialledAt(ctx context.Context, l *Location) error {
	err := t.prefetch(ctx, func(p *prefetch) {
		p.get(usersByLocation, l.ID).reached()
		p.get(servicesByLocation, l.ID)
	})
	if err != nil {
		return err
	}
	at := []any{t.tenantID, l.ID}
	users, err := store.Collect(find[*User](ctx, t, store.Query{Index: usersByLocation, Equal: at}))
	if err != nil {
		return err
	}
	services, err := store.Collect(find[*Service](ctx, t, store.Query{Index: servicesByLocation, Equal: at}))
	if err != nil {
		return err
	}
	for _, s := range services {
		if err := t.clearOfEmergency("Address.Country", s.DN, l); err != nil {
			return err
		}
	}
	for _, u := range users {
		var check validation
		if err := t.validateReached(ctx, &check, "Address.Country", u.ID, l); err != nil {
			return err
		}
		if err := check.err(); err != nil {
			return err
		}
	}
	return nil
}

// DeleteLocation deletes a location that no user, service or device is at.
// Errors: ErrNotFound, ErrFailedPrecondition naming who is there.
func (d *Directory) DeleteLocation(ctx context.Context, id LocationID) error {
	return d.change(ctx, "DeleteLocation", func(p *prefetch) {
		p.location(id)
		for _, ix := range []*store.Index{usersByLocation, servicesByLocation, devicesByLocation} {
			p.scan(store.Query{Index: ix, Equal: []any{p.tenant, id}, Limit: 1})
		}
	}, func(t *tx) error {
		l, err := t.theLocation(ctx, id)
		if err != nil {
			return err
		}
		holder, err := t.whoIsAt(ctx, id)
		if err != nil {
			return err
		}
		if holder != (Ref{}) {
			return &Error{Code: rule.ACC1, Kind: ErrFailedPrecondition, Subject: l.ref(), Holder: holder,
				Reason: l.ref().String() + " is the location of " + holder.String()}
		}
		t.Remove(l)
		t.did("location.deleted", l.ref(), "")
		return nil
	})
}

// whoIsAt names somebody or something at a location, if there is.
func (t *tx) whoIsAt(ctx context.Context, id LocationID) (Ref, error) {
	at := []any{t.tenantID, id}
	if u, err := first[*User](ctx, t, store.Query{Index: usersByLocation, Equal: at}); err != nil || u != nil {
		return refOf(u), err
	}
	if s, err := first[*Service](ctx, t, store.Query{Index: servicesByLocation, Equal: at}); err != nil || s != nil {
		return refOf(s), err
	}
	dev, err := first[*Device](ctx, t, store.Query{Index: devicesByLocation, Equal: at})
	return refOf(dev), err
}
