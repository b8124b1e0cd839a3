package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/examples/telemetry"
	"github.com/keychorus/keychorus/verifier"
)

// settings are what the flags say.
type settings struct {
	issuer, audience      string
	certificate, key      string // files, PEM
	dpop, mtls            bool
	origin, redis         string
	proxies               string // addresses, separated by commas
	introspection, client string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, end := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
	err := run(ctx, os.Args[1:])
	end()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "boundapi:", err)
		os.Exit(1)
	}
}

func parse(args []string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("boundapi", flag.ContinueOnError)
	flags.StringVar(&s.issuer, "issuer", "", "URL of the issuer")
	flags.StringVar(&s.audience, "audience", "", "name of this API in tokens")
	flags.StringVar(&s.certificate, "certificate", "", "file with the certificate of this API")
	flags.StringVar(&s.key, "key", "", "file with its private key")
	flags.BoolVar(&s.dpop, "dpop", false, "accept tokens that are bound to a key (RFC 9449)")
	flags.StringVar(&s.origin, "origin", "", "origin that callers see, for proofs")
	flags.StringVar(&s.redis, "redis", "", "address of a Redis that remembers proofs")
	flags.BoolVar(&s.mtls, "mtls", false, "accept tokens that are bound to a certificate (RFC 8705)")
	flags.StringVar(&s.proxies, "proxies", "", "addresses of proxies whose Client-Cert and X-Forwarded-Host are believed")
	flags.StringVar(&s.introspection, "introspection", "", "URL that is asked about tokens which are no JWTs (RFC 7662)")
	flags.StringVar(&s.client, "client", "", "name under which it is asked")
	return s, flags.Parse(args)
}

// run serves until ctx ends.
func run(ctx context.Context, args []string) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	certificate, err := tls.LoadX509KeyPair(s.certificate, s.key)
	if err != nil {
		return err
	}
	signals, err := telemetry.FromEnv(ctx, "boundapi")
	if err != nil {
		return err
	}
	defer func() {
		if err := signals.Shutdown(); err != nil {
			fmt.Fprintln(os.Stderr, "boundapi: telemetry:", err)
		}
	}()
	v, err := newVerifier(s)
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	g, closeStore, err := newGuard(s, v)
	if err != nil {
		return err
	}
	defer func() { _ = closeStore() }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if s.mtls {
		// The handshake shows that the caller holds the key. The chain is nobody's concern
		// here: the token names the one certificate that it is for (RFC 8705 §3).
		config.ClientAuth = tls.RequestClientCert
	}
	server := &http.Server{Handler: telemetry.Handler(newAPI(g)), TLSConfig: config, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(listener, "", "") }()
	_, _ = fmt.Fprintf(os.Stdout, "listening https://%s\n", listener.Addr())
	select {
	case err = <-ended:
		return err
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if server.Shutdown(limited) != nil {
		_ = server.Close()
	}
	if err = <-ended; errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func newAPI(g *guard.Guard) http.Handler {
	answer := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, ok := verifier.TokenFromContext(r.Context())
			if !ok {
				http.Error(w, "the guard let a request pass without a token", http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"client":%q}`, token.ClientID())
		})
	}
	mux := http.NewServeMux()
	mux.Handle("GET /books", httpauth.Protect(g)(answer(http.StatusOK)))
	mux.Handle("POST /books", httpauth.Protect(g, verifier.Scopes("write:books"))(answer(http.StatusCreated)))
	return mux
}

func newVerifier(s *settings) (*verifier.Verifier, error) {
	opts := []verifier.Option{verifier.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, nil)))}
	if s.introspection != "" {
		i := introspection{
			client: &http.Client{Timeout: 5 * time.Second}, endpoint: s.introspection,
			name: s.client, secret: os.Getenv("BOUNDAPI_INTROSPECTION_SECRET"),
		}
		opts = append(opts, verifier.WithOpaqueTokens(i.lookup))
	}
	return verifier.New(verifier.Policy{
		Issuers: []verifier.Issuer{{URL: s.issuer}}, Audiences: strings.Fields(s.audience),
	}, opts...)
}
