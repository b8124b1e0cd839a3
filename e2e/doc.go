// Package e2e tests APIs as processes against a certified OpenID provider, which comes from
// npm: the bookstore with plain tokens, and the command boundapi with bound and opaque ones,
// behind TLS and with Redis; and a React page with Kinde's own SDK in Chromium, against that
// provider under Kinde's paths. `make e2e` installs what it needs. This package holds no code
// but tests.
package e2e
