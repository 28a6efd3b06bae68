#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every public header compiles alone, twice over, as C11 and as C++17, without a warning; those of the plugin ABI also
# without padding that is not spelled out. Then the layout of their structs (layout.c).
#   check_headers.sh SOURCE-DIR
# The compilers are those of gcc, g++, clang and clang++ that are installed.
set -u
root=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
ran=0

# compile COMPILER LANGUAGE STANDARD FILE MORE...
compile() {
    cc=$1 language=$2 standard=$3 file=$4
    shift 4
    ran=$((ran + 1))
    if ! "$cc" -x "$language" "-std=$standard" -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$@" \
        -I"$root/include" -I"$root/tests/headers" -I"$work" "$file"; then
        echo "$cc, $standard: $header" >&2
        failed=1
    fi
}

headers=$(cd "$root/include" && find weft -name '*.h' | LC_ALL=C sort) || exit 1
for header in $headers; do
    case $header in
    weft/weft.h | weft/bench.h) ;; # for programs, not for plugins
    *) echo "#include \"$header\"" ;;
    esac
done >"$work/all_headers.h"

for pair in "gcc g++" "clang clang++"; do
    set -- $pair
    command -v "$1" >/dev/null 2>&1 || set -- "" "$2"
    command -v "$2" >/dev/null 2>&1 || set -- "$1" ""
    for header in $headers; do
        printf '#include "%s"\n#include "%s"\nint unit_is_not_empty;\n' "$header" "$header" >"$work/alone.c"
        padded=-Wpadded
        case $header in weft/weft.h | weft/bench.h) padded=-Wno-padded ;; esac
        [ -z "$1" ] || compile "$1" c c11 "$work/alone.c" "$padded"
        [ -z "$2" ] || compile "$2" c++ c++17 "$work/alone.c" "$padded"
    done
    header="the layout of the plugin ABI"
    [ -z "$1" ] || compile "$1" c c11 "$root/tests/headers/layout.c"
    [ -z "$2" ] || compile "$2" c++ c++17 "$root/tests/headers/layout.c"
done

if command -v python3 >/dev/null 2>&1 && command -v cc >/dev/null 2>&1; then
    python3 -B "$root/tools/gen_layout.py" --check || failed=1
fi
if [ "$ran" -eq 0 ]; then
    echo "skipped: none of gcc, g++, clang and clang++ is installed" >&2
    exit 77
fi
echo "$ran compilations"
exit $failed
