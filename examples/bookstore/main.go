// Command bookstore is an API behind keychorus, and a page that calls it from another origin.
//
// By itself it starts a development issuer in the shape of Kinde. KINDE_DOMAIN and
// KINDE_AUDIENCE point it at a Kinde tenant; BOOKSTORE_ISSUER and BOOKSTORE_AUDIENCE at any other
// issuer, whose keys are found by discovery. With -demo it walks through good and bad tokens,
// a rotation and an outage, and ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/kinde"
)

func main() {
	demo := flag.Bool("demo", false, "walk through good and bad tokens, then end")
	api := flag.String("api", "127.0.0.1:8080", "address of the API; port 0 for any")
	page := flag.String("page", "127.0.0.1:8081", "address of the page; port 0 for any")
	issuer := flag.String("issuer", "127.0.0.1:8082", "address of the development issuer; port 0 for any")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if *demo {
		err = walk(ctx, os.Stdout)
	} else {
		err = run(ctx, addresses{*api, *page, *issuer})
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "bookstore:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

type addresses struct{ api, page, issuer string }

// run serves until ctx ends.
func run(ctx context.Context, at addresses) error {
	policy, configured, err := policyFromEnv()
	if err != nil {
		return err
	}
	var dev *development
	if !configured {
		if dev, err = startIssuer(ctx, at.issuer); err != nil {
			return err
		}
		defer dev.close()
		policy = dev.policy()
	}
	v, err := verifier.New(policy, verifier.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	if err != nil {
		return err
	}
	defer func() { _ = v.Close() }()
	pages, err := listen(ctx, at.page)
	if err != nil {
		return err
	}
	origins := append(strings.Fields(os.Getenv("BOOKSTORE_ORIGINS")), pages.url)
	handler, err := newAPI(v, origins)
	if err != nil {
		return err
	}
	apis, err := listen(ctx, at.api)
	if err != nil {
		return err
	}
	defer apis.close()
	apis.serve(handler)
	defer pages.close()
	pages.serve(newPage(apis.url, policy, dev))
	greet(apis.url, pages.url, dev)
	<-ctx.Done()
	return nil
}

// policyFromEnv tells whether the environment names an issuer.
func policyFromEnv() (p verifier.Policy, configured bool, err error) {
	if url, ok := os.LookupEnv("BOOKSTORE_ISSUER"); ok {
		return verifier.Policy{
			Issuers:   []verifier.Issuer{{URL: url}},
			Audiences: strings.Fields(os.Getenv("BOOKSTORE_AUDIENCE")),
		}, true, nil
	}
	_, domain := os.LookupEnv("KINDE_DOMAIN")
	_, issuer := os.LookupEnv("KINDE_ISSUER_URL")
	if !domain && !issuer {
		return verifier.Policy{}, false, nil
	}
	p, err = kinde.FromEnv()
	return p, true, err
}

// greet says where everything is, first for programs, then for people.
func greet(api, page string, dev *development) {
	issuer := "configured"
	if dev != nil {
		issuer = dev.server.url
	}
	fmt.Printf("listening api=%s page=%s issuer=%s\n", api, page, issuer)
	if dev == nil {
		fmt.Printf("\nThe page is at %s. Call the API with a token of your front end:\n"+
			"  curl -i %s/books -H \"Authorization: Bearer $TOKEN\"\n", page, api)
		return
	}
	fmt.Printf("\nDEVELOPMENT ISSUER: tokens are for the asking. Not for production.\n"+
		"Open %s, or:\n"+
		"  curl -i %s/books -H \"Authorization: Bearer $(curl -s -X POST '%s/demo/token?kind=good')\"\n", page, api, page)
}
