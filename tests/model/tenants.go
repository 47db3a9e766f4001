package model

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

func (t *Tenant) ref() ref { return ref{"tenant", t.ID, t.Name} }

// CreateTenant is the method of that name; Policy is what differs from the
// default.
type CreateTenant struct {
	Name, Country, Currency, SIPDomain string
	Policy                             Set
}

func (o CreateTenant) do(x *step) {
	domain := strings.ToLower(o.SIPDomain)
	label, _, _ := strings.Cut(domain, ".")
	t := &Tenant{ID: Handle(label), Rev: 1, Name: o.Name, Country: o.Country, Currency: o.Currency, SIPDomain: domain,
		Policy: pbx.DefaultPolicy(), CreatedAt: x.Now}
	if t.Currency == "" {
		t.Currency = "USD"
	}
	o.Policy.each(func(field, value string) { SetPolicy(&t.Policy, field, value) })
	x.tenantFields(t)
	if first(x.Tenants, func(other *Tenant) bool { return domain != "" && other.SIPDomain == domain }) != nil {
		x.refuse(rule.ACC1, pbx.ErrConflict, "SIPDomain")
	}
	x.Tenants = append(x.Tenants, t)
	x.did("tenant.created", t.ref(), "")
}

// tenantFields checks a tenant's fields and its policy (ACC-1).
func (x *step) tenantFields(t *Tenant) {
	x.required(rule.ACC1, "Name", t.Name, 128)
	x.country("Country", t.Country)
	if len(t.Currency) != 3 || strings.Trim(t.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		x.invalid(rule.ACC1, "Currency")
	}
	x.form(rule.ACC1, "SIPDomain", t.SIPDomain, domainForm)
	if t.NumberCriteria != "" && !countries[t.Country].begins(t.NumberCriteria) {
		x.invalid(rule.NUM5, "NumberCriteria")
	}
	p := t.Policy
	wrong := func(is bool, code rule.Code, field string) {
		if is {
			x.invalid(code, "Policy."+field)
		}
	}
	wrong(p.ExtensionMinLength < 2 || p.ExtensionMaxLength > 7 || p.ExtensionMinLength > p.ExtensionMaxLength, rule.EXT1, "ExtensionMinLength")
	from, to := p.ExtensionFirst, p.ExtensionLast
	wrong(!t.possibleEnd(from) || !t.possibleEnd(to) || len(from) != len(to) || from > to, rule.EXT5, "ExtensionFirst")
	wrong(strings.Trim(p.AdvisedExtension, "0123456789x") != "" || len(p.AdvisedExtension) > 7, rule.EXT4, "AdvisedExtension")
	wrong(p.VoicemailDigits < 0 || p.VoicemailDigits > 7, rule.VM2, "VoicemailDigits")
	wrong(p.PINMinLength < 4 || p.PINMaxLength > 32 || p.PINMinLength > p.PINMaxLength, rule.VM5, "PINMinLength")
	wrong(p.PINTries < 1 || p.PINTries > 100 || p.PINLock < 0 || p.PINLock > 30*day, rule.VM5, "PINTries")
	wrong(p.NumberRest < 0 || p.NumberRest > 3650*day || p.NumberRest%day != 0, rule.NUM10, "NumberRest")
	wrong(!price(p.NumberMonthly) || !price(p.NumberOneTime), rule.ORD1, "NumberMonthly")
}

const day = 24 * time.Hour

func price(m pbx.Money) bool { return m >= 0 && m <= 1_000_000_00 }

// possibleEnd reports whether an extension can be the first or last of the
// automatic range.
func (t *Tenant) possibleEnd(e pbx.Extension) bool {
	return digitForm.MatchString(string(e)) && int64(len(e)) >= t.Policy.ExtensionMinLength && int64(len(e)) <= t.Policy.ExtensionMaxLength
}

// ModifyTenant is the method of that name.
type ModifyTenant struct {
	Set   Set
	Stale bool
}

func (o ModifyTenant) do(x *step) {
	if o.Stale {
		x.refuse(rule.SVC15, pbx.ErrStale, "")
		return
	}
	was := x.t
	t := *was
	o.Set.each(func(field, value string) {
		switch field {
		case "Name":
			t.Name = value
		case "Currency":
			t.Currency = value
		case "Country":
			t.Country = value
		case "SIPDomain":
			t.SIPDomain = value
		case "NumberCriteria":
			t.NumberCriteria = value
		case "CreatedAt": // see kept
		default:
			SetPolicy(&t.Policy, field, value)
		}
	})
	x.kept(rule.ACC1, o.Set, "CreatedAt")
	x.tenantFields(&t)
	if t.Country != was.Country {
		x.invalid(rule.ACC1, "Country")
	}
	if t.SIPDomain != was.SIPDomain {
		x.invalid(rule.ACC1, "SIPDomain")
	}
	*was = t
	x.did("tenant.modified", t.ref(), "")
}

// SetPolicy sets a field of a policy from text.
func SetPolicy(p *pbx.Policy, field, value string) {
	n, _ := strconv.ParseInt(value, 10, 64)
	switch field {
	case "ExtensionMinLength":
		p.ExtensionMinLength = n
	case "ExtensionMaxLength":
		p.ExtensionMaxLength = n
	case "ExtensionFirst":
		p.ExtensionFirst = pbx.Extension(value)
	case "ExtensionLast":
		p.ExtensionLast = pbx.Extension(value)
	case "AdvisedExtension":
		p.AdvisedExtension = value
	case "VoicemailDigits":
		p.VoicemailDigits = n
	case "PINMinLength":
		p.PINMinLength = n
	case "PINMaxLength":
		p.PINMaxLength = n
	case "PINTries":
		p.PINTries = n
	case "PINLock":
		p.PINLock = time.Duration(n) * time.Minute
	case "NumberRest":
		p.NumberRest = time.Duration(n) * time.Hour
	case "NumberMonthly":
		p.NumberMonthly = pbx.Money(n)
	case "NumberOneTime":
		p.NumberOneTime = pbx.Money(n)
	default:
		panic(fmt.Sprint("model: no policy ", field))
	}
}
