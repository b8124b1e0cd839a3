package tryout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

const reader = "ada"

// call is a request and the answer that it deserves.
type call struct {
	name, method string
	tokens       []string // each in an Authorization header of its own
	status       int
	challenge    string // a part of WWW-Authenticate; "" for none
}

func (i *Issuer) calls() ([]call, error) {
	var problems []error
	mint := func(claims devissuer.Claims) string {
		claims["sub"] = reader
		token, err := i.dev.Mint(claims)
		problems = append(problems, err)
		return token
	}
	good := mint(devissuer.Claims{"scp": []string{"read:books"}})
	writer := mint(devissuer.Claims{"scp": []string{"read:books", "write:books"}})
	expired := mint(devissuer.Claims{"iat": devissuer.FromNow(-2 * time.Hour), "exp": devissuer.FromNow(-time.Hour)})
	elsewhere := mint(devissuer.Claims{"aud": []string{"https://api.elsewhere.example"}})
	return []call{
		{"no token", http.MethodGet, nil, http.StatusUnauthorized, `Bearer realm="books"`},
		{"good token", http.MethodGet, []string{good}, http.StatusOK, ""},
		{"without the scope", http.MethodPost, []string{good}, http.StatusForbidden, `error="insufficient_scope"`},
		{"with the scope", http.MethodPost, []string{writer}, http.StatusCreated, ""},
		{"expired", http.MethodGet, []string{expired}, http.StatusUnauthorized, `error="invalid_token"`},
		{"for another API", http.MethodGet, []string{elsewhere}, http.StatusUnauthorized, `error="invalid_token"`},
		{"no token but undefined", http.MethodGet, []string{"undefined"}, http.StatusUnauthorized, `error="invalid_token"`},
		{"two tokens", http.MethodGet, []string{good, writer}, http.StatusBadRequest, `error="invalid_request"`},
	}, errors.Join(problems...)
}

// Call calls the API at url as good and bad callers do, and prints a line for each. It is an
// error if one is answered otherwise than it deserves.
func (i *Issuer) Call(ctx context.Context, out io.Writer, url string) error {
	calls, err := i.calls()
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	wrong := 0
	for _, c := range calls {
		status, challenge, body, err := c.send(ctx, client, url)
		if err != nil {
			return err
		}
		mark := "✓"
		if !c.deserves(status, challenge, body) {
			mark, wrong = "✗", wrong+1
		}
		line := fmt.Sprintf("%s %-4s /books  %-22s  %d  %s", mark, c.method, c.name, status, challenge)
		_, _ = fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
	_, _ = fmt.Fprintf(out, "%d of %d answers as expected.\n", len(calls)-wrong, len(calls))
	if wrong > 0 {
		return errors.New("an answer was not as expected")
	}
	return nil
}

func (c call) send(ctx context.Context, client *http.Client, url string) (status int, challenge, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, c.method, url+"/books", nil)
	if err != nil {
		return 0, "", "", err
	}
	for _, token := range c.tokens {
		r.Header.Add("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, "", "", err
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.Join(resp.Header.Values("WWW-Authenticate"), ", "), string(content), err
}

func (c call) deserves(status int, challenge, body string) bool {
	if status != c.status {
		return false
	}
	if c.challenge == "" {
		return challenge == "" && (c.method != http.MethodGet || strings.Contains(body, reader))
	}
	return strings.Contains(challenge, c.challenge) && !strings.Contains(body, reader)
}
