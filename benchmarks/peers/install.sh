#!/bin/sh
# Make an environment of its own for each peer, with pinned versions: .venv/peers/NAME.
# One that can't be made is left out, with its reason; the comparison says which are there.
set -u
here=$(dirname "$0")
target=${1:-$here/../../.venv/peers}
python=${PYTHON:-python3}
failed=""
for list in "$here"/requirements/*.txt; do
    name=$(basename "$list" .txt)
    echo "== $name"
    rm -rf "${target:?}/$name"
    if ! { "$python" -m venv "$target/$name" &&
        "$target/$name/bin/python" -m pip install --quiet --disable-pip-version-check -r "$list"; }; then
        rm -rf "${target:?}/$name"
        failed="$failed $name"
    fi
done
[ -z "$failed" ] || { echo "not installed:$failed" >&2; exit 1; }
