//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/keychorus/keychorus/keystore"
	"github.com/keychorus/keychorus/keystore/sealed"
)

// golden is the JSON that programs rely on: names stay.
const golden = `{
  "issuer": "https://issuer.example",
  "jwks_url": "https://issuer.example/keys?a&b",
  "namespace": "fleet",
  "server": "127.0.0.1:6379/0",
  "findings": [],
  "record": {
    "age_seconds": 60.5,
    "fetched_at": "2031-03-14T09:26:53Z",
    "fresh_left_seconds": 239.5,
    "usable_left_seconds": 3539.5,
    "fetched_from": "https://issuer.example/keys",
    "discovered_at": null,
    "etag": "\"v1\"",
    "epoch": 2,
    "confirmed": true,
    "denied": [
      "gone"
    ],
    "suspect": null,
    "document_bytes": 315,
    "keys": [
      {
        "kid": "one",
        "kty": "OKP",
        "alg": "EdDSA",
        "crv": "Ed25519",
        "use": "sig",
        "thumbprint": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "state": "usable"
      },
      {
        "kid": "gone",
        "kty": "OKP",
        "crv": "Ed25519",
        "thumbprint": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "state": "denied"
      },
      {
        "kid": "",
        "kty": "OKP",
        "crv": "Ed25519",
        "thumbprint": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "state": "usable"
      },
      {
        "kid": "",
        "kty": "oct",
        "state": "not used",
        "why": "symmetric: a secret, published"
      }
    ],
    "stored_bytes": 500,
    "kept_seconds": 3600
  },
  "lease": {
    "state": "cooling",
    "outcome": "useful",
    "left_seconds": 0.25
  },
  "secrets": [
    {
      "id": "0011223344556677",
      "primary": true,
      "seal": "ok",
      "name": "fleet:1:{tag}:0011223344556677:set",
      "bytes": 500,
      "lease": {
        "state": "cooling",
        "outcome": "useful",
        "left_seconds": 0.25
      }
    },
    {
      "id": "8899aabbccddeeff",
      "primary": false,
      "seal": "absent",
      "name": "fleet:1:{tag}:8899aabbccddeeff:set",
      "bytes": 0,
      "lease": {
        "state": "free",
        "left_seconds": 0
      }
    }
  ]
}
`

func TestTheJSONStays(t *testing.T) {
	fetched := time.Date(2031, 3, 14, 9, 26, 53, 0, time.UTC)
	const x = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"` // RFC 8037 appendix A
	id := keystore.ID{Issuer: "https://issuer.example", JWKSURL: "https://issuer.example/keys?a&b"}
	f := &fleet{id: id, namespace: "fleet", server: "127.0.0.1:6379/0"}
	all := []sealed.Inspection{
		{
			Secret: "0011223344556677", Primary: true, Name: "fleet:1:{tag}:0011223344556677:set", Bytes: 500, Left: time.Hour,
			Leased: true, Lease: keystore.Hold{Outcome: keystore.Useful, Left: 250 * time.Millisecond},
			Record: &keystore.Record{
				ID: id, ResolvedURL: "https://issuer.example/keys", FetchedAt: fetched, FreshFor: 5 * time.Minute, UsableFor: time.Hour,
				ETag: `"v1"`, Denied: []string{"gone"}, Epoch: 2, DocumentEpoch: 2,
				Document: []byte(`{"keys":[{"kid":"one","alg":"EdDSA","use":"sig",` + x + `},{"kid":"gone",` + x + `},{` + x + `},{"kty":"oct"}]}`),
			},
		},
		{Secret: "8899aabbccddeeff", Name: "fleet:1:{tag}:8899aabbccddeeff:set", Err: keystore.ErrNotFound},
	}
	var line, out bytes.Buffer
	c := &call{stdout: &line}
	if err := c.printJSON(f.reportOf(all, fetched.Add(60500*time.Millisecond))); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&out, line.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	if out.String() != golden {
		t.Errorf("the report is now\n%s", out.String())
	}
}
