package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/schematest"
)

// spoilt is a host whose driver fails where it is told to: at a statement by its
// number, counted from 1 when it is armed, or wherever a statement begins with
// a text.
type spoilt struct {
	*hosted
	at       int
	begins   []string
	with     error
	rollback bool // the engine takes the transaction back by itself
	seen     int
}

func newSpoilt(t *testing.T) *spoilt {
	t.Helper()
	s := &spoilt{hosted: newHosted(t)}
	require.NoError(t, s.tx.Rollback())
	db := sql.OpenDB(s)
	t.Cleanup(func() { _ = db.Close() })
	s.begin(t, db)
	return s
}

// Connect opens a connection for the host.
func (s *spoilt) Connect(context.Context) (driver.Conn, error) {
	c, err := s.Driver().Open("file://" + (&url.URL{Path: s.path}).EscapedPath() + "?_pragma=foreign_keys(1)&_pragma=synchronous(OFF)")
	if err != nil {
		return nil, err
	}
	return watching(func(kind, text string) error { return s.watch(c, kind, text) })(c), nil
}

func (s *spoilt) Driver() driver.Driver { return new(modernc.Driver) }

// watch fails at a statement, but not at the question whether the transaction
// is there.
func (s *spoilt) watch(c driver.Conn, kind, text string) error {
	if s.with == nil || kind != "run" || text == "BEGIN" {
		return nil
	}
	s.seen++
	if !s.meant(text) {
		return nil
	}
	if s.rollback {
		s.rollback = false
		if _, err := c.(driver.ExecerContext).ExecContext(context.Background(), "ROLLBACK", nil); err != nil {
			return err
		}
	}
	return s.with
}

func (s *spoilt) meant(text string) bool {
	for _, begins := range s.begins {
		if strings.HasPrefix(text, begins) {
			return true
		}
	}
	return s.seen == s.at
}

