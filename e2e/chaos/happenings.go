package chaos

import (
	"fmt"
	"image/color"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// happenings is a panel of the events, one row for each lane.
func happenings(l *Ledger) (*plot.Plot, error) {
	p := panel()
	rows, colours := len(lanes), []color.Color{green, orange, red, blue, pink}
	p.Y.Min, p.Y.Max = 0, float64(rows)
	var names plot.ConstantTicks
	for i, lane := range lanes {
		row := float64(rows - 1 - i)
		names = append(names, plot.Tick{Value: row + 0.26, Label: lane.name})
		n := 0
		for _, e := range l.Events {
			if e.Lane != lane.name {
				continue
			}
			end := min(max(e.End, e.Begin+time.Second), l.Length)
			if err := bar(p, e.Begin, end, row, colours[i]); err != nil {
				return nil, err
			}
			if err := label(p, e, row+0.47+0.17*float64(n%3)); err != nil {
				return nil, err
			}
			n++
		}
	}
	p.Y.Tick.Marker = names
	p.Y.Tick.Width, p.Y.Tick.Length = 0, vg.Points(4)
	return p, nil
}

func bar(p *plot.Plot, from, to time.Duration, row float64, colour color.Color) error {
	area, err := plotter.NewPolygon(plotter.XYs{
		{X: from.Minutes(), Y: row + 0.1}, {X: to.Minutes(), Y: row + 0.1}, {X: to.Minutes(), Y: row + 0.42}, {X: from.Minutes(), Y: row + 0.42},
	})
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	area.Color, area.LineStyle.Width = colour, 0
	p.Add(area)
	return nil
}

func label(p *plot.Plot, e *Event, y float64) error {
	says := e.Name
	if e.Note != "" && e.Lane == "replicas" && e.Name != "all restarted" {
		says += " " + e.Note
	}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: e.Begin.Minutes(), Y: y}}, Labels: []string{says}})
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	labels.TextStyle[0] = text.Style{
		Color: color.Gray{60}, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(7.5)}, Handler: labels.TextStyle[0].Handler,
		XAlign: draw.XLeft, YAlign: draw.YBottom,
	}
	p.Add(labels)
	return nil
}
