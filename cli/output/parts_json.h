/* SPDX-License-Identifier: Apache-2.0 */
/* The "verbose_json" form of a transcript, as OpenAI's audio API gives it:
 *
 *   {"task", "language", "segments": [...], "duration", "text"}
 *
 * language is in lower-case letters, and null where neither the user nor the model's own prompt
 * names one; duration in seconds, and text is the texts of all segments
 * joined by spaces. The segments come before the values that are known only at the end, so each is
 * written as soon as it is made. A segment has: id, from 0; seek, its start in frames of 10 ms;
 * start and end of its speech in seconds, as subtitles have them; text; tokens; temperature;
 * avg_logprob; compression_ratio, the bytes of the text divided by its bytes when compressed with
 * zlib; no_speech_prob, which is always 0, because stretches without speech are left out; and
 * finish_reason, "stop", or "length" where -n or the context cut the text. */
#ifndef WEFT_CLI_PARTS_JSON_H
#define WEFT_CLI_PARTS_JSON_H

#include "output/sheet.h"

typedef struct cli_parts_json {
    int64_t n;    /* segments so far */
    char   *text; /* the segments' texts, joined */
    size_t  bytes, cap;
} cli_parts_json;

/* language: NULL: not known. */
void cli_parts_json_begin(cli_sheet *s, const char *task, const char *language);
/* Adds a part that is not silent. False: out of memory; the document stays well formed without it.
 */
bool cli_parts_json_add(cli_parts_json *j, cli_sheet *s, const weft_part_result *part);
/* Closes the document. False: out of memory, and the document is not complete. */
bool cli_parts_json_end(cli_parts_json *j, cli_sheet *s, int64_t duration_us);
void cli_parts_json_deinit(cli_parts_json *j);

#endif
