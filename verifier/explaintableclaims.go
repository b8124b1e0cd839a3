package verifier

// registered is the fix for identifiers that are almost right.
const registered = "use the identifier as it is registered at the issuer, byte for byte, in the front end and in Policy.Audiences"

var claimDiagnoses = []diagnosis{
	{"milliseconds", ReasonMalformedClaim, "a date is in milliseconds; RFC 7519 has seconds", []string{
		"divide by 1,000 where the token is made, mostly Date.now()",
	}},
	{diagnosisWebhook, ReasonWrongKind, "a webhook was sent in place of an access token: it is signed with the same keys, and is no token", []string{
		"give the webhook a route of its own outside the guard, and check it by VerifyDocument",
	}},
	{"clock_behind", ReasonIssuedInFuture, "the token comes from the future: a clock is wrong, mostly that of this machine", []string{
		"set the clock of this machine by NTP; virtual machines lose time while they sleep",
		"raise Policy.Leeway to at most 5 minutes if the issuer's clock is ahead",
	}},
	{"clock_zone", ReasonIssuedInFuture, "the token comes from the future by whole or half hours: a clock was set to local time", []string{
		"set time and time zone of this machine",
		"where tokens are made by hand, use seconds since 1970 in UTC",
	}},
	{"lifetime_unknown", ReasonLifetime, "the token does not say when it was issued, which Policy.MaxLifetime needs", []string{
		"have the issuer set iat",
	}},
	{"id_token", ReasonWrongKind, "an ID token was sent: it tells the front end who signed in, and is not for an API", []string{
		"send the access token, in most SDKs from a function of that name",
		"AllowIDTokensUnsafe is for issuers whose access tokens look so",
	}},
	{"refresh_token", ReasonWrongKind, "a refresh token was sent: it is for the issuer alone", []string{
		"send the access token, and revoke this refresh token, which has now been shown to the API",
	}},
	{"logout_token", ReasonWrongKind, "a logout token was sent: it is for the address that receives logouts", []string{
		"send the access token",
	}},
	{"audience_empty", ReasonNoAudience, "aud is empty: the token was made for no API", []string{
		"register this API at the issuer",
		"authorise the application for it",
		"request its audience in the front end",
		"sign in again: a refresh may return the old token",
	}},
	{"audience_absent", ReasonNoAudience, "aud is absent: the token was made for no API", []string{
		"register this API at the issuer, and request its audience in the front end",
		"with some issuers a mapper or a scope adds aud to the token",
		"sign in again: a refresh may return the old token",
	}},
	{"audience_space", ReasonAudience, "the audience differs from an expected one by white space alone", []string{registered}},
	{"audience_slash", ReasonAudience, "the audience differs from an expected one by a slash at its end alone", []string{registered}},
	{"audience_case", ReasonAudience, "the audience differs from an expected one by capital letters alone", []string{registered}},
	{"audience_scheme", ReasonAudience, "the audience differs from an expected one by http, https or the lack of both", []string{registered}},
	{"audience_client", ReasonAudience, "the audience is the application itself: an ID token, or the front end asked for no API", []string{
		"request this API's audience in the front end",
		"look whether the ID token was sent",
	}},
	{"audience_issuer", ReasonAudience, "the audience is an API of the issuer itself, such as its management API", []string{
		"request this API's audience instead",
	}},
	{"client_absent", ReasonClient, "the token names no client, neither client_id nor azp", []string{
		"have the issuer name the client, or leave Policy.AuthorizedParties empty",
	}},
	{"bound_to_dpop", ReasonBinding, "the token is bound to a DPoP key (cnf.jkt), and nobody has proved to hold it", []string{
		"send it as Authorization: DPoP with a proof in the header DPoP",
		"let the API take proofs: guard.WithDPoP",
		"explained without its request, a bound token always ends here",
	}},
	{"bound_to_certificate", ReasonBinding, "the token is bound to a client certificate (cnf.x5t#S256), and nobody has proved to hold it", []string{
		"call the API over mutual TLS with that certificate",
		"let the API take certificates: guard.WithMTLS, behind a proxy with guard.WithTrustedProxies",
		"explained without its request, a bound token always ends here",
	}},
	{"bound_to_another", ReasonBinding, "the token is bound to another key or certificate than the one that was proved", []string{
		"use the key or certificate that the token was requested with",
	}},
}
