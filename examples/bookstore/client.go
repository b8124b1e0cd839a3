package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// outcome is what a caller learns.
type outcome struct {
	status int
	reason verifier.Reason // of a refusal
	retry  bool            // it is told when to come back
}

// client has no proxy: everything is on loopback.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}

// request asks the API as a page would.
func request(ctx context.Context, api, method, authorization string) (outcome, error) {
	var body io.Reader = http.NoBody
	if method == http.MethodPost {
		body = strings.NewReader(`{"title":"The Dispossessed"}`)
	}
	r, err := http.NewRequestWithContext(ctx, method, api+"/books", body)
	if err != nil {
		return outcome{}, err
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(r)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	var problem struct {
		Reason verifier.Reason `json:"reason"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&problem)
	return outcome{resp.StatusCode, problem.Reason, resp.Header.Get("Retry-After") != ""}, err
}
