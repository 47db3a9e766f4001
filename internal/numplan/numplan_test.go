package numplan_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx/internal/numplan"
)

// allRegions names every region that For knows.
func allRegions() []string {
	var list []string
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if _, ok := numplan.For(string([]rune{a, b})); ok {
				list = append(list, string([]rune{a, b}))
			}
		}
	}
	return list
}

// unlisted are the regions for which the metadata names no emergency number.
var unlisted = []string{"GN", "GQ", "IO", "TA", "TK"}

func TestEveryRegionHasACallingCodeAndEmergencyNumbers(t *testing.T) {
	regions := allRegions()
	require.GreaterOrEqual(t, len(regions), 240)
	for _, region := range regions {
		plan, _ := numplan.For(region)
		require.Equal(t, region, plan.Region)
		require.Regexp(t, `^[1-9]\d{0,2}$`, plan.CallingCode, region)
		require.Regexp(t, `^\d{0,2}$`, plan.TrunkPrefix, region)
		require.Contains(t, numplan.Regions(plan.CallingCode), region)
		require.NotEmpty(t, plan.Lengths.List(), region)
		for _, n := range plan.Lengths.List() {
			total := n + len(plan.CallingCode)
			require.True(t, 7 <= total && total <= 15, "%s: %d digits", region, total)
		}
		require.Equal(t, slices.Contains(unlisted, region), len(plan.Emergency) == 0,
			"%s: emergency numbers %q against the list of those without", region, plan.Emergency)
		for _, number := range plan.Emergency {
			require.Regexp(t, `^\d{2,6}$`, number, region)
		}
	}
}

func TestNoCallingCodeIsTheBeginningOfAnother(t *testing.T) {
	codes := map[string]bool{}
	for _, region := range allRegions() {
		plan, _ := numplan.For(region)
		codes[plan.CallingCode] = true
	}
	for a := range codes {
		for b := range codes {
			require.False(t, a != b && strings.HasPrefix(b, a), "%s begins %s", a, b)
		}
	}
}

func TestFor(t *testing.T) {
	type facts struct {
		Code, Trunk string
		Lengths     []int
		Emergency   []string
	}
	tests := map[string]facts{
		"US": {"1", "1", []int{10}, []string{"112", "911"}},
		"CA": {"1", "1", []int{10}, []string{"112", "911"}},
		"GB": {"44", "0", []int{7, 9, 10}, []string{"112", "999"}},
		"AU": {"61", "0", []int{5, 6, 7, 8, 9, 10, 12}, []string{"000", "106", "112"}},
		"IT": {"39", "", []int{6, 7, 8, 9, 10, 11, 12}, []string{"112", "113", "115", "118"}},
		"FR": {"33", "0", []int{9}, []string{"112", "15", "17", "18"}},
		"HU": {"36", "06", []int{8, 9}, []string{"104", "105", "107", "112"}},
		"TA": {"290", "", []int{4}, []string{}},
	}
	for region, want := range tests {
		plan, ok := numplan.For(region)
		require.True(t, ok, region)
		got := facts{plan.CallingCode, plan.TrunkPrefix, plan.Lengths.List(), plan.Emergency}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", region, diff)
		}
	}
	for _, unknown := range []string{"", "U", "us", "USA", "UK", "ZZ", "XX", "AN", "001", "A1", "\x00\x00", "ZX"} {
		_, ok := numplan.For(unknown)
		require.False(t, ok, "%q", unknown)
	}
}

