package sealed_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// directory keeps each value in a file: when it expires, and the bytes. It is the second proof
// that a back end is two methods.
type directory string

func (d directory) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(string(d), hex.EncodeToString(sum[:]))
}

func (d directory) Get(_ context.Context, key string) ([]byte, time.Duration, error) {
	file, err := os.ReadFile(d.path(key))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, keystore.ErrNotFound
	case err != nil:
		return nil, 0, err
	case len(file) < 8:
		return file, 0, keystore.ErrUnusable
	}
	left := time.Until(time.Unix(0, int64(binary.BigEndian.Uint64(file))))
	if left <= 0 {
		return nil, 0, keystore.ErrNotFound
	}
	return file[8:], left, nil
}

func (d directory) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	unlock, err := d.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	now, _, err := d.Get(ctx, key)
	switch {
	case errors.Is(err, keystore.ErrNotFound) && old == nil:
	case errors.Is(err, keystore.ErrNotFound):
		return keystore.ErrConflict
	case err != nil && !errors.Is(err, keystore.ErrUnusable):
		return err
	case old == nil || !bytes.Equal(now, old):
		return keystore.ErrConflict
	}
	file := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(ttl).UnixNano()))
	if err := os.WriteFile(d.path(key)+".new", append(file, value...), 0o600); err != nil {
		return err
	}
	return os.Rename(d.path(key)+".new", d.path(key))
}

// lock keeps other writers out, of this process and others.
func (d directory) lock(ctx context.Context, key string) (unlock func(), err error) {
	name := d.path(key) + ".lock"
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return func() { _ = f.Close(); _ = os.Remove(name) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// noticeboard is a directory whose topics are directories of messages.
type noticeboard struct{ directory }

func (n noticeboard) Publish(_ context.Context, topic string, msg []byte) error {
	board := n.path(topic)
	if err := os.MkdirAll(board, 0o700); err != nil {
		return err
	}
	name := filepath.Join(board, rand.Text())
	if err := os.WriteFile(name+".new", msg, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

func (n noticeboard) Subscribe(ctx context.Context, topic string, on func([]byte), gap func()) error {
	seen := map[string]bool{}
	look := func(tell func([]byte)) error {
		files, err := os.ReadDir(n.path(topic))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, f := range files {
			if seen[f.Name()] || filepath.Ext(f.Name()) != "" {
				continue
			}
			seen[f.Name()] = true
			msg, err := os.ReadFile(filepath.Join(n.path(topic), f.Name()))
			if err != nil {
				return err
			}
			tell(msg)
		}
		return nil
	}
	if err := look(func([]byte) {}); err != nil {
		return err
	}
	gap()
	for {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := look(on); err != nil {
			return err
		}
	}
}

// breakable is a back end that can be taken away.
type breakable struct {
	sealed.Backend

	down bool
}

func (b *breakable) Get(ctx context.Context, key string) ([]byte, time.Duration, error) {
	if b.down {
		return nil, 0, errDown
	}
	return b.Backend.Get(ctx, key)
}

func (b *breakable) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	if b.down {
		return errDown
	}
	return b.Backend.Swap(ctx, key, old, value, ttl)
}
