package rules_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// inStale is the record as it is now, which a stale change is told.
func inStale[R any](t *testing.T, err error) R {
	t.Helper()
	stale, ok := errors.AsType[*pbx.StaleError](err)
	require.True(t, ok, "%v", err)
	current, ok := stale.Current.(R)
	require.True(t, ok, "%T", stale.Current)
	return current
}

func TestSVC15_AStaleViewNeverOverwrites(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101")
		mine, theirs := *s, *s
		theirs.Name = "Lobby"
		now, err := w.Dir.ModifyService(w.Ctx, &theirs)
		require.NoError(t, err)
		require.Greater(t, now.Rev, s.Rev)
		mine.Name = "Mine"
		w.Refused(rule.SVC15, pbx.ErrStale, func() error {
			none, err := w.Dir.ModifyService(w.Ctx, &mine)
			require.Nil(t, none, "a refusal gives nothing beside itself")
			stale, ok := errors.AsType[*pbx.StaleError](err)
			require.True(t, ok)
			require.Equal(t, now, stale.Current, "the current one is at hand")
			return err
		})
		ahead := *now
		ahead.Rev++
		w.Refused(rule.SVC15, pbx.ErrStale, func() error { _, err := w.Dir.ModifyService(w.Ctx, &ahead); return err })

		u := w.User("Ann", "Lee", "7001")
		moved := *u
		moved.Department = "Sales"
		held, err := w.Dir.ModifyUser(w.Ctx, &moved)
		require.NoError(t, err)
		w.Refused(rule.SVC15, pbx.ErrStale, func() error {
			given, err := w.Dir.ModifyUser(w.Ctx, u)
			require.Nil(t, given)
			require.Equal(t, held, inStale[*pbx.User](t, err))
			return err
		})
		site := *w.Boston
		site.Name = "HQ"
		_, err = w.Dir.ModifyLocation(w.Ctx, &site)
		require.NoError(t, err)
		saved, err := w.Dir.ModifyLocation(w.Ctx, w.Boston)
		require.Nil(t, saved)
		require.Equal(t, "HQ", currentIn[*pbx.Location](t, err).Name)

		alias := w.Alias(u.ID, "Support", "7301")
		renamed := *alias
		renamed.Name = "Help"
		help, err := w.Dir.ModifyAlias(w.Ctx, &renamed)
		require.NoError(t, err)
		w.Refused(rule.SVC15, pbx.ErrStale, func() error {
			given, err := w.Dir.ModifyAlias(w.Ctx, alias)
			require.Nil(t, given)
			require.Equal(t, help, inStale[*pbx.Alias](t, err))
			return err
		})
		box, err := w.Dir.AddMailbox(w.Ctx, now.ID, pbx.NewMailbox{})
		require.NoError(t, err)
		require.NoError(t, w.Dir.SetPIN(w.Ctx, now.ID, "482915"))
		w.Refused(rule.SVC15, pbx.ErrStale, func() error {
			given, err := w.Dir.ModifyMailbox(w.Ctx, box)
			require.Nil(t, given)
			current := inStale[*pbx.Mailbox](t, err)
			require.True(t, current.HasPIN())
			require.Greater(t, current.Rev, box.Rev)
			return err
		})
	})
}

func TestSVC15_InABatchTheRevisionIsTheOneThatTheBatchMade(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101")
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			in := *s
			in.DN = "7102"
			now, err := dir.ModifyService(ctx, &in)
			require.NoError(t, err)
			in.Name = "Stale"
			_, err = dir.ModifyService(ctx, &in)
			require.ErrorIs(t, err, pbx.ErrStale)
			now.Name = "Lobby"
			_, err = dir.ModifyService(ctx, now)
			return err
		}))
		read, err := w.Dir.Service(w.Ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, "service Lobby (7102)", w.reaches("7102"))
		require.Equal(t, "Lobby", read.Name)
	})
}

// currentIn is the current state that a stale refusal gives.
func currentIn[R any](t testing.TB, err error) R {
	t.Helper()
	stale, ok := errors.AsType[*pbx.StaleError](err)
	require.True(t, ok, "%v", err)
	require.ErrorIs(t, err, pbx.ErrStale)
	require.Equal(t, rule.SVC15, pbx.CodeOf(err))
	require.IsType(t, *new(R), stale.Current)
	return stale.Current.(R)
}

func TestSVC15_WhatHasAnOperationOfItsOwnIsNotModified(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7101")
		s.Status, s.Number, s.DeviceID, s.RemoteSystem, s.LocationKeptBy = pbx.StatusNone, "+16175550100", pbx.DeviceID{1}, "Leeds", " ESS"
		s.Category, s.DN, s.Type, s.LocationID, s.Name = pbx.Analogue, "911", "GOLD", pbx.LocationID{1}, " x"
		before := testbed.Dump(t, w.Store)
		_, err := w.Dir.ModifyService(w.Ctx, s)
		require.Equal(t, []string{
			"Category SVC-2", "DN EXT-3", "DeviceID ACC-1", "LocationID ACC-1", "LocationKeptBy OWN-8", "Name SVC-2", "Number SVC-2",
			"RemoteSystem SVC-2", "Status SVC-2", "Type SVC-16",
		}, badFields(err))
		require.Equal(t, before, testbed.Dump(t, w.Store))
	})
}

func TestSVC15_NobodyOverwritesAProductOrAPackageThatHeHasNotRead(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		product, pool := w.product("PRO"), w.Pool("STANDARD")
		for _, rev := range []int64{0, 7} {
			saved, err := w.Dir.ModifyServiceType(w.Ctx, &pbx.ServiceType{Code: "PRO", Rev: rev, Name: "Mine", Monthly: 1})
			require.Nil(t, saved)
			require.Equal(t, product, currentIn[*pbx.ServiceType](t, err))
			changed, err := w.Dir.ModifyStationPool(w.Ctx, &pbx.StationPool{Package: "STANDARD", Rev: rev, Name: "Mine", Total: 99})
			require.Nil(t, changed)
			require.Equal(t, pool, currentIn[*pbx.StationPool](t, err))
		}
		product.Monthly, pool.Total = 2600, 4
		require.NoError(t, w.Dir.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error {
			now, err := dir.ModifyServiceType(w.Ctx, product)
			require.NoError(t, err)
			_, err = dir.ModifyServiceType(w.Ctx, product)
			require.ErrorIs(t, err, pbx.ErrStale, "the batch itself has changed it since")
			now.Monthly = 2700
			_, err = dir.ModifyServiceType(w.Ctx, now)
			require.NoError(t, err)
			return second(dir.ModifyStationPool(w.Ctx, pool))
		}))
		require.Equal(t, pbx.Money(2700), w.product("PRO").Monthly)
	})
}
