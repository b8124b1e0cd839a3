package strictjson_test

import (
	"strings"
	"testing"

	"github.com/keychorus/keychorus/internal/strictjson"
)

func BenchmarkRead(b *testing.B) {
	for name, text := range map[string]string{
		"claims": `{"aud":["https://api.example.test"],"azp":"1f0c9a7be2d14c5fa3b6d8e90712c4ab","exp":1767225600,"iat":1767225600,` +
			`"iss":"https://bookshop.example.test","jti":"0d6c1f52-7a1e-4b8e-9a63-2f1d7c5e8b90","org_code":"org_7c1e92ab4d0",` +
			`"permissions":["read:books","create:books","read:orders","create:orders"],"scp":["openid","profile","email","offline"],"sub":"kp_5b1d2e3f4a59687786950a1b2c3d4e5f"}`,
		"wide": members(512), "numbers": `{"a":[0` + strings.Repeat(",0", 2000) + "]}", "escapes": `{"a":"` + strings.Repeat(`\u0061`, 1000) + `"}`,
		"runes": `{"a":"` + strings.Repeat("日", 2000) + `"}`,
	} {
		b.Run(name, func(b *testing.B) {
			object := []byte(text)
			b.SetBytes(int64(len(object)))
			b.ReportAllocs()
			for b.Loop() {
				if err := strictjson.Read(object, nothing{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
