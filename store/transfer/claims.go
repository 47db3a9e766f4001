package transfer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// claim is a value that a unique index without the tenant allows once in the whole
// store.
type claim struct {
	code rule.Code
	kind string
}

// claims are those indexes by name.
var claims = map[string]claim{
	"tenants_sip_domain":  {rule.ACC1, "SIP domain"},
	"users_login":         {rule.USR3, "user ID"},
	"sip_identities_pkey": {rule.EXT6, "SIP address"},
	"devices_mac":         {rule.DEV1, "MAC address"},
	"services_number":     {rule.NUM1, "number"},
	"numbers_pkey":        {rule.NUM1, "number"},
	"numbers_temporary":   {rule.NUM1, "number"},
}

// claimed are the same indexes by table.
var claimed = func() map[*store.Table][]*store.Index {
	by := make(map[*store.Table][]*store.Index)
	for _, table := range pbx.Tables() {
		for _, ix := range table.Indexes {
			if ix.Unique && !slices.Contains(ix.Columns, tenantColumn[table]) {
				by[table] = append(by[table], ix)
			}
		}
	}
	return by
}()

// mostClaims is how many values that are taken one error names.
const mostClaims = 100

// unclaimed refuses records of which a value must be unique anywhere and is
// taken. It does not say by whom: that may be another tenant.
func unclaimed(ctx context.Context, r store.Reader, records []store.Record) error {
	var refused []*pbx.Error
	var keys []store.Key
	ask := func() error {
		found, err := r.Get(ctx, keys...)
		if err != nil {
			return err
		}
		for i, rec := range found {
			if rec != nil {
				refused = append(refused, taken(keys[i]))
			}
		}
		keys = keys[:0]
		return nil
	}
	for _, rec := range records {
		for _, ix := range claimed[rec.Table()] {
			if values, in := ix.Values(rec); in {
				keys = append(keys, store.Key{Index: ix, Values: values})
			}
		}
		if len(keys) < together {
			continue
		}
		if err := ask(); err != nil {
			return err
		}
		if len(refused) >= mostClaims {
			break
		}
	}
	if err := ask(); err != nil {
		return err
	}
	return several(refused)
}

func taken(key store.Key) *pbx.Error {
	of := claims[key.Index.Name]
	value := fmt.Sprint(key.Values[0])
	return &pbx.Error{Code: of.code, Kind: pbx.ErrConflict, Subject: pbx.Ref{Kind: of.kind, ID: value},
		Reason: fmt.Sprintf("the %s %s is taken", of.kind, value)}
}

// several returns nil, the one refusal, or all that are about different values
// as a *multierror.Error.
func several(refused []*pbx.Error) error {
	many := &multierror.Error{ErrorFormat: oneLine}
	said := make(map[pbx.Ref]bool)
	for _, e := range refused {
		if !said[e.Subject] && len(many.Errors) < mostClaims {
			said[e.Subject] = true
			many.Errors = append(many.Errors, e)
		}
	}
	if len(many.Errors) == 1 {
		return many.Errors[0]
	}
	return many.ErrorOrNil()
}

func oneLine(errs []error) string {
	parts := make([]string, len(errs))
	for i, e := range errs {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}
