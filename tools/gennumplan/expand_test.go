package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestLiterals(t *testing.T) {
	tests := map[string]string{
		"911":                      "911",
		"112|999":                  "112 999",
		"000|1(?:06|12)":           "000 106 112",
		"9(?:11?|2|39?|9[17])":     "91 911 92 93 939 991 997",
		"0(?:0[1-3]|[1-3]|50)":     "001 002 003 01 02 03 050",
		`1(?:12|5\d)`:              "112 150 151 152 153 154 155 156 157 158 159",
		"(?:01|99)9":               "019 999",
		"1(?:1(?:22?|5)|[56])":     "112 1122 115 15 16",
		`2{2}|3{1,2}`:              "22 3 33",
		"11|11":                    "11",
		"(?:1277|2020)99|2(?:0)1?": "127799 20 201 202099",
	}
	for pattern, want := range tests {
		got, err := literals(pattern)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q, %v; want %q", pattern, got, err, want)
		}
	}
	for _, pattern := range []string{"NA", `1\d*`, "1+", "^1", "1(", `\d{10}`, "[0-z]"} {
		if got, err := literals(pattern); err == nil {
			t.Errorf("%s: %q, which is a guess", pattern, got)
		}
	}
}

// Every emergency pattern is the same set as its list: all digit strings of up
// to four digits are tried, and each longer number that is listed.
func TestEmergencyListsEqualTheirPatterns(t *testing.T) {
	shorts, err := phonenumbers.ShortNumberMetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range shorts.GetMetadata() {
		pattern := m.GetEmergency().GetNationalNumberPattern()
		if !written(pattern) || seen[pattern] {
			continue
		}
		seen[pattern] = true
		list, err := literals(pattern)
		if err != nil {
			t.Fatalf("%s: %v", m.GetId(), err)
		}
		whole := regexp.MustCompile("^(?:" + pattern + ")$")
		longest := 0
		for _, s := range list {
			longest = max(longest, len(s))
		}
		count := 0
		for n := 1; n <= min(longest+1, 4); n++ {
			for i := range pow10(n) {
				if whole.MatchString(fmt.Sprintf("%0*d", n, i)) {
					count++
				}
			}
		}
		short := 0
		for _, s := range list {
			if !whole.MatchString(s) {
				t.Errorf("%s: %s is listed, %s does not match it", m.GetId(), s, pattern)
			}
			if len(s) <= 4 {
				short++
			}
		}
		if short != count {
			t.Errorf("%s: %d numbers of up to four digits are listed, %s matches %d", m.GetId(), short, pattern, count)
		}
	}
}

// A toll-free pattern and its leading digits agree, on numbers made from the
// pattern and on such numbers with a digit changed, added or lost.
func TestTollFreePrefixesEqualTheirPatterns(t *testing.T) {
	numbers, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, m := range numbers.GetMetadata() {
		pattern := m.GetTollFree().GetNationalNumberPattern()
		if !written(pattern) {
			continue
		}
		found, err := prefixes(pattern)
		if err != nil {
			t.Fatalf("%s: %v", m.GetId(), err)
		}
		seqs, _ := sequences(pattern)
		whole := regexp.MustCompile("^(?:" + pattern + ")$")
		for range 300 {
			s := mutate(random, sample(random, seqs[random.IntN(len(seqs))]))
			listed := false
			for prefix, set := range found {
				listed = listed || strings.HasPrefix(s, prefix) && set&(1<<len(s)) != 0
			}
			if listed != whole.MatchString(s) {
				t.Fatalf("%s: %s by prefixes %t, by pattern %t: %s", m.GetId(), s, listed, !listed, pattern)
			}
		}
	}
}

func TestRanges(t *testing.T) {
	got := ranges([]string{"8332", "8334", "8333", "80", "09", "10", "8009"})
	if want := "09-10 80 8009 8332-8334"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMayLead(t *testing.T) {
	for pattern, want := range map[string]bool{
		"[1-9]12": false, "0?1": true, "(?:1|0)2": true, "(?:1?|2)0": true, "1?2": false, "1{0,2}0": true, "1{1,2}0": false,
	} {
		if got, err := mayLead(pattern, 0); err != nil || got != want {
			t.Errorf("%s: %t, %v", pattern, got, err)
		}
	}
}

func sample(random *rand.Rand, seq []class) string {
	var b strings.Builder
	for _, c := range seq {
		var choice []byte
		for d := range 10 {
			if c&(1<<d) != 0 {
				choice = append(choice, byte('0'+d))
			}
		}
		b.WriteByte(choice[random.IntN(len(choice))])
	}
	return b.String()
}

func mutate(random *rand.Rand, s string) string {
	b := []byte(s)
	at, digit := random.IntN(len(b)), byte('0'+random.IntN(10))
	switch random.IntN(4) {
	case 0:
		b[at] = digit
	case 1:
		b = slices.Insert(b, at, digit)
	case 2:
		b = slices.Delete(b, at, at+1)
	}
	return string(b)
}

func pow10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}
