package rules_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/memory"
)

// typed adds a service that costs nothing and whose DN is filled in.
func (w *world) typed(dir *pbx.Directory) (*pbx.Service, error) {
	return dir.AddService(w.Ctx, pbx.NewService{Type: "FREE", DeviceType: "SIP softphone"})
}

// filled is the DN that is filled in next.
func (w *world) filled() pbx.Extension {
	w.T.Helper()
	s, err := w.typed(w.Dir)
	require.NoError(w.T, err)
	return s.DN
}

func TestEXT5_TheLowestFreeExtensionOfTheRangeFillsItselfIn(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		u := w.User("Ann", "Lee", "7001")
		w.Alias(u.ID, "Help", "7003")
		w.Group("All", "7004")
		w.Service(u.ID, "70020") // longer: no part of the range
		require.Equal(t, pbx.Extension("7000"), w.filled())
		require.Equal(t, pbx.Extension("7002"), w.filled())
		require.Equal(t, pbx.Extension("7005"), w.filled())
		require.NoError(t, w.Dir.DeleteService(w.Ctx, w.lookup("7002")))
		require.Equal(t, pbx.Extension("7002"), w.filled(), "what is given back is filled in again")
		require.NoError(t, w.Dir.RemoveExtension(w.Ctx, "7004"))
		require.Equal(t, pbx.Extension("7004"), w.filled())
		require.Equal(t, pbx.Extension("7006"), w.filled())

		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{Type: "FREE", DeviceType: "SIP softphone", DN: "7050"})
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("7050"), s.DN, "it can be overridden")
		e := w.Refused(rule.SVC2, pbx.ErrInvalid, func() error {
			_, err := w.Dir.AddService(w.Ctx, pbx.NewService{DeviceType: "SIP softphone"})
			return err
		})
		require.Equal(t, "DN", e.Field, "without a type it does not fill itself in")
	})
}

func TestEXT5_WhenNoneIsLeftItIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionFirst, p.ExtensionLast = "7000", "7002" })
		w.User("Ann", "Lee", "7001")
		require.Equal(t, pbx.Extension("7000"), w.filled())
		require.Equal(t, pbx.Extension("7002"), w.filled(), "the last one")
		for range 2 {
			e := w.Refused(rule.EXT5, pbx.ErrExhausted, func() error { _, err := w.typed(w.Dir); return err })
			require.Equal(t, "no extension from 7000 to 7002 is free", e.Reason)
		}
		require.NoError(t, w.Dir.DeleteService(w.Ctx, w.lookup("7000")))
		require.Equal(t, pbx.Extension("7000"), w.filled())
		w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionLast = "7003" })
		require.Equal(t, pbx.Extension("7003"), w.filled(), "a wider range")
		w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionFirst = "6999" })
		require.Equal(t, pbx.Extension("6999"), w.filled())
	})
}

func TestEXT5_ARangeThatEndsWithNinesIsExhaustedAndRefilled(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionFirst, p.ExtensionLast, p.AdvisedExtension = "98", "99", "" })
		require.Equal(t, pbx.Extension("98"), w.filled())
		require.Equal(t, pbx.Extension("99"), w.filled())
		w.Refused(rule.EXT5, pbx.ErrExhausted, func() error { _, err := w.typed(w.Dir); return err })
		require.NoError(t, w.Dir.DeleteService(w.Ctx, w.lookup("98")))
		require.Equal(t, pbx.Extension("98"), w.filled())
	})
}

