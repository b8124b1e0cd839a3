package grpcauth

import (
	"iter"

	"google.golang.org/grpc"

	"github.com/keychorus/keychorus/adapters/procedure"
	"github.com/keychorus/keychorus/verifier"
)

// Rule says what some calls need.
type Rule = procedure.Rule

// All requires reqs of every call that is not exempt, in addition to its [Method]. Several
// All add up.
func All(reqs ...verifier.Requirement) Rule { return procedure.All(reqs...) }

// Method requires reqs of the calls of one method, named "/package.Service/Method", in
// addition to [All]. A second rule for one method is a contradiction.
func Method(name string, reqs ...verifier.Requirement) Rule { return procedure.Method(name, reqs...) }

// Exempt lets calls of these methods, each named "/package.Service/Method", pass without
// being looked at. Default: nothing is exempt.
func Exempt(names ...string) Rule { return procedure.Exempt(names...) }

// ExemptHealth exempts Check, List and Watch of grpc.health.v1.Health, for probes.
func ExemptHealth() Rule { return procedure.ExemptHealth() }

// ExemptReflection exempts grpc.reflection.v1 and v1alpha, which tell anyone the whole
// schema of the server.
func ExemptReflection() Rule { return procedure.ExemptReflection() }

// Check returns an error that wraps [verifier.ErrMisconfigured] if the rules contradict, or
// name a method that the server does not have: such a rule protects nothing. Call it when
// all services are registered. *grpc.Server fits. Methods behind
// [grpc.UnknownServiceHandler] are not registered, and so cannot be checked.
func Check(server interface {
	GetServiceInfo() map[string]grpc.ServiceInfo
}, rules ...Rule) error {
	table, err := procedure.NewTable(rules...)
	if err != nil {
		return err
	}
	return table.Unserved(methods(server.GetServiceInfo()))
}

func methods(services map[string]grpc.ServiceInfo) iter.Seq[string] {
	return func(yield func(string) bool) {
		for service, info := range services {
			for _, m := range info.Methods {
				if !yield("/" + service + "/" + m.Name) {
					return
				}
			}
		}
	}
}
