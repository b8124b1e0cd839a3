package verify_test

import (
	"context"
	"errors"
	"testing"

	"github.com/keychorus/keychorus/verifier/devissuer"
)

var errAccepted = errors.New("accepted, and should not be")

// cell is one algorithm and one shape of token.
type cell struct {
	alg   devissuer.Algorithm
	shape string
	// bytes is the length of a token as a whole.
	bytes int
	times taken
	costs map[string]cost
}

// prepared is a cell that has not been timed.
type prepared struct {
	cell cell
	all  []*timed
}

// prepare sets up every contender that offers the algorithm, and sees that it tells good tokens
// from bad ones.
func prepare(tb testing.TB, e effort, alg devissuer.Algorithm, shape string) *prepared {
	tb.Helper()
	s := newScene(tb, alg)
	tokens := s.tokens(tb, shape, e.tokens)
	p := &prepared{cell: cell{alg: alg, shape: shape, bytes: len(tokens[0]), costs: map[string]cost{}}}
	p.all = append(p.all, &timed{name: bare, run: checkBare(tb, s, tokens)})
	for _, c := range contenders() {
		if !c.offers(alg) {
			continue
		}
		check := c.start(tb, s)
		for _, token := range tokens {
			if err := check(tb.Context(), token); err != nil {
				tb.Fatalf("%s refuses a good %s token of %s: %v", c.name, alg, shape, err)
			}
		}
		if check(tb.Context(), badlySigned(tokens[0])) == nil {
			tb.Fatalf("%s accepts a bad signature by %s", c.name, alg)
		}
		p.all = append(p.all, &timed{name: c.name, run: over(tb.Context(), check, tokens)})
	}
	return p
}

// over verifies the tokens in turn.
func over(ctx context.Context, check verify, tokens []string) func(i int) error {
	return func(i int) error { return check(ctx, tokens[i%len(tokens)]) }
}

// badlySigned changes a bit in the middle of the signature.
func badlySigned(token string) string {
	b := []byte(token)
	i := len(b) - 40
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// accept verifies good tokens.
func (o *outcome) accept(t *testing.T, e effort) {
	for _, shape := range shapes() {
		if e.tokens == few && shape.name != usual {
			continue
		}
		for _, alg := range algorithms() {
			t.Run(string(alg)+" "+shape.name, func(t *testing.T) {
				p := prepare(t, e, alg, shape.name)
				p.cell.times = takeTurns(t, e.rounds, e.turn, p.all)
				for _, c := range p.all {
					p.cell.costs[c.name] = costOf(t, e, c.run)
				}
				t.Logf("keychorus: %v of bare crypto's %.1f µs", p.cell.times.to(ours, bare), p.cell.times.ns(bare)/1000)
				o.cells = append(o.cells, p.cell)
			})
		}
	}
}

func (o *outcome) cell(alg devissuer.Algorithm, shape string) *cell {
	for i := range o.cells {
		if o.cells[i].alg == alg && o.cells[i].shape == shape {
			return &o.cells[i]
		}
	}
	return &cell{}
}

// fastestPeer is the contender of others with the shortest time.
func (c *cell) fastestPeer() string {
	best := ""
	for _, p := range contenders() {
		if p.peer && p.offers(c.alg) && (best == "" || c.times.ns(p.name) < c.times.ns(best)) {
			best = p.name
		}
	}
	return best
}
