/* SPDX-License-Identifier: Apache-2.0 */
/* Every call into a plugin goes through a visit: who runs is known while it runs
 * (core/base/running.h), the state of thread and process that the plugin changed is put back and
 * told, and what it answers becomes the host's own words, which name plugin, function and file.
 *
 *     wf_visit v;
 *     wf_visit_begin(&v, plugin, "encode", path, 0);
 *     status = vt->encode(self, items, 1, queue, &scratch, &v.why);
 *     status = wf_visit_end(&v, status, err);
 *     if (status == WEFT_OK && it gave nonsense)
 *         status = wf_visit_wrong(&v, err, "a width of %d", width);
 *
 * Visits nest: a plugin's preprocess reads frames, which visits the decoder. */
#ifndef WF_VISIT_H
#define WF_VISIT_H

#include "core/base/running.h"
#include "core/plugin/guard.h"
#include "core/plugin/registry.h"

/* The call sets something up or tears it down: nothing else of this plugin is in flight, so that
 * locale, working directory, umask, signals and environment are watched too. */
#define WF_VISIT_SETUP 1u
/* UNSUPPORTED and NOTFOUND are answers here ("this model is not for me"): they keep the plugin's
 * own words. */
#define WF_VISIT_ASKS 2u
/* UNSUPPORTED alone is one. */
#define WF_VISIT_OFFERS 8u
/* Too short and too frequent to be told of with -vv. */
#define WF_VISIT_QUICK 4u

typedef struct wf_visit {
    wf_running  running;
    wf_running *before;
    wf_plugin  *plugin;
    wf_guard   *guard; /* of SETUP; NULL too where there was no memory for it */
    double      start;
    uint64_t    bytes; /* what the call handles, for -vv; the caller may set it; 0: not told */
    uint32_t    flags, reserved;
    weft_error  why; /* for the plugin to fill */
} wf_visit;

/* function is a literal; file (may be NULL) stays valid until the end. [any] */
void wf_visit_begin(wf_visit *v, wf_plugin *p, const char *function, const char *file,
                    uint32_t flags);
/* status: what the plugin returned (WEFT_OK where its function returns none). A failure fills err:
 * the plugin's sentence, or that it said none, with the file before it and plugin and function
 * behind it. A number that is no status, and INVALID after a misuse of the host's tables, are of
 * stage PLUGIN. Other stages are the caller's to say. Returns the status that now holds. */
weft_status wf_visit_end(wf_visit *v, weft_status status, weft_error *err);
/* "FILE: PLUGIN gave ... in FUNCTION": INTERNAL at stage PLUGIN, whose exit code is 5. After the
 * end. */
weft_status wf_visit_wrong(const wf_visit *v, weft_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Around what the host does when a plugin calls it back for long: the host computes in its own
 * floating-point mode, and what happens then is not the plugin's doing. */
wf_running *wf_visit_pause(void);
void        wf_visit_resume(wf_running *paused);

#endif
