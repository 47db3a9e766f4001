// Day lives a provider's day in one process, on an SQLite file: people come and go,
// phones and lines move, PINs are tried, events are delivered, tenants exported and
// checked. Each minute it prints what the process and the file take; at the end, what
// the file is made of. Memory should stay flat, and the file grow with the journal
// alone.
//
//	go run ./day [-for 10m] [-people 200]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pbxkit/pbx/store/sqlite"
)

func main() {
	length := flag.Duration("for", 10*time.Minute, "how long the day is")
	people := flag.Int("people", 200, "how many people each of three customers has, more or less")
	flag.Parse()
	if err := run(context.Background(), *length, *people); err != nil {
		fmt.Fprintln(os.Stderr, "day:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, length time.Duration, people int) error {
	dir, err := os.MkdirTemp("", "pbx-day-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "pbx.db")
	db, err := sqlite.Open(ctx, file)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := openProvider(ctx, db, people)
	if err != nil {
		return err
	}
	m := newMeter(file, p)
	if err := m.report(); err != nil {
		return err
	}
	start := time.Now()
	for next := start.Add(minute(length)); time.Since(start) < length; {
		if err := p.work(ctx); err != nil {
			return err
		}
		if time.Now().After(next) {
			next = next.Add(minute(length))
			if err := m.report(); err != nil {
				return err
			}
		}
	}
	return m.explain(ctx, db)
}

// minute is how long a day goes on between two reports.
func minute(length time.Duration) time.Duration { return max(length/10, time.Second) }
