//go:build unix

package chaos

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

const audience = "https://api.fleet.example" // of examples/fleet

// origin is the issuer on a socket, with its faults and a note of who asked when.
type origin struct {
	*devissuer.Issuer

	ledger *Ledger
	server *http.Server
	served sync.WaitGroup

	mu     sync.Mutex
	fault  string        // "" for none
	lifted chan struct{} // closed when the fault is over
}

func startOrigin(ctx context.Context, l *Ledger) (*origin, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	issuer, err := devissuer.New("http://"+listener.Addr().String(), devissuer.WithAudience(audience))
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	o := &origin{Issuer: issuer, ledger: l}
	o.server = &http.Server{Handler: http.HandlerFunc(o.answer), ReadHeaderTimeout: 5 * time.Second}
	o.served.Go(func() { _ = o.server.Serve(listener) })
	return o, nil
}

func (o *origin) close() {
	o.set("")
	_ = o.server.Close()
	o.served.Wait()
}

// set makes the issuer behave, "" well. Whoever waits because of the fault before is answered.
func (o *origin) set(fault string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lifted != nil {
		close(o.lifted)
		o.lifted = nil
	}
	if o.fault = fault; fault != "" {
		o.lifted = make(chan struct{})
	}
}

func (o *origin) now() (fault string, lifted <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fault, o.lifted
}

// slowness is what a slow issuer takes, which is less than an attempt may.
const slowness = 1500 * time.Millisecond

// nonsense is what is sent with status 200 in turn.
var nonsense = [][]byte{
	[]byte("<html><body>We will be right back</body></html>"),
	[]byte(`{"keys":[{"kty":"RSA","kid":"`),
	[]byte(`{"keys":"none"}`),
	append(append([]byte(`{"keys":[],"x":"`), bytes.Repeat([]byte("x"), 600<<10)...), `"}`...),
	[]byte("\x1f\x8b\x08\x00"),
	nil,
}

func (o *origin) answer(w http.ResponseWriter, r *http.Request) {
	fault, lifted := o.now()
	if strings.HasPrefix(r.URL.Path, "/.well-known/jwks") {
		o.ledger.fetched(fault != "" && fault != "slow")
	}
	switch fault {
	case "":
	case "slow":
		pause(r.Context(), slowness)
	case "hangs":
		select {
		case <-lifted:
		case <-r.Context().Done():
			return
		}
	case "closes":
		panic(http.ErrAbortHandler)
	case "fails":
		w.WriteHeader([]int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable}[o.turn()%3])
		return
	case "refuses":
		w.Header().Set("Location", o.JWKSURL())
		w.WriteHeader([]int{http.StatusForbidden, http.StatusNotFound, http.StatusFound, http.StatusTooManyRequests}[o.turn()%4])
		return
	case "no keys":
		_, _ = w.Write([]byte(`{"keys":[]}`))
		return
	default:
		_, _ = w.Write(nonsense[o.turn()%len(nonsense)])
		return
	}
	o.ServeHTTP(w, r)
}

// turn counts the fetches, so that faults take turns.
func (o *origin) turn() int {
	o.ledger.mu.Lock()
	defer o.ledger.mu.Unlock()
	return len(o.ledger.Fetches)
}
