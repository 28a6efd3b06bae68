/* SPDX-License-Identifier: Apache-2.0 */
/* What streams have to do, and doing it. A stream is run when something waits for it; until it is
 * done, any stream whose next work waits for no event may go first, as the seed says. */
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static stream the_default; /* the stream of handle 0 */

stream *stream_of(void *handle)
{
    return handle != NULL ? handle : &the_default;
}

static uint64_t next_random(void)
{
    it.random ^= it.random << 13;
    it.random ^= it.random >> 7;
    it.random ^= it.random << 17;
    return it.random;
}

static result append(list *l, const work *w)
{
    if (l->n == l->room) {
        const size_t room = l->room * 2 + 16;
        work        *all = realloc(l->all, room * sizeof *all);
        if (all == NULL) {
            free(w->params);
            return OUT_OF_MEMORY;
        }
        l->all = all;
        l->room = room;
    }
    l->all[l->n++] = *w;
    return OK;
}

result push(stream *s, const work *w)
{
    return append(s->capture != NULL ? &s->capture->what : &s->todo, w);
}

void free_list(list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->all[i].params);
    free(l->all);
    *l = (list){0};
}

bool copy_work(work *to, const work *from)
{
    *to = *from;
    if (from->params == NULL)
        return true;
    to->params = malloc(from->param_bytes + 1);
    if (to->params != NULL)
        memcpy(to->params, from->params, from->param_bytes);
    return to->params != NULL;
}

static result run_kernel(work *w)
{
    static ptx_report report;
    void             *args[64];
    for (uint32_t i = 0; i < w->f->facts.n_params; i++)
        args[i] = w->params + w->f->facts.param[i].offset;
    memset(&report, 0, sizeof report);
    w->launch.seed = next_random() % 5;
    it.kernels++;
    const bool ended = ptx_run(w->f->kernel, &w->launch, args, &report);
    profile_add(ptx_kernel_name(w->f->kernel), &report.counts);
    if (ended && ptx_clean(&report))
        return OK;
    fault(ptx_sentence(&report));
    return LAUNCH_FAILED;
}

static result run_copy(const work *w)
{
    void *to = ptx_host(it.memory, w->to, w->bytes), *from = ptx_host(it.memory, w->from, w->bytes);
    if ((w->kind != DO_DOWNLOAD && to == NULL) ||
        ((w->kind == DO_DOWNLOAD || w->kind == DO_COPY) && from == NULL)) {
        fault("a copy reaches memory that was freed before it ran");
        return LAUNCH_FAILED;
    }
    if (w->kind == DO_UPLOAD)
        memcpy(to, w->host, w->bytes);
    else if (w->kind == DO_DOWNLOAD)
        memcpy(w->host, from, w->bytes);
    else if (w->kind == DO_COPY)
        memmove(to, from, w->bytes);
    else
        memset(to, (int)w->value, w->bytes);
    if (w->kind != DO_DOWNLOAD)
        ptx_define(it.memory, w->to, w->bytes);
    return OK;
}

/* Device memory as another fake may reach it: NULL, and a fault, where it may not. */
static void *reach(uint64_t at, size_t bytes, int reads)
{
    void *p = ptx_host(it.memory, at, bytes);
    if (p == NULL)
        fault("a library reaches memory out of bounds");
    else if (reads && ptx_undefined(it.memory, at, bytes) != 0)
        fault("a library reads memory that nothing wrote");
    else if (!reads)
        ptx_define(it.memory, at, bytes);
    return p;
}

static result run_library(const work *w)
{
    const uint64_t before = it.faults;
    w->call(reach, w->params);
    return it.faults == before ? OK : LAUNCH_FAILED;
}

static bool is_blocked(const stream *s)
{
    const work *w = &s->todo.all[s->done];
    return w->kind == DO_WAIT && w->e->passed < w->value;
}

bool stream_is_idle(stream *s)
{
    return s->done == s->todo.n;
}

/* Does the next thing of s. */
static void step(stream *s)
{
    work *w = &s->todo.all[s->done++];
    if (it.sticky == OK && w->kind == DO_KERNEL)
        it.sticky = run_kernel(w);
    else if (it.sticky == OK && w->kind == DO_LIBRARY)
        it.sticky = run_library(w);
    else if (w->kind == DO_RECORD && w->e->passed < w->value)
        w->e->passed = w->value;
    else if (it.sticky == OK && w->kind <= DO_SET)
        it.sticky = run_copy(w);
    free(w->params);
    w->params = NULL;
    if (stream_is_idle(s))
        s->todo.n = s->done = 0;
}

/* One of the streams that can go on; NULL: none can. */
static stream *any_ready(void)
{
    stream *ready[64];
    size_t  n = 0;
    if (!stream_is_idle(&the_default) && !is_blocked(&the_default))
        ready[n++] = &the_default;
    for (stream *s = it.streams; s != NULL && n < 64; s = s->next)
        if (!stream_is_idle(s) && !is_blocked(s))
            ready[n++] = s;
    return n > 0 ? ready[next_random() % n] : NULL;
}

result run_stream(stream *s)
{
    while (!stream_is_idle(s)) {
        stream *next = any_ready();
        if (next == NULL) {
            fault("streams wait for events that nothing records");
            it.sticky = LAUNCH_FAILED;
            s->done = s->todo.n;
            break;
        }
        step(next);
    }
    return it.sticky;
}

result run_all(void)
{
    run_stream(&the_default);
    for (stream *s = it.streams; s != NULL; s = s->next)
        run_stream(s);
    return it.sticky;
}

int fake_cuda_library_call(void *handle, fake_call f, const void *argument, size_t bytes)
{
    result r = enter(true);
    if (r != OK)
        return r;
    work w = {.kind = DO_LIBRARY, .call = f, .params = malloc(bytes + 1), .param_bytes = bytes};
    if (w.params == NULL)
        return leave(OUT_OF_MEMORY);
    memcpy(w.params, argument, bytes);
    return leave(push(stream_of(handle), &w));
}

int fake_cuda_may_fail(void)
{
    const result r = enter(false);
    return r != OK ? r : leave(OK);
}
