package endure_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/internal/testbed"
	"github.com/pbxkit/pbx/rule"
	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/sqlite"
)

// What a disk writes or loses at once, and the size of a page of the file.
const (
	sectorSize = 512
	pageSize   = 4096
)

// harms are the ways in which a file goes bad, at a place.
var harms = []struct {
	name string
	do   func(file []byte, at int, value byte) []byte
}{
	{"a bit flipped", func(file []byte, at int, value byte) []byte { file[at] ^= 1 << (value % 8); return file }},
	{"a byte changed", func(file []byte, at int, value byte) []byte { file[at] = value; return file }},
	{"eight bytes changed", func(file []byte, at int, value byte) []byte {
		for i := at; i < min(at+8, len(file)); i++ {
			file[i] ^= value
		}
		return file
	}},
	{"a sector of zeros", func(file []byte, at int, _ byte) []byte {
		clear(file[at/sectorSize*sectorSize:][:sectorSize])
		return file
	}},
	{"a page in the place of another", func(file []byte, at int, value byte) []byte {
		copy(file[at/pageSize*pageSize:][:pageSize], bytes.Clone(file[(at/pageSize+1+int(value))%(len(file)/pageSize)*pageSize:][:pageSize]))
		return file
	}},
	{"cut off", func(file []byte, at int, _ byte) []byte { return file[:at] }},
	{"bytes missing", func(file []byte, at int, value byte) []byte {
		return slices.Delete(file, at, min(at+1+int(value), len(file)))
	}},
}

// sample is a small file that is whole, and what is in it.
var sample struct {
	sync.Once
	file    []byte
	tenant  pbx.TenantID
	content string
	events  string // of it
}

// newSample makes it.
func newSample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "whole.db")
	db, err := sqlite.Open(context.Background(), path, sqlite.WithSynchronous(sqlite.Off))
	require.NoError(t, err)
	w := testbed.NewWorld(t, db)
	for i := range 10 {
		in := testbed.Newcomer(fmt.Sprint("user", i))
		in.LastName, in.Department = fmt.Sprint("Lee ", i), "Care"
		_, err := w.Dir.SetUpUser(w.Ctx, in)
		require.NoError(t, err)
	}
	sample.tenant = w.US.ID
	require.NoError(t, db.Close())
	sample.file, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Zero(t, len(sample.file)%pageSize)
	found, content := inspect(t, path)
	require.Equal(t, equal, found, content)
	sample.content = content
	sample.events = eventsIn(content)
	require.NotEmpty(t, sample.events)
}

// eventsIn are the lines of a content that are of the journal.
func eventsIn(content string) string {
	var lines []string
	for line := range strings.Lines(content) {
		if strings.HasPrefix(line, new(pbx.Event).Table().Name+" ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// finding says who noticed that a file is damaged.
type finding string

const (
	equal     finding = "nothing that is kept was hit"
	unopened  finding = "opening it found the damage"
	unread    finding = "reading found the damage"
	unchecked finding = "the file's own check found the damage"
	chained   finding = "the chain of a journal alone found the damage"
	violated  finding = "another rule found the damage"
	silent    finding = "silent: something else is read, and nothing found it"
)

// inspect opens a file, reads everything, and has it checked in all ways.
func inspect(t *testing.T, path string) (finding, string) {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, path, sqlite.WithSynchronous(sqlite.Off))
	if err != nil {
		kinded(t, err)
		return unopened, err.Error()
	}
	defer func() { _ = db.Close() }()
	content, err := everythingIn(ctx, db)
	if err != nil {
		kinded(t, err)
		return unread, err.Error()
	}
	support := pbx.New(db, testbed.Sealed(t)).As(pbx.Support("agent"))
	report, checked := support.Check(ctx)
	if err := db.Check(ctx); err != nil {
		kinded(t, err)
		return unchecked, err.Error()
	}
	switch {
	case checked != nil:
		kinded(t, checked)
		return unread, checked.Error()
	case slices.ContainsFunc(report.Violations, func(v pbx.Violation) bool { return v.Code != rule.SYS11 }):
		return violated, fmt.Sprint(report.Violations)
	case len(report.Violations) > 0:
		return chained, fmt.Sprint(report.Violations)
	case sample.content != "" && sample.content != content:
		return silent, content
	}
	dir := support.In(sample.tenant)
	if err := dir.ExportUsers(ctx, io.Discard); err != nil {
		return unread, err.Error()
	}
	return equal, content
}

// everythingIn is every record of a store as text, by every index of its table.
func everythingIn(ctx context.Context, db store.Store) (string, error) {
	var out bytes.Buffer
	err := db.View(ctx, func(r store.Reader) error {
		for _, table := range pbx.Tables() {
			for _, index := range table.Indexes {
				for rec, err := range r.Find(ctx, store.Query{Index: index}) {
					if err != nil {
						return err
					}
					out.WriteString(table.Name + " ")
					for _, f := range rec.Fields(nil) {
						fmt.Fprintf(&out, "%s=%v ", f.Name, f.Value())
					}
					out.WriteByte('\n')
				}
			}
		}
		return nil
	})
	return out.String(), err
}

// kinded fails the test where an error is of no kind.
func kinded(t *testing.T, err error) {
	t.Helper()
	require.True(t, errors.Is(err, store.ErrStorage) || errors.Is(err, store.ErrInvalid), "%T: %+v", err, err)
}

// damaged inspects the sample with a damage, and fails the test where that panics or
// does not end. It returns the journals as they are read then too.
func damaged(t *testing.T, kind uint8, at uint32, value byte) (_ finding, events string) {
	sample.Do(func() { newSample(t) })
	d := harms[int(kind)%len(harms)]
	path := filepath.Join(t.TempDir(), "damaged.db")
	file := d.do(bytes.Clone(sample.file), int(at)%len(sample.file), value)
	require.NoError(t, os.WriteFile(path, file, 0o600))
	type answer struct {
		found  finding
		events string
		fell   any
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		defer func() { a.fell = recover(); done <- a }()
		var content string
		a.found, content = inspect(t, path)
		a.events = eventsIn(content)
	}()
	select {
	case a := <-done:
		require.Nil(t, a.fell, "%s at %d: it panics", d.name, at)
		return a.found, a.events
	case <-time.After(time.Minute):
		t.Fatalf("%s at %d: it hangs", d.name, at)
		return "", ""
	}
}

// A damaged file gives an error or is found by a check, or is read as it was. What no
// check can find is counted, and none of it is in a journal.
func TestSYS11_ADamagedFileIsFoundOrItsJournalIsSound(t *testing.T) {
	testbed.NotShort(t)
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 7))
	found, hushed := map[finding]int{}, map[string]int{}
	many := testbed.Size(70, 1050)
	for n := range many {
		kind := uint8(n % len(harms))
		f, events := damaged(t, kind, random.Uint32(), byte(random.Uint32()))
		found[f]++
		if f == silent {
			require.True(t, events == sample.events, "%s: a journal was damaged, and nothing found it", harms[kind].name)
			hushed[harms[kind].name]++
		}
	}
	t.Logf("figure: %d damaged files: no panic, no hang; %v; silent by harm: %v", many, found, hushed)
}

func FuzzDamagedFile(f *testing.F) {
	for kind := range harms {
		f.Add(uint8(kind), uint32(0), byte(0))
		f.Add(uint8(kind), uint32(100), byte(13))
		f.Add(uint8(kind), uint32(18*pageSize+7), byte(0xff))
	}
	f.Fuzz(func(t *testing.T, kind uint8, at uint32, value byte) { damaged(t, kind, at, value) })
}
