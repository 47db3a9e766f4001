package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pbxkit/pbx/store"
	"github.com/pbxkit/pbx/store/internal/sqlstore"
)

// codeOf returns the SQLSTATE of an error, or "" where the server did not send
// it. Errors are distinguished by it and by the statement that they answer, never
// by their text.
func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// class is the class of a SQLSTATE.
func class(code string) string {
	if len(code) < 2 {
		return ""
	}
	return code[:2]
}

// refusal returns what a store says of an error in an update that cannot have
// reached its COMMIT.
func refusal(doing string, err error) error {
	switch code := codeOf(err); {
	case again(err):
		return retry(doing, err)
	case class(code) == "23", class(code) == "22", class(code) == "54":
		// A constraint; a value out of its type's range; one too long for an index.
		return failure(doing, errors.Join(store.ErrConstraint, err))
	}
	return failure(doing, err)
}

// again reports whether the same update may well succeed when it is run again.
func again(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch e.Code {
	case "40001", "40P01", "55P03": // serialization, deadlock, a lock not to be had
		return true
	case "23505": // a unique claim
		return true
	case "22012": // a change that found no row: see found
		return true
	}
	return misled(e) || fatal(e)
}

// misled reports whether the server has other prepared statements than the
// connection expects: one is missing, or exists already. Another program has
// deallocated some, or a pooler switches the connection between servers.
func misled(err error) bool {
	switch codeOf(err) {
	case "26000", "42P05":
		return true
	}
	return false
}

// noneToSpare is the SQLSTATE of a server, a database or a role that has as many
// connections as it may have.
const noneToSpare = "53300"

// fatal reports whether the server ended the connection with the error.
func fatal(e *pgconn.PgError) bool {
	return e.SeverityUnlocalized == "FATAL" || e.SeverityUnlocalized == "PANIC"
}

// notCommitted reports whether a COMMIT that was answered by an error certainly
// committed nothing. An ERROR rolls everything back, except where the server says
// that it does not know, or broke down while it committed.
func notCommitted(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || fatal(e) || e.Code == "40003" {
		return false
	}
	switch class(e.Code) {
	case "08", "57", "58", "XX", "F0":
		return false
	}
	return true
}

// retry is store.ErrRetry with the cause at hand, and, where no change of others is
// the cause, with what could not be done.
func retry(doing string, cause error) error {
	r := &sqlstore.Retry{Again: store.ErrRetry, Cause: withoutPassword(cause)}
	if e, ok := errors.AsType[*pgconn.PgError](cause); !ok || misled(e) || fatal(e) {
		r.Failed = unable(doing, cause)
	}
	return r
}

// failure returns an error that says what the database could not do, and why, as
// far as a sentence can.
func failure(doing string, err error) error {
	return &store.Error{Kind: store.ErrStorage, Reason: unable(doing, err), Err: withoutPassword(err)}
}

func unable(doing string, err error) string {
	if isReadOnly(err) {
		doing = "be written to"
	}
	reason := "the database could not " + doing
	if why := why(err); why != "" {
		reason += ": " + why
	}
	return reason
}

// withoutPassword returns the cause of a failure as a host may unwrap it. The driver's
// error of a connection that could not be made has the whole configuration, and so the
// password; what its message names is left of it.
func withoutPassword(err error) error {
	e, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok || e.Config == nil {
		return err
	}
	c := *e
	c.Config = &pgconn.Config{Host: e.Config.Host, Port: e.Config.Port, Database: e.Config.Database, User: e.Config.User}
	return &c
}

// isReadOnly reports whether the server can only be read: it is a standby, or its
// transactions are read only.
func isReadOnly(err error) bool {
	_, standby := errors.AsType[*standby](err)
	return standby || codeOf(err) == "25006"
}

// standby is the error of a standby that was to begin a transaction that writes.
type standby struct{ cause error }

func (s *standby) Error() string { return "postgres: a standby: " + s.cause.Error() }
func (s *standby) Unwrap() error { return s.cause }

// notSupported is the SQLSTATE with which a standby refuses to begin one.
const notSupported = "0A000"

func why(err error) string {
	if isBroken(err) {
		return "the connection was lost"
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok && codeOf(err) == "" {
		if system := system(err); system != "" {
			return "the server cannot be reached: " + system
		}
		return "the server cannot be reached"
	}
	if isReadOnly(err) {
		return "it is a standby, or set to be read only"
	}
	switch code := codeOf(err); code {
	case "28000", "28P01":
		return "it refuses the role or the password"
	case "3D000":
		return "the server has no database of that name"
	case "42501":
		return "the role has not the right to"
	case "42P01", "3F000":
		return "a table is missing"
	case noneToSpare:
		return "the server has no connection to spare"
	case "57014":
		return "it took too long, or somebody cancelled it"
	case "57P03":
		return "the server is starting up or shutting down"
	default:
		if class(code) == "53" {
			return "the server has run out of room"
		}
	}
	return ""
}

// system returns the system's reason for a connection that could not be made, or "".
func system(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.Err
	}
	return ""
}

// unopened returns the error of a database that could not be opened, which says where
// it is and who wanted to open it, as the settings have it; never the password.
func unopened(config *pgconn.Config, err error) error {
	e, ok := errors.AsType[*store.Error](err)
	if !ok {
		return err
	}
	at := config.Host
	if !strings.HasPrefix(at, "/") { // the folder of a socket
		at = net.JoinHostPort(at, strconv.Itoa(int(config.Port)))
	}
	named := *e
	named.Reason = fmt.Sprintf("database %q at %s, as %q: %s", config.Database, at, config.User, e.Reason)
	return &named
}

// broken is an error that cost the connection.
type broken struct{ cause error }

func (b *broken) Error() string { return "postgres: connection lost: " + b.cause.Error() }
func (b *broken) Unwrap() error { return b.cause }

// seen returns a trip's error in the form by which it is recognised: an ended
// context as it is, a lost connection as broken.
func (c *conn) seen(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case codeOf(err) == "" && ctx.Err() != nil:
		return ctx.Err()
	case c.closed():
		return &broken{err}
	case codeOf(err) == notSupported && c.pg.ParameterStatus("in_hot_standby") == "on":
		return &standby{err}
	}
	return err
}

func isBroken(err error) bool {
	_, ok := errors.AsType[*broken](err)
	return ok
}

// isContextError reports whether an error is that of the caller's context.
func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
