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
	"github.com/pbxkit/pbx/rule"
)

// issue issues the credentials of an address of the US tenant, and reveals the
// password.
func (w *world) issue(address pbx.SIPAddress) string {
	w.t.Helper()
	made, err := w.dir.IssueCredentials(w.ctx, address)
	require.NoError(w.t, err)
	password, err := made.Password.Reveal()
	require.NoError(w.t, err)
	return password
}

// signsIn reports whether a phone gets in with a password: a registrar compares
// hashes.
func (w *world) signsIn(address pbx.SIPAddress, password string) bool {
	w.t.Helper()
	digest, err := w.support.Digest(w.ctx, address)
	if errors.Is(err, pbx.ErrNotFound) {
		return false
	}
	require.NoError(w.t, err)
	return string(digest.SHA256) == sha256Of(digest.Username+":"+digest.Realm+":"+password)
}

func sha256Of(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// has reports whether an address has credentials.
func (w *world) has(address pbx.SIPAddress) bool {
	w.t.Helper()
	s, err := w.dir.SIPIdentity(w.ctx, address)
	require.NoError(w.t, err)
	return !s.IssuedAt.IsZero()
}

func TestEXT7_AUsersAndAnAliasesAddressHaveCredentialsOfTheirOwn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		alias := w.alias(ann.ID, "Support", "")
		require.False(t, w.has(ann.SIPAddress))
		w.clock = w.clock.Add(time.Hour)
		made, err := w.dir.IssueCredentials(w.ctx, "ANN.Lee@acme.example.com")
		require.NoError(t, err)
		require.Equal(t, ann.SIPAddress, made.Address)
		require.Equal(t, "ann.lee", made.Username)
		require.Equal(t, "acme.example.com", made.Realm)
		require.Equal(t, w.clock, made.IssuedAt)
		password, err := made.Password.Reveal()
		require.NoError(t, err)
		require.Regexp(t, `^[a-z2-7]{32}$`, password, "160 random bits")
		other := w.issue(alias.SIPAddress)
		require.NotEqual(t, password, other)

		require.True(t, w.signsIn(ann.SIPAddress, password))
		require.True(t, w.signsIn(alias.SIPAddress, other))
		require.False(t, w.signsIn(ann.SIPAddress, other))
		s, err := w.dir.SIPIdentity(w.ctx, "Ann.Lee@ACME.example.com")
		require.NoError(t, err)
		require.Equal(t, ann.ID, s.UserID)
		require.Equal(t, w.clock, s.IssuedAt)
		require.Equal(t, []string{"user.credentials-issued", "alias.credentials-issued"}, last(2, w.journal(w.dir, 0)))
	})
}

func last(n int, list []string) []string { return list[max(0, len(list)-n):] }

func TestEXT7_CredentialsIssuedAgainTakeThePlaceOfTheOldOnes(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		old := w.issue(ann.SIPAddress)
		now := w.issue(ann.SIPAddress)
		require.False(t, w.signsIn(ann.SIPAddress, old))
		require.True(t, w.signsIn(ann.SIPAddress, now))
	})
}

func TestEXT7_CredentialsAreIssuedForAnAddressOfTheTenantAndForNoOther(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		brit, err := w.british.CreateUser(w.ctx, pbx.NewUser{FirstName: "Ben", Email: "ben@example.co.uk", Extension: "7001"})
		require.NoError(t, err)
		var said []string
		for _, address := range []pbx.SIPAddress{brit.SIPAddress, "nobody@acme.example.com", "", "a\x00@acme.example.com"} {
			e := w.refused(rule.ACC1, pbx.ErrNotFound, func() error {
				_, err := w.dir.IssueCredentials(w.ctx, address)
				return err
			})
			said = append(said, strings.ReplaceAll(fmt.Sprintf("%+v", *e), string(address), ""))
			_, err := w.dir.SIPIdentity(w.ctx, address)
			require.ErrorIs(t, err, pbx.ErrNotFound)
			_, err = w.support.In(w.us.ID).Digest(w.ctx, address)
			require.ErrorIs(t, err, pbx.ErrNotFound)
		}
		require.Equal(t, said[0], said[1], "another tenant's as one that never was")
	})
}

func TestEXT7_CredentialsEndWithTheirAddress(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
		alias, gone := w.alias(ann.ID, "Support", ""), w.alias(ann.ID, "Gone", "")
		for _, address := range []pbx.SIPAddress{ann.SIPAddress, alias.SIPAddress, gone.SIPAddress} {
			w.issue(address)
		}
		was := ann.SIPAddress
		ann.SIPAddress, alias.SIPAddress = "renamed@acme.example.com", "help@acme.example.com"
		_, err := w.dir.ModifyUser(w.ctx, ann)
		require.NoError(t, err)
		require.Equal(t, []string{"user.credentials-ended", "user.modified"}, last(2, w.journal(w.dir, 0)))
		_, err = w.dir.ModifyAlias(w.ctx, alias)
		require.NoError(t, err)
		require.NoError(t, w.dir.DeleteAlias(w.ctx, gone.ID))
		require.False(t, w.has(ann.SIPAddress))
		require.False(t, w.has(alias.SIPAddress))

		other, err := w.dir.CreateUser(w.ctx, pbx.NewUser{FirstName: "Bob", Email: "bob@example.com", Extension: "7002", SIPAddress: was})
		require.NoError(t, err)
		require.False(t, w.has(other.SIPAddress), "who gets the address does not get the credentials")
		w.issue(other.SIPAddress)
		other.LastName = "Roe"
		_, err = w.dir.ModifyUser(w.ctx, other)
		require.NoError(t, err)
		require.True(t, w.has(other.SIPAddress), "what leaves the address leaves the credentials")
		require.NoError(t, w.dir.Confirm(rule.USR9).DeleteUser(w.ctx, other.ID, pbx.UserOnly))
		_, err = w.support.Digest(w.ctx, other.SIPAddress)
		require.ErrorIs(t, err, pbx.ErrNotFound)
	})
}

