package rules_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

func TestSVC15_AnyChangeCanBeBasedOnWhatWasSeen(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		seen := w.User("Ann", "Lee", "7001")
		s := w.Service(seen.ID, "7101")
		changed := *seen
		changed.FirstName = "Anne"
		now, err := w.Dir.ModifyUser(w.Ctx, &changed)
		require.NoError(t, err)

		dir := w.Dir
		for name, run := range map[string]func() error{
			"deleting":  func() error { return w.Dir.Seen(seen).DeleteUser(w.Ctx, seen.ID, pbx.UserOnly) },
			"adding":    func() error { return second(w.Dir.Seen(seen).AddExtension(w.Ctx, seen.ID, "7002")) },
			"a form":    func() error { return w.Dir.Seen(&pbx.User{ID: seen.ID, Rev: seen.Rev}).SendWelcomeMail(w.Ctx, seen.ID) },
			"of others": func() error { return w.Dir.Seen(s).Seen(seen).DeleteService(w.Ctx, s.ID) },
		} {
			w.Dir = dir
			refusal := w.Refused(rule.SVC15, pbx.ErrStale, run)
			require.Equal(t, "user Anne Lee", refusal.Subject.String(), name)
		}
		_, err = dir.Seen(seen).AddExtension(w.Ctx, seen.ID, "7002")
		stale, ok := errors.AsType[*pbx.StaleError](err)
		require.True(t, ok)
		require.Equal(t, now, stale.Current)

		_, err = dir.Seen(now, s).AddExtension(w.Ctx, seen.ID, "7002")
		require.NoError(t, err)
		require.NoError(t, dir.Seen(now).Confirm(rule.SVC5).Disassociate(w.Ctx, seen.ID, s.ID))
	})
}

func TestSVC15_InABatchWhatWasSeenIsWhatTheBatchMade(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			changed := *u
			changed.FirstName = "Anne"
			now, err := dir.ModifyUser(ctx, &changed)
			require.NoError(t, err)
			require.ErrorIs(t, second(dir.Seen(u).AddExtension(ctx, u.ID, "7002")), pbx.ErrStale)
			return second(dir.Seen(now).AddExtension(ctx, u.ID, "7002"))
		}))
	})
}

func TestSVC15_WhatWasSeenAndIsGoneOrAnothersIsNotFound(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		gone, err := w.Dir.CreateGroup(w.Ctx, pbx.NewGroup{Kind: pbx.HuntGroup, Name: "Sales", Extension: "7100"})
		require.NoError(t, err)
		require.NoError(t, w.Dir.DeleteGroup(w.Ctx, gone.ID))
		number, err := w.Support.In(w.UK.ID).AddNumbers(w.Ctx, "+442079461234")
		require.NoError(t, err)
		for name, seen := range map[string]store.Record{
			"deleted":                  gone,
			"of no ID":                 &pbx.User{Rev: 1},
			"of a key that is no text": &pbx.ServiceType{Code: "\xff\x00", Rev: 1},
			"another tenant's":         w.London,
			"another tenant itself":    w.UK,
			"another tenant's number":  number[0],
		} {
			refusal := w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.Seen(seen).SendWelcomeMail(w.Ctx, u.ID) })
			require.NotEmpty(t, refusal.Subject.Kind, name)
		}
		for name, seen := range map[string]store.Record{
			"a record without a revision": &pbx.Event{},
			"nil":                         nil,
			"a nil user":                  (*pbx.User)(nil),
			"a stranger's record":         strange{},
		} {
			refusal := w.Refused(rule.SYS1, pbx.ErrMisuse, func() error { return w.Dir.Seen(seen).SendWelcomeMail(w.Ctx, u.ID) })
			require.NotEmpty(t, refusal.Reason, name)
		}
		require.NoError(t, w.Dir.Seen().SendWelcomeMail(w.Ctx, u.ID))
	})
}

// strange is a record that is not the library's.
type strange struct{}

func (strange) Table() *store.Table                    { return nil }
func (strange) Fields(dst []store.Field) []store.Field { return dst }

func TestSVC15_ABatchIsBasedOnWhatWasSeenBeforeIt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		twice := func(ctx context.Context, dir *pbx.Directory) error {
			now, err := dir.User(ctx, u.ID)
			require.NoError(t, err)
			now.FirstName += "e"
			if _, err := dir.ModifyUser(ctx, now); err != nil {
				return err
			}
			return dir.SendWelcomeMail(ctx, u.ID)
		}
		require.NoError(t, w.Dir.Seen(u).Batch(w.Ctx, twice))
		stale, ok := errors.AsType[*pbx.StaleError](w.Dir.Seen(u).Batch(w.Ctx, twice))
		require.True(t, ok)
		now := stale.Current.(*pbx.User)
		require.Equal(t, "Anne", now.FirstName)

		require.ErrorIs(t, testbed.Second(w.Dir.Seen(u).Review(w.Ctx, twice)), pbx.ErrStale)
		review, err := w.Dir.Seen(now).Review(w.Ctx, twice)
		require.NoError(t, err)
		require.NoError(t, review.Commit(w.Ctx))

		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.ErrorIs(t, dir.Seen(now).Batch(ctx, twice), pbx.ErrStale)
			is, err := dir.User(ctx, u.ID)
			require.NoError(t, err)
			return dir.Seen(is).Batch(ctx, twice)
		}))
	})
}
