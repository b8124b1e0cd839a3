package fiberauth

import (
	"bufio"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/keychorus/keychorus/adapters/guard"
)

// recorded serves an app that keeps the facts of its requests, and their Authorization.
func recorded(t *testing.T, wrap func(net.Listener) net.Listener) (addr string, kept chan guard.Request, authorization chan []string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	kept, authorization = make(chan guard.Request, 3), make(chan []string, 3)
	app := fiber.New()
	app.Use(func(c fiber.Ctx) error {
		q := facts(c)
		authorization <- q.Header.Values("Authorization")
		q.Header = nil // belongs to Ctx
		kept <- q
		return nil
	})
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(wrap(listener), fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String(), kept, authorization
}

// send sends requests that differ over one connection.
func send(t *testing.T, conn net.Conn, ids ...string) {
	t.Helper()
	reader := bufio.NewReader(conn)
	for _, id := range ids {
		_, err := fmt.Fprintf(conn, "PATCH /%s/a%%2Fb?c=d HTTP/1.1\r\nHost: %s.test:8080\r\nAuthorization: Bearer %s\r\nauthorization: Basic %s\r\n\r\n", id, id, id, id)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
}

// Fiber's strings change with the next request; what the guard gets does not.
func TestFactsOutliveTheRequest(t *testing.T) {
	addr, kept, authorization := recorded(t, func(l net.Listener) net.Listener { return l })
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ids := []string{"aaaa", "bbbb", "cccc"}
	send(t, conn, ids...)
	for _, id := range ids { // all are over
		q := <-kept
		got := []string{q.Method, q.Scheme, q.Host, q.Path, q.RemoteAddr}
		want := []string{"PATCH", "http", id + ".test:8080", "/" + id + "/a%2Fb", conn.LocalAddr().String()}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if got, want := <-authorization, []string{"Bearer " + id, "Basic " + id}; !slices.Equal(got, want) {
			t.Errorf("Authorization %q, want %q", got, want)
		}
		if q.ClientCertificate != nil {
			t.Error("a certificate without TLS")
		}
	}
}

func TestFactsOfTLS(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
	addr, kept, _ := recorded(t, func(l net.Listener) net.Listener {
		return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert})
	})
	for name, offered := range map[string][]tls.Certificate{"server alone": nil, "mutual": {certificate}} {
		t.Run(name, func(t *testing.T) {
			conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, Certificates: offered})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			send(t, conn, "aaaa")
			q := <-kept
			if q.Scheme != "https" || (q.ClientCertificate != nil) != (offered != nil) {
				t.Errorf("scheme %q, certificate: %t, want %t", q.Scheme, q.ClientCertificate != nil, offered != nil)
			}
			if offered != nil && !slices.Equal(q.ClientCertificate.Raw, der) {
				t.Error("another certificate than the client's own")
			}
		})
	}
}

// A client signs the path that it sends (RFC 9449 §4.2), not what middleware makes of it.
func TestPathIsThatOfTheCaller(t *testing.T) {
	for target, want := range map[string]string{
		"/v1/books?a=b":   "/v1/books",
		"/v1/a%2fb/%7Ec":  "/v1/a%2fb/%7Ec",
		"//v1//books?a=b": "//v1//books",
	} {
		app := fiber.New()
		app.Use(func(c fiber.Ctx) error {
			c.Path("/rewritten")
			if q := facts(c); q.Path != want || q.Host != "API.test" {
				t.Errorf("%s: path %q of host %q, want %q", target, q.Path, q.Host, want)
			}
			return nil
		})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Host, r.RequestURI = "API.test", target // sent as it is
		resp, err := app.Test(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", target, resp.StatusCode)
		}
	}
}
