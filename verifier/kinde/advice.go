package kinde

import "maps"

// adviceAgain ends whatever was changed for tokens to come.
const adviceAgain = "then sign in again: a refresh returns the old token until it expires"

// advice says where in Kinde a mistake is mended, for [verifier.Verifier.Explain].
func advice() map[string][]string {
	all := adviceOnCalls()
	maps.Copy(all, adviceOnDomains())
	maps.Copy(all, adviceOnAudiences())
	return all
}

// adviceOnCalls is about what the front end sends.
func adviceOnCalls() map[string][]string {
	pending := []string{
		"call the API only when isAuthenticated is true and isLoading is false",
		"await getAccessToken(), and send nothing while it returns undefined",
	}
	access := []string{"in the front end use getAccessToken() (older SDKs: getToken()), not getIdToken()"}
	elsewhere := []string{"look where the token was made: Kinde signs with RS256 alone"}
	return map[string][]string{
		"undefined": pending,
		"null":      pending,
		"promise":   {"put await before getAccessToken()"},
		"object":    {"send the string that getAccessToken() resolves to"},
		"api_key": {
			"send an access token",
			"or accept Kinde's API keys with kinde.APIKeys",
		},
		"opaque": {
			"send the access token of getAccessToken(); a refresh token is opaque and is for Kinde alone",
			"if it is an API key, accept those with kinde.APIKeys",
		},
		"algorithm_symmetric":  elsewhere,
		"algorithm_not_listed": elsewhere,
		"algorithm":            elsewhere,
		"id_token":             access,
		"wrong_kind":           access,
		"webhook":              {"give webhooks a route outside the guard, with kinde.WebhookHandler"},
		"expired": {
			"in the front end refresh before the call: getAccessToken() may return a token that has expired",
			"after a 401, refresh once, and repeat the request once",
		},
		"client":        {"add the application's client id to Clients, if it may call this API"},
		"missing_claim": {"sub is what people have, gty what machines have: see Config.Accept"},
	}
}

// adviceOnDomains is about issuers and their keys.
func adviceOnDomains() map[string][]string {
	spelling := []string{"set Domain to the domain that people sign in at, without a path; Kinde's issuers have no slash at the end"}
	return map[string][]string{
		"issuer_slash":  spelling,
		"issuer_case":   spelling,
		"issuer_scheme": spelling,
		"issuer_space":  spelling,
		"issuer_path":   spelling,
		"issuer_provider_domain": {
			"for people: set the custom domain in the front end too",
			"for machines, which stay with kinde.com: add that domain to ExtraDomains",
		},
		"issuer_custom_domain": {
			"set Domain to the custom domain, and add the kinde.com one to ExtraDomains for machines",
			"an organisation may have a custom domain of its own: add that to ExtraDomains",
		},
		"issuer_tenant": {
			"give front end and API the domain of the same environment: each environment of Kinde has a domain and keys of its own",
			"if both are meant to pass, add the other one to ExtraDomains",
		},
		"keys_not_found":    {"correct the domain: Kinde answers 403 for the keys of a sub-domain that does not exist"},
		"keys_host_unknown": {"correct the domain: as in bookshop.kinde.com, or the custom domain as set in Kinde"},
	}
}

// adviceOnAudiences is about the API as Kinde knows it.
func adviceOnAudiences() map[string][]string {
	const ask = `in the front end, ask for it: <KindeProvider audience="…">, or audience in the settings of another SDK`
	empty := []string{
		"in Kinde, Settings, APIs: register this API with the audience that Audiences holds",
		"on that API, Applications: authorise the front end's application",
		ask,
		adviceAgain,
	}
	spelling := []string{
		"in Kinde, Settings, APIs: copy the audience of this API, which cannot be changed there, into the front end and into Audiences, byte for byte",
		adviceAgain,
	}
	return map[string][]string{
		"audience_empty":  empty,
		"audience_absent": empty,
		"no_audience":     empty,
		"audience":        {"find this API's audience in Kinde under Settings, APIs", ask, adviceAgain},
		"audience_space":  spelling,
		"audience_slash":  spelling,
		"audience_case":   spelling,
		"audience_scheme": spelling,
		"audience_client": {"in the front end use getAccessToken(), not getIdToken()", ask, adviceAgain},
		"audience_issuer": {"the token is for Kinde's Management API: request one for the audience of this API"},
	}
}
