package pgwire

import "net"

// piece is how much is read at a time.
const piece = 256 << 10

// serverConn is a TCP or Unix connection.
type serverConn interface {
	net.Conn
	CloseWrite() error
}

// conn is one client's connection, and that to the server. The proxy's lock
// guards what changes.
type conn struct {
	proxy  *Proxy
	client *net.TCPConn
	server serverConn
	ended  chan struct{} // closed when the server has ended the connection

	ready      bool   // the handshake is over
	key        string // what a CancelRequest for this connection says
	gone       bool   // the client is, or has been cut off
	complete   bool   // the last flush is
	answered   bool   // something was forwarded since it is
	flush      *flush
	statements map[string]string // SQL of prepared statements, for the trace
}

func newConn(p *Proxy, client *net.TCPConn, server serverConn) *conn {
	return &conn{
		proxy: p, client: client, server: server, ended: make(chan struct{}),
		complete: true, answered: true, statements: map[string]string{},
	}
}

// fromClient forwards whole messages until one side ends or the cut comes.
func (c *conn) fromClient() {
	in := make([]byte, piece)
	rest, err := c.start()
	for err == nil {
		var forward []byte
		var cut bool
		forward, rest, cut = c.take(rest)
		if _, err := c.server.Write(forward); err != nil && !cut {
			return // fromServer sees it too, and forwards the server's last answers
		}
		if cut {
			c.sever()
			return
		}
		var n int
		n, err = c.client.Read(in)
		rest = append(rest, in[:n]...)
	}
	c.leave()
	c.server.CloseWrite()
}

// start forwards the connection's first message, which has no kind, and returns
// what came after it. A client that asks for encryption is refused it.
func (c *conn) start() (rest []byte, err error) {
	in := make([]byte, piece)
	for {
		n, err := c.client.Read(in)
		if err != nil {
			return nil, err
		}
		rest = append(rest, in[:n]...)
		first, after, whole := cutStart(rest)
		if !whole {
			continue
		}
		if !wantsEncryption(first) {
			if c.proxy.lostTo(first) {
				return nil, errLost
			}
			_, err := c.server.Write(first)
			return after, err
		}
		rest = after
		if _, err := c.client.Write([]byte{'N'}); err != nil {
			return nil, err
		}
	}
}

// shake reads the server's part of a handshake, and reports whether the handshake
// is over.
func (c *conn) shake(in []byte) (rest []byte, ready bool) {
	for {
		m, after, whole := cutMessage(in)
		if !whole {
			return in, false
		}
		switch m.kind() {
		case 'K': // BackendKeyData
			c.key = string(m[5:])
		case 'Z': // ReadyForQuery
			return nil, true
		}
		in = after
	}
}

// take counts the complete messages. It returns the bytes to forward, the bytes that
// are left, and whether the connection is to be cut afterwards.
func (c *conn) take(in []byte) (forward, rest []byte, cut bool) {
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	rest = in
	for {
		m, after, whole := cutMessage(rest)
		if !whole {
			return in[:len(in)-len(rest)], rest, false
		}
		if how := c.count(m); how != 0 {
			c.lose()
			sent := len(in) - len(rest) + how.of(len(m))
			return in[:sent], nil, true
		}
		rest = after
	}
}

// of returns how many of a message's bytes are forwarded.
func (h How) of(size int) int {
	switch h {
	case Before:
		return 0
	case During:
		return size / 2
	}
	return size
}

// count counts a message, and returns how the connection is to be cut at it.
func (c *conn) count(m message) How {
	if !c.ready || m.kind() == 'X' {
		return 0
	}
	p := c.proxy
	p.messages++
	if c.complete && c.answered && !m.copies() {
		c.flush = &flush{}
		p.flushes = append(p.flushes, c.flush)
	}
	c.flush.messages = append(c.flush.messages, m.describe(c.statements))
	if c.complete = m.completes(); c.complete {
		c.answered = false
	}
	if p.cutIn == 0 {
		return 0
	}
	if p.cutIn--; p.cutIn > 0 {
		return 0
	}
	p.cuts++
	return p.cutHow
}

// fromServer forwards the server's answers until the server ends the connection.
// Once the client has gone it drops them.
func (c *conn) fromServer() {
	defer c.server.Close()
	defer c.client.Close()
	in := make([]byte, piece)
	var handshake []byte
	for {
		n, err := c.server.Read(in)
		if err != nil {
			return
		}
		c.proxy.mu.Lock()
		if !c.ready {
			handshake = append(handshake, in[:n]...)
			handshake, c.ready = c.shake(handshake)
		}
		c.answered = true
		gone := c.gone
		c.proxy.mu.Unlock()
		if gone {
			continue
		}
		if _, err := c.client.Write(in[:n]); err != nil {
			c.leave() // fromClient sees it too, and ends the server's side
		}
	}
}

// leave notes that the client has gone.
func (c *conn) leave() {
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	c.gone = true
}
