/* SPDX-License-Identifier: Apache-2.0 */
/* cuDNN found and opened, and plans of convolutions: tensors, the operation, a graph of it, and of
 * the ways that cuDNN proposes the first that can be made with the workspace there is. */
#include "cuda/dnn.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { /* CUDNN_BACKEND_*_DESCRIPTOR */
       CONVOLUTION = 1,
       ENGINE = 2,
       ENGINECFG = 3,
       ENGINEHEUR = 4,
       PLAN = 5,
       CONVOLUTION_FORWARD = 10,
       GRAPH = 15,
       TENSOR = 17
};
enum { /* CUDNN_TYPE_* */
       HANDLE = 0,
       DATA_TYPE = 1,
       INT64 = 3,
       FLOAT = 4,
       CONVOLUTION_MODE = 7,
       HEUR_MODE = 8,
       NUMERICAL_NOTE = 11,
       DESCRIPTOR = 15
};
enum { /* CUDNN_ATTR_* */
       CONV_COMP_TYPE = 100,
       CONV_MODE = 101,
       CONV_DILATIONS = 102,
       CONV_STRIDES = 103,
       CONV_POST_PADDINGS = 104,
       CONV_PRE_PADDINGS = 105,
       CONV_SPATIAL_DIMS = 106,
       HEUR_MODE_OF = 200,
       HEUR_GRAPH = 201,
       HEUR_RESULTS = 202,
       HEUR_DEVICEPROP = 204,
       WAY_ENGINE = 300,
       PLAN_HANDLE = 400,
       PLAN_CONFIG = 401,
       PLAN_WORKSPACE = 402,
       PLAN_DEVICEPROP = 407,
       FORWARD_ALPHA = 700,
       FORWARD_BETA = 701,
       FORWARD_CONV = 702,
       FORWARD_W = 703,
       FORWARD_X = 704,
       FORWARD_Y = 705,
       GRAPH_HANDLE = 800,
       GRAPH_OPS = 801,
       TENSOR_ALIGNMENT = 900,
       TENSOR_TYPE = 901,
       TENSOR_DIMENSIONS = 902,
       TENSOR_STRIDES = 903,
       TENSOR_ID = 906,
       ENGINE_NOTES = 1303
};
#define DATA_FLOAT 0
#define CROSS_CORRELATION 1
#define MODE_A 3
#define MODE_FALLBACK 2
#define WAYS 8 /* that are looked at */
/* CUDNN_NUMERICAL_NOTE_*: sums in fewer bits, Fourier transforms, another order each time, and
 * Winograd of four sorts */
#define NOTE_FIRST 2
#define NOTE_LAST 8
#define NOTES 32
#define ALIGNMENT 16
#define SERIES 9

/* ---- finding it ---- */

