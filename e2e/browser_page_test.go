package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	wizard   = "A Wizard of Earthsea"
	darkness = "The Left Hand of Darkness"
)

// From signing in with Kinde's own SDK to the books, and out again.
func TestPageListsBooks(t *testing.T) {
	p := startTenant(t)
	s := startShop(t, p)
	b := visit(t, p, s)
	b.click("list")
	b.see("problem", "Nobody is signed in")
	s.want("without a token", map[string]int{})

	b.visit(s.page + "/?error=access_denied&error_description=Call+us")
	b.see("problem", "The sign-in ended without success")
	if shown := b.text("body"); strings.Contains(shown, "Call us") {
		t.Errorf("whoever makes a link can write on the page: %s", shown)
	}

	b.signIn("ada", "Ada")
	for range 3 {
		b.click("list")
		b.see("books", wizard, darkness)
	}
	if shown := b.text("#problem"); shown != "" {
		t.Errorf("beside the books: %s", shown)
	}
	b.picture("page-books")
	s.want("three times", map[string]int{"OPTIONS 204": 1, "GET 200": 3}) // Access-Control-Max-Age
	if did := p.do("count"); did != (tally{Keys: 1, Codes: 1}) {
		t.Errorf("the tenant: %+v", did)
	}

	b.click("sign-out")
	b.await("sign-in")
	b.click("list")
	b.see("problem", "Nobody is signed in")
	s.want("signed out", map[string]int{"OPTIONS 204": 1, "GET 200": 3})
}

func (p *tab) add(title string) {
	p.Helper()
	p.do("type a title", chromedp.SendKeys(chromedp.ID("title"), title), chromedp.Click(chromedp.CSS("#add button")))
}

func TestPageTellsWhichPermissionIsMissing(t *testing.T) {
	p := startTenant(t)
	s := startShop(t, p)
	b := visit(t, p, s)
	b.signIn("ada", "Ada")
	b.click("list")
	b.see("books", wizard)
	b.add("The Dispossessed")
	b.see("problem", "403 Forbidden", "access token lacks a required scope", "write:books")
	b.see("books", wizard)
	b.picture("page-forbidden")
	s.want("Ada", map[string]int{"OPTIONS 204": 2, "GET 200": 1, "POST 403": 1})

	b.click("sign-out")
	b.signIn("grace", "Grace")
	b.add("The Dispossessed")
	b.see("books", "The Dispossessed", "added by you")
	if shown := b.text("#problem"); shown != "" {
		t.Errorf("beside the new book: %s", shown)
	}
	s.want("Grace", map[string]int{"OPTIONS 204": 2, "GET 200": 1, "POST 403": 1, "POST 201": 1})
}

// Clocks of computers are wrong, and timers of computers that slept are late: what decides is
// the API's clock, and the page refreshes what that finds expired.
func TestPageRefreshesAnExpiredToken(t *testing.T) {
	p := startTenant(t)
	s := startShop(t, p)
	p.do("page " + s.page)
	b := openTab(t)
	b.slow(10 * time.Minute)
	b.visit(s.page)
	p.do("expire")
	b.signIn("ada", "Ada")
	b.click("list")
	b.see("books", wizard)
	s.want("once more", map[string]int{"OPTIONS 204": 1, "GET 401": 1, "GET 200": 1})
	if did := p.do("count"); did.Codes != 1 || did.Refreshes != 1 {
		t.Errorf("the tenant: %+v", did)
	}
	b.click("list")
	s.want("with the new token", map[string]int{"OPTIONS 204": 1, "GET 401": 1, "GET 200": 2})
}

// The likeliest mistake: the application is not authorised for the API.
func TestPageTellsThatTheTokenIsForNobody(t *testing.T) {
	p := startTenant(t)
	s := startShop(t, p)
	p.do("withhold")
	b := visit(t, p, s)
	b.signIn("ada", "Ada")
	b.click("list")
	b.see("problem", "401 Unauthorized", "access token names no audience", "no_audience")
	s.want("refused", map[string]int{"OPTIONS 204": 1, "GET 401": 1})
	if did := p.do("withhold"); did.Refreshes != 0 {
		t.Errorf("a refresh would bring the same token: %+v", did)
	}
}

// Nobody is signed out by an outage, be it of the keys or of the API.
func TestPageOutlivesOutages(t *testing.T) {
	p := startTenant(t)
	p.do("fail")
	s := startShop(t, p)
	b := visit(t, p, s)
	b.signIn("ada", "Ada")
	b.click("list")
	b.see("problem", "503 Service Unavailable", "Try again in", "keys_unavailable")
	b.see("user", "Ada")
	s.want("without keys", map[string]int{"OPTIONS 204": 1, "GET 503": 1})

	s.kill()
	b.click("list")
	b.see("problem", "The API does not answer")
	b.see("user", "Ada")

	p.do("fail")
	s.again(p)
	b.click("list")
	b.see("books", wizard)
	if shown := b.text("body"); strings.Contains(shown, "does not answer") {
		t.Errorf("still: %s", shown)
	}
	if did := p.do("count"); did.Codes != 1 {
		t.Errorf("signing in again was needed: %+v", did)
	}
}
