package procedure

import (
	"slices"

	"github.com/keychorus/keychorus/verifier"
)

// Rule says what some calls need. It is immutable. The zero Rule is a mistake that
// [NewTable] reports.
type Rule struct {
	kind  kind
	names []string
	reqs  []verifier.Requirement
}

type kind int

const (
	kindAll kind = iota + 1
	kindMethod
	kindExempt
	kindExemptIfServed // names that a server need not serve
)

// All requires reqs of every call that needs a token, besides what [Method] says.
func All(reqs ...verifier.Requirement) Rule {
	return Rule{kind: kindAll, reqs: slices.Clone(reqs)}
}

// Method requires reqs of the calls of one procedure, besides what [All] says. Without
// requirements it changes nothing.
func Method(name string, reqs ...verifier.Requirement) Rule {
	return Rule{kind: kindMethod, names: []string{name}, reqs: slices.Clone(reqs)}
}

// Exempt lets calls of these procedures pass without being looked at: their handlers find
// no token, also where one was sent. Default: nothing is exempt.
func Exempt(names ...string) Rule {
	return Rule{kind: kindExempt, names: slices.Clone(names)}
}

// ExemptHealth is [Exempt] for gRPC's health service, grpc.health.v1.Health: the methods
// Check, List and Watch. They tell which services are up.
func ExemptHealth() Rule {
	const service = "/grpc.health.v1.Health/"
	return Rule{kind: kindExemptIfServed, names: []string{service + "Check", service + "List", service + "Watch"}}
}

// ExemptReflection is [Exempt] for gRPC's reflection service, grpc.reflection.v1 and
// v1alpha, which tells the whole schema of the server to anyone.
func ExemptReflection() Rule {
	const method = ".ServerReflection/ServerReflectionInfo"
	return Rule{kind: kindExemptIfServed, names: []string{"/grpc.reflection.v1" + method, "/grpc.reflection.v1alpha" + method}}
}
