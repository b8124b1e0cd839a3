package verify_test

import (
	"bytes"
	"fmt"
	"image/color"
	"slices"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// bars is a picture of groups of bars, one bar of each series in a group.
type bars struct {
	title, y string
	groups   []string
	series   []series
	// line is drawn across, unless it is 0.
	line float64
}

type series struct {
	name   string
	values []float64
}

// colours tell series apart also for most who see colours differently (Okabe and Ito); the first
// stands out.
var colours = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{230, 159, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255},
	color.RGBA{86, 180, 233, 255}, color.RGBA{213, 94, 0, 255}, color.Gray{150}, color.Gray{60},
}

const barWidth = vg.Length(8)

func (c bars) svg(tb testing.TB) []byte {
	tb.Helper()
	p := plot.New()
	p.BackgroundColor = color.White
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	for _, style := range []*text.Style{
		&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle,
	} {
		sans.Size = style.Font.Size
		style.Font = sans
	}
	p.Title.Text, p.Y.Label.Text = c.title, c.y
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(12), vg.Points(8)
	legend := plot.NewLegend()
	legend.TextStyle = p.Legend.TextStyle
	legend.TextStyle.Font.Size = vg.Points(11)
	legend.Top, legend.Left, legend.Padding = true, true, vg.Points(4)
	grid := plotter.NewGrid()
	grid.Vertical.Width, grid.Horizontal.Color = 0, color.Gray{228}
	p.Add(grid)
	for i, s := range c.series {
		b, err := plotter.NewBarChart(plotter.Values(s.values), barWidth)
		if err != nil {
			tb.Fatal(err)
		}
		b.Color, b.LineStyle.Width = colours[i], 0
		b.Offset = barWidth * vg.Length(float64(i)-float64(len(c.series)-1)/2)
		p.Add(b)
		legend.Add(s.name, b)
	}
	if c.line > 0 {
		across := plotter.NewFunction(func(float64) float64 { return c.line })
		across.Width = vg.Points(1)
		p.Add(across)
	}
	p.NominalX(c.groups...)
	p.X.Min, p.X.Max = -0.5, float64(len(c.groups))-0.5
	p.X.Tick.Label.Font.Size = vg.Points(10)
	p.Y.Min = 0
	p.Y.Max *= 1.05
	p.Y.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick {
		ticks := plot.DefaultTicks{}.Ticks(low, high)
		for i := range ticks {
			if ticks[i].Label != "" {
				ticks[i].Label = fmt.Sprintf("%g", ticks[i].Value)
			}
		}
		return ticks
	})
	const beside = 6.5 * vg.Centimeter // for the legend
	canvas := vgsvg.NewWith(vgsvg.UseWH(24*vg.Centimeter, 10*vg.Centimeter))
	p.Draw(draw.Crop(draw.New(canvas), 6, -beside, 4, -6))
	legend.Draw(draw.Crop(draw.New(canvas), 24*vg.Centimeter-beside+vg.Points(10), 0, 0, -30))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func (o *outcome) barsOf(title, y string, names []string, value func(c *cell, name string) float64) bars {
	picture := bars{title: title, y: y}
	for _, alg := range algorithms() {
		picture.groups = append(picture.groups, string(alg))
	}
	for _, name := range names {
		s := series{name: name}
		for _, alg := range algorithms() {
			s.values = append(s.values, value(o.cell(alg, usual), name))
		}
		picture.series = append(picture.series, s)
	}
	return picture
}

// inPictures leaves out the cache, whose bars would not be seen.
func inPictures() []string {
	return slices.DeleteFunc(everyone(), func(name string) bool { return name == cached })
}

func (o *outcome) ratioBars(tb testing.TB) []byte {
	tb.Helper()
	names := inPictures()
	picture := o.barsOf("Time for a good token of "+usual, "multiples of bare crypto", names[:len(names)-1], func(c *cell, name string) float64 {
		return present(c.times.to(name, bare).middle)
	})
	picture.line = 1
	return picture.svg(tb)
}

func (o *outcome) allocationBars(tb testing.TB) []byte {
	tb.Helper()
	return o.barsOf("Allocations for a good token of "+usual, "allocations", inPictures(), func(c *cell, name string) float64 {
		return c.costs[name].allocs
	}).svg(tb)
}

// present is 0, no bar, for what was not measured.
func present(x float64) float64 {
	if x != x {
		return 0
	}
	return x
}
