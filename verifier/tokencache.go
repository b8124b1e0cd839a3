package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/telemetry"
)

const (
	// cacheTime is how long a signature that held is not checked again.
	cacheTime = time.Minute
	// cacheShards share the entries, so that cores rarely meet at one mutex.
	cacheShards = 16
	// maxCacheEntries bounds the memory to some gigabytes.
	maxCacheEntries = 1 << 22
)

// WithTokenCache remembers up to entries tokens whose signature held, for at most a minute
// and never past exp, so that a client's next request costs a hash instead of a signature
// check. All else is judged anew with each request: the keys, which must still be the very
// same and not denied, the time, the issuer's acceptance, bindings, revocation, requirements.
// Tokens are remembered under their SHA-256, so that the cache holds no token that could be
// used. An entry takes about the size of the token's payload and 500 bytes. entries is
// between 1 and 4,194,304; anything else is an error. Default: no cache.
func WithTokenCache(entries int) Option {
	return option(func(c *config) error {
		if entries < 1 || entries > maxCacheEntries {
			return fmt.Errorf("verifier: WithTokenCache: %d entries: between 1 and %d", entries, maxCacheEntries)
		}
		c.cacheEntries = entries
		return nil
	})
}

// tokenCache holds verified tokens by the SHA-256 of their compact form. A nil cache is empty.
type tokenCache struct {
	shards []*cacheShard
}

// cacheShard counts its own look-ups: one count of all would be where all cores meet.
type cacheShard struct {
	*lru.Cache[tokenName, *cachedToken]
	hits, misses atomic.Int64
	_            [cacheLine]byte
}

// cacheLine keeps shards from sharing one on any common processor.
const cacheLine = 128

type tokenName [sha256.Size]byte

// hasher hashes a string piece by piece: as a whole it would first be copied to the heap.
type hasher struct {
	hash  hash.Hash
	piece [1024]byte
	sum   tokenName
}

var hashers = sync.Pool{New: func() any { return &hasher{hash: sha256.New()} }}

// nameOf returns the SHA-256 of a token.
func nameOf(token string) tokenName {
	h, _ := hashers.Get().(*hasher)
	h.hash.Reset()
	for len(token) > 0 {
		n := copy(h.piece[:], token)
		_, _ = h.hash.Write(h.piece[:n])
		token = token[n:]
	}
	h.hash.Sum(h.sum[:0])
	name := h.sum
	h.hash.Reset()
	clear(h.piece[:]) // keep no part of a token
	hashers.Put(h)
	return name
}

// cachedToken is a token with what its signature was verified by. It is immutable.
type cachedToken struct {
	token  *Token
	issuer *issuer
	key    *jws.Key
	until  time.Time
}

func newTokenCache(entries int) (*tokenCache, error) {
	n := cacheShards
	if entries < 8*cacheShards { // too few to share out
		n = 1
	}
	c := &tokenCache{shards: make([]*cacheShard, n)}
	for i := range c.shards {
		shard, err := lru.New[tokenName, *cachedToken](max(entries/n, 1))
		if err != nil {
			return nil, errors.New("verifier: WithTokenCache: " + err.Error())
		}
		c.shards[i] = &cacheShard{Cache: shard}
	}
	return c, nil
}

// shard returns where a name belongs. Names are hashes, so that nobody can crowd one shard.
func (c *tokenCache) shard(name tokenName) *cacheShard {
	return c.shards[int(name[0])%len(c.shards)]
}

func (s *cacheShard) get(name tokenName, now time.Time) *cachedToken {
	found, ok := s.Get(name)
	if !ok {
		return nil
	}
	if !now.Before(found.until) {
		s.Remove(name)
		return nil
	}
	return found
}

// lookups returns how many tokens were found, and how many were not, or not valid by now.
func (c *tokenCache) lookups() (hits, misses int64) {
	for _, s := range c.shards {
		hits += s.hits.Load()
		misses += s.misses.Load()
	}
	return hits, misses
}

func (c *tokenCache) put(name tokenName, t *cachedToken) { c.shard(name).Add(name, t) }

// recall returns a token whose signature is known to hold, if it would hold now: by the same
// key of the same issuer. It returns nil if the token has to be verified, also to say what is
// wrong with it by now.
func (v *Verifier) recall(ctx context.Context, name tokenName, arrived time.Time, met *sight) *Token {
	shard := v.cache.shard(name)
	c := shard.get(name, arrived)
	if c == nil || !v.holds(ctx, c, arrived) {
		shard.misses.Add(1)
		met.cache = telemetry.CacheMiss
		return nil
	}
	shard.hits.Add(1)
	met.cache, met.issuer = telemetry.CacheHit, c.issuer
	return c.token
}

// holds tells whether a token whose signature held is still acceptable.
func (v *Verifier) holds(ctx context.Context, c *cachedToken, arrived time.Time) bool {
	t := c.token
	iss, refusal := v.issuerOf(ctx, t.issuer)
	if refusal != nil || iss != c.issuer {
		return false
	}
	key, _, err := iss.source.Key(ctx, arrived, jws.Algorithm(t.algorithm), t.keyID, true)
	if err != nil || key != c.key {
		return false
	}
	return v.judgeTime(&t.claims, v.wallClock(arrived)) == nil
}

// remember notes a token that was just verified.
func (v *Verifier) remember(name tokenName, arrived time.Time, t *Token, iss *issuer, key *jws.Key) {
	v.cache.put(name, &cachedToken{t, iss, key, arrived.Add(cacheTime)})
}
