package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/keychorus/keychorus/examples/collector"
)

// heard is what the APIs of all tests said: by telemetry, since all of them export to one
// receiver, and by their logs. When all tests are over it is searched for all tokens that they
// had.
var heard hearing

type hearing struct {
	*collector.Receiver

	secrets collector.Secrets
	mu      sync.Mutex
	logs    [][]byte
	tokens  int
}

// open starts the receiver, and has every process that starts from now on export to it.
func (h *hearing) open() (err error) {
	if h.Receiver, err = collector.Start(); err != nil {
		return err
	}
	return errors.Join(
		h.secrets.Value("a secret of a client", secret),
		os.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", h.URL()),
		os.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "500"), // ms, as the next
		os.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100"),
	)
}

// close ends the receiver. It is an error if something of a token was told.
func (h *hearing) close() error {
	err := h.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	payloads, total := h.Payloads(), 0
	for _, payload := range payloads {
		total += len(payload)
	}
	fmt.Printf("searched %d messages of OTLP with %d bytes and %d logs with %d bytes for %d tokens and proofs\n",
		len(payloads), total, len(h.logs), len(slices.Concat(h.logs...)), h.tokens)
	return errors.Join(err, told(&h.secrets, payloads, h.logs))
}

// told is an error if something of a secret is in a message, or, but for a kid, in a log: logs
// name the keys that an issuer publishes.
func told(secrets *collector.Secrets, payloads, logs [][]byte) error {
	var problems []error
	for _, payload := range payloads {
		for _, kind := range secrets.In(payload) {
			problems = append(problems, fmt.Errorf("%s was exported", kind))
		}
	}
	for _, log := range logs {
		for _, kind := range secrets.In(log) {
			if kind != "a kid" {
				problems = append(problems, fmt.Errorf("%s was logged: %s", kind, log))
			}
		}
	}
	return errors.Join(problems...)
}

// log takes what an API has logged.
func (h *hearing) log(text []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.logs = append(h.logs, bytes.Clone(text))
}

// confide tells that a token or a proof was used, of which nothing must be told. The word that
// a front end sends for a token that it has not got is none.
func confide(t *testing.T, token string) {
	t.Helper()
	if token == "undefined" {
		return
	}
	if err := heard.secrets.Token(token); err != nil {
		t.Fatal(err)
	}
	heard.mu.Lock()
	defer heard.mu.Unlock()
	heard.tokens++
}
