#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_pages.sh BUILD WEFT: the man pages and completions that were written when weft was built, against what the program
# says of itself, and through the shells and mandoc where those are installed.
set -eu
pages=$1/pages weft=$2
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$weft" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\( [a-z]*\)\{0,1\}\)  .*/\1/p' >"$tmp/commands"
[ "$(wc -l <"$tmp/commands")" -ge 10 ] || fail "weft help names the commands: $(cat "$tmp/commands")"
while read -r command; do
    # shellcheck disable=SC2086 # "model inspect" is two words
    "$weft" help $command </dev/null >"$tmp/help"
    page=$pages/man1/weft-$(echo "$command" | tr ' ' -).1
    sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p' "$tmp/help" >"$tmp/options"
    [ "$(wc -l <"$tmp/options")" -ge 20 ] || fail "weft help $command: $(cat "$tmp/options")"
    sed 's/\\-/-/g' "$page" >"$tmp/page"
    while read -r option; do
        grep -q "^\.\{0,1\}.*\\\\fB$option\\\\fR" "$tmp/page" || fail "$page has no $option"
        grep -q "'\*$option\[" "$pages/zsh/_weft" || fail "zsh has no $option"
        grep -q -- "-n '__fish_seen_subcommand_from ${command#* }' -l ${option#--}" "$pages/fish/weft.fish" ||
            fail "fish has no $option of $command"
        grep -q -- " $option[ ']" "$pages/bash/weft" || fail "bash has no $option"
    done <"$tmp/options"
done <"$tmp/commands"

if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$pages"/man1/*.1 >"$tmp/lint" || fail "$(head -n 5 "$tmp/lint")"
fi
if command -v bash >/dev/null; then
    cat >"$tmp/complete" <<'END'
. "$1"
says() {
    wanted=$1
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _weft
    [ "${COMPREPLY[*]}" = "$wanted" ] || { echo "$*: ${COMPREPLY[*]}, not $wanted"; exit 1; }
}
says transcribe weft trans
says "$2" weft model ""
says "--parity" weft model verify --par
says "--frames" weft describe --fra
says "--frames" weft describe -r --fra
says "" weft describe picture
END
    bash "$tmp/complete" "$pages/bash/weft" "$(sed -n 's/^model //p' "$tmp/commands" | paste -sd ' ')" || fail "bash's completion"
fi
for shell in zsh fish; do
    command -v $shell >/dev/null || continue
    $shell -n "$pages/$shell/$([ $shell = zsh ] && echo _weft || echo weft.fish)" || fail "$shell does not read its completion"
done
