package dpop_test

import (
	"fmt"
	"time"

	"github.com/keychorus/keychorus/internal/dpop"
	"github.com/keychorus/keychorus/internal/jws"
)

func ExampleNormalize() {
	for _, uri := range []string{"HTTPS://API.test:443/books/%7Eada?page=2", "books"} {
		fmt.Println(dpop.Normalize(uri))
	}
	// Output:
	// https://api.test/books/~ada true
	//  false
}

func ExampleVerify() {
	_, err := dpop.Verify("not a proof", &dpop.Expected{
		Method: "GET", URI: "https://api.test/books", AccessToken: "token",
		Algorithms: []jws.Algorithm{jws.ES256}, Now: time.Now(), MaxAge: time.Minute,
	})
	fmt.Println(err)
	// Output: dpop: malformed proof
}
