//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

func waitABit() { time.Sleep(5 * time.Millisecond) } // between looks, never for luck

// watching is a running watch.
type watching struct {
	lines *bufio.Scanner
	stop  context.CancelFunc
	code  chan int
}

func (w *world) watch(t *testing.T, args ...string) *watching {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, out := io.Pipe()
	code := make(chan int, 1)
	go func() {
		n := run(ctx, append([]string{"fleet", "watch"}, args...), nil, out, io.Discard, func(name string) string { return w.env[name] })
		_ = out.Close()
		code <- n
	}()
	t.Cleanup(func() { stop(); _ = r.Close() })
	return &watching{bufio.NewScanner(r), stop, code}
}

// next returns the next line.
func (w *watching) next(t *testing.T) change {
	t.Helper()
	var ch change
	if !w.lines.Scan() {
		t.Fatalf("no line: %v", w.lines.Err())
	}
	if err := json.Unmarshal(w.lines.Bytes(), &ch); err != nil {
		t.Fatalf("%v: %s", err, w.lines.Text())
	}
	return ch
}

func TestWatchSeesWhatOthersStore(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, nothing)
	watch := w.watch(t, "--json", "--issuer", w.id.Issuer)
	if ch := watch.next(t); ch.Event != eventWatching {
		t.Fatalf("%+v", ch)
	}
	first := w.issuer.Key().ID()
	if ch := watch.next(t); ch.Event != eventStored || !slices.Equal(ch.Added, []string{first}) || ch.Issuer != w.id.Issuer {
		t.Fatalf("%+v", ch)
	}
	w.save(t, secretA, func(r *keystore.Record) { r.FetchedAt = r.FetchedAt.Add(time.Second) })
	if ch := watch.next(t); ch.Event != eventConfirmed || len(ch.Added)+len(ch.Removed) > 0 {
		t.Errorf("%+v", ch)
	}
	second, err := w.issuer.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.issuer.Withdraw(first); err != nil {
		t.Fatal(err)
	}
	w.save(t, secretA, func(r *keystore.Record) { r.Document = w.document(t); r.FetchedAt = r.FetchedAt.Add(time.Second) })
	if ch := watch.next(t); ch.Event != eventChanged || !slices.Equal(ch.Added, []string{second}) || !slices.Equal(ch.Removed, []string{first}) {
		t.Errorf("%+v", ch)
	}
	w.save(t, secretA, func(r *keystore.Record) { r.Denied, r.Epoch = []string{first}, 1 })
	if ch := watch.next(t); ch.Event != eventChanged || !slices.Equal(ch.Denied, []string{first}) || !ch.Purged || *ch.Epoch != 1 || *ch.Confirmed {
		t.Errorf("%+v", ch)
	}
	watch.stop()
	if ch := watch.next(t); ch.Event != eventEnded || *ch.Dropped != 0 {
		t.Errorf("%+v", ch)
	}
	if code := <-watch.code; code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

func TestWatchWithoutAnIssuerSeesAll(t *testing.T) {
	w := newWorld(t)
	watch := w.watch(t, "--json")
	if ch := watch.next(t); ch.Event != eventWatching {
		t.Fatalf("%+v", ch)
	}
	w.save(t, secretB, nothing) // another fleet
	w.save(t, secretA, nothing)
	if ch := watch.next(t); ch.Event != eventStored || ch.Issuer != w.id.Issuer {
		t.Errorf("%+v", ch)
	}
}

func TestWatchCountsWhatItDoesNotBelieve(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, nothing)
	watch := w.watch(t, "--json", "--issuer", w.id.Issuer)
	watch.next(t)
	watch.next(t)
	topics, err := w.server.Do(t.Context(), "pubsub", "channels", "*")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.server.Do(t.Context(), "publish", topics.([]any)[0], "forged"); err != nil {
		t.Fatal(err)
	}
	w.save(t, secretA, func(r *keystore.Record) { r.FetchedAt = r.FetchedAt.Add(time.Second) })
	if ch := watch.next(t); ch.Event != eventConfirmed { // behind the forged one
		t.Errorf("%+v", ch)
	}
	watch.stop()
	if ch := watch.next(t); ch.Event != eventEnded || *ch.Dropped != 1 {
		t.Errorf("%+v", ch)
	}
	if code := <-watch.code; code != exitFinding {
		t.Errorf("exit code %d", code)
	}
}

func TestWatchLooksAgainAfterAGap(t *testing.T) {
	w := newWorld(t)
	w.save(t, secretA, nothing)
	watch := w.watch(t, "--issuer", w.id.Issuer) // for people
	var seen []string
	for range 2 {
		watch.lines.Scan()
		seen = append(seen, watch.lines.Text())
	}
	if err := w.server.Restart(t.Context()); err != nil { // without its data
		t.Fatal(err)
	}
	for ended := false; !ended && watch.lines.Scan(); {
		seen = append(seen, watch.lines.Text())
		if strings.Contains(watch.lines.Text(), eventGap) {
			w.save(t, secretA, func(r *keystore.Record) { r.Denied = []string{"x"} })
		}
		ended = strings.Contains(watch.lines.Text(), "denied x")
	}
	text := strings.Join(seen, "\n")
	if !strings.Contains(text, eventGap) || !strings.Contains(text, "denied x") || !strings.Contains(text, "+"+w.issuer.Key().ID()) {
		t.Errorf("seen:\n%s", text)
	}
}

func TestWatchEndsWhenNobodyReads(t *testing.T) {
	w := newWorld(t)
	code := run(t.Context(), []string{"fleet", "watch"}, nil, brokenPipe{}, io.Discard, func(name string) string { return w.env[name] })
	if code != exitUnavailable {
		t.Errorf("exit code %d", code)
	}
}

func TestColoursKeepTheColumns(t *testing.T) {
	plain, coloured := strings.Builder{}, strings.Builder{}
	rows := [][]cell{{{"a", red}, {"b", ""}}, {{"müller", green}, {"c", dim}}}
	(&printer{w: &plain}).table([]string{"ONE", "TWO"}, rows)
	(&printer{w: &coloured, colours: true}).table([]string{"ONE", "TWO"}, rows)
	if want := "ONE     TWO\na       b\nmüller  c\n"; plain.String() != want {
		t.Errorf("%q", plain.String())
	}
	bare := coloured.String()
	for _, code := range []string{bold, dim, red, green} {
		bare = strings.ReplaceAll(bare, fmt.Sprintf("\x1b[%sm", code), "")
	}
	if bare = strings.ReplaceAll(bare, "\x1b[0m", ""); bare != plain.String() || coloured.String() == plain.String() {
		t.Errorf("%q", coloured.String())
	}
}
