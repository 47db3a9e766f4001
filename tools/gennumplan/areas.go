package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// partition says of the regions that share a calling code how their numbers
// begin: of all but the main one, to which belongs what is none of the others';
// and of the main one what it has in common with them.
func partition(list []plan, metadata []*phonenumbers.PhoneMetadata) error {
	of := map[string]*phonenumbers.PhoneMetadata{}
	for _, m := range metadata {
		of[m.GetId()] = m
	}
	main := map[string]*plan{}
	for i := range list {
		if list[i].main {
			main[list[i].code] = &list[i]
		}
	}
	common := map[string]map[string]bool{}
	for i := range list {
		p := &list[i]
		first := main[p.code]
		if first == nil || first == p {
			continue
		}
		own, err := areas(p.code, of[p.region])
		if err != nil {
			return fmt.Errorf("region %s: %w", p.region, err)
		}
		p.areas = ranges(own)
		if common[p.code] == nil {
			common[p.code] = map[string]bool{}
		}
		for _, area := range own {
			if has(of[first.region], area, p.lengths|first.lengths) {
				common[p.code][area] = true
			}
		}
	}
	for code, both := range common {
		main[code].areas = ranges(slices.Sorted(maps.Keys(both)))
	}
	return nil
}

// areas are how the geographic and mobile numbers of a region begin. In North
// America that is an area code: what follows it is the same everywhere.
func areas(code string, m *phonenumbers.PhoneMetadata) ([]string, error) {
	found := map[string]bool{}
	for _, pattern := range patterns(m) {
		list, err := prefixes(pattern)
		if err != nil {
			return nil, err
		}
		for area := range list {
			if code == "1" {
				area = area[:3]
			}
			found[area] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func patterns(m *phonenumbers.PhoneMetadata) []string {
	fixed, mobile := m.GetFixedLine().GetNationalNumberPattern(), m.GetMobile().GetNationalNumberPattern()
	list := slices.DeleteFunc([]string{fixed, mobile}, func(p string) bool { return !written(p) })
	return slices.Compact(list)
}

// has reports whether a region has numbers that begin so, by a few samples.
func has(m *phonenumbers.PhoneMetadata, area string, possible lengths) bool {
	for _, pattern := range patterns(m) {
		whole := regexp.MustCompile("^(?:" + pattern + ")$")
		for n := len(area); n <= most; n++ {
			if possible&(1<<n) == 0 {
				continue
			}
			for d := range 10 {
				if whole.MatchString(area + strings.Repeat(string(rune('0'+d)), n-len(area))) {
					return true
				}
			}
		}
	}
	return false
}
