package e2e_test

import (
	"cmp"
	"flag"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keychorus/keychorus/benchmarks/plot"
)

var plots = flag.String("plots", "", "write a picture of each panel of the dashboard to this `folder`, after some minutes")

// shown is the period in pictures for the documentation. Rates are over a period that shows
// what follows what.
const (
	shown = 2 * time.Minute
	rates = "15s"
)

// draw draws each panel of the dashboard as Grafana would, with what Prometheus has, and writes
// the pictures if there is a folder for them.
func (p *prometheus) draw(folder string) {
	p.Helper()
	if folder != "" {
		long := strconv.Itoa(int((shown + time.Minute).Seconds()))
		for deadline := time.Now().Add(2 * shown); !p.hasNumber("count_over_time(up[1h]) > " + long); time.Sleep(time.Second) {
			if time.Now().After(deadline) {
				p.Fatal("Prometheus has not enough to show")
			}
		}
	}
	end := time.Now()
	for _, panel := range readDashboard(p.T, rates).panels {
		svg, err := p.chart(panel, end.Add(-shown), end).SVG()
		if err != nil {
			p.Errorf("%s: %v", panel.Title, err)
			continue
		}
		if !strings.Contains(string(svg), ">"+panel.Title+"<") {
			p.Errorf("the picture does not show its title, %s", panel.Title)
		}
		if folder == "" {
			continue
		}
		name := filepath.Join(folder, strings.Trim(regexp.MustCompile(`\W+`).ReplaceAllString(strings.ToLower(panel.Title), "-"), "-")+".svg")
		if err := os.WriteFile(name, svg, 0o600); err != nil {
			p.Fatal(err)
		}
	}
}

// scale is how values of a unit of Grafana are drawn.
type scale struct {
	name   string
	factor float64
}

// scaleOf chooses for the largest value.
func scaleOf(unit string, most float64) scale {
	switch unit {
	case "reqps":
		return scale{"per second", 1}
	case "ops":
		return scale{"calls per second", 1}
	case "percentunit":
		return scale{"per cent", 100}
	case "s":
		switch {
		case most < 1:
			return scale{"milliseconds", 1000}
		case most < 600:
			return scale{"seconds", 1}
		default:
			return scale{"hours", 1. / 3600}
		}
	default:
		return scale{"number", 1}
	}
}

func (p *prometheus) chart(of panel, from, to time.Time) plot.Chart {
	p.Helper()
	c := plot.Chart{Title: of.Title, X: "seconds", XTicks: []float64{0, 30, 60, 90, 120}, Beside: true}
	for _, target := range of.Targets {
		c.Lines = append(c.Lines, p.lines(target.Expr, target.Legend, from, to)...)
	}
	slices.SortFunc(c.Lines, func(a, b plot.Line) int { return cmp.Compare(a.Name, b.Name) })
	most, least := 0., math.Inf(1)
	for _, l := range c.Lines {
		for _, y := range l.Y {
			if !math.IsNaN(y) {
				most, least = max(most, y), min(least, y)
			}
		}
	}
	s := scaleOf(of.Config.Defaults.Unit, most)
	c.Y = s.name
	if within := growth.FindStringSubmatch(of.Targets[0].Expr); within != nil {
		c.Y = "in " + strings.NewReplacer("h", " hour", "m", " minutes").Replace(within[1])
	}
	c.LogY = strings.HasPrefix(of.Targets[0].Expr, "histogram_quantile") && most > 100*least
	for _, l := range c.Lines {
		for i := range l.Y {
			l.Y[i] *= s.factor
		}
	}
	return c
}

// growth finds the period of a count.
var growth = regexp.MustCompile(`increase\(.+\[(\w+)\]`)

// port is what differs from run to run in names.
var port = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// lines asks for a value each second, and leaves a gap where there is none.
func (p *prometheus) lines(query, legend string, from, to time.Time) []plot.Line {
	p.Helper()
	var answer struct {
		Result []struct {
			Metric map[string]string
			Values [][2]any
		}
	}
	p.get("query_range", url.Values{
		"query": {query}, "start": {stamp(from)}, "end": {stamp(to)}, "step": {"1"},
	}, &answer)
	var lines []plot.Line
	for _, series := range answer.Result {
		name := regexp.MustCompile(`{{(\w+)}}`).ReplaceAllStringFunc(legend, func(m string) string {
			return series.Metric[strings.Trim(m, "{}")]
		})
		l := plot.Line{Name: port.ReplaceAllString(name, "127.0.0.1"), Bare: true}
		values := make(map[int]float64)
		for _, v := range series.Values {
			at, _ := v[0].(float64)
			text, _ := v[1].(string)
			if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) {
				values[int(math.Round(at-float64(from.Unix())))] = f
			}
		}
		number := 0
		for second := range int(to.Sub(from).Seconds()) + 1 {
			y, ok := values[second]
			if !ok {
				y = math.NaN()
			} else if !math.IsNaN(y) {
				number++
			}
			l.X, l.Y = append(l.X, float64(second)), append(l.Y, y)
		}
		if number > 0 {
			lines = append(lines, l)
		}
	}
	return lines
}

func stamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func TestScalesFollowTheirValues(t *testing.T) {
	for _, tt := range []struct {
		unit string
		most float64
		want scale
	}{
		{"s", 0.004, scale{"milliseconds", 1000}},
		{"s", 3, scale{"seconds", 1}},
		{"s", 86400, scale{"hours", 1. / 3600}},
		{"percentunit", 1, scale{"per cent", 100}},
		{"short", 3, scale{"number", 1}},
	} {
		if got := scaleOf(tt.unit, tt.most); got != tt.want {
			t.Errorf("%s up to %v: %+v, want %+v", tt.unit, tt.most, got, tt.want)
		}
	}
}
