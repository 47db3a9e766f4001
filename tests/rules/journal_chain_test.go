package rules_test

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/leanovate/gopter"
	"github.com/leanovate/gopter/gen"
	"github.com/leanovate/gopter/prop"
	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/chain"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
)

var eventsTable, tenantsTable = new(pbx.Event).Table(), new(pbx.Tenant).Table()

func head(t testing.TB, w *world, dir *pbx.Directory) pbx.JournalHead {
	t.Helper()
	head, err := dir.JournalHead(w.Ctx)
	require.NoError(t, err)
	return head
}

func TestSYS11_EveryJournalIsAChainThatContinuesFromEachOfItsHeads(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var kept []pbx.JournalHead
		for i := range 4 {
			kept = append(kept, head(t, w, w.Dir))
			w.User(fmt.Sprint("Ann", i), "Lee", pbx.Extension(fmt.Sprint(7001+i)))
		}
		kept = append(kept, head(t, w, w.Dir))
		require.Len(t, slices.Compact(slices.Clone(kept)), 5, "each change has another head")
		for _, dir := range []*pbx.Directory{w.Dir, w.British, w.Support} {
			for _, h := range []pbx.JournalHead{"", head(t, w, dir)} {
				report, err := dir.CheckJournal(w.Ctx, h)
				require.NoError(t, err)
				require.Empty(t, report.Violations)
				require.Positive(t, report.Records)
			}
		}
		for _, h := range kept {
			report, err := w.Dir.CheckJournal(w.Ctx, h)
			require.NoError(t, err)
			require.Empty(t, report.Violations)
			require.Equal(t, 1, report.Tenants)
			report, err = w.British.CheckJournal(w.Ctx, h)
			require.NoError(t, err)
			require.Len(t, report.Violations, 1, "it is another tenant's")
			require.Equal(t, rule.SYS11, report.Violations[0].Code)
			require.Equal(t, w.UK.ID, report.Violations[0].Tenant)
		}
		require.Empty(t, w.Violations(w.Support))
	})
}

func TestSYS11_AHeadThatIsNoneIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		good := string(head(t, w, w.Dir))
		for _, bad := range []string{"x", "1", "1:x", "0:", "-1:", "01" + good[1:], good + "0", good[:len(good)-1], good[:len(good)-1] + "G", " " + good, "99999999999999999999:"} {
			w.Refused(rule.SYS11, pbx.ErrInvalid, func() error { return second(w.Dir.CheckJournal(w.Ctx, pbx.JournalHead(bad))) })
		}
		_, err := w.Support.In(pbx.TenantID{9}).CheckJournal(w.Ctx, "")
		require.ErrorIs(t, err, pbx.ErrNotFound)
	})
}

func TestSYS11_TheProvidersJournalHasAHeadFromItsFirstChangeOn(t *testing.T) {
	w := newWorld(t, memory.New())
	empty := pbx.New(memory.New()).As(pbx.Support("sue"))
	require.Empty(t, head(t, w, empty))
	report, err := empty.CheckJournal(w.Ctx, "")
	require.NoError(t, err)
	require.Empty(t, report.Violations)
	report, err = empty.CheckJournal(w.Ctx, head(t, w, w.Support))
	require.NoError(t, err)
	require.Len(t, report.Violations, 1, "all of it was cut off")
}

// A row without a head, or with one that does not fit, must not become the start of a new
// chain.
func TestSYS11_NothingIsWrittenAfterAHeadThatIsLostOrDamaged(t *testing.T) {
	for name, damaged := range map[string]string{"lost": "", "damaged": "1:x", "another's": "1:"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, memory.New())
			w.Rewrite("tenants", where{"id": w.US.ID}, where{"journal_head": damaged})
			w.Refused(rule.SYS11, pbx.ErrStorage, func() error {
				_, err := w.Dir.CreateGroup(w.Ctx, pbx.NewGroup{Name: "G"})
				return err
			})
			require.Contains(t, w.Violations(w.Support), "SYS-11 tenant")
		})
	}
}

