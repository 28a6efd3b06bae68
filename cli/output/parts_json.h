/* SPDX-License-Identifier: Apache-2.0 */
/* The "verbose_json" form of a transcript, as OpenAI's audio API gives it:
 *
 *   {"task", "language", "segments": [...], "duration", "text"}
 *
 * language in lower-case letters, duration in seconds, text the segments'
 * joined by spaces. The segments come before what is known only at the end, so
 * that they are written as they are made. Of each: id from 0; seek, the start
 * in frames of 10 ms; start and end in seconds; text; tokens; temperature;
 * avg_logprob; compression_ratio, the bytes of the text over its bytes by zlib;
 * no_speech_prob, which is 0: stretches without speech (1) are not segments. */
#ifndef WEFT_CLI_PARTS_JSON_H
#define WEFT_CLI_PARTS_JSON_H

#include "output/sheet.h"

typedef struct cli_parts_json {
    int64_t n;    /* segments so far */
    char   *text; /* theirs, joined */
    size_t  bytes, cap;
} cli_parts_json;

void cli_parts_json_begin(cli_sheet *s, const char *task, const char *language);
/* A part that is not silent. False: out of memory; the document stays whole
 * without it. */
bool cli_parts_json_add(cli_parts_json *j, cli_sheet *s, const weft_part_result *part);
/* Closes the document. False: out of memory, and it is not whole. */
bool cli_parts_json_end(cli_parts_json *j, cli_sheet *s, int64_t duration_us);
void cli_parts_json_deinit(cli_parts_json *j);

#endif
