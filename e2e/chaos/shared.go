//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore/redis/redisserver"
)

// shared is the Redis of the fleet: a master, its replica and three sentinels.
type shared struct {
	*redisserver.Sentinel

	client *redis.Client // finds the master through the sentinels
	old    map[string][]string
}

func startShared(ctx context.Context) (*shared, error) {
	s, err := redisserver.StartSentinel(ctx)
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	return &shared{Sentinel: s, old: make(map[string][]string), client: redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: s.Name, SentinelAddrs: s.Addrs(), ContextTimeoutEnabled: true, DialTimeout: time.Second, ReadTimeout: time.Second,
	})}, nil
}

func (s *shared) close() {
	_ = s.client.Close()
	s.Stop()
}

// roles returns the master and the other one, as the sentinels see them.
func (s *shared) roles(ctx context.Context) (master, other *redisserver.Server, err error) {
	c := redis.NewSentinelClient(&redis.Options{Addr: s.Sentinels[0].Addr()})
	defer func() { _ = c.Close() }()
	at, err := c.GetMasterAddrByName(ctx, s.Name).Result()
	if err != nil {
		return nil, nil, fmt.Errorf("chaos: asking a sentinel: %w", err)
	}
	if net.JoinHostPort(at[0], at[1]) == s.Master.Addr() {
		return s.Master, s.Replica, nil
	}
	return s.Replica, s.Master, nil
}

// arrange gives both servers the roles that the sentinels believe in, as servers that keep their
// settings have them after a restart.
func (s *shared) arrange(ctx context.Context) error {
	master, other, err := s.roles(ctx)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(master.Addr())
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	_, promoted := master.Do(ctx, "replicaof", "no", "one")
	_, follows := other.Do(ctx, "replicaof", host, port)
	return errors.Join(promoted, follows)
}

const settleTime = 40 * time.Second

// settle waits until the master takes writes and its replica has them.
func (s *shared) settle(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	var err error
	for {
		if err = s.try(within); err == nil {
			return nil
		}
		if !pause(within, 100*time.Millisecond) {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("chaos: Redis does not settle: %w", err)
		}
	}
}

func (s *shared) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := s.client.Set(ctx, "chaos:probe", "1", time.Minute).Err(); err != nil {
		return err
	}
	master, _, err := s.roles(ctx)
	if err != nil {
		return err
	}
	n, err := master.Do(ctx, "wait", 1, 1000)
	if err == nil && n != int64(1) {
		err = errors.New("the replica does not follow")
	}
	return err
}

// names returns the fleet's keys.
func (s *shared) names(ctx context.Context) ([]string, error) {
	return s.client.Keys(ctx, "keychorus:1:*").Result()
}

// remember keeps what is stored, for later.
func (s *shared) remember(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	names, err := s.names(ctx)
	if err != nil {
		return // in trouble: there will be other times
	}
	for _, n := range names {
		if v, err := s.client.Get(ctx, n).Result(); err == nil {
			s.old[n] = append(s.old[n], v)
		}
	}
}

// forge writes to the fleet's keys what an attacker with access would.
func (s *shared) forge(ctx context.Context, turn int, foreign string) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	names, err := s.names(ctx)
	if err != nil {
		return
	}
	for _, n := range names {
		record := strings.HasSuffix(n, ":set")
		old := s.old[n]
		switch {
		case turn%6 == 0:
			s.client.Set(ctx, n, "garbage", time.Minute)
		case turn%6 == 1 && record:
			s.client.Set(ctx, n, foreign, time.Minute) // sealed with another secret
		case turn%6 == 2:
			if v, err := s.client.Get(ctx, n).Bytes(); err == nil && len(v) > 0 {
				v[turn%len(v)] ^= 1
				s.client.Set(ctx, n, v, time.Minute)
			}
		case turn%6 == 3 && len(old) > 0: // authentic, of the past
			s.client.Set(ctx, n, old[turn%len(old)], 0)
		case turn%6 == 4:
			s.client.Del(ctx, n)
			s.client.LPush(ctx, n, "of another type")
		case turn%6 == 5 && record && len(old) > 0:
			tag := n[strings.Index(n, "{")+1 : strings.Index(n, "}")]
			secret := strings.Split(n, ":")[3]
			s.client.Publish(ctx, "keychorus:1:"+secret+":changed", tag+old[0])
			s.client.Publish(ctx, "keychorus:1:"+secret+":changed", "garbage")
		}
	}
}
