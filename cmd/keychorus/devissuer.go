package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

const defaultListen = "127.0.0.1:8088"

func issuerCommand() command {
	return command{
		name:    "issuer",
		summary: "a development issuer on this machine, which mints tokens for anybody who asks",
		details: `
Serves metadata and keys as an identity provider does, and mints access tokens in the shape of
Kinde's, without an account. NEVER FOR PRODUCTION: whoever can reach it is every user. It
listens on loopback alone, keeps its keys in memory, and ends with Ctrl-C.

  keychorus issuer --audience https://api.example.test
  TOKEN=$(curl -s -X POST http://` + defaultListen + `/token)
  curl -s -X POST 'http://` + defaultListen + `/token?shape=id-token' |
    keychorus explain --issuer http://` + defaultListen + ` --audience https://api.example.test

POST /token answers with a token as text. It takes shape, one of
  ` + shapeNames(0, 7) + `
  ` + shapeNames(7, len(devissuer.Shapes())) + `;
aud, once for each audience; scope, for scp; sub; and expires_in in seconds, where a negative
number gives an expired token.`,
		setup: func(flags *flag.FlagSet) action {
			var f issuerFlags
			flags.StringVar(&f.listen, "listen", defaultListen, "`ADDRESS` of this machine, with a port; 0 takes any")
			flags.Var(&f.audiences, "audience", "`AUDIENCE` of its tokens; default https://api.example.test")
			flags.StringVar(&f.algorithm, "alg", string(devissuer.RS256), "signature `ALGORITHM`")
			flags.DurationVar(&f.lifetime, "lifetime", 24*time.Hour, "`LIFETIME` of its tokens, from 1s")
			flags.BoolVar(&f.json, "json", false, "print the addresses as JSON")
			return f.run
		},
	}
}

func shapeNames(from, to int) string {
	names := make([]string, 0, to-from)
	for _, s := range devissuer.Shapes()[from:to] {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

type issuerFlags struct {
	listen, algorithm string
	audiences         wordList
	lifetime          time.Duration
	json              bool
}

// issuerReport is what the issuer says when it listens. Names stay, and new ones may come.
type issuerReport struct {
	Issuer   string   `json:"issuer"`
	JWKSURL  string   `json:"jwks_url"`
	TokenURL string   `json:"token_url"`
	Audience []string `json:"audience"`
}

func (f *issuerFlags) run(ctx context.Context, c *call, _ []string) error {
	if len(f.audiences) == 0 {
		f.audiences = wordList{"https://api.example.test"}
	}
	listener, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	base := "http://" + listener.Addr().String()
	iss, err := devissuer.New(base, devissuer.WithAudience(f.audiences...), devissuer.WithLifetime(f.lifetime),
		devissuer.WithAlgorithm(devissuer.Algorithm(f.algorithm)))
	if err != nil {
		return misuse("", "%s", strings.TrimPrefix(err.Error(), "devissuer: "))
	}
	r := issuerReport{Issuer: base, JWKSURL: iss.JWKSURL(), TokenURL: base + "/token", Audience: f.audiences}
	if err := c.announce(&r, f.json); err != nil {
		return err
	}
	server := &http.Server{Handler: minting(iss), ReadHeaderTimeout: 5 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return unavailable("", "the issuer has ended: %s", err)
	}
	return nil
}

// open listens on this machine alone.
func (f *issuerFlags) open(ctx context.Context) (net.Listener, error) {
	const hint = "it is for this machine alone, as in " + defaultListen
	host, port, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, misuse(hint, "--listen is no address with a port")
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Unmap().IsLoopback() {
		return nil, misuse(hint, "--listen must be a loopback address: whoever reaches this issuer is every user")
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, unavailable("--listen takes another port", "cannot listen: %s", err)
	}
	return listener, nil
}

func (c *call) announce(r *issuerReport, asJSON bool) error {
	if asJSON {
		return c.printJSON(r)
	}
	p := c.printer()
	p.printf("%s\n\n", p.paint(yellow, "A development issuer. Not for production: it mints tokens for anybody on this machine."))
	p.fieldf("issuer", "%s", r.Issuer)
	p.fieldf("keys", "%s", r.JWKSURL)
	p.fieldf("audience", "%s", printables(r.Audience))
	p.fieldf("token", "curl -s -X POST %s", r.TokenURL)
	p.fieldf("", "curl -s -X POST '%s?shape=machine&scope=read:books'", r.TokenURL)
	p.fieldf("explain", "curl -s -X POST %s | keychorus explain --issuer %s --audience %s", r.TokenURL, r.Issuer, quoted(r.Audience[0]))
	p.printf("\nCtrl-C ends it.\n")
	return p.err
}

// minting serves the issuer, and tokens. A page of another site that a developer has open, or
// a name that leads here, gets none.
func minting(iss *devissuer.Issuer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", iss)
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		token, err := mint(iss, r.URL.Query())
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintln(w, err)
			return
		}
		_, _ = fmt.Fprintln(w, token)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.Host) || r.Header.Get("Origin") != "" && !isLocal(originHost(r.Header.Get("Origin"))) {
			http.Error(w, "this development issuer is for this machine alone", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func originHost(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Host
}

// isLocal tells whether a host, with or without a port, is this machine by its name alone.
func isLocal(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.Unmap().IsLoopback()
}
