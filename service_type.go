package pbx

import (
	"context"
	"iter"
	"slices"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// ServiceType is a product of the tenant's catalogue of phone services (SVC-16).
type ServiceType struct {
	TenantID     TenantID
	Code         string // unique in the tenant, such as "CONNECT-PRO"
	Rev          int64
	Name         string
	Monthly      Money // the charge a month
	OneTime      Money // the charge on ordering
	Applications []string
	// Fulfilment says that the provider has to do something before a new service of
	// this type works. Such a service starts in order processing (SVC-17).
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

// NewServiceType is what AddServiceType needs to know of a product.
type NewServiceType struct {
	Code         string   // required, unique in the tenant: letters, digits, '.', '_', '-', up to 32
	Name         string   // required, up to 64 characters
	Monthly      Money    // the charge a month
	OneTime      Money    // the charge on ordering
	Applications []string // that services of the type include (STN-2)
	Fulfilment   bool     // new services begin in order processing (SVC-17)
}

// AddServiceType adds a product to the tenant's catalogue (SVC-16).
//
// Errors: ErrInvalid for bad fields, all at once; ErrConflict if the catalogue has a
// product of that code already, which is the holder.
func (d *Directory) AddServiceType(ctx context.Context, in NewServiceType) (*ServiceType, error) {
	return change(ctx, d, "AddServiceType", func(p *prefetch) { p.serviceType(in.Code) }, func(t *tx) (*ServiceType, error) {
		row := &ServiceType{TenantID: t.tenantID, Code: in.Code, Name: in.Name, Monthly: in.Monthly, OneTime: in.OneTime,
			Applications: slices.Clone(in.Applications), Fulfilment: in.Fulfilment}
		if err := row.validate(); err != nil {
			return nil, err
		}
		if err := freeCode[*ServiceType](ctx, t, serviceTypesTable.Key(), rule.SVC16, "Code", Ref{Kind: "service type", ID: row.Code}); err != nil {
			return nil, err
		}
		t.Insert(row)
		t.did("service-type.set", row.ref(), "")
		return copyOf(row), nil
	})
}

// ModifyServiceType saves a product as it was read and then changed; Code identifies
// it, and a change of the tenant is refused. Services of the type keep it, at the new
// charges, and their users keep the applications that they have enabled (SVC-16, STN-2).
//
// Errors: ErrInvalid for bad fields, all at once; ErrNotFound; ErrStale, with the
// product as it is now in the StaleError (SVC-15).
func (d *Directory) ModifyServiceType(ctx context.Context, in *ServiceType) (*ServiceType, error) {
	return save(ctx, d, "ModifyServiceType", in, func(p *prefetch) { p.serviceType(in.Code) }, func(t *tx) (*ServiceType, error) {
		was, err := one[*ServiceType](ctx, t, serviceTypesTable.Key(), t.tenantID, in.Code)
		if err != nil {
			return nil, err
		}
		if was == nil {
			return nil, notFound("service type", in.Code)
		}
		if err := checkRevision(in.Rev, was.Rev, was); err != nil {
			return nil, err
		}
		var check validation
		check.kept(rule.SVC16, in, was, "name monthly one_time applications fulfilment")
		if err := check.collect(in.validate()); err != nil {
			return nil, err
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		row := copyOf(was)
		row.Name, row.Monthly, row.OneTime, row.Fulfilment = in.Name, in.Monthly, in.OneTime, in.Fulfilment
		row.Applications = slices.Clone(in.Applications)
		t.Update(was, row)
		t.did("service-type.set", row.ref(), "")
		return copyOf(row), nil
	})
}

func (s *ServiceType) validate() error {
	var check validation
	check.catalogueEntry(rule.SVC16, "Code", s.Code, s.Name, s.Applications)
	if s.Monthly < 0 || s.Monthly > maxMoney {
		check.refuse(rule.SVC16, "Monthly", "not within 0 and %d", maxMoney)
	}
	if s.OneTime < 0 || s.OneTime > maxMoney {
		check.refuse(rule.SVC16, "OneTime", "not within 0 and %d", maxMoney)
	}
	return check.err()
}

// catalogueEntry checks what service types and station packages have in common:
// a code of their own, a name, and the applications that they include.
func (check *validation) catalogueEntry(of rule.Code, field, code, name string, applications []string) {
	check.code(of, field, code)
	check.required(of, "Name", name, maxName)
	check.codes(rule.STN2, "Applications", applications)
}

// freeCode refuses a new record whose code, the ID of subject, another record of
// the tenant has already.
func freeCode[R referable](ctx context.Context, t *tx, ix *store.Index, of rule.Code, field string, subject Ref) error {
	var none R
	holder, err := one[R](ctx, t, ix, t.tenantID, subject.ID)
	if err != nil || holder == none {
		return err
	}
	return &Error{Code: of, Kind: ErrConflict, Field: field, Subject: subject, Holder: holder.ref(),
		Reason: "the " + subject.Kind + " code " + subject.ID + " is taken"}
}

// ServiceTypes yields the tenant's catalogue in the order of the codes (SVC-16).
func (d *Directory) ServiceTypes(ctx context.Context) iter.Seq2[*ServiceType, error] {
	return pages[*ServiceType](ctx, d, "ServiceTypes", store.Query{Index: serviceTypesTable.Key(), Equal: []any{d.scope()}}, 0, nil)
}

// serviceType reads a product of the catalogue; nil for "" (SVC-16).
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
