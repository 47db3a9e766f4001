// Package numplan knows the numbering plans of the world's regions: calling
// codes, trunk prefixes, the possible lengths of numbers, toll-free numbers and
// the numbers that reach the emergency services.
//
// It checks shapes, not assignments: a number that it calls valid has a calling
// code that exists and a length that is possible there, but need not be assigned to
// anybody. For a region that is not in the table the answer is "no" or "unknown",
// never another region's plan.
//
// The table is generated from the metadata of libphonenumber by
// tools/gennumplan and is static data: nothing is set up at start. Only For,
// Regions, Lengths.List and National allocate.
package numplan

import "strings"

// Plan is the numbering plan of one region.
type Plan struct {
	// Region is the ISO 3166-1 alpha-2 code, in capitals; also AC and TA
	// (Ascension, Tristan da Cunha) and XK (Kosovo), which have plans too.
	Region string
	// CallingCode is the country calling code, digits only: "44". Regions may
	// share one.
	CallingCode string
	// TrunkPrefix is what is dialled before a national number inside the region
	// and left out of E.164: "0" in GB, "1" in US, none in IT.
	TrunkPrefix string
	// Lengths are the possible lengths of the national significant number, of
	// all types together, within the 15 digits of E.164.
	Lengths Lengths
	// Emergency lists the numbers that reach emergency services. It is empty for
	// the few regions of which the metadata names none: that means unknown, not
	// that there are none.
	Emergency []string
}

// Lengths is a set of numbers of digits, from 1 to 15.
type Lengths uint16

// zeroLeads is kept in the place of length 0: a national significant number
// may begin with 0, as in Italy.
const zeroLeads Lengths = 1

// Has reports whether a number of n digits is possible.
func (l Lengths) Has(n int) bool { return n > 0 && n < 16 && l&(1<<n) != 0 }

// List returns the lengths, shortest first.
func (l Lengths) List() []int {
	list := make([]int, 0, 16)
	for n := 1; n < 16; n++ {
		if l.Has(n) {
			list = append(list, n)
		}
	}
	return list
}

// possible reports whether digits may be a national significant number.
func (l Lengths) possible(digits string) bool {
	return l.Has(len(digits)) && (digits[0] != '0' || l&zeroLeads != 0)
}

// northAmerica is the calling code of the plan of which more is known than the table
// holds: numbers have ten digits and do not begin with 0 or 1.
const northAmerica = "1"

// entry is a row of the generated table.
type entry struct {
	region, code, trunk string
	main                bool // the main one of the regions that share the code
	lengths             Lengths
	emergency           string // separated by spaces
	// tollFree has groups, separated by semicolons, of lengths (hexadecimal
	// digits) and leading digits (separated by spaces, or ranges of them): in
	// "9a:800;a:808-809" a number of 10 digits that starts with 808 is one.
	tollFree string
	// areas are the first digits of geographic and mobile numbers, in the notation
	// of a tollFree group, for regions that share a code. The main region lists only
	// those that it shares with others: it has all that are in no other's list.
	areas string
}

// find finds the region by binary search.
func find(region string) (*entry, bool) {
	if len(region) != 2 {
		return nil, false
	}
	low, high := 0, len(table)
	for low < high {
		mid := (low + high) / 2
		switch id := regionIDs[2*mid : 2*mid+2]; {
		case id == region:
			return &table[mid], true
		case id < region:
			low = mid + 1
		default:
			high = mid
		}
	}
	return nil, false
}

// For returns the plan of a region; false if the table has none by that name.
func For(region string) (Plan, bool) {
	e, ok := find(region)
	if !ok {
		return Plan{}, false
	}
	return Plan{
		Region:      e.region,
		CallingCode: e.code,
		TrunkPrefix: e.trunk,
		Lengths:     e.lengths &^ zeroLeads,
		Emergency:   strings.Fields(e.emergency),
	}, true
}

// Regions lists the regions that share a calling code, the main one first and
// the others by name. The codes that belong to no region, such as 800 and 881,
// have none, like codes that do not exist.
func Regions(callingCode string) []string {
	var list []string
	for i := range table {
		switch e := &table[i]; {
		case e.code != callingCode:
		case e.main:
			list = append([]string{e.region}, list...)
		default:
			list = append(list, e.region)
		}
	}
	return list
}

// Split splits an E.164 number: a plus sign, a calling code that exists, and a
// national significant number of a length that is possible in at least one
// region of that code, 7 to 15 digits in all. A number that still has its trunk
// prefix, as in +44 020…, is refused.
func Split(e164 string) (callingCode, national string, ok bool) {
	if len(e164) < 8 || len(e164) > 16 || e164[0] != '+' || !digitsOnly(e164[1:]) {
		return "", "", false
	}
	// No calling code is the beginning of another, so the first match is the code.
	// None begins with 0, so "+0…" matches nothing.
	code := 0
	for i := 1; i <= 3; i++ {
		code = 10*code + int(e164[i]-'0')
		if lengths := codes[code]; lengths != 0 {
			callingCode, national = e164[1:i+1], e164[i+1:]
			if !lengths.possible(national) || code == 1 && national[0] == '1' {
				return "", "", false
			}
			return callingCode, national, true
		}
		if code == 0 {
			break
		}
	}
	return "", "", false
}

