package plot_test

import (
	"fmt"

	"github.com/keychorus/keychorus/benchmarks/plot"
)

func ExampleChart_SVG() {
	svg, err := plot.Chart{
		Title: "Fetches by replicas", X: "replicas", Y: "fetches",
		Lines: []plot.Line{{Name: "shared", X: []float64{1, 2, 3}, Y: []float64{1, 1, 1}}},
	}.SVG()
	fmt.Println(string(svg[:5]), err)
	// Output: <?xml <nil>
}
