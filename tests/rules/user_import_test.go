package rules_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
)

// rows makes a file of rows.
func rows(list ...string) string { return strings.Join(list, "\r\n") + "\r\n" }

// importing imports a file into the US tenant.
func (w *world) importing(file string, opts ...pbx.ImportOption) (*pbx.Import, error) {
	return w.Dir.ImportUsers(w.Ctx, strings.NewReader(file), opts...)
}

// badRows lists what is wrong with which rows.
func badRows(err error) []string {
	var list []string
	for _, e := range pbx.RowErrors(err) {
		list = append(list, fmt.Sprintf("%d %s %s", e.Row, e.Column, e.Err.Code))
	}
	return list
}

func TestSYS5_ARowMakesWhatTheGuidedSetUpOrCreatingAUserMakes(t *testing.T) {
	twins(t, func(t *testing.T, a, b *world, _ map[*world]*testbed.Counted) {
		phone := a.Phone("00:1b:54:00:00:01", "Polycom VVX 450")
		b.Phone("00:1b:54:00:00:01", "Polycom VVX 450")
		a.Own("+16175550200")
		b.Own("+16175550200")
		ann := a.setUp(phone.ID)
		ann.Mobile, ann.Department, ann.MusicOnHold, ann.SIPAddress, ann.NoWelcomeMail = "+16175550199", "Sales, Boston", "jazz", "boss@acme.example.com", true
		bob := pbx.NewUser{LastName: "Bob", Email: "bob@example.com", Extension: "7500", ActivateLater: true}
		cid := pbx.SetUp{NewUser: pbx.NewUser{FirstName: `C"d`, Email: "cid@example.com"}, Number: pbx.ExistingNumber("+16175550200")}
		dan := pbx.SetUp{NewUser: pbx.NewUser{FirstName: "Dan", Email: "dan@example.com", Extension: "7600"}, DeviceType: "Cisco 8851"}
		var first *pbx.Provisioned
		require.NoError(t, a.Dir.Batch(a.Ctx, func(ctx context.Context, dir *pbx.Directory) (err error) {
			if first, err = dir.SetUpUser(ctx, ann); err != nil {
				return err
			}
			_, second := dir.CreateUser(ctx, bob)
			_, third := dir.SetUpUser(ctx, cid)
			_, fourth := dir.SetUpUser(ctx, dan)
			return errors.Join(second, third, fourth)
		}))
		made, err := b.importing(rows(
			"email,first_name,last_name,login,extension,number_source,number,service_type,station,applications,mac,ports,device_type,"+
				"mobile,department,building,music_on_hold,sip_address,e911,activate_later,welcome_mail",
			`ann@example.com,Ann,Lee,ann@corp.example,,new,,PRO,STANDARD,crm; fax;softphone,001B.5400.0001,3,,`+
				`'+16175550199,"Sales, Boston",BOS-1,jazz,boss@acme.example.com,Yes,,no`,
			`bob@example.com,,Bob,,7500,,,,,,,,,,,,,,0,true,`,
			`,,,,,,,,,,,,,,,,,,,,`,
			`cid@example.com,"C""d",,,,,+16175550200,,,,,,,,,,,,,,1`,
			`dan@example.com,Dan,,,7600,,,,,,,,Cisco 8851,,,,,,,,`,
		))
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(testbed.Dump(t, a.Store), testbed.Dump(t, b.Store)))
		require.Len(t, made.Made, 4)
		require.Empty(t, cmp.Diff(first.User, made.Made[0].User, cmp.AllowUnexported(pbx.User{})))
		require.Equal(t, first.Service, made.Made[0].Service)
		require.Equal(t, first.Order, made.Made[0].Order)
		require.Equal(t, "Bob", made.Made[1].User.LastName)
		require.Nil(t, made.Made[1].Service)
	})
}

