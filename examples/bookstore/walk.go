package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// errUnexpected means that a row of the walk was not as it should be.
var errUnexpected = errors.New("not every row is as expected")

// stage is what the walk happens on: an issuer and an API, on sockets of their own.
type stage struct {
	dev      *development
	verifier *verifier.Verifier
	api      *server
	close    func()
}

func newStage(ctx context.Context) (*stage, error) {
	dev, err := startIssuer(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &stage{dev: dev, close: dev.close}
	if s.api, s.verifier, err = startAPI(ctx, dev.policy()); err != nil {
		dev.close()
		return nil, err
	}
	s.close = func() { s.api.close(); dev.close(); _ = s.verifier.Close() }
	return s, nil
}

func startAPI(ctx context.Context, p verifier.Policy) (*server, *verifier.Verifier, error) {
	v, err := verifier.New(p)
	if err != nil {
		return nil, nil, err
	}
	handler, err := newAPI(v, []string{"http://127.0.0.1"})
	if err != nil {
		return nil, nil, err
	}
	api, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	api.serve(handler)
	return api, v, nil
}

// row is one request of the walk and what should come of it.
type row struct {
	name, method  string
	authorization string // "" for none
	status        int
	reason        verifier.Reason
}

// walk shows what the API does with good and bad tokens, in a rotation and in an outage.
func walk(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	s, err := newStage(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	t := &table{out: out, colours: isTerminal(out)}
	t.heading("A bookstore API, a development issuer, and what becomes of each request")
	rows, err := s.rows()
	if err != nil {
		return err
	}
	for _, r := range rows {
		t.print(s.ask(ctx, s.api.url, r))
	}
	t.heading("The issuer changes its signing key while four clients go on asking")
	t.print(s.rotate(ctx))
	t.heading("The issuer is down")
	good, err := s.dev.token("good")
	if err != nil {
		return err
	}
	s.dev.server.close()
	t.print(s.ask(ctx, s.api.url, row{"a known key", http.MethodGet, "Bearer " + good, http.StatusOK, ""}))
	cold, v, err := startAPI(ctx, s.dev.policy())
	if err != nil {
		return err
	}
	defer func() { cold.close(); _ = v.Close() }()
	t.print(s.ask(ctx, cold.url, row{
		"an API that never saw a key", http.MethodGet, "Bearer " + good, http.StatusServiceUnavailable, verifier.ReasonKeysUnavailable,
	}))
	t.summary(s.dev.Counts().JWKS)
	if t.wrong > 0 {
		return errUnexpected
	}
	return ctx.Err()
}

// rows are the requests with single tokens.
func (s *stage) rows() ([]row, error) {
	var errs []error
	bearer := func(token string, err error) string {
		errs = append(errs, err)
		return "Bearer " + token
	}
	kind := func(kind string) string { return bearer(s.dev.token(kind)) }
	stranger, err := devissuer.New("https://stranger.example", devissuer.WithAudience(audience))
	if err != nil {
		return nil, err
	}
	forger, err := devissuer.NewKey(devissuer.RS256, s.dev.Key().ID())
	if err != nil {
		return nil, err
	}
	payload, err := s.dev.Payload(devissuer.Claims{"sub": "admin"})
	if err != nil {
		return nil, err
	}
	good := kind("good")
	parts := strings.Split(good, ".")
	const none = "eyJhbGciOiJub25lIn0" // {"alg":"none"}
	rows := []row{
		{"a valid token", http.MethodGet, good, 200, ""},
		{"adding a book, with the scope for it", http.MethodPost, good, 201, ""},
		{"adding a book without that scope", http.MethodPost, kind("reader"), 403, verifier.ReasonScope},
		{"an expired token", http.MethodGet, kind("expired"), 401, verifier.ReasonExpired},
		{"a token for another API", http.MethodGet, kind("audience"), 401, verifier.ReasonAudience},
		{"a token for no API", http.MethodGet, kind("no-audience"), 401, verifier.ReasonNoAudience},
		{"a token of another issuer", http.MethodGet, bearer(stranger.Mint(nil)), 401, verifier.ReasonIssuer},
		{"a forged signature", http.MethodGet, bearer(s.dev.SignWith(forger, forger.Header(), payload)), 401, verifier.ReasonSignature},
		{"alg: none", http.MethodGet, "Bearer " + none + "." + parts[1] + "." + parts[2], 401, verifier.ReasonAlgorithm},
		{"an ID token", http.MethodGet, kind("id"), 401, verifier.ReasonWrongKind},
		{"no token", http.MethodGet, "", 401, ""}, // no reason is told, RFC 6750 §3.1
		{"Bearer undefined", http.MethodGet, "Bearer undefined", 401, verifier.ReasonPlaceholder},
	}
	return rows, errors.Join(errs...)
}

// ask makes a request and compares the answer.
func (s *stage) ask(ctx context.Context, api string, r row) line {
	began := time.Now()
	status, reason, err := request(ctx, api, r.method, r.authorization)
	l := line{
		name: r.name, method: r.method, status: status, reason: reason, elapsed: time.Since(began),
		right: err == nil && status == r.status && reason == r.reason,
	}
	switch {
	case err != nil:
		l.note = err.Error()
	case !l.right:
		l.note = fmt.Sprintf("expected %d %s", r.status, r.reason)
	case reason != "":
		l.note = reason.Fix()
	case status == http.StatusUnauthorized:
		l.note = verifier.ReasonNoCredentials.Fix()
	}
	return l
}

// rotate lets clients go on while the signing key changes: nothing may fail, and the new key
// may cost one fetch.
func (s *stage) rotate(ctx context.Context) line {
	const clients, each = 4, 100
	began, before := time.Now(), s.dev.Counts().JWKS
	var failed atomic.Int64
	var wg sync.WaitGroup
	rotated := make(chan struct{})
	for range clients {
		wg.Go(func() {
			for i := range each {
				if i == each/2 {
					<-rotated
				}
				token, err := s.dev.token("good")
				if err != nil {
					failed.Add(1)
					continue
				}
				if status, _, err := request(ctx, s.api.url, http.MethodGet, "Bearer "+token); err != nil || status != http.StatusOK {
					failed.Add(1)
				}
			}
		})
	}
	_, err := s.dev.Rotate()
	close(rotated)
	wg.Wait()
	fetches := s.dev.Counts().JWKS - before
	return line{
		name: fmt.Sprintf("%d requests, old key and new", clients*each), method: http.MethodGet, status: http.StatusOK,
		elapsed: time.Since(began), right: err == nil && failed.Load() == 0 && fetches == 1,
		note: fmt.Sprintf("%d failed, %d fetch of the key set", failed.Load(), fetches),
	}
}
