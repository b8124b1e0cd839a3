package jwks

import "testing"

// Routers that translate take an IPv4 address out of an IPv6 one: what counts is where it leads.
func TestAddressesInsideAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"192.0.2.1:443": true, "[2001:db8::1]:443": true, "[64:ff9b::c000:201]:443": true, "[2002:c000:201::1]:443": true, "[64:ff9b:1::c000:201]:443": true,
		"10.0.0.1:443": false, "127.0.0.1:443": false, "169.254.169.254:80": false, "100.100.100.200:80": false, "0.0.0.0:80": false,
		"[::1]:443": false, "[::]:443": false, "[fe80::1]:443": false, "[fd00:ec2::254]:80": false, "[ff02::1]:443": false,
		"[::ffff:10.0.0.1]:443":       false,
		"[64:ff9b::a9fe:a9fe]:80":     false, // RFC 6052: 169.254.169.254
		"[64:ff9b::7f00:1]:80":        false,
		"[64:ff9b::a00:1]:80":         false,
		"[64:ff9b:1::a00:1]:80":       false, // RFC 8215
		"[2002:a9fe:a9fe::1]:80":      false, // RFC 3056
		"[2002:7f00:1::]:80":          false,
		"[::7f00:1]:80":               false, // RFC 4291 §2.5.5.1
		"[::a9fe:a9fe]:80":            false,
		"0.1.2.3:80":                  false, // RFC 1122 §3.2.1.3: this network
		"localhost:80":                false,
		"192.0.2.1":                   false,
		"[::ffff:169.254.169.254]:80": false,
	} {
		if got := public(address); got != want {
			t.Errorf("%s: public %v", address, got)
		}
	}
}
