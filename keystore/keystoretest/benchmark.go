package keystoretest

import (
	"testing"

	"github.com/keychorus/keychorus/keystore"
)

// Benchmark measures loading, loading on every processor at once, and saving one record of
// usual size.
func Benchmark(b *testing.B, newStore func(testing.TB) keystore.KeyStore) {
	b.Helper()
	rec := full(plainID)
	rec.Document = make([]byte, 1200)
	b.Run("load", func(b *testing.B) {
		store := newStore(b)
		mustSave(b, store, plainID, rec, "")
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := store.Load(b.Context(), plainID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("load in parallel", func(b *testing.B) {
		store := newStore(b)
		mustSave(b, store, plainID, rec, "")
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, _, err := store.Load(b.Context(), plainID); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	b.Run("save", func(b *testing.B) {
		store := newStore(b)
		v := mustSave(b, store, plainID, rec, "")
		b.ReportAllocs()
		for b.Loop() {
			rec := *rec
			rec.Epoch++
			v = mustSave(b, store, plainID, &rec, v)
		}
	})
}
