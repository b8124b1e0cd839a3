package keyring

import (
	"errors"
	"sync"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

const (
	// dropAfter is how long an unused tenant is kept.
	dropAfter = 24 * time.Hour
	// failuresPerMinute bounds the first contacts that fail, over all tenants: whoever can
	// name new tenants could otherwise make this process knock at any number of doors.
	failuresPerMinute = 10
	// failureTime is how long a failed first contact is remembered, also when the tenant
	// itself was dropped meanwhile.
	failureTime = 30 * time.Second
)

// errTooManyNew means that the first contacts of a minute have failed too often.
var errTooManyNew = errors.New("too many new issuers could not be reached")

// tenants are the sources that come and go. Reading takes no lock.
type tenants struct {
	limit   int
	sources sync.Map // issuer to *Source

	mu       sync.Mutex
	count    int
	failed   []time.Time          // first contacts that failed within a minute
	failures map[string]time.Time // until when, by issuer
}

// Tenant returns the source of a tenant, or nil.
func (r *Ring) Tenant(issuer string) *Source {
	s, _ := r.tenants.sources.Load(issuer)
	source, _ := s.(*Source)
	return source
}

// Admit makes s the source of its issuer, in the place of old, which is what [Ring.Tenant]
// returned. It returns the source that is in place afterwards: another caller may have been
// quicker. Beyond the limit, the tenant unused for longest goes, and before it those whose
// keys nobody has ever seen.
func (r *Ring) Admit(issuer string, old, s *Source) *Source {
	t := &r.tenants
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := r.Tenant(issuer); now != old {
		return now
	}
	now := time.Now()
	if until, ok := t.failures[issuer]; ok && until.After(now) {
		s.mu.Lock()
		s.shut(gate{until: until, outcome: keystore.Failed})
		s.mu.Unlock()
	}
	s.tenant = true
	t.sources.Store(issuer, s)
	if r.ctx.Err() != nil { // closed meanwhile, which has cleared the others
		s.snap.Store(nil)
	}
	if old == nil {
		t.count++
		t.evict(s, now)
	}
	return s
}

// evict drops what is unused, and one more if that is not enough. The caller holds mu.
func (t *tenants) evict(keep *Source, now time.Time) {
	if t.count <= t.limit {
		return
	}
	var victim *Source
	for s := range t.each {
		switch {
		case s == keep:
		case s.unused(now) > dropAfter:
			t.drop(s)
		case victim == nil || s.lessWorthy(victim):
			victim = s
		}
	}
	if t.count > t.limit && victim != nil {
		t.drop(victim)
	}
}

func (t *tenants) drop(s *Source) {
	t.sources.Delete(s.id.Issuer)
	t.count--
}

// lessWorthy tells whether s should go before other.
func (s *Source) lessWorthy(other *Source) bool {
	never, otherNever := s.snap.Load() == nil, other.snap.Load() == nil
	if never != otherNever {
		return never
	}
	return s.lastUsed.Load() < other.lastUsed.Load()
}

func (t *tenants) each(yield func(*Source) bool) {
	t.sources.Range(func(_, s any) bool {
		source, _ := s.(*Source)
		return yield(source)
	})
}

// mayContact tells whether a first contact is within the budget, and if not, when it will be.
func (t *tenants) mayContact(now time.Time) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	if len(t.failed) < failuresPerMinute {
		return 0, true
	}
	return t.failed[0].Add(time.Minute).Sub(now), false
}

// wait is the time until the next first contact.
func (t *tenants) wait(now time.Time) time.Duration {
	wait, _ := t.mayContact(now)
	return max(wait, time.Millisecond)
}

// contactFailed notes a first contact that failed.
func (t *tenants) contactFailed(issuer string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(now)
	t.failed = append(t.failed, now)
	if t.failures == nil {
		t.failures = make(map[string]time.Time)
	}
	t.failures[issuer] = now.Add(failureTime)
}

// forget drops what is over. Both lists are short: the budget bounds what enters them.
func (t *tenants) forget(now time.Time) {
	for len(t.failed) > 0 && now.Sub(t.failed[0]) >= time.Minute {
		t.failed = t.failed[1:]
	}
	for issuer, until := range t.failures {
		if !until.After(now) {
			delete(t.failures, issuer)
		}
	}
}
