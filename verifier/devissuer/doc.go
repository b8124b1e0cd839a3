// Package devissuer is a development issuer: it publishes a key set and mints
// signed JWTs in the shape of Kinde's access tokens, with no network, account
// or configuration.
//
// NEVER USE IT IN PRODUCTION. Whoever can reach [Issuer.Mint] is every user of
// the API that trusts the issuer: nobody signs in, keys live in memory and are
// gone with the process, and [Issuer.Sign] signs any bytes it is given. It is
// for tests, examples, benchmarks and a developer's own machine.
//
// An [Issuer] is an [http.Handler], to be served on a socket, and it offers an
// [http.RoundTripper] that reaches the handler without one, also inside a
// testing/synctest bubble:
//
//	issuer, err := devissuer.New("https://issuer.test")
//	client := &http.Client{Transport: issuer.RoundTripper()}
//	token, err := issuer.Mint(devissuer.Claims{"aud": []string{"https://api.test"}})
//
// For a socket, listen first: the URL is the exact iss claim and has to be
// known before the first token.
//
//	listener, err := net.Listen("tcp", "127.0.0.1:0")
//	issuer, err := devissuer.New("http://" + listener.Addr().String())
//	err = http.Serve(listener, issuer)
//
// It can misbehave on request: rotate and withdraw keys, publish any document,
// answer with any status, hang, and sign hostile headers and payloads. It
// counts the requests it has seen.
//
// All methods may be called concurrently.
package devissuer
