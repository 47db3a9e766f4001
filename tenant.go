package pbx

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/pbxkit/pbx/internal/text"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Money is an amount in the minor unit of the tenant's currency: cents, pence.
type Money int64

// Provider is the tenant that stands for the provider itself. It holds the stock of
// numbers that no customer has, and its journal records the customers created. It
// has no users.
var Provider = TenantID{15: 1}

// Tenant is a customer. Nothing of one tenant is visible to another (ACC-1), and
// changes of one tenant are made one after the other.
type Tenant struct {
	ID        TenantID
	Rev       int64  // goes up by one with every change of anything in the tenant
	Name      string // the customer's name, up to 128 characters
	Country   string // ISO 3166-1 alpha-2, in capitals
	Currency  string // ISO 4217
	SIPDomain string // the domain of its SIP addresses, in lower case, unique
	Policy    Policy
	// NumberCriteria is the prefix of the new numbers that are proposed, such as
	// "+1617", unless the request gives another; "" goes by the location (NUM-5).
	NumberCriteria string
	// SettingsRev goes up by one with each change of these settings. ModifyTenant
	// compares it (SVC-15).
	SettingsRev int64
	CreatedAt   time.Time

	nameFolded    string
	nextExtension Extension // all extensions of the range below it are taken
	lastOrder     int64
	head          JournalHead // of the events up to Rev (SYS-11)
}

// Policy is what a tenant may decide for itself. A tenant starts with
// DefaultPolicy unless it is created with another.
type Policy struct {
	// ExtensionMinLength and ExtensionMaxLength bound an extension's digits,
	// within 2 to 7 (EXT-1).
	ExtensionMinLength, ExtensionMaxLength int64
	// ExtensionFirst and ExtensionLast bound the range from which extensions are
	// filled in automatically; both have the same length (EXT-5).
	ExtensionFirst, ExtensionLast Extension
	// AdvisedExtension is the recommended form of extensions, made of digits and x
	// for any digit, such as "7xxx"; empty recommends none (EXT-4).
	AdvisedExtension string
	// VoicemailDigits is the number of digits of a DN that can have a mailbox
	// (VM-2); 0 allows none.
	VoicemailDigits int64
	// PINMinLength and PINMaxLength bound the number of digits of a mailbox PIN.
	// PINTries wrong PINs in a row lock the mailbox for PINLock (VM-5).
	PINMinLength, PINMaxLength, PINTries int64
	PINLock                              time.Duration
	// NumberRest is how long a returned number rests before another customer can
	// have it, in whole days (NUM-10).
	NumberRest time.Duration
	// NumberMonthly and NumberOneTime are the charges for a new number (ORD-2).
	NumberMonthly, NumberOneTime Money
}

// DefaultPolicy returns the policy that a tenant starts with.
func DefaultPolicy() Policy {
	return Policy{
		ExtensionMinLength: 2, ExtensionMaxLength: 6,
		ExtensionFirst: "7000", ExtensionLast: "7999",
		AdvisedExtension: "7xxx",
		VoicemailDigits:  4,
		PINMinLength:     6, PINMaxLength: 10, PINTries: 5, PINLock: 15 * time.Minute,
		NumberRest: 45 * 24 * time.Hour,
	}
}

// Table returns the declaration of tenants.
func (t *Tenant) Table() *store.Table { return tenantsTable }

// Fields appends the tenant's columns.
func (t *Tenant) Fields(f []store.Field) []store.Field {
	p := &t.Policy
	return append(f,
		id("id", &t.ID), revision(&t.Rev),
		words("name", &t.Name), words("name_folded", &t.nameFolded),
		words("country", &t.Country), words("currency", &t.Currency),
		optional("sip_domain", &t.SIPDomain), moment("created_at", &t.CreatedAt),
		optional("next_extension", (*string)(&t.nextExtension)), integer("last_order", &t.lastOrder),
		integer("settings_rev", &t.SettingsRev),
		integer("extension_min_length", &p.ExtensionMinLength), integer("extension_max_length", &p.ExtensionMaxLength),
		words("extension_first", (*string)(&p.ExtensionFirst)), words("extension_last", (*string)(&p.ExtensionLast)),
		words("advised_extension", &p.AdvisedExtension),
		integer("voicemail_digits", &p.VoicemailDigits),
		integer("pin_min_length", &p.PINMinLength), integer("pin_max_length", &p.PINMaxLength),
		integer("pin_tries", &p.PINTries), integer("pin_lock_ns", (*int64)(&p.PINLock)),
		integer("number_rest_ns", (*int64)(&p.NumberRest)),
		integer("number_monthly", (*int64)(&p.NumberMonthly)), integer("number_one_time", (*int64)(&p.NumberOneTime)),
		optional("number_criteria", &t.NumberCriteria),
		store.Field{Name: "journal_head", Ptr: (*string)(&t.head), Null: true, Varies: store.Volatile},
	)
}