func TestSYS5_EveryBadRowIsReportedAtOnceWithItsRowColumnAndRule(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		taken := w.Phone("00:1b:54:00:00:02", "Cisco 8851")
		bob := w.User("Bob", "Ray", "7001")
		_, err := w.Dir.AssignDevice(w.Ctx, taken.ID, bob.ID, 1)
		require.NoError(t, err)
		_, err = w.Support.In(w.UK.ID).AddDevice(w.Ctx, pbx.NewDevice{MAC: "00:1b:54:00:00:03", Model: "Cisco 8851"})
		require.NoError(t, err)
		before := testbed.Dump(t, w.Store)
		_, err = w.importing(rows(
			"first_name,last_name,email,login,extension,number_source,number,number_prefix,service_type,station,applications,mac,ports,mobile,building,sip_address,e911",
			"Good,,good@example.com,,7100,,,,,,,,,,,,",
			",,ann,bob.ray@example.com,7001,,,,,,,,,1,NOWHERE,x,maybe",
			`"Two`,
			`lines",,,,,,,,,,,,,,,,`,
			"Cid,,cid@example.com,,7101,borrowed,,,GOLD,GOLD,tv;tv,00:1b:54:00:00:02,many,,,,",
			"short",
			"Dan,,dan@example.com,,7102,new,,+44,,,,00:1b:54:00:00:03,2,,,,",
			"Eve,,eve@example.com,,,,+16175550999,,,,,00,2,,,,yes",
			"Fay,,fay@example.com,,9110,,,,,,,,2,,,,",
		))
		require.ElementsMatch(t, []string{
			"3 e911 SYS-5", "3 building ACC-1", "3 last_name USR-1", "3 email USR-1", "3 mobile USR-5", "3 login USR-3", "3 extension EXT-2", "3 sip_address EXT-6",
			"4 first_name USR-1", "4 email USR-1", "4 extension USR-1",
			"6 ports DEV-3", "6 mac DEV-2", "6 service_type SVC-16", "6 number_source NUM-2", "6 applications STN-2", "6 station STN-1",
			"7  SYS-5",
			"8 mac ACC-1", "8 number_prefix NUM-4",
			"9 mac DEV-1", "9 e911 USR-6", "9 number NUM-2",
			"10 ports DEV-3", "10 extension EXT-3",
		}, badRows(err))
		require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))
		require.True(t, slices.IsSortedFunc(pbx.RowErrors(err), func(a, b *pbx.RowError) int { return a.Row - b.Row }), "in the order of the file")
		require.Len(t, pbx.Errors(err), len(pbx.RowErrors(err)))
		require.ErrorIs(t, err, pbx.ErrInvalid)
		require.ErrorIs(t, err, pbx.ErrConflict)
		require.ErrorContains(t, err, "row 3, extension: EXT-2: extension 7001 is taken by user Bob Ray; row 3, sip_address: ")
	})
}

func TestSYS5_TheErrorOfOneRowIsAnErrorLikeAnyOther(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.User("Bob", "Ray", "7001")
		e := w.Refused(rule.EXT2, pbx.ErrConflict, func() error {
			_, err := w.importing(rows("last_name,email,extension", "Lee,lee@example.com,7001"))
			require.Equal(t, []string{"2 extension EXT-2"}, badRows(err))
			return err
		})
		require.Equal(t, "Extension", e.Field)
		require.Equal(t, "Bob Ray", e.Holder.Name)
		w.Refused(rule.USR1, pbx.ErrInvalid, func() error {
			_, err := w.importing(rows("last_name,email,extension", "Lee,,7002"))
			require.Equal(t, []string{"2 email USR-1"}, badRows(err))
			return err
		})
		require.Empty(t, pbx.RowErrors(nil))
	})
}

