/* SPDX-License-Identifier: Apache-2.0 */
/* A call into a plugin: who runs, what it left changed, and what it answered. */
#include "core/plugin/visit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/io/text.h"
#include "core/plugin/loaded.h"

#define CHANGES_CAP 200
#define CALLER_CAP 128 /* " (PLUGIN in FUNCTION)" */

void wf_visit_begin(wf_visit *v, wf_plugin *p, const char *function, const char *file,
                    uint32_t flags)
{
    wf_running_mend(); /* the mode at the outermost call counts, not what a plugin that calls the
                          host has set */
    v->plugin = p;
    v->flags = flags;
    v->bytes = 0;
    v->reserved = 0;
    v->why = (weft_error)WF_ERROR_INIT;
    /* Without memory the call goes unwatched: it may well fail for the same reason, and be told. */
    v->guard = (flags & WF_VISIT_SETUP) != 0 ? wf_guard_take() : NULL;
    v->running.plugin = p->id;
    v->running.function = function;
    v->running.file = file;
    v->running.fpu = wf_fpu_read();
    atomic_init(&v->running.marks, 0);
    v->start = wf_now_s();
    v->before = wf_running_set(&v->running);
}

/* " of FILE", or nothing. */
static void of_file(const wf_visit *v, char *out, size_t cap)
{
    out[0] = '\0';
    if (v->running.file != NULL)
        snprintf(out, cap, " of %s", wf_quote(v->running.file).s);
}

/* "FILE: ", or nothing. */
static void before_text(const wf_visit *v, char *out, size_t cap)
{
    out[0] = '\0';
    if (v->running.file != NULL)
        snprintf(out, cap, "%s: ", wf_quote(v->running.file).s);
}

static void tell_change(const wf_visit *v, const char *what)
{
    char file[WF_QUOTED_BYTES + 8];
    of_file(v, file, sizeof file);
    wf_log(WEFT_LOG_WARN, "%s changed %s in %s%s; that was put back, but tell its author",
           v->running.plugin, what, v->running.function, file);
}

/* The floating-point mode may change in every call: of that a plugin's author is told once. */
static void put_back(wf_visit *v)
{
    char        what[CHANGES_CAP] = "";
    uint32_t    changed = wf_fpu_restore(&v->running.fpu) | atomic_load(&v->running.marks);
    uint32_t    told = atomic_fetch_or(&v->plugin->told, changed);
    const char *fpu = wf_changed_fpu(changed & ~told);
    if (fpu != NULL)
        tell_change(v, fpu);
    if (v->guard != NULL)
        wf_guard_restore(v->guard, what, sizeof what);
    v->guard = NULL;
    if (what[0] != '\0')
        tell_change(v, what);
}

static void tell_call(const wf_visit *v, weft_status status)
{
    char   file[WF_QUOTED_BYTES + 8], bytes[40] = "";
    double ms = (wf_now_s() - v->start) * 1e3;
    of_file(v, file, sizeof file);
    if (v->bytes != 0)
        snprintf(bytes, sizeof bytes, ", %llu bytes", (unsigned long long)v->bytes);
    wf_log(WEFT_LOG_DEBUG, "%s: %s%s took %.3f ms%s%s%s", v->running.plugin, v->running.function,
           file, ms, bytes, status != WEFT_OK ? ": " : "",
           status != WEFT_OK ? wf_status_name(status) : "");
}

static bool is_status(weft_status st)
{
    return st < WEFT_OK && st >= WEFT_E_NUMERIC;
}

/* The whole sentence, cut where it is too long; the names at its end are always there. */
static void compose(const wf_visit *v, const char *text, weft_status status, weft_error *err)
{
    char   file[WF_QUOTED_BYTES + 8], caller[CALLER_CAP] = "";
    size_t room = sizeof v->why.message - 1, n;
    before_text(v, file, sizeof file);
    /* What failed in a call within this one has its names already. */
    n = strlen(text);
    if ((atomic_load(&v->running.marks) & WF_PASSED_ON) == 0 || n == 0 || text[n - 1] != ')')
        snprintf(caller, sizeof caller, " (%.64s in %.40s)", v->running.plugin,
                 v->running.function);
    if (file[0] != '\0' && strncmp(text, file, strlen(file) - 2) == 0)
        file[0] = '\0';
    room -= strlen(file) + strlen(caller);
    wf_fail(err, status, "%s%.*s%s", file, (int)room, text, caller);
}

