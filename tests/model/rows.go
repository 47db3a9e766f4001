package model

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
)

// The records, with the columns that can be predicted. A record without an ID
// of its own is identified by its key.
type (
	Location struct {
		ID                               Handle `col:"id key"`
		Building                         string `col:"building"`
		Name                             string `col:"name"`
		Street, City, Region, PostalCode string `col:"street city region postal_code"`
		Country                          string `col:"country"`
		NumberPrefix                     string `col:"number_prefix"`
	}
	ServiceType struct {
		Code             string    `col:"code key"`
		Name             string    `col:"name"`
		Monthly, OneTime pbx.Money `col:"monthly one_time"`
		Applications     []string  `col:"applications"`
		Fulfilment       bool      `col:"fulfilment"`
	}
	Pool struct {
		Package      string   `col:"package key"`
		Name         string   `col:"name"`
		Total, Used  int64    `col:"total used"`
		Applications []string `col:"applications"`
	}
	User struct {
		ID                     Handle         `col:"id key"`
		FirstName, LastName    string         `col:"first_name last_name"`
		Email, Login           string         `col:"email login"`
		State                  pbx.UserState  `col:"state"`
		Mobile                 pbx.E164       `col:"mobile"`
		Department             string         `col:"department"`
		Location               Handle         `col:"location_id"`
		MusicOnHold            string         `col:"music_on_hold"`
		SIPAddress             pbx.SIPAddress `col:"sip_address"`
		E911                   bool           `col:"e911"`
		Station                string         `col:"station"`
		Applications           []string       `col:"applications"`
		CreatedAt, ActivatedAt time.Time      `col:"created_at activated_at"`
		IssuedAt               time.Time      `col:"-"` // of their SIP credentials
	}
	Alias struct {
		ID         Handle         `col:"id key"`
		User       Handle         `col:"user_id"`
		Name       string         `col:"name"`
		SIPAddress pbx.SIPAddress `col:"sip_address"`
		IssuedAt   time.Time      `col:"-"` // of its SIP credentials
	}
	Group struct {
		ID   Handle        `col:"id key"`
		Kind pbx.GroupKind `col:"kind"`
		Name string        `col:"name"`
	}
	Member struct {
		Group       Handle `col:"group_id key"`
		User, Alias Handle `col:"user_id alias_id key"`
	}
	Device struct {
		ID        Handle          `col:"id key"`
		MAC       pbx.MAC         `col:"mac"`
		Model     string          `col:"model"`
		Category  pbx.Category    `col:"category"`
		Ports     int64           `col:"ports"`
		Location  Handle          `col:"location_id"`
		State     pbx.DeviceState `col:"state"`
		User      Handle          `col:"user_id"`
		PortsUsed int64           `col:"ports_used"`
		PrimaryOf Handle          `col:"primary_of"`
	}
	DeviceLine struct {
		Device      Handle `col:"device_id key"`
		Line        int64  `col:"line key"`
		User, Alias Handle `col:"user_id alias_id"`
	}
	Service struct {
		ID                     Handle            `col:"id key"`
		DN                     pbx.Extension     `col:"dn"`
		Name                   string            `col:"name"`
		Type                   string            `col:"type"`
		Status                 pbx.ServiceStatus `col:"status"`
		DeviceType             string            `col:"device_type"`
		Category               pbx.Category      `col:"category"`
		Device, Location       Handle            `col:"device_id location_id"`
		LocationKeptBy         string            `col:"location_kept_by"`
		RemoteSystem           string            `col:"remote_system"`
		Number                 pbx.E164          `col:"number"`
		CreatedAt, ActivatedAt time.Time         `col:"created_at activated_at"`
		CancelAt               time.Time         `col:"cancel_at"`
		Failure                string            `col:"failure"`
		ActivateLater          bool              `col:"activate_later"`
	}
	Key struct {
		Service       Handle      `col:"service_id key"`
		Position      int64       `col:"position key"`
		Kind          pbx.KeyKind `col:"kind"`
		Label, Target string      `col:"label target"`
	}
	Foreign struct {
		ID                                Handle           `col:"id key"`
		Service                           Handle           `col:"service_id"`
		FormerDN                          pbx.Extension    `col:"former_dn"`
		System, Name, Link                string           `col:"system name link"`
		Deletable, NeedsEmail, NeedsLogin bool             `col:"deletable needs_email needs_login"`
		State                             pbx.ForeignState `col:"state"`
		Outcome                           string           `col:"outcome"`
		At                                time.Time        `col:"at"`
		Requests                          int64            `col:"requests"`
	}
	Association struct {
		User, Service Handle `col:"user_id service_id key"`
		Slot          int64  `col:"slot"`
		PrimaryOf     Handle `col:"primary_of"`
	}
	// Entry is a line of the dial plan that reaches a user, an alias or a group;
	// the DNs are the services' own.
	Entry struct {
		Digits                      pbx.Extension `col:"digits key"`
		User, Alias, Group, Service Handle        `col:"user_id alias_id group_id service_id"`
		MainOf                      Handle        `col:"main_of"`
	}
	Owner struct {
		Service   Handle        `col:"service_id key"`
		Principal pbx.Principal `col:"principal key"`
		Since     time.Time     `col:"since"`
	}
	Mailbox struct {
		Service     Handle    `col:"service_id key"`
		Number      string    `col:"number"`
		Email       string    `col:"email"`
		PIN         Secret    `col:"pin_hash"`
		Tries       int64     `col:"tries"`
		LockedUntil time.Time `col:"locked_until"`
		CreatedAt   time.Time `col:"created_at"`
	}
	Port struct {
		ID        Handle        `col:"id key"`
		Carrier   string        `col:"carrier"`
		Date      time.Time     `col:"date"`
		State     pbx.PortState `col:"state"`
		TollFree  bool          `col:"toll_free"`
		CreatedAt time.Time     `col:"created_at"`
	}
	Number struct {
		E164             pbx.E164        `col:"e164 key"`
		State            pbx.NumberState `col:"state"`
		Service, Waiting Handle          `col:"service_id waiting_id"`
		TemporaryFor     pbx.E164        `col:"temporary_for"`
		Loan             bool            `col:"loan"`
		Port             Handle          `col:"port_id"`
		FreeFrom         time.Time       `col:"free_from"`
		Monthly          pbx.Money       `col:"monthly"`
		CreatedAt        time.Time       `col:"created_at"`
		Billed           bool            `col:"billed"`
		Tenant           Handle          `col:"-"`
		changes          int             `col:"-"` // how often it was changed
	}
	Order struct {
		ID               Handle          `col:"id key"`
		Number           int64           `col:"number"`
		Status           pbx.OrderStatus `col:"status"`
		PlacedBy         pbx.Principal   `col:"placed_by"`
		PlacedRole       pbx.Role        `col:"placed_role"`
		PlacedAt         time.Time       `col:"placed_at"`
		Location         Handle          `col:"location_id"`
		Monthly, OneTime pbx.Money       `col:"monthly one_time"`
		BillingFrom      time.Time       `col:"billing_from"`
		User             Handle          `col:"user_id"`
	}
	OrderLine struct {
		Order            Handle    `col:"order_id key"`
		Line             int64     `col:"line key"`
		Product, Name    string    `col:"product name"`
		Quantity         int64     `col:"quantity"`
		Monthly, OneTime pbx.Money `col:"monthly one_time"`
	}
	identity struct {
		Address     pbx.SIPAddress `col:"address key"`
		User, Alias Handle         `col:"user_id alias_id"`
		IssuedAt    time.Time      `col:"issued_at"`
		Sealed      bool           `col:"ha1_sealed"`
		Hash        Secret         `col:"ha1_sha256"`
	}
	customer struct {
		ID                                 Handle    `col:"id key"`
		Rev                                int       `col:"rev"`
		Name, Country, Currency, SIPDomain string    `col:"name country currency sip_domain"`
		LastOrder                          int64     `col:"last_order"`
		CreatedAt                          time.Time `col:"created_at"`
		Policy                             string    `col:"policy"`
		NumberCriteria                     string    `col:"number_criteria"`
	}
)

