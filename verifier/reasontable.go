package verifier

type reasonEntry struct {
	reason                  Reason
	root                    error
	description, cause, fix string
}

// reasonTable is read-only. Its last entry answers for unknown reasons.
var reasonTable = []reasonEntry{
	{
		ReasonNoCredentials, ErrNoCredentials, "the request carries no access token",
		"the front end called the API without an Authorization header",
		"send Authorization: Bearer followed by the access token",
	},
	{
		ReasonMalformedHeader, ErrInvalidRequest, "the Authorization header is malformed",
		"the header is not one scheme, a space and one token",
		"send exactly Authorization: Bearer followed by the access token",
	},
	{
		ReasonMultipleCredentials, ErrInvalidRequest, "the request carries more than one credential",
		"two Authorization headers, or two places that carry a token, reached the API",
		"send the token once; look for a proxy that adds a header of its own",
	},
	{
		ReasonPlaceholder, ErrInvalidToken, "the access token is a placeholder, not a token",
		"the page called the API before sign-in had finished, and sent the word undefined or null",
		"wait for the signed-in state, and await getAccessToken() before the request",
	},
	{
		ReasonOpaque, ErrInvalidToken, "the access token is not a JWT",
		"an API key, a refresh token, or an access token of a provider that was not told an audience",
		"send the access token; with some providers it is a JWT only if the front end names the audience; WithOpaqueTokens is for others",
	},
	{
		ReasonTooLarge, ErrInvalidToken, "the access token is too large",
		"the token exceeds Policy.MaxTokenBytes, or its header 1 KiB or 16 members",
		"drop large claims at the issuer, or raise MaxTokenBytes",
	},
	{
		ReasonMalformed, ErrInvalidToken, "the access token is malformed",
		"the token was cut, re-encoded, or is not a strict compact JWS (RFC 7515 §7.1) with a JSON object as payload",
		"pass the token on byte for byte as the issuer made it",
	},
	{
		ReasonEncrypted, ErrInvalidToken, "the access token is encrypted",
		"the issuer sends an encrypted token (JWE), which only its addressee can read",
		"have the issuer sign, not encrypt, tokens for this API",
	},
	{
		ReasonHeader, ErrInvalidToken, "the access token has a header member that is not accepted",
		"the header carries crit, b64, key material or a key address, which a verifier must not obey",
		"have the issuer leave these members out",
	},
	{
		ReasonAlgorithm, ErrInvalidToken, "the signature algorithm of the access token is not accepted",
		"the header names none, a symmetric, an unknown, or a not allowed algorithm",
		"sign with an algorithm of Policy.Algorithms; list it there if it is asymmetric and wanted",
	},
	{
		ReasonType, ErrInvalidToken, "the token is of another type",
		"the header's typ names another kind of JWT, or is absent under ProfileRFC9068",
		"send the access token; use ProfileCompatible if the issuer does not set typ to at+jwt",
	},
	{
		ReasonIssuer, ErrInvalidToken, "the issuer of the access token is not accepted",
		"iss differs from every configured issuer; it is compared byte for byte, a trailing slash counts",
		"configure the exact iss; a custom domain and the provider's own domain are two issuers",
	},
	{
		ReasonUnknownKey, ErrInvalidToken, "the key that signed the access token is unknown",
		"the issuer does not publish the key named by kid: a forgery, a withdrawn key, or another environment",
		"sign in again; check that token and API use the same environment of the issuer",
	},
	{
		ReasonUnusableKey, ErrInvalidToken, "the key that signed the access token is not usable for it",
		"the published key is too weak, malformed, not for signatures, or bound to another algorithm",
		"have the issuer publish a sound key: RSA from 2048 bits, P-256, P-384, P-521 or Ed25519",
	},
	{
		ReasonAmbiguousKey, ErrInvalidToken, "the key that signed the access token is not named unambiguously",
		"the token names no kid and several keys fit, or several keys share its kid",
		"have the issuer set kid, unique for each key",
	},
	{
		ReasonDeniedKey, ErrInvalidToken, "the key that signed the access token is denied",
		"the key was revoked here or stands in Issuer.DeniedKeys",
		"sign in again to get a token under another key",
	},
	{
		ReasonSignature, ErrInvalidToken, "the signature of the access token does not hold",
		"the token was altered, or signed by somebody else under a known kid",
		"pass the token on unaltered",
	},
	{
		ReasonNoExpiry, ErrInvalidToken, "the access token does not expire",
		"exp is absent",
		"have the issuer set exp (RFC 9068 §2.2)",
	},
	{
		ReasonExpired, ErrInvalidToken, "the access token has expired",
		"exp has passed; a page may keep and send an old token",
		"refresh the token in the front end, then retry once; if it should still be good, set the clock of this machine",
	},
	{
		ReasonNotYetValid, ErrInvalidToken, "the access token is not valid yet",
		"nbf lies in the future by more than the leeway; one of the clocks is wrong",
		"set the clock of this machine; see Policy.Leeway",
	},
	{
		ReasonIssuedInFuture, ErrInvalidToken, "the access token was issued in the future",
		"iat lies in the future by more than the leeway; one of the clocks is wrong",
		"set the clock of this machine; see Policy.Leeway",
	},
	{
		ReasonLifetime, ErrInvalidToken, "the access token lives too long",
		"exp lies further from iat than Policy.MaxLifetime, or iat is absent under that rule",
		"shorten the lifetime at the issuer, or raise MaxLifetime",
	},
	{
		ReasonWrongKind, ErrInvalidToken, "the token is not an access token",
		"an ID token, a refresh token, a webhook or another JWT of the same issuer was sent",
		"send the access token; Policy.AllowIDTokensUnsafe is for issuers whose access tokens look like ID tokens",
	},
	{
		ReasonNoAudience, ErrInvalidToken, "the access token names no audience",
		"aud is absent or empty: the API is not registered, not authorised for the application, or not asked for",
		"register the API at the issuer, authorise the application for it, request its audience in the front end, sign in again",
	},
	{
		ReasonAudience, ErrInvalidToken, "the access token is for another audience",
		"aud holds none of the configured audiences",
		"request this API's audience in the front end, or correct Policy.Audiences",
	},
	{
		ReasonClient, ErrInvalidToken, "the access token belongs to a client that is not accepted",
		"azp or client_id is absent or not in Policy.AuthorizedParties",
		"add the client to AuthorizedParties if it may call this API",
	},
	{
		ReasonMissingClaim, ErrInvalidToken, "the access token lacks a required claim",
		"a claim of Policy.RequiredClaims, or one that ProfileRFC9068 demands, is absent",
		"have the issuer add the claim",
	},
	{
		ReasonMalformedClaim, ErrInvalidToken, "a claim of the access token is malformed",
		"a registered claim has the wrong JSON type or an impossible value",
		"have the issuer follow RFC 7519 §4.1",
	},
	{
		ReasonBinding, ErrInvalidToken, "the access token is bound to a key that was not proved",
		"cnf binds the token to a DPoP key or a client certificate, and this request proved none or another",
		"send the proof with the request; a bound token is worth nothing as a plain bearer token",
	},
	{
		ReasonUnbound, ErrInvalidToken, "the access token is not bound to a key",
		"a plain bearer token was sent under the scheme DPoP, or where the API takes bound tokens alone",
		"ask the issuer for a bound token by DPoP or mutual TLS; send a plain one under the scheme Bearer, if the API takes it",
	},
	{
		ReasonInactive, ErrInvalidToken, "the access token is not active",
		"the hook of WithOpaqueTokens does not know the token, or says that it is not active (RFC 7662 §2.2)",
		"sign in again",
	},
	{
		ReasonRevoked, ErrInvalidToken, "the access token was revoked",
		"the revocation hook says so",
		"sign in again",
	},
	{
		ReasonNotDocument, ErrInvalidToken, "the document is a token",
		"an access token or an ID token was sent where a webhook or another signed document is expected",
		"send tokens in the Authorization header of requests to the API",
	},
	{
		ReasonProofMissing, ErrInvalidToken, "the request carries no DPoP proof",
		"the scheme is DPoP, and there is no DPoP header",
		"send a proof of its own in the DPoP header of every request (RFC 9449 §7.1)",
	},
	{
		ReasonProofMalformed, ErrInvalidToken, "the DPoP proof is malformed",
		"several DPoP headers, or not a JWT of the form of RFC 9449 §4.2: typ, alg, a sound public jwk, jti, htm, htu, iat, ath",
		"send one proof with all of them, signed with an algorithm of the challenge's algs",
	},
	{
		ReasonProofSignature, ErrInvalidToken, "the signature of the DPoP proof does not hold",
		"the proof was altered, or signed with another key than its jwk",
		"sign the proof with the key that it carries",
	},
	{
		ReasonProofMethod, ErrInvalidToken, "the DPoP proof is for another method",
		"htm differs from the method of the request; the case counts",
		"make a proof for each request",
	},
	{
		ReasonProofURL, ErrInvalidToken, "the DPoP proof is for another URL",
		"htu is not the request's URL as this program sees it: a proxy changed scheme, host or path on the way",
		"set guard.DPoP.Origin to what callers see, or name the proxies by guard.WithTrustedProxies",
	},
	{
		ReasonProofToken, ErrInvalidToken, "the DPoP proof is for another access token",
		"ath is not the hash of the token sent with it",
		"make a proof for each request, after the token was refreshed",
	},
	{
		ReasonProofTime, ErrInvalidToken, "the DPoP proof is too old or from the future",
		"iat is further from now than guard.DPoP.MaxAge allows; one of the clocks is wrong, or the proof was kept",
		"make a proof for each request; set the clocks, or turn on nonces, which need no clock of the caller",
	},
	{
		ReasonProofNonce, ErrInvalidToken, "the DPoP proof lacks a current nonce of this server",
		"the first request of a client, or the nonce has expired (RFC 9449 §9)",
		"repeat the request once, with the nonce of the DPoP-Nonce header in the proof",
	},
	{
		ReasonProofReplayed, ErrInvalidToken, "the DPoP proof was used before",
		"a request was sent twice with one proof, by a retry or by somebody who saw it",
		"make a proof for each request, repeated ones included",
	},
	{
		ReasonStepUp, ErrStepUp, "a more recent or stronger authentication is required",
		"auth_time or acr does not meet what the route requires (RFC 9470)",
		"send the user through sign-in again with the max_age or acr_values of the challenge",
	},
	{
		ReasonScope, ErrForbidden, "the access token lacks a required scope",
		"scope or scp does not hold what the route requires",
		"grant the scope to the user or client at the issuer, request it in the front end, sign in again",
	},
	{
		ReasonRequirement, ErrForbidden, "the access token does not grant this",
		"a requirement of the route is not met",
		"grant at the issuer what the route requires, then sign in again",
	},
	{
		ReasonIssuerUnavailable, ErrUnavailable, "the issuer of the access token cannot be looked up now",
		"the resolver of WithIssuerResolver returned an error",
		"mend what the resolver asks",
	},
	{
		ReasonKeysUnavailable, ErrUnavailable, "the keys of the issuer are not available",
		"the issuer was never reached, or not within Policy.Keys.MaxStale",
		"check domain, network and proxy; Verifier.Health tells the last failure",
	},
	{
		ReasonKeyUndecided, ErrUnavailable, "the key that signed the access token cannot be looked up now",
		"the token names a new key while the issuer cannot be asked",
		"retry after the stated time",
	},
	{
		ReasonBusy, ErrUnavailable, "too many requests wait for the keys of the issuer",
		"more requests than Policy.Keys.MaxWaiters wait for one answer of the issuer",
		"retry after the stated time",
	},
	{
		ReasonIntrospectionUnavailable, ErrUnavailable, "the access token cannot be looked up now",
		"the hook of WithOpaqueTokens returned an error, or claims that are no JSON object",
		"mend what the hook asks; an unknown token is an error that wraps ErrInvalidToken",
	},
	{
		ReasonRevocationUnavailable, ErrUnavailable, "the revocation check is not available",
		"the revocation hook returned an error",
		"mend what the hook asks; it must not guess",
	},
	{
		ReasonReplayUnavailable, ErrUnavailable, "the replay check is not available",
		"the store of used DPoP proofs cannot tell, or is full",
		"mend the store of guard.DPoP.Replay; it must not guess",
	},
	{
		ReasonRequirementUnavailable, ErrUnavailable, "a requirement cannot be checked now",
		"the check of a requirement returned an error that wraps ErrUnavailable",
		"mend what the check asks",
	},
	{
		ReasonCanceled, ErrUnavailable, "the caller left before there was an answer",
		"the context ended during verification",
		"nothing to do",
	},
	{
		ReasonClosed, ErrUnavailable, "the verifier is closed",
		"Verify was called after Close",
		"close the verifier after the server has shut down",
	},
	{
		ReasonMisconfigured, ErrMisconfigured, "the server is misconfigured",
		"a mistake in the program that uses the verifier, such as the zero Requirement",
		"see the wrapped cause",
	},
}
