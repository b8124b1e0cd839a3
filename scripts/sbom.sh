#!/usr/bin/env bash
# sbom.sh TOOL DIR: writes a CycloneDX document for each published module into DIR, with the
# licences that were found. Without serial numbers and dates: one tree gives the same bytes.
set -euo pipefail
tool=$1 out=$2
cd "$(dirname "$0")/.."
mkdir -p "$out"
export GOWORK=off GOFLAGS=
for m in $(go run -C scripts/consumers . -root ../.. list); do
	name=$([ "$m" = . ] && echo keychorus || echo "keychorus-${m//\//-}")
	type=$([[ $m == cmd/* ]] && echo application || echo library)
	"$tool" mod -json -licenses -std -noserial -notimestamp -type "$type" -output "$out/$name.cdx.json" "$m" 2>"$out/log" || { cat "$out/log" >&2; exit 1; }
	printf '%-40s %3d components\n' "$name.cdx.json" "$(grep -c '"bom-ref"' "$out/$name.cdx.json")"
done
rm -f "$out/log"
