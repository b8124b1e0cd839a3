package verifier

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
	"github.com/keychorus/keychorus/internal/telemetry"
)

// Verifier verifies the access tokens of its issuers. Make one per program, not per
// request: it holds the keys. It is safe for concurrent use.
type Verifier struct {
	issuers []*issuer // in the order of the policy
	byURL   map[string]*issuer
	ring    *keyring.Ring

	telemetry *telemetry.Telemetry
	refusals  *refusals // nil: not logged

	clock             func() time.Time // nil: package time
	cache             *tokenCache      // nil: none
	headers           jws.Headers
	client            *http.Client
	resolve           func(context.Context, string) (Issuer, bool, error)
	lookup            func(context.Context, string) ([]byte, error)
	policy            Policy // for issuers that come at runtime
	audiences         []string
	revoked           func(context.Context, *Token) (bool, error)
	algorithms        map[jws.Algorithm]bool
	profile           Profile
	leeway            time.Duration
	maxLifetime       time.Duration
	maxTokenBytes     int
	anyAudience       bool
	allowIDTokens     bool
	authorizedParties []string
	requiredClaims    []string
	advice            map[string][]string

	closed atomic.Bool // told by the ring where a key is needed
}

// New returns a verifier for the policy, of which it keeps a copy. It reports every
// problem it finds, joined, each wrapping [ErrMisconfigured]; it does no I/O and starts no
// goroutine. Close the verifier when the program is done with it.
func New(p Policy, opts ...Option) (*Verifier, error) {
	var c config
	var problems []error
	for _, o := range opts {
		if o == nil {
			problems = append(problems, errors.New("verifier: an Option is nil"))
			continue
		}
		if err := o.apply(&c); err != nil {
			problems = append(problems, err)
		}
	}
	problems = append(problems, p.check(c.resolve != nil)...)
	keys, err := keyring.Config(p.Keys).Check()
	if err != nil {
		problems = append(problems, err)
	}
	v := p.verifier(&c)
	if c.cacheEntries > 0 {
		if v.cache, err = newTokenCache(c.cacheEntries); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) == 0 {
		problems = append(problems, v.connect(&p, keys, &c)...)
	}
	if len(problems) > 0 {
		return nil, misconfigured(problems)
	}
	v.refusals = newRefusals(c.logger, v.issuers)
	v.observe()
	return v, nil
}

// Warm fetches the keys of every issuer that has none yet and returns nil when all have
// usable keys, or an [*Error] per issuer that has not, joined. It waits for one attempt
// per issuer and no longer than ctx.
func (v *Verifier) Warm(ctx context.Context) error {
	var errs []error
	for _, err := range v.ring.Warm(ctx) {
		errs = append(errs, keyError(err))
	}
	return errors.Join(errs...)
}

// Close stops all background work and waits for it to end. Verify then returns
// [ErrUnavailable]. Closing twice is harmless; the error is always nil.
func (v *Verifier) Close() error {
	v.closed.Store(true)
	v.ring.Close()
	v.telemetry.Close()
	v.refusals.flush()
	return nil
}

// misconfigured joins problems under ErrMisconfigured.
func misconfigured(problems []error) error {
	return &configError{errors.Join(problems...)}
}

// configError is what New returns: the text of every problem, and ErrMisconfigured for
// errors.Is.
type configError struct{ problems error }

func (e *configError) Error() string   { return e.problems.Error() }
func (e *configError) Unwrap() []error { return []error{ErrMisconfigured, e.problems} }
