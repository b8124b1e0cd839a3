#!/usr/bin/env bash
# release-check.sh VERSION [TREE]: whether the tree may get the tags of VERSION, see
# RELEASING.md. Prints the tags in order, or everything that speaks against it, and fails.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: scripts/release-check.sh vX.Y.Z [TREE]" >&2; exit 2; }
version=$1
tools=$(cd "$(dirname "$0")" && pwd)/consumers
tree=$(cd "${2:-$tools/../..}" && pwd)
ours=github.com/keychorus/keychorus
export GOWORK=off
refused=0
refuse() {
	refused=1
	printf '%s\n' "$*" >&2
}
consumers() { GOFLAGS='' go run -C "$tools" . -root "$tree" "$@"; }

[[ $version =~ ^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$ ]] || { refuse "$version is no version such as v1.2.3"; exit 1; }
modules=$(consumers list)
tags=$(for m in $modules; do [ "$m" = . ] && echo "$version" || echo "$m/$version"; done)

[ -z "$(git -C "$tree" status --porcelain)" ] || refuse "there are changes that are not committed"
for tag in $tags; do
	[ -z "$(git -C "$tree" tag --list "$tag")" ] || refuse "there is a tag $tag already"
done

# An entry is a heading with version and date, and something below it.
entry=$(awk -v want="## ${version#v} - " '/^## /{in_it = index($0, want) == 1 && $0 ~ / - [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/; next} in_it && /^- /' "$tree/CHANGELOG.md")
[ -n "$entry" ] || refuse "CHANGELOG.md has no entry of the form: ## ${version#v} - YYYY-MM-DD"

for m in $modules; do
	mod=$tree/$m/go.mod
	! grep -qE '=>' "$mod" || refuse "$m/go.mod has a replace line"
	! grep -qE ' v0\.0\.0( |$)' "$mod" || refuse "$m/go.mod requires something at v0.0.0"
	while read -r path required _; do
		[ "$required" = "$version" ] || refuse "$m/go.mod requires $path at $required, want $version"
	done < <(sed -E 's/^(require)?[[:space:]]+//' "$mod" | grep -E "^$ours(/[^ ]*)? v" || true)
done
[ $refused = 0 ] || exit 1 # what follows takes long

consumers tidy "$version" >/dev/null || { refuse "a go.mod or go.sum is not tidy"; exit 1; }
echo "$tags"
