#!/usr/bin/env bash
# apidiff.sh OLD: what has changed in the exported names of each published module since the
# commit or tag OLD, incompatible changes first.
set -euo pipefail
[ $# = 1 ] || { echo "usage: scripts/apidiff.sh OLD" >&2; exit 2; }
cd "$(dirname "$0")/.."
old=$(mktemp -d)
trap 'rm -rf "$old"' EXIT
git archive "$1" | tar -x -C "$old"
export GOWORK=off GOFLAGS=
quiet() { sed '/^Ignoring internal package/d'; }
GOBIN=$old/.bin go install golang.org/x/exp/cmd/apidiff@v0.0.0-20261113113407-e3970619a1a4
for m in $(go run -C scripts/consumers . -root ../.. list); do
	echo "== $m"
	[[ $m != cmd/* ]] || { echo "a command: compare its --help and exit codes"; continue; }
	[ -f "$old/$m/go.mod" ] || { echo "new"; continue; }
	path=$(cd "$m" && go list -m)
	(cd "$old/$m" && "$old/.bin/apidiff" -m -w "$old/before" "$path" 2>&1 | quiet)
	(cd "$m" && "$old/.bin/apidiff" -m -w "$old/after" "$path" 2>&1 | quiet)
	"$old/.bin/apidiff" -m "$old/before" "$old/after" 2>&1 | quiet
done
