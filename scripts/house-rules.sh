#!/usr/bin/env bash
# The rules of CONTRIBUTING.md that a script can see. Prints what breaks one, and fails.
set -uo pipefail
cd "$(dirname "$0")/.."
files() { git ls-files -co --exclude-standard -- "$@"; }
found=0
rule() { # rule NAME: standard input is what breaks it
	local hits
	hits=$(cat)
	if [ -n "$hits" ]; then
		found=1
		printf '%s\n%s\n\n' "$1:" "$hits" >&2
	fi
}
go=$(files '*.go')
for f in $go; do awk -v f="$f" 'END { if (NR > 300) print f " has " NR " lines" }' "$f"; done | rule "files of at most 300 lines"
files adapters | grep -E '^adapters/[^/]+/go\.mod$' | xargs -r -n1 dirname | while read -r d; do
	for f in "$d"/*.go; do case $f in *_test.go) ;; *) awk -v f="$f" 'END { if (NR > 120) print f " has " NR " lines" }' "$f" ;; esac; done
done | rule "adapters of at most 120 lines"
files | grep -E '(^|/)(util|utils|common|helpers|types|misc|pkg)/' | rule "rooms are named for what they hold"
for d in $(for f in $go; do dirname "$f"; done | sort -u); do
	ls "$d"/*.go 2>/dev/null | grep -vq _test.go || continue
	grep -lqE '^// (Package|Command) ' "$d"/*.go || echo "$d"
done | rule "every package has a comment"
grep -nE '\b(t|b|tb)\.Skip(f|Now)?\(' $go | rule "no test is skipped"
grep -nE '\b(TODO|FIXME|XXX)\b' $(files '*.go' '*.md' '*.sh' '*.mjs' Makefile) | grep -v '^scripts/house-rules.sh' | rule "nothing is left for later in the code"
written=$(grep -L '^// Code generated .* DO NOT EDIT\.$' $go)
grep -nE '^func init\(' $written | rule "no init"
grep -nE '(^|[^a-zA-Z0-9_.])/(work|root|home)/|proxy\.golang\.org|registry\.npmjs\.org' $(files) | grep -v '^scripts/house-rules.sh' | rule "no machine paths and no registry hosts"
exit $found
