/* SPDX-License-Identifier: Apache-2.0 */
/* call.h says what for. */
#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/load.h"

/* ---- what plugins declare ---- */

static declared told; /* by the plugin that is being asked */

static weft_status add(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                       const weft_fatbin *gpu, weft_error *err)
{
    (void)h, (void)err;
    told.decls = k;
    told.n = n;
    told.image = gpu;
    return WEFT_OK;
}

static void *host_alloc(const weft_host *h, uint64_t bytes, uint64_t align)
{
    (void)h, (void)align;
    return calloc(1, (size_t)bytes);
}

static void host_free(const weft_host *h, void *p)
{
    (void)h;
    free(p);
}

static weft_status publish(const weft_host *h, const char *id, const void *vtable, void *self,
                           weft_error *err)
{
    (void)h, (void)id, (void)vtable, (void)self, (void)err;
    return WEFT_OK;
}

static const weft_if_kernels  kernels_if = {WEFT_HDR(weft_if_kernels), add, NULL, NULL};
static const weft_if_services services_if = {.hdr = WEFT_HDR(weft_if_services), .publish = publish};

static const void *get_interface(const weft_host *h, const char *id)
{
    (void)h;
    return strcmp(id, WEFT_IF_KERNELS) == 0    ? (const void *)&kernels_if
           : strcmp(id, WEFT_IF_SERVICES) == 0 ? (const void *)&services_if
                                               : NULL;
}

declared call_plugin(const char *name)
{
    static void    *slot;
    const weft_host host = {.hdr = WEFT_HDR(weft_host),
                            .alloc = host_alloc,
                            .free = host_free,
                            .get_interface = get_interface,
                            .slot = &slot};
    weft_error      err = {.hdr = WEFT_HDR(weft_error)};
    weft_plugin     me = module_load(name);
    told = (declared){.n = 0};
    rig_ok(me.init(&host, &err), &err);
    if (me.deinit != NULL)
        me.deinit(&host);
    assert_true(told.n > 0);
    return told;
}

const weft_kernel_decl *call_kernel(const declared *p, const char *name)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const weft_kernel_decl *k = (const weft_kernel_decl *)WEFT_AT(p->decls, i);
        if (strcmp(k->name, name) == 0)
            return k;
    }
    fail_msg("no plugin declares %s", name);
    return NULL;
}

/* ---- a call ---- */

int64_t call_size(int64_t most)
{
    static const int64_t odd[] = {1, 2, 3, 31, 32, 33, 63, 127, 128, 129};
    const int64_t        n = call_below(2) > 0 ? odd[call_below(10)] : 1 + call_below(most);
    return n < most ? n : most;
}

void call_floats(call *c, role r, int64_t n)
{
    argument *a = &c->arg[c->n_args++];
    *a = (argument){.role = r, .n = n, .host = calloc((size_t)n + 1, sizeof(float))};
    for (int64_t i = 0; i < n; i++)
        a->host[i] = rig_float(2.0f);
}

void call_integer(call *c, int64_t v)
{
    c->arg[c->n_args++] = (argument){.role = INTEGER, .n = v};
}

void call_real(call *c, float v)
{
    c->arg[c->n_args++] = (argument){.role = REAL, .real = v};
}

/* A device and its queue. */
typedef struct side {
    wf_device  *device;
    weft_queue *queue;
} side;

static void give(const side *s, call *c, void *args[ARGS])
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    for (uint32_t i = 0; i < c->n_args; i++) {
        argument      *a = &c->arg[i];
        const uint64_t bytes = (uint64_t)a->n * sizeof(float);
        args[i] = a->role == INTEGER ? (void *)&a->n
                  : a->role == REAL  ? (void *)&a->real
                                     : (void *)&a->at;
        if (a->role > BOTH)
            continue;
        rig_ok(wf_device_alloc(s->device, bytes + 4, &a->at, &err), &err);
        if (a->role != OUT && bytes > 0)
            rig_ok(wf_queue_upload(s->queue, a->at, a->host, bytes, &err), &err);
    }
}

static void take(const side *s, int which, call *c)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    for (uint32_t i = 0; i < c->n_args; i++) {
        argument      *a = &c->arg[i];
        const uint64_t bytes = (uint64_t)a->n * sizeof(float);
        if (a->role != OUT && a->role != BOTH)
            continue;
        a->got[which] = calloc((size_t)a->n + 1, sizeof(float));
        if (bytes > 0 && c->items > 0)
            rig_ok(wf_queue_download(s->queue, a->got[which], a->at, bytes, &err), &err);
    }
    rig_ok(wf_queue_wait(s->queue, &err), &err);
    for (uint32_t i = 0; i < c->n_args; i++)
        if (c->arg[i].role <= BOTH)
            wf_device_free(s->device, c->arg[i].at);
}

/* Runs k with the call on one side; which: where the results go. */
static void run_on(const side *s, int which, const weft_kernel_decl *k, const weft_fatbin *image,
                   call *c)
{
    weft_error           err = {.hdr = WEFT_HDR(weft_error)};
    const wf_kernel_decl decl = {k->name, k->gpu_symbol, k->cpu, k->arg_bytes, k->n_args, 0};
    wf_image            *code = NULL;
    wf_kernel           *kernel = NULL;
    void                *args[ARGS];
    const wf_launch      l = {c->items, 1, {(uint32_t)c->items, 1, 1}, {128, 1, 1}, 0, 0};
    assert_int_equal(k->n_args, c->n_args);
    assert_non_null(image);
    rig_ok(wf_image_load(s->device, image->data, image->bytes, &code, &err), &err);
    rig_ok(wf_kernel_create(s->device, code, &decl, &kernel, &err), &err);
    give(s, c, args);
    rig_ok(wf_queue_launch(s->queue, kernel, &l, args, &err), &err);
    take(s, which, c);
    wf_kernel_destroy(&kernel);
    wf_image_unload(s->device, code);
}

static void compare(const char *name, const argument *a, double bound)
{
    double off = 0, all = 0;
    if (bound == 0) {
        if (memcmp(a->got[0], a->got[1], (size_t)a->n * sizeof(float)) != 0)
            fail_msg("%s: the bytes of both bodies differ", name);
        return;
    }
    for (int64_t i = 0; i < a->n; i++) {
        const double d = (double)a->got[1][i] - (double)a->got[0][i];
        off += d * d;
        all += (double)a->got[0][i] * (double)a->got[0][i];
    }
    if (!(off <= bound * all))
        fail_msg("%s: the bodies are apart: %g of %g", name, off, all);
}

void call_both(const weft_kernel_decl *k, const weft_fatbin *image, call *c, double bound)
{
    const side cpu = {rig_cpu, rig_cpu_queue}, gpu = {rig_gpu, rig_gpu_queue};
    run_on(&cpu, 0, k, image, c);
    run_on(&gpu, 1, k, image, c);
    for (uint32_t i = 0; i < c->n_args; i++) {
        argument *a = &c->arg[i];
        if (a->role == OUT || a->role == BOTH)
            compare(k->name, a, bound);
        free(a->host);
        free(a->got[0]);
        free(a->got[1]);
    }
}
