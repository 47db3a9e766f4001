package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlschema"
)

// statement is a statement's text, and the name under which connections keep
// it prepared. There is one for each text.
type statement struct {
	name, text string
	types      []store.Type // of its values
	oids       []uint32     // the same, as the server knows them
}

var oidOf = [...]uint32{
	store.Text: pgtype.TextOID, store.Int: pgtype.Int8OID, store.Bool: pgtype.BoolOID, store.Time: pgtype.TimestamptzOID,
	store.UUID: pgtype.UUIDOID, store.List: pgtype.TextArrayOID, store.Bytes: pgtype.ByteaOID,
}

// newStatement names a statement by its text, so that a name means the same to
// all stores that share a connection.
func newStatement(text string, types ...store.Type) *statement {
	sum := sha256.Sum256([]byte(text))
	s := &statement{name: "pbx_" + hex.EncodeToString(sum[:12]), text: text, types: types}
	for _, t := range types {
		s.oids = append(s.oids, oidOf[t])
	}
	return s
}

// The statements that begin and end transactions. An update says what it
// needs, whatever the server's defaults are.
var (
	beginView   = newStatement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	beginUpdate = newStatement("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
	commit      = newStatement("COMMIT")
	rollback    = newStatement("ROLLBACK")
)

// statements are those over the tables of one schema.
type statements struct {
	schema      string
	dialect     sqlschema.Dialect
	lockTenant  *statement
	lockVersion *statement
	touchTenant *statement

	mu     sync.RWMutex
	known  map[string]*statement // by their shapes' keys
	byName map[string]*statement // two shapes may have one text
}

// ofSchema holds the *statements of each schema in use.
var ofSchema sync.Map

func statementsOf(schema string) *statements {
	if known, ok := ofSchema.Load(schema); ok {
		return known.(*statements)
	}
	prefix := pgx.Identifier{schema}.Sanitize() + "."
	known, _ := ofSchema.LoadOrStore(schema, &statements{
		schema:  schema,
		dialect: sqlschema.Dialect{Param: sqlschema.Dollar, Schema: prefix},
		// Others may still insert rows that refer to the tenant's row: so an update
		// of a tenant does not wait for one that hands numbers over to it.
		lockTenant:  newStatement("SELECT true FROM "+prefix+"tenants WHERE id = $1 FOR NO KEY UPDATE", store.UUID),
		lockVersion: newStatement("SELECT true FROM " + prefix + "schema_version FOR UPDATE"),
		// A write in any case: where the tenant has no row, of the version's.
		touchTenant: newStatement("WITH own AS (UPDATE "+prefix+"tenants SET rev = rev WHERE id = $1 RETURNING 1) UPDATE "+
			prefix+"schema_version SET version = version WHERE NOT EXISTS (SELECT 1 FROM own)", store.UUID),
		known:  make(map[string]*statement),
		byName: make(map[string]*statement),
	})
	return known.(*statements)
}

// of returns the statement of that shape.
func (s *statements) of(shape sqlschema.Statement) *statement {
	var room [32]byte
	key := shape.AppendKey(room[:0])
	if known := s.lookup(key); known != nil {
		return known
	}
	text, types := shape.Text(s.dialect)
	if shape.Verb == sqlschema.VerbUpdate || shape.Verb == sqlschema.VerbDelete {
		text = found(text)
	}
	return s.keep(key, newStatement(text, types...))
}

// ofChain returns the statement of a read that may have sources.
func (s *statements) ofChain(chain sqlschema.Chain) *statement {
	var room [64]byte
	key := chain.AppendKey(append(room[:0], 0)) // no shape's key begins with 0
	if known := s.lookup(key); known != nil {
		return known
	}
	text, types := chain.Text(s.dialect)
	return s.keep(key, newStatement(text, types...))
}

// found makes a change fail where it finds no row: the statements after it, COMMIT
// among them, are on their way already.
func found(change string) string {
	return "WITH changed AS (" + change + " RETURNING 1) SELECT 1 / count(*) FROM changed"
}

func (s *statements) lookup(key []byte) *statement {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.known[string(key)]
}

// keep keeps a statement, unless there is one of that text already.
func (s *statements) keep(key []byte, made *statement) *statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.byName[made.name]; known != nil {
		made = known
	}
	s.byName[made.name], s.known[string(key)] = made, made
	return made
}
