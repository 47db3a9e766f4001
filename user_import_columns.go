package pbx

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pbxkit/pbx/rule"
)

// csvColumn is a column of a file of users. Import and export have the same ones.
type csvColumn struct {
	name   string
	field  string                // the input field that it fills, and whose refusals are the column's
	guided bool                  // SetUpUser takes it and CreateUser does not
	read   func(*csvRow, string) // reads a cell that is not empty
	write  func(*csvUser) string
}

// csvColumns are all columns, in the order of an export.
var csvColumns = []csvColumn{
	{"first_name", "FirstName", false, into(func(r *csvRow) *string { return &r.in.FirstName }), func(u *csvUser) string { return u.FirstName }},
	{"last_name", "LastName", false, into(func(r *csvRow) *string { return &r.in.LastName }), func(u *csvUser) string { return u.LastName }},
	{"email", "Email", false, into(func(r *csvRow) *string { return &r.in.Email }), func(u *csvUser) string { return u.Email }},
	{"login", "Login", false, into(func(r *csvRow) *string { return &r.in.Login }), func(u *csvUser) string { return u.Login }},
	{"extension", "Extension", false, into(func(r *csvRow) *Extension { return &r.in.Extension }), func(u *csvUser) string { return string(u.main) }},
	{"line", "Line", false, (*csvRow).readLine, (*csvUser).lineSaid},
	{"number_source", "Number.Source", true, into(func(r *csvRow) *NumberSource { return &r.in.Number.Source }), (*csvUser).numberSource},
	{"number", "Number", true, into(func(r *csvRow) *E164 { return &r.in.Number.Number }), func(u *csvUser) string { return string(u.number) }},
	{"number_prefix", "Number.Prefix", true, into(func(r *csvRow) *string { return &r.in.Number.Prefix }), func(*csvUser) string { return "" }},
	{"service_type", "ServiceType", true, into(func(r *csvRow) *string { return &r.in.ServiceType }), func(u *csvUser) string { return u.line.Type }},
	{"station", "Station", true, into(func(r *csvRow) *string { return &r.in.Station }), func(u *csvUser) string { return u.Station }},
	{"applications", "Applications", true, (*csvRow).readApplications, func(u *csvUser) string { return strings.Join(u.applications, ";") }},
	{"mac", "DeviceID", true, (*csvRow).readMAC, func(u *csvUser) string { return string(u.mac) }},
	{"ports", "Ports", true, (*csvRow).readPorts, (*csvUser).portsUsed},
	{"device_type", "DeviceType", true, into(func(r *csvRow) *string { return &r.in.DeviceType }), (*csvUser).deviceType},
	{"mobile", "Mobile", false, into(func(r *csvRow) *E164 { return &r.in.Mobile }), func(u *csvUser) string { return string(u.Mobile) }},
	{"department", "Department", false, into(func(r *csvRow) *string { return &r.in.Department }), func(u *csvUser) string { return u.Department }},
	{"building", "LocationID", false, into(func(r *csvRow) *string { return &r.building }), func(u *csvUser) string { return u.building }},
	{"music_on_hold", "MusicOnHold", false, into(func(r *csvRow) *string { return &r.in.MusicOnHold }), func(u *csvUser) string { return u.MusicOnHold }},
	{"sip_address", "SIPAddress", false, into(func(r *csvRow) *SIPAddress { return &r.in.SIPAddress }), func(u *csvUser) string { return string(u.SIPAddress) }},
	{"e911", "E911", false, yesOrNo("E911", func(r *csvRow, yes bool) { r.in.E911 = yes }), func(u *csvUser) string { return yes(u.E911) }},
	// Users who are not active, or whose line waits, come back pending: nothing that
	// does not work now may start working, or be billed, by an import.
	{"activate_later", "ActivateLater", false, yesOrNo("ActivateLater", func(r *csvRow, yes bool) { r.in.ActivateLater = yes }),
		(*csvUser).activateLater},
	// Users who are exported have been welcomed already.
	{"welcome_mail", "NoWelcomeMail", false, yesOrNo("NoWelcomeMail", func(r *csvRow, yes bool) { r.in.NoWelcomeMail = !yes }), func(*csvUser) string { return yes(false) }},
}

// columnNamed returns the column of that name, or nil.
func columnNamed(name string) *csvColumn {
	at := slices.IndexFunc(csvColumns, func(c csvColumn) bool { return c.name == name })
	if at < 0 {
		return nil
	}
	return &csvColumns[at]
}

func columnNames() []string {
	names := make([]string, len(csvColumns))
	for i := range csvColumns {
		names[i] = csvColumns[i].name
	}
	return names
}

// into returns what copies a cell into a field as it is.
func into[S ~string](field func(*csvRow) *S) func(*csvRow, string) {
	return func(r *csvRow, cell string) { *field(r) = S(cell) }
}

// yesOrNo returns what reads a cell that says yes or no.
func yesOrNo(field string, set func(*csvRow, bool)) func(*csvRow, string) {
	return func(r *csvRow, cell string) {
		switch strings.ToLower(cell) {
		case "yes", "true", "1":
			set(r, true)
		case "no", "false", "0":
			set(r, false)
		default:
			r.check.refuse(rule.SYS5, field, "not yes or no")
		}
	}
}

// yes is a cell that says yes or no.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// The values of the column line.
const (
	lineYes    = "yes"
	lineNo     = "no"
	lineShared = "shared" // the user shares the line that has the row's extension
)

func (r *csvRow) readLine(cell string) {
	switch cell = strings.ToLower(cell); cell {
	case lineYes, lineNo, lineShared:
		r.line = cell
		r.guided = r.guided || cell == lineYes
	default:
		r.check.refuse(rule.SYS5, "Line", "not yes, no or shared")
	}
}

func (r *csvRow) readApplications(cell string) {
	if strings.Count(cell, ";") >= maxCodes {
		r.check.refuse(rule.STN2, "Applications", "more than %d entries", maxCodes)
		return
	}
	for code := range strings.SplitSeq(cell, ";") {
		if code = strings.TrimSpace(code); code != "" {
			r.in.Applications = append(r.in.Applications, code)
		}
	}
}

func (r *csvRow) readMAC(cell string) {
	mac, err := ParseMAC(cell)
	_ = r.check.collectAs("DeviceID", err)
	r.mac = mac
}

func (r *csvRow) readPorts(cell string) {
	n, err := strconv.ParseInt(cell, 10, 64)
	if err != nil || n < 1 {
		r.check.refuse(rule.DEV3, "Ports", "not a number of ports")
		return
	}
	r.in.Ports = n
}
