package plot

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Chart is one picture of one or more lines over the same axes.
type Chart struct {
	Title string
	// X and Y say what the axes count, with the unit.
	X, Y string
	// LogX and LogY make an axis logarithmic; all its values must then be positive.
	LogX, LogY bool
	// XTicks are the values named on the x axis. Default: chosen by the range.
	XTicks []float64
	// Beside puts the legend to the right of the frame, for charts of many lines or long names.
	Beside bool
	Lines  []Line
}

// Line is a row of points, in the order of X. A NaN in Y is a gap.
type Line struct {
	Name string
	X, Y []float64
	// Bare leaves out the dots, for lines of many points.
	Bare bool
}

// palette tells lines apart also for most who see colours differently (Okabe and Ito).
var palette = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255},
	color.RGBA{230, 159, 0, 255}, color.RGBA{86, 180, 233, 255}, color.RGBA{60, 60, 60, 255},
}

// dashes tell lines apart once the colours are used up.
var dashes = [][]vg.Length{nil, {vg.Points(4), vg.Points(2)}}

// widths take turns with the legend beside: a line that lies on another one does not hide it.
var widths = []vg.Length{vg.Points(2.6), vg.Points(1.6), vg.Points(0.7)}

const (
	width, height = 16 * vg.Centimeter, 9 * vg.Centimeter
	// beside is what a legend takes of the width at most.
	beside = 7 * vg.Centimeter
)

// SVG draws the chart. The errors are a chart without lines, a line without points or whose X
// and Y differ in length, more lines than can be told apart, which is 14, and values that a
// logarithmic axis cannot show.
func (c Chart) SVG() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	p := c.frame()
	for i, l := range c.Lines {
		for k, points := range l.pieces() {
			line, dots, err := plotter.NewLinePoints(points)
			if err != nil {
				return nil, fmt.Errorf("plot: %s: %w", l.Name, err)
			}
			line.Color, line.Width, line.Dashes = palette[i%len(palette)], vg.Points(1.6), dashes[i/len(palette)]
			dots.Color, dots.Shape, dots.Radius = line.Color, draw.CircleGlyph{}, vg.Points(2.6)
			p.Add(line)
			if k == 0 {
				p.Legend.Add(l.Name, line)
			}
			switch {
			case !l.Bare:
				p.Add(dots)
			case c.Beside:
				line.Width = widths[i%len(widths)]
			default:
				line.Width = vg.Points(0.8)
			}
		}
	}
	canvas := vgsvg.NewWith(vgsvg.UseWH(width, height))
	c.draw(p, draw.Crop(draw.New(canvas), 6, -12, 4, -6))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	return b.Bytes(), nil
}

// draw draws a plot with its legend within or beside its frame.
func (c Chart) draw(p *plot.Plot, to draw.Canvas) {
	if !c.Beside {
		c.makeRoom(p)
		p.Draw(to)
		return
	}
	if !c.LogY {
		p.Y.Min, p.Y.Max = min(p.Y.Min, 0), p.Y.Max+(p.Y.Max-p.Y.Min)*0.05
	}
	legend := p.Legend
	p.Legend = plot.NewLegend()
	legend.Left, legend.XOffs, legend.YOffs = true, 0, -vg.Points(30) // below the title
	// Whoever shows the picture may have wider letters than the ones measured here.
	taken := min(1.15*legend.Rectangle(to).Size().X, beside) + vg.Points(10)
	p.Draw(draw.Crop(to, 0, -taken, 0, 0))
	legend.Draw(draw.Crop(to, to.Rectangle.Size().X-taken+vg.Points(10), 0, 0, 0))
}

// pieces are the points of a line between its gaps.
func (l Line) pieces() []plotter.XYs {
	var all []plotter.XYs
	gap := true
	for i := range min(len(l.X), len(l.Y)) {
		if math.IsNaN(l.Y[i]) {
			gap = true
			continue
		}
		if gap {
			all, gap = append(all, nil), false
		}
		last := len(all) - 1
		all[last] = append(all[last], plotter.XY{X: l.X[i], Y: l.Y[i]})
	}
	return all
}

func (c Chart) check() error {
	if most := len(palette) * len(dashes); len(c.Lines) == 0 || len(c.Lines) > most {
		return fmt.Errorf("plot: %d lines: from 1 to %d", len(c.Lines), most)
	}
	for _, l := range c.Lines {
		if len(l.pieces()) == 0 || len(l.X) != len(l.Y) {
			return errors.New("plot: " + l.Name + ": X and Y must have the same number of values, at least one")
		}
		for i := range l.X {
			if c.LogX && l.X[i] <= 0 || c.LogY && l.Y[i] <= 0 {
				return errors.New("plot: " + l.Name + ": a logarithmic axis shows positive values only")
			}
		}
	}
	return nil
}

// frame is the chart without its lines.
func (c Chart) frame() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	sans := font.Font{Typeface: "Liberation", Variant: "Sans"}
	for _, style := range []*text.Style{
		&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle,
	} {
		size := style.Font.Size
		style.Font = sans
		style.Font.Size = size
	}
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(12), vg.Points(8)
	p.X.Padding, p.Y.Padding = 0, 0
	p.Y.Tick.Marker = plain{}
	if c.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	if c.LogY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	if len(c.XTicks) > 0 {
		ticks := make(plot.ConstantTicks, len(c.XTicks))
		for i, x := range c.XTicks {
			ticks[i] = plot.Tick{Value: x, Label: fmt.Sprintf("%g", x)}
		}
		p.X.Tick.Marker = ticks
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{228}, color.Gray{228}
	p.Add(grid)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding, p.Legend.XOffs, p.Legend.YOffs = vg.Points(2), vg.Points(8), vg.Points(-4)
	return p
}

// plain are the usual marks, with no more digits than their values have.
type plain struct{ plot.DefaultTicks }

// Ticks implements [plot.Ticker].
func (p plain) Ticks(low, high float64) []plot.Tick {
	ticks := p.DefaultTicks.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = fmt.Sprintf("%.6g", ticks[i].Value) // 0.3, not 0.30000000000000004
		}
	}
	return ticks
}

// makeRoom leaves the top of the frame to the legend.
func (c Chart) makeRoom(p *plot.Plot) {
	rows := float64(len(c.Lines))
	if !c.LogY {
		p.Y.Min = min(p.Y.Min, 0)
		p.Y.Max += (p.Y.Max - p.Y.Min) * (0.05 + 0.1*rows)
		return
	}
	p.Y.Min /= 1.3
	ratio := p.Y.Max / p.Y.Min
	for range len(c.Lines) + 1 {
		p.Y.Max *= max(1.15, pow10th(ratio))
	}
}

// pow10th is the tenth root: a tenth of the height of a logarithmic axis.
func pow10th(x float64) float64 { return math.Pow(x, 0.1) }
