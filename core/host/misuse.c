/* SPDX-License-Identifier: Apache-2.0 */
/* A table's refusal of a call that the plugin should not have made. */
#include <stdarg.h>
#include <stdio.h>

#include "core/base/running.h"
#include "core/host/lent.h"

weft_status wf_misuse(weft_error *err, const char *fmt, ...)
{
    char    text[sizeof err->message];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    wf_running_mark(WF_MISUSED);
    return wf_fail(err, WEFT_E_INVALID, "%s", text);
}