func TestEXT5_WhatFillsItselfInKeepsClearOfEmergencyNumbers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionFirst, p.ExtensionLast, p.AdvisedExtension = "9109", "9130", "" })
		require.Equal(t, pbx.Extension("9109"), w.filled())
		require.Equal(t, pbx.Extension("9120"), w.filled(), "9110 to 9119 begin with 911")

		w.ModifyPolicy(func(p *pbx.Policy) { p.ExtensionFirst, p.ExtensionLast = "9989", "9999" })
		london := w.Abroad()
		there := func() (*pbx.Service, error) {
			return w.Dir.AddService(w.Ctx, pbx.NewService{Type: "FREE", DeviceType: "SIP softphone", LocationID: london.ID})
		}
		s, err := there()
		require.NoError(t, err)
		require.Equal(t, pbx.Extension("9989"), s.DN)
		w.Refused(rule.EXT5, pbx.ErrExhausted, func() error { _, err := there(); return err })
		require.Equal(t, pbx.Extension("9990"), w.filled(), "elsewhere it is no emergency number")
	})
}

func TestEXT5_EachOfABatchGetsTheNextOne(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, end := range []error{errors.New("dropped"), nil} {
			err := w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				for _, want := range []pbx.Extension{"7000", "7001", "7002"} {
					_, err := dir.AddService(ctx, pbx.NewService{Type: "FREE", DeviceType: "Drum"})
					require.ErrorIs(t, err, pbx.ErrInvalid, "a refused one takes none")
					s, err := w.typed(dir)
					require.NoError(t, err)
					require.Equal(t, want, s.DN)
				}
				require.NoError(t, dir.DeleteService(ctx, w.staged(dir, "7001")))
				s, err := w.typed(dir)
				require.NoError(t, err)
				require.Equal(t, pbx.Extension("7001"), s.DN)
				return end
			})
			require.ErrorIs(t, err, end)
		}
		require.Equal(t, pbx.Extension("7003"), w.filled())
	})
}

func TestEXT5_ThoseWhoComeAtOnceGetOneEach(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var got sync.Map
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 5 {
					s, err := w.typed(w.Dir)
					if err != nil {
						t.Error(err)
						return
					}
					if _, twice := got.LoadOrStore(s.DN, true); twice {
						t.Errorf("%s was given twice", s.DN)
					}
				}
			})
		}
		all.Wait()
		require.Equal(t, pbx.Extension("7020"), w.filled(), "without a gap")
	})
}

// staged is the service that a DN reaches in a batch.
func (w *world) staged(dir *pbx.Directory, dn pbx.Extension) pbx.ServiceID {
	w.T.Helper()
	target, err := dir.Lookup(w.Ctx, dn)
	require.NoError(w.T, err)
	return target.Entry.ServiceID
}

func TestEXT5_TheAllocatorCanBeReplacedAndIsHeldToTheRules(t *testing.T) {
	var says pbx.Extension
	broken := errors.New("out of order")
	w := newWorld(t, memory.New(), pbx.WithAllocator(
		func(_ context.Context, first, last pbx.Extension, free func(pbx.Extension) (bool, error)) (pbx.Extension, error) {
			require.Equal(t, pbx.Extension("7000"), first)
			require.Equal(t, pbx.Extension("7999"), last)
			for e, want := range map[pbx.Extension]bool{"7500": true, "7001": false, "9110": false, "7": false} {
				got, err := free(e)
				require.NoError(t, err)
				require.Equal(t, want, got, e)
			}
			if says == "broken" {
				return "", broken
			}
			return says, nil
		}))
	w.User("Ann", "Lee", "7001")
	for _, c := range []struct {
		says pbx.Extension
		code rule.Code
		kind error
	}{{"", rule.EXT5, pbx.ErrExhausted}, {"7001", rule.EXT2, pbx.ErrConflict}, {"9110", rule.EXT3, pbx.ErrInvalid}, {"x", rule.EXT1, pbx.ErrInvalid}} {
		says = c.says
		e := w.Refused(c.code, c.kind, func() error { _, err := w.typed(w.Dir); return err })
		require.Equal(t, "DN", e.Field)
	}
	says = "broken"
	_, err := w.typed(w.Dir)
	require.ErrorIs(t, err, broken)
	says = "7999"
	require.Equal(t, pbx.Extension("7999"), w.filled())
}
