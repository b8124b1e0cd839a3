package main

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/examples/collector"
	"github.com/keychorus/keychorus/examples/telemetry"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

const audience = "https://api.bookstore.example"

// stage is the issuer, the store and the API, and the tokens that callers have.
type stage struct {
	issuer   *devissuer.Issuer
	stranger *devissuer.Issuer // says that it is the issuer, and has other keys
	store    *cabinet
	verifier *verifier.Verifier
	sites    []*server
	api      string
	client   *http.Client
	sent     collector.Secrets
	kept     map[string]drawer // a backup of the store
}

// open starts everything. Close it.
func open() (*stage, error) {
	s := &stage{
		store:  &cabinet{drawers: make(map[string]drawer)},
		client: &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second},
	}
	if err := s.build(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) build() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	url := "http://" + l.Addr().String()
	s.issuer, err = devissuer.New(url, devissuer.WithAudience(audience), devissuer.WithAlgorithm(devissuer.Ed25519))
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.sites = append(s.sites, serveOn(l, s.issuer))
	s.stranger, err = devissuer.New(url, devissuer.WithAudience(audience), devissuer.WithAlgorithm(devissuer.Ed25519))
	if err != nil {
		return err
	}
	if s.verifier, err = newVerifier(url, s.store); err != nil {
		return err
	}
	handler, err := newAPI(s.verifier)
	if err != nil {
		return err
	}
	site, err := listen("127.0.0.1:0", handler)
	if err != nil {
		return err
	}
	s.sites, s.api = append(s.sites, site), site.url
	return nil
}

// newVerifier names no provider: the verifier and the store use the global ones. The transport
// of the client adds a span for each request to the issuer.
func newVerifier(issuer string, back sealed.Backend) (*verifier.Verifier, error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	secrets, err := sealed.NewSecrets(secret)
	if err != nil {
		return nil, err
	}
	store, err := sealed.New(back, secrets, sealed.WithTimeout(time.Second)) // a busy machine is no trouble
	if err != nil {
		return nil, err
	}
	return verifier.New(verifier.Policy{
		Issuers: []verifier.Issuer{{
			URL:        issuer,
			HTTPClient: &http.Client{Transport: otelhttp.NewTransport(&http.Transport{})},
		}},
		Audiences: []string{audience},
		// Short, so that this program does not take half a minute: the default is right.
		Keys: verifier.KeyLifecycle{Cooldown: time.Second},
	}, verifier.WithKeyStore(store), verifier.WithTokenCache(1000))
}

// newAPI is the whole API. The span of the request is outermost: verifications are below it.
func newAPI(v *verifier.Verifier) (http.Handler, error) {
	g, err := guard.New(v, guard.WithRealm("books"))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /books", httpauth.Protect(g)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `["The Dispossessed"]`)
	})))
	mux.Handle("POST /books", httpauth.Protect(g, verifier.Scopes("write:books"))(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })))
	return telemetry.Handler(mux), nil
}

func (s *stage) close() error {
	s.client.CloseIdleConnections()
	var problems []error
	if s.verifier != nil {
		problems = append(problems, s.verifier.Close())
	}
	for _, site := range s.sites {
		problems = append(problems, site.close())
	}
	return errors.Join(problems...)
}
