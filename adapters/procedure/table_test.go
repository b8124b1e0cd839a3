package procedure_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keychorus/keychorus/adapters/procedure"
	"github.com/keychorus/keychorus/verifier"
	"github.com/keychorus/keychorus/verifier/verifiertest"
)

const (
	list = "/shop.Books/List"
	add  = "/shop.Books/Add"
)

// named returns a requirement that puts its name on a list when it is asked.
func named(name string, asked *[]string) verifier.Requirement {
	return verifier.NewRequirement(verifier.RequirementSpec{
		Name:  name,
		Check: func(context.Context, *verifier.Token) error { *asked = append(*asked, name); return nil },
	})
}

func TestWhatACallNeeds(t *testing.T) {
	var asked []string
	a, b, c, d := named("a", &asked), named("b", &asked), named("c", &asked), named("d", &asked)
	token := verifiertest.NewIssuer(t).Verified()
	for what, test := range map[string]struct {
		rules  []procedure.Rule
		call   string
		access procedure.Access
		asked  string
	}{
		"no rule":                  {nil, add, procedure.Guarded, ""},
		"All":                      {[]procedure.Rule{procedure.All(a)}, add, procedure.Guarded, "a"},
		"Method":                   {[]procedure.Rule{procedure.Method(add, b)}, add, procedure.Guarded, "b"},
		"Method of another call":   {[]procedure.Rule{procedure.Method(list, b)}, add, procedure.Guarded, ""},
		"All before Method":        {[]procedure.Rule{procedure.All(a), procedure.Method(add, b, c)}, add, procedure.Guarded, "a b c"},
		"All after Method":         {[]procedure.Rule{procedure.Method(add, b, c), procedure.All(a)}, add, procedure.Guarded, "a b c"},
		"All twice":                {[]procedure.Rule{procedure.All(a), procedure.Method(add, b), procedure.All(c, d)}, add, procedure.Guarded, "a c d b"},
		"Method without one":       {[]procedure.Rule{procedure.All(a), procedure.Method(add)}, add, procedure.Guarded, "a"},
		"Exempt":                   {[]procedure.Rule{procedure.Exempt(list, add)}, add, procedure.Exempted, ""},
		"Exempt beside All":        {[]procedure.Rule{procedure.Exempt(add), procedure.All(a)}, add, procedure.Exempted, ""},
		"Exempt of another call":   {[]procedure.Rule{procedure.Exempt(list), procedure.All(a)}, add, procedure.Guarded, "a"},
		"Exempt of nothing":        {[]procedure.Rule{procedure.Exempt()}, add, procedure.Guarded, ""},
		"health":                   {[]procedure.Rule{procedure.ExemptHealth()}, "/grpc.health.v1.Health/Watch", procedure.Exempted, ""},
		"health, not exempt":       {nil, "/grpc.health.v1.Health/Check", procedure.Guarded, ""},
		"health is not all":        {[]procedure.Rule{procedure.ExemptHealth()}, "/grpc.health.v1.Health/Set", procedure.Guarded, ""},
		"reflection":               {[]procedure.Rule{procedure.ExemptReflection()}, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", procedure.Exempted, ""},
		"name in another case":     {[]procedure.Rule{procedure.Exempt(add)}, "/shop.books/add", procedure.Guarded, ""},
		"longer name":              {[]procedure.Rule{procedure.Exempt(add)}, add + "All", procedure.Guarded, ""},
		"name without a slash":     {[]procedure.Rule{procedure.Method(add, b)}, add[1:], procedure.Refused, ""},
		"name with two slashes":    {[]procedure.Rule{procedure.Method(add, b)}, "/" + add, procedure.Refused, ""},
		"name with one more":       {[]procedure.Rule{procedure.Exempt(add)}, add + "/", procedure.Refused, ""},
		"no name":                  {nil, "", procedure.Refused, ""},
		"name without the method":  {nil, "/shop.Books/", procedure.Refused, ""},
		"name without the service": {nil, "//Add", procedure.Refused, ""},
	} {
		table, err := procedure.NewTable(test.rules...)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		access, reqs := table.Lookup(test.call)
		asked = nil
		if err := token.Require(t.Context(), reqs...); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := strings.Join(asked, " "); access != test.access || got != test.asked {
			t.Errorf("%s: access %d with %q, want %d with %q", what, access, got, test.access, test.asked)
		}
	}
}

func TestContradictionsRefuseEverything(t *testing.T) {
	for what, rules := range map[string][]procedure.Rule{
		"Method twice":               {procedure.Method(add), procedure.Method(add)},
		"Method and Exempt":          {procedure.Method(add), procedure.Exempt(add)},
		"Exempt and Method":          {procedure.Exempt(list, add), procedure.Method(add)},
		"Exempt twice":               {procedure.Exempt(add, add)},
		"zero Rule":                  {{}},
		"Method without a name":      {procedure.Method("")},
		"Method without a slash":     {procedure.Method("shop.Books/Add")},
		"Exempt of a service":        {procedure.Exempt("/shop.Books/")},
		"Exempt by a pattern of two": {procedure.Exempt("/shop.Books/Add/*")},
	} {
		table, err := procedure.NewTable(append(rules, procedure.Exempt(list+"All"))...)
		if !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("%s: error %v", what, err)
		}
		for _, call := range []string{add, list, list + "All"} {
			if access, _ := table.Lookup(call); access != procedure.Refused {
				t.Errorf("%s: access %d", what, access)
			}
		}
	}
}

