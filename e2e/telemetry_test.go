package e2e_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// These tests need Prometheus and its promtool: on Debian, the package prometheus.

const observability = "../docs/observability/"

// The alerts are rules that Prometheus accepts. They fire on what they are for, and not when
// all is well.
func TestAlertsFireOnWhatTheyAreFor(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = observability
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	rules, err := os.ReadFile(observability + "alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(observability + "alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllSubmatch(rules, -1) {
		if !strings.Contains(string(tests), `alertname="`+string(m[1])+`"`) {
			t.Errorf("no test makes %s fire", m[1])
		}
	}
}

// A real Prometheus scrapes an API that has every kind of trouble: each query of the dashboard
// has an answer, and the alerts that such trouble deserves fire.
func TestDashboardShowsARealAPI(t *testing.T) {
	p := startPrometheus(t, startTold(t))
	d := readDashboard(t, "1m")
	if len(d.panels) < 18 || len(d.variables) != 3 {
		t.Fatalf("the dashboard has %d panels with queries and %d variables", len(d.panels), len(d.variables))
	}
	for _, v := range d.variables {
		p.until(v[0]+" of "+v[1], func() bool { return len(p.labelValues(v[0], v[1])) > 0 })
	}
	for _, panel := range d.panels {
		for _, target := range panel.Targets {
			p.until(panel.Title+": "+target.Expr, func() bool { return p.hasNumber(target.Expr) })
		}
	}
	for _, alert := range []string{"KeychorusSealFailures", "KeychorusFetchesPastTheStore", "KeychorusStoreWentBack"} {
		p.until(alert, func() bool { return p.hasNumber(`ALERTS{alertstate="firing", alertname="` + alert + `"}`) })
	}
	p.rulesWork()
	p.draw(*plots)
}

var buildTold = built("otel", "../examples", "./otel")

// startTold starts the API of examples/otel and returns where its metrics are.
func startTold(t *testing.T) (metrics string) {
	t.Helper()
	binary, err := buildTold()
	if err != nil {
		t.Fatal(err)
	}
	line := start(t, ".", nil, binary, "-metrics", "127.0.0.1:0").line()
	metrics, ok := strings.CutPrefix(line, "metrics=http://")
	if !ok {
		t.Fatalf("the API said %q", line)
	}
	return metrics
}

// dashboard is what Grafana would ask Prometheus.
type dashboard struct {
	panels    []panel
	variables [][2]string // a series and a label of it
}

type panel struct {
	Title   string `json:"title"`
	Targets []struct {
		Expr   string `json:"expr"`
		Legend string `json:"legendFormat"`
	} `json:"targets"`
	Config struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

// readDashboard returns the panels that ask for something; rate is what Grafana would take for
// its rates, which depends on the period shown.
func readDashboard(t *testing.T, rate string) dashboard {
	t.Helper()
	raw, err := os.ReadFile(observability + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Panels     []panel `json:"panels"`
		Templating struct {
			List []struct {
				Definition string `json:"definition"`
			} `json:"list"`
		} `json:"templating"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("$__rate_interval", rate, "$job", ".*", "$instance", ".*", "$issuer", ".*")
	var d dashboard
	for _, p := range file.Panels {
		for i := range p.Targets {
			p.Targets[i].Expr = filled.Replace(p.Targets[i].Expr)
		}
		if len(p.Targets) > 0 { // or it is the title of a row
			d.panels = append(d.panels, p)
		}
	}
	asks := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	for _, v := range file.Templating.List {
		if m := asks.FindStringSubmatch(v.Definition); m != nil {
			d.variables = append(d.variables, [2]string{filled.Replace(m[1]), m[2]})
		}
	}
	return d
}

// prometheus is a server that scrapes one address each second.
type prometheus struct {
	*process
	url string
}

func startPrometheus(t *testing.T, target string) *prometheus {
	t.Helper()
	page, path, _ := strings.Cut(target, "/")
	rules, err := filepath.Abs(observability + "alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir, addr := t.TempDir(), freeAddress(t)
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: bookstore, metrics_path: %q, static_configs: [{targets: [%q]}]}]
`, rules, "/"+path, page)
	name := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &prometheus{url: "http://" + addr, process: start(t, dir, nil, "prometheus", "--config.file="+name,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)}
	p.until("Prometheus", func() bool {
		resp, err := client.Get(p.url + "/-/ready")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	return p
}

// freeAddress is one on which nobody listens: Prometheus cannot be asked which port it took.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// until waits for something to become true.
func (p *prometheus) until(what string, is func() bool) {
	p.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(200 * time.Millisecond) {
		select {
		case <-p.ended:
			p.Fatal("Prometheus ended")
		default:
		}
		if time.Now().After(deadline) {
			p.Fatalf("nothing comes of %s", what)
		}
	}
}

// get asks the API of Prometheus.
func (p *prometheus) get(path string, query url.Values, data any) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.url+"/api/v1/"+path+"?"+query.Encode(), nil)
	if err != nil {
		p.Fatal(err)
	}
	status, body := send(p.T, client, r)
	answer := struct {
		Data any `json:"data"`
	}{data}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		p.Fatalf("%s %v: %d %v %s", path, query, status, err, body)
	}
}

func (p *prometheus) labelValues(series, label string) (values []string) {
	p.Helper()
	p.get("label/"+label+"/values", url.Values{"match[]": {series}}, &values)
	return values
}

// hasNumber says whether a query has a result that can be drawn: a ratio without events is none.
func (p *prometheus) hasNumber(query string) bool {
	p.Helper()
	var answer struct {
		Result []struct{ Value [2]any }
	}
	p.get("query", url.Values{"query": {query}}, &answer)
	return slices.ContainsFunc(answer.Result, func(s struct{ Value [2]any }) bool {
		text, _ := s.Value[1].(string)
		f, err := strconv.ParseFloat(text, 64)
		return err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	})
}

// rulesWork asserts that every rule could be evaluated.
func (p *prometheus) rulesWork() {
	p.Helper()
	var answer struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	p.get("rules", nil, &answer)
	n := 0
	for _, group := range answer.Groups {
		for _, rule := range group.Rules {
			if n++; rule.Health != "ok" {
				p.Errorf("%s is %s: %s", rule.Name, rule.Health, rule.LastError)
			}
		}
	}
	if n == 0 {
		p.Error("Prometheus has no rules")
	}
}
