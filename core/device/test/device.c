/* SPDX-License-Identifier: Apache-2.0 */
/* A device that behaves as unlike a CPU as it legally may, with the CPU's arithmetic: what passes
 * on it makes no assumption that a GPU would break.
 *
 *  - Its memory is one reserved range that is unreadable except while its own ops run; an
 *    allocation starts as poison and stands between canaries, and its address is not used again
 *    while there are others (memory.c).
 *  - A queue records ops and runs nothing before somebody waits; then the queues' heads run in a
 *    random order that respects wf_queue_after (queue.c). Whoever asks whether a queue is done has
 *    some heads run, so that the answer is no for a random number of times. The order comes from a
 * seed, which is logged: WEFT_TEST_SEED shows a run again.
 *  - Before it runs, every argument of an op is checked: it lies in a live allocation, what is read
 *    was written, and no other queue uses the same memory without an order between the two
 *    (areas.c, check.c). Of a plugin's kernel only the addresses are known: they are checked, and
 *    the canaries around what they point to.
 *  - The host sides of copies hold poison until the copy has run: whoever reads, writes or frees
 *    one too early sees it or is found (copy.c).
 *
 * A mistake is told by the next wait of its queue: a failure (DEVICE) that names the op, the kind
 * of mistake and the argument; the op is not run. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/device/builtin.h"
#include "core/device/test/internal.h"

static weft_status test_alloc(wf_device *dev, uint64_t bytes, void **out, weft_error *err)
{
    wf_test_device *d = (wf_test_device *)dev;
    pthread_mutex_lock(&d->lock);
    *out = wf_test_memory_take(&d->memory, bytes);
    pthread_mutex_unlock(&d->lock);
    return *out != NULL ? WEFT_OK : wf_fail_nomem(err, bytes, "the async-test device");
}

static void test_free(wf_device *dev, void *p)
{
    wf_test_device      *d = (wf_test_device *)dev;
    bool                 intact = true;
    const wf_test_block *b;
    pthread_mutex_lock(&d->lock);
    b = wf_test_memory_block(&d->memory, p);
    if (b != NULL && b->live && wf_test_in_use(d, p, (const uint8_t *)p + b->asked))
        wf_test_mistake(d, &d->why, "free", "use after free",
                        "%p is used by work that nobody has waited for", p);
    if (!wf_test_memory_give(&d->memory, p, &intact))
        wf_test_mistake(d, &d->why, "free", "use after free", "%p is no allocation", p);
    if (!intact)
        wf_test_mistake(d, &d->why, "free", "overrun", "somebody wrote around %p", p);
    pthread_mutex_unlock(&d->lock);
}

static weft_status test_memory(wf_device *dev, uint64_t *free, uint64_t *total, weft_error *err)
{
    wf_test_device *d = (wf_test_device *)dev;
    (void)err;
    *total = WF_TEST_BYTES;
    pthread_mutex_lock(&d->lock);
    *free = wf_test_memory_left(&d->memory);
    pthread_mutex_unlock(&d->lock);
    return WEFT_OK;
}

static weft_status test_host_alloc(wf_device *dev, uint64_t bytes, void **out, weft_error *err)
{
    wf_test_device *d = (wf_test_device *)dev;
    wf_test_host   *h = wf_zalloc(sizeof *h);
    void           *p = h != NULL && bytes <= SIZE_MAX ? wf_alloc_aligned((size_t)bytes) : NULL;
    if (p == NULL) {
        wf_free(h);
        return wf_fail_nomem(err, bytes, d->base.name);
    }
    wf_poison_fill(p, bytes);
    pthread_mutex_lock(&d->lock);
    *h = (wf_test_host){d->host, p, bytes};
    d->host = h;
    pthread_mutex_unlock(&d->lock);
    *out = p;
    return WEFT_OK;
}

static void test_host_free(wf_device *dev, void *p)
{
    wf_test_device *d = (wf_test_device *)dev;
    wf_test_host   *h = NULL;
    pthread_mutex_lock(&d->lock);
    for (wf_test_host **at = &d->host; *at != NULL && h == NULL;) {
        if ((*at)->p == (uint8_t *)p) {
            h = *at;
            *at = h->next;
        } else {
            at = &(*at)->next;
        }
    }
    if (h == NULL)
        wf_test_mistake(d, &d->why, "host_free", "use after free", "%p is no host memory", p);
    pthread_mutex_unlock(&d->lock);
    if (h == NULL)
        return;
    memset(p, 0, (size_t)h->bytes); /* a copy that still wants it finds no poison here */
    wf_free_aligned(p);
    wf_free(h);
}

