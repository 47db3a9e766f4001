// Package model is a second, simple description of the system: what each
// operation does with a few slices of small structs, and what it refuses. It is
// written from the rules, keeps nothing in a store, and calls none of the
// library's rules: the tests compare the two.
package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pbxkit/pbx"
)

// Handle names a record: the letter of its kind and the number of the call that
// made it, such as "u3"; a tenant by the first label of its SIP domain. Those of
// a kind that were made later have higher numbers.
type Handle string

// Provider is the provider's own tenant.
const Provider Handle = "provider"

// State is everything that exists. It is never changed: a command leads to a
// new one.
type State struct {
	Now     time.Time
	Tenants []*Tenant
	Numbers []*Number // by E.164
	Reviews []*Review
	N       int     // the highest number of a call so far
	Last    Outcome // of the command that led here
}

// Tenant is a customer, or the provider, with all its records; each list in the
// order of handles.
type Tenant struct {
	ID                  Handle
	Rev                 int // the number of commits so far
	Name, Country       string
	Currency, SIPDomain string
	Policy              pbx.Policy
	NumberCriteria      string
	LastOrder           int64
	CreatedAt           time.Time
	Locations           []*Location
	Types               []*ServiceType
	Pools               []*Pool
	Users               []*User
	Aliases             []*Alias
	Groups              []*Group
	Members             []*Member
	Devices             []*Device
	DeviceLines         []*DeviceLine
	Services            []*Service
	Keys                []*Key
	Foreign             []*Foreign
	Associations        []*Association
	Entries             []*Entry
	Owners              []*Owner
	Mailboxes           []*Mailbox
	Ports               []*Port
	Orders              []*Order
	OrderLines          []*OrderLine
}

// Start is the state before anything: only the provider, without any change
// yet.
func Start(now time.Time) *State {
	return &State{Now: now, Tenants: []*Tenant{{ID: Provider, Name: "provider", Policy: pbx.DefaultPolicy(), CreatedAt: now}}}
}

// String says only how far it is: the sequence of commands says the rest.
func (s *State) String() string { return fmt.Sprint("state after call ", s.N) }

// clone is a copy for a command that works in a tenant to change: the other
// tenants are shared.
func (s *State) clone(in Handle) *State {
	c := *s
	c.Tenants = slices.Clone(s.Tenants)
	for i, t := range s.Tenants {
		if t.ID == in {
			c.Tenants[i] = t.clone()
		}
	}
	c.Numbers = copies(s.Numbers)
	c.Reviews = copies(s.Reviews)
	return &c
}

func (t *Tenant) clone() *Tenant {
	c := *t
	c.Locations, c.Types, c.Pools = copies(t.Locations), copies(t.Types), copies(t.Pools)
	c.Users, c.Aliases = copies(t.Users), copies(t.Aliases)
	c.Groups, c.Members = copies(t.Groups), copies(t.Members)
	c.Devices, c.Services, c.Associations = copies(t.Devices), copies(t.Services), copies(t.Associations)
	c.DeviceLines, c.Keys, c.Foreign = copies(t.DeviceLines), copies(t.Keys), copies(t.Foreign)
	c.Entries, c.Owners, c.Mailboxes = copies(t.Entries), copies(t.Owners), copies(t.Mailboxes)
	c.Ports, c.Orders, c.OrderLines = copies(t.Ports), copies(t.Orders), copies(t.OrderLines)
	return &c
}

// copies copies a list with its records.
func copies[R any](list []*R) []*R {
	rows, to := make([]R, len(list)), make([]*R, len(list))
	for i, r := range list {
		rows[i] = *r
		to[i] = &rows[i]
	}
	return to
}

// Tenant is the tenant of that name, or nil.
func (s *State) Tenant(id Handle) *Tenant {
	return first(s.Tenants, func(t *Tenant) bool { return t.ID == id })
}

// Number is that number, whoever has it, or nil.
func (s *State) Number(e pbx.E164) *Number {
	return first(s.Numbers, func(n *Number) bool { return n.E164 == e })
}

// first is the first record that fits, or nil.
func first[R any](list []*R, fits func(*R) bool) *R {
	if at := slices.IndexFunc(list, fits); at >= 0 {
		return list[at]
	}
	return nil
}

// all are the records that fit.
func all[R any](list []*R, fits func(*R) bool) []*R {
	var found []*R
	for _, r := range list {
		if fits(r) {
			found = append(found, r)
		}
	}
	return found
}

// without takes the records that fit out of a list.
func without[R any](list []*R, fits func(*R) bool) []*R {
	return slices.DeleteFunc(slices.Clone(list), fits)
}

// after puts a record after those with lower handles.
func after[R any](list []*R, r *R, id func(*R) Handle) []*R {
	at := slices.IndexFunc(list, func(other *R) bool { return older(id(r), id(other)) })
	if at < 0 {
		return append(slices.Clip(list), r)
	}
	return slices.Insert(slices.Clip(list), at, r)
}

// older reports whether a handle of a kind was given before another. Of those
// that the same call gave, the later ones have a letter after the number.
func older(a, b Handle) bool {
	if x, y := strings.TrimRight(string(a), "bc"), strings.TrimRight(string(b), "bc"); len(x) != len(y) {
		return len(x) < len(y)
	}
	return a < b
}

// fold is a name without case and accents, as far as the model's names need it.
func fold(s string) string { return strings.ToLower(accents.Replace(s)) }

var accents = strings.NewReplacer("ë", "e", "É", "E", "é", "e", "Ü", "U", "ü", "u", "ß", "ss")
