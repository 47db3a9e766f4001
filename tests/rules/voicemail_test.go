package rules_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// mailbox gives a service its mailbox.
func (w *world) mailbox(service pbx.ServiceID, in pbx.NewMailbox) *pbx.Mailbox {
	w.T.Helper()
	m, err := w.Dir.AddMailbox(w.Ctx, service, in)
	require.NoError(w.T, err)
	return m
}

func TestVM1_AServiceHasAtMostOneMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7001")
		m := w.mailbox(s.ID, pbx.NewMailbox{Email: "desk@example.com"})
		require.Equal(t, "7001", m.Number, "the DN, where no other number is given")
		require.Equal(t, "desk@example.com", m.Email)
		require.False(t, m.HasPIN())
		again, err := w.Dir.Mailbox(w.Ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, m, again)

		w.Refused(rule.VM1, pbx.ErrConflict, func() error {
			_, err := w.Dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{Number: "7002"})
			return err
		})
		require.NoError(t, w.Dir.DeleteMailbox(w.Ctx, s.ID))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Mailbox(w.Ctx, s.ID); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.DeleteMailbox(w.Ctx, s.ID) })
		w.mailbox(s.ID, pbx.NewMailbox{})
	})
}

func TestVM1_AMailboxIsChanged(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7001")
		seen := w.mailbox(s.ID, pbx.NewMailbox{PIN: "493817"})
		change := *seen
		change.Number, change.Email = "8001", "desk@example.com"
		changed, err := w.Dir.ModifyMailbox(w.Ctx, &change)
		require.NoError(t, err)
		require.Equal(t, "8001", changed.Number)
		require.Equal(t, "desk@example.com", changed.Email)
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, s.ID, "493817"), "the PIN stays")

		w.Refused(rule.SVC15, pbx.ErrStale, func() error { _, err := w.Dir.ModifyMailbox(w.Ctx, seen); return err })
		changed.Email = "not an address"
		w.Refused(rule.VM1, pbx.ErrInvalid, func() error { _, err := w.Dir.ModifyMailbox(w.Ctx, changed); return err })
		none := w.Service(pbx.UserID{}, "7002")
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error {
			_, err := w.Dir.ModifyMailbox(w.Ctx, &pbx.Mailbox{ServiceID: none.ID})
			return err
		})
	})
}

func TestVM1_AllBadFieldsAreReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7001")
		_, err := w.Dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{Number: "07", Email: "nowhere", PIN: "1234"})
		var fields []string
		for _, e := range pbx.Errors(err) {
			require.ErrorIs(t, e, pbx.ErrInvalid)
			fields = append(fields, e.Field)
		}
		require.Equal(t, []string{"Number", "Email", "PIN"}, fields)
	})
}

func TestVM1_InABatchAndThroughAReview(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var id pbx.ServiceID
		review := w.Review(w.Dir, func(dir *pbx.Directory) error {
			s, err := dir.AddService(w.Ctx, pbx.NewService{DN: "7001", DeviceType: "Polycom VVX 450"})
			if err != nil {
				return err
			}
			id = s.ID
			if _, err := dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{PIN: "493817"}); err != nil {
				return err
			}
			return dir.SetPIN(w.Ctx, s.ID, "852963071")
		})
		require.Equal(t, "mailbox 7001 created: 7001", review.Effects[1].String())
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Mailbox(w.Ctx, id); return err })
		w.Service(pbx.UserID{}, "7009") // the store changes meanwhile: the operations run again, with another salt
		require.NoError(t, review.Commit(w.Ctx))
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, id, "852963071"))

		err := w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			if err := dir.DeleteMailbox(ctx, id); err != nil {
				return err
			}
			_, err := dir.AddMailbox(ctx, id, pbx.NewMailbox{})
			return err
		})
		require.NoError(t, err)
		require.ErrorIs(t, w.Dir.CheckPIN(w.Ctx, id, "852963071"), pbx.ErrFailedPrecondition, "the new mailbox has no PIN")
	})
}

func TestVM2_ADNOfAnotherLengthCannotHaveAMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, dn := range []pbx.Extension{"701", "70011", "700111"} {
			s := w.Service(pbx.UserID{}, dn)
			e := w.Refused(rule.VM2, pbx.ErrFailedPrecondition, func() error {
				_, err := w.Dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{Number: "7001"})
				return err
			})
			require.Equal(t, s.ID.String(), e.Subject.ID)
			require.Contains(t, e.Reason, "4 digits")
		}
		s := w.Service(pbx.UserID{}, "7001")
		w.ModifyPolicy(func(p *pbx.Policy) { p.VoicemailDigits = 0 })
		w.Refused(rule.VM2, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{}); return err })
		w.ModifyPolicy(func(p *pbx.Policy) { p.VoicemailDigits = 4 })
		w.mailbox(s.ID, pbx.NewMailbox{})
	})
}

