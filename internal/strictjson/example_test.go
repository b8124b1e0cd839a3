package strictjson_test

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/keychorus/keychorus/internal/strictjson"
)

// printer prints what it is told.
type printer struct{}

func (printer) Member(name []byte, value jsontext.Value, _ int) error {
	fmt.Printf("%s is %s\n", name, value)
	return nil
}

func ExampleRead() {
	fmt.Println(strictjson.Read([]byte(`{"iss": "https://issuer.example.test", "\u0065xp": 1767225600}`), printer{}))
	fmt.Println(strictjson.Read([]byte(`{"aud": {"a": 1, "\u0061": 2}}`), printer{}))
	// Output:
	// iss is "https://issuer.example.test"
	// exp is 1767225600
	// <nil>
	// strictjson: not a strict JSON object
}
