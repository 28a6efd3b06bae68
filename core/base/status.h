/* SPDX-License-Identifier: Apache-2.0 */
/* Failure as a status plus one sentence. Nothing here allocates. */
#ifndef WF_STATUS_H
#define WF_STATUS_H

#include "weft/base.h"

/* Fills *e (may be NULL) with code and the formatted sentence, stage untouched; returns code. */
weft_status wf_fail(weft_error *e, weft_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Fills *e with "out of memory (N bytes for WHAT)". */
weft_status wf_fail_nomem(weft_error *e, uint64_t bytes, const char *what);

/* Marks where in a request *e arose, if nothing said so before. Returns code. */
weft_status wf_fail_stage(weft_error *e, weft_status code, uint32_t stage);

/* The failure *why as it is, stage included, into *err (may be NULL). Returns its code. */
weft_status wf_fail_as(weft_error *err, const weft_error *why);

/* An empty error ready to be passed down. */
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
