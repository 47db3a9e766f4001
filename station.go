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

// StationPool is the licences of one package (station type) that a tenant has
// bought: how many there are and how many users have one (STN-1).
type StationPool struct {
	TenantID     TenantID
	Package      string // unique in the tenant, such as "STANDARD"
	Rev          int64
	Name         string
	Total, Used  int64 // 0 ≤ Used ≤ Total
	Applications []string
}

// Available is how many users can still be given a station of the pool.
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

// left refuses when no station of the pool is left (STN-1).
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

// SetStationPool adds a package to the tenant, or changes the name, the total
// and the applications of the one it has; its users keep the applications that
// they have enabled (STN-1). Only Package, Rev, Name, Total and Applications are
// taken; Used stays what it is. Rev is that of the package as it was read, and 0
// for one that is new.
//
// Errors: ErrInvalid for bad fields, all at once; ErrFailedPrecondition for a
// total below what is in use (STN-4); ErrStale for another Rev, together with the
// package as it is now, if there is one (SVC-15).
func (d *Directory) SetStationPool(ctx context.Context, in StationPool) (*StationPool, error) {
	var out *StationPool
	err := d.change(ctx, "SetStationPool", func(p *prefetch) { p.stationPool(in.Package) }, func(t *tx) error {
		if err := in.validate(); err != nil {
			return err
		}
		was, err := one[*StationPool](ctx, t, stationPoolsTable.Key(), t.tenantID, in.Package)
		if err != nil {
			return err
		}
		row := &StationPool{TenantID: t.tenantID, Package: in.Package, Name: in.Name, Total: in.Total, Applications: slices.Clone(in.Applications)}
		switch {
		case was == nil && in.Rev != 0:
			return current(in.Rev, 0, row.ref())
		case was == nil:
			t.Insert(row)
		case in.Rev != was.Rev:
			out = copyOf(was)
			return current(in.Rev, was.Rev, was.ref())
		case in.Total < was.Used:
			return &Error{Code: rule.STN4, Kind: ErrFailedPrecondition, Field: "Total", Subject: was.ref(),
				Reason: fmt.Sprintf("%d stations of the package %s are in use", was.Used, was.Package)}
		default:
			row.Used = was.Used
			t.Update(was, row)
		}
		t.did("stations.set", row.ref(), strconv.FormatInt(row.Total, 10))
		out = copyOf(row)
		return nil
	})
	return out, err
}

func (p *StationPool) validate() error {
	var check validation
	check.code(rule.STN1, "Package", p.Package)
	check.required(rule.STN1, "Name", p.Name, maxName)
	check.codes(rule.STN2, "Applications", p.Applications)
	if p.Total < 0 || p.Total > 1_000_000 {
		check.refuse(rule.STN1, "Total", "not within 0 and 1000000")
	}
	return check.err()
}

// StationPools yields the tenant's packages.
func (d *Directory) StationPools(ctx context.Context) iter.Seq2[*StationPool, error] {
	return pages[*StationPool](ctx, d, "StationPools", store.Query{Index: stationPoolsTable.Key(), Equal: []any{d.scope()}}, 0, nil)
}

// ChangeStation gives a user a station of a package in place of the one that he
// has; "" takes it away. Applications that neither the new package nor his
// services include go, which is confirmed first (STN-3).
//
// Errors: ErrNotFound for the user or the package; ErrExhausted (STN-1);
// ErrUnconfirmed (STN-3).
func (d *Directory) ChangeStation(ctx context.Context, user UserID, name string) (*User, error) {
	var out *User
	err := d.change(ctx, "ChangeStation", func(p *prefetch) {
		p.user(user).entitled()
		p.stationPool(name)
	}, func(t *tx) error {
		u, err := t.user(ctx, user)
		if err != nil {
			return err
		}
		if out = copyOf(u); u.Station == name {
			return nil
		}
		row := copyOf(u)
		row.Station = name
		gone, err := t.dropApplications(ctx, row, u.Applications)
		if err != nil {
			return err
		}
		if len(gone) > 0 {
			t.confirm(rule.STN3, u.ref(), "%s loses the applications %s", u.ref(), strings.Join(gone, ", "))
		}
		if err := t.moveStation(ctx, u, row); err != nil {
			return err
		}
		t.Update(u, row)
		out = copyOf(row)
		return nil
	})
	return out, err
}

// moveStation returns a user's station, and takes one of the package that his
// new row names.
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

// returnStation gives a user's station back to its pool, if he has one.
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

// included refuses applications that neither the station nor the service type
// includes (STN-2). One that is missing or listed twice is refused as that.
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

// includes reads what decides a user's applications: his station's pool and the
// types of his services.
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

// validateApplications checks a modified user's applications (STN-2). What he has
// already he may keep, also where it is not included any more.
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

// dropApplications takes from a user row those of the applications that its
// station and services no longer include, and returns them; what is not among
// them stays.
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

// entitledTo are those of some applications that a station or types include.
func entitledTo(applications []string, pool *StationPool, types ...*ServiceType) (kept []string) {
	for _, a := range applications {
		var check validation
		if check.included([]string{a}, pool, types...); check.refusals == nil {
			kept = append(kept, a)
		}
	}
	return kept
}
