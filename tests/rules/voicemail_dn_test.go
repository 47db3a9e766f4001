package rules_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
)

// setDN changes the DN of a service.
func (w *world) setDN(dir *pbx.Directory, id pbx.ServiceID, dn pbx.Extension) error {
	s, err := dir.Service(w.Ctx, id)
	if err != nil {
		return err
	}
	s.DN = dn
	_, err = dir.ModifyService(w.Ctx, s)
	return err
}

func TestVM3_ADNOfAnotherLengthWarnsAndDeletesTheMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7001")
		w.mailbox(s.ID, pbx.NewMailbox{PIN: "493817"})
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return w.setDN(dir, s.ID, "70011") })
		require.Contains(t, testbed.Codes(review.Warnings), rule.VM3)
		_, err := w.Dir.Mailbox(w.Ctx, s.ID)
		require.NoError(t, err)
		require.NoError(t, review.Commit(w.Ctx))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Mailbox(w.Ctx, s.ID); return err })
		require.Equal(t, []string{"mailbox.created", "mailbox.deleted"}, w.mailboxEvents())
	})
}

func TestVM3_AFittingDNMakesANewEmptyMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7001")
		seen := w.mailbox(s.ID, pbx.NewMailbox{Number: "7002", Email: "desk@example.com", PIN: "493817"})
		require.Error(t, w.Dir.CheckPIN(w.Ctx, s.ID, "493818"))
		w.Clock = w.Clock.Add(time.Hour)
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return w.setDN(dir, s.ID, "7002") })
		require.Equal(t, []rule.Code{rule.VM3}, testbed.Codes(review.Warnings))
		require.Contains(t, review.Warnings[0].Text, "gets a new one, 7002, which is empty and has no PIN")
		require.NoError(t, review.Commit(w.Ctx))

		m, err := w.Dir.Mailbox(w.Ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, "7002", m.Number)
		require.Equal(t, "desk@example.com", m.Email)
		require.Equal(t, w.Clock, m.CreatedAt)
		require.False(t, m.HasPIN())
		require.Equal(t, []string{"mailbox.created", "mailbox.pin-refused", "mailbox.deleted", "mailbox.created"}, w.mailboxEvents())
		w.Refused(rule.SVC15, pbx.ErrStale, func() error { _, err := w.Dir.ModifyMailbox(w.Ctx, seen); return err })
	})
}

func TestVM3_ANumberThatIsAnothersLeavesTheServiceWithoutAMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		other := w.Service(pbx.UserID{}, "7001")
		w.mailbox(other.ID, pbx.NewMailbox{Number: "7003"})
		s := w.Service(pbx.UserID{}, "7002")
		w.mailbox(s.ID, pbx.NewMailbox{})
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return w.setDN(dir, s.ID, "7003") })
		require.Equal(t, []rule.Code{rule.VM3}, testbed.Codes(review.Warnings))
		require.Contains(t, review.Warnings[0].Text, "taken by service 7001")
		require.NoError(t, review.Commit(w.Ctx))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Mailbox(w.Ctx, s.ID); return err })
	})
}

func TestVM3_TwoMailboxesChangePlacesInABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		a, b := w.Service(pbx.UserID{}, "7001"), w.Service(pbx.UserID{}, "7002")
		w.mailbox(a.ID, pbx.NewMailbox{})
		w.mailbox(b.ID, pbx.NewMailbox{})
		err := w.Dir.Batch(w.Ctx, func(_ context.Context, dir *pbx.Directory) error {
			for _, step := range []struct {
				id pbx.ServiceID
				dn pbx.Extension
			}{{a.ID, "7009"}, {b.ID, "7001"}, {a.ID, "7002"}} {
				if err := w.setDN(dir, step.id, step.dn); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, err)
		for id, want := range map[pbx.ServiceID]string{a.ID: "7002", b.ID: "7001"} {
			m, err := w.Dir.Mailbox(w.Ctx, id)
			require.NoError(t, err)
			require.Equal(t, want, m.Number)
		}
	})
}

func TestVM3_AServiceWithoutAMailboxGetsNone(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7001")
		require.NoError(t, w.setDN(w.Dir, s.ID, "7002"))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Mailbox(w.Ctx, s.ID); return err })
		require.Empty(t, w.mailboxEvents())
	})
}

// mailboxEvents are the types of the journal's entries on mailboxes.
func (w *world) mailboxEvents() []string {
	w.T.Helper()
	var types []string
	err := w.Store.View(w.Ctx, func(r store.Reader) error {
		for rec, err := range r.Find(w.Ctx, store.Query{Index: new(pbx.Event).Table().Key(), Equal: []any{w.US.ID}}) {
			if err != nil {
				return err
			}
			if e := rec.(*pbx.Event); e.Kind == "mailbox" {
				types = append(types, e.Type)
			}
		}
		return nil
	})
	require.NoError(w.T, err)
	return types
}
