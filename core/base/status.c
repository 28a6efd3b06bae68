/* SPDX-License-Identifier: Apache-2.0 */
/* Failures: a status and a message of one sentence. */
#include "core/base/status.h"

#include <stdarg.h>
#include <stdio.h>

weft_status wf_fail(weft_error *e, weft_status code, const char *fmt, ...)
{
    size_t at = offsetof(weft_error, message);
    if (WEFT_HAS(e, weft_error, code))
        e->code = code;
    if (e == NULL || e->hdr.size <= at)
        return code;
    va_list ap;
    va_start(ap, fmt);
    /* What a later version has behind the message is not ours to write to. */
    vsnprintf(e->message, (e->hdr.size < sizeof *e ? e->hdr.size : sizeof *e) - at, fmt, ap);
    va_end(ap);
    return code;
}

weft_status wf_fail_nomem(weft_error *e, uint64_t bytes, const char *what)
{
    return wf_fail(e, WEFT_E_NOMEM, "out of memory: %llu bytes for %s", (unsigned long long)bytes,
                   what);
}

weft_status wf_fail_stage(weft_error *e, weft_status code, uint32_t stage)
{
    if (code != WEFT_OK && WEFT_HAS(e, weft_error, stage) && e->stage == WEFT_STAGE_NONE)
        e->stage = stage;
    return code;
}

weft_status wf_fail_as(weft_error *err, const weft_error *why)
{
    if (err == NULL || err == why)
        return why->code;
    wf_fail(err, why->code, "%s", why->message);
    if (WEFT_HAS(err, weft_error, stage))
        err->stage = why->stage;
    return why->code;
}

const char *wf_status_name(weft_status s)
{
    static const char *const names[] = {
        "OK",       "INTERNAL", "INVALID", "UNSUPPORTED", "NOMEM",  "IO",       "CORRUPT", "LIMIT",
        "NOTFOUND", "VERSION",  "STATE",   "CANCELLED",   "DEVICE", "CONFLICT", "NUMERIC",
    };
    return s <= 0 && s >= WEFT_E_NUMERIC ? names[-s] : "UNKNOWN";
}
