package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// request asks the API as a page would and returns the status and, of a refusal, the reason.
func request(ctx context.Context, api, method, authorization string) (int, verifier.Reason, error) {
	var body io.Reader = http.NoBody
	if method == http.MethodPost {
		body = strings.NewReader(`{"title":"The Art of Computer Programming"}`)
	}
	r, err := http.NewRequestWithContext(ctx, method, api+"/books", body)
	if err != nil {
		return 0, "", err
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var problem struct {
		Reason verifier.Reason `json:"reason"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&problem)
	return resp.StatusCode, problem.Reason, err
}

// client has no proxy: everything is on loopback.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
