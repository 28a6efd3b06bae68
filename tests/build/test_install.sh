#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_install.sh BUILD SOURCE CMAKE CC CFLAGS: installs to a prefix, moves it, and builds a program elsewhere that embeds
# the library, by find_package and by pkg-config. With the shared library it finds the plugins and the demo model beside
# that; with the static one it says where it looked. Then the exported symbols, and uninstalling.
set -eu
build=$1 source=$2 cmake=$3 cc=$4 cflags=${5:-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
unset WEFT_PLUGIN_PATH WEFT_MODEL LD_LIBRARY_PATH
export XDG_DATA_HOME="$tmp/data" XDG_CONFIG_HOME="$tmp/config" HOME="$tmp"
picture=$source/tests/fixtures/images/rgb8.png

"$cmake" --install "$build" --prefix "$tmp/first" >/dev/null
mv "$tmp/first" "$tmp/moved"
lib=$(dirname "$(find "$tmp/moved" -name libweft.a)")

# ---- find_package ----
cp -r "$source/tests/build/embed" "$tmp/embed"
"$cmake" -S "$tmp/embed" -B "$tmp/embedded" -Dweft_DIR="$lib/cmake/weft" -DPROGRAM="$source/examples/describe_image.c" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$cflags" >"$tmp/log" 2>&1 || fail "$(cat "$tmp/log")"
"$cmake" --build "$tmp/embedded" >"$tmp/log" 2>&1 || fail "$(cat "$tmp/log")"
cd "$tmp"
said=$("$tmp/embedded/with_weft" "$picture") || fail "the program with the shared library"
[ -n "$said" ] || fail "the program with the shared library said nothing"

# The prefix that was configured is elsewhere (or of another weft), so the static library finds nothing, or that.
if "$tmp/embedded/with_static" "$picture" >said; then
    echo "the configured prefix has a weft of its own"
else
    grep -q "no model: .*/weft/demo/weft.ini is not there" said || fail "the static library: $(cat said)"
    ! "$tmp/embedded/with_static" "$tmp/moved/share/weft/demo/text" "$picture" >said || fail "it found plugins"
    grep -q "plugins are looked for in $tmp/data/weft/plugins, .*/weft/plugins)" said || fail "no folders named: $(cat said)"
fi

# ---- pkg-config ----
PKG_CONFIG_PATH=$lib/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046,SC2086 # lists of words
"$cc" $cflags "$source/examples/describe_image.c" $(pkg-config --cflags --libs weft) -Wl,-rpath,"$lib" -o by_pkgconfig
[ "$(./by_pkgconfig "$picture")" = "$said" ] || fail "the program by pkg-config says something else"
# shellcheck disable=SC2046,SC2086
"$cc" $cflags "$source/examples/describe_image.c" $(pkg-config --cflags weft) "$lib/libweft.a" \
    $(pkg-config --static --libs weft | sed 's/-lweft//') -o static_by_pkgconfig

# ---- what is exported ----
nm -D --defined-only "$lib/libweft.so" | awk '$2 != "A" { sub("@.*", "", $3); print $3 }' | LC_ALL=C sort >symbols
diff "$source/tests/build/libweft.symbols" symbols || fail "libweft.so exports other symbols than tests/build/libweft.symbols:
adding one is a line there; taking one away breaks programs and needs a new SONAME (core/CMakeLists.txt)"
versions=$(nm -D --defined-only --with-symbol-versions "$lib/libweft.so" | grep -vc '@@WEFT_0$\| A ' || true)
[ "$versions" = 0 ] || fail "$versions symbols of libweft.so have no version"
readelf -d "$lib/libweft.so" | grep -q 'SONAME.*\[libweft\.so\.0\]' || fail "the SONAME is not libweft.so.0"

# ---- uninstalling ----
"$cmake" --install "$build" --prefix "$tmp/again" >/dev/null
: >"$tmp/again/share/mine"
"$cmake" -DBUILD="$build" -P "$source/cmake/uninstall.cmake" >/dev/null 2>&1 || fail "uninstall"
[ "$(find "$tmp/again" -type f)" = "$tmp/again/share/mine" ] || fail "left: $(find "$tmp/again" -type f | head -n 5)"
[ -z "$(find "$tmp/again" -name weft)" ] || fail "left: $(find "$tmp/again" -name weft)"
