#!/bin/sh
# Fetch the browser that the page is tested in, where this machine has none and it may be installed:
# Debian's Chromium, by root. Elsewhere the browser tests say so and skip.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "make: no chromium here, and no root on Debian to install it; the browser tests are skipped" >&2
    exit 0
fi
install() { apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core fonts-wqy-microhei; }
{ install || { apt-get update -qq && install; }; } >/dev/null 2>&1 ||
    echo "make: chromium can't be installed; the browser tests are skipped" >&2
