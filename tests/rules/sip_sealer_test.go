package rules_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// under is another Directory over the store of a world, whose credentials are
// kept as the options say.
func (w *world) under(opts ...pbx.Option) *pbx.Directory {
	return pbx.New(w.Store, opts...).As(pbx.Support("agent")).In(w.US.ID)
}

func sealer(t testing.TB, keys ...string) pbx.Option {
	t.Helper()
	var list [][]byte
	for _, k := range keys {
		list = append(list, bytes.Repeat([]byte(k), 32))
	}
	s, err := pbx.SealerFrom(list[0], list[1:]...)
	require.NoError(t, err)
	return pbx.WithSealer(s)
}

func TestEXT7_AKeyHas32Bytes(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33} {
		for _, err := range []error{
			second(pbx.SealerFrom(make([]byte, n))), second(pbx.SealerFrom(make([]byte, 32), make([]byte, n))),
		} {
			require.ErrorIs(t, err, pbx.ErrInvalid)
			require.Equal(t, rule.EXT7, pbx.CodeOf(err))
		}
	}
}

func TestEXT7_CredentialsAreKeptSealedOrNotAtAll(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		w.Refused(rule.EXT7, pbx.ErrMisuse, func() error {
			return second(w.under().IssueCredentials(w.Ctx, ann.SIPAddress))
		})
		w.Refused(rule.EXT7, pbx.ErrMisuse, func() error {
			return second(w.under(pbx.WithSealer(nil)).IssueCredentials(w.Ctx, ann.SIPAddress))
		})
		first := w.kept(ann.SIPAddress, w.issue(ann.SIPAddress))
		second := w.kept(ann.SIPAddress, w.issue(ann.SIPAddress))
		require.NotEqual(t, first, second)
	})
}

// kept is what the store has of an address whose credentials have the password,
// which is not to be found in it.
func (w *world) kept(address pbx.SIPAddress, password string) string {
	w.T.Helper()
	user, realm, _ := strings.Cut(string(address), "@")
	hash, err := hex.DecodeString(sha256Of(user + ":" + realm + ":" + password))
	require.NoError(w.T, err)
	for table, rows := range testbed.Dump(w.T, w.Store) {
		require.NotContains(w.T, fmt.Sprint(rows), password, table)
		require.NotContains(w.T, fmt.Sprint(rows), strings.Trim(fmt.Sprint(hash), "[]"), table)
	}
	return fmt.Sprint(w.get("sip_identities", where{"address": address}, "ha1_sha256"))
}

func TestEXT7_WhatIsSealedOpensUnderItsKeyAtItsAddressOnly(t *testing.T) {
	w := newWorld(t, testbed.Stores["memory"](t), pbx.WithMD5Credentials())
	ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Roe", "7002")
	old := w.under(sealer(t, "a"), pbx.WithMD5Credentials())
	made, err := old.IssueCredentials(w.Ctx, ann.SIPAddress)
	require.NoError(t, err)
	password, err := made.Password.Reveal()
	require.NoError(t, err)
	want, err := old.Digest(w.Ctx, ann.SIPAddress)
	require.NoError(t, err)
	require.Equal(t, sha256Of("ann.lee:acme.example.com:"+password), string(want.SHA256))

	both, err := w.under(sealer(t, "b", "a")).Digest(w.Ctx, ann.SIPAddress)
	require.NoError(t, err)
	require.Equal(t, want, both, "a key from before opens still")
	shut := func(dir *pbx.Directory, address pbx.SIPAddress) {
		t.Helper()
		w.Refused(rule.EXT7, pbx.ErrStorage, func() error { return second(dir.Digest(w.Ctx, address)) })
	}
	shut(w.under(sealer(t, "b")), ann.SIPAddress)
	shut(w.under(), ann.SIPAddress)
	shut(w.under(pbx.WithUnsealedCredentials()), ann.SIPAddress)

	moved := where{}
	for _, column := range []string{"issued_at", "ha1_sealed", "ha1_sha256", "ha1_md5"} {
		moved[column] = w.get("sip_identities", where{"address": ann.SIPAddress}, column)
	}
	w.Rewrite("sip_identities", where{"address": bob.SIPAddress}, moved)
	shut(old, bob.SIPAddress)
	damaged := bytes.Clone(moved["ha1_sha256"].([]byte))
	damaged[20] ^= 1
	w.Rewrite("sip_identities", where{"address": ann.SIPAddress}, where{"ha1_sha256": damaged})
	shut(old, ann.SIPAddress)
	w.Rewrite("sip_identities", where{"address": ann.SIPAddress}, where{"ha1_sha256": moved["ha1_md5"]})
	shut(old, ann.SIPAddress)
	w.Rewrite("sip_identities", where{"address": ann.SIPAddress}, where{"ha1_sha256": []byte("short")})
	shut(old, ann.SIPAddress)
}

