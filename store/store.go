package store

import (
	"context"
	"errors"
	"iter"
)

// ErrRetry is what a store's Apply or Update returns when nothing was
// committed and the whole closure has to run again: a row changed underneath, a
// unique claim was taken meanwhile, the engine asks for a retry. The rules then
// run again on what is there now, and name the holder.
var ErrRetry = errors.New("pbx: transaction must be retried")

// ErrHostRetry is what a store that lives in a transaction of the host's
// (postgres.FromTx, sqlite.FromTx) returns where another would return ErrRetry:
// only the host can roll its transaction back and run it again. Operations pass
// it on in an Error of kind ErrConflict.
var ErrHostRetry = errors.New("pbx: the host's transaction must be rolled back and run again")

// ErrConstraint is what a store returns when the engine refused a
// change that is neither stale nor a unique claim: a CHECK or a foreign key.
// It means that a rule is missing; nothing was committed.
var ErrConstraint = errors.New("pbx: constraint violated")

// ErrNewerSchema: the store was written by a later version of the library. It
// was not touched.
var ErrNewerSchema = errors.New("pbx: the schema is newer than this library")

// ErrForeignStore: the file or database is corrupt, or holds something that is
// not ours. It was not touched.
var ErrForeignStore = errors.New("pbx: not a store of this library")

// Store keeps records and knows no rule. Package store/storetest is its
// conformance suite.
//
// The errors of a closure come back as they are (errors.Is finds them), with
// everything rolled back; a panic rolls back too and goes on. Any other error
// means that nothing was committed, save one that wraps ErrCommitUnknown.
// After Close, every method gives an error of kind ErrMisuse, as a Reader or
// Writer does after its closure has returned.
type Store interface {
	// View runs fn on one snapshot. Views never wait for updates, and may be
	// nested in one another.
	View(ctx context.Context, fn func(Reader) error) error

	// Update runs fn once and commits when fn returns nil. From its first read
	// on fn has the tenant to itself: updates of one tenant run one after
	// another, and each sees what the one before it committed. Reads inside fn
	// see the last committed state, not the changes given to Apply. A context
	// that ends before the commit has begun rolls back; afterwards it is ignored.
	Update(ctx context.Context, tenant [16]byte, fn func(Writer) error) error

	// Close waits for what runs, and releases the store.
	Close() error
}

// Reader reads committed records. Records are shared: nobody changes one that
// came from a Reader.
type Reader interface {
	// Get returns the records at the keys in their order, nil where there is
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
	// deletion finds its record at Old's key with Old's revision, else ErrRetry;
	// an insertion finds no record at its key, and no change may take a value
	// of a unique index that another record holds, else ErrRetry. A store may
	// send the changes together with the commit: then it is Update that gives
	// the error. After an error the update cannot commit any more, whatever its
	// closure returns.
	Apply(ctx context.Context, changes []Change) error
}

// Change is one insertion (Old is nil), deletion (New is nil) or update. Old is
// the record as it is at that moment, all of it: a store may write only the
// columns in which New differs. Their keys are the same, and New's revision is
// above Old's.
type Change struct {
	Old, New Record
}
