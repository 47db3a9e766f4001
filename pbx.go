package pbx

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// Directory has a method for every operation, and all rules are kept there. It is a
// small value over a store: As, In, Confirm and Seen return copies that differ in who
// acts, in which tenant, and what was confirmed and seen. Many goroutines may use one
// Directory at once, except one that Batch or Review gave to its function.
type Directory struct {
	core      *core
	actor     Actor
	tenant    TenantID
	confirmed []rule.Code
	seen      []store.Record // that changes are based on
	tx        *tx            // inside a batch or a review
}

// core is what all Directories made by one New share.
type core struct {
	store      store.Store
	now        func() time.Time
	newID      func() ([16]byte, error)
	random     io.Reader
	allocate   Allocator
	models     map[string]DeviceModel
	notNew     []string // the countries whose tenants get no new numbers
	principals func(context.Context, Principal) error
	log        *slog.Logger
	lease      time.Duration // for how long a delivery has a journal
	deliveries int           // how many tenants are delivered at once
	passedOver func(context.Context, PassedOver)
	batch      int // how many changes a batch or review may stage
	sealer     *Sealer
	unsealed   bool // credentials are kept unsealed
	md5        bool // and their MD5 hashes too
	pageKey    pageKey
	facts      facts // for prefetch plans
	functions  functions
	batchWait  time.Duration // how long a change waits for them
	stats      stats
}

// Option sets one thing that a Directory depends on. A nil Option, and one that was
// given nil, leaves the default.
type Option func(*core)

// WithClock sets the clock. The library keeps UTC, in whole microseconds. While the
// clock is outside the years 1 to 9999, which not every store can keep, every operation
// is refused (ErrMisuse).
func WithClock(now func() time.Time) Option {
	return func(c *core) {
		if now != nil {
			c.now = now
		}
	}
}

// WithIDs sets the source of record IDs, by default UUIDs of version 7.
func WithIDs(next func() [16]byte) Option {
	return func(c *core) {
		if next != nil {
			c.newID = func() ([16]byte, error) { return next(), nil }
		}
	}
}

// WithRandom sets the source of randomness for IDs, salts, credentials and the key of
// page tokens.
func WithRandom(r io.Reader) Option {
	return func(c *core) {
		if r != nil {
			c.random = r
		}
	}
}

// WithSealer sets what SIP credentials are sealed with (EXT-7).
func WithSealer(s *Sealer) Option { return func(c *core) { c.sealer = s } }

// WithUnsealedCredentials keeps SIP credentials as plain hashes (EXT-7), for a SIP
// server that reads them from the database. Anyone who can read the table, or a copy
// of it, can then sign in as any user: see docs/security.md. Credentials that were
// sealed before can still be used if there is a Sealer too.
func WithUnsealedCredentials() Option { return func(c *core) { c.unsealed = true } }

// WithMD5Credentials keeps the MD5 hash of SIP credentials beside the SHA-256 one,
// for phones that know no other (EXT-7). It applies to credentials that are issued
// from then on.
func WithMD5Credentials() Option { return func(c *core) { c.md5 = true } }

// WithLogger sets the logger; by default nothing is logged. Log records hold
// no names, numbers or secrets.
func WithLogger(l *slog.Logger) Option {
	return func(c *core) {
		if l != nil {
			c.log = l
		}
	}
}

// WithAllocator replaces the choice of the extensions that are filled in
// automatically (EXT-5), by default the lowest free one.
func WithAllocator(a Allocator) Option { return func(c *core) { c.allocate = a } }

// WithDeviceModels replaces the catalogue of device models, by default
// DefaultDeviceModels.
func WithDeviceModels(models ...DeviceModel) Option {
	return func(c *core) { c.models = modelsByName(models) }
}

// WithoutNewNumbers sets the countries, by ISO 3166-1 alpha-2 code, whose
// tenants get no new numbers (NUM-6); by default GB.
func WithoutNewNumbers(countries ...string) Option {
	return func(c *core) { c.notNew = slices.Clone(countries) }
}

// WithPrincipals sets how a principal is validated before it becomes an owner
// (OWN-3); by default only its form is checked. An error refuses the principal.
func WithPrincipals(check func(context.Context, Principal) error) Option {
	return func(c *core) { c.principals = check }
}

