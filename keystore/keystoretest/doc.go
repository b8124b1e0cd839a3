// Package keystoretest tests implementations of the interfaces of package keystore. It
// imports nothing but the standard library and keystore, so that it costs those who use it
// nothing more.
//
//	func TestStore(t *testing.T) {
//		keystoretest.Run(t, func(tb testing.TB) keystore.KeyStore { return mystore.New() })
//	}
//
// Stores of several processes pass [Shared], bounded ones [Bounded], and those that can fail
// [Break]. [RunCoordinator] does the same for keystore.Coordinator, [RunReplay] for
// keystore.Replay.
package keystoretest
