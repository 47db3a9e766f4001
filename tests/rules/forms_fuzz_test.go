package rules_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
)

// The fuzz targets run what is in testdata/fuzz with the other tests; .ci/run searches
// further for ten seconds each.

// original is the world that every input gets a copy of.
var original struct {
	sync.Once
	*testbed.Original
}

// unclosed is a store that outlives the input that it was made for.
type unclosed struct{ store.Store }

func (unclosed) Close() error { return nil }

// played returns a copy of the world.
func played(t *testing.T) *testbed.Replica {
	original.Do(func() { original.Original = testbed.PrepareOriginal(t, unclosed{memory.New()}) })
	return original.InMemory(t)
}

// refusedWell fails the test where an error is not a refusal of the input.
func refusedWell(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	list := pbx.Errors(err)
	require.NotEmpty(t, list, "%T: %v", err, err)
	for _, e := range list {
		require.NotEmpty(t, e.Code, err)
		require.NotEmpty(t, e.Reason, err)
	}
	for _, kind := range []error{pbx.ErrStorage, pbx.ErrCommitUnknown, pbx.ErrMisuse, pbx.ErrDenied} {
		require.False(t, errors.Is(err, kind), "%v is of kind %v", err, kind)
	}
}

func FuzzID(f *testing.F) {
	for _, seed := range []string{"", "0193b000-0000-7000-8000-000000000001", "0193B000-0000-7000-8000-00000000000A", "0193b000000070008000000000000001", "{0193b000-0000-7000-8000-000000000001}"} {
		f.Add(seed)
	}
	canonical := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	f.Fuzz(func(t *testing.T, text string) {
		id, err := pbx.ParseID[pbx.User](text)
		var read pbx.UserID
		require.Equal(t, err, read.UnmarshalText([]byte(text)))
		if err != nil {
			require.ErrorIs(t, err, pbx.ErrInvalid)
			require.True(t, id.IsZero())
			return
		}
		require.Equal(t, strings.ToLower(text), id.String())
		require.Regexp(t, canonical, id.String())
		raw, err := json.Marshal(id)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &read))
		require.Equal(t, id, read)
	})
}

func FuzzMAC(f *testing.F) {
	for _, seed := range []string{"", "001b54000001", "00:1B:54:00:00:01", "00-1b-54-00-00-01", "001b.5400.0001", "00:1b:54:00:00:01:02:03", "00:1b-54.00:00:01"} {
		f.Add(seed)
	}
	canonical, separators := regexp.MustCompile(`^[0-9a-f]{2}(:[0-9a-f]{2}){5}$`), strings.NewReplacer(":", "", "-", "", ".", "", " ", "")
	f.Fuzz(func(t *testing.T, text string) {
		mac, err := pbx.ParseMAC(text)
		if err != nil {
			require.ErrorIs(t, err, pbx.ErrInvalid)
			return
		}
		require.Regexp(t, canonical, string(mac))
		require.Equal(t, strings.ReplaceAll(string(mac), ":", ""), strings.ToLower(separators.Replace(strings.TrimSpace(text))), "%q", text)
		again, err := pbx.ParseMAC(string(mac))
		require.NoError(t, err)
		require.Equal(t, mac, again)
	})
}

