package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxDocument is what verifiers take of an issuer.
const maxDocument = 512 << 10

// answer is what an address returned.
type answer struct {
	status int
	body   []byte
	date   time.Time     // of the header Date, zero if there is none
	at     time.Time     // of this machine, half-way between request and answer
	took   time.Duration // round trip
}

// fetcher looks at documents of an issuer as verifiers do: no redirects, no credentials. It
// judges nothing; whether verifiers could use the keys is asked of one.
type fetcher struct {
	client *http.Client
	now    func() time.Time
}

func (c *call) fetcher(limit time.Duration) *fetcher {
	return &fetcher{now: c.now, client: &http.Client{
		Timeout:       limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// get returns an answer of status 200. Errors hold no address.
func (f *fetcher) get(ctx context.Context, address string) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address is malformed")
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "keychorus")
	began := f.now()
	response, err := f.client.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	a := &answer{status: response.StatusCode, took: f.now().Sub(began)}
	a.at = began.Add(a.took / 2)
	a.date, _ = http.ParseTime(response.Header.Get("Date")) // stays zero
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, maxDocument+1)); err != nil {
		return a, errors.New("the answer broke off")
	}
	switch {
	case a.status != http.StatusOK:
		return a, errors.New("status " + strconv.Itoa(a.status) + " " + http.StatusText(a.status))
	case len(a.body) > maxDocument:
		return a, errors.New("the answer is longer than 512 KiB")
	}
	return a, nil
}

// metadata is what an issuer says of itself (OpenID Connect Discovery §3, RFC 8414 §2).
type metadata struct {
	Issuer  string `json:"issuer"`
	JWKSURI string `json:"jwks_uri"`
}

// discover returns the metadata of an issuer, from either of its two addresses.
func (f *fetcher) discover(ctx context.Context, issuer string) (m metadata, a *answer, err error) {
	bare := strings.TrimSuffix(issuer, "/")
	addresses := []string{bare + "/.well-known/openid-configuration"}
	if u, parseErr := url.Parse(bare); parseErr == nil {
		addresses = append(addresses, u.Scheme+"://"+u.Host+"/.well-known/oauth-authorization-server"+u.EscapedPath())
	}
	for i, address := range addresses {
		got, getErr := f.get(ctx, address)
		if getErr == nil {
			if getErr = json.Unmarshal(got.body, &m); getErr != nil || m.Issuer == "" || m.JWKSURI == "" {
				getErr = errors.New("the answer is no metadata")
			}
		}
		if getErr == nil {
			return m, got, nil
		}
		if i == 0 { // the first address is what most issuers have
			a, err = got, getErr
		}
	}
	return m, a, err
}
