package adaptertest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wireTimeout bounds every exchange; an adapter that hangs fails.
const wireTimeout = 30 * time.Second

// ask is a request as it goes over the wire, which [http.Request] would tidy up.
type ask struct {
	method        string // "" is GET
	path          string // below the route, as it is sent
	query         string
	authorization []string
	proofs        []string // DPoP fields
	header        []string // whole lines
	body          string
}

func (a ask) bytes(r *route) []byte {
	if a.method == "" {
		a.method = http.MethodGet
	}
	target := r.path + "/" + a.path
	if a.query != "" {
		target += "?" + a.query
	}
	lines := []string{a.method + " " + target + " HTTP/1.1", "Host: " + r.address}
	for _, value := range a.authorization {
		lines = append(lines, "Authorization: "+value)
	}
	for _, proof := range a.proofs {
		lines = append(lines, "DPoP: "+proof)
	}
	lines = append(lines, a.header...)
	if a.body != "" {
		lines = append(lines, "Content-Length: "+strconv.Itoa(len(a.body)))
	}
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n" + a.body)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// wire is one connection.
type wire struct {
	route  *route
	conn   net.Conn
	reader *bufio.Reader
}

func (r *route) dial() (*wire, error) {
	conn, err := (&net.Dialer{Timeout: wireTimeout}).DialContext(r.Context(), "tcp", r.address)
	if err != nil {
		return nil, err
	}
	return &wire{r, conn, bufio.NewReader(conn)}, conn.SetDeadline(time.Now().Add(wireTimeout))
}

func (w *wire) do(a ask) (*answer, error) {
	if _, err := w.conn.Write(a.bytes(w.route)); err != nil {
		return nil, err
	}
	method := a.method
	if method == "" {
		method = http.MethodGet
	}
	resp, err := http.ReadResponse(w.reader, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return &answer{resp.StatusCode, resp.Header, string(body)}, resp.Body.Close()
}

// do sends one request on a connection of its own.
func (r *route) do(a ask) *answer {
	r.Helper()
	w, err := r.dial()
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = w.conn.Close() }()
	got, err := w.do(a)
	if err != nil {
		r.Fatalf("no answer: %v", err)
	}
	return got
}
