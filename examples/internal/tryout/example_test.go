package tryout_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/adapters/httpauth"
	"github.com/keychorus/keychorus/examples/internal/tryout"
	"github.com/keychorus/keychorus/verifier"
)

func ExampleIssuer_Call() {
	issuer, err := tryout.NewIssuer()
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = issuer.Close() }()
	v, err := verifier.New(issuer.Policy())
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	g, err := guard.New(v, guard.WithRealm("books"))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /books", httpauth.Protect(g)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := verifier.TokenFromContext(r.Context())
		_, _ = io.WriteString(w, "hello "+token.Subject())
	})))
	mux.Handle("POST /books", httpauth.Protect(g, verifier.Scopes("write:books"))(http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })))

	listener, err := tryout.Listen()
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	printed := &lines{}
	err = issuer.Call(context.Background(), printed, tryout.URL(listener))
	fmt.Println(printed.last, err)
	// Output: 8 of 8 answers as expected. <nil>
}

// lines keeps the last line written.
type lines struct{ last string }

func (l *lines) Write(p []byte) (int, error) {
	l.last = string(p[:len(p)-1])
	return len(p), nil
}
