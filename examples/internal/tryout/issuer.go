package tryout

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

const audience = "https://api.books.example"

// Issuer is a development issuer on a loopback socket, NOT FOR PRODUCTION.
type Issuer struct {
	dev    *devissuer.Issuer
	server *http.Server
	ended  chan error
}

// NewIssuer starts an issuer. Close it.
func NewIssuer() (*Issuer, error) {
	listener, err := Listen()
	if err != nil {
		return nil, err
	}
	dev, err := devissuer.New(URL(listener), devissuer.WithAlgorithm(devissuer.Ed25519), devissuer.WithAudience(audience))
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	i := &Issuer{dev: dev, server: &http.Server{Handler: dev, ReadHeaderTimeout: 5 * time.Second}, ended: make(chan error, 1)}
	go func() { i.ended <- i.server.Serve(listener) }()
	return i, nil
}

// Policy trusts the issuer, for the API's audience.
func (i *Issuer) Policy() verifier.Policy {
	return verifier.Policy{Issuers: []verifier.Issuer{{URL: i.dev.URL()}}, Audiences: []string{audience}}
}

// Close stops the issuer.
func (i *Issuer) Close() error {
	err := i.server.Close()
	if ended := <-i.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// Listen opens a free port that only this machine can reach.
func Listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// URL is where a server on the listener is found.
func URL(l net.Listener) string { return "http://" + l.Addr().String() }
