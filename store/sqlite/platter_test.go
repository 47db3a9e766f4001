package sqlite_test

import (
	"maps"
	"slices"
)

// sector is what a disk writes whole.
const sector = 512

// image is a file: what programs see, and what of it is on the disk.
type image struct {
	cache   []byte
	durable []byte
	named   bool // its name is on the disk
}

// platter is a disk whose power may go: its files, what was written to them and not
// flushed, and the files that were removed but whose names may come back.
type platter struct {
	files   map[string]*image
	pending []event
	ghosts  map[string]*image
}

func newPlatter(database []byte) *platter {
	return &platter{
		files:  map[string]*image{"db": {cache: database, durable: database, named: true}},
		ghosts: map[string]*image{},
	}
}

// clone is the platter as it is now. Bytes are never changed in place.
func (p *platter) clone() *platter {
	files := map[string]*image{}
	for name, f := range p.files {
		copied := *f
		files[name] = &copied
	}
	return &platter{files: files, pending: slices.Clone(p.pending), ghosts: maps.Clone(p.ghosts)}
}

// play has an event happen.
func (p *platter) play(e event) {
	f := p.files[e.file]
	if f == nil && e.kind != named && e.kind != done {
		f = new(image)
		p.files[e.file] = f
	}
	switch e.kind {
	case written, truncated:
		f.cache = e.on(f.cache)
		p.pending = append(p.pending, e)
	case synced: // which does not write again what was lost
		f.write(p.of(e.file))
		p.forget(e.file)
	case renewed:
		f.durable = f.cache
		p.forget(e.file)
	case lost: // but for the first pieces of it
		waiting := pieces(p.of(e.file))
		f.write(waiting[:min(len(waiting), int(e.offset))])
		p.forget(e.file)
	case deleted:
		if f.named {
			p.ghosts[e.file] = f
		}
		delete(p.files, e.file)
		p.forget(e.file)
	case named:
		clear(p.ghosts)
		for _, f := range p.files {
			f.named = true
		}
	}
}

// write brings what was written to the disk.
func (f *image) write(events []event) {
	for _, e := range events {
		f.durable = e.on(f.durable)
	}
}

// of returns what was written to a file and not flushed.
func (p *platter) of(file string) (list []event) {
	for _, e := range p.pending {
		if e.file == file {
			list = append(list, e)
		}
	}
	return list
}

func (p *platter) forget(file string) {
	p.pending = slices.DeleteFunc(slices.Clone(p.pending), func(e event) bool { return e.file == file })
}

// on returns a file's bytes after a write or truncation. They are new.
func (e event) on(data []byte) []byte {
	end := int(e.offset) + len(e.data)
	if e.kind == truncated {
		data = data[:min(len(data), end)]
	}
	out := make([]byte, max(len(data), end))
	copy(out, data)
	copy(out[e.offset:], e.data)
	return out
}

// pieces divides writes where sectors end.
func pieces(events []event) (out []event) {
	for _, e := range events {
		for e.kind == written && int(e.offset%sector)+len(e.data) > sector {
			n := sector - int(e.offset%sector)
			out = append(out, event{kind: written, file: e.file, offset: e.offset, data: e.data[:n]})
			e.offset, e.data = e.offset+int64(n), e.data[n:]
		}
		out = append(out, e)
	}
	return out
}

// after returns the files that a loss of power leaves when of what was not flushed
// only the chosen pieces got to the disk.
func (p *platter) after(chosen []event) map[string][]byte {
	out := map[string][]byte{}
	for name, f := range p.ghosts {
		out[name] = f.durable
	}
	for name, f := range p.files {
		if f.named {
			out[name] = f.durable
		}
	}
	for _, e := range chosen {
		if f := p.files[e.file]; f != nil && f.named {
			out[e.file] = e.on(out[e.file])
		}
	}
	return out
}
