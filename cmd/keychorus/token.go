package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
)

// maxTokenInput bounds what is read as a token; the policy's own limit is far below.
const maxTokenInput = 1 << 20

const tokenHint = "pass it on standard input, from a file or a pipe, or paste it when asked; then remove this line from the history of your shell"

// refuseTokens refuses a token among the arguments, before anything else may repeat it.
func refuseTokens(args []string) error {
	for _, arg := range args {
		if slices.ContainsFunc(strings.FieldsFunc(arg, betweenTokens), looksLikeToken) {
			return misuse(tokenHint, "a token is never an argument: others on this machine can read it, and the shell keeps it")
		}
	}
	return nil
}

// betweenTokens tells what may stand before or behind a token: of a header, JSON or a flag.
func betweenTokens(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("=:\"'`,;{}", r) }

func looksLikeToken(arg string) bool {
	arg = strings.TrimLeft(arg, "-")
	return strings.HasPrefix(arg, "eyJ") || strings.HasPrefix(arg, "k_live_") ||
		strings.Count(arg, ".") == 2 && len(arg) > 100 && !strings.ContainsAny(arg, "/:@ ")
}

// readToken reads the token from standard input, and tells what it took away from it.
func (c *call) readToken(ctx context.Context) (token string, notes []string, err error) {
	raw, err := c.input(ctx)
	if err != nil {
		return "", nil, err
	}
	token = string(raw)
	if trimmed := strings.TrimSpace(token); trimmed != token {
		if inner := strings.TrimRight(token, "\r\n"); inner != trimmed {
			notes = append(notes, "white space around the token was dropped; a program must do so, too")
		}
		token = trimmed
	}
	for _, word := range []string{"Authorization:", "Bearer"} {
		if n := len(word); len(token) > n && strings.EqualFold(token[:n], word) && (token[n] == ' ' || word != "Bearer") {
			notes = append(notes, "the word "+strings.TrimSuffix(word, ":")+" before the token was dropped; a verifier takes the token alone")
			token = strings.TrimSpace(token[n:])
		}
	}
	return token, notes, nil
}

// input returns everything on standard input, or what is pasted at a terminal.
func (c *call) input(ctx context.Context) ([]byte, error) {
	if f, ok := c.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return c.paste(ctx, f)
	}
	raw, err := readAll(ctx, maxTokenInput, func() (io.ReadCloser, error) { return io.NopCloser(c.stdin), nil })
	switch {
	case ctx.Err() != nil:
		return nil, misuse("", "interrupted")
	case err != nil:
		return nil, misuse("", "standard input cannot be read: %s", reasonOf(err))
	}
	return raw, nil
}

// readAll reads what open returns, limit bytes at most. It does not outlast ctx: a pipe may stay
// silent for ever, and what opens or reads it ends with the program.
func readAll(ctx context.Context, limit int64, open func() (io.ReadCloser, error)) ([]byte, error) {
	type content struct {
		all []byte
		err error
	}
	read := make(chan content, 1)
	go func() {
		var c content
		r, err := open()
		if c.err = err; err == nil {
			c.all, c.err = io.ReadAll(io.LimitReader(r, limit))
			_ = r.Close()
		}
		read <- c
	}()
	select {
	case c := <-read:
		return c.all, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// paste asks for a token that is not shown. The terminal is switched to single characters: a
// line of its own ends after 4,096 or even 1,024 of them, and tokens may be longer.
func (c *call) paste(ctx context.Context, f *os.File) ([]byte, error) {
	fd := int(f.Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		return nil, misuse("pass the token on standard input", "the terminal cannot be switched off: %s", err)
	}
	defer func() {
		_ = term.Restore(fd, old)
		_, _ = fmt.Fprintln(c.stderr)
	}()
	_, _ = fmt.Fprint(c.stderr, "Paste the access token and press Enter; it is not shown: ")
	return typed(ctx, f)
}

// pasteGap is how long nothing must follow a line end for it to be the last one. What is pasted
// comes at once, and must not be left to the shell, which would run it and keep it.
const pasteGap = 50 * time.Millisecond

// typed reads what is typed or pasted until Enter or Ctrl-D.
func typed(ctx context.Context, r io.Reader) ([]byte, error) {
	chunks := make(chan []byte)
	go func() { // ends with the program, if not before: nothing else reads
		defer close(chunks)
		for {
			chunk := make([]byte, 4096)
			n, err := r.Read(chunk)
			if n > 0 {
				select {
				case chunks <- chunk[:n]:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	var got []byte
	var last <-chan time.Time // runs once there is a line end
	for {
		select {
		case chunk, more := <-chunks:
			if !more {
				return got, nil
			}
			switch {
			case bytes.IndexByte(chunk, 3) >= 0: // Ctrl-C
				return nil, misuse("", "interrupted")
			case len(got)+len(chunk) > maxTokenInput:
				return nil, misuse("", "what was pasted is too long for a token")
			}
			got = erase(append(got, chunk...))
			switch {
			case bytes.IndexByte(chunk, 4) >= 0: // Ctrl-D
				return bytes.Trim(got, "\x04"), nil
			case len(bytes.TrimSpace(got)) > 0 && bytes.ContainsAny(chunk, "\r\n"):
				last = time.After(pasteGap)
			}
		case <-last:
			return got, nil
		case <-ctx.Done():
			return nil, misuse("", "interrupted")
		}
	}
}

// erase obeys the backspaces in what was typed.
func erase(b []byte) []byte {
	kept := b[:0]
	for _, c := range b {
		switch {
		case c != 0x7f && c != '\b':
			kept = append(kept, c)
		case len(kept) > 0:
			kept = kept[:len(kept)-1]
		}
	}
	return kept
}
