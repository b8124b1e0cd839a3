package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier"
)

// introspection asks a server about tokens (RFC 7662 §2).
type introspection struct {
	client             *http.Client // with a timeout
	endpoint           string       // https
	clientID, password string       // of this API, not of the caller
}

// lookup is a hook for [verifier.WithOpaqueTokens]. A server that answers at all answers 200,
// for unknown tokens too, with active: false; anything else is a fault on the way.
func (i introspection) lookup(ctx context.Context, token string) ([]byte, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(i.clientID), url.QueryEscape(i.password)) // RFC 6749 §2.3.1
	resp, err := i.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil ||
		resp.StatusCode != http.StatusOK || mediaType != "application/json" {
		return nil, fmt.Errorf("introspection: status %d", resp.StatusCode)
	}
	const most = 64 << 10
	answer, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err == nil && len(answer) > most {
		err = errors.New("introspection: the answer is too large")
	}
	return answer, err
}

// Tokens that are no JWTs are looked up at the server that issued them. The policy judges the
// answer as it judges a JWT.
func ExampleWithOpaqueTokens() {
	lookup := introspection{
		client: &http.Client{Transport: loginServer{}, Timeout: 2 * time.Second}, endpoint: "https://login.example.com/introspect",
		clientID: "books-api", password: "a secret of this API",
	}.lookup
	v, err := verifier.New(verifier.Policy{
		Issuers:   []verifier.Issuer{{URL: "https://login.example.com"}},
		Audiences: []string{"https://api.example.com"},
	}, verifier.WithOpaqueTokens(lookup))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = v.Close() }()
	for _, opaque := range []string{"good-token", "unknown-token", "token-of-another-api", "while-the-server-is-down"} {
		token, err := v.Verify(context.Background(), opaque)
		if e, ok := errors.AsType[*verifier.Error](err); ok {
			fmt.Println(e.Reason.Status(), e.Reason)
			continue
		}
		fmt.Println("accepted:", token.Subject(), token.Scopes())
	}
	// Output:
	// accepted: ada [read:books]
	// 401 inactive
	// 401 audience
	// 503 introspection_unavailable
}

// loginServer stands in for a real one.
type loginServer struct{}

func (loginServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, password, ok := r.BasicAuth(); !ok || password != "a+secret+of+this+API" {
		return nil, errors.New("login server: who asks?")
	}
	status, answer := http.StatusOK, `{"active":false}`
	const claims = `{"active":true,"iss":"https://login.example.com","sub":"ada","scope":"read:books","token_type":"Bearer","exp":%d,"aud":%q}`
	soon := time.Now().Add(time.Minute).Unix()
	switch r.FormValue("token") {
	case "good-token":
		answer = fmt.Sprintf(claims, soon, "https://api.example.com")
	case "token-of-another-api":
		answer = fmt.Sprintf(claims, soon, "https://other.example.com")
	case "while-the-server-is-down":
		status = http.StatusBadGateway
	}
	header := http.Header{"Content-Type": {"application/json;charset=UTF-8"}}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}
