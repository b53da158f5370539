#!/bin/sh
# Make a virtual environment, on a machine that may have nothing but Python and make.
# Debian and Ubuntu leave the venv module's installer out of their python3 package.
set -eu
target=$1
python=${PYTHON:-python3}

command -v "$python" >/dev/null 2>&1 || {
    echo "make: needs Python 3.11 or later, found no '$python'; install python3, or say make PYTHON=/path/to/python" >&2
    exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "make: needs Python 3.11 or later, '$python' is $("$python" -V 2>&1); say make PYTHON=/path/to/python" >&2
    exit 1
}
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ]; then root=""; elif command -v sudo >/dev/null 2>&1; then root=sudo; else root=no; fi
    if [ "$root" = no ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "make: this Python has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv)" >&2
        exit 1
    fi
    echo "make: this Python has no venv module, installing python3-venv" >&2
    $root apt-get update -qq
    $root apt-get install -y -qq --no-install-recommends "python$version-venv" ||
        $root apt-get install -y -qq --no-install-recommends python3-venv
fi
rm -rf "$target"
"$python" -m venv "$target"
# `pip install --group` needs pip 25.1.
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
