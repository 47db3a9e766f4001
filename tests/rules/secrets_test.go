package rules_test

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/faulty"
)

// The secrets that go in. The PINs are a right one, one that is too long, and one that
// is no number.
const (
	canaryPIN  = "8364092715"
	canaryLong = "836409271583640927158364092715836409271583640927"
	canaryText = "canary-of-a-PIN"
	canaryKey  = "canary-that-is-a-key-of-32-bytes"
	canaryPage = "canary-of-a-key-for-page-tokens!"
)

// secretive is a call of an operation that takes a secret, or returns one.
type secretive struct {
	method string
	call   func(ctx context.Context, dir *pbx.Directory, x *testbed.All, pin pbx.PIN) (any, error)
}

var secretives = []secretive{
	{"SetPIN", func(ctx context.Context, dir *pbx.Directory, x *testbed.All, pin pbx.PIN) (any, error) {
		return nil, dir.SetPIN(ctx, x.Line.ID, pin)
	}},
	{"CheckPIN", func(ctx context.Context, dir *pbx.Directory, x *testbed.All, pin pbx.PIN) (any, error) {
		return nil, dir.CheckPIN(ctx, x.Line.ID, pin)
	}},
	{"AddMailbox", func(ctx context.Context, dir *pbx.Directory, x *testbed.All, pin pbx.PIN) (any, error) {
		return dir.AddMailbox(ctx, x.Shared.ID, pbx.NewMailbox{PIN: pin})
	}},
	{"SetUpUser", func(ctx context.Context, dir *pbx.Directory, x *testbed.All, pin pbx.PIN) (any, error) {
		in := testbed.Newcomer("newcomer")
		in.Mailbox = &pbx.NewMailbox{PIN: pin}
		return dir.SetUpUser(ctx, in)
	}},
	{"IssueCredentials", func(ctx context.Context, dir *pbx.Directory, x *testbed.All, _ pbx.PIN) (any, error) {
		return dir.IssueCredentials(ctx, x.Ann.SIPAddress)
	}},
	{"Digest", func(ctx context.Context, dir *pbx.Directory, x *testbed.All, _ pbx.PIN) (any, error) {
		return dir.Digest(ctx, x.Ann.SIPAddress)
	}},
}

