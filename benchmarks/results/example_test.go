package results_test

import (
	"fmt"

	"github.com/keychorus/keychorus/benchmarks/results"
)

func ExampleReplace() {
	page, err := results.Replace("# Results\n\n<!-- a: begin -->\nold\n<!-- a: end -->\n", "a", "new")
	if err != nil {
		panic(err)
	}
	fmt.Print(page)
	// Output:
	// # Results
	//
	// <!-- a: begin -->
	//
	// new
	//
	// <!-- a: end -->
}
