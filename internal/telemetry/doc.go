// Package telemetry speaks OpenTelemetry for the verifier, its keys and the guards in front, and
// marks regions of execution traces.
//
// Every instrument is made in [New], and every attribute value comes from lists that are closed
// there: what a token, an issuer or a store says can neither make a new series nor stand in one.
// The attribute sets of the hot path are built once, when they are first told, and from then on
// it allocates nothing; it reads the clock only for a histogram that somebody collects, and
// starts spans only below a sampled one. Nil receivers do nothing.
//
// Spans:
//
//	keychorus.verify         a call of Verify, below a sampled span; of VerifyDocument,
//	                         keychorus.verify_document
//	keychorus.keys.lookup    a request waits for keys; linked to the refresh it waited for
//	keychorus.keys.refresh   a look for newer keys, in the background: the root of its own trace
//	keychorus.jwks.fetch     an attempt at the issuer, discovery and retry included
//	keychorus.store.load     a call of the shared store, below one of the others;
//	                         also .save, .lease and .end
//
// Instruments:
//
//	keychorus.verify.duration          s           outcome, error.type, algorithm, state of the keys, token cache
//	keychorus.verify_document.duration s           outcome, error.type, algorithm, state of the keys
//	keychorus.guard.decisions          {decision}  outcome, error.type
//	keychorus.token_cache.lookups      {lookup}    token cache
//	keychorus.waiters                  {request}
//	keychorus.fetch.duration           s           cause, outcome, issuer
//	keychorus.fetch.direct             {fetch}
//	keychorus.keys.age                 s           issuer
//	keychorus.keys.time_left           s           issuer
//	keychorus.keys.count               {key}       issuer
//	keychorus.unknown_kid.decisions    {decision}  decision
//	keychorus.store.duration           s           operation, outcome
//	keychorus.lease.claims             {claim}     outcome
//	keychorus.store.rollbacks_refused  {record}
//	keychorus.store.heals              {record}
//
// An issuer is one of the policy, by its configured URL, or "dynamic". Names and values are
// explained in docs/observability.md.
package telemetry
