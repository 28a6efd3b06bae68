/* SPDX-License-Identifier: Apache-2.0 */
/* Capture of a stream's work, and graphs made of it. */
#include <stdlib.h>

#include "fake.h"

static result f_cuStreamBeginCapture(void *handle, int mode)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    stream *s = stream_of(handle);
    if (handle == NULL || s->capture != NULL || mode < 0 || mode > 2)
        return leave(handle == NULL ? STREAM_CAPTURE_UNSUPPORTED : ILLEGAL_STATE);
    s->capture = calloc(1, sizeof *s->capture);
    return leave(s->capture != NULL ? OK : OUT_OF_MEMORY);
}

/* A capture ends here whether or not the call succeeds. */
static result f_cuStreamEndCapture(stream *s, graph **out)
{
    const result failed = enter(true);
    if (failed != OK)
        enter_surely();
    graph *g = s->capture;
    s->capture = NULL;
    *out = NULL;
    if (g == NULL || failed != OK) {
        if (g != NULL)
            free_list(&g->what);
        free(g);
        return leave(failed != OK ? failed : ILLEGAL_STATE);
    }
    g->next = it.graphs;
    it.graphs = g;
    *out = g;
    return leave(OK);
}

static bool copy_list(list *to, const list *from)
{
    *to = (list){calloc(from->n + 1, sizeof *to->all), 0, from->n + 1};
    for (size_t i = 0; to->all != NULL && i < from->n; i++, to->n++)
        if (!copy_work(&to->all[i], &from->all[i]))
            return false;
    return to->all != NULL;
}

static result f_cuGraphInstantiateWithFlags(graph **out, graph *g, unsigned long long flags)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    graph *e = flags == 0 ? calloc(1, sizeof *e) : NULL;
    if (e == NULL)
        return leave(flags == 0 ? OUT_OF_MEMORY : INVALID_VALUE);
    if (!copy_list(&e->what, &g->what)) {
        free_list(&e->what);
        free(e);
        return leave(OUT_OF_MEMORY);
    }
    e->next = it.execs;
    it.execs = e;
    *out = e;
    return leave(OK);
}

static result f_cuGraphLaunch(graph *e, void *handle)
{
    const result r = enter(true);
    if (r != OK)
        return r;
    stream *s = stream_of(handle);
    if (s->capture != NULL)
        return leave(STREAM_CAPTURE_UNSUPPORTED);
    it.graph_launches++;
    for (size_t i = 0; i < e->what.n; i++) {
        work w;
        if (!copy_work(&w, &e->what.all[i]) || push(s, &w) != OK)
            return leave(OUT_OF_MEMORY);
    }
    return leave(OK);
}

static result drop(graph **all, graph *g)
{
    enter_surely();
    for (graph **p = all; *p != NULL; p = &(*p)->next) {
        if (*p != g)
            continue;
        *p = g->next;
        free_list(&g->what);
        free(g);
        return leave(OK);
    }
    return leave(INVALID_HANDLE);
}

static result f_cuGraphDestroy(graph *g)
{
    return drop(&it.graphs, g);
}

static result f_cuGraphExecDestroy(graph *e)
{
    return drop(&it.execs, e);
}

void *entry_of_graphs(const char *name)
{
    static const entry all[] = {
        ENTRY(cuStreamBeginCapture), ENTRY(cuStreamEndCapture), ENTRY(cuGraphInstantiateWithFlags),
        ENTRY(cuGraphLaunch),        ENTRY(cuGraphDestroy),     ENTRY(cuGraphExecDestroy),
    };
    return entry_in(all, sizeof all / sizeof *all, name);
}
