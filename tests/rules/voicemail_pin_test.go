package rules_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

const rightPIN = "493817"

// guarded is a service with a mailbox and rightPIN.
func (w *world) guarded() pbx.ServiceID {
	w.T.Helper()
	s := w.line(aliceLine, pbx.NewService{DN: "7001"})
	w.mailbox(s.ID, pbx.NewMailbox{Number: "800123", PIN: rightPIN})
	return s.ID
}

func TestVM5_ThePINHasThePolicysLength(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		id := w.guarded()
		for _, bad := range []pbx.PIN{"", "49381", "49381750263", "49381a", "493 817", "-493817", "٤٩٣٨١٧", pbx.PIN(strings.Repeat("4938", 1000))} {
			e := w.Refused(rule.VM5, pbx.ErrInvalid, func() error { return w.Dir.SetPIN(w.Ctx, id, bad) })
			require.Equal(t, "PIN", e.Field)
		}
		w.ModifyPolicy(func(p *pbx.Policy) { p.PINMinLength, p.PINMaxLength = 4, 5 })
		w.Refused(rule.VM5, pbx.ErrInvalid, func() error { return w.Dir.SetPIN(w.Ctx, id, rightPIN) })
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN), "a PIN that exists stays valid")
		require.NoError(t, w.Dir.SetPIN(w.Ctx, id, "4938"))
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, "4938"))
	})
}

func TestVM5_APINIsNotSoonGuessed(t *testing.T) {
	testbed.NotShort(t)
	w := newWorld(t, testbed.Stores["memory"](t))
	w.ModifyPolicy(func(p *pbx.Policy) { p.PINMinLength = 4 })
	id := w.guarded()
	for which, pins := range map[string][]pbx.PIN{
		"the DN or the number of the mailbox": {"7001", "1007", "800123", "321008"},
		"the end of the telephone number":     {"0101", "550101", "5550101", "6175550101"},
		"fewer than three different digits":   {"000000", "111222", "121212", "100100", "4774"},
		"a run":                               {"123456", "654321", "890123", "210987", "135791", "112233", "0123456789", "9876", "1234567"},
		"repeats its beginning":               {"123123", "1231231", "48254825", "4825482548"},
		"backwards":                           {"123321", "482284", "48284"},
		"lines of the keypad":                 {"147258", "258369", "369147258", "159753", "789456", "1472580", "2580", "456123"},
	} {
		for _, pin := range pins {
			e := w.Refused(rule.VM5, pbx.ErrInvalid, func() error { return w.Dir.SetPIN(w.Ctx, id, pin) })
			require.Contains(t, e.Reason, which)
		}
	}
	for _, good := range []pbx.PIN{"4938", "493817", "102030", "700149", "2468013", "1472589", "9218", "7294610358"} {
		require.NoError(t, w.Dir.SetPIN(w.Ctx, id, good))
	}
	other := w.Service(pbx.UserID{}, "7002")
	w.Refused(rule.VM5, pbx.ErrInvalid, func() error {
		_, err := w.Dir.AddMailbox(w.Ctx, other.ID, pbx.NewMailbox{PIN: "7002"})
		return err
	})
}