func TestSYS5_ACellOfAnyLengthIsRefusedLikeAnyOther(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.User("Bob", "Ray", "7001")
		long := strings.Repeat("7", 1000)
		for _, column := range []string{"extension", "number", "number_prefix", "mac", "ports", "building", "station", "service_type", "login", "sip_address", "device_type", "applications", "department"} {
			err := second(w.importing(rows("first_name,email,number_source,"+column, "Bob,bob.ray@other.example,new,"+long)))
			require.NotEmpty(t, pbx.RowErrors(err), column)
			for _, e := range pbx.RowErrors(err) {
				require.Equal(t, column, e.Column)
			}
		}
		bad := []string{"2 applications STN-2"}
		for i, c := range []struct {
			cell  string
			found []string
		}{{"tv; tv", bad}, {"tv;", bad}, {"crm;crm", bad}, {"crm;", nil}, {" ; crm ;; ", nil}} {
			row := fmt.Sprintf("U,u%d@example.com,71%02d,STANDARD,%s", i, i, c.cell)
			require.Equal(t, c.found, badRows(second(w.importing(rows("first_name,email,extension,station,applications", row)))), c.cell)
		}
		many := "u,u@example.com,7002," + strings.Repeat("crm;", 100)
		require.Equal(t, []string{"2 applications STN-2"}, badRows(second(w.importing(rows("first_name,email,extension,applications", many)))))
	})
}

func TestSYS5_WhatRowsTakeFromEachOtherIsReportedOnTheLaterRow(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.Phone("00:1b:54:00:00:01", "Cisco 8851")
		w.Own("+16175550200")
		header := "first_name,email,extension,number,station,mac,sip_address,department"
		first := "Ann,ann@example.com,7100,+16175550200,STANDARD,00:1b:54:00:00:01,ann@acme.example.com,"
		again := "Bob,ANN@example.com,7100,+16175550200,,00-1B-54-00-00-01,Ann@acme.example.com,"
		want := []string{"3 login USR-3", "3 mac DEV-2", "3 number NUM-2", "3 extension EXT-2", "3 sip_address EXT-6"}
		want[0] = "3 email USR-3" // which is where the user ID came from
		err := second(w.importing(rows(header, first, again)))
		require.ElementsMatch(t, want, badRows(err))
		for _, e := range pbx.Errors(err) {
			require.NotEmpty(t, e.Holder, "who has it is named")
		}
		// If the first row were corrected, the second one would be refused; so it
		// is refused now.
		err = second(w.importing(rows(header, first+" x", again, again)))
		require.ElementsMatch(t, []string{
			"2 department USR-5",
			"3 email USR-3", "3 extension EXT-2", "3 sip_address EXT-6", "3 number NUM-2", "3 mac DEV-2",
			"4 email USR-3", "4 mac DEV-2", "4 number NUM-2", "4 extension EXT-2", "4 sip_address EXT-6",
		}, badRows(err))
		require.Equal(t, pbx.Ref{Kind: "row", ID: "2"}, pbx.RowErrors(err)[1].Err.Holder)

		stations := []string{"first_name,email,service_type,station"}
		for i := range 5 { // there are three
			stations = append(stations, fmt.Sprintf("U,u%d@example.com,PRO,STANDARD", i))
		}
		require.Equal(t, []string{"5 station STN-1", "6 station STN-1"}, badRows(second(w.importing(rows(stations...)))))
		made, err := w.importing(rows(header, first))
		require.NoError(t, err)
		require.Equal(t, pbx.E164("+16175550200"), made.Made[0].Service.Number)
	})
}

