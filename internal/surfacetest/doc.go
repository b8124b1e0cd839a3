// Package surfacetest holds the list of every exported name of the published packages in
// surface.txt, the test that keeps it true, and no code.
//
// A change of the list is a change that users see: it belongs into the changelog, and if a line
// goes away or changes, into a new minor version. After one that is meant:
//
//	go test ./internal/surfacetest -update
package surfacetest
