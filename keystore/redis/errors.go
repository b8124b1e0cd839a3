package rediskeystore

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/keychorus/keychorus/keystore/sealed"
)

// opError is a failed operation. It prints what failed and a word from a closed set or the
// code of the reply, since replies and the client's own texts may quote what was sent or read.
type opError struct {
	op, why string
	causes  []error
}

func (e *opError) Error() string   { return "rediskeystore: " + e.op + ": " + e.why }
func (e *opError) Unwrap() []error { return e.causes }

// unreachable are replies of a server that answers, and yet can do nothing for anybody: it
// is to be left alone like one that does not answer.
var unreachable = map[string]bool{
	"NOAUTH": true, "WRONGPASS": true, "LOADING": true, "MASTERDOWN": true, "CLUSTERDOWN": true, "BUSY": true,
}

// failure returns nil for nil, an *opError as it is, and else one for op.
func failure(op string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*opError](err); ok {
		return known
	}
	code := replyCode(err)
	switch {
	case code == "":
		why, keep := transport(err)
		if !keep {
			return &opError{op, why, nil}
		}
		return &opError{op, why, []error{err}}
	case unreachable[code] || redis.IsMaxClientsError(err):
		return &opError{op, "the server answers " + code, nil}
	default:
		return &opError{op, "the server answers " + code, []error{sealed.ErrRefused}}
	}
}

// replyCode returns the first word of an error reply, such as NOPERM, or "" for an error that
// is none. Words that are not in capitals are the client's, or nobody's.
func replyCode(err error) string {
	reply, ok := errors.AsType[redis.Error](err)
	if !ok {
		return ""
	}
	code, _, _ := strings.Cut(reply.Error(), " ")
	if code == "" || len(code) > 20 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "ERR"
	}
	return code
}

// transport says why there is no reply, and whether the cause is safe to hand out.
func transport(err error) (why string, keep bool) {
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "the context has ended", true
	case isNet && netErr.Timeout():
		return "no answer in time", true
	case errors.Is(err, redis.ErrClosed):
		return "the client is closed", true
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted):
		return "the client has no connection to spare", true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed", true
	case isNet:
		return "no connection", true
	default: // may be about what was read, such as a reply that cannot be parsed
		return "no usable answer", false
	}
}
