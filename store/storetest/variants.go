package storetest

import (
	"bytes"
	"math"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// oddText is what a text column must give back as it was: quotes, wildcards
// and escapes of query languages, control characters, accents composed and not,
// a byte-order mark, and characters of four bytes.
const oddText = " 'it''s' \"q\" \\ \\x00 %_*?[a]{b}$1:n@p;-- \t\r\n\x01\x7f é e\u0301 \ufeff ß İ Ω 電 \u2028 \ufffd 😀 \U0010ffff "

var oddList = []string{"", "A", "a,b", `c"d`, `e\f`, "{g}", "[h]", "NULL", "null", "é", " ", "😀"}

// some returns variants of one record as a list.
func some[R store.Record](records ...R) []store.Record {
	list := make([]store.Record, len(records))
	for i, r := range records {
		list[i] = r
	}
	return list
}

func withApplications[R store.Record](r R) R { return with(r, "applications", oddList) }

func (c *customer) tenantVariants() []store.Record {
	full := c.world.tenant(c.uuid(), "Full")
	full.Name, full.SIPDomain = oddText, "full.example.com"
	full.Policy.NumberMonthly, full.Policy.NumberOneTime = 100, -200
	set(full, "name_folded", oddText)
	set(full, "next_extension", "7001")
	set(full, "last_order", int64(9))
	set(full, "journal_head", headAt(1))
	full.SettingsRev, full.NumberCriteria = 1, "+1617"
	bare := with(with(with(full, "sip_domain", ""), "next_extension", ""), "journal_head", "")
	bare.NumberCriteria = ""
	bare.Name, bare.Policy.AdvisedExtension = "", ""
	return some(full, bare)
}

func locationVariants(bare *pbx.Location) []store.Record {
	full := clone(bare)
	full.Name, full.NumberPrefix = oddText, "+1617"
	full.Address = pbx.CivicAddress{Street: "77 Mass Ave", City: "Cambridge", Region: "MA", PostalCode: "02139", Country: "US"}
	return some(full, bare)
}

func userVariants(bare *pbx.User, site *pbx.Location, later time.Time) []store.Record {
	full := clone(bare)
	full.FirstName, full.Department, full.MusicOnHold = oddText, oddText, "jazz"
	full.State, full.ActivatedAt, full.Mobile, full.E911 = pbx.UserActive, later, "+447700900123", true
	full.LocationID, full.Station, full.Applications = site.ID, "STANDARD", oddList
	bare.LastName = ""
	set(bare, "last_folded", "")
	return some(full, bare)
}

func (c *customer) identityVariants() []store.Record {
	u := add(c.world, c.user("Two", "Forms"))
	a := c.alias(u)
	a.SIPAddress = u.SIPAddress
	add(c.world, a)
	byAlias := c.identity(u)
	byAlias.UserID, byAlias.AliasID = pbx.UserID{}, a.ID
	sealed := withSecrets(c.identity(u), 28, true)
	set(sealed, "ha1_md5", []byte(nil))
	return some(c.identity(u), byAlias, withSecrets(byAlias, 28, true), sealed, withSecrets(c.identity(u), 0, false))
}

// withSecrets returns a copy of an identity with credentials, whose hashes are
// sealed, and longer, or not.
func withSecrets(bare *pbx.SIPIdentity, longer int, sealed bool) *pbx.SIPIdentity {
	full := clone(bare)
	full.IssuedAt = epoch
	set(full, "ha1_sealed", sealed)
	set(full, "ha1_sha256", bytes.Repeat([]byte{0, 0xff, '\'', 'a'}, 8+longer/4))
	set(full, "ha1_md5", bytes.Repeat([]byte{0xff, 0, 1, '\\'}, 4+longer/4))
	return full
}

func groupVariants(g *pbx.Group) []store.Record {
	queue := clone(g)
	queue.Kind, queue.Name = pbx.ACDQueue, oddText
	set(queue, "name_folded", oddText)
	return some(g, queue)
}

// memberVariants have one member_id, which a user and an alias share.
func (c *customer) memberVariants(g *pbx.Group) []store.Record {
	u := add(c.world, c.user("Same", "ID"))
	a := c.alias(u)
	a.ID = pbx.AliasID(u.ID)
	add(c.world, a)
	byUser := c.member(g, u)
	byAlias := clone(byUser)
	byAlias.UserID, byAlias.AliasID = pbx.UserID{}, a.ID
	return some(byUser, byAlias)
}

func deviceVariants(bare *pbx.Device, u *pbx.User, site *pbx.Location) []store.Record {
	full := assigned(clone(bare), u, true)
	full.LocationID = site.ID
	return some(full, assigned(clone(bare), u, false), bare)
}

func serviceVariants(bare *pbx.Service, number pbx.E164, phone *pbx.Device, site *pbx.Location, later time.Time) []store.Record {
	full := clone(bare)
	full.Name, full.Type, full.Status = oddText, "CONNECT", pbx.StatusActive
	full.DeviceID, full.LocationID, full.Number = phone.ID, site.ID, number
	full.LocationKeptBy, full.ActivatedAt = "directory", later
	remote, cancelled, failed := clone(bare), clone(full), clone(bare)
	remote.Status, remote.RemoteSystem = pbx.StatusNone, "elsewhere"
	cancelled.Status, cancelled.CancelAt = pbx.StatusPendingCancellation, later
	failed.Status, failed.Failure, failed.ActivateLater = pbx.StatusOrderFailed, oddText, true
	return some(full, remote, cancelled, failed, bare)
}

// foreignVariants are one with its line and one without it.
func foreignVariants(bare *pbx.ForeignService, later time.Time) []store.Record {
	active, gone := clone(bare), clone(bare)
	active.Name, active.Link, active.Outcome = oddText, "https://elsewhere.example.com/1", oddText
	active.NeedsEmail, active.NeedsLogin, active.State, active.At = true, true, pbx.ForeignActive, later
	gone.ServiceID, gone.FormerDN, gone.Deletable = pbx.ServiceID{}, "7001", true
	gone.State, gone.Requests = pbx.ForeignDeleting, 2
	return some(active, gone, bare)
}

func deviceLineVariants(byUser *pbx.DeviceLine, a *pbx.Alias) []store.Record {
	byAlias := clone(byUser)
	byAlias.UserID, byAlias.AliasID = pbx.UserID{}, a.ID
	return some(byUser, byAlias)
}

func keyVariants(dial *pbx.ServiceKey) []store.Record {
	number, lamp, own, feature := clone(dial), clone(dial), clone(dial), clone(dial)
	number.Label, number.Target = oddText, "+447700900123"
	lamp.Kind = pbx.KeyBusyLamp
	own.Kind, own.Target = pbx.KeyLine, ""
	feature.Kind, feature.Target = pbx.KeyFeature, "*21#"
	return some(dial, number, lamp, own, feature)
}

func (c *customer) entryVariants(line *pbx.Service, u *pbx.User, a *pbx.Alias, g *pbx.Group) []store.Record {
	byService := c.dnOf(line)
	none := clone(byService)
	none.ServiceID = pbx.ServiceID{}
	byUser, main, byAlias, byGroup := clone(none), clone(none), clone(none), clone(none)
	byUser.UserID = u.ID
	main.UserID, main.MainOf = u.ID, u.ID
	byAlias.AliasID = a.ID
	byGroup.GroupID = g.ID
	return some(byService, byUser, main, byAlias, byGroup)
}

func mailboxVariants(bare *pbx.Mailbox, later time.Time) []store.Record {
	full := clone(bare)
	full.Email, full.LockedUntil = oddText, later
	set(full, "tries", int64(4))
	set(full, "pin_hash", []byte{0, 1, '\'', 0xff, 0xfe, 0})
	return some(full, bare)
}

func portVariants(p *pbx.PortRequest) []store.Record {
	tollFree := clone(p)
	tollFree.TollFree, tollFree.State, tollFree.Carrier = true, pbx.PortConfirmed, oddText
	return some(p, tollFree)
}

// numberVariants lead a number through its life, first as the provider's.
func (c *customer) numberVariants(
	provider *customer, line, other *pbx.Service, porting *pbx.Number, port *pbx.PortRequest, later time.Time,
) []store.Record {
	stock := provider.number()
	stock.E164 = line.Number
	resting := clone(stock)
	resting.State, resting.FreeFrom = pbx.NumberResting, later
	available := clone(stock)
	available.TenantID, available.State = c.tenant.ID, pbx.NumberAvailable
	given := c.numberOf(line)
	given.Monthly = 250
	billed := clone(given)
	billed.Billed = true
	standIn := clone(given)
	standIn.TemporaryFor, standIn.Loan, standIn.Monthly = porting.E164, true, 0
	awaited := clone(available)
	awaited.State, awaited.WaitingID, awaited.PortID = pbx.NumberPorting, other.ID, port.ID
	return some(stock, resting, available, given, billed, standIn, awaited)
}

func orderVariants(bare *pbx.Order, site *pbx.Location, u *pbx.User, later time.Time) []store.Record {
	full := clone(bare)
	full.LocationID, full.UserID, full.BillingFrom = site.ID, u.ID, later
	full.Monthly, full.OneTime = -1, 1
	return some(full, bare)
}

func lineVariants(bare *pbx.OrderLine) []store.Record {
	full := clone(bare)
	full.Name, full.Quantity, full.Monthly, full.OneTime = oddText, -3, math.MinInt64, math.MaxInt64
	return some(full, bare)
}

func cursorVariants(free *pbx.Cursor, later time.Time) []store.Record {
	leased, fresh := clone(free), clone(free)
	leased.Seq, leased.Holder, leased.LeasedUntil = 7, pbx.LeaseID{0: 1, 15: 0xff}, later
	fresh.Seq, fresh.Pos, fresh.Holder, fresh.LeasedUntil = 0, 0, pbx.LeaseID{0: 2}, epoch
	return some(leased, fresh, free)
}
