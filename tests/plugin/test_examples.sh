#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_examples.sh BUILD SOURCE CC [CFLAGS]: installs to a prefix of its own and builds the example plugins
# there, as a stranger would: with the installed headers and pkg-config alone. Then uses them.
# 77: something needed is not there.
set -eu
build=$1 source=$2 cc=$3 cflags=${4:-}
command -v pkg-config >/dev/null || { echo "no pkg-config"; exit 77; }
command -v python3 >/dev/null || { echo "no python3"; exit 77; }
[ -f "$source/models/demo/text/model.safetensors" ] || { echo "no demo model"; exit 77; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
# code WANTED COMMAND...: the exit code, and the sentence on stderr in $tmp/err
code() {
    wanted=$1
    shift
    got=0
    "$@" >"$tmp/out" 2>"$tmp/err" || got=$?
    [ "$got" = "$wanted" ] || fail "exit code $got, not $wanted: $*: $(cat "$tmp/err")"
}

cmake --install "$build" --prefix "$tmp/prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$tmp/prefix" -name weft-plugin.pc)")
export PKG_CONFIG_PATH
unset WEFT_PLUGIN_PATH WEFT_MODEL CFLAGS
export XDG_DATA_HOME="$tmp/data" XDG_CONFIG_HOME="$tmp/config"
weft=$(find "$tmp/prefix" -name weft -type f -perm -u+x)

examples=$(dirname "$(find "$tmp/prefix" -name ppm.c)")/..
cp -r "$examples/ppm" "$examples/sensors" "$examples/melody" "$examples/clip" "$examples/song" "$tmp/"
for name in ppm sensors melody clip song; do
    make -s -C "$tmp/$name" clean
    make -s -C "$tmp/$name" CC="$cc" CFLAGS="-O2 -Wall -Wextra -Wconversion -Wshadow -Wvla -Werror"
    symbols=$(nm -D --defined-only "$tmp/$name/$name.so" | awk '$2 != "w" { print $3 }')
    [ "$symbols" = weft_plugin_entry ] || fail "$name exports: $symbols"
    code 0 "$weft" plugin inspect "$tmp/$name/$name.so"
    grep -q "org.example.$name" "$tmp/out" || fail "inspect does not name $name"
done

# A decoder: the same pixels give the same words, whoever decoded them.
python3 "$source/tests/plugin/examples/pictures.py" "$tmp"
code 3 "$weft" describe -n 4 "$tmp/same.ppm"
code 0 "$weft" describe -q -n 12 "$tmp/same.png"
mv "$tmp/out" "$tmp/png.txt"
code 0 "$weft" describe -q -n 12 --plugin "$tmp/ppm/ppm.so" "$tmp/same.ppm"
cmp -s "$tmp/out" "$tmp/png.txt" || fail "PPM and PNG are described differently"
head -c 1000 "$tmp/same.ppm" >"$tmp/cut.ppm"
code 3 "$weft" describe --plugin "$tmp/ppm/ppm.so" "$tmp/cut.ppm"
grep -q "cut.ppm: it ends after" "$tmp/err" || fail "cut.ppm: $(cat "$tmp/err")"
printf 'P6 99999 99999 255\nx' >"$tmp/huge.ppm"
code 7 "$weft" describe --plugin "$tmp/ppm/ppm.so" "$tmp/huge.ppm"
grep -q -- "--max-" "$tmp/err" || fail "huge.ppm: $(cat "$tmp/err")"
# Installed into the user's directory it needs no option.
(umask 022 && make -s -C "$tmp/ppm" install)
code 0 "$weft" plugin list
grep -q "org.example.ppm.*user" "$tmp/out" || fail "the installed plugin is not listed"

# A modality: readings reach the logits, and only where they may.
sensors="$tmp/sensors/sensors.so" weights="$tmp/weights" text="$source/models/demo/text"
python3 "$tmp/sensors/make_weights.py" "$text" "$weights"
table="$tmp/sensors/greenhouse.csv"
sed 's/,61,/,11,/; s/,28.3,/,3.5,/' "$table" >"$tmp/other.csv"
# shellcheck disable=SC2046,SC2086
"$cc" -std=c11 -O1 -Wall -Wextra -Werror $cflags "$source/tests/plugin/examples/logits.c" \
    $(pkg-config --cflags --libs weft) -Wl,-rpath,"$(pkg-config --variable=libdir weft)" -lm -o "$tmp/logits"
# The library finds the plugins beside it.
"$tmp/logits" "$text" "$sensors" "$weights" "$table" "$tmp/other.csv"

describe() {
    wanted=$1
    shift
    code "$wanted" "$weft" describe -q -n 8 -m "$text" --plugin "$sensors" \
        --set "org.example.sensors.weights=$weights" "$@"
}
describe 0 "$table"
describe 0 --raw -p "It is" "$table"
code 3 "$weft" describe -m "$text" --plugin "$sensors" "$table"
grep -q "org.example.sensors is idle: no weights: give --set" "$tmp/err" || fail "$(cat "$tmp/err")"
describe 7 --set org.example.sensors.max_rows=3 "$table"
grep -q "8 readings are over org.example.sensors.max_rows" "$tmp/err" || fail "$(cat "$tmp/err")"
describe 2 --set org.example.sensors.max_row=3 "$table"
grep -q "did you mean max_rows" "$tmp/err" || fail "$(cat "$tmp/err")"
printf 'time,a,b,c\n1,2,3,4\n2,x,3,4\n' >"$tmp/bad.csv"
describe 3 "$tmp/bad.csv"
grep -q "bad.csv: line 3 is not 4 numbers" "$tmp/err" || fail "$(cat "$tmp/err")"
printf 'time,a\n1,2\n' >"$tmp/narrow.csv"
describe 3 "$tmp/narrow.csv"
grep -q "it has 1 channels, and these weights know 3" "$tmp/err" || fail "$(cat "$tmp/err")"
# A decoder that miscounts is the plugin's fault, not the file's, and its count is not believed.
cp -r "$tmp/sensors" "$tmp/miscounting"
sed -i 's/^    c->next += \*got;$/    *got = n + 1;/' "$tmp/miscounting/csv.c"
make -s -C "$tmp/miscounting" clean
make -s -C "$tmp/miscounting" CC="$cc" CFLAGS=-O2
code 5 "$weft" describe -m "$text" --plugin "$tmp/miscounting/sensors.so" \
    --set "org.example.sensors.weights=$weights" "$table"