func TestVM2_MailboxesStayWhenTheTenantsLengthChanges(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, other := w.Service(pbx.UserID{}, "7001"), w.Service(pbx.UserID{}, "7002")
		w.mailbox(s.ID, pbx.NewMailbox{Number: "80011", PIN: "493817"}) // a number of another length than the DN
		w.ModifyPolicy(func(p *pbx.Policy) { p.VoicemailDigits = 5 })
		stays, err := w.Dir.Mailbox(w.Ctx, s.ID)
		require.NoError(t, err)
		require.NoError(t, w.Dir.CheckPIN(w.Ctx, s.ID, "493817"))
		stays.Email = "ann@example.com"
		_, err = w.Dir.ModifyMailbox(w.Ctx, stays)
		require.NoError(t, err)
		w.Refused(rule.VM2, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.AddMailbox(w.Ctx, other.ID, pbx.NewMailbox{}); return err })

		s.DN = "7009" // still of the former length
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { _, err := dir.ModifyService(w.Ctx, s); return err })
		require.Contains(t, testbed.Codes(review.Warnings), rule.VM3)
		require.NoError(t, review.Commit(w.Ctx))
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Mailbox(w.Ctx, s.ID); return err })
	})
}

func TestVM4_MailboxNumbersAreUniqueAndDoNotStartWith0(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, other := w.Service(pbx.UserID{}, "7001"), w.Service(pbx.UserID{}, "7002")
		for _, bad := range []string{"0123", "1", "12345678", "70 01", "+7001", "７００１"} {
			w.Refused(rule.VM4, pbx.ErrInvalid, func() error {
				_, err := w.Dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{Number: bad})
				return err
			})
		}
		w.mailbox(s.ID, pbx.NewMailbox{Number: "8001"})
		e := w.Refused(rule.VM4, pbx.ErrConflict, func() error {
			_, err := w.Dir.AddMailbox(w.Ctx, other.ID, pbx.NewMailbox{Number: "8001"})
			return err
		})
		require.Equal(t, pbx.Ref{Kind: "service", ID: s.ID.String(), Name: "7001"}, e.Holder)
		m := w.mailbox(other.ID, pbx.NewMailbox{})
		m.Number = "8001"
		w.Refused(rule.VM4, pbx.ErrConflict, func() error { _, err := w.Dir.ModifyMailbox(w.Ctx, m); return err })

		// Another tenant has numbers of its own.
		theirs, err := w.British.AddService(w.Ctx, pbx.NewService{DN: "7001", DeviceType: "Polycom VVX 450"})
		require.NoError(t, err)
		_, err = w.British.AddMailbox(w.Ctx, theirs.ID, pbx.NewMailbox{Number: "8001"})
		require.NoError(t, err)
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.Dir.Mailbox(w.Ctx, theirs.ID); return err })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.SetPIN(w.Ctx, theirs.ID, "493817") })
		w.Refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.Dir.CheckPIN(w.Ctx, theirs.ID, "493817") })
	})
}

func TestVM4_ADNThatStartsWith0NeedsAnotherMailboxNumber(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "0701")
		w.Refused(rule.VM4, pbx.ErrInvalid, func() error { _, err := w.Dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{}); return err })
		w.mailbox(s.ID, pbx.NewMailbox{Number: "8701"})
		review := w.Review(w.Dir, func(dir *pbx.Directory) error { return w.setDN(dir, s.ID, "0702") })
		require.Contains(t, testbed.Codes(review.Warnings), rule.VM3)
	})
}

func TestSVC11_ARemoteServiceGetsNoMailboxHere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, err := w.Dir.AddService(w.Ctx, pbx.NewService{DN: "7001", DeviceType: "Polycom VVX 450", RemoteSystem: "Geneva"})
		require.NoError(t, err)
		w.Refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { _, err := w.Dir.AddMailbox(w.Ctx, s.ID, pbx.NewMailbox{}); return err })
	})
}

func TestVM1_TheMailboxGoesWithItsService(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.Service(pbx.UserID{}, "7001")
		w.mailbox(s.ID, pbx.NewMailbox{})
		require.NoError(t, w.Dir.DeleteService(w.Ctx, s.ID))
		require.Empty(t, testbed.Dump(t, w.Store)["mailboxes"])
		w.mailbox(w.Service(pbx.UserID{}, "7001").ID, pbx.NewMailbox{})
	})
}