static uint32_t stage_of(const wf_visit *v, weft_status status)
{
    bool misused = (atomic_load(&v->running.marks) & WF_MISUSED) != 0;
    bool own = status == WEFT_E_INTERNAL || status == WEFT_E_STATE || status == WEFT_E_VERSION ||
               (misused && status == WEFT_E_INVALID);
    uint32_t stage = v->why.stage <= WEFT_STAGE_PLUGIN ? v->why.stage : WEFT_STAGE_NONE;
    return stage == WEFT_STAGE_NONE && own ? WEFT_STAGE_PLUGIN : stage;
}

/* The answer of a call that nobody cancelled, and in which nothing else was. */
static bool is_false_cancel(const wf_visit *v, weft_status status)
{
    const weft_host *h = v->plugin != NULL ? wf_plugin_host(v->plugin) : NULL;
    bool             passed_on = (atomic_load(&v->running.marks) & WF_PASSED_ON) != 0;
    return status == WEFT_E_CANCELLED && !passed_on && h != NULL && h->cancelled(h) == 0;
}

static weft_status judge(wf_visit *v, weft_status status, weft_error *err)
{
    char  words[sizeof v->why.message + 64] = "";
    char *said = v->why.message;
    said[sizeof v->why.message - 1] = '\0';
    if (!is_status(status) || is_false_cancel(v, status)) {
        if (status == WEFT_E_CANCELLED)
            snprintf(words, sizeof words, "it returned CANCELLED, and nobody had cancelled");
        else
            snprintf(words, sizeof words, "it returned %d, which is no status%s%s", status,
                     said[0] != '\0' ? ": " : "", said);
        compose(v, words, WEFT_E_INTERNAL, err);
        return wf_fail_stage(err, WEFT_E_INTERNAL, WEFT_STAGE_PLUGIN);
    }
    bool answer =
        (status == WEFT_E_UNSUPPORTED && (v->flags & (WF_VISIT_ASKS | WF_VISIT_OFFERS)) != 0) ||
        (status == WEFT_E_NOTFOUND && (v->flags & WF_VISIT_ASKS) != 0);
    if (said[0] == '\0')
        snprintf(words, sizeof words, "it failed with %s and gave no reason",
                 wf_status_name(status));
    if (status == WEFT_E_CANCELLED && said[0] == '\0')
        return wf_fail(err, status, "cancelled");
    if (answer)
        return wf_fail(err, status, "%s", said[0] != '\0' ? said : words);
    compose(v, said[0] != '\0' ? said : words, status, err);
    return wf_fail_stage(err, status, stage_of(v, status));
}

weft_status wf_visit_end(wf_visit *v, weft_status status, weft_error *err)
{
    put_back(v);
    wf_running_set(v->before);
    if ((v->flags & WF_VISIT_QUICK) == 0)
        tell_call(v, status);
    if (status == WEFT_OK)
        return status;
    wf_running_mark(WF_PASSED_ON);
    return judge(v, status, err);
}

weft_status wf_visit_wrong(const wf_visit *v, weft_error *err, const char *fmt, ...)
{
    char    what[sizeof v->why.message], file[WF_QUOTED_BYTES + 8];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    before_text(v, file, sizeof file);
    wf_running_mark(WF_PASSED_ON);
    wf_fail(err, WEFT_E_INTERNAL, "%s%s gave %.240s in %s", file, v->running.plugin, what,
            v->running.function);
    return wf_fail_stage(err, WEFT_E_INTERNAL, WEFT_STAGE_PLUGIN);
}

wf_running *wf_visit_pause(void)
{
    return wf_running_pause();
}

void wf_visit_resume(wf_running *paused)
{
    wf_running_set(paused);
}