func TestRegions(t *testing.T) {
	require.Equal(t, []string{"GB", "GG", "IM", "JE"}, numplan.Regions("44"))
	require.Equal(t, []string{"RU", "KZ"}, numplan.Regions("7"))
	require.Equal(t, []string{"US", "AG", "AI"}, numplan.Regions("1")[:3])
	require.Len(t, numplan.Regions("1"), 25)
	for _, none := range []string{"", "800", "210", "0", "+44", "044"} {
		require.Empty(t, numplan.Regions(none), "%q", none)
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		e164, code, national string
		ok                   bool
	}{
		{"+16175550123", "1", "6175550123", true},
		{"+18005550123", "1", "8005550123", true},
		{"+442079460123", "44", "2079460123", true},
		{"+4930123456", "49", "30123456", true},
		{"+390612345678", "39", "0612345678", true}, // Italy keeps its 0
		{"+35312345678", "353", "12345678", true},
		{"+6421234567", "64", "21234567", true},
		{"+80012345678", "800", "12345678", true}, // international freephone
		{"+881612345678", "881", "612345678", true},
		{"+2908999", "290", "8999", true}, // seven digits, the fewest

		{"", "", "", false},
		{"+", "", "", false},
		{"6175550123", "", "", false},
		{"16175550123", "", "", false},
		{"+1617555012", "", "", false},   // a digit short
		{"+161755501234", "", "", false}, // a digit long
		{"+13101234", "", "", false},     // 310-xxxx has no E.164 form
		{"+10175550123", "", "", false},  // no area code starts with 0
		{"+11175550123", "", "", false},  // or 1
		{"+4402079460123", "", "", false},
		{"+49030123456", "", "", false}, // the trunk prefix left in
		{"+442079460123456", "", "", false},
		{"+0442079460123", "", "", false},
		{"+01234567890", "", "", false},
		{"+2101234567", "", "", false}, // no such calling code
		{"+9991234567", "", "", false},
		{"+1 6175550123", "", "", false},
		{"+1617555012a", "", "", false},
		{"+1617555012٣", "", "", false},
		{"++16175550123", "", "", false},
		{"+16175550123x9", "", "", false},
		{"+1234567890123456", "", "", false},
		{"+123456", "", "", false},
	}
	for _, tt := range tests {
		code, national, ok := numplan.Split(tt.e164)
		require.Equal(t, tt.ok, ok, "%q", tt.e164)
		require.Equal(t, []string{tt.code, tt.national}, []string{code, national}, "%q", tt.e164)
		require.Equal(t, tt.ok, numplan.Valid(tt.e164), "%q", tt.e164)
	}
}

func TestNational(t *testing.T) {
	tests := []struct{ region, digits, want string }{
		{"US", "6175550123", "+16175550123"},
		{"CA", "4165550123", "+14165550123"},
		{"GB", "2079460123", "+442079460123"},
		{"GB", "02079460123", "+442079460123"},
		{"GB", "08001111", "+448001111"},
		{"IT", "0612345678", "+390612345678"},
		{"IT", "3123456789", "+393123456789"},
		{"HU", "0612345678", "+3612345678"},
		{"HU", "12345678", "+3612345678"},
		{"RU", "88005551234", "+78005551234"},
		{"RU", "8005551234", "+78005551234"}, // the 8 of 800, not the trunk's
		{"FR", "0123456789", "+33123456789"},
		{"FR", "123456789", "+33123456789"},
		{"MH", "16251234", "+6926251234"},
		{"MH", "6251234", "+6926251234"},
		{"DK", "32123456", "+4532123456"},
		{"BY", "291234567", "+375291234567"},

		{"US", "", ""},
		{"US", "16175550123", ""}, // OWN-1: ten digits, no leading 1
		{"US", "617555012", ""},
		{"US", "61755501234", ""},
		{"US", "0175550123", ""},
		{"US", "1175550123", ""},
		{"US", "617-555-0123", ""},
		{"US", "617 555 0123", ""},
		{"US", "+16175550123", ""},
		{"US", "(617)5550123", ""},
		{"US", "617555012٣", ""},
		{"GB", "002079460123", ""},
		{"GB", "020794601234", ""},
		{"GB", "0", ""},
		{"GB", "207946", ""},
		{"HU", "061234567", ""},   // neither reading is a number
		{"BY", "80291234567", ""}, // both readings have a possible length
		{"ZZ", "6175550123", ""},
		{"us", "6175550123", ""},
		{"", "6175550123", ""},
	}
	for _, tt := range tests {
		got, ok := numplan.National(tt.region, tt.digits)
		require.Equal(t, tt.want, got, "%s %q", tt.region, tt.digits)
		require.Equal(t, tt.want != "", ok, "%s %q", tt.region, tt.digits)
	}
}