func TestVM5_APINIsNoExtensionOfTheLinesUsersAndNotTheEndOfANumberThatIsWaitedFor(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.PINMinLength, p.ExtensionMaxLength = 4, 6 })
		ann, bob := w.User("Ann", "Lee", "7301"), w.User("Bob", "Day", "704915")
		_, err := w.Dir.RequestPort(w.Ctx, pbx.NewPort{Carrier: "Old", Date: w.Clock, Numbers: []pbx.E164{"+16175554938"}})
		require.NoError(t, err)
		line, err := w.Dir.AddService(w.Ctx, pbx.NewService{UserID: ann.ID, DN: "7001", DeviceType: "Cisco 8851", Number: pbx.ExistingNumber("+16175554938")})
		require.NoError(t, err)
		_, err = w.Dir.Associate(w.Ctx, bob.ID, line.ID)
		require.NoError(t, err)
		set := map[string]func(pin pbx.PIN) error{
			"AddMailbox": func(pin pbx.PIN) error { return second(w.Dir.AddMailbox(w.Ctx, line.ID, pbx.NewMailbox{PIN: pin})) },
			"SetPIN":     func(pin pbx.PIN) error { return w.Dir.SetPIN(w.Ctx, line.ID, pin) },
		}
		for _, how := range []string{"AddMailbox", "SetPIN"} {
			for pin, why := range map[pbx.PIN]string{
				"704915": "extension of a user", "519407": "extension of a user", "7301": "extension of a user", "1037": "extension of a user",
				"4938": "telephone number", "5554938": "telephone number", pbx.PIN(line.Number[5:]): "telephone number",
			} {
				e := w.Refused(rule.VM5, pbx.ErrInvalid, func() error { return set[how](pin) })
				require.Equal(t, "PIN", e.Field)
				require.Contains(t, e.Reason, why)
			}
			require.NoError(t, set[how]("839405"))
		}
		other := w.Service(pbx.UserID{}, "7002")
		_, err = w.Dir.AddMailbox(w.Ctx, other.ID, pbx.NewMailbox{PIN: "704915"})
		require.NoError(t, err, "he is no user of that line")
	})
}

func TestVM5_ThePINIsStoredAsASaltedSlowHash(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		id, other := w.guarded(), w.Service(pbx.UserID{}, "7002")
		w.mailbox(other.ID, pbx.NewMailbox{PIN: rightPIN})
		a, b := w.pinHash(id), w.pinHash(other.ID)
		require.True(t, strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$"), a)
		require.NotEqual(t, a, b, "the same PIN has another salt for each mailbox")
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN))
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, other.ID, rightPIN))

		m, err := w.Dir.Mailbox(w.Ctx, id)
		require.NoError(t, err)
		require.True(t, m.HasPIN())
		for _, f := range m.Fields(nil) {
			if f.Name == "pin_hash" {
				require.Empty(t, *f.Ptr.(*[]byte), "the hash does not leave the library")
			}
		}
	})
}

// pinHash is the hash that the store keeps of a mailbox's PIN.
func (w *world) pinHash(id pbx.ServiceID) string {
	w.T.Helper()
	var hash string
	err := w.Store.View(w.Ctx, func(r store.Reader) error {
		recs, err := r.Get(w.Ctx, store.Key{Index: new(pbx.Mailbox).Table().Key(), Values: []any{w.US.ID, id}})
		if err != nil {
			return err
		}
		for _, f := range recs[0].Fields(nil) {
			if f.Name == "pin_hash" {
				hash = string(*f.Ptr.(*[]byte))
			}
		}
		return nil
	})
	require.NoError(w.T, err)
	return hash
}

func TestVM5_ADamagedHashLetsNobodyIn(t *testing.T) {
	w := newWorld(t, testbed.Stores["memory"](t))
	id := w.guarded()
	salt, hash := "$c2FsdHNhbHRzYWx0", "$aGFzaGhhc2hoYXNoaGFzaA"
	for _, damaged := range []string{
		"x", "$argon2i$v=19$m=19456,t=2,p=1" + salt + hash, "$argon2id$v=18$m=19456,t=2,p=1" + salt + hash,
		"$argon2id$v=19$m=19456,t=0,p=1" + salt + hash, "$argon2id$v=19$m=19456,t=2,p=0" + salt + hash,
		"$argon2id$v=19$m=4294967295,t=2,p=1" + salt + hash, "$argon2id$v=19$m=19456,t=2" + salt + hash,
		"$argon2id$v=19$m=19456,t=2,p=1$!" + hash, "$argon2id$v=19$m=19456,t=2,p=1" + salt + "$",
	} {
		w.damage(id, damaged)
		w.Refused(rule.VM5, pbx.ErrStorage, func() error { return w.Dir.CheckPIN(w.Ctx, id, rightPIN) })
	}
	require.NoError(t, w.Dir.SetPIN(w.Ctx, id, rightPIN))
	require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN))
}

