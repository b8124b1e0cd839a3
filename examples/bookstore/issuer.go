package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
	"github.com/keychorus/keychorus/verifier/kinde"
)

const (
	audience = "https://api.bookstore.example"
	mintPath = "/demo/token"
)

// issuer is the development issuer on a socket, with an address that gives out tokens.
type issuer struct {
	*devissuer.Issuer
	*socket
}

// startIssuer refuses addresses that others can reach: whoever can is every user.
func startIssuer(addr string, origins []string, opts ...devissuer.Option) (*issuer, error) {
	s, err := open(addr)
	if err != nil {
		return nil, err
	}
	if !loopback(s.listener.Addr()) {
		return nil, errors.Join(errors.New("the development issuer is for loopback addresses only"), s.close())
	}
	dev, err := devissuer.New(s.url, append(opts, devissuer.WithAudience(audience))...)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	i := &issuer{Issuer: dev, socket: s}
	mux := http.NewServeMux()
	mux.Handle("/", dev)
	mux.Handle("POST "+mintPath, allow(origins, http.MethodPost)(http.HandlerFunc(i.handOut)))
	s.serve(mux)
	return i, nil
}

// policy trusts this issuer as one trusts a Kinde tenant.
func (i *issuer) policy() (verifier.Policy, error) {
	return kinde.Policy(kinde.Config{Domain: i.url, Audiences: []string{audience}})
}

// handOut mints a token for whoever asks: ?kind=reader, writer, expired, elsewhere, nowhere or id.
func (i *issuer) handOut(w http.ResponseWriter, r *http.Request) {
	if r.Host != i.listener.Addr().String() { // a page elsewhere that has its name point here
		problem(w, http.StatusMisdirectedRequest, "ask under the issuer's own address")
		return
	}
	token, err := i.token(r.URL.Query().Get("kind"))
	if err != nil {
		problem(w, http.StatusBadRequest, "kind is reader, writer, expired, elsewhere, nowhere or id")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, token)
}

// token mints a token of one kind; no kind is a reader.
func (i *issuer) token(kind string) (string, error) {
	claims := devissuer.UserClaims()
	delete(claims, "permissions") // what people may do, scopes say here
	claims["scp"] = []string{"openid", "read:books"}
	switch kind {
	case "", "reader":
	case "writer":
		claims["scp"] = []string{"openid", "read:books", "write:books"}
	case "expired":
		claims["iat"], claims["exp"] = devissuer.FromNow(-25*time.Hour), devissuer.FromNow(-time.Hour)
	case "elsewhere":
		claims["aud"] = []string{"https://api.elsewhere.example"}
	case "nowhere":
		claims["aud"] = []string{}
	case "id":
		claims = devissuer.IDTokenClaims()
	default:
		return "", fmt.Errorf("no token of kind %q", kind)
	}
	return i.Mint(claims)
}
