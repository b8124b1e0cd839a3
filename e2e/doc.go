// Package e2e tests the bookstore as a process against a certified OpenID provider, which
// comes from npm: `make e2e` installs it. It holds no code but tests.
package e2e
