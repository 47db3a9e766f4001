package rules_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
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
		s := w.service(pbx.UserID{}, "7101")
		mine, theirs := *s, *s
		theirs.Name = "Lobby"
		now, err := w.dir.ModifyService(w.ctx, &theirs)
		require.NoError(t, err)
		require.Greater(t, now.Rev, s.Rev)
		mine.Name = "Mine"
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			current, err := w.dir.ModifyService(w.ctx, &mine)
			require.Equal(t, now, current, "the current one is at hand")
			return err
		})
		ahead := *now
		ahead.Rev++
		w.refused(rule.SVC15, pbx.ErrStale, func() error { _, err := w.dir.ModifyService(w.ctx, &ahead); return err })

		u := w.user("Ann", "Lee", "7001")
		moved := *u
		moved.Department = "Sales"
		held, err := w.dir.ModifyUser(w.ctx, &moved)
		require.NoError(t, err)
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			given, err := w.dir.ModifyUser(w.ctx, u)
			require.Nil(t, given)
			require.Equal(t, held, inStale[*pbx.User](t, err))
			return err
		})
		site := *w.boston
		site.Name = "HQ"
		_, err = w.dir.ModifyLocation(w.ctx, &site)
		require.NoError(t, err)
		saved, err := w.dir.ModifyLocation(w.ctx, w.boston)
		require.Nil(t, saved)
		require.Equal(t, "HQ", currentIn[*pbx.Location](t, err).Name)

		alias := w.alias(u.ID, "Support", "7301")
		renamed := *alias
		renamed.Name = "Help"
		help, err := w.dir.ModifyAlias(w.ctx, &renamed)
		require.NoError(t, err)
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			given, err := w.dir.ModifyAlias(w.ctx, alias)
			require.Nil(t, given)
			require.Equal(t, help, inStale[*pbx.Alias](t, err))
			return err
		})
		box, err := w.dir.AddMailbox(w.ctx, now.ID, pbx.NewMailbox{})
		require.NoError(t, err)
		require.NoError(t, w.dir.SetPIN(w.ctx, now.ID, "482915"))
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			given, err := w.dir.ModifyMailbox(w.ctx, box)
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
		s := w.service(pbx.UserID{}, "7101")
		require.NoError(t, w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
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
		read, err := w.dir.Service(w.ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, "service Lobby (7102)", w.reaches("7102"))
		require.Equal(t, "Lobby", read.Name)
	})
}

// currentIn is what a stale refusal says that there is now.
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
		s := w.service(pbx.UserID{}, "7101")
		s.Status, s.Number, s.DeviceID, s.RemoteSystem, s.LocationKeptBy = pbx.StatusNone, "+16175550100", pbx.DeviceID{1}, "Leeds", " ESS"
		s.Category, s.DN, s.Type, s.LocationID, s.Name = pbx.Analogue, "911", "GOLD", pbx.LocationID{1}, " x"
		before := dump(t, w.store)
		_, err := w.dir.ModifyService(w.ctx, s)
		require.Equal(t, []string{
			"Category SVC-2", "DN EXT-3", "DeviceID ACC-1", "LocationID ACC-1", "LocationKeptBy OWN-8", "Name SVC-2", "Number SVC-2",
			"RemoteSystem SVC-2", "Status SVC-2", "Type SVC-16",
		}, badFields(err))
		require.Equal(t, before, dump(t, w.store))
	})
}

func TestSVC15_NobodyOverwritesAProductOrAPackageThatHeHasNotRead(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		product, pool := w.product("PRO"), w.pool("STANDARD")
		for _, rev := range []int64{0, 7} {
			saved, err := w.dir.ModifyServiceType(w.ctx, &pbx.ServiceType{Code: "PRO", Rev: rev, Name: "Mine", Monthly: 1})
			require.Nil(t, saved)
			require.Equal(t, product, currentIn[*pbx.ServiceType](t, err))
			changed, err := w.dir.ModifyStationPool(w.ctx, &pbx.StationPool{Package: "STANDARD", Rev: rev, Name: "Mine", Total: 99})
			require.Nil(t, changed)
			require.Equal(t, pool, currentIn[*pbx.StationPool](t, err))
		}
		product.Monthly, pool.Total = 2600, 4
		require.NoError(t, w.dir.Batch(w.ctx, func(_ context.Context, dir *pbx.Directory) error {
			now, err := dir.ModifyServiceType(w.ctx, product)
			require.NoError(t, err)
			_, err = dir.ModifyServiceType(w.ctx, product)
			require.ErrorIs(t, err, pbx.ErrStale, "the batch itself has changed it since")
			now.Monthly = 2700
			_, err = dir.ModifyServiceType(w.ctx, now)
			require.NoError(t, err)
			return second(dir.ModifyStationPool(w.ctx, pool))
		}))
		require.Equal(t, pbx.Money(2700), w.product("PRO").Monthly)
	})
}
