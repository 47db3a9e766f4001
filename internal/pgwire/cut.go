package pgwire

import (
	"errors"
	"net"
)

// How says at which point of a message a connection is cut. To the client a cut
// is a reset. The server handles everything that was forwarded to it, and then
// finds that the client has gone; its answers are dropped. A request to cancel what
// the server is doing there, as pgx sends one when a connection breaks, is not
// forwarded either.
type How int

const (
	// Before: the message is not forwarded.
	Before How = iota + 1
	// During: half of its bytes are.
	During
	// After: all of it is, so the server handles it, and the client gets no answer.
	After
)

func (h How) String() string {
	return map[How]string{Before: "before", During: "during", After: "after"}[h]
}

// CutAt cuts, once, the connection on which the n-th message from now on arrives;
// the next message is the first. 0 makes no cut.
func (p *Proxy) CutAt(n int, how How) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutIn, p.cutHow = n, how
}

// CutAll cuts all connections now.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.lose()
		c.sever()
	}
}

// Refuse says whether new connections are closed at once, as if the server were
// away. Existing ones stay.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// Wait waits until the server has ended all connections that were cut or that
// their client has left: from then on nothing that was sent on them changes the
// database.
func (p *Proxy) Wait() {
	p.mu.Lock()
	var ended []chan struct{}
	for c := range p.conns {
		if c.gone {
			ended = append(ended, c.ended)
		}
	}
	p.mu.Unlock()
	for _, e := range ended {
		<-e
	}
}

// lose notes, under the proxy's lock, that the connection is cut.
func (c *conn) lose() {
	c.gone = true
	c.proxy.lost[c.key] = true
}

var errLost = errors.New("pgwire: the connection to cancel is cut")

// lostTo reports whether the first message of a connection is a request to cancel
// what another connection does, which is cut.
func (p *Proxy) lostTo(start []byte) bool {
	key, ok := cancels(start)
	p.mu.Lock()
	defer p.mu.Unlock()
	return ok && p.lost[key]
}

// sever makes the cut: a reset for the client, and for the server an end of file
// after what was forwarded. fromServer reads on until the server ends.
func (c *conn) sever() {
	reset(c.client)
	c.server.CloseWrite()
}

// reset closes a connection so that the other side gets an error, not an end.
func reset(client *net.TCPConn) {
	client.SetLinger(0)
	client.Close()
}
