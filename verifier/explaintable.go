package verifier

import (
	"iter"
	"slices"
)

// The diagnoses that the code names more than once.
const (
	diagnosisCut            = "cut"
	diagnosisNull           = "null"
	diagnosisSpace          = "white_space"
	diagnosisWebhook        = "webhook"
	diagnosisTenant         = "issuer_tenant"
	diagnosisProviderDomain = "issuer_provider_domain"
	diagnosisCustomDomain   = "issuer_custom_domain"
	diagnosisDevelopment    = "issuer_development"
	diagnosisTimeout        = "keys_timeout"
	diagnosisNoDocument     = "keys_no_document"
)

// diagnosis is what Explain knows about one mistake.
type diagnosis struct {
	name   string
	reason Reason // that it mostly comes with, for docs/errors.md
	cause  string
	fixes  []string
}

// diagnoses are the mistakes that are told apart within a reason, in the order of the checks.
// Read-only.
var diagnoses = slices.Concat(formDiagnoses, issuerDiagnoses, keyDiagnoses, claimDiagnoses)

// Diagnoses yields every diagnosis that is finer than a reason, with the reason that it mostly
// comes with, in the order of docs/errors.md. They are the keys of [Policy.Advice], as the
// reasons are.
func Diagnoses() iter.Seq2[string, Reason] {
	return func(yield func(string, Reason) bool) {
		for _, d := range diagnoses {
			if !yield(d.name, d.reason) {
				return
			}
		}
	}
}

func diagnosisOf(name string) *diagnosis {
	i := slices.IndexFunc(diagnoses, func(d diagnosis) bool { return d.name == name })
	if i < 0 {
		return nil
	}
	return &diagnoses[i]
}

// causeOf says what a diagnosis is. One without a text of its own is a reason.
func causeOf(name string) string {
	if d := diagnosisOf(name); d != nil {
		return d.cause
	}
	return Reason(name).Cause()
}

// generalFixes are what to change where the policy gives no advice.
func generalFixes(name string) []string {
	if d := diagnosisOf(name); d != nil {
		return d.fixes
	}
	return []string{Reason(name).Fix()}
}

// fixesOf returns the advice of the policy, or else the general one.
func (v *Verifier) fixesOf(name string) []string {
	if advice := v.advice[name]; len(advice) > 0 {
		return advice
	}
	return generalFixes(name)
}

// cloneAdvice copies what belongs to the caller.
func cloneAdvice(advice map[string][]string) map[string][]string {
	own := make(map[string][]string, len(advice))
	for name, fixes := range advice {
		own[name] = slices.Clone(fixes)
	}
	return own
}

// isDiagnosis tells whether advice can be given under a name.
func isDiagnosis(name string) bool {
	return diagnosisOf(name) != nil || slices.ContainsFunc(reasonTable, func(e reasonEntry) bool { return string(e.reason) == name })
}

var formDiagnoses = []diagnosis{
	{"empty", ReasonNoCredentials, "there is no token", []string{
		"look where the front end or the script takes the token from: the value was empty",
	}},
	{"undefined", ReasonPlaceholder, "the word undefined was sent: the page called the API before sign-in had finished, or signed out", []string{
		"call the API only in the signed-in state",
		"await the function that returns the token, and send nothing where it returns nothing",
	}},
	{diagnosisNull, ReasonPlaceholder, "the word null was sent: the place that the page took the token from was empty", []string{
		"ask the provider's SDK for the token instead of a storage of your own",
		"call the API only in the signed-in state",
	}},
	{"promise", ReasonPlaceholder, "a promise was sent instead of what it brings", []string{
		"put await before the function that returns the token",
	}},
	{"object", ReasonPlaceholder, "an object was sent instead of the token in it", []string{
		"send the member that holds the access token, mostly access_token or accessToken",
	}},
	{"scheme_in_token", ReasonMalformed, "the word Bearer stands in the token", []string{
		"pass the token alone, without the scheme; in a request send Bearer once",
		"if the program reads the header itself, leave that to the guard",
	}},
	{"quoted", ReasonMalformed, "quotes stand around the token", []string{
		"parse the JSON string instead of sending its text, or drop the quotes in the shell or the settings",
	}},
	{diagnosisSpace, ReasonMalformed, "there is white space or a line break around or within the token", []string{
		"trim what is read from a file or a terminal, and copy the token without line breaks",
	}},
	{"json", ReasonOpaque, "a JSON document was sent instead of the token in it", []string{
		"send the member access_token of the answer, and nothing around it",
	}},
	{"html", ReasonOpaque, "a web page was sent instead of a token: the request for the token was answered by a page", []string{
		"look at the status and the address of the request for the token",
	}},
	{"basic_credentials", ReasonMalformed, "a user name and password were sent, not a token", []string{
		"get an access token from the issuer and send that",
	}},
	{"api_key", ReasonOpaque, "an API key was sent: it is not a token, and only who issued it can judge it", []string{
		"send an access token",
		"or accept API keys: WithOpaqueTokens takes a function that asks the issuer, such as the one of kinde.APIKeys",
	}},
	{diagnosisCut, ReasonMalformed, "a part of the token is missing, mostly its end", []string{
		"copy the whole token: some terminals and logs cut lines, and displays shorten",
		"look for a limit on the length of headers, columns or cookies on the way",
	}},
	{"no_signature", ReasonMalformed, "the third part of the token, its signature, is empty", []string{
		"send the token as the issuer made it",
	}},
	{"re_encoded", ReasonMalformed, "the token was encoded once more, or in another base64", []string{
		"pass the token on as it is: no URL encoding, no padding, no + and /",
	}},
	{"algorithm_none", ReasonAlgorithm, "the token is not signed: alg is none", []string{
		"have the issuer sign its tokens; nothing here accepts an unsigned one",
	}},
	{"algorithm_symmetric", ReasonAlgorithm, "the token is signed with a shared secret (HS256 or its like), which nobody but the issuer can check safely", []string{
		"set the signing algorithm of this API or application at the issuer to an asymmetric one, such as RS256",
		"look whether a session token of another system was sent",
	}},
	{"algorithm_not_listed", ReasonAlgorithm, "the token is signed with an asymmetric algorithm that Policy.Algorithms leaves out", []string{
		"add the algorithm to Policy.Algorithms if the issuer really uses it",
		"look whether the token comes from another issuer",
	}},
	{"header_key", ReasonHeader, "the header brings a key or its address along, which proves nothing", []string{
		"have the issuer leave out jwk, jku, x5u and x5c, and publish its keys instead",
		"look whether a DPoP proof was sent in place of the token",
	}},
	{"header_extension", ReasonHeader, "the header demands an extension by crit or b64", []string{
		"have the issuer leave extensions out",
	}},
	{"dpop_proof", ReasonType, "a DPoP proof was sent in place of the access token", []string{
		"send the token in Authorization: DPoP, and the proof in the header DPoP",
	}},
	{"nested", ReasonType, "the token holds another token", []string{
		"have the issuer sign claims, not a token",
	}},
	{"type_plain", ReasonType, "typ does not say at+jwt, which ProfileRFC9068 demands", []string{
		"use ProfileCompatible, unless the issuer should set typ to at+jwt",
		"look whether an ID token was sent",
	}},
}