// work is what is tried under faults: it reads, reads in a view, and changes
// two records.
func (s *spoilt) work(name string) error {
	ctx := context.Background()
	return s.guest.Update(ctx, s.Tenant.ID, func(w store.Writer) error {
		if _, err := w.Get(ctx, keyOf(s.Group)); err != nil {
			return err
		}
		if err := view(s.guest, func(r store.Reader) error {
			for _, err := range r.Find(ctx, store.Query{Index: s.Port.Table().Key()}) {
				if err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		return w.Apply(ctx, []store.Change{s.named(name), schematest.With(s.Port, func(p *pbx.PortRequest) { p.Carrier = name })})
	})
}

// statements is how many the work runs, the first use of the guest included.
func statements(t *testing.T) int {
	t.Helper()
	s := newSpoilt(t)
	s.with = errors.New("never")
	require.NoError(t, s.work("x"))
	return s.seen
}

// errUnknown is an error of a driver that says nothing of codes.
var errUnknown = errors.New("engine text")

func TestGuestEnduresAFaultAtEveryStatement(t *testing.T) {
	notShort(t)
	t.Parallel()
	n := statements(t)
	require.GreaterOrEqual(t, n, 9)
	for at := 1; at <= n; at++ {
		for _, with := range []error{fault(sqlite3.SQLITE_FULL), fault(sqlite3.SQLITE_BUSY), fault(sqlite3.SQLITE_INTERRUPT), errUnknown} {
			s := newSpoilt(t)
			s.at, s.with = at, with
			err := s.work("x")
			s.with = nil
			require.ErrorIs(t, err, with)
			require.NotContains(t, err.Error(), "engine text")
			require.NotErrorIs(t, err, store.ErrRetry)
			require.Equal(t, with == fault(sqlite3.SQLITE_BUSY), errors.Is(err, store.ErrHostRetry), "statement %d", at)
			s.goesOn(t)
		}
	}
}

// What the engine has taken back by itself, the host cannot go on with by
// mistake: a statement would be committed at once.
func TestGuestGivesUpATransactionThatTheEngineTookBack(t *testing.T) {
	notShort(t)
	t.Parallel()
	n := statements(t)
	for at := 1; at <= n; at++ {
		for _, with := range []error{fault(sqlite3.SQLITE_FULL), fault(sqlite3.SQLITE_IOERR_WRITE), errUnknown} {
			s := newSpoilt(t)
			s.at, s.with, s.rollback = at, with, true
			err := s.work("x")
			s.with = nil
			require.ErrorIs(t, err, with)
			s.lost(t, err)
		}
	}
}

// lost requires that the transaction is of no use any more to anybody, says
// always the same, and has left nothing.
func (s *spoilt) lost(t *testing.T, err error) {
	t.Helper()
	for range 2 {
		for _, again := range []error{err, s.rename("y"), view(s.guest, func(store.Reader) error { return nil })} {
			require.ErrorIs(t, again, pbx.ErrStorage)
			require.EqualError(t, again, "the database has taken back the host's whole transaction")
		}
	}
	_, err = s.tx.Exec("INSERT INTO tickets (text) VALUES ('stray')")
	require.ErrorIs(t, err, sql.ErrTxDone)
	require.ErrorIs(t, s.tx.Commit(), sql.ErrTxDone)
	s.sees(t, s.store, s.db, s.Group.Name, 0)
	require.NoError(t, s.store.Check(context.Background()))
}

// The host may not have noticed that its own statement ended the transaction,
// and have rows open in it.
func TestGuestNoticesWhatTheHostDidNot(t *testing.T) {
	t.Parallel()
	for _, use := range []func(s *spoilt) error{
		func(s *spoilt) error { return s.rename("x") },
		func(s *spoilt) error { return view(s.guest, func(store.Reader) error { return nil }) },
	} {
		s := newSpoilt(t)
		_, err := s.tx.Exec("INSERT OR ROLLBACK INTO tickets (id, text) VALUES (1, 'the first one''s number')")
		require.Error(t, err)
		rows, err := s.tx.Query("SELECT name FROM sqlite_schema")
		require.NoError(t, err)
		require.True(t, rows.Next())
		s.lost(t, use(s))
		require.False(t, rows.Next())
		require.NoError(t, rows.Close())
	}
}

func TestGuestGivesUpWhatItCannotTakeBack(t *testing.T) {
	t.Parallel()
	for _, begins := range []string{"ROLLBACK TO", "RELEASE"} {
		s := newSpoilt(t)
		s.with, s.begins = fault(sqlite3.SQLITE_IOERR_WRITE), []string{"UPDATE port_requests", begins}
		err := s.work("x")
		s.with = nil
		require.ErrorIs(t, err, fault(sqlite3.SQLITE_IOERR_WRITE))
		s.lost(t, err)
	}
}

// The engine's own: a file that may not grow.
func TestGuestOnAFullDisk(t *testing.T) {
	t.Parallel()
	s := newSpoilt(t)
	_, err := s.tx.Exec("PRAGMA max_page_count = 1") // as many as there are
	require.NoError(t, err)
	var changes []store.Change
	for i := range 2000 {
		changes = append(changes, store.Change{New: &pbx.Location{
			TenantID: s.Tenant.ID, ID: s.ID(), Rev: 1, Building: fmt.Sprint(i), Name: strings.Repeat("x", 1000),
		}})
	}
	err = apply(s.guest, s.Tenant.ID, changes...)
	require.Contains(t, cause(err), "(13)")
	s.lost(t, err)
}

// mattn's and ncruces' errors as they are: a code of their own types, in a field
// or after a method.
type (
	mattnCode    int
	mattnError   struct{ Code, ExtendedCode mattnCode }
	ncrucesCode  uint16
	ncrucesError struct{ code ncrucesCode }
)

func (e mattnError) Error() string                { return "engine text" }
func (e *ncrucesError) Error() string             { return "engine text" }
func (e *ncrucesError) Code() uint8               { return uint8(e.code) }
func (e *ncrucesError) ExtendedCode() ncrucesCode { return e.code }

func TestGuestUnderstandsTheErrorsOfDrivers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		with error
		want []error
	}{
		{mattnError{19, sqlite3.SQLITE_CONSTRAINT_UNIQUE}, []error{store.ErrHostRetry}},
		{mattnError{5, 5}, []error{store.ErrHostRetry}},
		{mattnError{19, sqlite3.SQLITE_CONSTRAINT_CHECK}, []error{store.ErrConstraint, pbx.ErrStorage}},
		{&ncrucesError{sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}, []error{store.ErrHostRetry}},
		{&ncrucesError{sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY}, []error{store.ErrConstraint, pbx.ErrStorage}},
		{fmt.Errorf("a driver around another: %w", &ncrucesError{sqlite3.SQLITE_BUSY_SNAPSHOT}), []error{store.ErrHostRetry}},
		{errors.Join(&ncrucesError{sqlite3.SQLITE_CONSTRAINT_UNIQUE}), []error{store.ErrHostRetry}},
		{errors.Join(errUnknown, errUnknown), []error{pbx.ErrStorage}},
		{errUnknown, []error{pbx.ErrStorage}},
	} {
		s := newSpoilt(t)
		s.with, s.begins = c.with, []string{"UPDATE call_groups"}
		err := s.rename("x")
		s.with = nil
		for _, want := range []error{store.ErrHostRetry, store.ErrConstraint, pbx.ErrStorage} {
			require.Equal(t, slices.Contains(c.want, want), errors.Is(err, want), "%#v: %v", c.with, want)
		}
		s.goesOn(t)
	}
}

// A read that is in the way of another's change is not the store's failure.
func TestGuestAsksItsHostToRunAgainWhenItCannotRead(t *testing.T) {
	t.Parallel()
	s := newSpoilt(t)
	require.NotNil(t, get[store.Record](t, s.guest, keyOf(s.Group)))
	s.with, s.begins = fault(sqlite3.SQLITE_LOCKED_SHAREDCACHE), []string{"SELECT"}
	require.NoError(t, view(s.guest, func(r store.Reader) error {
		_, err := r.Get(context.Background(), keyOf(s.Group))
		require.ErrorIs(t, err, store.ErrHostRetry)
		require.ErrorIs(t, err, pbx.ErrConflict)
		require.NotErrorIs(t, err, pbx.ErrStorage)
		return nil
	}))
}
