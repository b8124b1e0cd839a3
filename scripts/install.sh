#!/usr/bin/env bash
# Installs packages of the system, on Debian and Ubuntu as root or with sudo, on macOS with
# Homebrew (untested).
set -euo pipefail
if command -v apt-get >/dev/null; then
	sudo=""
	[ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -qq
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
elif command -v brew >/dev/null; then
	brew install "${@/redis-server/redis}" # its name there
else
	echo "install by hand: $*" >&2
	exit 1
fi