// NewTenant is what CreateTenant needs to know of a customer.
type NewTenant struct {
	Name      string  // required, up to 128 characters
	Country   string  // ISO 3166-1 alpha-2
	Currency  string  // ISO 4217; empty: USD
	SIPDomain string  // required: letters, digits, hyphens and dots, up to 128
	Policy    *Policy // nil: DefaultPolicy
}

// CreateTenant creates a customer (ACC-1). Only support can, in the tenant Provider.
//
// Errors, all at once: ErrInvalid for bad fields; ErrConflict for a SIP domain that
// is taken. ErrDenied for anybody else.
func (d *Directory) CreateTenant(ctx context.Context, in NewTenant) (*Tenant, error) {
	return change(ctx, d, "CreateTenant", func(p *prefetch) { p.get(tenantsBySIPDomain, strings.ToLower(in.SIPDomain)) }, func(t *tx) (*Tenant, error) {
		row := &Tenant{
			Name: in.Name, Country: in.Country, Currency: in.Currency,
			SIPDomain: strings.ToLower(in.SIPDomain), Policy: DefaultPolicy(), CreatedAt: t.now,
		}
		if in.Policy != nil {
			row.Policy = *in.Policy
		}
		if row.Currency == "" {
			row.Currency = "USD"
		}
		var check validation
		if err := check.collect(row.validate()); err != nil {
			return nil, err
		}
		if err := check.collect(t.freeDomain(ctx, row.SIPDomain)); err != nil {
			return nil, err
		}
		if err := check.err(); err != nil {
			return nil, err
		}
		row.ID = t.newID()
		row.nameFolded = text.Fold(row.Name)
		t.Insert(row)
		t.did("tenant.created", row.ref(), "")
		first := *t.events[len(t.events)-1] // the first event of its own journal too
		first.TenantID, first.Seq, first.Pos = row.ID, 1, 1
		t.events = append(t.events, &first)
		return copyOf(row), nil
	})
}

// freeDomain refuses a SIP domain that a tenant has (ACC-1).
func (t *tx) freeDomain(ctx context.Context, domain string) error {
	if !validDomain(domain) {
		return nil
	}
	taken, err := one[*Tenant](ctx, t, tenantsBySIPDomain, domain)
	if err != nil || taken == nil {
		return err
	}
	return &Error{Code: rule.ACC1, Kind: ErrConflict, Field: "SIPDomain", Subject: Ref{Kind: "SIP domain", ID: domain},
		Reason: "the SIP domain " + domain + " is taken"}
}

// validate checks every field, and the policy.
func (t *Tenant) validate() error {
	var check validation
	check.required(rule.ACC1, "Name", t.Name, maxLong)
	check.country(rule.ACC1, "Country", t.Country)
	if len(t.Currency) != 3 || strings.Trim(t.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		check.refuse(rule.ACC1, "Currency", "not the three capital letters of a currency")
	}
	if !validDomain(t.SIPDomain) {
		check.refuse(rule.ACC1, "SIPDomain", "not a domain name of up to %d characters", maxLong)
	}
	if t.NumberCriteria != "" && !t.hasNumbersLike(t.NumberCriteria) {
		check.refuse(rule.NUM5, "NumberCriteria", "not the beginning of E.164 numbers of %s", t.Country)
	}
	t.Policy.validate(&check)
	return check.err()
}

