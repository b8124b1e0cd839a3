//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestMain lets this program be the replicas of its own tests.
func TestMain(m *testing.M) {
	redis.SetLogger(quiet{})
	if len(os.Args) == 2 && os.Args[1] == replicaFlag {
		os.Exit(replicaMain(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func TestTheWalkIsAsPromised(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-n", "4"}, &out, &errs); code != 0 || strings.Count(out.String(), "✓") != len(events()) {
		t.Errorf("exit code %d\n%s%s", code, &out, &errs)
	}
}

func TestMisuseIsTold(t *testing.T) {
	for _, args := range [][]string{{"-n", "1"}, {"-n", "33"}, {"-nonsense"}, {"word"}, {"-replica"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, &out, &errs); code != 2 || errs.Len() == 0 || out.Len() > 0 {
			t.Errorf("%v: exit code %d\n%s%s", args, code, &out, &errs)
		}
	}
}

func TestAMissingRedisIsToldWithTheWayOut(t *testing.T) {
	t.Setenv("KEYCHORUS_REDIS_SERVER", "no-such-server")
	var out, errs bytes.Buffer
	if code := run(t.Context(), nil, &out, &errs); code != 2 || !strings.Contains(errs.String(), "apt-get install redis-server") {
		t.Errorf("exit code %d\n%s%s", code, &out, &errs)
	}
}

func TestJudgeSeesWhatIsNotAsPromised(t *testing.T) {
	good := view{ok: 10, followed: time.Millisecond}
	lost, deaf, late := good, good, good
	lost.lost, deaf.ok, late.followed = 1, 0, 0
	for _, tt := range []struct {
		name    string
		event   event
		fetches int
		views   []view
		want    string // "" for nothing
	}{
		{"as promised", event{needed: 1, follows: "x"}, 1, []view{good, good}, ""},
		{"within what is allowed", event{allowed: 4}, 4, []view{good}, ""},
		{"only the last has to follow", event{follows: "x", lastFollows: true}, 0, []view{late, good}, ""},
		{"nothing to follow", event{}, 0, []view{late}, ""},
		{"a fetch too many", event{needed: 1}, 2, []view{good}, "asked 2 times, at most 1"},
		{"a fetch beyond what is allowed", event{allowed: 4}, 5, []view{good}, "asked 5 times, at most 4"},
		{"a fetch missing", event{needed: 1}, 0, []view{good}, "1 needed"},
		{"a loss", event{}, 0, []view{good, lost}, "replica #2: 1 valid tokens"},
		{"a deaf replica", event{}, 0, []view{deaf}, "replica #1: no token"},
		{"one that does not follow", event{follows: "x"}, 0, []view{good, late}, "replica #2 did not follow"},
		{"the last that does not follow", event{follows: "x", lastFollows: true}, 0, []view{good, late}, "replica #2 did not follow"},
	} {
		r := &result{event: &tt.event, fetches: tt.fetches, views: tt.views}
		r.judge()
		got := strings.Join(r.problems, "; ")
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		var out bytes.Buffer
		(&table{out: &out}).print(r)
		if strings.Contains(out.String(), "✗") != (tt.want != "") || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: printed\n%s", tt.name, &out)
		}
	}
}

// A fleet that never sees its issuer fails the row, and names it.
func TestAWalkThatGoesWrongNamesTheRow(t *testing.T) {
	s, err := newStage(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.issuer.down.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	first := true
	err = walk(ctx, s, &table{out: writer(func(p []byte) {
		out.Write(p)
		if !first {
			cancel() // the first row is printed: the others would take long
		}
		first = false
	})})
	if err == nil || !strings.Contains(err.Error(), "Cold start under load: ") || !strings.Contains(out.String(), "did not follow") {
		t.Errorf("%v\n%s", err, &out)
	}
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestNothingIsLeftBehind(t *testing.T) {
	s, err := newStage(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	r := s.run(t.Context(), events()[0])
	if len(r.problems) > 0 {
		t.Errorf("%v", r.problems)
	}
	var out bytes.Buffer
	if err := s.invite(&out); err != nil {
		t.Fatal(err)
	}
	_, file, _ := strings.Cut(out.String(), "--secret-file ")
	file, _, _ = strings.Cut(file, "\n")
	if raw, err := os.ReadFile(filepath.Clean(file)); err != nil || string(raw) != s.secret+"\n" {
		t.Errorf("the secret file: %v", err)
	}
	if strings.Contains(out.String(), s.secret) {
		t.Error("the secret is printed")
	}
	s.close()
	for i, r := range s.replicas {
		if r.cmd.ProcessState == nil || !r.cmd.ProcessState.Success() {
			t.Errorf("replica %d ended with %v", i+1, r.cmd.ProcessState)
		}
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the secret file stays: %v", err)
	}
	if _, err := s.redis.Do(t.Context(), "ping"); err == nil {
		t.Error("the Redis server still answers")
	}
}
