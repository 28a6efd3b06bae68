/* SPDX-License-Identifier: Apache-2.0 */
/* Failures: a status and a message of one sentence. Nothing here allocates. */
#ifndef WF_STATUS_H
#define WF_STATUS_H

#include "weft/base.h"

/* Fills *e, which may be NULL, with the code and the formatted message, and leaves its stage as it
 * is. Returns code. */
weft_status wf_fail(weft_error *e, weft_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Fills *e with "out of memory (N bytes for WHAT)". */
weft_status wf_fail_nomem(weft_error *e, uint64_t bytes, const char *what);

/* Sets the stage of *e (WEFT_STAGE_*: usage, model, media or plugin), unless it is set already.
 * Returns code. */
weft_status wf_fail_stage(weft_error *e, weft_status code, uint32_t stage);

/* The failure *why as it is, stage included, into *err (may be NULL). Returns its code. */
weft_status wf_fail_as(weft_error *err, const weft_error *why);

/* An empty error, ready to be passed to a function that may fail. */
#define WF_ERROR_INIT                                                                              \
    {                                                                                              \
        WEFT_HDR(weft_error), 0, 0,                                                                \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

/* Short name of a status ("CORRUPT"), never NULL. */
const char *wf_status_name(weft_status s);

#endif
