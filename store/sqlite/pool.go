package sqlite

import (
	"context"
	"errors"
	"sync"
)

// pool keeps the connections that read. It grows on demand and nobody waits for
// it, so that views can be nested in views to any depth. It keeps a few of those
// that are given back.
type pool struct {
	open func() (*conn, error)
	keep int

	mu   sync.Mutex
	idle []*conn
}

func (p *pool) get() (*conn, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	return p.open()
}

func (p *pool) put(c *conn) {
	p.mu.Lock()
	if len(p.idle) < p.keep {
		p.idle = append(p.idle, c)
		c = nil
	}
	p.mu.Unlock()
	if c != nil {
		_ = c.close() // nothing is open in it
	}
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, c := range p.idle {
		errs = append(errs, c.close())
	}
	p.idle = nil
	return errors.Join(errs...)
}

// turn is the one connection that writes, and whose turn it is: it is taken
// and put back. It is nil while there is none.
type turn chan *conn

func (t turn) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c := <-t:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
