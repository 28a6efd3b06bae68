/* SPDX-License-Identifier: Apache-2.0 */
/* Streams and events. */
#include <stdlib.h>

#include "fake.h"

static result f_cuStreamCreate(stream **out, unsigned flags)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    stream *s = flags <= 1 ? calloc(1, sizeof *s) : NULL;
    if (s == NULL)
        return leave(flags <= 1 ? OUT_OF_MEMORY : INVALID_VALUE);
    s->next = it.streams;
    it.streams = s;
    *out = s;
    return leave(OK);
}

static result f_cuStreamDestroy(stream *s)
{
    enter_surely();
    for (stream **p = &it.streams; *p != NULL; p = &(*p)->next) {
        if (*p != s)
            continue;
        run_stream(s);
        *p = s->next;
        free_list(&s->todo);
        free(s);
        return leave(OK);
    }
    return leave(INVALID_HANDLE);
}

static result f_cuStreamSynchronize(void *handle)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    stream *s = stream_of(handle);
    return leave(s->capture != NULL ? STREAM_CAPTURE_UNSUPPORTED : run_stream(s));
}

/* Asked again and again, a stream is done at some time. */
static result f_cuStreamQuery(void *handle)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    stream *s = stream_of(handle);
    if (s->capture != NULL)
        return leave(STREAM_CAPTURE_UNSUPPORTED);
    it.random = it.random * 6364136223846793005ull + 1442695040888963407ull;
    if (!stream_is_idle(s) && (it.random >> 62) == 0)
        return leave(run_stream(s));
    return leave(stream_is_idle(s) ? it.sticky : NOT_READY);
}

static result f_cuEventCreate(event **out, unsigned flags)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    event *e = flags <= 7 ? calloc(1, sizeof *e) : NULL;
    if (e == NULL)
        return leave(flags <= 7 ? OUT_OF_MEMORY : INVALID_VALUE);
    e->next = it.events;
    it.events = e;
    *out = e;
    return leave(OK);
}

static result f_cuEventDestroy(event *e)
{
    enter_surely();
    run_all(); /* work may name it */
    for (event **p = &it.events; *p != NULL; p = &(*p)->next) {
        if (*p != e)
            continue;
        *p = e->next;
        free(e);
        return leave(OK);
    }
    return leave(INVALID_HANDLE);
}

static result f_cuEventRecord(event *e, void *handle)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    work w = {.kind = DO_RECORD, .e = e, .value = e->recorded + 1};
    if (stream_of(handle)->capture != NULL)
        return leave(STREAM_CAPTURE_UNSUPPORTED); /* forks inside a graph are not known here */
    e->recorded++;
    return leave(push(stream_of(handle), &w));
}

static result f_cuStreamWaitEvent(void *handle, event *e, unsigned flags)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    work w = {.kind = DO_WAIT, .e = e, .value = e->recorded};
    if (flags != 0)
        return leave(INVALID_VALUE);
    if (stream_of(handle)->capture != NULL)
        return leave(STREAM_CAPTURE_UNSUPPORTED);
    return leave(push(stream_of(handle), &w));
}

static result f_cuEventQuery(event *e)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    return leave(e->passed == e->recorded ? it.sticky : NOT_READY);
}

static result f_cuEventSynchronize(event *e)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    return leave(e->passed == e->recorded ? it.sticky : run_all());
}

static result f_cuCtxSynchronize(void)
{
    const result r = enter(true);
    return r != OK ? r : leave(run_all());
}

void *entry_of_streams(const char *name)
{
    static const entry all[] = {
        ENTRY(cuStreamCreate),     ENTRY(cuStreamDestroy),   ENTRY(cuStreamSynchronize),
        ENTRY(cuStreamQuery),      ENTRY(cuEventCreate),     ENTRY(cuEventDestroy),
        ENTRY(cuEventRecord),      ENTRY(cuStreamWaitEvent), ENTRY(cuEventQuery),
        ENTRY(cuEventSynchronize), ENTRY(cuCtxSynchronize),
    };
    return entry_in(all, sizeof all / sizeof *all, name);
}
