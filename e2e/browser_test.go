package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// pictures is where pictures of the page go, if anywhere.
var pictures = flag.String("pictures", "", "`folder` for pictures of the page")

// patience is for a busy machine: nothing in a browser takes as long.
const patience = 30 * time.Second

// tab is a page in a Chromium of its own, with an empty profile: cookies ignore ports.
type tab struct {
	*testing.T
	browser context.Context

	signedIn bool // so that there are tokens

	mu      sync.Mutex
	outside []string        // requests that left the machine
	tokens  map[string]bool // that the page has sent
}

func openTab(t *testing.T) *tab {
	t.Helper()
	allocator, free := chromedp.NewExecAllocator(context.Background(), slices.Concat(chromedp.DefaultExecAllocatorOptions[:],
		[]chromedp.ExecAllocatorOption{
			chromedp.NoSandbox, // root has none, nor have containers; what it shows is ours
			chromedp.DisableGPU,
			chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
		})...)
	browser, closeTab := chromedp.NewContext(allocator)
	p := &tab{T: t, browser: browser, tokens: make(map[string]bool)}
	t.Cleanup(func() {
		_ = chromedp.Cancel(browser)
		closeTab()
		free()
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.outside) > 0 {
			t.Errorf("the page asked for %q", p.outside)
		}
		for token := range p.tokens {
			confide(t, token)
		}
		if p.signedIn && len(p.tokens) == 0 && !t.Failed() {
			t.Error("nobody saw the token of a page that somebody signed in to")
		}
	})
	if err := chromedp.Listen(browser, p.watch); err != nil {
		t.Fatalf("Chromium does not start (scripts/install.sh chromium): %v", err)
	}
	p.do("the size of the window", chromedp.EmulateViewport(760, 560, chromedp.EmulateScale(1.5)))
	return p
}

// watch notes requests for anything that is not on this machine, whether or not they get there,
// and the tokens in requests.
func (p *tab) watch(event any) {
	e, ok := event.(*network.EventRequestWillBeSent)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, value := range e.Request.Headers {
		text, _ := value.(string)
		scheme, token, _ := strings.Cut(text, " ")
		if strings.EqualFold(name, "Authorization") && strings.EqualFold(scheme, "Bearer") && token != "" {
			p.tokens[token] = true
		}
	}
	if strings.HasPrefix(e.Request.URL, "http://127.0.0.1:") || strings.HasPrefix(e.Request.URL, "data:") {
		return
	}
	p.outside = append(p.outside, e.Request.URL)
}

func (p *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.browser, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.Fatalf("%s: %v\nthe page says:\n%s", what, err, p.text("body"))
	}
}

func (p *tab) visit(url string) {
	p.Helper()
	p.do("visit", chromedp.Navigate(url))
}

func (p *tab) click(id string) {
	p.Helper()
	p.do("click "+id, chromedp.Click(chromedp.ID(id)))
}

// await waits until an element is on the page, which may be another page by then.
func (p *tab) await(id string) {
	p.Helper()
	p.do("await "+id, chromedp.WaitVisible(chromedp.ID(id)))
}

// see waits until an element shows all of these texts.
func (p *tab) see(id string, texts ...string) {
	p.Helper()
	p.await(id)
	ctx, cancel := context.WithTimeout(p.browser, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.PollFunction[bool](
		`(id, texts) => { const shown = document.getElementById(id)?.innerText; return shown !== undefined && texts.every((t) => shown.includes(t)); }`,
		chromedp.WithPollingArgs(id, texts)))
	if err != nil {
		p.Fatalf("%s does not show %q: %v\nthe page says:\n%s", id, texts, err, p.text("body"))
	}
}

// text returns what an element shows, for messages and for what must not be there.
func (p *tab) text(selector string) string {
	ctx, cancel := context.WithTimeout(p.browser, patience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector)))
	if err != nil {
		return err.Error()
	}
	return text
}

// slow sets the clock of pages back, as of a computer that tells the wrong time.
func (p *tab) slow(by time.Duration) {
	p.Helper()
	script := fmt.Sprintf(`{
		const Right = Date, by = %d;
		globalThis.Date = class extends Right {
			constructor(...args) { args.length ? super(...args) : super(Right.now() - by); }
			static now() { return Right.now() - by; }
		};
	}`, by.Milliseconds())
	if _, err := chromedp.Call(p.browser, page.AddScriptToEvaluateOnNewDocument,
		page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		p.Fatal(err)
	}
}

// picture takes one, if asked for by -pictures.
func (p *tab) picture(name string) {
	p.Helper()
	if *pictures == "" {
		return
	}
	p.do("nothing in focus", chromedp.Evaluate[chromedp.Void]("document.activeElement.blur()"))
	png, err := chromedp.Run(p.browser, chromedp.FullScreenshot(100))
	if err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o644); err != nil {
		p.Fatal(err)
	}
}
