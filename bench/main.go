// Command bench sets the library beside the same work written by hand: one
// guided set-up of a user (user, SIP identity, service, extension, association,
// number, station, device, order, journal) on SQLite with synchronous FULL, on a
// throw-away PostgreSQL that syncs nothing, and in memory. The contenders take turns in one run, so that a noisy machine is
// noisy for all; the figures are medians, and the ratios are what counts.
//
//	cd bench && go run . [-rounds 40] [-each 25] [-short]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pbxkit/pbx/internal/pgtest"
)

// contender does one guided set-up, the i-th of its life.
type contender struct {
	name  string
	setUp func(i int) error
	times []time.Duration
}

func main() {
	rounds := flag.Int("rounds", 40, "how often the contenders take turns")
	each := flag.Int("each", 25, "set-ups in each turn")
	short := flag.Bool("short", false, "a quick run, for a look that it works")
	flag.Parse()
	if *short {
		*rounds, *each = 8, 10
	}
	if err := run(*rounds, *each); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(rounds, each int) (err error) {
	dir, err := os.MkdirTemp("", "pbx-bench")
	if err != nil {
		return err
	}
	defer func() {
		if removeErr := os.RemoveAll(dir); err == nil {
			err = removeErr
		}
	}()
	total := (rounds + 1) * each
	onSQLite, err := libraryOnSQLite(filepath.Join(dir, "library.db"), total)
	if err != nil {
		return err
	}
	bySQL, err := byHandOnSQLite(filepath.Join(dir, "hand.db"), total)
	if err != nil {
		return err
	}
	inMemory, err := libraryInMemory(total)
	if err != nil {
		return err
	}
	byTrees := byHandInTrees(total)
	pairs := [][2]*contender{{onSQLite, bySQL}, {inMemory, byTrees}}
	dsn, stop, missing := pgtest.Start()
	if missing == nil {
		defer stop()
		onPostgres, err := libraryOnPostgres(dsn, total)
		if err != nil {
			return err
		}
		byPgx, err := byHandOnPostgres(dsn, total)
		if err != nil {
			return err
		}
		pairs = append(pairs, [2]*contender{onPostgres, byPgx})
	}
	for round := range rounds + 1 { // the first one warms up
		for _, pair := range pairs {
			for _, c := range pair {
				if err := c.turn(round*each, each, round > 0); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
		}
	}
	fmt.Printf("One guided set-up, medians of %d, interleaved in one run\n\n", rounds*each)
	fmt.Printf("%-46s %10s %8s\n", "", "µs", "ratio")
	for _, pair := range pairs {
		base := pair[1].median()
		for _, c := range pair {
			fmt.Printf("%-46s %10.1f %8.2f\n", c.name, float64(c.median().Nanoseconds())/1e3, float64(c.median())/float64(base))
		}
	}
	if missing != nil {
		fmt.Printf("\nPostgreSQL did not run: %v\n", missing)
	}
	return nil
}

// turn does n set-ups, and keeps how long each took.
func (c *contender) turn(from, n int, keep bool) error {
	for i := from; i < from+n; i++ {
		start := time.Now()
		if err := c.setUp(i); err != nil {
			return err
		}
		if keep {
			c.times = append(c.times, time.Since(start))
		}
	}
	return nil
}

func (c *contender) median() time.Duration {
	sorted := slices.Sorted(slices.Values(c.times))
	return sorted[len(sorted)/2]
}
