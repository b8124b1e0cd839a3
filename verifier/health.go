package verifier

import "time"

// Status is how well the keys of an issuer are.
type Status string

const (
	// StatusOK means that keys are usable and not older than twice RefreshInterval.
	StatusOK Status = "ok"
	// StatusDegraded means that keys are usable, but something is wrong: see
	// [IssuerHealth.Problem].
	StatusDegraded Status = "degraded"
	// StatusUnavailable means that no token of this issuer can be verified.
	StatusUnavailable Status = "unavailable"
)

// Health is a report of one moment.
type Health struct {
	// Status is the worst of all issuers.
	Status Status
	// Issuers are in the order of the policy.
	Issuers []IssuerHealth
}

// IssuerHealth is the state of one issuer's keys.
type IssuerHealth struct {
	Issuer string
	Status Status
	// Problem says what is wrong: a fixed text, "" if nothing is.
	Problem string
	// Age is the time since the issuer last confirmed the keys; 0 without keys.
	Age time.Duration
	// TimeLeft is how long the keys stay usable if the issuer cannot be reached;
	// 0 without keys. Static keys do not age: the greatest Duration.
	TimeLeft time.Duration
	// KeyIDs are the kids of the usable keys, sorted.
	KeyIDs []string
}

// Health reports the state of every issuer's keys. It does no I/O.
func (v *Verifier) Health() Health {
	h := Health{Status: StatusOK, Issuers: make([]IssuerHealth, 0, len(v.issuers))}
	for _, iss := range v.issuers {
		sh := iss.source.Health()
		ih := IssuerHealth{
			Issuer: iss.url, Status: StatusOK, Problem: sh.Problem,
			Age: sh.Age, TimeLeft: sh.TimeLeft, KeyIDs: sh.KeyIDs,
		}
		switch {
		case !sh.Usable:
			ih.Status = StatusUnavailable
		case sh.Problem != "":
			ih.Status = StatusDegraded
		}
		h.Status = worse(h.Status, ih.Status)
		h.Issuers = append(h.Issuers, ih)
	}
	return h
}

func worse(a, b Status) Status {
	switch {
	case a == StatusUnavailable || b == StatusUnavailable:
		return StatusUnavailable
	case a == StatusDegraded || b == StatusDegraded:
		return StatusDegraded
	default:
		return StatusOK
	}
}
