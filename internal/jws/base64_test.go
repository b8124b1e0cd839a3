package jws

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

// decodeByOracle is [decode] as the standard library does it, which skips line breaks.
func decodeByOracle(segment string) ([]byte, bool) {
	if segment == "" || strings.ContainsAny(segment, "\r\n") {
		return nil, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	return b, err == nil
}

// compareDecoding holds decode against the oracle, behind what a buffer already has.
func compareDecoding(tb testing.TB, segment string) (ok bool) {
	tb.Helper()
	want, wantOK := decodeByOracle(segment)
	for _, before := range []string{"", "before"} {
		buf := append(make([]byte, 0, len(before)+room(len(segment))), before...)
		got, grown, ok := decode(buf, segment)
		if ok != wantOK || ok && !bytes.Equal(got, want) {
			tb.Fatalf("%q: %x, %v; the standard library says %x, %v", segment, got, ok, want, wantOK)
		}
		if string(grown) != before+string(got) || &grown[:1][0] != &buf[:1][0] || cap(got) != len(got) {
			tb.Fatalf("%q: the buffer is now %x", segment, grown)
		}
	}
	return wantOK
}

func TestDecodeRoundTrip(t *testing.T) {
	data := make([]byte, 300)
	for i := range data {
		data[i] = byte(i * 7)
	}
	for n := 1; n <= len(data); n++ {
		if !compareDecoding(t, base64.RawURLEncoding.EncodeToString(data[:n])) {
			t.Errorf("%d bytes are refused", n)
		}
	}
}

// Every byte, at every place of a group of eight and of what is left over.
func TestDecodeKnowsOneAlphabet(t *testing.T) {
	for c := range 256 {
		for length := 2; length < 20; length++ {
			for place := range length {
				segment := []byte(strings.Repeat("A", length))
				segment[place] = byte(c)
				compareDecoding(t, string(segment))
			}
		}
	}
}

func TestDecodeRefusesOtherForms(t *testing.T) {
	for name, segment := range map[string]string{
		"nothing": "", "one": "A", "five": "AAAAA", "nine": "AAAAAAAAA", "padding": "AA==", "padding of one": "AAA=",
		"line break": "AAAA\nAAA", "line break at the end": "AAAA\n", "carriage return": "AAAAAAAA\r\nAA", "space": "AAA A", "tab": "AA\tA",
		"the other alphabet": "AA+A", "slash": "AA/A", "trailing bit of two": "AB", "trailing bits of three": "AAD", "trailing bits after eight": "AAAAAAAAAB",
		"NUL": "AAA\x00", "beyond ASCII": "AAAAAAAé", "dot": "AAA.",
	} {
		if compareDecoding(t, segment) {
			t.Errorf("%s: %q is accepted", name, segment)
		}
	}
}

// FuzzDecode holds decode against the standard library.
func FuzzDecode(f *testing.F) {
	for _, segment := range []string{"", "A", "AA", "AB", "AAA", "AAAA", "-_-_-_-_-_8", "AAAAAAA\n", "AA=="} {
		f.Add(segment)
	}
	f.Fuzz(func(t *testing.T, segment string) { compareDecoding(t, segment) })
}
