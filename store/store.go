// Package store is the contract between the domain and the places that keep its
// records. A store keeps records in tables, finds them by indexes, and commits
// changes; it knows no rule of the domain.
//
// # Writing a store
//
// A store implements [Store], [Reader] and [Writer], six methods in all. What it
// has to do, in this order:
//
//  1. Build tables or trees from the declarations: a [Table] has columns and
//     indexes, a [Record] gives its values as [Field] values. [Index.AppendFields]
//     turns a record into bytes that sort as the index does, and [Query.Range] turns
//     a query into two such keys, so a store over sorted bytes needs little else.
//  2. Give each View one snapshot, and let the updates of one tenant run one after
//     another.
//  3. In Apply check that each record is still the one that was read (Old's
//     revision) and that unique values are free, and return [ErrRetry] where they
//     are not. The domain then runs its rules again.
//  4. Report everything else as an [Error]. Where it is not known whether a commit
//     took place the kind is [ErrCommitUnknown], and never anything else.
//  5. Where every question costs a trip to a server, implement [Fetcher] too.
//
// Package store/storetest is the conformance suite: a store that passes
// storetest.Run works. Of the stores to learn from, store/memory is the shortest.
//
// # Using a store
//
// Programs open a store and hand it to pbx.New; they need nothing else of this
// package but its errors.
package store

import (
	"context"
	"iter"
)

// Store keeps records and knows no rule. Its methods may be called from any
// number of goroutines.
//
// The errors of a closure come back as they are (errors.Is finds them), with
// everything rolled back; a panic rolls back too and continues. Any other error
// means that nothing was committed, except one that wraps ErrCommitUnknown.
// After Close, every method gives an error of kind ErrMisuse, as a Reader or
// Writer does after its closure has returned.
type Store interface {
	// View runs fn on one snapshot. Views never wait for updates, and may be
	// nested in one another.
	View(ctx context.Context, fn func(Reader) error) error

	// Update runs fn once and commits when fn returns nil. From its first read
	// on, fn has the tenant to itself: updates of one tenant run one after
	// another, and each sees what the one before it committed. Reads inside fn
	// see the last committed state, not the changes given to Apply. A context
	// that ends before the commit has begun rolls back; after that it is ignored.
	Update(ctx context.Context, tenant [16]byte, fn func(Writer) error) error

	// Close waits until running views and updates have ended, and releases the
	// store.
	Close() error
}

// Reader reads committed records. Records are shared: nobody may change one that
// came from a Reader.
type Reader interface {
	// Get returns the records at the keys in the keys' order, nil where there is
	// none, in one trip. The keys' indexes are unique ones.
	Get(ctx context.Context, keys ...Key) ([]Record, error)

	// Find yields the records of a range of an index, in the index's order.
	// Inside the loop the same Reader may be used again. After an error, which
	// comes with a nil record, the sequence ends.
	Find(ctx context.Context, q Query) iter.Seq2[Record, error]
}

// Writer is a Reader that can apply changes, once, as the last thing its
// closure does.
type Writer interface {
	Reader

	// Apply makes the changes in their order, all or none. An update or a
	// deletion must find its record at Old's key with Old's revision, an insertion
	// must find no record at its key, and no change may take a value of a unique
	// index that another record holds; otherwise the error is ErrRetry. A store may
	// send the changes together with the commit: then it is Update that gives
	// the error. After an error the update can no longer commit, whatever its
	// closure returns.
	Apply(ctx context.Context, changes []Change) error
}

// Change is one insertion (Old is nil), deletion (New is nil) or update. Old is
// the record as it is at that moment, all of it: a store may write only the
// columns in which New differs. Both have the same key, and New's revision is
// above Old's.
type Change struct {
	Old, New Record
}

// Collect returns the values of a sequence, or its first error.
func Collect[R any](seq iter.Seq2[R, error]) ([]R, error) {
	var out []R
	for r, err := range seq {
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
