package verifier

import (
	"slices"

	"github.com/keychorus/keychorus/internal/jws"
	"github.com/keychorus/keychorus/internal/keyring"
)

// StagesOf counts the checks of a Report that a reason belongs to.
func StagesOf(r Reason) int {
	n := 0
	for _, s := range stages {
		if slices.Contains(s.reasons, r) {
			n++
		}
	}
	return n
}

// TextOf returns the general words on a diagnosis.
func TextOf(diagnosis string) (cause string, fixes []string) {
	return causeOf(diagnosis), generalFixes(diagnosis)
}

// FormReason and KeyReason are the mappings from what internals report.
func FormReason(c jws.Code) (Reason, bool)    { r, ok := formReasons[c]; return r, ok }
func KeyReason(c keyring.Code) (Reason, bool) { r, ok := keyReasons[c]; return r, ok }