func TestSYS5_AFileThatIsNoneIsRefusedAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			file string
			want []string
		}{
			"unknown columns":    {rows("first_name,email,surname,Extension", "a,b,c"), []string{"1 surname SYS-5", "1 Extension SYS-5"}},
			"a column twice":     {rows("email,first_name,email", "a,b,c"), []string{"1 email SYS-5"}},
			"no email":           {rows("first_name"), []string{"1 email SYS-5"}},
			"no name":            {rows("", "email,extension"), []string{"2 last_name SYS-5"}},
			"semicolons":         {rows("email;last_name"), []string{"1 email;last_name SYS-5", "1 email SYS-5", "1 last_name SYS-5"}},
			"not UTF-8":          {"email,last_name\nann@example.com,L\xe9e\n", []string{"2  SYS-5"}},
			"NUL":                {"email,last_name\n\nann@example.com,\x00\n", []string{"3  SYS-5"}},
			"NUL before no UTF8": {"email\x00,last_name\n\xff", []string{"1  SYS-5"}},
			"a quote in a cell":  {"email,last_name\nann@example.com,\"Lee\"e\n", []string{"2  SYS-5"}},
			"a quote left open":  {"email,last_name\nann@example.com,\"Lee\n", []string{"2  SYS-5"}},
			"a bad header":       {"email,\"last_name\n", []string{"1  SYS-5"}},
		} {
			w.Refused(rule.SYS5, pbx.ErrInvalid, func() error {
				err := second(w.importing(c.file))
				require.Equal(t, c.want, badRows(err), name)
				return err
			})
		}
		many := strings.Repeat("ann@example.com,Lee\n", 10_001)
		for _, file := range []string{"", "\ufeff", "\r\n\r\n", "email,last_name\n" + many, strings.Repeat(" ", 16<<20+1)} {
			e := w.Refused(rule.SYS5, pbx.ErrInvalid, func() error { return second(w.importing(file)) })
			require.Equal(t, "File", e.Field)
		}
		w.Refused(rule.SYS1, pbx.ErrMisuse, func() error { return second(w.Dir.ImportUsers(w.Ctx, nil)) })
		w.Refused(rule.SYS1, pbx.ErrMisuse, func() error { return w.Dir.ExportUsers(w.Ctx, nil) })

		broken := errors.New("the line went dead")
		before := w.revision()
		_, err := w.Dir.ImportUsers(w.Ctx, io.MultiReader(strings.NewReader("email,last_name\n"), iotest.ErrReader(broken)))
		require.Equal(t, broken, err)
		made, err := w.importing("\ufeffemail,last_name\n")
		require.NoError(t, err)
		require.Empty(t, made.Made)
		require.Equal(t, before, w.revision())
	})
}

func TestSYS5_AnApostropheBeforeAFormulaIsTakenAwayOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		names := map[string]string{"'=1+1": "=1+1", "''@x": "'@x", "'-": "-", "'Brien": "'Brien", "'": "'", "''": "''", "=2": "=2", "'\ufeff": "'\ufeff"}
		file := []string{"\ufefffirst_name,email,extension,mobile"}
		var want []string
		for cell, name := range names {
			n := len(file)
			file = append(file, fmt.Sprintf("%s,u%d@example.com,71%02d,'+1617555010%d", cell, n, n, n))
			want = append(want, name)
		}
		made, err := w.importing(rows(file...))
		require.NoError(t, err)
		for i, m := range made.Made {
			require.Equal(t, want[i], m.User.FirstName)
			require.Equal(t, pbx.E164(fmt.Sprintf("+1617555010%d", i+1)), m.User.Mobile)
		}
	})
}

func TestSYS5_AnImportIsAPartOfABatch(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		good := rows("last_name,email,extension,service_type", "Lee,lee@example.com,7100,PRO")
		bad := rows("last_name,email,extension,service_type", "Ray,ray@example.com,7101,PRO", "Ray,ray@example.com,7102,PRO")
		before := w.revision()
		require.NoError(t, w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			if _, err := dir.ImportUsers(ctx, strings.NewReader(good)); err != nil {
				return err
			}
			_, err := dir.ImportUsers(ctx, strings.NewReader(bad))
			require.Equal(t, []string{"3 email USR-3"}, badRows(err))
			_, err = dir.CreateUser(ctx, pbx.NewUser{FirstName: "Ray", Email: "ray@example.com", Extension: "7101"})
			return err
		}))
		require.Equal(t, before+1, w.revision())
		require.Equal(t, "service 7100", w.reaches("7100"))
		require.Equal(t, "user Ray", w.reaches("7101"), "the refused import left nothing")
		require.Empty(t, w.reaches("7102"))
	})
}

