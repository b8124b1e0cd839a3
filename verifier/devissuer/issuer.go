package devissuer

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Issuer is a development issuer. [New] makes one; all its methods may be
// called concurrently.
type Issuer struct {
	url       string
	origin    string
	routes    map[string]endpoint
	now       func() time.Time
	lifetime  time.Duration
	audience  []string
	algorithm Algorithm
	metadata  []byte // the usual discovery document

	rotation sync.Mutex // one change of keys at a time; taken before mu
	spare    []*Key     // guarded by rotation: not in use yet

	mu           sync.Mutex
	keys         []*Key // published now or earlier, oldest first
	withdrawn    map[*Key]bool
	current      *Key
	staged       *Key   // published, to sign after the next Rotate
	document     []byte // instead of the key set
	discovery    []byte // instead of metadata
	cacheControl string
	fault        *answer
	hang         chan struct{}
	counts       Counts
}

// New returns an issuer whose iss claim is exactly issuerURL, published under
// it. It fails for anything but an absolute http or https URL without user,
// query and fragment (RFC 8414 §2), for a bad option, and if no key can be had.
func New(issuerURL string, opts ...Option) (*Issuer, error) {
	u, err := url.Parse(issuerURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.User != nil || strings.ContainsAny(issuerURL, "?#") {
		return nil, errors.New("devissuer: the issuer is not an absolute http or https URL without user, query and fragment")
	}
	i := &Issuer{
		url:       issuerURL,
		origin:    originOf(u),
		routes:    routesOf(u),
		now:       time.Now,
		lifetime:  24 * time.Hour,
		audience:  []string{},
		withdrawn: make(map[*Key]bool),
	}
	for _, opt := range opts {
		if err := opt(i); err != nil {
			return nil, err
		}
	}
	if i.algorithm == "" && len(i.spare) > 0 {
		i.algorithm = i.spare[0].algorithm
	}
	i.algorithm = cmp.Or(i.algorithm, RS256)
	if i.metadata, err = metadataOf(issuerURL); err != nil {
		return nil, err
	}
	if _, err := i.Rotate(); err != nil {
		return nil, err
	}
	return i, nil
}

// URL is the exact iss claim.
func (i *Issuer) URL() string { return i.url }

// JWKSURL is where the key set is published; the same bytes are at the same URL
// with ".json" appended.
func (i *Issuer) JWKSURL() string { return strings.TrimSuffix(i.url, "/") + jwksPath }

// Key is the key that signs now.
func (i *Issuer) Key() *Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.current
}

// Keys are all keys that were ever published, oldest first, the withdrawn ones
// among them.
func (i *Issuer) Keys() []*Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.keys)
}