static bool fill(wf_cudnn *api)
{
    bool all = true;
#define FIND(result, name, parameters)                                                             \
    {                                                                                              \
        void *p = dlsym(api->library, "cudnn" #name);                                              \
        memcpy(&api->name, &p, sizeof p);                                                          \
        all = all && p != NULL;                                                                    \
    }
    WF_CUDNN_FUNCTIONS(FIND)
#undef FIND
    return all;
}

/* What the loader says of the library that it has just refused. */
static void tell_loader(const char *name, char why[WF_CUDNN_WHY])
{
    const char *said = dlerror();
    const bool  absent = said == NULL || (strncmp(said, name, strlen(name)) == 0 &&
                                         strstr(said, "No such file") != NULL);
    snprintf(why, WF_CUDNN_WHY, "%s", absent ? "it is not installed" : said);
}

/* The libraries that it would open by name later: from its own folder. */
static bool open_parts(const wf_cudnn *api, char why[WF_CUDNN_WHY])
{
    static const char *const parts[] = {
        "graph", "ops", "cnn", "heuristic", "engines_precompiled", "engines_runtime_compiled"};
    void       *symbol = dlsym(api->library, "cudnnGetVersion");
    Dl_info     info;
    char        path[4096];
    const char *slash = NULL;
    if (symbol != NULL && dladdr(symbol, &info) != 0 && info.dli_fname != NULL)
        slash = strrchr(info.dli_fname, '/');
    for (size_t i = 0; i < sizeof parts / sizeof *parts && slash != NULL; i++) {
        int        folder = (int)(slash - info.dli_fname);
        int        n = snprintf(path, sizeof path, "%.*s/libcudnn_%s.so.%d", folder, info.dli_fname,
                                parts[i], SERIES);
        const bool there = n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
        if (there && dlopen(path, RTLD_NOW | RTLD_LOCAL) != NULL)
            continue;
        if (there)
            tell_loader(path, why);
        else
            snprintf(why, WF_CUDNN_WHY,
                     "libcudnn_%s.so.%d does not lie beside libcudnn.so.%d in %.*s", parts[i],
                     SERIES, SERIES, folder < 160 ? folder : 160, info.dli_fname);
        return false;
    }
    return true;
}

bool wf_cudnn_open(wf_cudnn *api, char why[WF_CUDNN_WHY])
{
    char name[32];
    *api = (wf_cudnn){.library = NULL};
    snprintf(name, sizeof name, "libcudnn.so.%d", SERIES);
    api->library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (api->library == NULL)
        tell_loader(name, why);
    if (api->library == NULL || !open_parts(api, why))
        return false;
    snprintf(why, WF_CUDNN_WHY, "it lacks a function that is needed");
    if (!fill(api))
        return false;
    snprintf(why, WF_CUDNN_WHY, "its libraries are of different versions");
    return api->GetVersion() / 10000 == SERIES && api->GraphVersionCheck() == 0 &&
           api->OpsVersionCheck() == 0 && api->CnnVersionCheck() == 0;
}

/* ---- descriptors ---- */

/* One more descriptor of the plan; NULL: there is none. */
static void *part(const wf_cudnn *api, wf_dnn_plan *p, int type)
{
    void *d = NULL;
    if (p->n_parts == WF_DNN_PARTS || api->BackendCreateDescriptor(type, &d) != 0)
        return NULL;
    return p->parts[p->n_parts++] = d;
}

static bool set(const wf_cudnn *api, void *d, int name, int type, int64_t n, const void *values)
{
    return d != NULL && api->BackendSetAttribute(d, name, type, n, values) == 0;
}

static bool set_part(const wf_cudnn *api, void *d, int name, void *other)
{
    return set(api, d, name, DESCRIPTOR, 1, &other);
}

static bool finish(const wf_cudnn *api, void *d)
{
    return d != NULL && api->BackendFinalize(d) == 0;
}

/* Channels side by side: sizes [4] as n, c, h, w. */
static void *tensor(const wf_cudnn *api, wf_dnn_plan *p, int64_t id, const int64_t *sizes)
{
    const int64_t c = sizes[1], row = c * sizes[3];
    const int64_t strides[] = {row * sizes[2], 1, row, c}, alignment = ALIGNMENT;
    const int     type = DATA_FLOAT;
    void         *d = part(api, p, TENSOR);
    return set(api, d, TENSOR_TYPE, DATA_TYPE, 1, &type) &&
                   set(api, d, TENSOR_DIMENSIONS, INT64, 4, sizes) &&
                   set(api, d, TENSOR_STRIDES, INT64, 4, strides) &&
                   set(api, d, TENSOR_ID, INT64, 1, &id) &&
                   set(api, d, TENSOR_ALIGNMENT, INT64, 1, &alignment) && finish(api, d)
               ? d
               : NULL;
}

static void *convolution(const wf_cudnn *api, wf_dnn_plan *p, const wf_dnn_shape *s)
{
    const int64_t dims = 2, before[] = {s->pad[0], s->pad[2]}, after[] = {s->pad[1], s->pad[3]};
    const int64_t dilations[] = {1, 1};
    const int     type = DATA_FLOAT, mode = CROSS_CORRELATION;
    void         *d = part(api, p, CONVOLUTION);
    return set(api, d, CONV_SPATIAL_DIMS, INT64, 1, &dims) &&
                   set(api, d, CONV_COMP_TYPE, DATA_TYPE, 1, &type) &&
                   set(api, d, CONV_MODE, CONVOLUTION_MODE, 1, &mode) &&
                   set(api, d, CONV_PRE_PADDINGS, INT64, 2, before) &&
                   set(api, d, CONV_POST_PADDINGS, INT64, 2, after) &&
                   set(api, d, CONV_DILATIONS, INT64, 2, dilations) &&
                   set(api, d, CONV_STRIDES, INT64, 2, s->stride) && finish(api, d)
               ? d
               : NULL;
}

static void *operation(const wf_cudnn *api, wf_dnn_plan *p, const wf_dnn_shape *s)
{
    const int64_t x_sizes[] = {s->n, s->c, s->h, s->w}, w_sizes[] = {s->out, s->c, s->kh, s->kw};
    const int64_t y_sizes[] = {s->n, s->out, s->oh, s->ow};
    const float   alpha = 1.0f, beta = 0.0f;
    void         *x = tensor(api, p, 1, x_sizes), *w = tensor(api, p, 2, w_sizes);
    void         *y = tensor(api, p, 3, y_sizes), *conv = convolution(api, p, s);
    void         *d = x != NULL && w != NULL && y != NULL && conv != NULL
                          ? part(api, p, CONVOLUTION_FORWARD)
                          : NULL;
    return set_part(api, d, FORWARD_X, x) && set_part(api, d, FORWARD_W, w) &&
                   set_part(api, d, FORWARD_Y, y) && set_part(api, d, FORWARD_CONV, conv) &&
                   set(api, d, FORWARD_ALPHA, FLOAT, 1, &alpha) &&
                   set(api, d, FORWARD_BETA, FLOAT, 1, &beta) && finish(api, d)
               ? d
               : NULL;
}

static void *graph(const wf_cudnn *api, wf_dnn_plan *p, void *op, void *handle)
{
    void *d = op != NULL ? part(api, p, GRAPH) : NULL;
    if (handle != NULL && !set(api, d, GRAPH_HANDLE, HANDLE, 1, &handle))
        return NULL;
    return set_part(api, d, GRAPH_OPS, op) && finish(api, d) ? d : NULL;
}

/* ---- ways ---- */

/* Whether the sums of a way are plain ones, always in the same order. A cuDNN that does not say is
 * not asked further. */
static bool is_plain(const wf_cudnn *api, void *way)
{
    int     notes[NOTES] = {0};
    int64_t n = 0;
    void   *engine = NULL;
    bool    plain = true;
    if (api->BackendCreateDescriptor(ENGINE, &engine) != 0)
        return false;
    if (api->BackendGetAttribute(way, WAY_ENGINE, DESCRIPTOR, 1, &n, &engine) == 0 && n == 1 &&
        api->BackendGetAttribute(engine, ENGINE_NOTES, NUMERICAL_NOTE, NOTES, &n, notes) == 0)
        for (int64_t i = 0; i < n && i < NOTES; i++)
            plain = plain && (notes[i] < NOTE_FIRST || notes[i] > NOTE_LAST);
    (void)api->BackendDestroyDescriptor(engine);
    return plain;
}

static bool try_way(const wf_cudnn *api, wf_dnn_plan *p, void *way, void *handle, void *properties,
                    int64_t most)
{
    int64_t n = 0;
    void   *d = is_plain(api, way) ? part(api, p, PLAN) : NULL;
    bool    fits = set_part(api, d, PLAN_CONFIG, way) &&
                (handle != NULL ? set(api, d, PLAN_HANDLE, HANDLE, 1, &handle)
                                : set_part(api, d, PLAN_DEVICEPROP, properties)) &&
                finish(api, d) &&
                api->BackendGetAttribute(d, PLAN_WORKSPACE, INT64, 1, &n, &p->workspace) == 0 &&
                p->workspace <= most;
    if (!fits && d != NULL)
        (void)api->BackendDestroyDescriptor(p->parts[--p->n_parts]);
    return fits;
}

/* The way stays as long as the plan, which names it. */
static void keep_way(wf_dnn_plan *p, void **way)
{
    void *plan = p->parts[--p->n_parts];
    p->parts[p->n_parts++] = *way;
    p->parts[p->n_parts++] = plan;
    *way = NULL;
}

/* The first of the ways of one kind of advice that can be taken. */
static bool choose(const wf_cudnn *api, wf_dnn_plan *p, void *ops, int mode, void *handle,
                   void *properties, int64_t most)
{
    void   *advice = NULL, *way[WAYS] = {NULL};
    int32_t made = 0;
    int64_t n = 0;
    bool    found = false;
    if (api->BackendCreateDescriptor(ENGINEHEUR, &advice) != 0)
        return false;
    while (made < WAYS && api->BackendCreateDescriptor(ENGINECFG, &way[made]) == 0)
        made++;
    if (made == WAYS && set_part(api, advice, HEUR_GRAPH, ops) &&
        set(api, advice, HEUR_MODE_OF, HEUR_MODE, 1, &mode) &&
        (properties == NULL || set_part(api, advice, HEUR_DEVICEPROP, properties)) &&
        finish(api, advice) &&
        api->BackendGetAttribute(advice, HEUR_RESULTS, DESCRIPTOR, WAYS, &n, way) == 0)
        for (int64_t i = 0; i < n && i < WAYS && !found; i++)
            if ((found = try_way(api, p, way[i], handle, properties, most)))
                keep_way(p, &way[i]);
    for (int32_t i = 0; i < made; i++)
        if (way[i] != NULL) /* the one that is kept is the plan's */
            (void)api->BackendDestroyDescriptor(way[i]);
    (void)api->BackendDestroyDescriptor(advice);
    return found;
}

bool wf_dnn_plan_make(const wf_cudnn *api, const wf_dnn_shape *s, void *handle, void *properties,
                      int64_t most, wf_dnn_plan *out)
{
    *out = (wf_dnn_plan){.n_parts = 0};
    void *ops = graph(api, out, operation(api, out, s), handle);
    return ops != NULL && (choose(api, out, ops, MODE_A, handle, properties, most) ||
                           choose(api, out, ops, MODE_FALLBACK, handle, properties, most));
}

void wf_dnn_plan_free(const wf_cudnn *api, wf_dnn_plan *p)
{
    while (p->n_parts > 0)
        (void)api->BackendDestroyDescriptor(p->parts[--p->n_parts]);
}
