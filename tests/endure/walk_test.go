package endure_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// walker does one random thing after another in the US tenant, with small pools
// of everything, so that they conflict.
type walker struct {
	*testbed.World
	rng     *rand.Rand
	devices []pbx.DeviceID
	sites   []pbx.LocationID
	said    []string // the outcome of each step
}

// countedIDs are the same in each walk.
func countedIDs() func() [16]byte {
	var n uint64
	return func() (id [16]byte) {
		n++
		binary.BigEndian.PutUint64(id[:8], n)
		id[6], id[8] = 0x70, 0x80
		binary.BigEndian.PutUint64(id[8:], n)
		return id
	}
}

func newWalker(t *testing.T, store store.Store, seed uint64) *walker {
	w := &walker{World: testbed.NewWorld(t, store, pbx.WithIDs(countedIDs())), rng: rand.New(rand.NewPCG(seed, 1))}
	w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionFirst, p.ExtensionLast, p.AdvisedExtension = "7000", "7012", "" })
	w.Fibre()
	w.sites = []pbx.LocationID{w.Boston.ID, w.Abroad().ID, w.BareSite("BARE").ID}
	w.Own("+16175550160", "+16175550161")
	_, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Bell", Date: w.Clock, Numbers: []pbx.E164{"+16175550170", "+16175550171"}})
	require.NoError(t, err)
	for i := range 4 {
		d := w.Phone(fmt.Sprintf("00:1b:54:00:00:0%d", i), []string{"Cisco 8851", "Grandstream HT802"}[i%2])
		w.devices = append(w.devices, d.ID)
	}
	return w
}

// one draws from a pool, and sometimes something that does not exist.
func one[T any](w *walker, pool []T) T {
	var none T
	if len(pool) == 0 || w.rng.IntN(12) == 0 {
		return none
	}
	return pool[w.rng.IntN(len(pool))]
}

// maybe is one half of the time, and nothing the other.
func maybe[T any](w *walker, pool ...T) T {
	var none T
	if w.rng.IntN(2) == 0 {
		return none
	}
	return one(w, pool)
}

// extension is mostly one of the automatic range.
func (w *walker) extension() pbx.Extension {
	if w.rng.IntN(4) > 0 {
		return pbx.Extension(fmt.Sprint(7000 + w.rng.IntN(13)))
	}
	return one(w, []pbx.Extension{"6999", "7013", "70000", "70050", "91", "9110", "9990", "9991", "x"})
}

func (w *walker) choice() pbx.NumberChoice {
	return []pbx.NumberChoice{{}, {}, pbx.ProposedNumber(), pbx.ExistingNumber("+16175550160"), pbx.ExistingNumber("+16175550161"), pbx.ExistingNumber("+16175550170"), pbx.OfferedNumber("+16175550105")}[w.rng.IntN(7)]
}

func (w *walker) person() pbx.NewUser {
	name := string(rune('a' + w.rng.IntN(8)))
	return pbx.NewUser{
		FirstName: name, LastName: "Lee", Email: name + "@example.com", Extension: maybe(w, w.extension()), LocationID: maybe(w, w.sites...),
		SIPAddress: maybe(w, pbx.SIPAddress("desk@acme.example.com")), E911: w.rng.IntN(6) == 0, ActivateLater: w.rng.IntN(4) == 0,
	}
}

// living lists the users and the services that exist.
func (w *walker) living(dir *pbx.Directory) (users []pbx.UserID, services []pbx.ServiceID) {
	for _, u := range testbed.Collect(w.T, dir.Users(w.Ctx, pbx.UserQuery{})) {
		users = append(users, u.ID)
	}
	for _, s := range testbed.Collect(w.T, dir.Services(w.Ctx, pbx.ServiceQuery{})) {
		services = append(services, s.ID)
	}
	return users, services
}

var errDropped = errors.New("dropped")

