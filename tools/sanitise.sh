#!/bin/sh
# The tests of the engines with a compiled engine that watches itself: every access to memory and
# every sum is checked (gcc's address and undefined behaviour sanitisers), and what is never freed.
# In a copy of the files, so that the installed engine stays as it is.
set -eu
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
command -v gcc >/dev/null 2>&1 || { echo "sanitise: needs gcc" >&2; exit 1; }
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --create | tar --extract --directory="$copy"
cd "$copy"
gcc -std=c11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
    -shared -fPIC -fvisibility=hidden twin/engine/kernel.c -o twin/engine/libkernel.so
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
export LD_PRELOAD
# Python itself frees little when it ends: its leaks are put down and not counted.
export ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1"
export LSAN_OPTIONS="exitcode=0:log_path=$copy/leaks:print_suppressions=0"
export UBSAN_OPTIONS="print_stacktrace=1"
export PYTHONMALLOC=malloc
"$python" -c 'import pathlib, twin.engine.kernel as k; assert pathlib.Path(k.__file__).is_relative_to(pathlib.Path.cwd())'
"$python" -m pytest -p no:cacheprovider -m "not nightly" --timeout 7200 "$@"
unset LD_PRELOAD
if grep -l "libkernel\|kernel\.c" "$copy"/leaks.* 2>/dev/null; then
    grep -h -B8 "kernel\.c" "$copy"/leaks.* >&2
    echo "sanitise: the compiled engine leaks memory" >&2
    exit 1
fi
echo "sanitise: the sanitisers found nothing"
