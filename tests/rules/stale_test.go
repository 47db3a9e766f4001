package rules_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

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
			none, err := w.dir.ModifyService(w.ctx, &mine)
			require.Nil(t, none, "a refusal gives nothing beside itself")
			stale, ok := errors.AsType[*pbx.StaleError](err)
			require.True(t, ok)
			require.Equal(t, now, stale.Current, "the current one is at hand")
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
			current, err := w.dir.ModifyUser(w.ctx, u)
			require.Equal(t, held, current)
			return err
		})
		site := *w.boston
		site.Name = "HQ"
		_, err = w.dir.ModifyLocation(w.ctx, &site)
		require.NoError(t, err)
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			current, err := w.dir.ModifyLocation(w.ctx, w.boston)
			require.Equal(t, "HQ", current.Name)
			return err
		})

		alias := w.alias(u.ID, "Support", "7301")
		renamed := *alias
		renamed.Name = "Help"
		help, err := w.dir.ModifyAlias(w.ctx, &renamed)
		require.NoError(t, err)
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			current, err := w.dir.ModifyAlias(w.ctx, alias)
			require.Equal(t, help, current)
			return err
		})
		box, err := w.dir.AddMailbox(w.ctx, now.ID, pbx.NewMailbox{})
		require.NoError(t, err)
		require.NoError(t, w.dir.SetPIN(w.ctx, now.ID, "482915"))
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			current, err := w.dir.ModifyMailbox(w.ctx, box)
			require.NotNil(t, current)
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
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			now, err := w.dir.SetServiceType(w.ctx, pbx.ServiceType{Code: "PRO", Name: "Mine", Monthly: 1})
			require.Equal(t, product, now)
			return err
		})
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			now, err := w.dir.SetStationPool(w.ctx, pbx.StationPool{Package: "STANDARD", Name: "Mine", Total: 99})
			require.Equal(t, pool, now)
			return err
		})
		e := w.refused(rule.SVC15, pbx.ErrStale, func() error {
			now, err := w.dir.SetServiceType(w.ctx, pbx.ServiceType{Code: "GONE", Name: "Gone", Rev: 7})
			require.Nil(t, now, "there is none")
			return err
		})
		require.Equal(t, "GONE", e.Subject.ID)
		w.refused(rule.SVC15, pbx.ErrStale, func() error {
			return second(w.dir.SetStationPool(w.ctx, pbx.StationPool{Package: "GONE", Name: "Gone", Rev: 1}))
		})
		product.Monthly, pool.Total = 2600, 4
		require.NoError(t, w.dir.Batch(w.ctx, func(_ context.Context, dir *pbx.Directory) error {
			now, err := dir.SetServiceType(w.ctx, *product)
			require.NoError(t, err)
			_, err = dir.SetServiceType(w.ctx, *product)
			require.ErrorIs(t, err, pbx.ErrStale, "the batch itself has changed it since")
			now.Monthly = 2700
			_, err = dir.SetServiceType(w.ctx, *now)
			require.NoError(t, err)
			return second(dir.SetStationPool(w.ctx, *pool))
		}))
		require.Equal(t, pbx.Money(2700), w.product("PRO").Monthly)
	})
}