// forged is a journal that somebody writes to past all rules.
type forged struct {
	*world
	events []store.Record
	row    store.Record
	kept   pbx.JournalHead
	middle pbx.JournalHead // kept earlier
}

func newForged(t *testing.T) *forged {
	f := &forged{world: newWorld(t, memory.New())}
	for i := range 3 {
		f.User(fmt.Sprint("Ann", i), "Lee", pbx.Extension(fmt.Sprint(7001+i)))
	}
	f.middle = head(t, f.world, f.Dir)
	for i := range 3 {
		f.User(fmt.Sprint("Bob", i), "Lee", pbx.Extension(fmt.Sprint(7101+i)))
	}
	f.kept = head(t, f.world, f.Dir)
	f.events, f.row = f.present()
	return f
}

// present is what is in the store.
func (f *forged) present() (events []store.Record, row store.Record) {
	require.NoError(f.T, f.Store.View(f.Ctx, func(r store.Reader) (err error) {
		found, err := r.Get(f.Ctx, tenantsTable.Key().At(f.US.ID))
		if err != nil {
			return err
		}
		row = found[0]
		events, err = store.Collect(r.Find(f.Ctx, store.Query{Index: eventsTable.Key(), Equal: []any{f.US.ID}}))
		return err
	}))
	return events, row
}

// replace puts a journal and a row in the place of those that are there.
func (f *forged) replace(events []store.Record, row store.Record) {
	var changes []store.Change
	old, oldRow := f.present()
	for _, e := range old {
		changes = append(changes, store.Change{Old: e})
	}
	changes = append(changes, store.Change{Old: oldRow}, store.Change{New: row})
	for _, e := range events {
		changes = append(changes, store.Change{New: e})
	}
	f.Apply(changes...)
}

// found reports whether CheckJournal finds that SYS-11 is broken.
func (f *forged) found(kept pbx.JournalHead) bool {
	report, err := f.Dir.CheckJournal(f.Ctx, kept)
	require.NoError(f.T, err)
	return slices.ContainsFunc(report.Violations, func(v pbx.Violation) bool { return v.Code == rule.SYS11 })
}

// rechained gives events the hashes, and the row the head, that the library would give
// them.
func (f *forged) rechained(events []store.Record) store.Record {
	var links chain.Linker
	before, seq := "", int64(0)
	for _, e := range events {
		before = links.Hash(before, e)
		testbed.SetColumn(e, "hash", before)
		seq = e.(*pbx.Event).Seq
	}
	row := store.Clone(f.row)
	testbed.SetColumn(row, "rev", seq)
	testbed.SetColumn(row, "journal_head", chain.Head(seq, before))
	return row
}

