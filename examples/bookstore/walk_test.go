package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWalk(t *testing.T) {
	var out strings.Builder
	if err := walk(t.Context(), &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "16 of 16 rows") || strings.Contains(out.String(), "✗") {
		t.Errorf("the walk printed:\n%s", out.String())
	}
}

// The walk notices an API that lets everybody in, and says what it expected.
func TestWalkNoticesWrongAnswers(t *testing.T) {
	s, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	rows, err := s.rows()
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]struct {
		status int
		right  int // rows for which this is the right answer
	}{"lets everybody in": {200, 2}, "refuses everybody": {401, 1}} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(answer.status)
				_, _ = io.WriteString(w, "{}")
			}))
			defer server.Close()
			var out strings.Builder
			tab := &table{out: &out}
			for _, r := range rows {
				tab.print(s.ask(t.Context(), server.URL, r))
			}
			if tab.wrong != len(rows)-answer.right || strings.Count(out.String(), "expected") != tab.wrong {
				t.Errorf("%d of %d rows were found wrong:\n%s", tab.wrong, len(rows), out.String())
			}
		})
	}
}

func TestRotationNoticesRefusals(t *testing.T) {
	s, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	s.api = &socket{url: server.URL}
	if l := s.rotate(t.Context()); l.right {
		t.Errorf("the rotation row is right without an API: %+v", l)
	}
}

func TestRun(t *testing.T) {
	if err := run(t.Context(), []string{"-nonsense"}, io.Discard); err == nil {
		t.Error("an unknown flag is no error")
	}
	t.Setenv("BOOKSTORE_ISSUER", "")
	if err := run(t.Context(), nil, io.Discard); err == nil || errors.Is(err, errUnexpected) {
		t.Errorf("an empty issuer: %v", err)
	}
}
