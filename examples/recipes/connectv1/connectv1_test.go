package connectv1_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/keychorus/keychorus/examples/recipes/connectv1"
	"github.com/keychorus/keychorus/examples/recipes/try"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

func TestHTTP(t *testing.T) {
	g, issuer := try.Guard(t)
	ada := issuer.Token(verifiertest.Claims{"sub": "ada"})
	try.Calls(t, try.Serve(t, connectv1.New(g)), map[string]try.Call{
		"no token":      {Method: "POST", Path: connectv1.List, Body: "{}", Status: 401, Want: `"code":"unauthenticated"`, Challenge: "Bearer"},
		"two tokens":    {Method: "POST", Path: connectv1.List, Body: "{}", Tokens: []string{ada, ada}, Status: 400, Want: `"code":"invalid_argument"`, Challenge: "invalid_request"},
		"good token":    {Method: "POST", Path: connectv1.List, Body: "{}", Tokens: []string{ada}, Status: 200, Want: `"hello ada"`},
		"without scope": {Method: "POST", Path: connectv1.Add, Body: "{}", Tokens: []string{ada}, Status: 403, Want: `"code":"permission_denied"`, Challenge: `scope="write:books"`},
		"no RPC":        {Method: "DELETE", Path: connectv1.Add, Status: 401, Want: `"type":"about:blank"`, Challenge: "Bearer"},
	})
}

// Every protocol tells its own clients.
func TestProtocols(t *testing.T) {
	g, issuer := try.Guard(t)
	server := httptest.NewUnstartedServer(connectv1.New(g))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	ada := issuer.Token(verifiertest.Claims{"sub": "ada"})
	for protocol, option := range map[string]connect.ClientOption{
		"Connect": connect.WithProtoJSON(), "gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(),
	} {
		for what, test := range map[string]struct {
			procedure, token string
			code             connect.Code
			reason           verifier.Reason
		}{
			"no token":      {connectv1.List, "", connect.CodeUnauthenticated, verifier.ReasonNoCredentials},
			"bad token":     {connectv1.List, "undefined", connect.CodeUnauthenticated, verifier.ReasonPlaceholder},
			"without scope": {connectv1.Add, ada, connect.CodePermissionDenied, verifier.ReasonScope},
			"good token":    {connectv1.List, ada, 0, ""},
		} {
			client := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](server.Client(), server.URL+test.procedure, option)
			request := connect.NewRequest(&emptypb.Empty{})
			if test.token != "" {
				request.Header().Set("Authorization", "Bearer "+test.token)
			}
			reply, err := client.CallUnary(t.Context(), request)
			if test.code == 0 {
				if err != nil || reply.Msg.GetValue() != "hello ada" {
					t.Errorf("%s, %s: %v", protocol, what, err)
				}
				continue
			}
			if connect.CodeOf(err) != test.code || !strings.HasSuffix(err.Error(), ": "+test.reason.Description()) {
				t.Errorf("%s, %s: %v", protocol, what, err)
			}
		}
	}
}

func TestKeysAreNotAvailable(t *testing.T) {
	g, issuer := try.Guard(t)
	issuer.Fail(http.StatusBadGateway)
	try.Calls(t, try.Serve(t, connectv1.New(g)), map[string]try.Call{
		"good token": {Method: "POST", Path: connectv1.List, Body: "{}", Tokens: []string{issuer.Token()}, Status: 503, Want: `"code":"unavailable"`},
	})
}
