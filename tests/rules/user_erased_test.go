package rules_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store/sqlite"
)

// marks are in everything that is a leaver's own, and in nothing else.
var marks = []string{"zanzibar", "quetzal", "5557123"}

// marked returns how often the marks are in some bytes.
func marked(content []byte) (n int) {
	content = bytes.ToLower(content)
	for _, mark := range marks {
		n += bytes.Count(content, []byte(mark))
	}
	return n
}

// markedColumns are the columns in which there are marks.
func markedColumns(t *testing.T, w *world) (columns []string) {
	for table, rows := range testbed.Dump(t, w.Store) {
		for _, row := range rows {
			for column := range strings.SplitSeq(row, " ") {
				if name, value, _ := strings.Cut(column, "="); marked([]byte(value)) > 0 && !slices.Contains(columns, table+"."+name) {
					columns = append(columns, table+"."+name)
				}
			}
		}
	}
	slices.Sort(columns)
	return columns
}

// personal are the columns that hold what is a person's own, where there is any.
var personal = strings.Fields(`aliases.name aliases.sip_address mailboxes.email service_keys.label services.name sip_identities.address
	users.department users.email users.first_name users.login users.mobile users.music_on_hold users.sip_address`)

// leaver sets a person up who has all that a person can have; with phones to go with
// them, what names the lines is theirs too.
func leaver(w *world, i int, phones bool) *pbx.User {
	w.T.Helper()
	ok := func(err error) { w.T.Helper(); require.NoError(w.T, err) }
	email := fmt.Sprintf("zanzibar%d@quetzal.example", i)
	in := pbx.SetUp{
		NewUser: pbx.NewUser{
			FirstName: fmt.Sprint("Zanzibar", i), LastName: "Quetzal", Email: email, Login: fmt.Sprintf("quetzal%d@quetzal.example", i),
			Mobile: pbx.E164(fmt.Sprintf("+1617555712%d", 3000+i)[:12]), Extension: pbx.Extension(fmt.Sprint(7100 + i)),
		},
		ServiceType: "PRO", DeviceType: "Polycom VVX 450", Mailbox: &pbx.NewMailbox{Email: email, PIN: "836409"},
	}
	if phones {
		in.Department, in.MusicOnHold = "Quetzal-Care", "zanzibar-stream"
	}
	made, err := w.Dir.SetUpUser(w.Ctx, in)
	ok(err)
	_, err = w.Dir.IssueCredentials(w.Ctx, made.User.SIPAddress)
	ok(err)
	if phones {
		s := made.Service
		s.Name = "Zanzibars-line"
		s, err = w.Dir.ModifyService(w.Ctx, s)
		ok(err)
		_, err = w.Dir.SetKeys(w.Ctx, s.ID, s.Rev, []pbx.PhoneKey{{Position: 1, Kind: pbx.KeySpeedDial, Target: "+16175557123", Label: "Quetzal-home"}})
		ok(err)
		alias, err := w.Dir.AddAlias(w.Ctx, pbx.NewAlias{UserID: made.User.ID, Name: "Zanzibar-Help", Extension: pbx.Extension(fmt.Sprint(7300 + i))})
		ok(err)
		_, err = w.Dir.IssueCredentials(w.Ctx, alias.SIPAddress)
		ok(err)
	}
	return made.User
}

// leave has persons set up, changed, exported, and leave in all ways: with their phones,
// without, and to a successor. It returns the columns in which they were.
func leave(w *world, each int) (were []string) {
	w.T.Helper()
	persons := make([]*pbx.User, 0, 3*each)
	for i := range 3 * each {
		persons = append(persons, leaver(w, i, i%3 == 0))
	}
	for _, u := range persons {
		u.LastName = "Quetzal-Zanzibar"
		_, err := w.Dir.ModifyUser(w.Ctx, u)
		require.NoError(w.T, err)
	}
	require.NoError(w.T, w.Dir.ExportUsers(w.Ctx, io.Discard))
	were = markedColumns(w.T, w)
	for i, u := range persons {
		var err error
		switch i % 3 {
		case 0:
			err = w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, pbx.UserAndPhones)
		case 1:
			err = w.Dir.Confirm(rule.USR9).DeleteUser(w.Ctx, u.ID, pbx.UserOnly)
		case 2:
			_, err = w.Dir.HandOver(w.Ctx, u.ID, pbx.Successor{FirstName: "Ina", LastName: fmt.Sprint("Next ", i), Email: fmt.Sprintf("ina%d@example.com", i)})
		}
		require.NoError(w.T, err)
	}
	return were
}

