package rules_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/rule"
)

// mailbox gives a service its mailbox.
func (w *world) mailbox(service pbx.ServiceID, in pbx.NewMailbox) *pbx.Mailbox {
	w.t.Helper()
	m, err := w.dir.AddMailbox(w.ctx, service, in)
	require.NoError(w.t, err)
	return m
}

// policy changes the US tenant's policy.
func (w *world) policy(change func(p *pbx.Policy)) {
	w.t.Helper()
	tenant, err := w.dir.Tenant(w.ctx)
	require.NoError(w.t, err)
	change(&tenant.Policy)
	_, err = w.dir.ModifyTenant(w.ctx, tenant)
	require.NoError(w.t, err)
}

func TestVM1_AServiceHasAtMostOneMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.service(pbx.UserID{}, "7001")
		m := w.mailbox(s.ID, pbx.NewMailbox{Email: "desk@example.com"})
		require.Equal(t, "7001", m.Number, "the DN, where no other number is given")
		require.Equal(t, "desk@example.com", m.Email)
		require.False(t, m.HasPIN())
		again, err := w.dir.Mailbox(w.ctx, s.ID)
		require.NoError(t, err)
		require.Equal(t, m, again)

		w.refused(rule.VM1, pbx.ErrConflict, func() error {
			_, err := w.dir.AddMailbox(w.ctx, s.ID, pbx.NewMailbox{Number: "7002"})
			return err
		})
		require.NoError(t, w.dir.DeleteMailbox(w.ctx, s.ID))
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.dir.Mailbox(w.ctx, s.ID); return err })
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.dir.DeleteMailbox(w.ctx, s.ID) })
		w.mailbox(s.ID, pbx.NewMailbox{})
	})
}

func TestVM1_AMailboxIsChanged(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.service(pbx.UserID{}, "7001")
		seen := w.mailbox(s.ID, pbx.NewMailbox{PIN: "493817"})
		change := *seen
		change.Number, change.Email = "8001", "desk@example.com"
		changed, err := w.dir.ModifyMailbox(w.ctx, &change)
		require.NoError(t, err)
		require.Equal(t, "8001", changed.Number)
		require.Equal(t, "desk@example.com", changed.Email)
		require.NoError(t, w.dir.CheckPIN(w.ctx, s.ID, "493817"), "the PIN stays")

		w.refused(rule.SVC15, pbx.ErrStale, func() error { _, err := w.dir.ModifyMailbox(w.ctx, seen); return err })
		changed.Email = "not an address"
		w.refused(rule.VM1, pbx.ErrInvalid, func() error { _, err := w.dir.ModifyMailbox(w.ctx, changed); return err })
		none := w.service(pbx.UserID{}, "7002")
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error {
			_, err := w.dir.ModifyMailbox(w.ctx, &pbx.Mailbox{ServiceID: none.ID})
			return err
		})
	})
}

func TestVM1_AllBadFieldsAreReportedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.service(pbx.UserID{}, "7001")
		_, err := w.dir.AddMailbox(w.ctx, s.ID, pbx.NewMailbox{Number: "07", Email: "nowhere", PIN: "1234"})
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
		review := w.review(w.dir, func(dir *pbx.Directory) error {
			s, err := dir.AddService(w.ctx, pbx.NewService{DN: "7001", DeviceType: "Polycom VVX 450"})
			if err != nil {
				return err
			}
			id = s.ID
			if _, err := dir.AddMailbox(w.ctx, s.ID, pbx.NewMailbox{PIN: "493817"}); err != nil {
				return err
			}
			return dir.SetPIN(w.ctx, s.ID, "852963071")
		})
		require.Equal(t, "mailbox 7001 created: 7001", review.Effects[1].String())
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.dir.Mailbox(w.ctx, id); return err })
		w.service(pbx.UserID{}, "7009") // the store changes meanwhile: the operations run again, with another salt
		require.NoError(t, review.Commit(w.ctx))
		require.NoError(t, w.dir.CheckPIN(w.ctx, id, "852963071"))

		err := w.dir.Batch(w.ctx, func(ctx context.Context, dir *pbx.Directory) error {
			if err := dir.DeleteMailbox(ctx, id); err != nil {
				return err
			}
			_, err := dir.AddMailbox(ctx, id, pbx.NewMailbox{})
			return err
		})
		require.NoError(t, err)
		require.ErrorIs(t, w.dir.CheckPIN(w.ctx, id, "852963071"), pbx.ErrFailedPrecondition, "the new mailbox has no PIN")
	})
}

func TestVM2_ADNOfAnotherLengthCannotHaveAMailbox(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for _, dn := range []pbx.Extension{"701", "70011", "700111"} {
			s := w.service(pbx.UserID{}, dn)
			e := w.refused(rule.VM2, pbx.ErrFailedPrecondition, func() error {
				_, err := w.dir.AddMailbox(w.ctx, s.ID, pbx.NewMailbox{Number: "7001"})
				return err
			})
			require.Equal(t, s.ID.String(), e.Subject.ID)
			require.Contains(t, e.Reason, "4 digits")
		}
		s := w.service(pbx.UserID{}, "7001")
		w.policy(func(p *pbx.Policy) { p.VoicemailDigits = 0 })
		w.refused(rule.VM2, pbx.ErrFailedPrecondition, func() error { _, err := w.dir.AddMailbox(w.ctx, s.ID, pbx.NewMailbox{}); return err })
		w.policy(func(p *pbx.Policy) { p.VoicemailDigits = 4 })
		w.mailbox(s.ID, pbx.NewMailbox{})
	})
}

