package dpop_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/internal/dpop"
)

func TestNormalize(t *testing.T) {
	for uri, want := range map[string]string{
		"https://api.test/books":                 "https://api.test/books",
		"HTTPS://API.TEST/books":                 "https://api.test/books",
		"https://api.test/Books":                 "https://api.test/Books",
		"https://api.test":                       "https://api.test/",
		"https://api.test?x":                     "https://api.test/",
		"https://api.test:443/":                  "https://api.test/",
		"https://api.test:/":                     "https://api.test/",
		"http://api.test:80/":                    "http://api.test/",
		"https://api.test:80/":                   "https://api.test:80/",
		"http://api.test:443/":                   "http://api.test:443/",
		"https://api.test:8443/x":                "https://api.test:8443/x",
		"https://[2001:DB8::1]:443/":             "https://[2001:db8::1]/",
		"https://[2001:db8::1]:8443/":            "https://[2001:db8::1]:8443/",
		"https://api.test/a?q=1&r=/../x#frag":    "https://api.test/a",
		"https://api.test/a/./b/../c":            "https://api.test/a/c",
		"https://api.test/a/%2e%2E/b":            "https://api.test/b",
		"https://api.test/../../a":               "https://api.test/a",
		"https://api.test/a/..":                  "https://api.test/",
		"https://api.test/a/b/.":                 "https://api.test/a/b/",
		"https://api.test/a//b":                  "https://api.test/a//b",
		"https://api.test/a/":                    "https://api.test/a/",
		"https://api.test/%7Eada/%41%2d":         "https://api.test/~ada/A-",
		"https://api.test/a%2fb":                 "https://api.test/a%2Fb",
		"https://api.test/a%20b":                 "https://api.test/a%20b",
		"https://api.test/a b":                   "https://api.test/a%20b",
		"https://api.test/caf\u00e9":             "https://api.test/caf%C3%A9",
		"https://api.test/pkg.Service/Method":    "https://api.test/pkg.Service/Method",
		"https://api.test/a;v=1,2/b@c:d!$&'()*+": "https://api.test/a;v=1,2/b@c:d!$&'()*+",

		"":                           "",
		"/books":                     "",
		"//api.test/books":           "",
		"https:books":                "",
		"https:///books":             "",
		"https://:443/books":         "",
		"ftp://api.test/":            "",
		"https://ada@api.test/":      "",
		"https://ada:x@api.test/":    "",
		"https://api.test/%zz":       "",
		"https://api.test/100%":      "",
		"https://api.test:x/":        "",
		"https://api.test/\r\nX: y":  "",
		"https://api.test\x00/":      "",
		" https://api.test/":         "",
		"javascript://api.test/%0a1": "",
	} {
		if got, ok := dpop.Normalize(uri); got != want || ok != (want != "") {
			t.Errorf("%q becomes %q, %t, want %q", uri, got, ok, want)
		}
	}
}

// FuzzNormalize checks that a normal form is its own normal form, and that nothing beyond
// what RFC 3986 §6.2.2 and §6.2.3 call equivalent becomes equal.
func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{
		"https://api.test/a/../b", "HTTP://A:80/%7e?q#f", "https://[::1]:8443//x/%2F/.", "https://a/%", "https:x", "https://a/b c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		got, ok := dpop.Normalize(uri)
		if !ok {
			if got != "" {
				t.Errorf("%q is refused with %q", uri, got)
			}
			return
		}
		if again, ok := dpop.Normalize(got); !ok || again != got {
			t.Fatalf("%q becomes %q, and that %q", uri, got, again)
		}
		before, err := url.Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		after, err := url.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		if after.RawQuery != "" || after.Fragment != "" || !strings.EqualFold(before.Hostname(), after.Hostname()) {
			t.Errorf("%q becomes %q", uri, got)
		}
		if strings.Contains(strings.ToLower(uri), "%2") { // an encoded dot or slash decodes to what it is not
			return
		}
		if want := removeDotSegments(before.Path); after.Path != want && (want != "" || after.Path != "/") {
			t.Errorf("path %q becomes %q, want %q", before.Path, after.Path, want)
		}
	})
}

// removeDotSegments is RFC 3986 §5.2.4 to the letter, for absolute paths.
func removeDotSegments(in string) (out string) {
	for in != "" {
		switch {
		case strings.HasPrefix(in, "/./"):
			in = in[2:]
		case in == "/.":
			in = "/"
		case strings.HasPrefix(in, "/../"), in == "/..":
			in = "/" + strings.TrimPrefix(in[3:], "/")
			out = out[:max(0, strings.LastIndexByte(out, '/'))]
		default:
			n := 1 + strings.IndexByte(in[1:], '/')
			if n == 0 {
				n = len(in)
			}
			out, in = out+in[:n], in[n:]
		}
	}
	return out
}
