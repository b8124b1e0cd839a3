package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// walkTime bounds the walk, which needs about two seconds.
const walkTime = 15 * time.Second

// errUnexpected means that a row of the walk was not as it should be.
var errUnexpected = errors.New("not every row is as expected")

// stage is what the walk happens on: an issuer and an API, on sockets of their own.
type stage struct {
	dev   *issuer
	api   *socket
	close func()
}

func newStage() (*stage, error) {
	next, err := devissuer.NewKey(devissuer.RS256, "") // ahead, so that the rotation is instant
	if err != nil {
		return nil, err
	}
	first, err := devissuer.NewKey(devissuer.RS256, "")
	if err != nil {
		return nil, err
	}
	dev, err := startIssuer("127.0.0.1:0", nil, devissuer.WithKeys(first, next))
	if err != nil {
		return nil, err
	}
	api, closeAPI, err := startAPI(dev)
	if err != nil {
		return nil, errors.Join(err, dev.close())
	}
	return &stage{dev, api, func() { closeAPI(); _ = dev.close() }}, nil
}

// startAPI starts an API that has not seen a key yet.
func startAPI(dev *issuer) (api *socket, shut func(), err error) {
	p, err := dev.policy()
	if err != nil {
		return nil, nil, err
	}
	v, err := verifier.New(p)
	if err != nil {
		return nil, nil, err
	}
	handler, err := newAPI(v, nil)
	if err != nil {
		return nil, nil, err
	}
	if api, err = open("127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	api.serve(handler)
	return api, func() { _, _ = api.close(), v.Close() }, nil
}

// row is one request of the walk and what should come of it.
type row struct {
	name, method  string
	authorization string // "" for none
	want          outcome
}

// walk shows what the API does with good and bad tokens, in a rotation and in an outage.
func walk(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	s, err := newStage()
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
	if err := s.outage(ctx, t); err != nil {
		return err
	}
	fetches := s.dev.Counts().JWKS
	t.summary(fetches)
	if t.wrong > 0 || fetches != neededFetches {
		return errUnexpected
	}
	return nil
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
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) +
		"." + base64.RawURLEncoding.EncodeToString(payload) + "."
	refused := func(status int, reason verifier.Reason) outcome { return outcome{status: status, reason: reason} }
	rows := []row{
		{"a valid token, the first", http.MethodGet, kind("reader"), outcome{status: 200}},
		{"a valid token, the second", http.MethodGet, kind("reader"), outcome{status: 200}},
		{"adding a book, with the scope for it", http.MethodPost, kind("writer"), outcome{status: 201}},
		{"adding a book without that scope", http.MethodPost, kind("reader"), refused(403, verifier.ReasonScope)},
		{"an expired token", http.MethodGet, kind("expired"), refused(401, verifier.ReasonExpired)},
		{"a token for another API", http.MethodGet, kind("elsewhere"), refused(401, verifier.ReasonAudience)},
		{"a token for no API", http.MethodGet, kind("nowhere"), refused(401, verifier.ReasonNoAudience)},
		{"a token of another issuer", http.MethodGet, bearer(stranger.Mint(nil)), refused(401, verifier.ReasonIssuer)},
		{"a forged signature", http.MethodGet, bearer(s.dev.SignWith(forger, forger.Header(), payload)), refused(401, verifier.ReasonSignature)},
		{"alg: none", http.MethodGet, "Bearer " + unsigned, refused(401, verifier.ReasonAlgorithm)},
		{"an ID token", http.MethodGet, kind("id"), refused(401, verifier.ReasonWrongKind)},
		{"no token", http.MethodGet, "", refused(401, "")}, // no reason is told, RFC 6750 §3.1
		{"Bearer undefined", http.MethodGet, "Bearer undefined", refused(401, verifier.ReasonPlaceholder)},
	}
	return rows, errors.Join(errs...)
}

// outage closes the issuer's socket for good.
func (s *stage) outage(ctx context.Context, t *table) error {
	token, err := s.dev.token("reader")
	if err != nil {
		return err
	}
	if err := s.dev.close(); err != nil {
		return err
	}
	cold, closeCold, err := startAPI(s.dev)
	if err != nil {
		return err
	}
	defer closeCold()
	t.print(s.ask(ctx, s.api.url, row{"a known key", http.MethodGet, "Bearer " + token, outcome{status: 200}}))
	t.print(s.ask(ctx, cold.url, row{
		"an API that never saw a key", http.MethodGet, "Bearer " + token,
		outcome{http.StatusServiceUnavailable, verifier.ReasonKeysUnavailable, true},
	}))
	return nil
}

// ask makes a request and compares the answer.
func (s *stage) ask(ctx context.Context, api string, r row) line {
	began := time.Now()
	got, err := request(ctx, api, r.method, r.authorization)
	l := line{
		name: r.name, method: r.method, got: got, elapsed: time.Since(began),
		right: err == nil && got == r.want,
	}
	switch {
	case err != nil:
		l.note = err.Error()
	case !l.right:
		l.note = strings.TrimSpace(fmt.Sprintf("expected %d %s", r.want.status, r.want.reason))
		if r.want.retry {
			l.note += " with Retry-After"
		}
	case got.reason != "":
		l.note = got.reason.Fix()
	case got.status == http.StatusUnauthorized:
		l.note = verifier.ReasonNoCredentials.Fix()
	}
	return l
}
