package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// tenant is the OpenID provider in the place of a Kinde tenant, see provider/tenant.mjs.
type tenant struct {
	*process
	Issuer   string `json:"issuer"`
	Audience string `json:"audience"`
	Client   string `json:"client"`
}

func startTenant(t *testing.T) *tenant {
	t.Helper()
	if _, err := os.Stat("provider/node_modules/oidc-provider"); err != nil {
		t.Fatal("oidc-provider is not installed: run `make e2e`, or `npm ci` in e2e/provider")
	}
	p := &tenant{process: start(t, "provider", nil, "node", "tenant.mjs")}
	if err := json.Unmarshal([]byte(p.line()), p); err != nil || p.Client == "" {
		t.Fatalf("the tenant introduced itself as %+v, %v", p, err)
	}
	return p
}

// tally is how often the tenant did what.
type tally struct {
	Keys      int `json:"keys"`      // handed out the key set
	Codes     int `json:"codes"`     // exchanged a code
	Refreshes int `json:"refreshes"` // refreshed an access token
}

// do gives a command, waits until it is done, and returns what the tenant did so far.
func (p *tenant) do(command string) tally {
	p.Helper()
	if _, err := fmt.Fprintln(p.stdin, command); err != nil {
		p.Fatal(err)
	}
	var reply struct {
		Done string `json:"done"`
		tally
	}
	word, _, _ := strings.Cut(command, " ")
	if line := p.line(); json.Unmarshal([]byte(line), &reply) != nil || reply.Done != word {
		p.Fatalf("the tenant answered %q to %q", line, command)
	}
	return reply.tally
}

// web is the folder of the React page.
const web = "../examples/bookstore/web"

// buildPage builds it once, as people do.
var buildPage = sync.OnceValues(func() (string, error) {
	if _, err := os.Stat(filepath.Join(web, "node_modules", "vite")); err != nil {
		return "", fmt.Errorf("the page's packages are not installed: run `make e2e`, or `npm ci` in examples/bookstore/web: %w", err)
	}
	path := filepath.Join(folder, "page")
	cmd := exec.Command("npm", "run", "build", "--", "--outDir", path, "--logLevel", "warn")
	cmd.Dir = web
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// shop is the bookstore as a process, with the React page on an origin of its own.
type shop struct {
	*process
	api, page string
}

// startShop starts one whose people sign in at the tenant; at are the addresses of API and page.
func startShop(t *testing.T, p *tenant, at ...string) *shop {
	t.Helper()
	binary, err := buildBookstore()
	if err != nil {
		t.Fatal(err)
	}
	built, err := buildPage()
	if err != nil {
		t.Fatal(err)
	}
	if len(at) == 0 {
		at = []string{"127.0.0.1:0", "127.0.0.1:0"}
	}
	env := []string{"KINDE_DOMAIN=" + p.Issuer, "KINDE_AUDIENCE=" + p.Audience, "KINDE_CLIENT_ID=" + p.Client}
	s := &shop{process: start(t, ".", env, binary, "-web", built, "-api", at[0], "-page", at[1])}
	for word := range strings.FieldsSeq(s.line()) {
		name, url, _ := strings.Cut(word, "=")
		switch name {
		case "api":
			s.api = url
		case "page":
			s.page = url
		}
	}
	if s.api == "" || s.page == "" {
		t.Fatal("the bookstore did not say where it listens")
	}
	return s
}

// again starts another one under the same addresses.
func (s *shop) again(p *tenant) *shop {
	s.Helper()
	return startShop(s.T, p, strings.TrimPrefix(s.api, "http://"), strings.TrimPrefix(s.page, "http://"))
}

var logged = regexp.MustCompile(`msg=request method=(\w+) path=/books status=(\d+)`)

// asked is how often the API was asked for books in which manner, with which answer, by its
// own log.
func (s *shop) asked() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int)
	for _, m := range logged.FindAllStringSubmatch(s.log.String(), -1) {
		counts[m[1]+" "+m[2]]++
	}
	return counts
}

// want compares the API's log, which is written after the answer.
func (s *shop) want(what string, want map[string]int) {
	s.Helper()
	for range 100 {
		if maps.Equal(s.asked(), want) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.Errorf("%s: the API was asked %v, want %v", what, s.asked(), want)
}

// visit opens the page of a shop that a tenant knows.
func visit(t *testing.T, p *tenant, s *shop) *tab {
	t.Helper()
	p.do("page " + s.page)
	b := openTab(t)
	b.visit(s.page)
	b.await("sign-in")
	return b
}

// signIn signs in as one of the tenant's people, whose subject is made of the id.
func (p *tab) signIn(id, name string) {
	p.Helper()
	p.click("sign-in")
	p.click("kp_of_" + id)
	p.see("user", name)
	p.signedIn = true
}