// holdsSecret reports whether a type has a secret in it.
func holdsSecret(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t {
	case reflect.TypeFor[pbx.PIN](), reflect.TypeFor[pbx.Password](), reflect.TypeFor[pbx.HA1](), reflect.TypeFor[pbx.Sealer]():
		return true
	case reflect.TypeFor[pbx.Directory]():
		return false
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holdsSecret(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() && holdsSecret(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

func TestVM5_EveryMethodWithASecretIsInTheTable(t *testing.T) {
	var listed, with []string
	for _, s := range secretives {
		listed = append(listed, s.method)
	}
	for m := range reflect.TypeFor[*pbx.Directory]().Methods() {
		seen, secret := map[reflect.Type]bool{}, false
		for i := 1; i < m.Type.NumIn(); i++ {
			secret = holdsSecret(m.Type.In(i), seen) || secret
		}
		for i := range m.Type.NumOut() {
			secret = holdsSecret(m.Type.Out(i), seen) || secret
		}
		if secret {
			with = append(with, m.Name)
		}
	}
	slices.Sort(listed)
	require.Equal(t, with, listed)
}

// aviary is a world whose secrets are canaries.
type aviary struct {
	*canaries
	r    *testbed.Replica
	x    *testbed.All
	logs *logbook
}

// birds makes canaries of what the store and the registrar know.
func (a *aviary) birds() {
	digest, err := a.r.Support.In(a.r.US.ID).Digest(a.r.Ctx, a.x.Ann.SIPAddress)
	if err == nil {
		for _, h := range []pbx.HA1{digest.SHA256, digest.MD5} {
			if h != "" {
				a.add("HA1", string(h))
				var raw []byte
				_, err := fmt.Sscanf(string(h), "%x", &raw)
				require.NoError(a.t, err)
				a.add("HA1", string(raw))
			}
		}
	}
}

// hashes makes canaries of the hashes of PINs that are stored.
func (a *aviary) hashes() {
	require.NoError(a.t, a.r.World.Store.View(a.r.Ctx, func(r store.Reader) error {
		for rec, err := range r.Find(a.r.Ctx, store.Query{Index: new(pbx.Mailbox).Table().Key()}) {
			if err != nil {
				return err
			}
			for _, f := range rec.Fields(nil) {
				if hash, is := f.Value().([]byte); is && len(hash) > 0 && f.Name == "pin_hash" {
					a.add("the hash of a PIN", string(hash))
				}
			}
		}
		return nil
	}))
}

// told looks at all that came of a call.
func (a *aviary) told(about string, result any, err error) {
	a.t.Helper()
	if made, is := result.(*pbx.Credentials); is && made != nil {
		if password, err := made.Password.Reveal(); err == nil {
			a.add("a password", password)
		}
	}
	a.birds()
	a.hashes()
	a.value(about, result)
	a.error(about, err)
	a.text(about+", logged", a.logs.taken())
}

// ways are the ways in which an operation is called.
func (a *aviary) ways(s secretive, pin pbx.PIN, by *pbx.Directory) {
	ctx, about := a.r.Ctx, fmt.Sprintf("%s with %d characters", s.method, len(pin))
	result, err := s.call(ctx, by, a.x, pin)
	a.told(about, result, err)
	err = by.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) (err error) {
		result, err = s.call(ctx, dir, a.x, pin)
		a.error(about+" in a batch", err)
		return err
	})
	a.told(about+" in a batch", result, err)
	review, err := by.Review(ctx, func(ctx context.Context, dir *pbx.Directory) (err error) {
		result, err = s.call(ctx, dir, a.x, pin)
		a.error(about+" in a review", err)
		return err
	})
	a.told(about+" in a review", result, err)
	a.value(about+", its review", review)
	if review != nil {
		for _, e := range review.Effects {
			a.text(about+", an effect", e.String())
		}
		for _, sentence := range review.NextInvoice() {
			a.text(about+", an invoice", sentence)
		}
		err = review.Commit(ctx)
		a.told(about+", its review committed", result, err)
	}
}

// reads looks at what every method that reads returns.
func (a *aviary) reads() {
	p := &prober{world: &world{a.r.World}, by: a.r.Support.In(a.r.US.ID), own: values(a.x.Ann.ID, a.x.Line.ID, a.x.Alias.ID, a.x.Group.ID, a.x.Phone.ID, a.x.Port.ID, a.x.Asked.ID,
		a.r.US.ID, a.r.Boston.ID, testbed.Collect(a.t, a.r.Dir.Orders(a.r.Ctx, 1))[0].ID, pbx.UserMember(a.x.Ann.ID)), target: -1}
	var out bytes.Buffer
	p.input = values(a.x.Ann.SIPAddress, a.x.Line.DN, a.x.Line.Number, a.x.National(), &out)
	for _, name := range reads {
		if slices.Contains([]string{"As", "Batch", "Confirm", "Connect", "Deliver", "In", "Review", "Seen"}, name) {
			continue
		}
		m := reflect.ValueOf(p.by).MethodByName(name)
		var in []reflect.Value
		for i := range m.Type().NumIn() {
			switch of := m.Type().In(i); {
			case name == "ExportUsers" && i == 1:
				in = append(in, reflect.ValueOf(&out))
			case name == "UserByLogin" && i == 1:
				in = append(in, reflect.ValueOf(a.x.Ann.Login))
			default:
				in = append(in, p.argument(of))
			}
		}
		for _, v := range m.Call(in) {
			if v.Kind() != reflect.Func {
				a.value("an answer of "+name, v.Interface())
				continue
			}
			for rec, err := range v.Seq2() {
				a.value("an answer of "+name, rec.Interface())
				of, _ := err.Interface().(error)
				a.error("an error of "+name, of)
			}
		}
	}
	token, err := pbx.UserQuery{}.TokenAfter(p.by, a.x.Ann)
	a.value("a page token", token)
	require.NoError(a.t, err)
	require.Contains(a.t, out.String(), "marker.example")
	a.text("the export", out.String())
	_, err = a.r.Support.Deliver(a.r.Ctx, "canary", func(_ context.Context, e *pbx.Event) error {
		a.value("an event delivered", e)
		return nil
	})
	require.NoError(a.t, err)
	a.text("the journal and all records", fmt.Sprint(testbed.Dump(a.t, a.r.World.Store)["events"]))
	a.text("the log", a.logs.taken())
}

// release makes a replica whose secrets are canaries.
func release(t *testing.T, o *testbed.Original, c *canaries, more ...pbx.Option) *aviary {
	a := &aviary{canaries: c, r: o.InMemory(t), x: o.X, logs: new(logbook)}
	key, err := pbx.SealerFrom([]byte(canaryKey), []byte("a key of exactly thirty-two bytes"[:32]))
	require.NoError(t, err)
	a.value("the sealer", key)
	a.value("the sealer", *key)
	opts := append(a.r.Draws.Options(a.r.World), pbx.WithSealer(key), pbx.WithPageKey([32]byte([]byte(canaryPage))),
		pbx.WithMD5Credentials(), pbx.WithLogger(a.logs.logger()))
	a.r.Support = pbx.New(a.r.Faulty.Whole(), append(opts, more...)...).As(pbx.Support("agent"))
	a.r.Dir = a.r.Support.As(pbx.Administrator("admin", a.r.US.ID))
	a.r.British = a.r.Support.As(pbx.Administrator("admin", a.r.UK.ID))
	a.value("the directory", a.r.Dir)
	a.value("the directory", *a.r.Dir)
	return a
}

func TestVM5_NoSecretIsInAnythingThatIsToldLoggedOrKept(t *testing.T) {
	t.Parallel()
	o := openOriginal(t)
	c := newCanaries(t)
	c.add("the PIN", canaryPIN)
	c.add("the PIN", canaryText)
	c.add("the sealing key", canaryKey)
	c.add("the key of page tokens", canaryPage)
	calls, faults, texts, n := 0, 0, 0, 0
	for _, kept := range [][]pbx.Option{nil, {pbx.WithUnsealedCredentials()}} {
		for _, s := range secretives {
			for _, pin := range []pbx.PIN{canaryPIN, canaryLong, canaryText} {
				if n++; !testbed.Sampled(n, 5) {
					continue
				}
				a := release(t, o, c.more(), kept...)
				for _, by := range []*pbx.Directory{a.r.Support.In(a.r.US.ID), a.r.Dir, a.r.British, a.r.Support.As(pbx.LineOwner("kate", a.r.US.ID))} {
					a.ways(s, pin, by)
					calls++
				}
				a.reads()
				if kept == nil {
					a.text("a record", strings.Join(records(t, a.r), "\n"))
				}
				texts += a.searched
			}
			tried, searched := shaken(t, o, c, s, kept)
			faults, texts = faults+tried, texts+searched
		}
	}
	t.Logf("figure: %d calls with secrets in 3 ways each, %d with faults of the store: no secret in %d texts", calls, faults, texts)
}

func openOriginal(t *testing.T) *testbed.Original {
	return testbed.PrepareOriginal(t, testbed.Stores["memory"](t))
}

// records are all of the store as text, without the hashes of PINs, which have their place there.
func records(t *testing.T, r *testbed.Replica) (lines []string) {
	for table, list := range testbed.Dump(t, r.World.Store) {
		if table != "mailboxes" {
			lines = append(lines, list...)
		}
	}
	return lines
}

// shaken runs a call against faults of the store.
func shaken(t *testing.T, o *testbed.Original, c *canaries, s secretive, kept []pbx.Option) (tried, texts int) {
	calls := release(t, o, c.more(), kept...)
	calls.r.Faulty.Arm(faulty.Plan{})
	_, _ = s.call(calls.r.Ctx, calls.r.Support.In(calls.r.US.ID), calls.x, canaryPIN)
	n := len(s.method)
	for plan := range faulty.Plans(len(calls.r.Faulty.Calls())) {
		if n++; plan.Fault == faulty.Retry || !testbed.Sampled(n, 16) {
			continue
		}
		a := release(t, o, c.more(), kept...)
		a.r.Faulty.Arm(plan)
		var result any
		err, _ := testbed.Attempt(func() (err error) {
			result, err = s.call(a.r.Ctx, a.r.Support.In(a.r.US.ID), a.x, canaryPIN)
			return err
		})
		a.r.Faulty.Arm(faulty.Plan{})
		a.told(fmt.Sprint(s.method, ", ", plan), result, err)
		tried, texts = tried+1, texts+a.searched
	}
	return tried, texts
}

// Values of the exported types, with secrets in them wherever there is room.
func TestVM5_NoExportedTypePrintsASecret(t *testing.T) {
	c := newCanaries(t)
	c.add("a secret", canaryText)
	filled := 0
	for _, zero := range zeroes {
		v := reflect.New(reflect.TypeOf(zero)).Elem()
		if !secretly(v, map[reflect.Type]bool{}) {
			continue
		}
		filled++
		c.value(v.Type().String(), v.Interface())
		c.value(v.Type().String(), v.Addr().Interface())
		c.value("a list of "+v.Type().String(), []any{v.Interface()})
		behind := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "Behind", Type: v.Addr().Type()}})).Elem()
		behind.Field(0).Set(v.Addr())
		c.value("a pointer in a host's own structure to "+v.Type().String(), behind.Interface())
	}
	require.Greater(t, filled, 4)
	t.Logf("figure: %d exported types with room for secrets print none, in %d texts", filled, c.searched)
}

// secretly puts the canary into every secret that a value has room for, and reports
// whether there was any.
func secretly(v reflect.Value, seen map[reflect.Type]bool) (any bool) {
	switch t := v.Type(); {
	case t == reflect.TypeFor[pbx.PIN](), t == reflect.TypeFor[pbx.HA1]():
		v.SetString(canaryText)
		return true
	case seen[t]:
		return false
	case t.Kind() == reflect.Pointer:
		seen[t] = true
		to := reflect.New(t.Elem())
		if secretly(to.Elem(), seen) && v.CanSet() {
			v.Set(to)
			return true
		}
	case t.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if t.Field(i).IsExported() && secretly(v.Field(i), seen) {
				any = true
			}
		}
	}
	return any
}
