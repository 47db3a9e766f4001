// Package pgwire stands between a PostgreSQL client and its server in tests:
// it counts how often the client waited for the network, and cuts connections
// at any message. Only tests import it.
package pgwire

import (
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// Proxy forwards connections to one database. All counts are over all of its
// connections; a connection's handshake, up to the server's first
// ReadyForQuery, and its Terminate message are never counted.
//
// A flush is what the client sends before it waits for the server. It begins
// with a message, and is complete with a Sync, Query, Flush, FunctionCall,
// CopyDone or CopyFail message, whatever the server says meanwhile: the answer
// to a long pipeline may begin early. The connection's next message begins
// another flush if anything that the server said was forwarded to the client
// since the flush became complete; otherwise the client did not wait, and the
// message goes on with the same flush. The data of a COPY always goes on with
// the flush of its statement, since pgx sends both without waiting.
//
// So pgx's waits are never counted too low. They are counted too high only
// where it sends several Syncs without waiting, and the server answers one
// before the next has come through: what comes in one piece of up to 256 KiB is
// safe from that.
type Proxy struct {
	listener net.Listener
	dsn      string
	network  string // of the server
	address  string
	running  sync.WaitGroup

	mu       sync.Mutex
	conns    map[*conn]bool  // that have not ended yet
	lost     map[string]bool // keys of connections that were cut
	refuse   bool
	flushes  []*flush
	messages int
	cuts     int
	cutIn    int // messages left until the cut; 0: none is asked for
	cutHow   How
}

// flush is the messages of one flush, for the trace.
type flush struct{ messages []string }

// Listen starts a proxy to the server and the database of the DSN, which ends
// with the test. It reaches the server without TLS.
func Listen(t testing.TB, dsn string) *Proxy {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatalf("pgwire: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("pgwire: %v", err)
	}
	p := &Proxy{listener: listener, dsn: through(config, listener.Addr()), conns: map[*conn]bool{}, lost: map[string]bool{}}
	p.network, p.address = pgconn.NetworkAddress(config.Host, config.Port)
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// through returns the URL of the configuration's database at another address.
func through(config *pgconn.Config, address net.Addr) string {
	query := url.Values{"sslmode": {"disable"}}
	for name, value := range config.RuntimeParams {
		query.Set(name, value)
	}
	u := url.URL{Scheme: "postgres", Host: address.String(), Path: "/" + config.Database, RawQuery: query.Encode()}
	u.User = url.User(config.User)
	if config.Password != "" {
		u.User = url.UserPassword(config.User, config.Password)
	}
	return u.String()
}

// DSN returns the postgres:// URL of the database through the proxy.
func (p *Proxy) DSN() string { return p.dsn }

// Flushes returns how many flushes began since the last Reset.
func (p *Proxy) Flushes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.flushes)
}

// Trace returns a line for each flush: the names of its messages, with the SQL
// text of Parse, Bind and Query.
func (p *Proxy) Trace() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := make([]string, len(p.flushes))
	for i, f := range p.flushes {
		lines[i] = strings.Join(f.messages, " ")
	}
	return lines
}

// Messages returns how many messages clients sent since the last Reset.
func (p *Proxy) Messages() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.messages
}

// Cuts returns how many of the cuts that CutAt asked for were made since the
// last Reset.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// Reset forgets what was counted, and a cut that was not made yet. Of a flush that
// has begun before, only its further messages are counted.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushes, p.messages, p.cuts, p.cutIn = nil, 0, 0, 0
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // the listener is closed
		}
		p.running.Go(func() { p.serve(client.(*net.TCPConn)) })
	}
}

func (p *Proxy) serve(client *net.TCPConn) {
	if p.refuses() {
		reset(client)
		return
	}
	server, err := net.Dial(p.network, p.address)
	if err != nil {
		reset(client)
		return
	}
	c := newConn(p, client, server.(serverConn))
	if !p.add(c) {
		reset(client)
		server.Close()
		return
	}
	p.running.Go(c.fromClient)
	c.fromServer()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	close(c.ended)
}

func (p *Proxy) refuses() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refuse
}

// add registers a connection, unless the proxy accepts none any more.
func (p *Proxy) add(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse {
		return false
	}
	p.conns[c] = true
	return true
}

// close ends the proxy, and does not wait for what the server is still doing.
func (p *Proxy) close() {
	p.listener.Close()
	p.Refuse(true)
	p.CutAll()
	p.mu.Lock()
	for c := range p.conns {
		c.server.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}