func TestEveryContradictionIsTold(t *testing.T) {
	_, err := procedure.NewTable(procedure.Rule{}, procedure.Method("x"), procedure.Exempt(add, add))
	for _, want := range []string{"zero Rule", `"x"`, add} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %s", err, want)
		}
	}
}

// A slice that the program goes on using must not loosen a rule.
func TestRulesAreCopied(t *testing.T) {
	var asked []string
	reqs, names := []verifier.Requirement{named("strict", &asked)}, []string{list}
	rules := []procedure.Rule{procedure.All(reqs...), procedure.Method(add, reqs...), procedure.Exempt(names...)}
	reqs[0], names[0] = named("loose", &asked), "/shop.Books/Remove"
	table, err := procedure.NewTable(rules...)
	if err != nil {
		t.Fatal(err)
	}
	_, needs := table.Lookup(add)
	if err := verifiertest.NewIssuer(t).Verified().Require(t.Context(), needs...); err != nil {
		t.Error(err)
	}
	if access, _ := table.Lookup("/shop.Books/Remove"); access != procedure.Guarded || !slices.Equal(asked, []string{"strict", "strict"}) {
		t.Errorf("access %d, asked %q", access, asked)
	}
}

func TestNamesThatNobodyServes(t *testing.T) {
	served := slices.Values([]string{list, add})
	for what, test := range map[string]struct {
		rules []procedure.Rule
		want  []string
	}{
		"all served":   {[]procedure.Rule{procedure.Method(add), procedure.Exempt(list)}, nil},
		"no names":     {[]procedure.Rule{procedure.All()}, nil},
		"optional":     {[]procedure.Rule{procedure.ExemptHealth(), procedure.ExemptReflection()}, nil},
		"slips":        {[]procedure.Rule{procedure.Method("/shop.Books/Ad"), procedure.Exempt("/shop.Book/List", add)}, []string{`"/shop.Books/Ad"`, `"/shop.Book/List"`}},
		"another case": {[]procedure.Rule{procedure.Method("/shop.Books/add")}, []string{`"/shop.Books/add"`}},
	} {
		table, err := procedure.NewTable(test.rules...)
		if err != nil {
			t.Fatal(err)
		}
		err = table.Unserved(served)
		if (err != nil) != (test.want != nil) || err != nil && !errors.Is(err, verifier.ErrMisconfigured) {
			t.Errorf("%s: %v", what, err)
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not tell %s", what, err, want)
			}
		}
	}
	if err := (*procedure.Table)(nil).Unserved(served); err != nil {
		t.Error(err)
	}
}
