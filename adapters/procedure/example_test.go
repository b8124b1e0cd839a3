package procedure_test

import (
	"fmt"
	"slices"

	"github.com/keychorus/keychorus/adapters/procedure"
	"github.com/keychorus/keychorus/verifier"
)

func ExampleTable() {
	table, err := procedure.NewTable(
		procedure.All(verifier.ClaimEquals("org_code", "org_1")),
		procedure.Method("/shop.Books/Add", verifier.Scopes("write:books")),
		procedure.ExemptHealth(),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, call := range []string{"/shop.Books/List", "/shop.Books/Add", "/grpc.health.v1.Health/Check", "shop.Books/Add"} {
		switch access, reqs := table.Lookup(call); access {
		case procedure.Exempted:
			fmt.Println(call, "needs nothing")
		case procedure.Guarded:
			fmt.Println(call, "needs a token that meets", len(reqs))
		case procedure.Refused:
			fmt.Println(call, "is refused")
		}
	}
	fmt.Println(table.Unserved(slices.Values([]string{"/shop.Books/List"})))
	// Output:
	// /shop.Books/List needs a token that meets 1
	// /shop.Books/Add needs a token that meets 2
	// /grpc.health.v1.Health/Check needs nothing
	// shop.Books/Add is refused
	// verifier: misconfigured: procedure: "/shop.Books/Add" has a rule but is not served
}