// stay is somebody who has the same, and remains.
func stay(w *world) {
	w.T.Helper()
	u := w.User("Ann", "Lee", "7001")
	w.Alias(u.ID, "Desk", "7002")
	_, err := w.Dir.IssueCredentials(w.Ctx, u.SIPAddress)
	require.NoError(w.T, err)
}

// Nothing of who left is in the file, nor in the log once that was restarted.
func TestUSR9_NothingOfWhoLeftIsInTheFileOrItsLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pbx.db")
	db, err := sqlite.Open(t.Context(), file, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	w := newWorld(t, db)
	stay(w)
	were := leave(w, testbed.Size(8, 60))
	require.Subset(t, were, personal)
	require.Empty(t, markedColumns(t, w))

	// What there is while the store is open, as somebody copies it.
	copied := filepath.Join(t.TempDir(), "copy.db")
	logged := 0
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(file + end)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(copied+end, b, 0o600))
		if end != "" {
			logged = marked(b)
		}
	}
	require.Positive(t, logged, "the log keeps what was, until it is restarted")
	host, err := sql.Open("sqlite", copied)
	require.NoError(t, err)
	_, err = host.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	inUse, err := os.ReadFile(copied)
	require.NoError(t, err)
	log, err := os.ReadFile(copied + "-wal")
	require.NoError(t, err)
	require.NoError(t, host.Close())
	require.NoError(t, db.Close())
	closed, err := os.ReadFile(file)
	require.NoError(t, err)
	for where, content := range map[string][]byte{"the file after a checkpoint": inUse, "the log after it": log, "the file when closed": closed} {
		require.Zero(t, marked(content), where)
	}
	require.True(t, bytes.Contains(closed, []byte("ann.lee@example.com")), "the others are in it as they were")
	t.Logf("figure: of who left, %d marks in the log before it was restarted, and none in the file or the log afterwards (%d columns)", logged, len(were))
}

// onServer counts marks in the files of a database, and those files that have some.
type onServer struct {
	t        *testing.T
	conn     *pgx.Conn
	database string // the folder of its files
	wal      string
}

func (s *onServer) do(sql string) {
	s.t.Helper()
	_, err := s.conn.Exec(context.Background(), sql)
	require.NoError(s.t, err, sql)
}

// left returns how many marks are in the files of a folder once all is written.
func (s *onServer) left(folder string) (n int) {
	s.t.Helper()
	s.do("CHECKPOINT")
	files, err := os.ReadDir(folder)
	require.NoError(s.t, err)
	for _, f := range files {
		if b, err := os.ReadFile(filepath.Join(folder, f.Name())); err == nil { // the server may have removed it
			n += marked(b)
		}
	}
	return n
}

// On a server nothing is in a row of any table; what is in its files, VACUUM FULL takes
// out of them, and a plain VACUUM does not.
func TestUSR9_NothingOfWhoLeftIsInTheServersTablesAfterAFullVacuum(t *testing.T) {
	dsn := testbed.FreshDatabase(t)
	w := newWorld(t, testbed.OnServer(t, dsn))
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var data, oid string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_setting('data_directory'), oid::text FROM pg_database WHERE datname = current_database()").Scan(&data, &oid))
	s := &onServer{t, conn, filepath.Join(data, "base", oid), filepath.Join(data, "pg_wal")}
	if _, err := os.ReadDir(s.database); err != nil {
		t.Skip("the server's files are not on this machine")
	}
	stay(w)
	were := leave(w, testbed.Size(3, 20))
	require.Subset(t, were, personal)
	require.Empty(t, markedColumns(t, w))

	deleted := s.left(s.database)
	s.do("VACUUM")
	plain := s.left(s.database)
	s.do("ANALYZE")
	s.do("VACUUM FULL")
	require.Zero(t, s.left(s.database))
	t.Logf("figure: of who left, marks in the server's tables: %d when deleted, %d after VACUUM, 0 after VACUUM FULL; %d in its log of changes", deleted, plain, s.left(s.wal))
}