// Numbers in the E.164 form and in the national one, wherever one is taken.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"", "+16175550170", "6175550100", "16175550100", "+442079460123", "+1617555017", "+999", "911", "+1 617 555 0170", "+1617555017\u0663", "\x00", "*21"} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	f.Fuzz(func(t *testing.T, text string) {
		r := played(t)
		number := pbx.E164(text)
		refusedWell(t, second(r.Dir.Number(r.Ctx, number)))
		refusedWell(t, second(r.Dir.Line(r.Ctx, text)))
		refusedWell(t, second(r.Dir.AddOwner(r.Ctx, text, "lena")))
		refusedWell(t, second(r.Dir.OfferedNumbers(r.Ctx, pbx.LocationID{}, text, 3)))
		refusedWell(t, r.Dir.ReturnNumber(r.Ctx, number))
		refusedWell(t, second(r.Dir.ChangeNumber(r.Ctx, r.X.Bob.ID, pbx.NumberChange{Number: pbx.ProposedNumberLike(text), Previous: pbx.KeepNumber})))
		refusedWell(t, second(r.Dir.RequestPort(r.Ctx, pbx.NewPort{Carrier: "C", Date: r.X.Port.Date, Numbers: []pbx.E164{number}})))
		for _, s := range testbed.Collect(t, r.Dir.Services(r.Ctx, pbx.ServiceQuery{Number: text})) {
			require.True(t, text == "" || s.Number != "" || s.DN != "")
		}
		stocked, err := r.Support.StockNumbers(r.Ctx, number)
		refusedWell(t, err)
		if err == nil {
			require.Regexp(t, form, string(stocked[0].E164))
			require.Equal(t, number, stocked[0].E164)
		}
		sound(t, r)
	})
}

// Extensions, codes of keys, addresses and names of users.
func FuzzUsers(f *testing.F) {
	f.Add("Eve", "Marker", "eve@example.com", "7990", "eve@acme.example.com", "*21")
	f.Add("", "Lee", "a@b", "0", "EVE@acme.example.com", "911")
	f.Add("Zoë", "\u0130\u0131ß", "zoë@example.com", "79 90", "eve@uk.acme.example.com", "+16175550199")
	f.Add("a\x00", "\xff", "eve@example.com\n", "7990\u0663", "@", "#")
	f.Add("x", "y", "\"e v e\"@example.com", "*67", "eve..x@acme.example.com", "7601")
	f.Fuzz(func(t *testing.T, first, last, email, extension, address, code string) {
		r := played(t)
		u, err := r.Dir.CreateUser(r.Ctx, pbx.NewUser{FirstName: first, LastName: last, Email: email, Extension: pbx.Extension(extension), SIPAddress: pbx.SIPAddress(address)})
		refusedWell(t, err)
		if err == nil {
			found, err := r.Dir.Lookup(r.Ctx, pbx.Extension(extension))
			require.NoError(t, err)
			require.Equal(t, u.ID, found.Entry.UserID)
			by, err := r.Dir.UserByLogin(r.Ctx, u.Login)
			require.NoError(t, err)
			require.Equal(t, u.ID, by.ID)
			require.Equal(t, strings.ToLower(string(u.SIPAddress)), string(u.SIPAddress))
		}
		refusedWell(t, second(r.Dir.Lookup(r.Ctx, pbx.Extension(code))))
		refusedWell(t, second(r.Dir.UserByLogin(r.Ctx, email)))
		refusedWell(t, second(r.Dir.SIPIdentity(r.Ctx, pbx.SIPAddress(address))))
		refusedWell(t, second(r.Dir.AddExtension(r.Ctx, r.X.Bob.ID, pbx.Extension(code))))
		refusedWell(t, second(r.Dir.AddAlias(r.Ctx, pbx.NewAlias{UserID: r.X.Ann.ID, Name: first, Extension: pbx.Extension(code), SIPAddress: pbx.SIPAddress(address)})))
		refusedWell(t, second(r.Dir.CreateGroup(r.Ctx, pbx.NewGroup{Name: last, Extension: pbx.Extension(code)})))
		refusedWell(t, second(r.Dir.SetKeys(r.Ctx, r.X.Shared.ID, r.X.Shared.Rev, []pbx.PhoneKey{
			{Position: 1, Kind: pbx.KeyFeature, Target: code, Label: first}, {Position: 2, Kind: pbx.KeyBusyLamp, Target: extension}, {Position: 4, Kind: pbx.KeySpeedDial, Target: code},
		})))
		testbed.Collect(t, r.Dir.Users(r.Ctx, pbx.UserQuery{LastName: last, FirstName: first}))
		sound(t, r)
	})
}

// sound lets the checker look at what the inputs left.
func sound(t *testing.T, r *testbed.Replica) {
	t.Helper()
	report, err := r.Support.Check(context.Background())
	require.NoError(t, err)
	require.Empty(t, report.Violations)
}