// damage puts other bytes into the store for the hash of a mailbox's PIN.
func (w *world) damage(id pbx.ServiceID, hash string) {
	w.T.Helper()
	err := w.Store.Update(w.Ctx, w.US.ID, func(writer store.Writer) error {
		recs, err := writer.Get(w.Ctx, store.Key{Index: new(pbx.Mailbox).Table().Key(), Values: []any{w.US.ID, id}})
		if err != nil {
			return err
		}
		row := *recs[0].(*pbx.Mailbox)
		row.Rev++
		for _, f := range row.Fields(nil) {
			if f.Name == "pin_hash" {
				*f.Ptr.(*[]byte) = []byte(hash)
			}
		}
		return writer.Apply(w.Ctx, []store.Change{{Old: recs[0], New: &row}})
	})
	require.NoError(w.T, err)
}

func TestVM5_APINAppearsInNoErrorEventOrLog(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		id := w.guarded()
		weak := pbx.PIN("864208642")
		for _, err := range []error{
			w.Dir.SetPIN(w.Ctx, id, weak), w.Dir.CheckPIN(w.Ctx, id, weak),
		} {
			require.Error(t, err)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, pbx.Errors(err)), string(weak))
		}
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return dir.SetPIN(w.Ctx, id, "852963071") })
		require.NotContains(t, fmt.Sprint(review.Effects, review.Warnings), "852963071")
		require.NoError(t, review.Commit(w.Ctx))
		for table, rows := range testbed.Dump(t, w.Store) {
			require.NotContains(t, fmt.Sprint(rows), "852963071", table)
			require.NotContains(t, fmt.Sprint(rows), rightPIN, table)
		}
	})
}

func TestVM5_APINPrintsAsNothing(t *testing.T) {
	in := pbx.NewMailbox{Number: "7001", PIN: rightPIN}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		require.NotContains(t, fmt.Sprintf(verb, in), rightPIN, verb)
		require.NotContains(t, fmt.Sprintf(verb, in.PIN), rightPIN, verb)
		require.NotContains(t, fmt.Sprintf(verb, in), fmt.Sprintf("%x", rightPIN), verb)
	}
	text, err := json.Marshal(in)
	require.NoError(t, err)
	require.NotContains(t, string(text), rightPIN)
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("added", "mailbox", in, "pin", in.PIN)
	}
	require.NotContains(t, log.String(), rightPIN)
	var read pbx.NewMailbox
	require.NoError(t, json.Unmarshal([]byte(`{"PIN":"`+rightPIN+`"}`), &read))
	require.Equal(t, in.PIN, read.PIN)
}

func TestVM5_WithoutRandomnessNoPINIsSet(t *testing.T) {
	random := &dry{from: rand.Reader}
	w := newWorld(t, testbed.Stores["memory"](t), pbx.WithRandom(random))
	id := w.guarded()
	e := w.Refused(rule.VM5, pbx.ErrStorage, func() error {
		random.now = true
		defer func() { random.now = false }()
		return w.Dir.SetPIN(w.Ctx, id, "852963071")
	})
	require.NotContains(t, e.Error(), "/dev/x")
	require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, rightPIN))
}

func TestACC2_WhoMaySetNoPINIsRefusedBeforeItIsHashed(t *testing.T) {
	random := &dry{from: rand.Reader}
	w := newWorld(t, testbed.Stores["memory"](t), pbx.WithRandom(random))
	id := w.guarded()
	bare := w.Service(pbx.UserID{}, "7002")
	owner := w.acting(w.owner("alice"))
	saltless := func(call func() error) func() error { // a hash begins with a salt
		return func() error {
			random.now = true
			defer func() { random.now = false }()
			return call()
		}
	}
	owner.Refused(rule.ACC2, pbx.ErrDenied, saltless(func() error { return owner.Dir.SetPIN(w.Ctx, id, "852963071") }))
	owner.Refused(rule.ACC2, pbx.ErrDenied, saltless(func() error {
		return second(owner.Dir.AddMailbox(w.Ctx, bare.ID, pbx.NewMailbox{PIN: "852963071"}))
	}))
}

// dry is a source of randomness that fails when it is told to.
type dry struct {
	from io.Reader
	now  bool
}

func (d *dry) Read(p []byte) (int, error) {
	if d.now {
		return 0, errors.New("entropy device /dev/x")
	}
	return d.from.Read(p)
}
