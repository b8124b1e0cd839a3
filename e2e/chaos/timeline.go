package chaos

import (
	"bytes"
	"cmp"
	"fmt"
	"image/color"
	"math"
	"net/http"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Colours that most people tell apart (Okabe and Ito), and lighter ones.
var (
	blue   = color.RGBA{0, 114, 178, 255}
	orange = color.RGBA{230, 159, 0, 255}
	red    = color.RGBA{213, 94, 0, 255}
	green  = color.RGBA{0, 158, 115, 255}
	pink   = color.RGBA{204, 121, 167, 255}
	sky    = color.RGBA{86, 180, 233, 255}
	grey   = color.RGBA{190, 190, 190, 255}
)

const (
	pictureWidth  = 27 * vg.Centimeter
	pictureHeight = 20 * vg.Centimeter
)

// heap is what is shown above one another, in the order from below.
type heap struct {
	name   string
	colour color.Color
	counts func(e Entry, c Class) bool
}

var answered = []heap{
	{"good tokens, accepted", green, func(e Entry, c Class) bool { return c <= NewKey && e.Status == http.StatusOK }},
	{"bad tokens and keys, refused", grey, func(e Entry, c Class) bool { return c >= Withdrawn && e.Status != http.StatusOK && e.Status != 0 }},
}

var inBetween = []heap{
	{"good, key not known yet: 401", orange, func(e Entry, c Class) bool { return c == NewKey && e.Status == http.StatusUnauthorized }},
	{"the same: 503", pink, func(e Entry, c Class) bool { return c == NewKey && e.Status == http.StatusServiceUnavailable }},
	{"withdrawn key, accepted", sky, func(e Entry, c Class) bool { return c == Withdrawn && e.Status == http.StatusOK }},
	{"revoked key, accepted", blue, func(e Entry, c Class) bool { return c == Revoked && e.Status == http.StatusOK }},
}

// Timeline draws what happened and what was answered, as SVG.
func Timeline(l *Ledger, v *Verdict) ([]byte, error) {
	c := newCourt(l)
	events, err := happenings(l)
	if err != nil {
		return nil, err
	}
	answers, err := c.heaps("answers per second", answered)
	if err != nil {
		return nil, err
	}
	passing, err := c.heaps("passing, per second", inBetween)
	if err != nil {
		return nil, err
	}
	asked, err := c.asked(v)
	if err != nil {
		return nil, err
	}
	events.Title.Text = fmt.Sprintf("%s tokens in %s, %d replicas: %d lost, %d wrongly accepted", thousands(len(l.Entries)), clock(l.Length), l.Replicas,
		v.count(NothingLost), v.count(NothingBad)+v.count(WithdrawnInTime)+v.count(RevokedInTime))
	events.Title.TextStyle.Font.Size, events.Title.Padding = vg.Points(13), vg.Points(8)
	asked.X.Label.Text = "time, min"
	return drawn([]*plot.Plot{events, answers, passing, asked}, []float64{0.41, 0.22, 0.24, 0.13}, l.Length)
}

// drawn draws panels below each other, over one axis of time.
func drawn(panels []*plot.Plot, heights []float64, length time.Duration) ([]byte, error) {
	canvas := vgsvg.NewWith(vgsvg.UseWH(pictureWidth, pictureHeight))
	whole := draw.Crop(draw.New(canvas), 8, -10, 6, -8)
	draw.Canvas.SetColor(whole, color.White)
	top := whole.Max.Y
	left := vg.Length(0)
	for i, p := range panels {
		style(p, length, i == len(panels)-1)
		left = max(left, p.DataCanvas(whole).Min.X)
	}
	for i, p := range panels {
		height := vg.Length(heights[i]) * (whole.Max.Y - whole.Min.Y)
		area := draw.Canvas{Canvas: whole.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: whole.Min.X, Y: top - height + 3}, Max: vg.Point{X: whole.Max.X, Y: top - 3},
		}}
		area.Min.X += left - p.DataCanvas(area).Min.X // so that one minute stands above the other
		p.Draw(area)
		top -= height
	}
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	return b.Bytes(), nil
}

// panel is an empty one, with a line at each minute.
func panel() *plot.Plot {
	p := plot.New()
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Width = color.Gray{225}, 0
	p.Add(grid)
	return p
}

