// Package kinde is the preset for APIs whose access tokens come from Kinde: the policy, typed
// claims, requirements, webhooks and API keys. docs/kinde.md leads from Kinde's dashboard to
// the first request that is answered 200.
//
// In Kinde, register the API under Settings, APIs; its audience is what Audiences takes.
// Authorise the front-end application for it there, and pass the same audience in the front
// end, for example <KindeProvider audience="https://api.bookshop.example">. If one of the
// three is missing, Kinde issues tokens with an empty aud and says nothing; the tokens are
// then refused as no_audience. People who were signed in before have to sign in again.
//
//	policy, err := kinde.Policy(kinde.Config{
//		Domain:    "bookshop.kinde.com",
//		Audiences: []string{"https://api.bookshop.example"},
//	})
//	v, err := verifier.New(policy)
//
// A custom domain is an issuer of its own: users get tokens from the custom domain while
// machine-to-machine applications stay with the kinde.com one. Name the second under
// ExtraDomains.
//
// [FromEnv] reads the same from the environment. [ClaimsOf] reads what Kinde says in a token,
// [Permissions] and its like are requirements of routes, and [WebhookHandler] answers
// webhooks, which are signed with the same keys and are no tokens.
package kinde