// WithLease sets for how long a tenant's journal is leased to a delivery before
// another one may take it over (SYS-3), by default 30 seconds, at least a millisecond
// and at most a day. All processes that deliver to one subscriber should have the same:
// a lease that ends further ahead than four times as long was taken by a clock that was
// wrong, and has lapsed, so lengths must never differ by more than that. A lease is
// renewed after each third of its time while its holder is at work, so it can be shorter
// than the work. But two thirds of it must be longer than the longest pause of a process
// plus the difference between the clocks of two machines.
func WithLease(d time.Duration) Option {
	return func(c *core) { c.lease = min(max(d, time.Millisecond), 24*time.Hour) }
}

// WithPassedOver sets what is told of the tenants that a call of Deliver passes over
// (SYS-3), and why. Otherwise the logger has them, at debug level. It may be called by
// several goroutines at once.
func WithPassedOver(tell func(context.Context, PassedOver)) Option {
	return func(c *core) { c.passedOver = tell }
}

// WithDeliveries sets how many tenants' journals one call of Deliver delivers at once
// (SYS-3), by default 8. With 1 the handler is called by one goroutine at a time.
func WithDeliveries(n int) Option {
	return func(c *core) { c.deliveries = max(n, 1) }
}

// WithBatchWait sets for how long a change waits while a function of a batch runs on a
// Directory of the same New (SYS-1), by default 30 seconds. Then it is refused with
// ErrConflict: the function may be waiting for that very change, because it called an
// outer Directory. Zero waits until the context ends. Use one New for each store in a
// process: Directories of two do not know of each other's functions.
func WithBatchWait(d time.Duration) Option { return func(c *core) { c.batchWait = d } }

// WithBatchLimit sets how many changes of records one batch or review may hold, which
// are kept in memory until it is committed (SYS-1), by default 1,000,000. A guided
// set-up makes about 10.
func WithBatchLimit(changes int) Option {
	return func(c *core) { c.batch = max(changes, 1) }
}

// New returns a Directory over a store. It does not use the store yet, and it has no
// actor: choose one with As. The caller closes the store. Without a store every
// operation is refused (ErrMisuse).
func New(store store.Store, opts ...Option) *Directory {
	c := &core{
		store:  store,
		now:    time.Now,
		random: rand.Reader,
		models: modelsByName(DefaultDeviceModels()),
		notNew: []string{"GB"},
		log:    slog.New(slog.DiscardHandler),

		lease: defaultLease, deliveries: defaultDeliveries, batch: defaultBatch, batchWait: defaultBatchWait,
	}
	for _, set := range opts {
		if set != nil {
			set(c)
		}
	}
	if v := reflect.ValueOf(store); v.Kind() == reflect.Pointer && v.IsNil() {
		c.store = nil
	}
	if c.passedOver == nil {
		c.passedOver = c.logPassedOver
	}
	if c.newID == nil {
		c.newID = uuid7(c.now, c.random)
	}
	return &Directory{core: c}
}

// As returns a Directory on which the actor acts, in their own tenant (ACC-2). An actor
// without a name, or of a role that is unknown, is refused every operation
// (ErrDenied).
func (d *Directory) As(actor Actor) *Directory {
	n := *d
	n.actor = actor
	return &n
}

// In returns a Directory that works in the tenant (ACC-3). Support can work in
// any, and works in the Provider's until it chooses. For the other roles every tenant
// except their own does not exist (ErrNotFound).
func (d *Directory) In(tenant TenantID) *Directory {
	n := *d
	n.tenant = tenant
	return &n
}

// Confirm returns a Directory whose operations are confirmed for the rules named.
// Without it, an operation that needs a confirmation is refused with ErrUnconfirmed.
// In a Review it is listed instead, and Commit confirms it.
func (d *Directory) Confirm(rules ...rule.Code) *Directory {
	n := *d
	n.confirmed = slices.Concat(d.confirmed, rules)
	return &n
}

// Seen returns a Directory whose changing operations are based on the records
// given, as they were read: each is refused with a *StaleError if one of them
// was changed since, and with ErrNotFound if one is gone (SVC-15). So any
// operation can be made to act on what somebody saw, and on nothing else:
//
//	err := admin.Seen(user).DeleteUser(ctx, user.ID, pbx.UserOnly)
//
// A batch, and the function of a review, is based on them as a whole: they are
// checked once, before it.
//
// Only the key and the revision of a record count, so a form that keeps those two is
// enough. A tenant's revision is raised by every change of anything in it. Operations
// that save a whole record demand its revision in any case. A nil record and one
// without a revision cannot be given (ErrMisuse).
func (d *Directory) Seen(records ...store.Record) *Directory {
	n := *d
	n.seen = slices.Concat(d.seen, records)
	return &n
}

// moment is the present time, as records keep it.
func (c *core) moment() time.Time { return c.now().UTC().Truncate(time.Microsecond) }
