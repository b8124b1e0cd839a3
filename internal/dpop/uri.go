package dpop

import (
	"net/url"
	"strings"
)

// Normalize returns an http or https URI without query and fragment, in the one form in which
// URIs are compared: the syntax-based and scheme-based normalisation of RFC 3986 §6.2.2 and
// §6.2.3 (RFC 9449 §4.3). It is false for anything that is no such URI.
func Normalize(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Opaque != "" || u.User != nil || u.Hostname() == "" {
		return "", false
	}
	port := ""
	switch p := u.Port(); {
	case u.Scheme != "http" && u.Scheme != "https": // in lower case already
		return "", false
	case p == "", u.Scheme == "http" && p == "80", u.Scheme == "https" && p == "443":
	default:
		port = ":" + p
	}
	host := strings.TrimSuffix(u.Host, ":"+u.Port())
	return u.Scheme + "://" + strings.ToLower(host) + port + normalPath(u.EscapedPath()), true
}

// normalPath normalises percent-encoding first, since an encoded dot is a dot.
func normalPath(escaped string) string {
	var b strings.Builder
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c != '%' || i+2 >= len(escaped) {
			b.WriteByte(c)
			continue
		}
		hex := strings.ToUpper(escaped[i+1 : i+3])
		if d := unhex(hex[0])<<4 | unhex(hex[1]); isUnreserved(d) {
			b.WriteByte(d)
		} else {
			b.WriteString("%" + hex)
		}
		i += 2
	}
	return withoutDots(b.String())
}

// withoutDots removes dot segments (RFC 3986 §5.2.4) from a path that is empty or begins
// with a slash. Empty segments stay: they tell paths apart.
func withoutDots(path string) string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	kept := segments[:0]
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last { // what remains is a directory
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// isUnreserved follows RFC 3986 §2.3.
func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// unhex returns the value of a hexadecimal digit in upper case. Others do not occur in what
// net/url has parsed.
func unhex(c byte) byte {
	if c >= 'A' {
		return c - 'A' + 10
	}
	return c - '0'
}
