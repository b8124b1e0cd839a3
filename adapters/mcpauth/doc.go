// Package mcpauth guards servers of the MCP go-sdk that are reached over HTTP.
//
//	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
//	mux.Handle("/mcp", mcpauth.Protect(g, verifier.Scopes("mcp"))(handler))
//
// It stands in the place of the go-sdk's RequireBearerToken, and answers what that leaves
// out: challenges name their error, so that a client knows whether to sign in again or to
// ask for more scopes; keys that cannot be had are 503 with Retry-After, not 500; a
// requirement may be any of several scopes; the body is a JSON object with error and
// error_description from closed lists, labelled application/json.
//
// # Metadata
//
// MCP clients look for the authorization server in the document of RFC 9728. Package guard
// makes it, and names it in every challenge:
//
//	m := guard.ResourceMetadata{Resource: "https://api.example.com/mcp", AuthorizationServers: []string{issuer}}
//	url, err := m.URL()
//	g, err := guard.New(v, guard.WithResourceMetadata(url))
//	document, err := m.Handler() // mounted at the path of url, without a guard
//
// # What the go-sdk gets
//
// The token is verified once. Its [auth.TokenInfo] has the scopes, the expiry, and as UserID
// the issuer and the subject together, since a subject is unique for one issuer only; for a
// machine's token without a subject, the client. The go-sdk binds a session to the UserID: a
// stolen Mcp-Session-Id is of no use with another user's token. Sessions of anonymous
// callers ([guard.WithOptional]) are bound to nobody.
//
// # In a tool
//
// The context of a tool is that of its session, which may be older than the call. Take the
// token of the call, and ask it for what this one tool needs:
//
//	token, ok := mcpauth.Token(req.Extra.TokenInfo)
//	if !ok {
//		return nil, nil, errors.New("sign in")
//	}
//	if err := token.Require(ctx, verifier.Scopes("write:books")); err != nil {
//
// The go-sdk gives tools the header of the request too, with the token in it. A server must
// not pass that on to other servers.
package mcpauth