func TestEXT7_CredentialsAreKeptUnsealedWhereThatIsChosen(t *testing.T) {
	w := newWorld(t, testbed.Stores["memory"](t))
	ann, bob := w.User("Ann", "Lee", "7001"), w.User("Bob", "Roe", "7002")
	sealed := w.issue(bob.SIPAddress)
	plain := w.under(pbx.WithUnsealedCredentials(), pbx.WithMD5Credentials())
	made, err := plain.IssueCredentials(w.Ctx, ann.SIPAddress)
	require.NoError(t, err)
	password, err := made.Password.Reveal()
	require.NoError(t, err)
	hash := w.get("sip_identities", where{"address": ann.SIPAddress}, "ha1_sha256").([]byte)
	require.Equal(t, sha256Of("ann.lee:acme.example.com:"+password), hex.EncodeToString(hash))
	require.Len(t, w.get("sip_identities", where{"address": ann.SIPAddress}, "ha1_md5"), 16)
	require.True(t, w.signsIn(ann.SIPAddress, password), "also where the others are sealed")
	require.True(t, w.signsIn(bob.SIPAddress, sealed))
	require.Empty(t, w.Violations(w.Support))
}

func TestEXT7_NoSecretIsPrinted(t *testing.T) {
	w := newWorld(t, testbed.Stores["memory"](t))
	ann := w.User("Ann", "Lee", "7001")
	made, err := w.Dir.IssueCredentials(w.Ctx, ann.SIPAddress)
	require.NoError(t, err)
	password, err := made.Password.Reveal()
	require.NoError(t, err)
	digest, err := w.Support.Digest(w.Ctx, ann.SIPAddress)
	require.NoError(t, err)
	key := bytes.Repeat([]byte("k"), 32)
	seals, err := pbx.SealerFrom(key)
	require.NoError(t, err)
	identity, err := w.Dir.SIPIdentity(w.Ctx, ann.SIPAddress)
	require.NoError(t, err)

	var log bytes.Buffer
	for _, v := range []any{made, *made, made.Password, digest, *digest, digest.SHA256, seals, *identity} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&log, verb+"\n", v)
		}
		text, err := json.Marshal(v)
		require.NoError(t, err)
		log.Write(text)
		for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(handler).Info("made", "value", v)
		}
	}
	hash, _ := hex.DecodeString(string(digest.SHA256))
	for _, secret := range []string{
		password, string(digest.SHA256), string(key), fmt.Sprintf("%x", password), fmt.Sprintf("%x", string(digest.SHA256)),
		strings.Trim(fmt.Sprint(hash), "[]"), fmt.Sprintf("%x", key),
	} {
		require.NotContains(t, log.String(), secret)
	}
	require.Contains(t, log.String(), "[password]")
	require.Contains(t, log.String(), "[HA1]")
	_, err = pbx.Password{}.Reveal()
	require.ErrorIs(t, err, pbx.ErrFailedPrecondition)
}
