//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestATokenIsNeverAnArgument(t *testing.T) {
	const secret = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJl"
	for _, args := range [][]string{
		{"explain", secret}, {"explain", "Bearer " + secret}, {"explain", "--token", secret}, {"explain", "--token=" + secret},
		{"explain", "--issuer", secret}, {secret}, {"keys", `"` + secret + `"`}, {"fleet", "revoke", secret},
		{"Authorization: Bearer " + secret}, {"Bearer:" + secret}, {`{"access_token":"` + secret + `"}`}, {"--" + secret}, {"explain", "\t" + secret + "\n"}, {"explain", "k_live_0123456789"},
		{"explain", strings.Repeat("x", 50) + "." + strings.Repeat("y", 50) + "." + strings.Repeat("z", 50)},
	} {
		got := invoke(t, nil, args...)
		if got.code != exitMisuse || !strings.Contains(got.err, "never an argument") || got.out != "" || strings.Contains(got.err, "secret") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestSettingsThatAreMissingAreTold(t *testing.T) {
	issuer := []string{"--issuer", "https://issuer.example"}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no issuer", []string{"explain", "--audience", "x"}, "--issuer is missing"},
		{"no audience", append([]string{"explain"}, issuer...), "--audience is missing"},
		{"two kinds of issuer", append([]string{"explain", "--domain", "x", "--audience", "x"}, issuer...), "contradict"},
		{"a bad domain", []string{"explain", "--domain", "https://", "--audience", "x"}, "--domain names no host"},
		{"plain http", []string{"keys", "--issuer", "http://issuer.example"}, "--issuer is plain http"},
		{"no time", append([]string{"keys", "--timeout", "1ms"}, issuer...), "between 100ms and 15s"},
		{"an unknown algorithm", append([]string{"explain", "--audience", "x", "--alg", "HS256"}, issuer...), `--alg holds "HS256"`},
		{"any audience of anybody", append([]string{"explain", "--any-audience-unsafe"}, issuer...), "--client is empty"},
		{"keys of several", append([]string{"keys", "--issuer", "https://b.example", "--jwks", "https://c.example"}, issuer...), "several issuers"},
		{"no such file", append([]string{"keys", "--jwks", "no/such/file"}, issuer...), "no such file"},
		{"a directory", append([]string{"keys", "--jwks", "."}, issuer...), "is a directory"},
		{"an endless file", append([]string{"keys", "--jwks", "/dev/zero"}, issuer...), "longer than 512 KiB"},
		{"a file without keys", append([]string{"keys", "--jwks", "/dev/null"}, issuer...), "the file of --jwks is not a JWK Set"},
		{"an unknown shell", []string{"completion", "csh"}, "bash, zsh and fish"},
		{"an issuer for everybody", []string{"issuer", "--listen", "0.0.0.0:0"}, "loopback"},
		{"an issuer for another host", []string{"issuer", "--listen", "example.test:0"}, "loopback"},
		{"an issuer without a port", []string{"issuer", "--listen", "127.0.0.1"}, "no address with a port"},
		{"an issuer of secrets", []string{"issuer", "--listen", "127.0.0.1:0", "--alg", "HS256"}, "unknown algorithm"},
	} {
		got := invoke(t, nil, tt.args...)
		if got.code != exitMisuse || !strings.Contains(got.err, tt.want) || got.out != "" {
			t.Errorf("%s: want %q: %+v", tt.name, tt.want, got)
		}
	}
}

// terminal hands out what is typed, with a pause before each piece.
type terminal struct {
	pieces []string
	pause  time.Duration
	end    error
}

func (r *terminal) Read(p []byte) (int, error) {
	if len(r.pieces) == 0 {
		if r.end == nil {
			select {} // nobody types
		}
		return 0, r.end
	}
	time.Sleep(r.pause)
	n := copy(p, r.pieces[0])
	r.pieces[0] = r.pieces[0][n:]
	if r.pieces[0] == "" {
		r.pieces = r.pieces[1:]
	}
	return n, nil
}

// A paste with line breaks in it is taken as a whole: what is left would be run by the shell.
func TestWhatIsPastedIsTakenToItsEnd(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for name, tt := range map[string]struct {
		pieces []string
		want   string
	}{
		"a line":               {[]string{"abc\r"}, "abc\r"},
		"a long one":           {[]string{long, "\r"}, long + "\r"},
		"several lines":        {[]string{"abc\r", "def\r", "ghi\r"}, "abc\rdef\rghi\r"},
		"Enter first":          {[]string{"\r", "abc", "\r"}, "\rabc\r"},
		"the end of input":     {[]string{"abc"}, "abc"},
		"Ctrl-D":               {[]string{"abc", "\x04"}, "abc"},
		"backspace":            {[]string{"abd", "\x7f", "c\r"}, "abc\r"},
		"held backspace":       {[]string{"abcd", "\x7f\x7f", "\r"}, "ab\r"},
		"backspace in a paste": {[]string{"ab\bc\r"}, "ac\r"},
		"backspace too often":  {[]string{"a", "\x7f", "\x7f", "b\r"}, "b\r"},
	} {
		synctest.Test(t, func(t *testing.T) {
			got, err := typed(t.Context(), &terminal{pieces: tt.pieces, pause: time.Millisecond, end: io.EOF})
			if err != nil || string(got) != tt.want {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		})
	}
}

func TestAPasteCanBeGivenUp(t *testing.T) {
	for _, pieces := range [][]string{{"abc", "\x03"}, {strings.Repeat("x", 1<<20), "x"}} {
		if got, err := typed(t.Context(), &terminal{pieces: pieces, end: io.EOF}); err == nil {
			t.Errorf("%d bytes", len(got))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := typed(ctx, &terminal{pause: time.Hour})
	if f, ok := errors.AsType[*failure](err); !ok || f.code != exitMisuse {
		t.Errorf("%v", err)
	}
}

// A pipe that stays silent, as input or as a file of keys, keeps nobody from ending the program.
func TestASilentPipeCanBeGivenUp(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "keys")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	silent, end := io.Pipe()
	defer func() { _ = end.Close() }()
	for _, args := range [][]string{{"keys", "--jwks", fifo}, {"explain", "--audience", "api", "--jwks", fifo}, {"explain", "--audience", "api"}} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var out, errs bytes.Buffer
		code := run(ctx, append(args, "--issuer", "https://issuer.example"), silent, &out, &errs, func(string) string { return "" })
		if code != exitMisuse || !strings.Contains(errs.String(), "interrupted") {
			t.Errorf("%v: %d %s", args, code, errs.String())
		}
	}
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0) // lets the readers go
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
}

func TestMessagesDoNotSteerTheTerminal(t *testing.T) {
	for _, args := range [][]string{{"explain", "--\x1b[2J"}, {"\x1b[2J"}, {"keys", "--issuer", "https://\x1b[2J"}, {"keys", "--jwks", "\x1b[2J", "--issuer", "https://a.example"}} {
		if got := invoke(t, nil, args...); got.code != exitMisuse || strings.Contains(got.err, "\x1b") {
			t.Errorf("%q: %+v", args, got)
		}
	}
}
