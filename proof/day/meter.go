package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/pbxkit/pbx"
	"github.com/pbxkit/pbx/store"
)

// meter measures the process and the file.
type meter struct {
	file  string
	p     *provider
	start time.Time
	first taken
	last  taken
}

// taken is what is taken at one moment.
type taken struct {
	heap, file, log uint64
	goroutines      int
	operations      int
}

func newMeter(file string, p *provider) *meter { return &meter{file: file, p: p, start: time.Now()} }

func size(file string) uint64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0 // the log may not be there
	}
	return uint64(info.Size())
}

func (m *meter) take() taken {
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	t := taken{heap: mem.HeapAlloc, file: size(m.file), log: size(m.file + "-wal"), goroutines: runtime.NumGoroutine()}
	for _, n := range m.p.done {
		t.operations += n
	}
	return t
}

func (m *meter) report() error {
	m.last = m.take()
	if m.first == (taken{}) {
		m.first = m.last
	}
	_, err := fmt.Printf("%6.0f s  %7d operations  heap %6.2f MB  %d goroutines  file %7.2f MB  log %5.2f MB\n", time.Since(m.start).Seconds(),
		m.last.operations, mb(m.last.heap), m.last.goroutines, mb(m.last.file), mb(m.last.log))
	return err
}

func mb(n uint64) float64 { return float64(n) / 1e6 }

// explain prints what was done, and what the file is made of.
func (m *meter) explain(ctx context.Context, db store.Store) error {
	if err := m.report(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.p.done)) {
		fmt.Printf("%8d  %s\n", m.p.done[name], name)
	}
	fmt.Printf("%8d  of them refused\n", m.p.refused)
	var total, events, records uint64
	err := db.View(ctx, func(r store.Reader) error {
		for _, table := range pbx.Tables() {
			var rows, bytes uint64
			for rec, err := range r.Find(ctx, store.Query{Index: table.Key()}) {
				if err != nil {
					return err
				}
				rows++
				bytes += content(rec)
			}
			if rows > 0 {
				fmt.Printf("%8d  rows of %-20s %7.2f MB of values\n", rows, table.Name, mb(bytes))
			}
			total, records = total+bytes, records+rows
			if table.Name == "events" {
				events = bytes
			}
		}
		return nil
	})
	fmt.Printf("figure: a provider's day: %d operations in %.0f s, heap %.2f MB at first and %.2f MB at last, goroutines %d and %d\n",
		m.last.operations, time.Since(m.start).Seconds(), mb(m.first.heap), mb(m.last.heap), m.first.goroutines, m.last.goroutines)
	fmt.Printf("figure: the file grew from %.2f to %.2f MB: %d rows with %.2f MB of values, %.0f %% of them the journal's; the rest is indexes and free pages\n",
		mb(m.first.file), mb(m.last.file), records, mb(total), 100*float64(events)/float64(total))
	return err
}

// content is how many bytes the values of a record take.
func content(rec store.Record) (n uint64) {
	for _, f := range store.FieldsOf(rec) {
		switch v := f.Value().(type) {
		case string:
			n += uint64(len(v))
		case []byte:
			n += uint64(len(v))
		case [16]byte:
			n += 16
		case int64:
			n += 4
		case bool:
			n++
		case time.Time:
			n += 8
		case []string:
			for _, s := range v {
				n += uint64(len(s))
			}
		}
	}
	return n
}