// validDomain reports whether s is a host name (RFC 1123, section 2.1).
func validDomain(s string) bool {
	if s == "" || len(s) > maxLong {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

func (p *Policy) validate(check *validation) {
	if p.ExtensionMinLength < 2 || p.ExtensionMaxLength > 7 || p.ExtensionMinLength > p.ExtensionMaxLength {
		check.refuse(rule.EXT1, "Policy.ExtensionMinLength", "the lengths of extensions lie within 2 and 7 digits")
	}
	first, last := string(p.ExtensionFirst), string(p.ExtensionLast)
	if !digits(first) || !digits(last) || len(first) != len(last) || first > last ||
		int64(len(first)) < p.ExtensionMinLength || int64(len(first)) > p.ExtensionMaxLength {
		check.refuse(rule.EXT5, "Policy.ExtensionFirst", "the range of automatic extensions is two extensions of one allowed length, the lower one first")
	}
	if strings.Trim(p.AdvisedExtension, "0123456789x") != "" || len(p.AdvisedExtension) > 7 {
		check.refuse(rule.EXT4, "Policy.AdvisedExtension", "not a form of digits and x, such as 7xxx")
	}
	if p.VoicemailDigits < 0 || p.VoicemailDigits > 7 {
		check.refuse(rule.VM2, "Policy.VoicemailDigits", "not within 0 and 7")
	}
	if p.PINMinLength < 4 || p.PINMaxLength > 32 || p.PINMinLength > p.PINMaxLength {
		check.refuse(rule.VM5, "Policy.PINMinLength", "the lengths of PINs lie within 4 and 32 digits")
	}
	if p.PINTries < 1 || p.PINTries > 100 || p.PINLock < 0 || p.PINLock > 30*24*time.Hour {
		check.refuse(rule.VM5, "Policy.PINTries", "tries lie within 1 and 100, and a lock within 30 days")
	}
	if p.NumberRest < 0 || p.NumberRest > 3650*24*time.Hour || p.NumberRest%(24*time.Hour) != 0 {
		check.refuse(rule.NUM10, "Policy.NumberRest", "not a number of whole days within ten years")
	}
	if p.NumberMonthly < 0 || p.NumberOneTime < 0 || p.NumberMonthly > maxMoney || p.NumberOneTime > maxMoney {
		check.refuse(rule.ORD1, "Policy.NumberMonthly", "charges lie within 0 and %d", maxMoney)
	}
}

// maxMoney is the largest price, in minor units.
const maxMoney Money = 1_000_000_00

func (t *Tenant) ref() Ref { return Ref{"tenant", t.ID.String(), t.Name} }

// Tenant returns the tenant that the Directory works in (ACC-1). Errors: ErrNotFound.
func (d *Directory) Tenant(ctx context.Context) (*Tenant, error) {
	return read(ctx, d, "Tenant", nil, func(t *tx) (*Tenant, error) {
		return copyOf(t.tenant), nil
	})
}

// TenantQuery selects tenants by the beginning of their name, without regard to
// case and accents.
type TenantQuery struct {
	Name  string
	Limit int // 0: all
}

// Tenants yields the customers in the order of their names. Only support can, to
// find the tenant to enter with [Directory.In] (ACC-3).
func (d *Directory) Tenants(ctx context.Context, q TenantQuery) iter.Seq2[*Tenant, error] {
	return pages(ctx, d, "Tenants", store.Query{Index: tenantsByName, Prefix: text.Fold(q.Name)}, q.Limit,
		func(t *Tenant) bool { return t.ID != Provider })
}

// ModifyTenant saves a tenant's name, currency, policy and number criteria, as read
// by Tenant and then changed (ACC-1, NUM-5). The country, the SIP domain and the time
// of its creation cannot be changed: that is refused, all of it at once.
//
// A stricter policy applies to later changes; what exists stays as it is. So when
// VoicemailDigits changes, mailboxes of DNs of the former length stay, without a
// warning, as the whole tenant would have to be read to find them. Such a mailbox
// ends when its DN changes to another one of that length (VM-2).
//
// Errors: ErrInvalid for bad fields, all at once; ErrStale when the settings
// changed since they were read, with the tenant as it is now in the StaleError
// (SVC-15).
func (d *Directory) ModifyTenant(ctx context.Context, in *Tenant) (*Tenant, error) {
	return save(ctx, d, "ModifyTenant", in, nil, func(t *tx) (*Tenant, error) {
		was := t.tenant
		if in.ID != was.ID {
			return nil, noTenant(in.ID)
		}
		if err := checkRevision(in.SettingsRev, was.SettingsRev, was); err != nil {
			return nil, err
		}
		var check validation
		if err := check.collect(in.validate()); err != nil {
			return nil, err
		}
		check.kept(rule.ACC1, in, was, `name currency number_criteria extension_min_length extension_max_length
			extension_first extension_last advised_extension voicemail_digits pin_min_length pin_max_length pin_tries
			pin_lock_ns number_rest_ns number_monthly number_one_time`)
		if err := check.err(); err != nil {
			return nil, err
		}
		t.editTenant(func(now *Tenant) {
			now.Name, now.nameFolded, now.Currency, now.Policy = in.Name, text.Fold(in.Name), in.Currency, in.Policy
			now.NumberCriteria, now.nextExtension = in.NumberCriteria, ""
			now.SettingsRev++
		})
		t.did("tenant.modified", t.tenant.ref(), "")
		return copyOf(t.tenant), nil
	})
}
