package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// conn is a connection as the store uses it: statements are prepared on it
// once, under their names, and several go in one trip. It is used by one
// goroutine at a time.
type conn struct {
	pg   *pgconn.PgConn
	heed *heed // nil where the connection is a host's
	*room
	release func() // gives the connection back, or closes it
}

// maxPrepared bounds the statements that a connection keeps: the shapes that a
// program uses are fewer.
const maxPrepared = 500

// room is what a connection keeps for all stores that use it one after
// another.
type room struct {
	prepared  map[*statement]*pgconn.StatementDescription
	doubted   bool            // the server was found to have others: see misled
	inspected map[string]bool // schemas that were found to be of this library's version

	bound   [][]byte // the values of the next statement
	buf     []byte   // their bytes
	fields  []store.Field
	changer sqlschema.Changer
}

const roomKey = "github.com/pbxkit/pbx"

func newConn(pg *pgconn.PgConn, release func()) *conn {
	kept, ok := pg.CustomData()[roomKey].(*room)
	if !ok {
		kept = &room{
			prepared: make(map[*statement]*pgconn.StatementDescription), inspected: make(map[string]bool),
			buf: make([]byte, 0, 1024),
		}
		pg.CustomData()[roomKey] = kept
	}
	h, _ := pg.CustomData()[heedKey].(*heed)
	return &conn{pg: pg, heed: h, room: kept, release: release}
}

// closed reports whether the connection is gone.
func (c *conn) closed() bool { return c.pg.IsClosed() }

// trip is what is sent to the server at once: statements, and one Sync. The
// first that fails makes the server pass over the rest.
type trip struct {
	c     *conn
	p     *pgconn.Pipeline
	fresh []*statement // prepared on this trip, as far as the server gets
	ready int          // how many of them are
	err   error        // the first error; nothing comes after it
}

// start begins a trip; end must follow.
func (c *conn) start(ctx context.Context) *trip {
	t := &trip{c: c, p: c.pg.StartPipeline(ctx)}
	if len(c.prepared) >= maxPrepared {
		for s := range c.prepared {
			t.p.SendDeallocate(s.name)
		}
		clear(c.prepared)
	}
	return t
}

var binaryFormat = []int16{1}

// send adds a statement with the values that were bound. One that the
// connection does not have yet is prepared on the same trip. Where the server may
// have it all the same it is deallocated first, which is no error if it has not.
func (t *trip) send(s *statement) {
	values := t.c.bound
	if known := t.c.prepared[s]; known != nil {
		t.p.SendQueryStatement(known, values, binaryFormat, binaryFormat)
	} else {
		if !slices.Contains(t.fresh, s) {
			t.fresh = append(t.fresh, s)
			if t.c.doubted {
				t.p.SendDeallocate(s.name)
			}
			t.p.SendPrepare(s.name, s.text, s.oids)
		}
		t.p.SendQueryPrepared(s.name, values, binaryFormat, binaryFormat)
	}
	t.c.unbind()
}

// flush sends everything.
func (t *trip) flush() error {
	t.err = t.p.Sync()
	return t.err
}

// next returns the rows of the next statement that was sent.
func (t *trip) next() (*pgconn.ResultReader, error) {
	for t.err == nil {
		var results any
		if results, t.err = t.p.GetResults(); t.err != nil {
			break
		}
		switch r := results.(type) {
		case *pgconn.ResultReader:
			return r, nil
		case *pgconn.StatementDescription:
			t.prepared(r)
		case *pgconn.CloseComplete:
		default:
			t.err = errors.New("postgres: the server answered fewer statements than were sent")
		}
	}
	return nil, t.err
}

// prepared notes that the server has prepared the next of the fresh statements.
func (t *trip) prepared(as *pgconn.StatementDescription) {
	s := t.fresh[t.ready]
	as.Name, as.SQL = s.name, s.text
	t.c.prepared[s] = as
	t.ready++
}

// done skips the next statement's rows, and returns how many there were and the
// command's tag.
func (t *trip) done() (rows int, tag pgconn.CommandTag, err error) {
	r, err := t.next()
	if err != nil {
		return 0, tag, err
	}
	for r.NextRow() {
		rows++
	}
	tag, t.err = r.Close()
	return rows, tag, t.err
}

// records appends the records of the next statement.
func (t *trip) records(dst []store.Record, table *store.Table) ([]store.Record, error) {
	r, err := t.next()
	if err != nil {
		return dst, err
	}
	for r.NextRow() {
		record := table.New()
		if err := t.c.decode(record, r.Values()); err != nil {
			return dst, err // end takes the rest
		}
		dst = append(dst, record)
	}
	_, t.err = r.Close()
	return dst, t.err
}

// end waits until the server has answered everything. Errors no longer matter:
// they follow what was wanted. But statements that were prepared are noted.
func (t *trip) end() {
	for {
		results, err := t.p.GetResults()
		if r, ok := results.(*pgconn.StatementDescription); ok {
			t.prepared(r)
		}
		_, through := results.(*pgconn.PipelineSync)
		if through || results == nil && codeOf(err) == "" {
			break
		}
	}
	_ = t.p.Close()
	if misled(t.err) {
		clear(t.c.prepared)
		t.c.doubted = true
	}
}
