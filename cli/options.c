/* SPDX-License-Identifier: Apache-2.0 */
/* The options that belong to the command line alone. The engine's options, which are also keys of
 * the configuration, come from weft_option_at(). */
#include "options.h"

#include <stdio.h>

#define STR WEFT_OPT_STR
#define BOOL WEFT_OPT_BOOL

/* Columns: key, letter, type, flags, default, range, argument, one line for --help. */
const weft_option_info cli_own_options[OWN_COUNT] = {
    [OWN_HELP] = {"help", 'h', BOOL, 0, NULL, NULL, NULL, "print this text"},
    [OWN_VERSION] = {"version", 'V', BOOL, 0, NULL, NULL, NULL, "print the version"},
    [OWN_LIST_DEVICES] = {"list_devices", 0, BOOL, 0, NULL, NULL, NULL,
                          "print what --device can name"},
    [OWN_PRINT_CONFIG] = {"print_config", 0, BOOL, 0, NULL, NULL, NULL,
                          "print every setting and where it came from, and do nothing else"},
    [OWN_CONFIG] = {"config", 0, STR, WEFT_OPTION_PATH, NULL, NULL, "FILE",
                    "read settings from this INI file"},
    [OWN_SET] = {"set", 0, STR, WEFT_OPTION_LIST, NULL, NULL, "PLUGIN.KEY=VALUE",
                 "set an option of a plugin; may be repeated"},
    [OWN_QUIET] = {"quiet", 'q', BOOL, 0, NULL, NULL, NULL, "no progress, no summary, no warnings"},
    [OWN_VERBOSE] = {"verbose", 'v', BOOL, 0, NULL, NULL, NULL,
                     "say more on standard error; twice: everything"},
    [OWN_JSON] = {"json", 0, BOOL, 0, NULL, NULL, NULL, "print JSON"},
    [OWN_PLAN] = {"plan", 0, BOOL, 0, NULL, NULL, NULL,
                  "print tokens and memory, and do nothing else; needs no weights"},
    [OWN_CHAT] = {"chat", 0, BOOL, 0, NULL, NULL, NULL, "put TEXT in the model's chat format"},
    [OWN_RAW] = {"raw", 0, BOOL, 0, NULL, NULL, NULL,
                 "no chat format: the prompt is continued, for models without instruction tuning"},
    [OWN_TOGETHER] = {"together", 0, BOOL, 0, NULL, NULL, NULL, "all files in one prompt"},
    [OWN_RECURSIVE] = {"recursive", 'r', BOOL, 0, NULL, NULL, NULL,
                       "also the folders within folders"},
    [OWN_FAIL_FAST] = {"fail_fast", 0, BOOL, 0, NULL, NULL, NULL, "stop at the first failure"},
    [OWN_OUTPUT] =
        {"output", 'o', STR, WEFT_OPTION_PATH, NULL, NULL, "FILE",
         "what to write, whole or not at all: a file; a folder for the texts of describe "
         "and for several documents of transcribe; the new model's directory of model "
         "quantize"},
    [OWN_DECODE] = {"decode", 0, BOOL, 0, NULL, NULL, NULL, "ids to text"},
    [OWN_TOKENIZER] = {"tokenizer", 0, STR, WEFT_OPTION_PATH, NULL, NULL, "FILE",
                       "tokenizer.json, tokenizer.model or tekken.json, with no model around it"},
    [OWN_PARITY] = {"parity", 0, STR, WEFT_OPTION_PATH, NULL, NULL, "FILE",
                    "the reference (default: parity.safetensors in DIR)"},
    [OWN_DUMP] = {"dump", 0, STR, WEFT_OPTION_PATH, NULL, NULL, "FILE",
                  "write the tensors that were computed to this safetensors file"},
    [OWN_ALL] = {"all", 0, BOOL, 0, NULL, NULL, NULL, "the help of every command, as Markdown"},
    [OWN_FORMAT] = {"format", 0, STR, 0, "txt", NULL, "LIST",
                    "txt, srt, vtt, json; several with commas between"},
    [OWN_LANGUAGE] = {"language", 0, STR, 0, "English", NULL, "NAME", "language of the text"},
    [OWN_TASK] = {"task", 0, STR, 0, "transcribe", "transcribe|translate", "TASK",
                  "what to do with what is said"},
    [OWN_MAX_SEGMENT] = {"max_segment", 0, STR, 0, NULL, NULL, "SECONDS",
                         "longest part of a recording that is decoded at once, 0.5 to 600 "
                         "(default: what the model takes, at most 60)"},
    [OWN_AUDIO] = {"audio", 0, STR, WEFT_OPTION_PATH | WEFT_OPTION_LIST, NULL, NULL, "FILE",
                   "a recording that goes into the prompt too"},
    [OWN_FRAMES] = {"frames", 0, STR, 0, NULL, NULL, "N", "frames taken from a clip"},
    [OWN_START] = {"start", 0, STR, 0, NULL, NULL, "TIME",
                   "where in a clip to begin: seconds, M:SS or H:MM:SS"},
    [OWN_END] = {"end", 0, STR, 0, NULL, NULL, "TIME", "where in a clip to end"},
    [OWN_PREVIEW] = {"preview", 0, STR, WEFT_OPTION_PATH, NULL, NULL, "FILE.png",
                     "write what the model is shown: a clip's frames, a picture's tiles"},
    [OWN_PARALLEL] = {"parallel", 0, STR, 0, NULL, "1 to 64", "N",
                      "files worked on at once (default: what memory allows, at most 8); results "
                      "are the same, and in the same order"},
    [OWN_ROWS] = {"rows", 0, STR, 0, NULL, NULL, "LIST",
                  "rows to measure: names or patterns such as 'vit.*', with commas between; with "
                  "--op its shapes: such as '512x* bf16', or their first numbers"},
    [OWN_SHAPE] = {"shape", 0, STR, 0, NULL, "1b|3b|8b|vit-h|conformer-1b|resampler|demo", "NAME",
                   "measure this model's rows alone"},
    [OWN_REPEAT] = {"repeat", 0, STR, 0, "5", "1 to 1000", "N",
                    "runs of each row; its value is their median"},
    [OWN_QUICK] = {"quick", 0, BOOL, 0, NULL, NULL, NULL,
                   "the main rows on a few layers each, under a minute on two cores"},
    [OWN_LIMITS] = {"limits", 0, BOOL, 0, NULL, NULL, NULL,
                    "print what the machine can do; no rows unless they are asked for"},
    [OWN_STOP] = {"stop", 0, STR, WEFT_OPTION_LIST, NULL, NULL, "TEXT",
                  "end the answer before this text"},
    [OWN_MAX_LINE] = {"max_line", 0, STR, 0, "42", NULL, "N",
                      "characters of a line of subtitles; 0: any number"},
    [OWN_MAX_LINES] = {"max_lines", 0, STR, 0, "2", "1 to 20", "N", "lines of a subtitle"},
    [OWN_SKIP_EXISTING] = {"skip_existing", 0, BOOL, 0, NULL, NULL, NULL,
                           "with -o: leave out files whose document is there"},
    [OWN_APPEND] = {"append", 0, BOOL, 0, NULL, NULL, NULL,
                    "with -o: put the text behind what the document holds"},
    [OWN_MESSAGES] = {"messages", 0, STR, WEFT_OPTION_PATH, NULL, NULL, "FILE",
                      "the conversation, as JSON; - for standard input"},
    [OWN_TOOLS] = {"tools", 0, STR, WEFT_OPTION_PATH, NULL, NULL, "FILE",
                   "the functions that the model may call, as JSON"},
    [OWN_DATE] = {"date", 0, STR, 0, NULL, NULL, "YYYY-MM-DD",
                  "the day for templates that ask for it"},
    [OWN_CSV] = {"csv", 0, BOOL, 0, NULL, NULL, NULL,
                 "print CSV: path, text, finish_reason, error"},
    [OWN_MARKDOWN] = {"markdown", 0, BOOL, 0, NULL, NULL, NULL, "print a page of Markdown"},
    [OWN_RESUME] = {"resume", 0, BOOL, 0, NULL, NULL, NULL,
                    "with -o: go on where an earlier run was ended; what is done is left"},
    [OWN_CALIBRATE] = {"calibrate", 0, STR, WEFT_OPTION_PATH, NULL, NULL, "FILE",
                       "of q4: text that shows which weights matter most"},
    [OWN_OP] = {"op", 0, STR, 0, NULL, NULL, "NAME",
                "time one op over its shapes: linear, attention, norm, ..."},
};

const char *cli_option_name(const weft_option_info *o, char *buf, size_t cap)
{
    snprintf(buf, cap, "--%s", o->key);
    for (char *p = buf; *p != '\0'; p++)
        if (*p == '_')
            *p = '-';
    return buf;
}
