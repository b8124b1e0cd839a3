package sealed_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/keystoretest"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// backends are two that have nothing in common, each with and without announcements.
var backends = map[string]func(testing.TB) sealed.Backend{
	"memory":                     func(testing.TB) sealed.Backend { return newBackend() },
	"memory that announces":      func(testing.TB) sealed.Backend { return announcing{newBackend()} },
	"memory that tells no time":  func(testing.TB) sealed.Backend { b := newBackend(); b.leftUnknown = true; return b },
	"a directory":                func(tb testing.TB) sealed.Backend { return directory(tb.TempDir()) },
	"a directory that announces": func(tb testing.TB) sealed.Backend { return noticeboard{directory(tb.TempDir())} },
}

// patient stores do not mind a machine that is busy with other tests.
func patient(tb testing.TB, b sealed.Backend) *sealed.Store {
	tb.Helper()
	return newStore(tb, b, sealed.WithTimeout(10*time.Second))
}

func TestStoreKeepsThePromisesOfKeyStore(t *testing.T) {
	for name, fresh := range backends {
		t.Run(name, func(t *testing.T) {
			broken := map[keystore.KeyStore]*breakable{}
			keystoretest.Run(t,
				func(tb testing.TB) keystore.KeyStore {
					b := &breakable{Backend: fresh(tb)}
					s := patient(tb, b)
					broken[s] = b
					return s
				},
				keystoretest.Shared(func(tb testing.TB) (one, other keystore.KeyStore) {
					b := fresh(tb)
					return patient(tb, b), patient(tb, b)
				}),
				keystoretest.Break(func(s keystore.KeyStore) { broken[s].down = true }))
		})
	}
}

func TestStoreKeepsThePromisesOfReplay(t *testing.T) {
	for name, fresh := range backends {
		synctest.Test(t, func(t *testing.T) {
			t.Log(name)
			keystoretest.RunReplay(t, func(tb testing.TB) keystore.Replay { return patient(tb, fresh(tb)) })
		})
	}
}

func TestStoreKeepsThePromisesOfCoordinator(t *testing.T) {
	for name, fresh := range backends {
		synctest.Test(t, func(t *testing.T) {
			t.Log(name)
			keystoretest.RunCoordinator(t, func(tb testing.TB) (one, other keystoretest.Coordinated) {
				b := fresh(tb)
				return patient(tb, b), patient(tb, b)
			})
		})
	}
}

func BenchmarkStore(b *testing.B) {
	keystoretest.Benchmark(b, func(tb testing.TB) keystore.KeyStore { return newStore(tb, newBackend()) })
}