// style gives a panel its axes and fonts.
func style(p *plot.Plot, length time.Duration, last bool) {
	p.BackgroundColor = color.White
	for _, s := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		size := s.Font.Size
		s.Font = font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	}
	p.Y.Label.TextStyle.Font.Size, p.Y.Tick.Label.Font.Size, p.X.Tick.Label.Font.Size = vg.Points(9), vg.Points(8.5), vg.Points(9)
	p.X.Min, p.X.Max = 0, length.Minutes()
	p.X.Padding, p.Y.Padding = 0, 0
	ticks := plot.ConstantTicks{}
	step := 1.0
	if length < 3*time.Minute {
		step = 0.25
	}
	for m := 0.0; m <= p.X.Max+1e-9; m += step {
		label := ""
		if last {
			label = fmt.Sprintf("%g", m)
		}
		ticks = append(ticks, plot.Tick{Value: m, Label: cmp.Or(label, " ")})
	}
	p.X.Tick.Marker = ticks
	p.Legend.Top, p.Legend.Left, p.Legend.TextStyle.Font.Size, p.Legend.Padding = true, true, vg.Points(8.5), vg.Points(2)
	p.Legend.YOffs, p.Legend.XOffs, p.Legend.ThumbnailWidth = vg.Points(-2), vg.Points(6), vg.Points(14)
	p.X.Tick.Length = vg.Points(3)
}

// heaps is a panel of counts per second, one above the other.
func (c *court) heaps(name string, all []heap) (*plot.Plot, error) {
	p := panel()
	p.Y.Label.Text = name
	seconds := int(math.Ceil(c.Length.Seconds())) + 1
	below, highest := make([]float64, seconds), 1.0
	for _, h := range all {
		above := append([]float64{}, below...)
		for _, e := range c.Entries {
			if h.counts(e, c.classOf(e)) {
				above[min(int(e.Answered.Seconds()), seconds-1)]++
			}
		}
		var edge plotter.XYs
		for i := range above {
			edge = append(edge, plotter.XY{X: float64(i) / 60, Y: above[i]}, plotter.XY{X: float64(i+1) / 60, Y: above[i]})
			highest = max(highest, above[i])
		}
		for i := seconds - 1; i >= 0; i-- {
			edge = append(edge, plotter.XY{X: float64(i+1) / 60, Y: below[i]}, plotter.XY{X: float64(i) / 60, Y: below[i]})
		}
		area, err := plotter.NewPolygon(edge)
		if err != nil {
			return nil, fmt.Errorf("chaos: %w", err)
		}
		area.Color, area.LineStyle.Width = h.colour, 0
		p.Add(area)
		p.Legend.Add(h.name, area)
		below = above
	}
	p.Y.Min, p.Y.Max = 0, highest*(1.12+0.16*float64(len(all))) // room for the legend
	p.Y.Tick.Marker = steps(highest)
	return p, nil
}

// steps are a few round numbers up to the highest.
func steps(highest float64) plot.Ticker {
	step := 1.0
	for _, s := range []float64{2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000} {
		if highest/step > 4 {
			step = s
		}
	}
	var ticks plot.ConstantTicks
	for v := 0.0; v <= highest; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)})
	}
	return ticks
}

// asked is a panel of the attempts at the issuer.
func (c *court) asked(v *Verdict) (*plot.Plot, error) {
	p := panel()
	p.Y.Label.Text = "fetches"
	p.Y.Min, p.Y.Max = 0, 2.1
	p.Y.Tick.Marker = plot.ConstantTicks{}
	for i, failed := range []bool{false, true} {
		name, colour := fmt.Sprintf("answered; %d attempts in all", v.Attempts), color.Color(green)
		if failed {
			name, colour = "not answered, or with anything but keys", red
		}
		var legend *plotter.Line
		for _, f := range c.Fetches {
			if f.Failed != failed {
				continue
			}
			line, err := plotter.NewLine(plotter.XYs{{X: f.At.Minutes(), Y: 0}, {X: f.At.Minutes(), Y: 1 - 0.3*float64(i)}})
			if err != nil {
				return nil, fmt.Errorf("chaos: %w", err)
			}
			line.Color, line.Width = colour, vg.Points(1.4)
			p.Add(line)
			legend = line
		}
		if legend != nil {
			p.Legend.Add(name, legend)
		}
	}
	return p, nil
}
