package pbx

import (
	"context"
	"iter"
	"slices"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// ServiceType is a product of the tenant's catalogue of phone services.
type ServiceType struct {
	TenantID     TenantID
	Code         string // unique in the tenant, such as "CONNECT-PRO"
	Rev          int64
	Name         string
	Monthly      Money // the charge a month
	OneTime      Money // the charge on ordering
	Applications []string
	// Fulfilment says that the provider has to do something before a new service of
	// this type works: it begins in order processing (SVC-17).
	Fulfilment bool
}

// Table returns the declaration of service types.
func (s *ServiceType) Table() *store.Table { return serviceTypesTable }

// Fields appends the service type's columns.
func (s *ServiceType) Fields(f []store.Field) []store.Field {
	return append(f,
		id("tenant_id", &s.TenantID), words("code", &s.Code), revision(&s.Rev),
		words("name", &s.Name), integer("monthly", (*int64)(&s.Monthly)), integer("one_time", (*int64)(&s.OneTime)),
		list("applications", &s.Applications), boolean("fulfilment", &s.Fulfilment),
	)
}

func (s *ServiceType) ref() Ref { return Ref{"service type", s.Code, s.Name} }

// SetServiceType adds a product to the tenant's catalogue, or changes the one
// with that code; services that have it keep it at the new price, and their
// users the applications that they have enabled (SVC-16). Only Code, Rev, Name,
// Monthly, OneTime, Applications and Fulfilment are taken. Rev is that of the
// product as it was read, and 0 for one that is new.
//
// Errors: ErrInvalid for bad fields, all at once; ErrStale for another Rev,
// together with the product as it is now, if there is one (SVC-15).
func (d *Directory) SetServiceType(ctx context.Context, in ServiceType) (*ServiceType, error) {
	var out *ServiceType
	err := d.change(ctx, "SetServiceType", func(p *prefetch) { p.serviceType(in.Code) }, func(t *tx) error {
		if err := in.validate(); err != nil {
			return err
		}
		was, err := one[*ServiceType](ctx, t, serviceTypesTable.Key(), t.tenantID, in.Code)
		if err != nil {
			return err
		}
		row := &ServiceType{TenantID: t.tenantID, Code: in.Code, Name: in.Name, Monthly: in.Monthly, OneTime: in.OneTime,
			Applications: slices.Clone(in.Applications), Fulfilment: in.Fulfilment}
		switch {
		case was == nil && in.Rev != 0:
			return current(in.Rev, 0, row.ref())
		case was == nil:
			t.Insert(row)
		case in.Rev != was.Rev:
			out = copyOf(was)
			return current(in.Rev, was.Rev, was.ref())
		default:
			t.Update(was, row)
		}
		t.did("service-type.set", row.ref(), "")
		out = copyOf(row)
		return nil
	})
	return out, err
}

func (s *ServiceType) validate() error {
	var check validation
	check.code(rule.SVC16, "Code", s.Code)
	check.required(rule.SVC16, "Name", s.Name, maxName)
	check.codes(rule.STN2, "Applications", s.Applications)
	if s.Monthly < 0 || s.Monthly > maxMoney {
		check.refuse(rule.SVC16, "Monthly", "not within 0 and %d", maxMoney)
	}
	if s.OneTime < 0 || s.OneTime > maxMoney {
		check.refuse(rule.SVC16, "OneTime", "not within 0 and %d", maxMoney)
	}
	return check.err()
}

// ServiceTypes yields the tenant's catalogue of phone services.
func (d *Directory) ServiceTypes(ctx context.Context) iter.Seq2[*ServiceType, error] {
	return pages[*ServiceType](ctx, d, "ServiceTypes", store.Query{Index: serviceTypesTable.Key(), Equal: []any{d.scope()}}, 0, nil)
}

// serviceType reads a product of the catalogue; "" is none (SVC-16).
func (t *tx) serviceType(ctx context.Context, code string) (*ServiceType, error) {
	if code == "" {
		return nil, nil
	}
	st, err := one[*ServiceType](ctx, t, serviceTypesTable.Key(), t.tenantID, code)
	if err == nil && st == nil {
		err = &Error{Code: rule.SVC16, Kind: ErrNotFound, Field: "Type", Subject: Ref{Kind: "service type", ID: code},
			Reason: "the tenant's catalogue has no such service type"}
	}
	return st, err
}
