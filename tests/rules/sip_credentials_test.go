package rules_test

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// issue issues the credentials of an address of the US tenant, and reveals the
// password.
func (w *world) issue(address pbx.SIPAddress) string {
	w.T.Helper()
	made, err := w.Dir.IssueCredentials(w.Ctx, address)
	require.NoError(w.T, err)
	password, err := made.Password.Reveal()
	require.NoError(w.T, err)
	return password
}

// signsIn reports whether a phone can register with a password: a registrar
// compares hashes.
func (w *world) signsIn(address pbx.SIPAddress, password string) bool {
	w.T.Helper()
	digest, err := w.Support.Digest(w.Ctx, address)
	if errors.Is(err, pbx.ErrNotFound) {
		return false
	}
	require.NoError(w.T, err)
	return string(digest.SHA256) == sha256Of(digest.Username+":"+digest.Realm+":"+password)
}

func sha256Of(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// has reports whether an address has credentials.
func (w *world) has(address pbx.SIPAddress) bool {
	w.T.Helper()
	s, err := w.Dir.SIPIdentity(w.Ctx, address)
	require.NoError(w.T, err)
	return !s.IssuedAt.IsZero()
}

func TestEXT7_AUsersAndAnAliasesAddressHaveCredentialsOfTheirOwn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		alias := w.Alias(ann.ID, "Support", "")
		require.False(t, w.has(ann.SIPAddress))
		w.Clock = w.Clock.Add(time.Hour)
		made, err := w.Dir.IssueCredentials(w.Ctx, "ANN.Lee@acme.example.com")
		require.NoError(t, err)
		require.Equal(t, ann.SIPAddress, made.Address)
		require.Equal(t, "ann.lee", made.Username)
		require.Equal(t, "acme.example.com", made.Realm)
		require.Equal(t, w.Clock, made.IssuedAt)
		password, err := made.Password.Reveal()
		require.NoError(t, err)
		require.Regexp(t, `^[a-z2-7]{32}$`, password, "160 random bits")
		other := w.issue(alias.SIPAddress)
		require.NotEqual(t, password, other)

		require.True(t, w.signsIn(ann.SIPAddress, password))
		require.True(t, w.signsIn(alias.SIPAddress, other))
		require.False(t, w.signsIn(ann.SIPAddress, other))
		s, err := w.Dir.SIPIdentity(w.Ctx, "Ann.Lee@ACME.example.com")
		require.NoError(t, err)
		require.Equal(t, ann.ID, s.UserID)
		require.Equal(t, w.Clock, s.IssuedAt)
		require.Equal(t, []string{"user.credentials-issued", "alias.credentials-issued"}, last(2, w.journal(w.Dir, 0)))
	})
}

func last(n int, list []string) []string { return list[max(0, len(list)-n):] }

func TestEXT7_CredentialsIssuedAgainTakeThePlaceOfTheOldOnes(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		old := w.issue(ann.SIPAddress)
		now := w.issue(ann.SIPAddress)
		require.False(t, w.signsIn(ann.SIPAddress, old))
		require.True(t, w.signsIn(ann.SIPAddress, now))
	})
}

func TestEXT7_CredentialsAreIssuedForAnAddressOfTheTenantAndForNoOther(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		brit, err := w.British.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Ben", Email: "ben@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		var said []string
		for _, address := range []pbx.SIPAddress{brit.SIPAddress, "nobody@acme.example.com", "", "a\x00@acme.example.com"} {
			e := w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
				_, err := w.Dir.IssueCredentials(w.Ctx, address)
				return err
			})
			said = append(said, strings.ReplaceAll(fmt.Sprintf("%+v", *e), string(address), ""))
			_, err := w.Dir.SIPIdentity(w.Ctx, address)
			require.ErrorIs(t, err, pbx.ErrNotFound)
			_, err = w.Support.In(w.US.ID).Digest(w.Ctx, address)
			require.ErrorIs(t, err, pbx.ErrNotFound)
		}
		require.Equal(t, said[0], said[1], "another tenant's as one that never was")
	})
}