// The ways to forge a journal. Each gets places in it, and returns the events, and
// whether there is a difference.
var forgeries = map[string]func(f *forged, events []store.Record, i, j int) ([]store.Record, bool){
	"edit": func(f *forged, events []store.Record, i, j int) ([]store.Record, bool) {
		column := 1 + j%(len(eventsTable.Columns)-1) // not the tenant, whose journal it would leave
		donor := store.FieldsOf(events[j%len(events)])[column]
		own := store.FieldsOf(events[i])[column]
		var changed any
		switch own.Type() {
		case store.Text:
			if changed = *donor.Ptr.(*string); changed == *own.Ptr.(*string) {
				changed = *donor.Ptr.(*string) + "x"
			}
		case store.Int:
			changed = *own.Ptr.(*int64) + 1_000_000
		case store.Time:
			changed = f.Clock.AddDate(0, 0, 1+j)
		case store.UUID:
			changed = [16]byte{1, byte(j)}
		}
		testbed.SetColumn(events[i], own.Name, changed)
		return events, true
	},
	"drop": func(f *forged, events []store.Record, i, _ int) ([]store.Record, bool) {
		return slices.Delete(events, i, i+1), true
	},
	"insert": func(f *forged, events []store.Record, i, j int) ([]store.Record, bool) {
		extra := store.Clone(events[j]).(*pbx.Event)
		extra.Seq, extra.Pos = events[i].(*pbx.Event).Seq, 1000+int64(j)
		return slices.Insert(events, i, store.Record(extra)), true
	},
	"swap": func(f *forged, events []store.Record, i, j int) ([]store.Record, bool) {
		a, b := events[i].(*pbx.Event), events[j].(*pbx.Event)
		*a, *b = *b, *a // their hashes too
		a.Seq, b.Seq, a.Pos, b.Pos = b.Seq, a.Seq, b.Pos, a.Pos
		return events, i != j
	},
	"swap all but the hashes": func(f *forged, events []store.Record, i, j int) ([]store.Record, bool) {
		a, b := events[i].(*pbx.Event), events[j].(*pbx.Event)
		a.Type, b.Type, a.Kind, b.Kind, a.Subject, b.Subject = b.Type, a.Type, b.Kind, a.Kind, b.Subject, a.Subject
		a.Operation, b.Operation, a.Detail, b.Detail = b.Operation, a.Operation, b.Detail, a.Detail
		return events, a.Type != b.Type || a.Subject != b.Subject || a.Operation != b.Operation || a.Detail != b.Detail
	},
	"cut off": func(f *forged, events []store.Record, i, _ int) ([]store.Record, bool) {
		return events[:i], true
	},
}

// forge puts a forged journal into the store, and says what the checker does not find.
func (f *forged) forge(way string, i, j int) string {
	var events []store.Record
	for _, e := range f.events {
		events = append(events, store.Clone(e))
	}
	i, j = i%len(events), j%len(events)
	events, differs := forgeries[way](f, events, i, j)
	if !differs {
		return ""
	}
	f.replace(events, f.row)
	if !f.found("") || !f.found(f.kept) {
		return fmt.Sprintf("%s %d, %d is not found", way, i, j)
	}
	// Whoever can write everything can make a chain that holds in itself.
	slices.SortFunc(events, func(a, b store.Record) int {
		x, y := a.(*pbx.Event), b.(*pbx.Event)
		return slices.Compare([]int64{x.Seq, x.Pos}, []int64{y.Seq, y.Pos})
	})
	f.replace(events, f.rechained(events))
	if !f.found(f.kept) && !reflect.DeepEqual(events, f.events) { // it is, where a hash was edited
		return fmt.Sprintf("%s %d, %d is not found by the head that was kept", way, i, j)
	}
	f.replace(f.events, f.row)
	if f.found("") || f.found(f.kept) || f.found(f.middle) {
		return "the journal as it was is said to be broken"
	}
	return ""
}

func TestSYS11_AnyEditDropInsertSwapOrCutOfEventsIsFound(t *testing.T) {
	f := newForged(t)
	parameters := gopter.DefaultTestParametersWithSeed(20261130)
	parameters.MinSuccessfulTests, parameters.Workers = testbed.Size(60, 1000), 1
	properties := gopter.NewProperties(parameters)
	for _, way := range slices.Sorted(maps.Keys(forgeries)) {
		properties.Property(way, prop.ForAll(func(i, j int) string { return f.forge(way, i, j) }, gen.IntRange(0, 1000), gen.IntRange(0, 1000)))
	}
	if !properties.Run(gopter.NewFormatedReporter(false, 160, os.Stdout)) {
		t.Fatal("see above")
	}
}

// Each column, the hash too, is covered.
func TestSYS11_AnEditOfAnyColumnOfAnyEventIsFound(t *testing.T) {
	f := newForged(t)
	for i := range f.events {
		for column := range len(eventsTable.Columns) - 1 {
			require.Empty(t, f.forge("edit", i, column))
		}
	}
}
