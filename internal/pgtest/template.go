package pgtest

import (
	"context"
	"sync"
)

// fillers is how many copies of a template are being made at a time, and as
// many again wait ready: making one is mostly waiting (27 ms alone, 8 ms each
// where four are made at once), so a test that takes longer than that finds its
// database there already.
const fillers = 2

// template is a database that is prepared once and copied for each test.
type template struct {
	server *server
	once   sync.Once
	err    error
	ready  chan copied // holds as many as there are fillers
}

type copied struct {
	database string
	err      error
}

// copy returns the name of a database that is a copy of the template.
func (p *template) copy(prepare func(dsn string) error) (string, error) {
	p.once.Do(func() { p.err = p.begin(prepare) })
	if p.err != nil {
		return "", p.err
	}
	c := <-p.ready
	return c.database, c.err
}

func (p *template) begin(prepare func(dsn string) error) error {
	database, err := p.server.create(context.Background(), "template0")
	if err != nil {
		return err
	}
	if err := prepare(p.server.dsn(database)); err != nil {
		return err
	}
	for range fillers {
		p.server.running.Go(func() { p.fill(database) })
	}
	return nil
}

// fill makes copies, as many as are taken, until the server closes.
func (p *template) fill(from string) {
	ctx := context.Background()
	for {
		database, err := p.server.create(ctx, from)
		select {
		case p.ready <- copied{database, err}:
		case <-p.server.closing:
			return
		}
	}
}
