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
	// NumberPrefix is the prefix, in E.164, of the numbers that are near the
	// location, such as "+1617" (NUM-4). Empty: anywhere in the country.
	NumberPrefix string
}

// CivicAddress is the address to which help is sent for an emergency call (USR-6).
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

// AddLocation adds a site to the tenant (ACC-1). The address must have a country;
// for users with e911 it must be complete (USR-6).
//
// Errors: ErrInvalid for bad fields, all at once; ErrConflict for a building code
// that is taken, with the location that has it as the holder.
func (d *Directory) AddLocation(ctx context.Context, in NewLocation) (*Location, error) {
	return change(ctx, d, "AddLocation", func(p *prefetch) { p.get(locationsByBuilding, in.Building) }, func(t *tx) (*Location, error) {
		row := &Location{TenantID: t.tenantID, Building: in.Building, Name: in.Name, Address: in.Address, NumberPrefix: in.NumberPrefix}
		if err := row.validate(); err != nil {
			return nil, err
		}
		if err := t.freeBuilding(ctx, row.Building); err != nil {
			return nil, err
		}
		row.ID = t.newID()
		t.Insert(row)
		t.did("location.created", row.ref(), "")
		return copyOf(row), nil
	})
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

// country checks the ISO 3166-1 alpha-2 code of a country, whose numbering plan must be
// known.
func (check *validation) country(code rule.Code, field, s string) {
	if _, known := numplan.For(s); !known {
		check.refuse(code, field, "not the two capital letters of a country that is known")
	}
}

// within reports whether prefix is +, the calling code, and up to 10 digits.
func within(prefix, callingCode string) bool {
	full := "+" + callingCode
	return len(prefix) >= len(full) && len(prefix) <= 12 && prefix[:len(full)] == full && digits(prefix[1:])
}

// dispatchable reports whether the address is complete enough to send help there.
func (l *Location) dispatchable() bool {
	a := l.Address
	return a.Street != "" && a.City != "" && a.PostalCode != "" && a.Country != ""
}

// freeBuilding refuses a building code that another location has (ACC-1).
func (t *tx) freeBuilding(ctx context.Context, building string) error {
	return freeCode[*Location](ctx, t, locationsByBuilding, rule.ACC1, "Building", Ref{Kind: "building", ID: building})
}

// location reads the location that a record or an input refers to; nil for the zero
// ID. theLocation is for the one that an operation is about.
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

// building reads a location by its building code; code is the rule that asks for it.
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
	return read(ctx, d, "Location", func(p *prefetch) { p.location(id) }, func(t *tx) (*Location, error) {
		l, err := t.theLocation(ctx, id)
		if err != nil {
			return nil, err
		}
		return copyOf(l), nil
	})
}

// Locations yields the tenant's locations in the order of their building codes.
func (d *Directory) Locations(ctx context.Context) iter.Seq2[*Location, error] {
	return pages[*Location](ctx, d, "Locations", store.Query{Index: locationsByBuilding, Equal: []any{d.scope()}}, 0, nil)
}

// ModifyLocation saves a location as it was read and then changed: its building code,
// name, address and prefix of numbers (ACC-1). Lines keep their numbers, even if the new
// prefix is another one. Anything else that was changed is refused, all of it at once.
//
// Errors: ErrInvalid for bad fields, all at once, and for a country where an
// extension of a user or a line at the location would conflict with an emergency
// number (EXT-3); ErrNotFound; ErrConflict for a building code that is taken;
// ErrFailedPrecondition for an incomplete address while a user there, who is the
// holder, has e911 (USR-6); ErrStale, with the location as it is now in the
// StaleError (SVC-15).
func (d *Directory) ModifyLocation(ctx context.Context, in *Location) (*Location, error) {
	return save(ctx, d, "ModifyLocation", in, func(p *prefetch) {
		p.location(in.ID)
		p.get(locationsByBuilding, in.Building)
	}, func(t *tx) (*Location, error) {
		was, err := t.theLocation(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := checkRevision(in.Rev, was.Rev, was); err != nil {
			return nil, err
		}
		var check validation
		check.kept(rule.ACC1, in, was, "building name street city region postal_code country number_prefix")
		if err := check.collect(in.validate()); err != nil {
			return nil, err
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		row := copyOf(was)
		row.Building, row.Name, row.Address, row.NumberPrefix = in.Building, in.Name, in.Address, in.NumberPrefix
		if err := t.validateModifiedLocation(ctx, row, was); err != nil {
			return nil, err
		}
		t.Update(was, row)
		t.did("location.modified", row.ref(), "")
		return copyOf(row), nil
	})
}

// validateModifiedLocation checks the fields of a location that changed against whoever
// is there.
func (t *tx) validateModifiedLocation(ctx context.Context, row, was *Location) error {
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

// withoutE911 refuses an incomplete address for a location where a user has e911
// (USR-6).
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

// dialledAt refuses a location in whose country an extension of a user or a line
// there would conflict with an emergency number (EXT-3).
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

// DeleteLocation deletes a location (ACC-1).
//
// Errors: ErrNotFound; ErrFailedPrecondition while a user, a service or a device is
// there, with one of them as the holder.
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

// whoIsAt returns a user, a service or a device at a location, if there is one.
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
