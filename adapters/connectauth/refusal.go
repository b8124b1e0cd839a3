package connectauth

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// Domain is the domain of every google.rpc.ErrorInfo of this package.
const Domain = "github.com/keychorus/keychorus"

func refusal(d guard.Decision) error {
	err := refuse(connect.Code(d.Code()), d.Err())
	if seconds, no := strconv.Atoi(d.Header().Get("Retry-After")); no == nil {
		err = with(err, &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Duration(seconds) * time.Second)})
	}
	return err
}

// expired ends a stream. There is no Decision then, and so no challenge.
func expired(err error) error { return refuse(connect.CodeUnauthenticated, err) }

// refuse returns an error whose cause goes no further than this program.
func refuse(code connect.Code, cause error) *connect.Error {
	reason := verifier.ReasonMisconfigured
	if e, ok := errors.AsType[*verifier.Error](cause); ok {
		reason = e.Reason
	}
	err := connect.NewError(code, reason.Description()).WithCause(cause)
	return with(err, &errdetails.ErrorInfo{Reason: strings.ToUpper(string(reason)), Domain: Domain})
}

func with(err *connect.Error, message proto.Message) *connect.Error {
	detail, no := connectproto.NewErrorDetail(message)
	if no != nil { // strings and a number always encode
		return err
	}
	return err.WithDetail(detail)
}

// tell sends what HTTP tells in its header there, whatever the protocol: a trailer must
// not have such fields (RFC 9110 §6.5.1), and net/http drops them.
func tell(ctx context.Context, d guard.Decision) {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return
	}
	fields := info.ResponseHeader()
	d.CopyHeader(func(name, value string) {
		if name != "Content-Type" { // connect's own, as is the body
			fields.Set(name, value)
		}
	}, fields.Add)
}