func TestVM2_MailboxesStayWhenTheTenantsLengthChanges(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, other := w.service(pbx.UserID{}, "7001"), w.service(pbx.UserID{}, "7002")
		w.mailbox(s.ID, pbx.NewMailbox{Number: "80011", PIN: "493817"}) // a number of another length than the DN
		w.policy(func(p *pbx.Policy) { p.VoicemailDigits = 5 })
		stays, err := w.dir.Mailbox(w.ctx, s.ID)
		require.NoError(t, err)
		require.NoError(t, w.dir.CheckPIN(w.ctx, s.ID, "493817"))
		stays.Email = "ann@example.com"
		_, err = w.dir.ModifyMailbox(w.ctx, stays)
		require.NoError(t, err)
		w.refused(rule.VM2, pbx.ErrFailedPrecondition, func() error { _, err := w.dir.AddMailbox(w.ctx, other.ID, pbx.NewMailbox{}); return err })

		s.DN = "7009" // still of the former length
		review := w.review(w.dir, func(dir *pbx.Directory) error { _, err := dir.ModifyService(w.ctx, s); return err })
		require.Contains(t, codes(review.Warnings), rule.VM3)
		require.NoError(t, review.Commit(w.ctx))
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.dir.Mailbox(w.ctx, s.ID); return err })
	})
}

func TestVM4_MailboxNumbersAreUniqueAndDoNotStartWith0(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, other := w.service(pbx.UserID{}, "7001"), w.service(pbx.UserID{}, "7002")
		for _, bad := range []string{"0123", "1", "12345678", "70 01", "+7001", "７００１"} {
			w.refused(rule.VM4, pbx.ErrInvalid, func() error {
				_, err := w.dir.AddMailbox(w.ctx, s.ID, pbx.NewMailbox{Number: bad})
				return err
			})
		}
		w.mailbox(s.ID, pbx.NewMailbox{Number: "8001"})
		e := w.refused(rule.VM4, pbx.ErrConflict, func() error {
			_, err := w.dir.AddMailbox(w.ctx, other.ID, pbx.NewMailbox{Number: "8001"})
			return err
		})
		require.Equal(t, pbx.Ref{Kind: "service", ID: s.ID.String(), Name: "7001"}, e.Holder)
		m := w.mailbox(other.ID, pbx.NewMailbox{})
		m.Number = "8001"
		w.refused(rule.VM4, pbx.ErrConflict, func() error { _, err := w.dir.ModifyMailbox(w.ctx, m); return err })

		// Another tenant has numbers of its own.
		theirs, err := w.british.AddService(w.ctx, pbx.NewService{DN: "7001", DeviceType: "Polycom VVX 450"})
		require.NoError(t, err)
		_, err = w.british.AddMailbox(w.ctx, theirs.ID, pbx.NewMailbox{Number: "8001"})
		require.NoError(t, err)
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { _, err := w.dir.Mailbox(w.ctx, theirs.ID); return err })
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.dir.SetPIN(w.ctx, theirs.ID, "493817") })
		w.refused(rule.ACC1, pbx.ErrNotFound, func() error { return w.dir.CheckPIN(w.ctx, theirs.ID, "493817") })
	})
}

func TestVM4_ADNThatStartsWith0NeedsAnotherMailboxNumber(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.service(pbx.UserID{}, "0701")
		w.refused(rule.VM4, pbx.ErrInvalid, func() error { _, err := w.dir.AddMailbox(w.ctx, s.ID, pbx.NewMailbox{}); return err })
		w.mailbox(s.ID, pbx.NewMailbox{Number: "8701"})
		review := w.review(w.dir, func(dir *pbx.Directory) error { return w.setDN(dir, s.ID, "0702") })
		require.Contains(t, codes(review.Warnings), rule.VM3)
	})
}

func TestSVC11_ARemoteServiceGetsNoMailboxHere(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s, err := w.dir.AddService(w.ctx, pbx.NewService{DN: "7001", DeviceType: "Polycom VVX 450", RemoteSystem: "Geneva"})
		require.NoError(t, err)
		w.refused(rule.SVC11, pbx.ErrFailedPrecondition, func() error { _, err := w.dir.AddMailbox(w.ctx, s.ID, pbx.NewMailbox{}); return err })
	})
}

func TestVM1_TheMailboxGoesWithItsService(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		s := w.service(pbx.UserID{}, "7001")
		w.mailbox(s.ID, pbx.NewMailbox{})
		require.NoError(t, w.dir.DeleteService(w.ctx, s.ID))
		require.Empty(t, dump(t, w.store)["mailboxes"])
		w.mailbox(w.service(pbx.UserID{}, "7001").ID, pbx.NewMailbox{})
	})
}
