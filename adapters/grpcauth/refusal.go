package grpcauth

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/keychorus/keychorus/adapters/guard"
	"github.com/keychorus/keychorus/verifier"
)

// Domain is the domain of every google.rpc.ErrorInfo of this package.
const Domain = "github.com/keychorus/keychorus"

// refused is a status with a cause, which goes no further than this program.
type refused struct {
	status *status.Status
	cause  error
}

func (r *refused) Error() string              { return r.status.Err().Error() }
func (r *refused) GRPCStatus() *status.Status { return r.status }
func (r *refused) Unwrap() error              { return r.cause }

func refusal(d guard.Decision) error {
	var details []protoadapt.MessageV1
	if seconds, err := strconv.Atoi(d.Header().Get("Retry-After")); err == nil {
		delay := durationpb.New(time.Duration(seconds) * time.Second)
		details = append(details, protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: delay}))
	}
	return refuse(codes.Code(d.Code()), d.Err(), details...)
}

// expired ends a stream. There is no Decision then, and so no challenge.
func expired(err error) error { return refuse(codes.Unauthenticated, err) }

func refuse(code codes.Code, cause error, details ...protoadapt.MessageV1) error {
	reason := verifier.ReasonMisconfigured
	if e, ok := errors.AsType[*verifier.Error](cause); ok {
		reason = e.Reason
	}
	info := &errdetails.ErrorInfo{Reason: strings.ToUpper(string(reason)), Domain: Domain}
	s := status.New(code, reason.Description())
	if detailed, err := s.WithDetails(append(details, protoadapt.MessageV1Of(info))...); err == nil { // it always is
		s = detailed
	}
	return &refused{s, cause}
}

// header returns what HTTP tells in its header, but for what is about the body and its
// caching; nil if that is nothing. A trailer must not have such fields (RFC 9110 §6.5.1), and
// net/http drops them.
func header(d guard.Decision) metadata.MD {
	var md metadata.MD
	put := func(name, value string) {
		if name == "Content-Type" || name == "Cache-Control" {
			return
		}
		if md == nil {
			md = metadata.MD{}
		}
		md.Append(name, value) // in lower case
	}
	d.CopyHeader(put, put)
	return md
}
