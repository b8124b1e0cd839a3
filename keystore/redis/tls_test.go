package rediskeystore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
)

// certificate writes a certificate for 127.0.0.1, which is its own authority, and its key.
func certificate(t *testing.T) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	must(t, os.WriteFile(certFile, cert, 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	roots = x509.NewCertPool()
	if !roots.AppendCertsFromPEM(cert) {
		t.Fatal("the certificate cannot be read back")
	}
	return certFile, keyFile, roots
}

// startTLS returns a server, and settings for its TLS port.
func startTLS(t *testing.T) (*redisserver.Server, *redis.Options) {
	t.Helper()
	certFile, keyFile, roots := certificate(t)
	for range 5 { // somebody else may take the port in between
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		addr := l.Addr().String()
		must(t, l.Close())
		_, port, err := net.SplitHostPort(addr)
		must(t, err)
		s, err := redisserver.Start(t.Context(), "--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile,
			"--tls-ca-cert-file", certFile, "--tls-auth-clients", "no", "--tls-protocols", "TLSv1.3")
		if err != nil {
			t.Log(err)
			continue
		}
		t.Cleanup(s.Stop)
		o := patient(s)
		o.Addr, o.TLSConfig = addr, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		return s, o
	}
	t.Fatal("the server does not start")
	return nil, nil
}

func TestOverTLSAllIsTheSame(t *testing.T) {
	t.Parallel()
	s, o := startTLS(t)
	store := newStore(t, connect(t, o))
	events, _ := watch(t, store)
	v := mustSave(t, store, 1, "")
	nextEvent(t, events, func(e keystore.Event) bool { return e.Version == v })
	wantRecord(t, newStore(t, connect(t, patient(s))), 1)
	lease, _, err := store.TryLease(t.Context(), testID)
	must(t, err)
	must(t, lease.End(t.Context(), keystore.Useful, time.Minute))
	do(t, s, "client", "kill", "type", "pubsub")
	nextEvent(t, events, func(e keystore.Event) bool { return e.Gap })
}

func TestACertificateThatIsNotTrustedIsUnavailable(t *testing.T) {
	t.Parallel()
	_, o := startTLS(t)
	for name, config := range map[string]*tls.Config{
		"unknown authority": {MinVersion: tls.VersionTLS12},
		"another name":      {MinVersion: tls.VersionTLS12, RootCAs: o.TLSConfig.RootCAs, ServerName: "redis.example.test"},
		"too old":           {MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, RootCAs: o.TLSConfig.RootCAs},
	} {
		bad := *o
		bad.TLSConfig = config
		_, _, err := newStore(t, connect(t, &bad)).Load(t.Context(), testID)
		wantErr(t, name, err, keystore.ErrUnavailable)
		if _, port, _ := net.SplitHostPort(o.Addr); err != nil && strings.Contains(err.Error(), port) {
			t.Errorf("%s: the error holds an address: %v", name, err)
		}
	}
	plain := *o
	plain.TLSConfig = nil
	_, _, err := newStore(t, connect(t, &plain)).Load(t.Context(), testID)
	wantErr(t, "without TLS on port "+strconv.Quote(o.Addr), err, keystore.ErrUnavailable)
}
