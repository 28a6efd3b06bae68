/* SPDX-License-Identifier: Apache-2.0 */
/* Two tables; the first row that fits is taken. */
#include "input/hints.h"

#include <stddef.h>
#include <string.h>

#define FILES "files are named without an option: weft describe FILE..."
#define SOUNDS "recordings are named without an option: weft transcribe FILE..."
#define LANGUAGE                                                                                   \
    "the language is asked for in the prompt, -p TEXT; what is said is written down by weft "      \
    "transcribe --language NAME"
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
    {"describe", "lang", LANGUAGE},
    {"describe", "language", LANGUAGE},
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

static const struct {
    const char *name, *hint;
} commands[] = {
    {"run", "weft chat talks, weft generate -p TEXT goes on with a text, weft describe FILE says "
            "what is in a picture"},
    {"ask", "weft chat talks with a model"},
    {"talk", "weft chat talks with a model"},
    {"caption", "weft describe FILE says what is in a picture"},
    {"image", "weft describe FILE says what is in a picture"},
    {"video", "weft describe FILE says what is in a clip"},
    {"see", "weft describe FILE says what is in a picture"},
    {"audio", "weft transcribe FILE writes down what is said"},
    {"listen", "weft transcribe FILE writes down what is said"},
    {"stt", "weft transcribe FILE writes down what is said"},
    {"whisper", "weft transcribe FILE writes down what is said"},
    {"complete", "weft generate -p TEXT goes on with a text"},
    {"completion", "weft generate -p TEXT goes on with a text"},
    {"pull",
     "Hugging Face's program downloads models: hf download NAME --local-dir DIR; weft model "
     "list names those that run"},
    {"download", "Hugging Face's program downloads models: hf download NAME --local-dir DIR; weft "
                 "model list names those that run"},
    {"serve", "there is no server yet; scripts drive weft chat over a pipe"},
    {"server", "there is no server yet; scripts drive weft chat over a pipe"},
    {"ls", "weft model list names the models that run"},
    {"models", "weft model list names the models that run"},
    {"plugins", "weft plugin list names the plugins"},
    {"devices", "weft --list-devices names the devices"},
    {"convert", "weft model quantize writes a model down with smaller weights"},
    {"show", "weft model inspect DIR says what a model can do"},
    {"info", "weft model inspect DIR says what a model can do"},
};

const char *cli_command_hint(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].hint;
    return NULL;
}
