package storetest

import (
	"testing"

	"github.com/pbxkit/pbx/store"
)

func get(t *testing.T, open func(t *testing.T) store.Store) {
	each(t, open, map[string]func(*fixture){
		"several keys in their order, nil where there is none": func(f *fixture) {
			a, b := f.location("A"), f.location("B")
			p := f.pool("STANDARD", 3)
			f.must(insert(a, b, p)...)
			missing := f.location("C")
			bothReaders(f, func(f *fixture, r store.Reader) {
				got, err := r.Get(f.ctx, keyOf(b), keyOf(missing), keyOf(p), keyOf(a), keyOf(b), keyOf(f.pool("OTHER", 1)))
				f.ok(err)
				f.equalAll(got, []store.Record{b, nil, p, a, b, nil})
			})
		},
		"no keys": func(f *fixture) {
			bothReaders(f, func(f *fixture, r store.Reader) {
				got, err := r.Get(f.ctx)
				f.ok(err)
				f.equalAll(got, nil)
			})
		},
		"many keys": func(f *fixture) {
			var keys []store.Key
			var want []store.Record
			for i := range 300 {
				p := f.pool("P"+string(rune('0'+i%10))+string(rune('A'+i/10)), int64(i))
				keys, want = append(keys, keyOf(p)), append(want, p)
			}
			f.must(insert(want...)...)
			bothReaders(f, func(f *fixture, r store.Reader) {
				got, err := r.Get(f.ctx, keys...)
				f.ok(err)
				f.equalAll(got, want)
			})
		},
		"by every unique index": func(f *fixture) {
			f.company()
			f.save()
			bothReaders(f, func(f *fixture, r store.Reader) {
				for _, record := range f.everything(r) {
					for _, ix := range record.Table().Indexes {
						if _, in := ix.Values(record); in && ix.Unique {
							f.equal(f.one(r, keyIn(ix, record)), record)
						}
					}
				}
			})
		},
		"another tenant's key finds nothing": func(f *fixture) {
			l := f.location("A")
			f.must(insert(l)...)
			other := f.world.customer("Other")
			f.save()
			bothReaders(f, func(f *fixture, r store.Reader) {
				f.equal(f.one(r, store.Key{Index: l.Table().Key(), Values: []any{other.tenant.ID, l.ID}}), nil)
			})
		},
		"text is compared with its case, spaces and length": func(f *fixture) {
			f.must(insert(f.pool("Standard", 1))...)
			bothReaders(f, func(f *fixture, r store.Reader) {
				for _, code := range []string{"standard", "STANDARD", "Standard ", " Standard", "Standar", "Standard1", ""} {
					f.equal(f.one(r, keyOf(f.pool(code, 1))), nil)
				}
			})
		},
	})
}

// bothReaders runs a test with the Reader of a view and with that of an update.
func bothReaders(f *fixture, test func(f *fixture, r store.Reader)) {
	f.Run("view", func(t *testing.T) {
		f := f.in(t)
		f.view(func(r store.Reader) { test(f, r) })
	})
	f.Run("update", func(t *testing.T) {
		f := f.in(t)
		f.ok(f.store.Update(f.ctx, f.tenant.ID, func(w store.Writer) error {
			test(f, w)
			return nil
		}))
	})
}