static weft_status test_weight_bytes(wf_device *d, int32_t format, int64_t n, int64_t k,
                                     uint64_t *bytes, weft_error *err)
{
    return wf_cpu_weight_bytes(&((wf_test_device *)d)->ops, format, n, k, bytes, err);
}

static int64_t test_page_bytes(wf_device *d, int32_t dtype, int32_t page_tokens, int32_t n_kv_heads,
                               int32_t head_dim)
{
    (void)d;
    return wf_cpu_page_bytes(dtype, page_tokens, n_kv_heads, head_dim);
}

static weft_status test_kernel_create(wf_device *d, wf_image *code, const wf_kernel_decl *k,
                                      wf_kernel **out, weft_error *err)
{
    (void)d;
    (void)code;
    return wf_cpu_kernel_create(k, out, err);
}

static void test_destroy(wf_device *dev)
{
    wf_test_device *d = (wf_test_device *)dev;
    while (d->host != NULL) {
        wf_test_host *h = d->host;
        d->host = h->next;
        wf_free_aligned(h->p);
        wf_free(h);
    }
    for (int32_t i = 0; i < WF_TEST_QUEUES; i++)
        wf_free(d->slots[i].uses);
    wf_test_memory_free(&d->memory);
    pthread_mutex_destroy(&d->lock);
    wf_free(d);
}

static const wf_device_fns fns = {
    .alloc = test_alloc,
    .free = test_free,
    .memory = test_memory,
    .host_alloc = test_host_alloc,
    .host_free = test_host_free,
    .weight_bytes = test_weight_bytes,
    .page_bytes = test_page_bytes,
    .kernel_create = test_kernel_create,
    .kernel_destroy = wf_cpu_kernel_destroy,
    .queue_create = wf_test_queue_create,
    .queue_destroy = wf_test_queue_destroy,
    .submit = wf_test_submit,
    .upload = wf_test_upload,
    .download = wf_test_download,
    .zero = wf_test_zero,
    .after = wf_test_after,
    .wait = wf_test_wait,
    .done = wf_test_done,
    .capture_begin = wf_test_capture_begin,
    .capture_end = wf_test_capture_end,
    .replay = wf_test_replay,
    .graph_free = wf_test_graph_free,
    .destroy = test_destroy,
};

/* What was asked for, else what the environment says, else one of this run's own. Never 0. */
static uint64_t choose_seed(uint64_t asked)
{
    const char     *text = getenv("WEFT_TEST_SEED");
    struct timespec now;
    if (asked == 0 && text != NULL)
        asked = strtoull(text, NULL, 10);
    if (asked == 0) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        asked = ((uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 20 ^ (uint64_t)getpid() << 8) &
                0x7FFFFFFF;
    }
    return asked != 0 ? asked : 1;
}

weft_status wf_device_test_create(const wf_device_config *c, wf_device **out, weft_error *err)
{
    wf_test_device *d = wf_zalloc(sizeof *d);
    *out = NULL;
    if (d == NULL)
        return wf_fail_nomem(err, sizeof *d, "the async-test device");
    d->base.fns = &fns;
    d->base.name = "async-test";
    d->base.type = WEFT_DEV_OTHER; /* it says that it is not a CPU */
    d->base.keeps_lists = true;
    d->pool = c->pool;
    d->log = c->log;
    d->seed = choose_seed(c->seed);
    d->random = d->seed * 2 + 1;
    d->why = (weft_error)WF_ERROR_INIT;
    pthread_mutex_init(&d->lock, NULL);
    wf_ops_init(&d->ops, c->cpu_flags);
    d->base.isa = d->ops.isa;
    weft_status status = wf_test_memory_init(&d->memory, err);
    if (status != WEFT_OK) {
        test_destroy(&d->base);
        return status;
    }
    if (d->log != NULL)
        d->log(WEFT_LOG_INFO, "async-test: WEFT_TEST_SEED=%llu", (unsigned long long)d->seed);
    *out = &d->base;
    return WEFT_OK;
}