func TestTollFree(t *testing.T) {
	tests := []struct {
		region, national string
		want             bool
	}{
		{"US", "8005550123", true},
		{"US", "8335550123", true},
		{"US", "8445550123", true},
		{"US", "8555550123", true},
		{"US", "8665550123", true},
		{"US", "8775550123", true},
		{"US", "8885550123", true},
		{"US", "8225550123", false},
		{"US", "6175550123", false},
		{"US", "8000550123", false}, // no exchange starts with 0
		{"US", "800555012", false},
		{"US", "80055501234", false},
		{"GB", "8001111", true},
		{"GB", "8001112", false},
		{"GB", "800123456", true},
		{"GB", "8081234567", true},
		{"GB", "808123456", false},
		{"GB", "2079460123", false},
		{"DE", "8001234567", true},
		{"JP", "120123456", true},
		{"AF", "8001234567", false}, // the metadata lists none
		{"ZZ", "8005550123", false},
		{"US", "", false},
		{"US", "8002x50123", false},
		{"US", strings.Repeat("8", 40), false},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, numplan.TollFree(tt.region, tt.national), "%s %q", tt.region, tt.national)
	}
	for number, want := range map[string]bool{
		"+18885550123": true, "+16175550123": false, "+448081234567": true, "+442079460123": false,
		"+80012345678": true, "+80812345678": false, "8885550123": false, "": false,
		"+12423001234": true, // the Bahamas
	} {
		require.Equal(t, want, numplan.TollFreeE164(number), "%q", number)
	}
}

func TestTouchesEmergency(t *testing.T) {
	tests := []struct {
		region, digits, number string
		touches, known         bool
	}{
		{"US", "911", "911", true, true},
		{"US", "9111", "911", true, true},
		{"US", "9115550", "911", true, true},
		{"US", "91", "911", true, true},
		{"US", "9", "911", true, true},
		{"US", "1120", "112", true, true},
		{"US", "7001", "", false, true},
		{"US", "9001", "", false, true},
		{"US", "7911", "", false, true}, // inside is no matter
		{"US", "999", "", false, true},
		{"GB", "9991", "999", true, true},
		{"GB", "9110", "", false, true},
		{"AU", "000", "000", true, true},
		{"AU", "00", "000", true, true},
		{"AU", "1061", "106", true, true},
		{"CZ", "1551", "155", true, true},
		{"NE", "7231", "723141", true, true},
		{"US", "", "", false, true},
		{"GN", "911", "", false, false},
		{"ZZ", "911", "", false, false},
		{"us", "911", "", false, false},
	}
	for _, tt := range tests {
		number, touches, known := numplan.TouchesEmergency(tt.region, tt.digits)
		require.Equal(t, []any{tt.number, tt.touches, tt.known}, []any{number, touches, known}, "%s %q", tt.region, tt.digits)
	}
}

