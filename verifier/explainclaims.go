package verifier

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// claimFault names the registered claim that is malformed. The name is one of ours.
func (s *sample) claimFault() finding {
	if s.claims.problem == nil {
		return finding{}
	}
	for m := memberIssuer; m < memberEnd; m++ {
		raw, ok := s.claims.lookup(memberNames[m])
		if !ok || new(claims).take(m, raw) {
			continue
		}
		n, err := strconv.ParseFloat(raw, 64)
		if err == nil && n > maxSeconds && n < maxSeconds*1e7 {
			return finding{"milliseconds", memberNames[m]}
		}
		return finding{string(ReasonMalformedClaim), memberNames[m]}
	}
	return finding{diagnosis: string(ReasonMalformedClaim)}
}

// timeFault says when a token is or was good.
func (s *sample) timeFault() finding {
	c := s.claims
	e := s.v.judgeTime(c, s.now)
	if e == nil {
		return finding{}
	}
	ahead := func(d numericDate) time.Duration { return d.time().Sub(s.now) }
	switch e.Reason {
	case ReasonExpired:
		return finding{string(e.Reason), span(-ahead(c.expiry)) + " ago"}
	case ReasonNoExpiry:
		if s.isWebhook() {
			return finding{diagnosis: diagnosisWebhook}
		}
	case ReasonNotYetValid:
		if !c.issuedAt.set || ahead(c.issuedAt) <= 0 {
			return finding{string(e.Reason), "for another " + span(ahead(c.notBefore))}
		}
		return clockFault(ahead(c.issuedAt))
	case ReasonIssuedInFuture:
		return clockFault(ahead(c.issuedAt))
	case ReasonLifetime:
		if !c.issuedAt.set {
			return finding{diagnosis: "lifetime_unknown"}
		}
		return finding{string(e.Reason), span(c.expiry.time().Sub(c.issuedAt.time()))}
	}
	return finding{diagnosis: string(e.Reason)}
}

// clockFault tells a clock that is wrong from one that shows the time of another zone.
func clockFault(ahead time.Duration) finding {
	const half = 30 * time.Minute
	measure := span(ahead) + " ahead of this machine"
	if off := (ahead + half/2) % half; ahead > half && ahead < 15*time.Hour && (off-half/2).Abs() < 2*time.Minute {
		return finding{"clock_zone", measure}
	}
	return finding{"clock_behind", measure}
}

// timeLeft is for tokens that are good.
func (s *sample) timeLeft() string {
	if s.claims == nil || !s.claims.expiry.set {
		return ""
	}
	left := s.claims.expiry.time().Sub(s.now)
	if left <= 0 {
		return "expired " + span(-left) + " ago, within the leeway"
	}
	return "expires in " + span(left)
}

func (s *sample) isWebhook() bool {
	return s.claims.present.has(memberEventID) && s.claims.present.has(memberEventData) || s.claims.present.has(memberEvents)
}

// kindFault says what the token is instead of an access token.
func (s *sample) kindFault() finding {
	c := s.claims
	if !c.wrongKind(s.parameter("typ"), s.v.allowIDTokens) {
		return finding{}
	}
	switch {
	case s.isWebhook():
		return finding{diagnosis: diagnosisWebhook}
	case anyFold(c.payloadType, "Refresh", "Offline") || anyFold(c.tokenUse, "refresh", "refresh_token"):
		return finding{diagnosis: "refresh_token"}
	case anyFold(c.payloadType, "Logout"):
		return finding{diagnosis: "logout_token"}
	case c.tokenUse != "" && !anyFold(c.tokenUse, "id"):
		return finding{diagnosis: string(ReasonWrongKind)}
	}
	return finding{diagnosis: "id_token"}
}

// audienceFault says how aud differs from what is expected.
func (s *sample) audienceFault() finding {
	c := s.claims
	expected := s.audiences()
	switch {
	case s.v.anyAudience:
		return finding{}
	case len(c.audience) == 0 && c.present.has(memberAudience):
		return finding{diagnosis: "audience_empty"}
	case len(c.audience) == 0:
		return finding{diagnosis: "audience_absent"}
	case slices.ContainsFunc(c.audience, func(a string) bool { return slices.Contains(expected, a) }):
		return finding{}
	}
	for _, near := range []struct{ difference, diagnosis string }{
		{differSpace, "audience_space"}, {differSlash, "audience_slash"}, {differCase, "audience_case"}, {differScheme, "audience_scheme"},
	} {
		for _, got := range c.audience {
			if slices.ContainsFunc(expected, func(want string) bool { return difference(got, want) == near.difference }) {
				return finding{diagnosis: near.diagnosis}
			}
		}
	}
	switch {
	case c.client() != "" && slices.Contains(c.audience, c.client()):
		return finding{diagnosis: "audience_client"}
	case c.issuer != "" && slices.ContainsFunc(c.audience, func(a string) bool { return strings.HasPrefix(a, c.issuer) }):
		return finding{diagnosis: "audience_issuer"}
	}
	return finding{diagnosis: string(ReasonAudience)}
}

func (s *sample) clientFault() finding {
	switch {
	case s.v.acceptsClient(s.claims):
		return finding{}
	case s.claims.client() == "":
		return finding{diagnosis: "client_absent"}
	}
	return finding{diagnosis: string(ReasonClient)}
}

// requiredFault names the claims of the policy that are absent.
func (s *sample) requiredFault() finding {
	var absent []string
	for _, name := range s.v.requiredClaims {
		if raw, ok := s.claims.lookup(name); !ok || raw == "null" {
			absent = append(absent, name)
		}
	}
	if len(absent) == 0 {
		return finding{}
	}
	return finding{string(ReasonMissingClaim), listed(absent)}
}

// bindingFault says what the caller has to prove.
func (s *sample) bindingFault() finding {
	c := s.claims
	if c.confirmed(s.proved) {
		return finding{}
	}
	has := func(member string) bool { return strings.Contains(c.confirmation, `"`+member+`"`) }
	switch dpop, mtls := has("jkt"), has("x5t#S256"); {
	case dpop && s.proved.JWKThumbprint != "", mtls && s.proved.CertificateThumbprint != "":
		return finding{diagnosis: "bound_to_another"}
	case dpop:
		return finding{diagnosis: "bound_to_dpop"}
	case mtls:
		return finding{diagnosis: "bound_to_certificate"}
	}
	return finding{diagnosis: string(ReasonBinding)}
}
