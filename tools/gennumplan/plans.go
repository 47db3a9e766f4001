package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// lengths is a set of lengths: bit n stands for n digits. Bit 0 says something
// else: that a national number may begin with 0.
type lengths uint32

const zeroLeads lengths = 1

// E.164 allows 15 digits; fewer than 7, calling code included, are no number
// that can be reached from abroad.
const fewest, most = 7, 15

// A plan is a region's row of the table.
type plan struct {
	region, code, trunk string
	main                bool // the main region of a shared calling code
	lengths             lengths
	emergency           []string
	tollFree            string
	areas               string // how its numbers begin, where it shares the code
}

// plans reads the regions, sorted, and the lengths of every calling code, the
// non-geographical ones (+800 and the like) included.
func plans() ([]plan, map[int]lengths, error) {
	numbers, err := phonenumbers.MetadataCollection()
	if err != nil {
		return nil, nil, err
	}
	shorts, err := phonenumbers.ShortNumberMetadataCollection()
	if err != nil {
		return nil, nil, err
	}
	emergency := map[string]string{}
	for _, m := range shorts.GetMetadata() {
		emergency[m.GetId()] = m.GetEmergency().GetNationalNumberPattern()
	}
	var list []plan
	codes := map[int]lengths{}
	for _, m := range numbers.GetMetadata() {
		p, err := planOf(m, emergency[m.GetId()])
		if err != nil {
			return nil, nil, fmt.Errorf("region %s, calling code %d: %w", m.GetId(), m.GetCountryCode(), err)
		}
		codes[int(m.GetCountryCode())] |= p.lengths
		if p.region != "001" { // the mark of a code without a region
			list = append(list, p)
		}
	}
	if err := partition(list, numbers.GetMetadata()); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(list, func(a, b plan) int { return cmp.Compare(a.region, b.region) })
	return list, codes, nil
}

func planOf(m *phonenumbers.PhoneMetadata, emergency string) (plan, error) {
	p := plan{
		region: m.GetId(),
		code:   strconv.Itoa(int(m.GetCountryCode())),
		trunk:  m.GetNationalPrefix(),
		main:   m.GetMainCountryForCode(),
	}
	var err error
	if p.lengths, err = lengthsOf(p, m); err != nil {
		return p, err
	}
	if written(emergency) {
		if p.emergency, err = literals(emergency); err != nil {
			return p, err
		}
	}
	if pattern := m.GetTollFree().GetNationalNumberPattern(); written(pattern) {
		p.tollFree, err = tollFree(pattern, fits(p.code))
	}
	return p, err
}

// written tells a pattern from its absence, which the metadata writes as "NA".
func written(pattern string) bool { return pattern != "" && pattern != "NA" }

func lengthsOf(p plan, m *phonenumbers.PhoneMetadata) (lengths, error) {
	if p.code == "1" {
		// The metadata allows Canada seven digits for 310-xxxx, which has no
		// area code and cannot be written in E.164.
		return 1 << 10, nil
	}
	var set lengths
	for _, n := range m.GetGeneralDesc().GetPossibleLength() {
		set |= 1 << n
	}
	set &= fits(p.code)
	if set == 0 {
		return 0, fmt.Errorf("no possible length")
	}
	// Where 0 is the trunk prefix, the few patterns that start with 0 are access
	// codes that cannot be dialled from abroad.
	zero, err := mayLead(m.GetGeneralDesc().GetNationalNumberPattern(), 0)
	if err == nil && zero && p.trunk != "0" {
		set |= zeroLeads
	}
	return set, err
}

// fits gives the lengths of national numbers that leave room for the calling code.
func fits(code string) lengths {
	var set lengths
	for n := max(1, fewest-len(code)); n <= most-len(code); n++ {
		set |= 1 << n
	}
	return set
}

// tollFree writes a pattern as the table has it: groups "lengths:prefixes",
// lengths being hexadecimal digits, prefixes separated by spaces and, where
// several follow one another, written as a range:
// "9a:800;a:808;7:8001111", "a:8002-8009 8332-8339".
func tollFree(pattern string, fit lengths) (string, error) {
	found, err := prefixes(pattern)
	if err != nil {
		return "", err
	}
	groups := map[lengths][]string{}
	for prefix, set := range found {
		if set &= fit; set != 0 {
			groups[set] = append(groups[set], prefix)
		}
	}
	var parts []string
	for set, list := range groups {
		parts = append(parts, hex(set)+":"+ranges(list))
	}
	slices.Sort(parts)
	return strings.Join(parts, ";"), nil
}

func hex(set lengths) string {
	var b strings.Builder
	for n := 1; n <= most; n++ {
		if set&(1<<n) != 0 {
			b.WriteByte("0123456789abcdef"[n])
		}
	}
	return b.String()
}

// ranges joins prefixes of one length that differ by one.
func ranges(list []string) string {
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	var b strings.Builder
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && follows(list[j], list[j+1]) {
			j++
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(list[i])
		if j > i {
			b.WriteString("-" + list[j])
		}
		i = j + 1
	}
	return b.String()
}

func follows(a, b string) bool {
	x, errA := strconv.Atoi(a)
	y, errB := strconv.Atoi(b)
	return errA == nil && errB == nil && len(a) == len(b) && y == x+1
}
