// Package graphqlapi guards a gqlgen server, over HTTP and over websockets.
//
// A browser cannot set a header on a websocket: its token comes in the connection_init
// message, after the connection has been upgraded. So there are two servers on one address,
// each with one transport, and which of them answers is settled in one place. Who does not
// send connection_init in time is disconnected, and so is who stays beyond the expiry of the
// token.
package graphqlapi

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/verifier"
)

// New returns a server of the schema for those whose token meets the requirements. What
// single fields require is asked in their resolvers, with [verifier.Token.Require].
func New(g *guard.Guard, schema graphql.ExecutableSchema, reqs ...verifier.Requirement) http.Handler {
	calls, sockets := handler.New(schema), handler.New(schema)
	calls.AddTransport(transport.POST{})
	sockets.AddTransport(transport.Websocket{
		InitFunc: initFunc(g, reqs), InitTimeout: 10 * time.Second, KeepAlivePingInterval: 20 * time.Second,
	})
	protected := httpauth.Protect(g, reqs...)(calls)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			sockets.ServeHTTP(w, r)
			return
		}
		protected.ServeHTTP(w, r)
	})
}

func initFunc(g *guard.Guard, reqs []verifier.Requirement) transport.WebsocketInitFunc {
	return func(ctx context.Context, payload transport.InitPayload) (context.Context, *transport.InitPayload, error) {
		d := g.Check(ctx, guard.Request{Method: http.MethodGet, Header: initHeader(payload)}, reqs...)
		if !d.Allowed() {
			err := refusal(d)
			// The newer of the two protocols tells it in the close frame, with codes such as 4401.
			ctx = transport.WithWebsocketCloseCode(transport.AppendCloseReason(ctx, err.Error()), 4000+d.Status())
			return ctx, nil, err
		}
		ctx = d.Context(ctx)
		if d.Anonymous() {
			return ctx, nil, nil
		}
		ctx = transport.AppendCloseReason(ctx, verifier.ReasonExpired.Description()) // the end that comes from here
		ctx, cancel := context.WithDeadline(ctx, d.Token().ExpiresAt())
		context.AfterFunc(ctx, cancel) // with the connection, or in time
		return ctx, nil, nil
	}
}

// initHeader reads the payload as a header: every member counts, whatever the case of its
// name, and what is no string is a broken value.
func initHeader(payload transport.InitPayload) http.Header {
	h := http.Header{}
	for name, value := range payload {
		if strings.EqualFold(name, "Authorization") {
			text, _ := value.(string)
			h.Add("Authorization", text)
		}
	}
	return h
}

// refusal tells a fixed text of a closed list: that of the error may be for our own logs.
func refusal(d guard.Decision) error {
	reason := verifier.ReasonMisconfigured
	if e, ok := errors.AsType[*verifier.Error](d.Err()); ok {
		reason = e.Reason
	}
	return errors.New(reason.Description())
}