grep -q "org.example.sensors gave 9 readings where 8 were asked for in read_rows" "$tmp/err" ||
    fail "$(cat "$tmp/err")"
# Weights that are missing are named; weights for another text model are refused.
sed -i 's/encoder.q.weight/encoder.x.weight/' "$weights/model.safetensors"
describe 4 "$table"
grep -q "encoder.q.weight is missing" "$tmp/err" || fail "$(cat "$tmp/err")"
sed -i 's/"text_width": [0-9]*/"text_width": 8/' "$weights/config.json"
describe 4 "$table"
grep -q "these weights read a text model 8 wide" "$tmp/err" || fail "$(cat "$tmp/err")"

# Soft tokens from a kernel of the plugin's own: each note takes a token, and the words depend on them.
"$tmp/melody/make_weights.py" "$text" "$tmp/notes"
sing() {
    wanted=$1
    shift
    code "$wanted" "$weft" describe -q -n 8 -m "$text" --plugin "$tmp/melody/melody.so" \
        --set "org.example.melody.weights=$tmp/notes" "$@"
}
sing 0 "$tmp/melody/scale.melody"
mv "$tmp/out" "$tmp/first.txt"
sing 0 --threads 1 "$tmp/melody/scale.melody"
cmp -s "$tmp/out" "$tmp/first.txt" || fail "the melody depends on the number of threads"
sing 0 --plan "$tmp/melody/scale.melody"
grep -q "6" "$tmp/out" || fail "the plan does not tell 6 tokens: $(cat "$tmp/out")"
printf 'melody\n60 4\n128 4\n' >"$tmp/high.melody"
sing 3 "$tmp/high.melody"
grep -q "high.melody: note 2 is not a number of 0 to 127" "$tmp/err" || fail "$(cat "$tmp/err")"
sing 7 --max-tokens 5 "$tmp/melody/scale.melody"
grep -q "6 notes are over --max-tokens" "$tmp/err" || fail "$(cat "$tmp/err")"

# An encoder in ops alone gives transformers' numbers, in the outputs that no site reads too.
"$tmp/clip/make_weights.py" "$text" "$tmp/clip_weights"
see() {
    wanted=$1 command=$2
    shift 2
    # shellcheck disable=SC2086 # a command may be two words
    code "$wanted" "$weft" $command -q -m "$text" --plugin "$tmp/clip/clip.so" \
        --set "org.example.clip.weights=$tmp/clip_weights" "$@"
}
parity="$source/tests/plugin/examples/clip.safetensors"
see 0 "model verify" --dtype f32 --parity "$parity"
for name in clip.tokens clip.last_hidden_state clip.pooler_output; do
    grep -q "^$name .* ok" "$tmp/out" || fail "$name was not compared: $(cat "$tmp/out")"
    python3 "$source/tests/plugin/examples/add_one.py" "$parity" "$name" "$tmp/other.safetensors"
    see 9 "model verify" --dtype f32 --parity "$tmp/other.safetensors"
    grep -q "^$name .* FAILED" "$tmp/out" || fail "another $name passes: $(cat "$tmp/out")"
done
see 0 describe --validate -n 8 "$tmp/same.png"
see 0 describe --device async-test -n 8 "$tmp/same.png"
see 7 describe --max-tokens 3 "$tmp/same.png"
grep -q "4 tokens are over --max-tokens" "$tmp/err" || fail "$(cat "$tmp/err")"

# A service: the decoder has the giver's pitches, and does not load without it.
sing_song() {
    wanted=$1
    shift
    code "$wanted" "$weft" describe -q --plugin "$tmp/song/song.so" "$@" "$tmp/song/scale.song"
}
sing_song 5
grep -q "org.example.song needs the service org.example.tuning/1" "$tmp/err" || fail "$(cat "$tmp/err")"
code 0 "$weft" plugin inspect "$tmp/song/tuning.so"
grep -q "gives.*org.example.tuning/1" "$tmp/out" || fail "inspect does not tell the service: $(cat "$tmp/out")"
song_input() {
    code 0 "$weft" preprocess -q --validate --plugin "$tmp/song/song.so" --plugin "$tmp/song/tuning.so" "$@" \
        "$tmp/song/scale.song"
}
song_input -o "$tmp/440.safetensors"
song_input -o "$tmp/again.safetensors" --set org.example.tuning.a4=440
song_input -o "$tmp/220.safetensors" --set org.example.tuning.a4=220
cmp -s "$tmp/440.safetensors" "$tmp/again.safetensors" || fail "440 Hz is not the default"
! cmp -s "$tmp/440.safetensors" "$tmp/220.safetensors" || fail "the song does not ask the service"
echo "the examples build against the installed header, and work"
