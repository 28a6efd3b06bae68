/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of tokens to whole characters. */
#ifndef WF_TEXT_OUT_H
#define WF_TEXT_OUT_H

#include <stdbool.h>

#include "core/base/status.h"

/* Collects the bytes of generated tokens and gives them out as whole UTF-8 characters; what can
 * never become one is U+FFFD. A token's text may be longer than is kept: it is given out at once.
 */
typedef struct wf_text_out {
    char    *bytes; /* what push() gave out, then what still waits */
    uint64_t n, cap, given;
} wf_text_out;

/* Adds bytes; *text and *n are the characters that are now whole, valid until the next call. */
weft_status wf_text_out_push(wf_text_out *o, const char *bytes, uint64_t n_bytes, const char **text,
                             uint64_t *n, weft_error *err);
/* The end: what still waits comes out as U+FFFD. */
weft_status wf_text_out_flush(wf_text_out *o, const char **text, uint64_t *n, weft_error *err);
void        wf_text_out_free(wf_text_out *o);

#endif