func TestSYS5_AnImportIsReviewedAndCommittedAsReviewed(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		file := strings.NewReader("what was before\n" + rows("last_name,email,number_source,service_type", "Lee,lee@example.com,new,PRO", "Ray,ray@example.com,,PRO"))
		_, err := file.Seek(int64(len("what was before\n")), io.SeekStart)
		require.NoError(t, err)
		before := testbed.Dump(t, w.Store)
		run := func(ctx context.Context, dir *pbx.Directory) error { return second(dir.ImportUsers(ctx, file)) }
		review, err := w.Dir.Review(w.Ctx, run)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))
		require.Len(t, review.Orders, 2)
		require.Equal(t, pbx.Money(5000), review.Orders[0].Monthly+review.Orders[1].Monthly)
		created := 0
		for _, e := range review.Effects {
			if e.Type == "user.created" {
				created++
			}
		}
		require.Equal(t, 2, created)
		w.User("Ann", "Other", "7900") // so that it runs again
		require.NoError(t, review.Commit(w.Ctx), "the file is read again from where it was")
		require.NotEmpty(t, w.reaches("7000"))

		review, err = w.Dir.Review(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
			return second(dir.ImportUsers(ctx, strings.NewReader(rows("last_name,email,service_type", "May,may@example.com,PRO"))))
		})
		require.NoError(t, err)
		w.User("Takes", "It", "7002")
		err = review.Commit(w.Ctx)
		var stale *pbx.StaleReview
		require.ErrorAs(t, err, &stale)
		require.NoError(t, stale.Fresh.Commit(w.Ctx))
		require.Equal(t, "service 7003", w.reaches("7003"))
	})
}

func TestSYS5_ProgressIsToldAndTheContextEndsAnImport(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		file := []string{"last_name,email,extension"}
		for i := range 7 {
			file = append(file, fmt.Sprintf("U,u%d@example.com,710%d", i, i))
		}
		before := testbed.Dump(t, w.Store)
		ctx, cancel := context.WithCancel(w.Ctx)
		defer cancel()
		var told []int
		_, err := w.Dir.ImportUsers(ctx, strings.NewReader(rows(file...)), pbx.WithProgress(func(_ context.Context, looked, all int) {
			require.Equal(t, 7, all)
			if told = append(told, looked); looked == 4 {
				cancel()
			}
		}))
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, []int{1, 2, 3, 4}, told)
		require.Empty(t, cmp.Diff(before, testbed.Dump(t, w.Store)))

		told = nil
		soon(t, func() {
			_, err = w.importing(rows(file...), pbx.WithProgress(func(ctx context.Context, looked, _ int) {
				told = append(told, looked)
				_, misused := w.Dir.Tenant(ctx)
				if !errors.Is(misused, pbx.ErrMisuse) {
					told = append(told, -1)
				}
			}))
		})
		require.NoError(t, err)
		require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7}, told)
	})
}

func TestSYS5_ImportAndExportAreAnAdministrators(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		kate := w.Support.As(pbx.LineOwner("kate", w.US.ID))
		var out strings.Builder
		w.Refused(rule.OWN6, pbx.ErrDenied, func() error {
			return second(kate.ImportUsers(w.Ctx, strings.NewReader(rows("last_name,email,extension", "Lee,lee@example.com,7100"))))
		})
		w.Refused(rule.ACC2, pbx.ErrDenied, func() error { return kate.ExportUsers(w.Ctx, &out) })
		require.Empty(t, out.String())
	})
}

func TestSYS5_ProgressInABatchThatCallsItsDirectoryIsAMisuse(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		called := 0
		soon(t, func() {
			err := w.Dir.Batch(w.Ctx, func(ctx context.Context, dir *pbx.Directory) error {
				_, err := dir.ImportUsers(ctx, strings.NewReader(rows("last_name,email,extension", "Lee,lee@example.com,7100")), pbx.WithProgress(func(ctx context.Context, _, _ int) {
					called++
					if err := testbed.Drain(dir.Users(ctx, pbx.UserQuery{})); !errors.Is(err, pbx.ErrMisuse) {
						t.Error(err)
					}
				}))
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		require.Positive(t, called)
	})
}
