package jwks

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
)

// Discover returns the issuer's jwks_uri, from OpenID Connect Discovery §4 or, where that is
// not offered, RFC 8414 §3. The metadata must name the very issuer that was asked for
// (RFC 8414 §3.3).
func (f *Fetcher) Discover(ctx context.Context) (jwksURL string, err error) {
	for _, address := range metadataURLs(f.issuer) {
		jwksURL, err = f.discoverAt(ctx, address)
		if err == nil || !absent(err) {
			return jwksURL, err
		}
	}
	return "", err
}

// absent tells whether the answer only says that there is no metadata here.
func absent(err error) bool {
	var fe *FetchError
	if !errors.As(err, &fe) {
		return false
	}
	return fe.Code == NotMetadata || fe.Code == Redirected ||
		fe.Code == Status && fe.Status >= 400 && fe.Status < 500 && fe.Status != http.StatusTooManyRequests
}

func (f *Fetcher) discoverAt(ctx context.Context, address string) (string, error) {
	body, _, err := f.get(ctx, address, http.Header{"Accept": {"application/json"}})
	if err != nil {
		return "", err
	}
	if body == nil {
		return "", &FetchError{Code: NotModifiedUnasked}
	}
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &metadata); err != nil || metadata.Issuer == "" || metadata.JWKSURI == "" {
		return "", &FetchError{Code: NotMetadata}
	}
	if metadata.Issuer != f.issuer {
		return "", &FetchError{Code: IssuerMismatch}
	}
	if !f.secure(metadata.JWKSURI) {
		return "", &FetchError{Code: InsecureURL}
	}
	return metadata.JWKSURI, nil
}

// metadataURLs are the two addresses of an issuer's metadata: OpenID Connect appends to the
// issuer, RFC 8414 inserts between host and path.
func metadataURLs(issuer string) []string {
	trimmed := strings.TrimSuffix(issuer, "/")
	urls := []string{trimmed + "/.well-known/openid-configuration"}
	if u, err := url.Parse(trimmed); err == nil {
		path := u.EscapedPath()
		u.Path, u.RawPath = "", ""
		urls = append(urls, u.String()+"/.well-known/oauth-authorization-server"+path)
	}
	return urls
}