// Valid reports whether Split accepts the number.
func Valid(e164 string) bool {
	_, _, ok := Split(e164)
	return ok
}

// National turns a national number, typed with digits only, into E.164. Where
// the region has a trunk prefix, the number may begin with it. In North America the
// number has exactly ten digits and no prefix. Where the first digits may be a trunk
// prefix or belong to the number, National does not guess: it refuses the number,
// which then has to be given in E.164.
func National(region, digits string) (e164 string, ok bool) {
	e, ok := find(region)
	if !ok || digits == "" || !digitsOnly(digits) {
		return "", false
	}
	significant, ok := e.significant(digits)
	if !ok {
		return "", false
	}
	return "+" + e.code + significant, true
}

func (e *entry) significant(digits string) (string, bool) {
	if e.code == northAmerica {
		return digits, len(digits) == 10 && digits[0] >= '2'
	}
	rest, prefixed := strings.CutPrefix(digits, e.trunk)
	switch whole, cut := e.lengths.Has(len(digits)), e.lengths.Has(len(rest)); {
	case e.trunk == "" || !prefixed:
	case e.trunk == "0":
		digits = rest // a number that begins with 0 cannot be read otherwise there
	case whole == cut:
		return "", false
	case cut:
		digits = rest
	}
	return digits, e.lengths.possible(digits)
}

// In reports whether an E.164 number belongs to a region: it has the region's calling
// code and, where regions share that, one of the region's areas. A number in no
// region's area, such as a toll-free one, belongs to the main region.
func In(region, e164 string) bool {
	e, ok := find(region)
	code, national, valid := Split(e164)
	if !ok || !valid || code != e.code {
		return false
	}
	if startsWithin(national, e.areas) {
		return true
	}
	if !e.main {
		return e.areas == ""
	}
	for i := range table {
		if other := &table[i]; other.code == code && startsWithin(national, other.areas) {
			return false
		}
	}
	return true
}

// TollFree reports whether a national significant number (no trunk prefix) is
// toll-free in the region.
func TollFree(region, national string) bool {
	e, ok := find(region)
	return ok && digitsOnly(national) && e.isTollFree(national)
}

// TollFreeE164 reports whether an E.164 number is toll-free in any region of
// its calling code, or an international freephone number (+800).
func TollFreeE164(e164 string) bool {
	code, national, ok := Split(e164)
	if !ok {
		return false
	}
	if code == "800" {
		return true
	}
	searched := "" // regions next to each other mostly share one list
	for i := range table {
		e := &table[i]
		if e.code != code || e.tollFree == searched {
			continue
		}
		if e.isTollFree(national) {
			return true
		}
		searched = e.tollFree
	}
	return false
}

func (e *entry) isTollFree(national string) bool {
	const hex = "0123456789abcdef"
	if len(national) >= len(hex) {
		return false
	}
	for rest := e.tollFree; rest != ""; {
		var group string
		group, rest, _ = strings.Cut(rest, ";")
		lengths, leading, _ := strings.Cut(group, ":")
		if strings.IndexByte(lengths, hex[len(national)]) >= 0 && startsWithin(national, leading) {
			return true
		}
	}
	return false
}

// startsWithin reports whether digits start with one of the leading digits of
// a toll-free group, or are in one of its ranges.
func startsWithin(digits, leading string) bool {
	for leading != "" {
		var span string
		span, leading, _ = strings.Cut(leading, " ")
		low, high, isRange := strings.Cut(span, "-")
		if !isRange {
			high = low
		}
		if len(digits) >= len(low) && low <= digits[:len(low)] && digits[:len(low)] <= high {
			return true
		}
	}
	return false
}

// TouchesEmergency reports whether dialling the digits may reach an emergency number
// of the region, and which: the digits start with one ("9110"), or are the beginning
// of one ("91"), so that the exchange cannot tell until more digits come. known is
// false, and the rest is empty, if the region is unknown or the metadata names no
// emergency number for it; that must not be taken to mean that the digits are safe.
func TouchesEmergency(region, digits string) (number string, touches, known bool) {
	e, ok := find(region)
	if !ok || e.emergency == "" {
		return "", false, false
	}
	for rest := e.emergency; rest != "" && digits != ""; {
		number, rest, _ = strings.Cut(rest, " ")
		if strings.HasPrefix(digits, number) || strings.HasPrefix(number, digits) {
			return number, true, true
		}
	}
	return "", false, true
}

func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return true
}