func TestEXT7_CredentialsEndWithTheirAddress(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		alias, gone := w.Alias(ann.ID, "Support", ""), w.Alias(ann.ID, "Gone", "")
		for _, address := range []pbx.SIPAddress{ann.SIPAddress, alias.SIPAddress, gone.SIPAddress} {
			w.issue(address)
		}
		was := ann.SIPAddress
		ann.SIPAddress, alias.SIPAddress = "renamed@acme.example.com", "help@acme.example.com"
		_, err := w.Dir.ModifyUser(w.Ctx, ann)
		require.NoError(t, err)
		require.Equal(t, []string{"user.credentials-ended", "user.modified"}, last(2, w.journal(w.Dir, 0)))
		_, err = w.Dir.ModifyAlias(w.Ctx, alias)
		require.NoError(t, err)
		require.NoError(t, w.Dir.DeleteAlias(w.Ctx, gone.ID))
		require.False(t, w.has(ann.SIPAddress))
		require.False(t, w.has(alias.SIPAddress))

		other, err := w.Dir.CreateUser(w.Ctx, pbx.NewUser{FirstName: "Bob", Email: "bob@example.com", Extension: "7002", SIPAddress: was})
		require.NoError(t, err)
		require.False(t, w.has(other.SIPAddress), "who gets the address does not get the credentials")
		w.issue(other.SIPAddress)
		other.LastName = "Roe"
		_, err = w.Dir.ModifyUser(w.Ctx, other)
		require.NoError(t, err)
		require.True(t, w.has(other.SIPAddress), "what leaves the address leaves the credentials")
		require.NoError(t, w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, other.ID, pbx.UserOnly))
		_, err = w.Support.Digest(w.Ctx, other.SIPAddress)
		require.ErrorIs(t, err, pbx.ErrNotFound)
	})
}

func TestEXT7_ThePasswordIsRevealedWhenItsReviewIsCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		var made *pbx.Credentials
		hidden := func() {
			t.Helper()
			_, err := made.Password.Reveal()
			require.ErrorIs(t, err, pbx.ErrFailedPrecondition)
			require.Equal(t, rule.EXT7, pbx.CodeOf(err))
		}
		issue := func(ctx context.Context, dir *pbx.Directory) (err error) {
			made, err = dir.IssueCredentials(ctx, ann.SIPAddress)
			return err
		}
		review, err := w.Dir.Review(w.Ctx, issue)
		require.NoError(t, err)
		require.Equal(t, "user Ann Lee credentials issued", review.Effects[0].String())
		hidden()
		require.False(t, w.has(ann.SIPAddress))
		dropped := made
		review, err = w.Dir.Review(w.Ctx, issue)
		require.NoError(t, err)
		require.NoError(t, review.Commit(w.Ctx))
		password, err := made.Password.Reveal()
		require.NoError(t, err)
		require.True(t, w.signsIn(ann.SIPAddress, password))
		made = dropped
		hidden()

		review, err = w.Dir.Review(w.Ctx, issue)
		require.NoError(t, err)
		w.User("Bob", "Roe", "7002") // something else changes, so that the operations run again
		hidden()
		require.NoError(t, review.Commit(w.Ctx))
		password, err = made.Password.Reveal()
		require.NoError(t, err)
		require.True(t, w.signsIn(ann.SIPAddress, password))

		review, err = w.Dir.Review(w.Ctx, issue)
		require.NoError(t, err)
		_, err = w.Dir.DisableUser(w.Ctx, ann.ID)
		require.NoError(t, err)
		w.Refused(rule.SYS2, pbx.ErrStale, func() error { return review.Commit(w.Ctx) })
		require.Nil(t, made, "the operation was refused")
	})
}

func TestEXT7_ThePasswordOfABatchIsRevealedWhenItIsCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var kept, refused *pbx.Credentials
		stop := errors.New("stop")
		err := w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			u, err := dir.CreateUser(ctx, pbx.NewUser{FirstName: "Ann", Email: "ann@example.com", Extension: "7001"})
			require.NoError(t, err)
			err = dir.Batch(ctx, func(ctx context.Context, dir *pbx.Directory) error {
				if refused, err = dir.IssueCredentials(ctx, u.SIPAddress); err != nil {
					return err
				}
				return stop
			})
			require.ErrorIs(t, err, stop)
			kept, err = dir.IssueCredentials(ctx, u.SIPAddress)
			require.NoError(t, err)
			_, err = kept.Password.Reveal()
			require.ErrorIs(t, err, pbx.ErrFailedPrecondition)
			return nil
		})
		require.NoError(t, err)
		password, err := kept.Password.Reveal()
		require.NoError(t, err)
		require.True(t, w.signsIn(kept.Address, password))
		_, err = refused.Password.Reveal()
		require.ErrorIs(t, err, pbx.ErrFailedPrecondition)
	})
}

