package devissuer

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
)

// Counts are the requests an issuer has seen so far, those it failed among them.
type Counts struct {
	Discovery   int // for a discovery document, at any of its paths
	JWKS        int // for the key set
	Other       int // for anything else
	NotModified int // answered 304 because of If-None-Match
	Hung        int // that had to wait because of Hang
}

// Counts returns the requests seen so far. A request counts when it arrives.
func (i *Issuer) Counts() Counts {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.counts
}

// Fail answers every request with status and a small HTML body, until it is
// called with 0.
func (i *Issuer) Fail(status int) {
	page := fmt.Appendf(nil, "<!doctype html><title>%d</title><h1>%s</h1>\n", status, http.StatusText(status))
	i.FailWith(status, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, page)
}

// FailWith answers every request with this status, header and body, until it is
// called with a status of 0. A status outside 200 to 599 is sent as 500.
func (i *Issuer) FailWith(status int, header http.Header, body []byte) {
	fault := &answer{status, header.Clone(), bytes.Clone(body)}
	switch {
	case status == 0:
		fault = nil
	case status < 200 || status > 599: // no final answer (RFC 9110 §15)
		fault.status = http.StatusInternalServerError
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault = fault
}

// Hang makes requests that arrive from now on wait until [Issuer.Release] or
// until their context ends. Inside a testing/synctest bubble, call it there: a
// waiting request is then durably blocked.
func (i *Issuer) Hang() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.hang == nil {
		i.hang = make(chan struct{})
	}
}

// Release ends [Issuer.Hang]; the requests that waited are answered as if they
// had arrived now.
func (i *Issuer) Release() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.hang != nil {
		close(i.hang)
		i.hang = nil
	}
}

// arrive counts a request and makes it wait as long as the issuer hangs. It
// reports whether somebody may still want an answer.
func (i *Issuer) arrive(ctx context.Context, to endpoint) bool {
	i.mu.Lock()
	switch to {
	case discovery:
		i.counts.Discovery++
	case jwks:
		i.counts.JWKS++
	default:
		i.counts.Other++
	}
	hang := i.hang
	if hang != nil {
		i.counts.Hung++
	}
	i.mu.Unlock()
	if hang == nil {
		return true
	}
	select {
	case <-hang:
		return true
	case <-ctx.Done():
		return false
	}
}
