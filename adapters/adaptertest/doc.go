// Package adaptertest is the test table for adapters: the code between a framework and
// package guard. Every adapter of this repository passes it, and yours should:
//
//	func TestAdapter(t *testing.T) {
//		adaptertest.Run(t, func(tb testing.TB, g *guard.Guard, reqs []verifier.Requirement, next http.HandlerFunc) string {
//			server := httptest.NewServer(myauth.Protect(g, reqs...)(next))
//			tb.Cleanup(server.Close)
//			return server.URL
//		})
//	}
//
// The table speaks HTTP/1.1 over a real socket, because what goes wrong between a
// framework and a guard does so there: duplicate headers, reused buffers, connections
// that serve one caller after the other, callers that leave, paths that are decoded too early.
// Adapters of protocols that are no HTTP requests stand behind a bridge, see [Bridged].
package adaptertest
