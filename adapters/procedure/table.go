package procedure

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/keychorus/keychorus/verifier"
)

// Access is how a call is treated. The zero Access refuses.
type Access int

// The three ways to treat a call.
const (
	// Refused: the rules contradict, or the name of the call is malformed. It is a
	// mistake of this program, or a name that the framework should not have let in.
	Refused Access = iota
	// Guarded: the call needs a token that meets the requirements.
	Guarded
	// Exempted: the call needs nothing.
	Exempted
)

// Table holds what calls need. It is immutable and safe for concurrent use. A nil Table
// refuses every call.
type Table struct {
	all     []verifier.Requirement
	entries map[string]entry
	named   []string // what Unserved looks for
}

type entry struct {
	access Access
	reqs   []verifier.Requirement // those of All first
}

// NewTable returns a table of the rules, see the package comment for how they combine. The
// error joins all contradictions and malformed names and wraps [verifier.ErrMisconfigured];
// the table is nil then.
func NewTable(rules ...Rule) (*Table, error) {
	t := &Table{entries: map[string]entry{}}
	var problems []error
	for _, r := range rules {
		if r.kind == kindAll {
			t.all = append(t.all, r.reqs...)
		}
	}
	for _, r := range rules {
		if r.kind == 0 {
			problems = append(problems, errors.New("a Rule is the zero Rule"))
		}
		for _, name := range r.names {
			if err := t.add(name, r); err != nil {
				problems = append(problems, err)
			}
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w: procedure: %w", verifier.ErrMisconfigured, errors.Join(problems...))
	}
	return t, nil
}

func (t *Table) add(name string, r Rule) error {
	if !canonical(name) {
		return fmt.Errorf(`%q is not of the form "/package.Service/Method"`, name)
	}
	if _, ok := t.entries[name]; ok {
		return fmt.Errorf("%q has two rules", name)
	}
	e := entry{access: Exempted}
	if r.kind == kindMethod {
		e = entry{Guarded, slices.Concat(t.all, r.reqs)}
	}
	t.entries[name] = e
	if r.kind != kindExemptIfServed {
		t.named = append(t.named, name)
	}
	return nil
}

// Lookup returns how a call of the procedure is treated, and what its token must meet. The
// slice is the table's own and must not be changed.
func (t *Table) Lookup(name string) (Access, []verifier.Requirement) {
	if t == nil {
		return Refused, nil
	}
	if e, ok := t.entries[name]; ok {
		return e.access, e.reqs
	}
	if !canonical(name) {
		return Refused, nil
	}
	return Guarded, t.all
}

// Unserved returns an error that joins the names in rules that are not among the served
// ones, and wraps [verifier.ErrMisconfigured]; nil if there is none. A name with a slip of
// the pen protects nothing, and cannot be told from a service that is registered later.
// [ExemptHealth] and [ExemptReflection] name what need not be served.
func (t *Table) Unserved(served iter.Seq[string]) error {
	if t == nil {
		return nil
	}
	names := slices.Collect(served)
	var problems []error
	for _, name := range t.named {
		if !slices.Contains(names, name) {
			problems = append(problems, fmt.Errorf("%q has a rule but is not served", name))
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("%w: procedure: %w", verifier.ErrMisconfigured, errors.Join(problems...))
	}
	return nil
}

// canonical tells whether name has the form "/package.Service/Method".
func canonical(name string) bool {
	rest, ok := strings.CutPrefix(name, "/")
	service, method, found := strings.Cut(rest, "/")
	return ok && found && service != "" && method != "" && !strings.Contains(method, "/")
}
