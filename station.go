package pbx

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// StationPool counts the licences of one package (a type of station) that a tenant
// has bought, and how many users have one (STN-1).
type StationPool struct {
	TenantID     TenantID
	Package      string // unique in the tenant, such as "STANDARD"
	Rev          int64
	Name         string
	Total, Used  int64 // 0 ≤ Used ≤ Total
	Applications []string
}

// Available returns how many more users can be given a station of the pool.
func (p *StationPool) Available() int64 { return p.Total - p.Used }

// Table returns the declaration of station pools.
func (p *StationPool) Table() *store.Table { return stationPoolsTable }

// Fields appends the pool's columns.
func (p *StationPool) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &p.TenantID), words("package", &p.Package), revision(&p.Rev),
		words("name", &p.Name), integer("total", &p.Total), counter("used", &p.Used),
		list("applications", &p.Applications),
	)
}

func (p *StationPool) ref() Ref { return Ref{"station package", p.Package, p.Name} }

// left refuses if no station of the pool is left (STN-1).
func (p *StationPool) left() error {
	if p.Available() > 0 {
		return nil
	}
	return &Error{Code: rule.STN1, Kind: ErrExhausted, Field: "Station", Subject: p.ref(),
		Reason: fmt.Sprintf("all %d stations of the package %s are in use: order more", p.Total, p.Package)}
}

// stationPool reads the pool of a package.
func (t *tx) stationPool(ctx context.Context, name string) (*StationPool, error) {
	p, err := one[*StationPool](ctx, t, stationPoolsTable.Key(), t.tenantID, name)
	if err == nil && p == nil {
		err = &Error{Code: rule.STN1, Kind: ErrNotFound, Field: "Station", Subject: Ref{Kind: "station package", ID: name},
			Reason: "the tenant has no such station package"}
	}
	return p, err
}

// NewStationPool is what AddStationPool needs to know of a package.
type NewStationPool struct {
	Package      string   // required, unique in the tenant: letters, digits, '.', '_', '-', up to 32
	Name         string   // required, up to 64 characters
	Total        int64    // the licences bought, up to 1,000,000
	Applications []string // that a station of the package includes (STN-2)
}

// AddStationPool adds a package to the tenant. None of its stations is in use yet
// (STN-1).
//
// Errors: ErrInvalid for bad fields, all at once; ErrConflict if the tenant has a
// package of that code already, which is the holder.
func (d *Directory) AddStationPool(ctx context.Context, in NewStationPool) (*StationPool, error) {
	return change(ctx, d, "AddStationPool", func(p *prefetch) { p.stationPool(in.Package) }, func(t *tx) (*StationPool, error) {
		row := &StationPool{TenantID: t.tenantID, Package: in.Package, Name: in.Name, Total: in.Total, Applications: slices.Clone(in.Applications)}
		if err := row.validate(); err != nil {
			return nil, err
		}
		if err := freeCode[*StationPool](ctx, t, stationPoolsTable.Key(), rule.STN1, "Package", Ref{Kind: "station package", ID: row.Package}); err != nil {
			return nil, err
		}
		t.Insert(row)
		t.did("stations.set", row.ref(), strconv.FormatInt(row.Total, 10))
		return copyOf(row), nil
	})
}

// ModifyStationPool saves a package as it was read and then changed: its name, its
// total and its applications. Package identifies it, and anything else that was
// changed is refused. Its users keep the applications that they have enabled (STN-1,
// STN-2).
//
// Errors: ErrInvalid for bad fields, all at once; ErrNotFound;
// ErrFailedPrecondition for a total below what is in use (STN-4); ErrStale, with
// the package as it is now in the StaleError (SVC-15).
func (d *Directory) ModifyStationPool(ctx context.Context, in *StationPool) (*StationPool, error) {
	return save(ctx, d, "ModifyStationPool", in, func(p *prefetch) { p.stationPool(in.Package) }, func(t *tx) (*StationPool, error) {
		was, err := one[*StationPool](ctx, t, stationPoolsTable.Key(), t.tenantID, in.Package)
		if err != nil {
			return nil, err
		}
		if was == nil {
			return nil, notFound("station package", in.Package)
		}
		if err := checkRevision(in.Rev, was.Rev, was); err != nil {
			return nil, err
		}
		if err := in.validateModified(was); err != nil {
			return nil, err
		}
		row := copyOf(was)
		row.Name, row.Total, row.Applications = in.Name, in.Total, slices.Clone(in.Applications)
		t.Update(was, row)
		t.did("stations.set", row.ref(), strconv.FormatInt(row.Total, 10))
		return copyOf(row), nil
	})
}

func (p *StationPool) validate() error {
	var check validation
	check.stationPool(p)
	return check.err()
}

// validateModified checks a package against what it was before.
func (p *StationPool) validateModified(was *StationPool) error {
	var check validation
	check.stationPool(p)
	check.kept(rule.STN1, p, was, "name total applications")
	if err := check.err(); err != nil {
		return err
	}
	if p.Total < was.Used {
		return &Error{Code: rule.STN4, Kind: ErrFailedPrecondition, Field: "Total", Subject: was.ref(),
			Reason: fmt.Sprintf("%d stations of the package %s are in use", was.Used, was.Package)}
	}
	return nil
}

// stationPool checks the fields of a package.
func (check *validation) stationPool(p *StationPool) {
	check.catalogueEntry(rule.STN1, "Package", p.Package, p.Name, p.Applications)
	if p.Total < 0 || p.Total > 1_000_000 {
		check.refuse(rule.STN1, "Total", "not within 0 and 1000000")
	}
}

// StationPools yields the tenant's packages.
func (d *Directory) StationPools(ctx context.Context) iter.Seq2[*StationPool, error] {
	return pages[*StationPool](ctx, d, "StationPools", store.Query{Index: stationPoolsTable.Key(), Equal: []any{d.scope()}}, 0, nil)
}

