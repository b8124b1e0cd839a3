package verifier

import (
	"context"
	"log/slog"

	"github.com/keychorus/keychorus/internal/keyring"
)

// observer turns events of the keys into log records. What it logs comes from configuration
// and from the issuer, never from a token.
func observer(l *slog.Logger) func(keyring.Event) {
	if l == nil {
		return nil
	}
	return func(e keyring.Event) {
		ctx := context.Background() // no request causes a transition
		issuer := slog.String("issuer", e.Issuer)
		switch e.Kind {
		case keyring.KeysChanged:
			l.LogAttrs(ctx, slog.LevelInfo, "keychorus: keys changed", issuer,
				slog.Any("added", e.Added), slog.Any("removed", e.Removed))
		case keyring.KeysSkipped:
			l.LogAttrs(ctx, slog.LevelWarn, "keychorus: published keys are not used", issuer, slog.Any("reasons", e.Skipped))
		case keyring.ProblemChanged:
			if e.Problem == "" {
				l.LogAttrs(ctx, slog.LevelInfo, "keychorus: keys are well again", issuer)
				return
			}
			l.LogAttrs(ctx, slog.LevelWarn, "keychorus: trouble with keys", issuer, slog.String("problem", e.Problem))
		}
	}
}
