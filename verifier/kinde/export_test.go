package kinde

import "net/http"

// EventsKnown counts the events that a WebhookHandler keeps beside its store.
func EventsKnown(h http.Handler) int {
	w, ok := h.(*webhook)
	if !ok {
		return -1
	}
	w.events.mu.Lock()
	defer w.events.mu.Unlock()
	return len(w.events.entries)
}
