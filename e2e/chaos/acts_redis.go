//go:build unix

package chaos

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/keychorus/keychorus/keystore"
	rediskeystore "github.com/keychorus/keychorus/keystore/redis"
	"github.com/keychorus/keychorus/keystore/redis/redisserver"
	"github.com/keychorus/keychorus/keystore/sealed"
	"github.com/keychorus/keychorus/verifier/devissuer"
)

// troubleRedis does something to the servers, puts it right, and returns when they work.
func (st *stage) troubleRedis(ctx context.Context, s Step, e *Event) error {
	both := []*redisserver.Server{st.redis.Master, st.redis.Replica}
	var err error
	switch s.Name {
	case "frozen":
		for _, one := range both {
			err = errors.Join(err, one.Freeze())
		}
		pause(ctx, s.For)
		for _, one := range both {
			err = errors.Join(err, one.Thaw())
		}
	case "killed":
		for _, one := range both {
			err = errors.Join(err, one.Kill())
		}
		pause(ctx, s.For)
		for _, one := range both {
			err = errors.Join(err, one.Restart(context.WithoutCancel(ctx)))
		}
		err = errors.Join(err, st.redis.arrange(ctx))
	case "emptied":
		err = st.redis.client.FlushAll(ctx).Err()
	case "forged":
		st.forging(ctx, s.For)
	case "no writes":
		err = st.refuseWrites(ctx, s.For)
	default:
		err = st.failOver(ctx, e)
	}
	return errors.Join(err, st.redis.settle(ctx))
}

func (st *stage) forging(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	foreign := st.foreign(ctx)
	st.strangers.Store(true)
	defer st.strangers.Store(false)
	for turn := 0; pause(ctx, 200*time.Millisecond); turn++ {
		st.redis.forge(ctx, turn, foreign)
	}
}

// foreign is a record with a stranger's key, which a stranger's secret seals.
func (st *stage) foreign(ctx context.Context) string {
	secrets, err := sealed.NewSecrets([]byte(rand.Text() + rand.Text()))
	if err != nil {
		return ""
	}
	store, err := rediskeystore.New(st.redis.client, secrets)
	if err != nil {
		return ""
	}
	id := keystore.ID{Issuer: st.origin.URL()}
	rec := &keystore.Record{
		ID: id, ResolvedURL: st.origin.JWKSURL(), Document: fmt.Appendf(nil, `{"keys":[%s]}`, st.book.stranger[devissuer.RS256].JWK()),
		DiscoveredAt: time.Now(), FetchedAt: time.Now(), FreshFor: time.Hour, UsableFor: time.Hour,
	}
	version, err := store.Save(ctx, id, rec, "")
	if err != nil {
		return ""
	}
	all, err := store.Inspect(ctx, id)
	if err != nil || len(all) == 0 {
		return string(version)
	}
	text, err := st.redis.client.GetDel(ctx, all[0].Name).Result()
	if err != nil {
		return ""
	}
	return text
}

func (st *stage) refuseWrites(ctx context.Context, d time.Duration) error {
	master, _, err := st.redis.roles(ctx)
	if err != nil {
		return err
	}
	if _, err := master.Do(ctx, "config", "set", "min-replicas-to-write", 3); err != nil {
		return err
	}
	pause(ctx, d)
	_, err = master.Do(context.WithoutCancel(ctx), "config", "set", "min-replicas-to-write", 0)
	return err
}

// failOver lets the master die with a record that its replica never saw, and says whether that
// came about.
func (st *stage) failOver(ctx context.Context, e *Event) error {
	master, other, err := st.redis.roles(ctx)
	if err != nil {
		return err
	}
	if err := other.Freeze(); err != nil {
		return err
	}
	before := st.record(ctx, master)
	_, cut := master.Do(ctx, "client", "kill", "type", "replica") // or the system would still deliver what follows
	written := st.write(ctx)
	lost := !bytes.Equal(st.record(ctx, master), before)
	killed, thawed := master.Kill(), other.Thaw()
	st.ledger.mu.Lock()
	e.Note = map[bool]string{true: "lost", false: "nothing to lose"}[lost]
	st.ledger.mu.Unlock()
	err = errors.Join(cut, written, killed, thawed, st.promoted(ctx, other))
	return errors.Join(err, master.Restart(context.WithoutCancel(ctx)), st.redis.arrange(ctx))
}

// write makes the fleet store something: the denial of an old key or, if there is none, a new
// one.
func (st *stage) write(ctx context.Context) error {
	if former := st.book.sorted().former; len(former) > 0 {
		return st.revoke(ctx, former[len(former)-1])
	}
	_, rotated := st.origin.RotateTo(algorithms[st.origin.turn()%len(algorithms)])
	entered := st.book.enter(st.origin.Key())
	pause(ctx, 2*time.Second) // until a replica has met it
	return errors.Join(rotated, entered)
}

// promoted returns when the sentinels have made a server the master.
func (st *stage) promoted(ctx context.Context, server *redisserver.Server) error {
	within, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		master, _, err := st.redis.roles(within)
		if err == nil && master == server {
			return nil
		}
		if !pause(within, 100*time.Millisecond) {
			return fmt.Errorf("chaos: no failover: %w", errors.Join(err, within.Err()))
		}
	}
}

// record is the fleet's record as a server has it.
func (st *stage) record(ctx context.Context, server *redisserver.Server) []byte {
	reply, err := server.Do(ctx, "keys", "keychorus:1:*:set")
	names, _ := reply.([]any)
	if err != nil || len(names) == 0 {
		return nil
	}
	value, _ := server.Do(ctx, "get", names[0])
	text, _ := value.(string)
	return []byte(text)
}
