package rules_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

func TestSVC15_AnyChangeCanBeBasedOnWhatWasSeen(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		seen := w.user("Ann", "Lee", "7001")
		s := w.service(seen.ID, "7101")
		changed := *seen
		changed.FirstName = "Anne"
		now, err := w.dir.ModifyUser(w.ctx, &changed)
		require.NoError(t, err)

		dir := w.dir
		for name, run := range map[string]func() error{
			"deleting":  func() error { return w.dir.Seen(seen).DeleteUser(w.ctx, seen.ID, pbx.UserOnly) },
			"adding":    func() error { return second(w.dir.Seen(seen).AddExtension(w.ctx, seen.ID, "7002")) },
			"a form":    func() error { return w.dir.Seen(&pbx.User{ID: seen.ID, Rev: seen.Rev}).SendWelcomeMail(w.ctx, seen.ID) },
			"of others": func() error { return w.dir.Seen(s).Seen(seen).DeleteService(w.ctx, s.ID) },
		} {
			w.dir = dir
			refusal := w.refused(rule.SVC15, pbx.ErrStale, run)
			require.Equal(t, "user Anne Lee", refusal.Subject.String(), name)
		}
		_, err = dir.Seen(seen).AddExtension(w.ctx, seen.ID, "7002")
		stale, ok := errors.AsType[*pbx.StaleError](err)
		require.True(t, ok)
		require.Equal(t, now, stale.Current)

		_, err = dir.Seen(now, s).AddExtension(w.ctx, seen.ID, "7002")
		require.NoError(t, err)
		require.NoError(t, dir.Seen(now).Confirm(rule.SVC5).Disassociate(w.ctx, seen.ID, s.ID))
	})
}

func TestSVC15_InABatchWhatWasSeenIsWhatTheBatchMade(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
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
		u := w.user("Ann", "Lee", "7001")
		gone, err := w.dir.CreateGroup(w.ctx, pbx.NewGroup{Kind: pbx.HuntGroup, Name: "Sales", Extension: "7100"})
		require.NoError(t, err)
		require.NoError(t, w.dir.DeleteGroup(w.ctx, gone.ID))
		number, err := w.support.In(w.uk.ID).AddNumbers(w.ctx, "+442079461234")
		require.NoError(t, err)
		for name, seen := range map[string]store.Record{
			"deleted":                  gone,
			"of no ID":                 &pbx.User{Rev: 1},
			"of a key that is no text": &pbx.ServiceType{Code: "\xff\x00", Rev: 1},
			"another tenant's":         w.london,
			"another tenant itself":    w.uk,
			"another tenant's number":  number[0],
		} {
			refusal := w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.dir.Seen(seen).SendWelcomeMail(w.ctx, u.ID) })
			require.NotEmpty(t, refusal.Subject.Kind, name)
		}
		for name, seen := range map[string]store.Record{
			"a record without a revision": &pbx.Event{},
			"nil":                         nil,
			"a nil user":                  (*pbx.User)(nil),
			"a stranger's record":         strange{},
		} {
			refusal := w.refused(rule.SYS1, pbx.ErrMisuse, func() error { return w.dir.Seen(seen).SendWelcomeMail(w.ctx, u.ID) })
			require.NotEmpty(t, refusal.Reason, name)
		}
		require.NoError(t, w.dir.Seen().SendWelcomeMail(w.ctx, u.ID))
	})
}

// strange is a record that is not the library's.
type strange struct{}

func (strange) Table() *store.Table                    { return nil }
func (strange) Fields(dst []store.Field) []store.Field { return dst }

func TestSVC15_ABatchIsBasedOnWhatWasSeenBeforeIt(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.user("Ann", "Lee", "7001")
		twice := func(ctx context.Context, dir *pbx.Directory) error {
			now, err := dir.User(ctx, u.ID)
			require.NoError(t, err)
			now.FirstName += "e"
			if _, err := dir.ModifyUser(ctx, now); err != nil {
				return err
			}
			return dir.SendWelcomeMail(ctx, u.ID)
		}
		require.NoError(t, w.dir.Seen(u).Batch(w.ctx, twice))
		stale, ok := errors.AsType[*pbx.StaleError](w.dir.Seen(u).Batch(w.ctx, twice))
		require.True(t, ok)
		now := stale.Current.(*pbx.User)
		require.Equal(t, "Anne", now.FirstName)

		require.ErrorIs(t, second(w.dir.Seen(u).Review(w.ctx, twice)), pbx.ErrStale)
		review, err := w.dir.Seen(now).Review(w.ctx, twice)
		require.NoError(t, err)
		require.NoError(t, review.Commit(w.ctx))

		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			require.ErrorIs(t, dir.Seen(now).Batch(ctx, twice), pbx.ErrStale)
			is, err := dir.User(ctx, u.ID)
			require.NoError(t, err)
			return dir.Seen(is).Batch(ctx, twice)
		}))
	})
}
