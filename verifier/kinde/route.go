package kinde

import (
	"errors"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// maxScopeName is where Kinde begins to cut the names of scopes.
const maxScopeName = 64

// ScopeForRoute requires the scope that Kinde makes of an operation when an OpenAPI file is
// imported for the API, see [RouteScope], be it in scope, scp or permissions. A pattern that
// has no such scope denies, as [verifier.ErrMisconfigured].
//
//	mux.Handle(pattern, httpauth.Protect(g, kinde.ScopeForRoute(pattern))(handler))
func ScopeForRoute(pattern string) verifier.Requirement {
	scope, err := RouteScope(pattern)
	if err != nil {
		return verifier.Requirement{}
	}
	return PermissionOrScope(scope)
}

// RouteScope returns the name of the scope that Kinde makes of an operation when an OpenAPI
// file is imported, from a pattern of [net/http.ServeMux] with a method: small letters, a colon
// after the method, no braces, and an underscore for every other character that is neither
// letter nor digit. "GET /users/{userId}" becomes get:users_userid. A host is left out, as are
// the dots of {rest...} and a final {$}.
//
// It fails for a pattern without method or path, and for a name of more than 64 characters,
// which Kinde cuts and completes in a way it does not document.
func RouteScope(pattern string) (string, error) {
	method, rest, ok := strings.Cut(pattern, " ")
	rest = strings.TrimLeft(rest, " \t")
	slash := strings.IndexByte(rest, '/')
	if !ok || method == "" || slash < 0 {
		return "", errors.New("kinde: RouteScope: the pattern is not a method, a space and a path")
	}
	path := strings.TrimSuffix(rest[slash+1:], "{$}")
	var b strings.Builder
	b.WriteString(method + ":")
	for _, r := range strings.ReplaceAll(path, "...}", "}") {
		switch {
		case r == '{' || r == '}':
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	name := strings.ToLower(b.String())
	switch {
	case path == "":
		return "", errors.New("kinde: RouteScope: the path is empty")
	case len(name) > maxScopeName:
		return "", errors.New("kinde: RouteScope: the name is longer than 64 characters")
	}
	return name, nil
}