func TestEXT7_ThePasswordIsRevealedWhenItsReviewIsCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		ann := w.user("Ann", "Lee", "7001")
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
		review, err := w.dir.Review(w.ctx, issue)
		require.NoError(t, err)
		require.Equal(t, "user Ann Lee credentials issued", review.Effects[0].String())
		hidden()
		require.False(t, w.has(ann.SIPAddress))
		dropped := made
		review, err = w.dir.Review(w.ctx, issue)
		require.NoError(t, err)
		require.NoError(t, review.Commit(w.ctx))
		password, err := made.Password.Reveal()
		require.NoError(t, err)
		require.True(t, w.signsIn(ann.SIPAddress, password))
		made = dropped
		hidden()

		review, err = w.dir.Review(w.ctx, issue)
		require.NoError(t, err)
		w.user("Bob", "Roe", "7002") // something else changes, so that the operations run again
		hidden()
		require.NoError(t, review.Commit(w.ctx))
		password, err = made.Password.Reveal()
		require.NoError(t, err)
		require.True(t, w.signsIn(ann.SIPAddress, password))

		review, err = w.dir.Review(w.ctx, issue)
		require.NoError(t, err)
		_, err = w.dir.DisableUser(w.ctx, ann.ID)
		require.NoError(t, err)
		w.refused(rule.SYS2, pbx.ErrStale, func() error { return review.Commit(w.ctx) })
		require.Nil(t, made, "the operation was refused")
	})
}

func TestEXT7_ThePasswordOfABatchIsRevealedWhenItIsCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var kept, refused *pbx.Credentials
		stop := errors.New("stop")
		err := w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
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
		ann, bob, cid := w.user("Ann", "Lee", "7001"), w.user("Bob", "Roe", "7002"), w.user("Cid", "Fox", "7003")
		var first, last, disabled, moved *pbx.Credentials
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
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
		ann := w.user("Ann", "Lee", "7001")
		password := w.issue(ann.SIPAddress)
		_, err := w.dir.Digest(w.ctx, ann.SIPAddress)
		require.ErrorIs(t, err, pbx.ErrDenied)
		_, err = w.support.In(w.uk.ID).Digest(w.ctx, ann.SIPAddress)
		require.ErrorIs(t, err, pbx.ErrNotFound)
		for _, dir := range []*pbx.Directory{w.support, w.support.In(w.us.ID)} {
			digest, err := dir.Digest(w.ctx, "Ann.LEE@acme.example.com")
			require.NoError(t, err)
			require.Equal(t, ann.SIPAddress, digest.Address)
			require.Equal(t, sha256Of("ann.lee:acme.example.com:"+password), string(digest.SHA256))
			require.Empty(t, digest.MD5, "unless it is asked for")
		}
	})
}

func TestEXT7_TheMD5HashIsKeptWhereItIsAskedFor(t *testing.T) {
	w := newWorld(t, stores["memory"](t), pbx.WithMD5Credentials())
	ann := w.user("Ann", "Lee", "7001")
	password := w.issue(ann.SIPAddress)
	digest, err := w.support.Digest(w.ctx, ann.SIPAddress)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%x", md5.Sum([]byte("ann.lee:acme.example.com:"+password))), string(digest.MD5))
	require.True(t, w.signsIn(ann.SIPAddress, password))

	plain := pbx.New(w.store).As(pbx.Administrator("admin", w.us.ID))
	_, err = plain.IssueCredentials(w.ctx, ann.SIPAddress)
	require.ErrorIs(t, err, pbx.ErrMisuse)
	require.True(t, w.signsIn(ann.SIPAddress, password), "the old ones stay")
	require.Empty(t, w.violations(w.support))
}

func TestEXT7_WithoutRandomnessNoCredentialsAreIssued(t *testing.T) {
	random := &dry{from: rand.Reader}
	w := newWorld(t, stores["memory"](t), pbx.WithRandom(random), pbx.WithIDs(new(draws).Next))
	ann := w.user("Ann", "Lee", "7001")
	e := w.refused(rule.EXT7, pbx.ErrStorage, func() error {
		random.now = true
		defer func() { random.now = false }()
		_, err := w.dir.IssueCredentials(w.ctx, ann.SIPAddress)
		return err
	})
	require.NotContains(t, e.Error(), "/dev/x")
	w.issue(ann.SIPAddress)
}
