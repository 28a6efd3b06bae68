/* SPDX-License-Identifier: Apache-2.0 */
/* Text that came from outside, made fit to be quoted in a message. */
#ifndef WF_TEXT_H
#define WF_TEXT_H

#include <stdint.h>

#define WF_QUOTED_BYTES 160

typedef struct wf_quoted {
    char s[WF_QUOTED_BYTES]; /* printable UTF-8, NUL at its end */
} wf_quoted;

/* text as a message may show it: control characters and bad UTF-8 become '?', and of a long text
 * both ends stay with "..." between. By value, so that `wf_quote(x).s` is an argument. Any
 * thread. */
wf_quoted wf_quote(const char *text);

/* Line and column (both from 1, columns in characters) of the byte at offset. Any thread. */
void wf_text_place(const char *text, uint64_t offset, int32_t *line, int32_t *column);

#endif
