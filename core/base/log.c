/* SPDX-License-Identifier: Apache-2.0 */
/* Hands log messages to the one callback. */
#include "core/base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/base/running.h"

static wf_log_fn sink;
static void     *sink_ctx;

static _Thread_local const char *about; /* while the callback runs */

void wf_log_set(wf_log_fn fn, void *ctx)
{
    sink = fn;
    sink_ctx = ctx;
}

const char *wf_log_file(void)
{
    return about;
}

/* The callback is the program's: what happens in it is no plugin's doing. */
static void tell(const char *file, int32_t level, const char *line)
{
    wf_running *paused = wf_running_pause();
    const char *before = about;
    about = file == NULL && paused != NULL ? paused->file : file;
    sink(sink_ctx, level, line);
    about = before;
    wf_running_set(paused);
}

void wf_log(int32_t level, const char *fmt, ...)
{
    char    line[1024];
    va_list ap;
    if (sink == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    tell(NULL, level, line);
}

void wf_log_about(const char *file, int32_t level, const char *fmt, ...)
{
    char    line[1024];
    va_list ap;
    if (sink == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    tell(file, level, line);
}
