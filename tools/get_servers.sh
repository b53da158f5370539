#!/bin/sh
# Fetch the real database servers that the tests run against, where this machine has none: Debian's
# influxdb and victoria-metrics, unpacked beside the environment. Nothing is installed into the
# system, so no service is started there. Where they can't be had, the tests say so and skip.
set -eu
target=$1
mkdir -p "$target"

fetch() { # package, program
    if command -v "$2" >/dev/null 2>&1 || [ -x "$target/usr/bin/$2" ]; then return 0; fi
    if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
        echo "make: no $2 here and no Debian to fetch it from; the tests that need it are skipped" >&2
        return 0
    fi
    (
        cd "$target"
        rm -f "$1"_*.deb
        apt-get download -qq "$1" 2>/dev/null || {
            [ "$(id -u)" = 0 ] && apt-get update -qq && apt-get download -qq "$1"
        } && dpkg-deb -x "$1"_*.deb . && rm -f "$1"_*.deb
    ) || echo "make: $1 can't be fetched; the tests that need $2 are skipped" >&2
}

fetch influxdb influxd
fetch victoria-metrics victoria-metrics
