/* SPDX-License-Identifier: Apache-2.0 */
/* Makes text that came from outside fit to be quoted in a message. */
#ifndef WF_IO_TEXT_H
#define WF_IO_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define WF_QUOTED_BYTES 160

typedef struct wf_quoted {
    char s[WF_QUOTED_BYTES]; /* printable UTF-8, NUL at its end */
} wf_quoted;

/* The text as a message may show it: control characters and bad UTF-8 become '?', and the middle of
 * a long text becomes "...". The result is returned by value, so `wf_quote(x).s` can be passed as
 * an argument. Any thread. */
wf_quoted wf_quote(const char *text);

/* Do these bytes begin a pointer of git-lfs, which a clone without git-lfs has in a file's place?
 * Any thread. */
bool wf_text_is_pointer(const void *bytes, uint64_t n);
/* What is said of one. */
#define WF_TEXT_POINTER                                                                            \
    "this is a pointer of git-lfs and not the file itself: run \"git lfs pull\" where it was "     \
    "cloned, or download the file"

/* Sets *line and *column to the place of the byte at offset. Both count from 1, and columns are in
 * characters. Any thread. */
void wf_text_place(const char *text, uint64_t offset, int32_t *line, int32_t *column);

#endif
