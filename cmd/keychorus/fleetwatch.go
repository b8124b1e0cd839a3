package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keychorus/keychorus/keystore"
)

func watchCommand() command {
	return command{
		name:    "watch",
		summary: "print changes as they happen",
		details: `
Prints what replicas announce, until it is interrupted: keys added and removed, purges, denials,
and routine confirmations. With --issuer only what concerns that issuer, beginning with what is
stored. A gap means that announcements may have been missed; everything known is then looked at
again. With --json each line is an object. Messages that the fleet did not seal are dropped,
counted at the end, and give exit code 1.`,
		setup: func(flags *flag.FlagSet) action {
			var f fleetFlags
			f.add(flags)
			return func(ctx context.Context, c *call, _ []string) error { return watch(ctx, c, &f) }
		},
	}
}

// The events.
const (
	eventWatching  = "watching"  // from now on nothing is missed
	eventGap       = "gap"       // something may have been missed
	eventStored    = "stored"    // the first that is seen of an issuer
	eventChanged   = "changed"   // keys or decisions are others
	eventConfirmed = "confirmed" // the issuer said the same again
	eventEnded     = "ended"
)

// change is one line.
type change struct {
	Time      time.Time  `json:"time"`
	Event     string     `json:"event"`
	Issuer    string     `json:"issuer,omitempty"`
	JWKSURL   string     `json:"jwks_url,omitempty"`
	FetchedAt *time.Time `json:"fetched_at,omitempty"`
	Epoch     *uint64    `json:"epoch,omitempty"`
	Confirmed *bool      `json:"confirmed,omitempty"`
	Added     []string   `json:"keys_added,omitempty"`
	Removed   []string   `json:"keys_removed,omitempty"`
	Denied    []string   `json:"denied,omitempty"` // new ones
	Purged    bool       `json:"purged,omitempty"`
	Suspect   bool       `json:"suspect,omitempty"`
	Dropped   *uint64    `json:"dropped_messages,omitempty"`
}

// watcher remembers what it has seen, to tell what is new. Calls come one at a time.
type watcher struct {
	*fleet

	c        *call
	print    func(*change) error
	known    map[keystore.ID]*keystore.Record
	watching bool
	err      error // of the output
	stop     context.CancelFunc
}

func watch(ctx context.Context, c *call, f *fleetFlags) error {
	fl, err := f.open(c)
	if err != nil {
		return err
	}
	defer fl.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w := &watcher{fleet: fl, c: c, known: map[keystore.ID]*keystore.Record{}, stop: stop}
	w.print = func(ch *change) error { return c.printJSON(ch) }
	if !f.json {
		p := c.printer()
		w.print = func(ch *change) error { p.change(ch); return p.err }
	}
	if fl.id.Issuer != "" {
		w.known[fl.id] = nil
	}
	if _, err := fl.look(ctx, fl.id); err != nil { // says now what watching would only retry
		return err
	}
	_ = fl.Watch(ctx, func(e keystore.Event) { w.on(ctx, e) }) // ends with ctx alone
	return w.end()
}

// on hears one event.
func (w *watcher) on(ctx context.Context, e keystore.Event) {
	if w.id.Issuer != "" && e.ID != w.id && e.ID != (keystore.ID{}) {
		return
	}
	switch {
	case e.Record != nil:
		w.seen(e.ID, e.Record)
	case e.ID != (keystore.ID{}):
		w.again(ctx, e.ID)
	default:
		event := eventGap
		if !w.watching {
			event, w.watching = eventWatching, true
		}
		w.tell(&change{Event: event})
		for id := range w.known {
			w.again(ctx, id)
		}
	}
}

// again looks at the store, which only reads: Load would also seal anew.
func (w *watcher) again(ctx context.Context, id keystore.ID) {
	all, err := w.Inspect(ctx, id)
	if err != nil {
		return // the next gap looks again
	}
	if in := newest(all); in != nil {
		w.seen(id, in.Record)
	}
}

// seen tells what is new in a record.
func (w *watcher) seen(id keystore.ID, rec *keystore.Record) {
	old := w.known[id]
	w.known[id] = rec
	confirmed := len(rec.Document) > 0 && rec.DocumentEpoch >= rec.Epoch
	ch := &change{
		Event: eventStored, Issuer: id.Issuer, JWKSURL: id.JWKSURL, FetchedAt: known(rec.FetchedAt), Epoch: &rec.Epoch, Confirmed: &confirmed,
		Added: kidsOf(rec), Denied: rec.Denied,
	}
	if old != nil {
		ch.Added, ch.Removed, ch.Denied = minus(kidsOf(rec), kidsOf(old)), minus(kidsOf(old), kidsOf(rec)), minus(rec.Denied, old.Denied)
		ch.Purged = rec.Epoch > old.Epoch
		ch.Suspect = rec.Suspect != old.Suspect && !rec.SuspectSince.IsZero()
		ch.Event = eventConfirmed
		if len(ch.Added)+len(ch.Removed)+len(ch.Denied) > 0 || ch.Purged || ch.Suspect {
			ch.Event = eventChanged
		} else if rec.FetchedAt.Equal(old.FetchedAt) && rec.DocumentEpoch == old.DocumentEpoch {
			return // put back, or sealed anew
		}
	}
	w.tell(ch)
}

func (w *watcher) tell(ch *change) {
	ch.Time = w.c.now().UTC()
	if w.err == nil {
		w.err = w.print(ch)
	}
	if w.err != nil { // nobody reads any more
		w.stop()
	}
}

// end reports what was not believed.
func (w *watcher) end() error {
	s := w.Stats()
	w.tell(&change{Event: eventEnded, Dropped: &s.DroppedMessages})
	if w.err == nil && s.DroppedMessages > 0 {
		return errFound
	}
	return w.err
}

// kidsOf returns the kids of a document, each once, with a thumbprint where there is none.
func kidsOf(rec *keystore.Record) []string {
	var kids []string
	for _, k := range keysOf(rec) {
		name := k.ID
		if name == "" {
			name = k.Thumbprint
		}
		if name != "" && !slices.Contains(kids, name) {
			kids = append(kids, name)
		}
	}
	return kids
}

// minus returns what is in a and not in b.
func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// change prints a line for people.
func (p *printer) change(ch *change) {
	colour := map[string]string{eventGap: yellow, eventChanged: green, eventConfirmed: dim}[ch.Event]
	var words []string
	add := func(is bool, format string, args ...any) {
		if is {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(ch.Issuer != "", "%s", printable(ch.Issuer))
	add(ch.JWKSURL != "", "(%s)", printable(ch.JWKSURL))
	for _, k := range ch.Added {
		add(true, "%s", p.paint(green, "+"+printable(k)))
	}
	for _, k := range ch.Removed {
		add(true, "%s", p.paint(yellow, "-"+printable(k)))
	}
	add(len(ch.Denied) > 0, "%s", p.paint(red, "denied "+printables(ch.Denied)))
	add(ch.Purged, "%s", p.paint(red, "purged"))
	add(ch.Suspect, "%s", p.paint(red, "the issuer answers without usable keys"))
	if ch.Epoch != nil {
		add(*ch.Epoch > 0, "epoch %d", *ch.Epoch)
		add(!*ch.Confirmed, "not confirmed yet")
	}
	if ch.Dropped != nil {
		add(true, "%d messages dropped that the fleet did not seal", *ch.Dropped)
	}
	p.printf("%s  %s  %s\n", p.paint(dim, ch.Time.Format("15:04:05.000")), p.paint(colour, pad(ch.Event, 9)), strings.Join(words, "  "))
}
