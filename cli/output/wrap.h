/* SPDX-License-Identifier: Apache-2.0 */
/* A text as lines of subtitles, and lines as cues. */
#ifndef WEFT_CLI_WRAP_H
#define WEFT_CLI_WRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cli_wrap {
    int32_t max_line;  /* characters of a line; 0: any number */
    int32_t max_lines; /* lines of a cue, at least 1 */
} cli_wrap;

/* One cue of a text: bytes [begin, end), and the characters before and within it. */
typedef struct cli_cue {
    size_t  begin, end;
    int64_t chars_before, chars;
} cli_cue;

/* The line of text that begins at byte `at`: it ends at *end, and the next one begins at the result
 * (n: there is none). A line breaks at a space, or within a word that is longer than a line. The
 * text is UTF-8 with single spaces (output/subtitles.c). */
size_t cli_wrap_line(const cli_wrap *w, const char *text, size_t n, size_t at, size_t *end);
/* The cue behind *cue, which begins as zeros. False: there is none. */
bool cli_wrap_next(const cli_wrap *w, const char *text, size_t n, cli_cue *cue);
/* Characters of n bytes of UTF-8. */
int64_t cli_count_chars(const char *text, size_t n);

#endif