// Every emergency number is met by each of its beginnings and continuations.
func TestTouchesEmergencyInEveryRegion(t *testing.T) {
	for _, region := range allRegions() {
		plan, _ := numplan.For(region)
		for _, number := range plan.Emergency {
			for n := 1; n <= len(number); n++ {
				_, touches, known := numplan.TouchesEmergency(region, number[:n])
				require.True(t, touches && known, "%s %s", region, number[:n])
			}
			_, touches, _ := numplan.TouchesEmergency(region, number+"0")
			require.True(t, touches, "%s %s", region, number)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, func() {
		numplan.Valid("+442079460123")
		numplan.TouchesEmergency("US", "7001")
		numplan.TollFree("US", "6175550123")
		numplan.TollFreeE164("+16175550123")
	}))
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"+16175550123", "+442079460123", "+390612345678", "+01234567890", "+", "", "+9999999999", "+1617555012٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, e164 string) {
		code, national, ok := numplan.Split(e164)
		if !ok {
			if code != "" || national != "" {
				t.Fatalf("Split(%q) refuses and gives %q, %q", e164, code, national)
			}
			return
		}
		if "+"+code+national != e164 || len(e164) < 8 || len(e164) > 16 {
			t.Fatalf("Split(%q) = %q, %q", e164, code, national)
		}
		if _, err := strconv.ParseUint(e164[1:], 10, 64); err != nil || e164[1] == '0' {
			t.Fatalf("Split takes %q", e164)
		}
		regions := numplan.Regions(code)
		possible := len(regions) == 0 // a code of no region
		for _, region := range regions {
			plan, _ := numplan.For(region)
			possible = possible || plan.Lengths.Has(len(national))
			if numplan.TollFree(region, national) && !numplan.TollFreeE164(e164) {
				t.Fatalf("%s is toll-free in %s only", e164, region)
			}
		}
		if !possible {
			t.Fatalf("Split takes %q, of no region's length", e164)
		}
	})
}

func TestIn(t *testing.T) {
	for number, regions := range map[string]string{
		"+16175550100": "US", "+14165550100": "CA", "+18765550100": "JM", "+18005550100": "US", "+442079460000": "GB", "+441481256789": "GG",
		"+441534256789": "JE", "+441624612345": "IM", "+77172123456": "KZ", "+74951234567": "RU", "+4989123456": "DE", "+590690001234": "BL GP MF",
		"+1617": "", "16175550100": "",
	} {
		var in []string
		for _, region := range []string{"BL", "CA", "DE", "GB", "GG", "GP", "IM", "JE", "JM", "KZ", "MF", "RU", "US", "ZZ"} {
			if numplan.In(region, number) {
				in = append(in, region)
			}
		}
		if got := strings.Join(in, " "); got != regions {
			t.Errorf("%s is in %q, not in %q", number, got, regions)
		}
	}
}

func FuzzNational(f *testing.F) {
	f.Add("US", "6175550123")
	f.Add("GB", "02079460123")
	f.Add("RU", "88005551234")
	f.Add("HU", "0612345678")
	f.Add("IT", "0612345678")
	f.Add("ZZ", "1")
	f.Fuzz(func(t *testing.T, region, digits string) {
		e164, ok := numplan.National(region, digits)
		if !ok {
			if e164 != "" {
				t.Fatalf("National(%q, %q) refuses and gives %q", region, digits, e164)
			}
			return
		}
		code, national, ok := numplan.Split(e164)
		plan, known := numplan.For(region)
		if !ok || !known || code != plan.CallingCode || !plan.Lengths.Has(len(national)) {
			t.Fatalf("National(%q, %q) = %q, which is no number there", region, digits, e164)
		}
		if digits != national && digits != plan.TrunkPrefix+national {
			t.Fatalf("National(%q, %q) = %q changes the digits", region, digits, e164)
		}
		// With its trunk prefix the number is the same one, or refused.
		if code != "1" && plan.TrunkPrefix != "" {
			if again, ok := numplan.National(region, plan.TrunkPrefix+national); ok && again != e164 && plan.TrunkPrefix == "0" {
				t.Fatalf("%s%s = %q, not %q", plan.TrunkPrefix, national, again, e164)
			}
		}
	})
}

func BenchmarkValid(b *testing.B) {
	for b.Loop() {
		numplan.Valid("+442079460123")
	}
}

func BenchmarkTouchesEmergency(b *testing.B) {
	for b.Loop() {
		numplan.TouchesEmergency("US", "7001")
	}
}

func BenchmarkTollFreeE164(b *testing.B) {
	for b.Loop() {
		numplan.TollFreeE164("+16175550123")
	}
}

func ExampleNational() {
	fmt.Println(numplan.National("GB", "020 7946 0123"))
	fmt.Println(numplan.National("GB", "02079460123"))
	// Output:
	//  false
	// +442079460123 true
}