func TestEXT7_APasswordThatItsOwnBatchEndsIsNotRevealed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann, bob, cid := w.User("Ann", "Lee", "7001"), w.User("Bob", "Roe", "7002"), w.User("Cid", "Fox", "7003")
		var first, last, disabled, moved *pbx.Credentials
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			issue := func(u *pbx.User) *pbx.Credentials {
				made, err := dir.IssueCredentials(ctx, u.SIPAddress)
				require.NoError(t, err)
				return made
			}
			first, last, disabled, moved = issue(ann), issue(ann), issue(bob), issue(cid)
			_, err := dir.DisableUser(ctx, bob.ID)
			require.NoError(t, err)
			cid.SIPAddress = "fox@acme.example.com"
			_, err = dir.ModifyUser(ctx, cid)
			return err
		}))
		for _, made := range []*pbx.Credentials{first, disabled, moved} {
			password, err := made.Password.Reveal()
			require.ErrorIs(t, err, pbx.ErrFailedPrecondition)
			require.ErrorContains(t, err, "ended it too, or issued another one")
			require.Empty(t, password)
		}
		password, err := last.Password.Reveal()
		require.NoError(t, err)
		require.True(t, w.signsIn(ann.SIPAddress, password))
	})
}

func TestEXT7_OnlySupportOpensCredentialsInItsTenantOrInThatOfTheProvider(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.User("Ann", "Lee", "7001")
		password := w.issue(ann.SIPAddress)
		_, err := w.Dir.Digest(w.Ctx, ann.SIPAddress)
		require.ErrorIs(t, err, pbx.ErrDenied)
		_, err = w.Support.In(w.UK.ID).Digest(w.Ctx, ann.SIPAddress)
		require.ErrorIs(t, err, pbx.ErrNotFound)
		for _, dir := range []*pbx.Directory{w.Support, w.Support.In(w.US.ID)} {
			digest, err := dir.Digest(w.Ctx, "Ann.LEE@acme.example.com")
			require.NoError(t, err)
			require.Equal(t, ann.SIPAddress, digest.Address)
			require.Equal(t, sha256Of("ann.lee:acme.example.com:"+password), string(digest.SHA256))
			require.Empty(t, digest.MD5, "unless it is asked for")
		}
	})
}

func TestEXT7_TheMD5HashIsKeptWhereItIsAskedFor(t *testing.T) {
	w := newWorld(t, testbed.Stores["memory"](t), pbx.WithMD5Credentials())
	ann := w.User("Ann", "Lee", "7001")
	password := w.issue(ann.SIPAddress)
	digest, err := w.Support.Digest(w.Ctx, ann.SIPAddress)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%x", md5.Sum([]byte("ann.lee:acme.example.com:"+password))), string(digest.MD5))
	require.True(t, w.signsIn(ann.SIPAddress, password))

	plain := pbx.New(w.Store).As(pbx.Administrator("admin", w.US.ID))
	_, err = plain.IssueCredentials(w.Ctx, ann.SIPAddress)
	require.ErrorIs(t, err, pbx.ErrMisuse)
	require.True(t, w.signsIn(ann.SIPAddress, password), "the old ones stay")
	require.Empty(t, w.Violations(w.Support))
}

func TestEXT7_WithoutRandomnessNoCredentialsAreIssued(t *testing.T) {
	random := &dry{from: rand.Reader}
	w := newWorld(t, testbed.Stores["memory"](t), pbx.WithRandom(random), pbx.WithIDs(new(testbed.Draws).Next))
	ann := w.User("Ann", "Lee", "7001")
	e := w.Refused(rule.EXT7, pbx.ErrStorage, func() error {
		random.now = true
		defer func() { random.now = false }()
		_, err := w.Dir.IssueCredentials(w.Ctx, ann.SIPAddress)
		return err
	})
	require.NotContains(t, e.Error(), "/dev/x")
	w.issue(ann.SIPAddress)
}