// walk does a step alone, or several in a batch or a review.
func (w *walker) walk() {
	dir := w.Dir.Confirm(rule.USR9, rule.USR10, rule.SVC5, rule.SVC9, rule.SVC10)
	several := func(ctx context.Context, dir *pbx.Directory) error {
		for range 1 + w.rng.IntN(4) {
			w.note(w.step(dir))
		}
		if w.rng.IntN(4) == 0 {
			return errDropped
		}
		return nil
	}
	switch w.rng.IntN(4) {
	case 0:
		if err := dir.Batch(w.Ctx, several); !errors.Is(err, errDropped) {
			require.NoError(w.T, err)
		}
	case 1:
		review, err := w.Dir.Review(w.Ctx, several)
		if err == nil && w.rng.IntN(2) == 0 {
			err = review.Commit(w.Ctx)
		}
		if !errors.Is(err, errDropped) {
			require.NoError(w.T, err)
		}
	default:
		w.note(w.step(dir))
	}
}

// note keeps what a step said. If the store had to stop it, a rule is missing.
func (w *walker) note(err error) {
	require.NotErrorIs(w.T, err, pbx.ErrStorage)
	require.NotErrorIs(w.T, err, pbx.ErrMisuse)
	require.NotErrorIs(w.T, err, pbx.ErrCommitUnknown)
	for _, e := range pbx.Errors(err) {
		require.NotEmpty(w.T, e.Reason, "%v", err)
		require.NotContains(w.T, e.Reason, "kept getting in the way", "a rule is missing that names the holder")
	}
	w.said = append(w.said, fmt.Sprint(err))
}

// helpComes asserts what takes more than one record to see: e911 has an address
// to send help to, no extension that reaches somebody conflicts with the
// emergency numbers where they are, and applications are included.
func (w *walker) helpComes() {
	included := map[string][]string{"STANDARD": {"softphone", "crm"}, "PRO": {"softphone", "fax"}}
	for _, u := range testbed.Collect(w.T, w.Dir.Users(w.Ctx, pbx.UserQuery{})) {
		reaching := testbed.Digits(testbed.Collect(w.T, w.Dir.Extensions(w.Ctx, pbx.ExtensionQuery{UserID: u.ID})))
		for _, a := range testbed.Collect(w.T, w.Dir.Aliases(w.Ctx, u.ID)) {
			for _, e := range testbed.Collect(w.T, w.Dir.Extensions(w.Ctx, pbx.ExtensionQuery{})) {
				if e.AliasID == a.ID {
					reaching = append(reaching, e.Digits)
				}
			}
		}
		services, err := w.Dir.UserServices(w.Ctx, u.ID)
		require.NoError(w.T, err)
		apps := included[u.Station]
		for _, has := range services {
			reaching = append(reaching, has.Service.DN)
			apps = append(apps, included[has.Service.Type]...)
		}
		require.Subset(w.T, apps, u.Applications, "%s", u.Name())
		if u.LocationID.IsZero() {
			require.False(w.T, u.E911)
			continue
		}
		at, err := w.Dir.Location(w.Ctx, u.LocationID)
		require.NoError(w.T, err)
		require.False(w.T, u.E911 && at.Address.Street == "", "help has no address")
		for _, e := range reaching {
			require.False(w.T, at.Address.Country == "GB" && strings.HasPrefix(string(e), "999"), "%s reaches %s in %s", e, u.Name(), at.Building)
		}
	}
}

func TestSYS4_AnyOperationsInAnyOrderKeepAllInvariantsAndDoTheSameOnEveryStore(t *testing.T) {
	testbed.NotShort(t)
	for seed := range uint64(testbed.Size(1, 3)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			ends := map[string]string{}
			for name, open := range testbed.Stores {
				w := newWalker(t, open(t), seed)
				for i := range testbed.Size(100, 250) {
					w.walk()
					if i%50 == 49 {
						report, err := w.Support.Check(w.Ctx)
						require.NoError(t, err)
						require.Empty(t, report.Violations)
						w.helpComes()
					}
				}
				ends[name] = fmt.Sprint(strings.Join(w.said, "\n"), testbed.Dump(t, w.Store))
			}
			for name, end := range ends {
				require.Empty(t, cmp.Diff(ends["memory"], end), name)
			}
		})
	}
}