// ChangeStation gives a user a station of another package in place of their present
// one; "" takes the station away. The user loses the applications that neither the
// new package nor the types of their services include, which has to be confirmed
// (STN-3).
//
// Errors: ErrNotFound for the user or the package; ErrExhausted if no station of the
// package is left (STN-1); ErrUnconfirmed (STN-3).
func (d *Directory) ChangeStation(ctx context.Context, user UserID, name string) (*User, error) {
	return change(ctx, d, "ChangeStation", func(p *prefetch) {
		p.user(user).entitled()
		p.stationPool(name)
	}, func(t *tx) (*User, error) {
		u, err := t.user(ctx, user)
		if err != nil {
			return nil, err
		}
		if u.Station == name {
			return copyOf(u), nil
		}
		row := copyOf(u)
		row.Station = name
		gone, err := t.dropApplications(ctx, row, u.Applications)
		if err != nil {
			return nil, err
		}
		if len(gone) > 0 {
			t.confirm(rule.STN3, u.ref(), "%s loses the applications %s", u.ref(), strings.Join(gone, ", "))
		}
		if err := t.moveStation(ctx, u, row); err != nil {
			return nil, err
		}
		t.Update(u, row)
		return copyOf(row), nil
	})
}

// moveStation returns a user's station to its pool, and takes one of the package
// that the user's new row names.
func (t *tx) moveStation(ctx context.Context, u, row *User) error {
	if err := t.returnStation(ctx, u); err != nil || row.Station == "" {
		return err
	}
	pool, err := t.stationPool(ctx, row.Station)
	if err != nil {
		return err
	}
	if err := pool.left(); err != nil {
		return err
	}
	t.takeStation(pool, row)
	return nil
}

// takeStation counts a user's station as used.
func (t *tx) takeStation(p *StationPool, u *User) {
	edit(t, p, func(p *StationPool) { p.Used++ })
	t.relate("station.taken", p.ref(), u.ref(), "")
}

// returnStation returns a user's station to its pool, if they have one.
func (t *tx) returnStation(ctx context.Context, u *User) error {
	if u.Station == "" {
		return nil
	}
	p, err := t.stationPool(ctx, u.Station)
	if err != nil {
		return err
	}
	edit(t, p, func(p *StationPool) { p.Used-- })
	t.relate("station.returned", p.ref(), u.ref(), "")
	return nil
}

// included refuses applications that neither the station nor a service type
// includes (STN-2). Empty and repeated ones are left to codes.
func (check *validation) included(applications []string, p *StationPool, types ...*ServiceType) {
	for i, a := range applications {
		if a == "" || slices.Contains(applications[:i], a) || slices.Contains(applications[i+1:], a) {
			continue
		}
		in := p != nil && slices.Contains(p.Applications, a)
		for _, st := range types {
			in = in || st != nil && slices.Contains(st.Applications, a)
		}
		if !in {
			check.refuse(rule.STN2, "Applications", "neither the station nor the service type includes %s", a)
		}
	}
}

// includes reads what a user's applications depend on: the pool of their station
// and the types of their services.
func (t *tx) includes(ctx context.Context, u *User) (*StationPool, []*ServiceType, error) {
	if err := t.prefetch(ctx, func(p *prefetch) { p.user(u.ID).entitled() }); err != nil {
		return nil, nil, err
	}
	var pool *StationPool
	var err error
	if u.Station != "" {
		if pool, err = t.stationPool(ctx, u.Station); err != nil {
			return nil, nil, err
		}
	}
	associations, err := t.servicesOf(ctx, u.ID)
	if err != nil {
		return nil, nil, err
	}
	var types []*ServiceType
	for _, a := range associations {
		s, err := t.service(ctx, a.ServiceID)
		if err != nil {
			return nil, nil, err
		}
		st, err := t.serviceType(ctx, s.Type)
		if err != nil {
			return nil, nil, err
		}
		types = append(types, st)
	}
	return pool, types, nil
}

// validateApplications checks a modified user's applications (STN-2). The user may
// keep one that they had before, even if nothing includes it any more.
func (t *tx) validateApplications(ctx context.Context, u, was *User, check *validation) error {
	check.codes(rule.STN2, "Applications", u.Applications)
	pool, types, err := t.includes(ctx, u)
	if err != nil {
		return err
	}
	added := slices.DeleteFunc(slices.Clone(u.Applications), func(a string) bool { return slices.Contains(was.Applications, a) })
	check.included(added, pool, types...)
	return nil
}

// dropApplications removes from a user's row those of the applications given that
// the user's station and services no longer include, and returns them.
func (t *tx) dropApplications(ctx context.Context, u *User, of []string) (gone []string, err error) {
	if !slices.ContainsFunc(u.Applications, func(a string) bool { return slices.Contains(of, a) }) {
		return nil, nil
	}
	pool, types, err := t.includes(ctx, u)
	if err != nil {
		return nil, err
	}
	entitled := entitledTo(u.Applications, pool, types...)
	goes := func(a string) bool { return slices.Contains(of, a) && !slices.Contains(entitled, a) }
	for _, a := range u.Applications {
		if goes(a) {
			gone = append(gone, a)
		}
	}
	u.Applications = slices.DeleteFunc(slices.Clone(u.Applications), goes)
	return gone, nil
}

// entitledTo returns those of the applications that the station or a type includes.
func entitledTo(applications []string, pool *StationPool, types ...*ServiceType) (kept []string) {
	for _, a := range applications {
		var check validation
		if check.included([]string{a}, pool, types...); check.refusals == nil {
			kept = append(kept, a)
		}
	}
	return kept
}
