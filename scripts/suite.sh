#!/usr/bin/env bash
# suite.sh: counts what the tests are, from the tree and from one run with coverage. Writes docs/suite.md
# and the small table between the marks of README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off LC_ALL=C
sources() { git ls-files -co --exclude-standard -- "$@" | grep '\.go$' | grep -v '/testdata/'; }
tests() { sources "$@" | grep -E '_test\.go$|/(verifier|keystore|adapter)test/'; } # the kits are suites
code() { sources "$@" | grep -vE '_test\.go$|/(verifier|keystore|adapter)test/'; }
named() { tests . | grep -v /threats/threats_test.go | xargs grep -hE "^func $1[A-Z_]" | wc -l; } # that file holds tests as text
lines() { xargs -r cat | wc -l; }
ratio() { awk -v t="$(tests "$@" | lines)" -v c="$(code "$@" | lines)" 'BEGIN { printf "%.2f", t / c }'; }
invariants=$(tests . | xargs grep -hoE '^func TestInvariantI[0-9]+' | sort -u | wc -l)
rows=$(grep -cE '^\| [A-Z]+[0-9.-]*[0-9] \|' docs/threat-model.md || true)
last() { awk -F'|' -v w="$1" 'index($0, w) { gsub(/ /, "", $(NF - 1)); print $(NF - 1) }' docs/chaos.md; } # column of a promise
minutes=$(grep -oE '^[0-9]+:[0-9]+ min' docs/chaos.md)
lost=$(last '| a token whose key is published, and known to the process')
let_in=$(last '| no token is accepted that no key and no time makes good')
table() {
	echo "| | |"
	echo "|---|---|"
	echo "| tests, most of them tables of cases | $(named Test) |"
	echo "| runnable examples | $(named Example) |"
	echo "| fuzz targets | $(named Fuzz) |"
	echo "| invariants of keys and fleet, each with tests of its name | $invariants |"
	echo "| requirements and attacks of [threat-model.md](threat-model.md), each with its tests | $rows |"
	echo "| chaos, last run: length; valid tokens lost; invalid ones accepted | $minutes; $lost; $let_in |"
	echo "| lines of tests to one of code: verifier; keystore; adapters | $(ratio verifier); $(ratio keystore); $(ratio adapters) |"
}
short() {
	echo "| tests | examples | fuzz targets | invariants | requirements and attacks | chaos | tokens lost, wrongly accepted |"
	echo "|---|---|---|---|---|---|---|"
	echo "| $(named Test) | $(named Example) | $(named Fuzz) | $invariants | $rows | $minutes | $lost, $let_in |"
}
counted=$(table)
covered=$(for m in . $(git ls-files -co --exclude-standard 'adapters/*go.mod' 'keystore/*go.mod' 'cmd/*go.mod' | xargs -n1 dirname); do
	(cd "$m" && go test -cover ./... 2>&1) | awk '/^ok .*coverage: [0-9]/ { for (i = 1; i <= NF; i++) if ($i == "coverage:") { p = $2; sub("github.com/keychorus/keychorus/", "", p); print "| " p " | " $(i + 1) " |" } } /^(FAIL|---)/ { print > "/dev/stderr"; bad = 1 } END { exit bad }'
done)
{
	echo "# The suite in numbers"
	echo
	echo "Written by \`make suite\`: counted in the tree, covered in one run of \`go test -cover\` in each published module. Suites that other"
	echo "packages run (keystoretest, adaptertest, verifiertest) count where they are run. What is left, and why: [uncovered.md](uncovered.md)."
	echo
	echo "$counted"
	echo
	echo "## Statements covered by a package's own tests"
	echo
	echo "| package | |"
	echo "|---|---|"
	echo "$covered"
} >docs/suite.md
awk -v table="$(short)" '/^<!-- suite -->$/ { print; print table; skip = 1; next } skip && /^$/ { skip = 0 } !skip' README.md >README.md.new
mv README.md.new README.md
