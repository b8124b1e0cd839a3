#!/usr/bin/env bash
# Builds a program on each published module as others will get it: packed, from a module proxy
# in a folder, without replace lines. Fails if one does not build, or lists too many modules.
set -euo pipefail
cd "$(dirname "$0")/.."
GOWORK=off GOFLAGS='' go run -C scripts/consumers . -root ../.. build
