package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/memory"
	"github.com/pbxkit/pbx/store/sqlite"
)

func benchmarkSetUp(b *testing.B, store store.Store) {
	o, err := furnish(context.Background(), store, 9000)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i == 9000 {
			b.Fatal("the office is full: fewer iterations, by -benchtime 5000x")
		}
		if err := o.setUp(i); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSetUpMemory(b *testing.B) { benchmarkSetUp(b, memory.New()) }

func BenchmarkSetUpSQLite(b *testing.B) {
	store, err := sqlite.Open(context.Background(), filepath.Join(b.TempDir(), "bench.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	benchmarkSetUp(b, store)
}
