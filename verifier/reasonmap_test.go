package verifier

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
)

// Whatever an internal package reports, also one day, becomes a refusal: a fault of the form is
// the token's, one of the keys is ours, and neither is told as the other.
func TestWhatNobodyForesawIsARefusal(t *testing.T) {
	boom := errors.New("boom")
	for name, tt := range map[string]struct {
		got   *Error
		want  Reason
		cause error
	}{
		"a signature":          {formError(fmt.Errorf("x: %w", jws.ErrSignature)), ReasonSignature, nil},
		"a form":               {formError(fmt.Errorf("x: %w", &jws.Error{Code: jws.Encrypted})), ReasonEncrypted, nil},
		"a form without code":  {formError(boom), ReasonMalformed, boom},
		"a form of a new code": {formError(&jws.Error{Code: math.MaxUint8}), ReasonMalformed, nil},
		"a key":                {keyError(fmt.Errorf("x: %w", &keyring.Error{Code: keyring.Denied})), ReasonDeniedKey, nil},
		"keys without code":    {keyError(boom), ReasonMisconfigured, boom},
		"keys of a new code":   {keyError(&keyring.Error{Code: math.MaxUint8, Err: boom}), ReasonMisconfigured, boom},
		"a caller that left":   {keyError(&keyring.Error{Code: keyring.Canceled, Err: context.Canceled}), ReasonCanceled, context.Canceled},
		"a caller in a hurry":  {keyError(&keyring.Error{Code: keyring.Canceled, Err: context.DeadlineExceeded}), ReasonKeysUnavailable, context.DeadlineExceeded},
		"an issuer that hangs": {keyError(&keyring.Error{Code: keyring.Undecided, Err: context.DeadlineExceeded, RetryAfter: time.Hour}), ReasonKeyUndecided, context.DeadlineExceeded},
	} {
		if tt.got == nil || tt.got.Reason != tt.want || tt.cause != nil && !errors.Is(tt.got, tt.cause) || !errors.Is(tt.got, tt.want.Root()) {
			t.Errorf("%s: %v of %v, want %s", name, tt.got, tt.got.cause, tt.want)
		}
		if errors.Is(tt.got, ErrUnavailable) && tt.want != ReasonCanceled && tt.got.RetryAfter <= 0 {
			t.Errorf("%s: nobody is told when to come back", name)
		}
	}
}
