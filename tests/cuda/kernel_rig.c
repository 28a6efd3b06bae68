/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_rig.h says what for. */
#include "kernel_rig.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/threads.h"
#include "core/device/registry.h"
#include "tests/support/load.h"

/* ---- what plugins declare ---- */

plugin         rig_plugins[RIG_PLUGINS] = {{.name = "weft-vision"}, {.name = "weft-speech"}};
static plugin *loading;

static weft_status add(const weft_host *h, const weft_kernel_decl *k, uint32_t n,
                       const weft_fatbin *gpu, weft_error *err)
{
    (void)h, (void)err;
    loading->decls = k;
    loading->n = n;
    loading->image = gpu;
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

static void load_plugin(plugin *p)
{
    static void    *slot;
    const weft_host host = {.hdr = WEFT_HDR(weft_host),
                            .alloc = host_alloc,
                            .free = host_free,
                            .get_interface = get_interface,
                            .slot = &slot};
    weft_error      err = {.hdr = WEFT_HDR(weft_error)};
    weft_plugin     me = module_load(p->name);
    loading = p;
    if (me.init(&host, &err) != WEFT_OK)
        fail_msg("%s: %s", p->name, err.message);
    if (me.deinit != NULL)
        me.deinit(&host);
    assert_true(p->n > 0);
}

/* ---- two devices ---- */

typedef struct side {
    wf_device  *device;
    weft_queue *queue;
} side;
static side     cpu, gpu;
static wf_pool *pool;

static void ok(weft_status status, const weft_error *err)
{
    if (status != WEFT_OK)
        fail_msg("%s", err->message);
}

int rig_open(void)
{
    weft_error       err = {.hdr = WEFT_HDR(weft_error)};
    wf_device_config c = {.module_dir = WEFT_BUILD_DIR};
    if (wf_device_open("cuda", &c, &gpu.device, &err) != WEFT_OK) {
        printf("skipped: %s\n", err.message);
        return 77;
    }
    if (wf_pool_create(2, &pool, &err) != WEFT_OK)
        return 1;
    c.pool = pool;
    for (size_t i = 0; i < RIG_PLUGINS; i++)
        load_plugin(&rig_plugins[i]);
    return wf_device_open("cpu", &c, &cpu.device, &err) != WEFT_OK ||
           wf_queue_create(cpu.device, &cpu.queue, &err) != WEFT_OK ||
           wf_queue_create(gpu.device, &gpu.queue, &err) != WEFT_OK;
}

void rig_close(void)
{
    wf_queue_destroy(&cpu.queue);
    wf_queue_destroy(&gpu.queue);
    wf_device_destroy(&cpu.device);
    wf_device_destroy(&gpu.device);
    wf_pool_destroy(&pool);
}

/* ---- a call ---- */

static uint64_t state;

void rig_seed(uint64_t seed)
{
    state = seed;
}

uint32_t rig_random(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

/* A size from 1 on: often 1, a power of two, or one off it. */
int64_t rig_size(int64_t most)
{
    static const int64_t odd[] = {1, 2, 3, 31, 32, 33, 63, 127, 128, 129};
    const int64_t n = rig_random() % 2 ? odd[rig_random() % 10] : 1 + rig_random() % (uint32_t)most;
    return n < most ? n : most;
}

void rig_floats(call *c, role r, int64_t n)
{
    argument *a = &c->arg[c->n_args++];
    *a = (argument){.role = r, .n = n, .host = calloc((size_t)n + 1, sizeof(float))};
    for (int64_t i = 0; i < n; i++)
        a->host[i] = ((float)(rig_random() % 4001) - 2000.0f) / 1000.0f;
}

void rig_integer(call *c, int64_t v)
{
    c->arg[c->n_args++] = (argument){.role = INTEGER, .n = v};
}

void rig_real(call *c, float v)
{
    c->arg[c->n_args++] = (argument){.role = REAL, .real = v};
}

static void give(side *s, call *c, void *args[ARGS])
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
        ok(wf_device_alloc(s->device, bytes + 4, &a->at, &err), &err);
        if (a->role != OUT && bytes > 0)
            ok(wf_queue_upload(s->queue, a->at, a->host, bytes, &err), &err);
    }
}

static void take(side *s, int which, call *c)
{
    weft_error err = {.hdr = WEFT_HDR(weft_error)};
    for (uint32_t i = 0; i < c->n_args; i++) {
        argument      *a = &c->arg[i];
        const uint64_t bytes = (uint64_t)a->n * sizeof(float);
        if (a->role != OUT && a->role != BOTH)
            continue;
        a->got[which] = calloc((size_t)a->n + 1, sizeof(float));
        if (bytes > 0 && c->items > 0)
            ok(wf_queue_download(s->queue, a->got[which], a->at, bytes, &err), &err);
    }
    ok(wf_queue_wait(s->queue, &err), &err);
    for (uint32_t i = 0; i < c->n_args; i++)
        if (c->arg[i].role <= BOTH)
            wf_device_free(s->device, c->arg[i].at);
}

/* Runs k with the call on one side; which: where the results go. */
static void run_on(side *s, int which, const weft_kernel_decl *k, const weft_fatbin *image, call *c)
{
    weft_error           err = {.hdr = WEFT_HDR(weft_error)};
    const wf_kernel_decl decl = {k->name, k->gpu_symbol, k->cpu, k->arg_bytes, k->n_args, 0};
    wf_image            *code = NULL;
    wf_kernel           *kernel = NULL;
    void                *args[ARGS];
    const wf_launch      l = {c->items, 1, {(uint32_t)c->items, 1, 1}, {128, 1, 1}, 0, 0};
    assert_int_equal(k->n_args, c->n_args);
    assert_non_null(image);
    ok(wf_image_load(s->device, image->data, image->bytes, &code, &err), &err);
    ok(wf_kernel_create(s->device, code, &decl, &kernel, &err), &err);
    give(s, c, args);
    ok(wf_queue_launch(s->queue, kernel, &l, args, &err), &err);
    take(s, which, c);
    wf_kernel_destroy(&kernel);
    wf_image_unload(s->device, code);
}

void rig_run(const weft_kernel_decl *k, const weft_fatbin *image, call *c)
{
    run_on(&cpu, 0, k, image, c);
    run_on(&gpu, 1, k, image, c);
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

void rig_compare(const char *name, call *c, double bound)
{
    for (uint32_t i = 0; i < c->n_args; i++) {
        argument *a = &c->arg[i];
        if (a->role == OUT || a->role == BOTH)
            compare(name, a, bound);
        free(a->host);
        free(a->got[0]);
        free(a->got[1]);
    }
}

const weft_kernel_decl *rig_declared(const plugin *p, const char *name)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const weft_kernel_decl *k = (const weft_kernel_decl *)WEFT_AT(p->decls, i);
        if (strcmp(k->name, name) == 0)
            return k;
    }
    fail_msg("%s declares no %s", p->name, name);
    return NULL;
}
