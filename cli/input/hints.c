/* SPDX-License-Identifier: Apache-2.0 */
/* A table; the first row that fits is taken. */
#include "input/hints.h"

#include <stddef.h>
#include <string.h>

#define FILES "files are named without an option: weft describe FILE..."
#define SOUNDS "recordings are named without an option: weft transcribe FILE..."
#define TEXTS "the text is -p TEXT; -p - reads it from standard input, as in -p - <FILE"

static const struct {
    const char *command, *name, *hint; /* command NULL: any */
} rows[] = {
    {"describe", "f", FILES},
    {"describe", "i", FILES},
    {"describe", "file", FILES},
    {"describe", "input", FILES},
    {"describe", "image", FILES},
    {"describe", "images", FILES},
    {"describe", "video", FILES},
    {"transcribe", "f", SOUNDS},
    {"transcribe", "i", SOUNDS},
    {"transcribe", "file", SOUNDS},
    {"transcribe", "input", SOUNDS},
    {"transcribe", "audio", SOUNDS},
    {"transcribe", "l", "the language is --language NAME, as in --language de"},
    {"transcribe", "osrt", "it is --format srt, with -o FILE.srt"},
    {"transcribe", "ovtt", "it is --format vtt, with -o FILE.vtt"},
    {"transcribe", "otxt", "it is --format txt, with -o FILE.txt"},
    {"generate", "f", TEXTS},
    {"generate", "file", TEXTS},
    {"generate", "image", "pictures are for weft describe FILE -p TEXT"},
    {"generate", "audio", "recordings are for weft transcribe FILE"},
    {NULL, "l", "a list is one of --list-devices, weft plugin list and weft help"},
    {NULL, "n-predict", "it is -n N, --max-new-tokens"},
    {NULL, "num-predict", "it is -n N, --max-new-tokens"},
    {NULL, "max-length", "it is -n N, --max-new-tokens"},
    {NULL, "ctx-size", "it is -c N, --context"},
    {NULL, "ngl", "the device is --device cuda; all layers run there"},
    {NULL, "n-gpu-layers", "the device is --device cuda; all layers run there"},
    {NULL, "gpu", "the device is --device cuda"},
    {NULL, "mmproj",
     "plugins find their weights in the model's directory, or by "
     "--set weft.vision.weights=DIR"},
};

const char *cli_option_hint(const char *command, const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0 &&
            (rows[i].command == NULL || strcmp(rows[i].command, command) == 0))
            return rows[i].hint;
    return NULL;
}