// Secret shows only whether it is there.
type Secret string

// Row is a record as text: where it is, its key, and its columns that are not
// zero.
type Row struct {
	Table   string // with the tenant before it
	Key     string
	Columns []Column
}

// Column is the name of a column, and its value as text.
type Column struct{ Name, Value string }

// String returns the row as a line, its columns in the order of their names.
func (r Row) String() string {
	var b strings.Builder
	b.WriteString(r.Table)
	slices.SortFunc(r.Columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range r.Columns {
		b.WriteByte(' ')
		b.WriteString(c.Name)
		b.WriteByte('=')
		b.WriteString(c.Value)
	}
	return b.String()
}

// Lines is all of the state that can be predicted, as sorted lines.
func (s *State) Lines() []string {
	var lines []string
	for _, t := range s.Tenants {
		if t.Rev == 0 {
			continue
		}
		for _, r := range s.rows(t) {
			lines = append(lines, r.String())
		}
	}
	slices.Sort(lines)
	return lines
}

// rows are a tenant's records, its numbers included.
func (s *State) rows(t *Tenant) []Row {
	var rows []Row
	add := func(table string, record any) { rows = append(rows, rowOf(t.ID, table, record)) }
	add("tenants", &customer{t.ID, t.Rev, t.Name, t.Country, t.Currency, t.SIPDomain, t.LastOrder, t.CreatedAt, PolicyText(t.Policy), t.NumberCriteria})
	each(t.Locations, "locations", add)
	each(t.Types, "service_types", add)
	each(t.Pools, "station_pools", add)
	each(t.Users, "users", add)
	each(t.Aliases, "aliases", add)
	each(t.Groups, "call_groups", add)
	each(t.Members, "call_group_members", add)
	each(t.Devices, "devices", add)
	each(t.DeviceLines, "device_lines", add)
	each(t.Services, "services", add)
	each(t.Keys, "service_keys", add)
	each(t.Foreign, "foreign_services", add)
	each(t.Associations, "associations", add)
	each(t.Entries, "extensions", add)
	each(t.Owners, "owners", add)
	each(t.Mailboxes, "mailboxes", add)
	each(t.Ports, "port_requests", add)
	each(t.Orders, "orders", add)
	each(t.OrderLines, "order_lines", add)
	for _, u := range t.Users {
		add("sip_identities", identityOf(u.SIPAddress, u.ID, "", u.IssuedAt))
	}
	for _, a := range t.Aliases {
		add("sip_identities", identityOf(a.SIPAddress, "", a.ID, a.IssuedAt))
	}
	for _, sv := range t.Services {
		add("extensions", &Entry{Digits: sv.DN, Service: sv.ID})
	}
	for _, n := range s.Numbers {
		if n.Tenant == t.ID {
			add("numbers", n)
		}
	}
	return rows
}

func identityOf(address pbx.SIPAddress, user, alias Handle, issued time.Time) *identity {
	i := &identity{Address: address, User: user, Alias: alias, IssuedAt: issued}
	if !issued.IsZero() {
		i.Sealed, i.Hash = true, "a hash"
	}
	return i
}

func each[R any](list []*R, table string, add func(string, any)) {
	for _, r := range list {
		add(table, r)
	}
}

// PolicyText is a policy as text.
func PolicyText(p pbx.Policy) string { return fmt.Sprintf("%v", p) }

// rowOf shows a record, by the tags of its fields.
func rowOf(tenant Handle, table string, record any) Row {
	row := Row{Table: string(tenant) + " " + table}
	v := reflect.ValueOf(record).Elem()
	for _, c := range columnsOf(v.Type()) {
		value := Value(v.Field(c.field).Interface())
		if value == "" {
			continue
		}
		if c.key {
			row.Key += " " + c.name + "=" + value
		}
		row.Columns = append(row.Columns, Column{c.name, value})
	}
	return row
}

// Value is a value of a column as text; "" is zero.
func Value(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return count(v)
	case int:
		return count(int64(v))
	case pbx.Money:
		return count(int64(v))
	case bool:
		if v {
			return "yes"
		}
		return ""
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339Nano)
	case []string:
		return strings.Join(v, "+")
	case Secret:
		if v == "" {
			return ""
		}
		return "set"
	}
	return reflect.ValueOf(v).String()
}

func count(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

type column struct {
	name  string
	field int
	key   bool
}

var columns = map[reflect.Type][]column{}

// columnsOf reads the tags of a record's fields: the names of the columns, and
// whether they are its key. Fields declared together share a tag.
func columnsOf(t reflect.Type) []column {
	if known, ok := columns[t]; ok {
		return known
	}
	var list []column
	tag, at := "", 0
	for i := range t.NumField() {
		if now := t.Field(i).Tag.Get("col"); now != tag {
			tag, at = now, 0
		}
		names := strings.Fields(tag)
		if names[0] != "-" {
			list = append(list, column{names[at], i, names[len(names)-1] == "key"})
		}
		at++
	}
	columns[t] = list
	return list
}
