package devissuer_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

func TestFail(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	paths := []string{"/.well-known/jwks", "/.well-known/openid-configuration", "/elsewhere"}
	tests := []struct{ status, want int }{
		{503, 503},
		{403, 403},
		{304, 304},
		{200, 200},
		{204, 204},
		{99, 500},
		{101, 500},
		{1000, 500},
		{-1, 500},
	}
	for _, test := range tests {
		issuer.Fail(test.status)
		for _, path := range paths {
			resp := get(t, issuer, issuerURL+path, nil)
			if resp.status != test.want {
				t.Errorf("Fail(%d): status %d, want %d", test.status, resp.status, test.want)
			}
			bodiless := test.want == http.StatusNoContent || test.want == http.StatusNotModified
			if strings.Contains(resp.body, "<title>") == bodiless {
				t.Errorf("Fail(%d): body %q", test.status, resp.body)
			}
		}
	}
	n := len(tests)
	if got, want := issuer.Counts(), (devissuer.Counts{Discovery: n, JWKS: n, Other: n}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	issuer.Fail(0)
	if resp := get(t, issuer, issuer.JWKSURL(), nil); resp.status != 200 || resp.body != string(issuer.JWKS()) {
		t.Errorf("healthy again: status %d, body %q", resp.status, resp.body)
	}
}

func TestFailWith(t *testing.T) {
	issuer := newIssuer(t, issuerURL)
	header, body := http.Header{"Retry-After": {"120"}}, []byte("later")
	issuer.FailWith(http.StatusTooManyRequests, header, body)
	header.Set("Retry-After", "0")
	body[0] = '!'
	for range 2 {
		resp := get(t, issuer, issuer.JWKSURL(), nil)
		if resp.status != 429 || resp.header.Get("Retry-After") != "120" || resp.body != "later" {
			t.Errorf("status %d, header %v, body %q", resp.status, resp.header, resp.body)
		}
		resp.header["Retry-After"][0] = "changed by a reader"
	}
}

// ask sends one request for the key set and delivers its status and error.
func ask(ctx context.Context, t *testing.T, issuer *devissuer.Issuer, client *http.Client) <-chan error {
	t.Helper()
	r := newRequest(t, http.MethodGet, issuer.JWKSURL(), nil).WithContext(ctx)
	done := make(chan error, 1)
	go func() {
		resp, err := client.Do(r)
		if err == nil {
			err = resp.Body.Close()
		}
		done <- err
	}()
	return done
}

func TestHangUntilRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer(t, issuerURL)
		client := &http.Client{Transport: issuer.RoundTripper()}
		issuer.Hang()
		issuer.Hang() // the second changes nothing
		waiting := ask(t.Context(), t, issuer, client)
		synctest.Wait()
		if got, want := issuer.Counts(), (devissuer.Counts{JWKS: 1, Hung: 1}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		select {
		case err := <-waiting:
			t.Fatalf("answered while hanging, error %v", err)
		default:
		}
		if _, err := issuer.Mint(nil); err != nil {
			t.Errorf("minting while hanging: %v", err)
		}
		issuer.Release()
		issuer.Release() // the second changes nothing
		if err := <-waiting; err != nil {
			t.Error(err)
		}
		if err := <-ask(t.Context(), t, issuer, client); err != nil {
			t.Error(err)
		}
		if got, want := issuer.Counts(), (devissuer.Counts{JWKS: 2, Hung: 1}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
	})
}

func TestHangUntilTheCallerLeaves(t *testing.T) {
	tests := []struct {
		name    string
		context func(context.Context) (context.Context, context.CancelFunc)
		timeout time.Duration
		want    error
		after   time.Duration
	}{
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		}, 0, context.DeadlineExceeded, 5 * time.Second},
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, 0, context.Canceled, time.Second},
		{"client's timeout", context.WithCancel, 3 * time.Second, context.DeadlineExceeded, 3 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := newIssuer(t, issuerURL)
				issuer.Hang()
				ctx, cancel := test.context(t.Context())
				defer cancel()
				start := time.Now()
				client := &http.Client{Transport: issuer.RoundTripper(), Timeout: test.timeout}
				if err := <-ask(ctx, t, issuer, client); !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				// The bubble's clock is exact.
				if got := time.Since(start); got != test.after {
					t.Errorf("gave up after %v, want %v", got, test.after)
				}
			})
		})
	}
}

func TestFailAfterHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer(t, issuerURL)
		issuer.Hang()
		time.AfterFunc(time.Minute, func() {
			issuer.Fail(http.StatusBadGateway)
			issuer.Release()
		})
		resp := get(t, issuer, issuer.JWKSURL(), nil)
		if resp.status != http.StatusBadGateway {
			t.Errorf("status %d, want what holds at the release", resp.status)
		}
	})
}
