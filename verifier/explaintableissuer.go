package verifier

// sameSpelling is the fix for all issuers that are almost right.
const sameSpelling = "set Issuer.URL to the issuer of the provider's metadata, byte for byte; the metadata is at .well-known/openid-configuration below it"

var issuerDiagnoses = []diagnosis{
	{"issuer_absent", ReasonIssuer, "the token names no issuer", []string{
		"have the issuer set iss (RFC 9068 §2.2)",
		"look whether another kind of JWT was sent",
	}},
	{"issuer_space", ReasonIssuer, "the issuer differs from an expected one by white space alone", []string{sameSpelling}},
	{"issuer_slash", ReasonIssuer, "the issuer differs from an expected one by a slash at its end alone", []string{sameSpelling}},
	{"issuer_case", ReasonIssuer, "the issuer differs from an expected one by capital letters alone", []string{sameSpelling}},
	{"issuer_scheme", ReasonIssuer, "the issuer differs from an expected one by http, https or the lack of both", []string{
		sameSpelling,
		"if the issuer says http behind a proxy, tell it its public address",
	}},
	{"issuer_port", ReasonIssuer, "the issuer differs from an expected one by its port", []string{sameSpelling}},
	{"issuer_path", ReasonIssuer, "the issuer is another one on the host of an expected one: another realm, tenant or authorization server", []string{
		sameSpelling,
		"get the token from the realm, tenant or authorization server that this API trusts",
	}},
	{diagnosisProviderDomain, ReasonIssuer, "the token comes from a provider's own domain, while a custom domain is expected", []string{
		"get the token from the custom domain",
		"or accept both: they are two issuers, each with keys of its own",
	}},
	{diagnosisCustomDomain, ReasonIssuer, "the token comes from another domain, perhaps a custom one, while a provider's own domain is expected", []string{
		"accept the custom domain as a further issuer, with keys of its own",
		"or get the token from the provider's own domain",
	}},
	{diagnosisDevelopment, ReasonIssuer, "one of the two issuers is a development issuer on this machine, and the other is not", []string{
		"give front end and API the settings of the same environment",
	}},
	{diagnosisTenant, ReasonIssuer, "the token comes from another tenant or environment: its issuer has another name under the domain of an expected one", []string{
		"give front end and API the settings of the same environment",
		"accept the other one as a further issuer, if its tokens are meant to pass",
	}},
}

var keyDiagnoses = []diagnosis{
	{"no_key_id", ReasonAmbiguousKey, "the header names no key (kid), and not exactly one key of the issuer fits", []string{
		"have the issuer set kid",
		"look whether the token really comes from this issuer",
	}},
	{"old_token", ReasonUnknownKey, "the token has expired, and its key is not known, perhaps no longer; the issuer was not asked for it", []string{
		"get a new token: sign in again, or refresh",
	}},
	{"key_not_asked_for", ReasonUnknownKey, "the key is not known, and the issuer was not asked for it, since the claims would be refused in any case", []string{
		"mend what the checks below call unverified, and try again",
		"look whether token and API use the same environment of the issuer",
	}},
	{diagnosisTimeout, ReasonKeysUnavailable, "the issuer did not answer in time", []string{
		"look whether a firewall drops what this machine sends, and whether HTTPS_PROXY is needed",
	}},
	{"keys_host_unknown", ReasonKeysUnavailable, "the name of the issuer's host cannot be resolved", []string{
		"correct the domain in the settings",
		"look at the DNS of this machine or container",
	}},
	{"keys_refused", ReasonKeysUnavailable, "nobody listens at the address of the issuer", []string{
		"start the issuer, or correct host and port; in a container, localhost is the container itself",
	}},
	{"keys_tls", ReasonKeysUnavailable, "the issuer's certificate is not trusted, or it does not speak TLS there", []string{
		"install root certificates in this machine or container",
		"for a private authority or a proxy that opens TLS, give its root in Issuer.HTTPClient",
	}},
	{"keys_not_found", ReasonKeysUnavailable, "the issuer answers that there are no keys or metadata at this address", []string{
		"correct the domain, the realm or tenant in the path, or JWKSURL",
	}},
	{"keys_rate_limit", ReasonKeysUnavailable, "the issuer limits how often it is asked", []string{
		"share the keys of a fleet by WithKeyStore, make one Verifier per program, and wait",
	}},
	{"keys_server_error", ReasonKeysUnavailable, "the issuer answers with an error of its own", []string{
		"look at the status page of the provider; keys are asked for again by themselves",
	}},
	{"keys_redirect", ReasonKeysUnavailable, "the issuer answers with a redirect, which is not followed", []string{
		"set the address that it leads to, if it is the issuer's: mind http and https, www, and the slash at the end",
	}},
	{"keys_no_metadata", ReasonKeysUnavailable, "the issuer's metadata is none: no JSON with issuer and jwks_uri", []string{
		"correct Issuer.URL, or set JWKSURL for an issuer without metadata",
	}},
	{"keys_other_issuer", ReasonKeysUnavailable, "the metadata found there is that of another issuer", []string{sameSpelling}},
	{"keys_address", ReasonKeysUnavailable, "the address of the keys must not be asked: plain http, or a private network that nobody configured", []string{
		"use https; name the host in Issuer.URL or JWKSURL if it is private on purpose",
	}},
	{diagnosisNoDocument, ReasonKeysUnavailable, "what the issuer answered is no set of keys", []string{
		"look at JWKSURL with a browser; it must be a JSON object with keys",
	}},
}
