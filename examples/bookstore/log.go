package main

import (
	"log/slog"
	"net/http"
)

// logged writes a line for each request: what was asked for and what was answered, and
// nothing of credentials or bodies.
func logged(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered := &answered{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answered, r)
		logger.LogAttrs(r.Context(), slog.LevelInfo, "request",
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", answered.status))
	})
}

// answered remembers the status of an answer.
type answered struct {
	http.ResponseWriter

	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }
