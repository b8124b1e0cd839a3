package jws

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"math/big"
	"sync"
	"testing"
)

// rsaKeys are of sizes that are and are not multiples of a word.
var rsaKeys = sync.OnceValue(func() []*rsa.PrivateKey {
	var keys []*rsa.PrivateKey
	for _, bits := range []int{2048, 2056, 3072} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		keys = append(keys, key)
	}
	return keys
})

func digestOf(hash crypto.Hash, message []byte) []byte {
	switch hash {
	case crypto.SHA384:
		sum := sha512.Sum384(message)
		return sum[:]
	case crypto.SHA512:
		sum := sha512.Sum512(message)
		return sum[:]
	default:
		sum := sha256.Sum256(message)
		return sum[:]
	}
}

// compare holds the prepared key against crypto/rsa and returns what both say.
func compare(tb testing.TB, key *rsa.PublicKey, hash crypto.Hash, digest, signature []byte) bool {
	tb.Helper()
	p := prepareRSA(key)
	if p == nil {
		tb.Fatal("the key was not prepared")
	}
	want := rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
	if got := p.verify(hash, digest, signature); got != want {
		tb.Fatalf("prepared says %v, crypto/rsa %v, for %x", got, want, signature)
	}
	return want
}

var rsaHashes = []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}

func TestPreparedRSAAgreesWithCryptoRSA(t *testing.T) {
	for _, key := range rsaKeys() {
		for _, hash := range rsaHashes {
			digest := digestOf(hash, []byte("message"))
			signature, err := rsa.SignPKCS1v15(nil, key, hash, digest)
			if err != nil {
				t.Fatal(err)
			}
			if !compare(t, &key.PublicKey, hash, digest, signature) {
				t.Errorf("%d bits, %v: a good signature is refused", key.N.BitLen(), hash)
			}
			for i := range signature {
				bad := bytes.Clone(signature)
				bad[i] ^= 1 << (i % 8)
				if compare(t, &key.PublicKey, hash, digest, bad) {
					t.Errorf("%d bits: bit flipped in byte %d is accepted", key.N.BitLen(), i)
				}
			}
		}
	}
}

// forged signs any encoded message, which only the holder of the private key can.
func forged(key *rsa.PrivateKey, em []byte) []byte {
	s := new(big.Int).Exp(new(big.Int).SetBytes(em), key.D, key.N)
	return s.FillBytes(make([]byte, key.Size()))
}

// Encodings that lax verifiers have accepted.
func TestPreparedRSARefusesOtherPaddings(t *testing.T) {
	key := rsaKeys()[0]
	digest := digestOf(crypto.SHA256, []byte("message"))
	prefix := digestInfo(crypto.SHA256)
	right := encodedMessage(key.Size(), prefix, digest)
	edit := func(do func(em []byte) []byte) []byte { return do(bytes.Clone(right)) }
	short := func(tail ...[]byte) []byte { // 8 bytes of padding, then what follows, then garbage
		em := make([]byte, key.Size())
		copy(em, "\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00")
		copy(em[11:], bytes.Join(tail, nil))
		return em
	}
	for name, em := range map[string][]byte{
		"block type 2":           edit(func(em []byte) []byte { em[1] = 2; return em }),
		"leading byte 1":         edit(func(em []byte) []byte { em[0] = 1; return em })[:key.Size()],
		"padding of zeros":       edit(func(em []byte) []byte { em[100] = 0; return em }),
		"padding of other bytes": edit(func(em []byte) []byte { em[100] = 0xfe; return em }),
		"separator not zero":     edit(func(em []byte) []byte { em[key.Size()-len(prefix)-33] = 0xff; return em }),
		"garbage at the end":     short(prefix, digest), // CVE-2006-4339
		"no parameters":          short([]byte("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20"), digest),
		"another hash's name":    encodedMessage(key.Size(), digestInfo(crypto.SHA512)[:19], digest),
		"no DigestInfo":          encodedMessage(key.Size(), nil, digest),
		"long length":            short([]byte("\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), digest),
	} {
		if new(big.Int).SetBytes(em).Cmp(key.N) >= 0 {
			em[0] = 0
		}
		if compare(t, &key.PublicKey, crypto.SHA256, digest, forged(key, em)) {
			t.Errorf("%s: accepted", name)
		}
	}
	if !compare(t, &key.PublicKey, crypto.SHA256, digest, forged(key, right)) {
		t.Error("the right encoding is refused, so that the others say nothing")
	}
}

func TestPreparedRSARefusesOtherLengthsAndValues(t *testing.T) {
	key := rsaKeys()[0]
	digest := digestOf(crypto.SHA256, []byte("message"))
	good, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
	if err != nil {
		t.Fatal(err)
	}
	plusN := new(big.Int).Add(new(big.Int).SetBytes(good), key.N)
	for name, signature := range map[string][]byte{
		"empty": {}, "short": good[1:], "long": append([]byte{0}, good...), "trailing": append(bytes.Clone(good), 0),
		"zero": make([]byte, key.Size()), "the modulus": key.N.Bytes(), "all ones": bytes.Repeat([]byte{0xff}, key.Size()),
		"plus the modulus": plusN.Bytes(), "one": append(make([]byte, key.Size()-1), 1),
	} {
		if compare(t, &key.PublicKey, crypto.SHA256, digest, signature) {
			t.Errorf("%s: accepted", name)
		}
	}
	p := prepareRSA(&key.PublicKey)
	if p.verify(crypto.SHA256, digest[1:], good) || p.verify(crypto.MD5, digest, good) {
		t.Error("a digest of another length, or an unknown hash, is accepted")
	}
}

// Whatever the bytes, the prepared key says what crypto/rsa says. The signature is given, or
// made from an encoded message, so that the fuzzer also reaches what only a signer could make.
func FuzzPreparedRSA(f *testing.F) {
	key := rsaKeys()[0]
	digest := digestOf(crypto.SHA256, []byte("message"))
	good, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, false, uint8(0))
	f.Add(encodedMessage(key.Size(), digestInfo(crypto.SHA256), digest), true, uint8(0))
	f.Add(encodedMessage(key.Size(), digestInfo(crypto.SHA512), digestOf(crypto.SHA512, []byte("message"))), true, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, encoded bool, h uint8) {
		hash := rsaHashes[int(h)%len(rsaHashes)]
		if encoded {
			if len(b) > key.Size() || new(big.Int).SetBytes(b).Cmp(key.N) >= 0 {
				return
			}
			b = forged(key, b)
		}
		compare(t, &key.PublicKey, hash, digestOf(hash, []byte("message")), b)
	})
}

func BenchmarkRSA(b *testing.B) {
	key := rsaKeys()[0]
	digest := digestOf(crypto.SHA256, []byte("message"))
	good, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest)
	if err != nil {
		b.Fatal(err)
	}
	p := prepareRSA(&key.PublicKey)
	b.Run("prepared", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.verify(crypto.SHA256, digest, good)
		}
	})
	b.Run("crypto", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest, good)
		}
	})
}
