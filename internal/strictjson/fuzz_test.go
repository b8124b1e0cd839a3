package strictjson_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/internal/strictjson"
)

// FuzzRead holds the scanner against jsontext: both read the same objects, tell of the same
// members, and end after the same ones; and limits refuse what is beyond them and nothing else.
func FuzzRead(f *testing.F) {
	for _, text := range accepted() {
		f.Add([]byte(text), uint8(0), uint8(0))
		f.Add([]byte(text), uint8(2), uint8(2))
	}
	for _, text := range refused() {
		f.Add([]byte(text), uint8(0), uint8(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, depth, members uint8) {
		want := recorder{text: string(text)}
		wantErr := readByOracle(text, &want)
		got := recorder{text: string(text)}
		err := strictjson.Limits{Depth: int(depth), Members: int(members)}.Read(text, &got)
		if errors.Is(err, strictjson.ErrLimit) {
			if wantErr != nil {
				return // what is too deep need not be read to its end
			}
			levels, all := sizeOf(text)
			if levels <= allowed(depth, 128) && all <= allowed(members, all) {
				t.Fatalf("%q has %d levels and %d members, limits are %d and %d", text, levels, all, depth, members)
			}
			return
		}
		if (err == nil) != (wantErr == nil) || err != nil && !errors.Is(err, strictjson.ErrSyntax) {
			t.Fatalf("%q: %v, jsontext says %v", text, err, wantErr)
		}
		if !slices.Equal(got.members, want.members) {
			t.Fatalf("%q: %q, jsontext says %q", text, got.members, want.members)
		}
		if err != nil {
			return
		}
		if levels, all := sizeOf(text); levels > allowed(depth, 128) || all > allowed(members, all) {
			t.Fatalf("%q has %d levels and %d members, limits are %d and %d", text, levels, all, depth, members)
		}
	})
}

func allowed(limit uint8, def int) int {
	if limit == 0 {
		return def
	}
	return int(limit)
}

// FuzzString holds the scanner against jsontext at what strings are made of, wherever in a
// group of eight bytes it stands.
func FuzzString(f *testing.F) {
	for _, text := range []string{"", "plain", `\"`, `\`, "\x00", "\x1f", " ", "\x7f", "\x80", "é", "\xed\xa0\x80", "\xf4\x90\x80\x80", `\ud83d\ude00`, `\ud83d\u0041`, `\ude00`, `\u00`, `\x`, "\u2028"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for before := range 9 {
			text := []byte(`{"` + strings.Repeat("n", before) + string(content) + `":"` + strings.Repeat("v", before) + string(content) + `"}`)
			want, got := recorder{text: string(text)}, recorder{text: string(text)}
			wantErr, err := readByOracle(text, &want), strictjson.Read(text, &got)
			if (err == nil) != (wantErr == nil) || !slices.Equal(got.members, want.members) {
				t.Fatalf("%q: %q and %v, jsontext says %q and %v", text, got.members, err, want.members, wantErr)
			}
		}
	})
}
