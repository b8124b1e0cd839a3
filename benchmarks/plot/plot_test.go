package plot_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/benchmarks/plot"
)

func TestAChartNamesItsAxesAndLines(t *testing.T) {
	for name, log := range map[string]bool{"linear": false, "logarithmic": true} {
		t.Run(name, func(t *testing.T) {
			svg, err := plot.Chart{
				Title: "title", X: "replicas", Y: "time, ms", LogX: log, LogY: log, XTicks: []float64{1, 32},
				Lines: []plot.Line{
					{Name: "dotted", X: []float64{1, 32}, Y: []float64{1, 7}},
					{Name: "bare", X: []float64{1, 32}, Y: []float64{1, 1000}, Bare: true},
				},
			}.SVG()
			if err != nil {
				t.Fatal(err)
			}
			for dec := xml.NewDecoder(strings.NewReader(string(svg))); ; {
				if _, err := dec.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			for _, text := range []string{"title", "replicas", "time, ms", "dotted", "bare", ">32<"} {
				if !strings.Contains(string(svg), text) {
					t.Errorf("the chart does not show %q", text)
				}
			}
		})
	}
}

// Where the legend is and how many gaps a line has changes nothing about what is shown.
func TestManyLinesWithGaps(t *testing.T) {
	c := plot.Chart{Title: "title", Beside: true}
	for i := range 14 {
		c.Lines = append(c.Lines, plot.Line{
			Name: fmt.Sprintf("line %d of 14", i+1), X: []float64{1, 2, 3, 4}, Y: []float64{float64(i), math.NaN(), 1, 2},
		})
	}
	svg, err := c.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range c.Lines {
		if n := strings.Count(string(svg), ">"+l.Name+"<"); n != 1 {
			t.Errorf("%q is shown %d times", l.Name, n)
		}
	}
	if dashed := strings.Count(string(svg), "stroke-dasharray:"); dashed == 0 {
		t.Error("the lines cannot be told apart")
	}
}

func TestWhatCannotBeDrawnIsAnError(t *testing.T) {
	one := plot.Line{Name: "l", X: []float64{1}, Y: []float64{1}}
	for name, c := range map[string]plot.Chart{
		"no line":          {},
		"no point":         {Lines: []plot.Line{{}}},
		"uneven":           {Lines: []plot.Line{{X: []float64{1, 2}, Y: []float64{1}}}},
		"15 lines":         {Lines: slices.Repeat([]plot.Line{one}, 15)},
		"nothing but gaps": {Lines: []plot.Line{{X: []float64{1}, Y: []float64{math.NaN()}}}},
		"zero, log y":      {LogY: true, Lines: []plot.Line{{X: []float64{1}, Y: []float64{0}}}},
		"below 0, log x":   {LogX: true, Lines: []plot.Line{{X: []float64{-1}, Y: []float64{1}}}},
	} {
		if _, err := c.SVG(); err == nil {
			t.Errorf("%s: drawn", name)
		}
	}
}
