/* SPDX-License-Identifier: Apache-2.0 */
/* weft.weights/1: tensors of the plugin's package, converted to what it said it will do with them.
 * All names and shapes of one get() are checked before the first byte is read. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/tensor.h"
#include "core/host/lent.h"

#define WANT_DIMS 4 /* of wf_want */

/* The i-th of an array whose elements may be longer than ours. */
static const weft_weight *want_at(const weft_weight *want, uint32_t i)
{
    return (const weft_weight *)(const void *)((const char *)want + (size_t)i * want[0].hdr.size);
}

static weft_status check_form(const weft_weight *w, uint32_t i, weft_error *err)
{
    uint64_t numel = 1;
    if (w->name == NULL || w->ndim < 0 || w->ndim > WANT_DIMS || w->use > WEFT_USE_HOST)
        return wf_misuse(err,
                         "weights: tensor %u (%s) needs a name, at most %d axes and a known use", i,
                         w->name != NULL ? w->name : "unnamed", WANT_DIMS);
    for (int32_t d = 0; d < w->ndim; d++)
        if (w->shape[d] < 1 || !wf_mul(numel, (uint64_t)w->shape[d], &numel))
            return wf_misuse(err, "weights: %s: axis %d of its shape is %lld", w->name, d,
                             (long long)w->shape[d]);
    if (w->use == WEFT_USE_LINEAR && w->ndim < 2)
        return wf_misuse(err, "weights: %s: a LINEAR weight has at least 2 axes", w->name);
    return WEFT_OK;
}

static weft_status check_all(const weft_host *h, const weft_package *p, const weft_weight *want,
                             uint32_t n, const weft_tensor *out, weft_error *err)
{
    wf_problems pr = WF_PROBLEMS_INIT;
    if (p == NULL || want == NULL || out == NULL || n == 0)
        return wf_misuse(err, "weights.get: a package, tensors and places for them are needed");
    if (want[0].hdr.size < sizeof(weft_weight))
        return wf_misuse(err, "weights.get: weft_weight.hdr.size is %u, not set", want[0].hdr.size);
    if (wf_lent_of(h)->binding.device == NULL)
        return wf_fail(err, WEFT_E_STATE, "weights.get: there is no device yet; call it in load");
    for (uint32_t i = 0; i < n; i++) {
        const weft_weight *w = want_at(want, i);
        wf_want            one = {.name = w->name, .rank = w->ndim};
        weft_status        st = check_form(w, i, err);
        if (st != WEFT_OK)
            return st;
        for (int32_t d = 0; d < w->ndim; d++)
            one.shape[d] = w->shape[d];
        wf_problems_check(&pr, (weft_package *)(uintptr_t)p, &one);
    }
    return wf_problems_report(&pr, p, err);
}

static uint64_t numel_of(const weft_weight *w)
{
    uint64_t n = 1; /* checked by check_form */
    for (int32_t d = 0; d < w->ndim; d++)
        n *= (uint64_t)w->shape[d];
    return n;
}

/* A tensor of the weight's shape in C order over data. */
static void describe(const wf_lent *p, const weft_weight *w, void *data, weft_tensor *out)
{
    *out = wf_tensor_view(data, (weft_dtype){WEFT_DT_FLOAT, 32, 1}, w->ndim, w->shape);
    if (w->use == WEFT_USE_HOST)
        return;
    out->device_type = p->binding.device->type;
    out->device_id = p->binding.device->id;
}

static weft_status get_linear(wf_lent *p, wf_loader *l, const weft_weight *w, weft_tensor *out,
                              weft_error *err)
{
    wf_weight   packed;
    int64_t     n = w->shape[0], k = (int64_t)(numel_of(w) / (uint64_t)n);
    weft_status st = wf_load_linear(l, &p->weights, &w->name, 1, n, k, &packed, err);
    if (st != WEFT_OK)
        return st;
    describe(p, w, packed.data, out);
    out->flags = WEFT_TENSOR_PACKED;
    out->dtype = (weft_dtype){WEFT_DT_OPAQUE, 0, (uint16_t)packed.format};
    memset(out->stride, 0, sizeof out->stride);
    return wf_device_weight_bytes(p->binding.device, packed.format, n, k, &out->bytes, err);
}

static weft_status get_host(wf_lent *p, wf_loader *l, const weft_weight *w, weft_tensor *out,
                            weft_error *err)
{
    void      **grown = wf_realloc(p->host_weights, (p->n_host_weights + 1) * sizeof *grown);
    uint64_t    n = numel_of(w), bytes;
    float      *mem;
    weft_status st;
    if (grown == NULL)
        return wf_fail_nomem(err, sizeof *grown, "a table of weights");
    p->host_weights = grown;
    mem = wf_mul(n, sizeof *mem, &bytes) && bytes <= SIZE_MAX ? wf_alloc_aligned((size_t)bytes)
                                                              : NULL;
    if (mem == NULL)
        return wf_fail_nomem(err, n * sizeof *mem, w->name);
    grown[p->n_host_weights++] = mem;
    p->host_weight_bytes += bytes;
    st = wf_load_host(l, w->name, mem, n, err);
    if (st == WEFT_OK)
        describe(p, w, mem, out);
    return st;
}

static weft_status get_one(wf_lent *p, wf_loader *l, const weft_weight *w, weft_tensor *out,
                           weft_error *err)
{
    float      *data;
    weft_status st;
    if (w->use == WEFT_USE_LINEAR)
        return get_linear(p, l, w, out, err);
    if (w->use == WEFT_USE_HOST)
        return get_host(p, l, w, out, err);
    st = wf_load_f32(l, &p->weights, w->name, &data, err);
    if (st == WEFT_OK)
        describe(p, w, data, out);
    return st;
}

static weft_status weights_get(const weft_host *h, const weft_package *p, const weft_weight *want,
                               uint32_t n, weft_tensor *out, weft_error *err)
{
    wf_lent    *plugin = wf_lent_of(h);
    wf_loader   l;
    weft_status st = check_all(h, p, want, n, out, err);
    if (st != WEFT_OK)
        return st;
    st = wf_loader_open(plugin->binding.device, (weft_package *)(uintptr_t)p,
                        plugin->binding.linear_dtype, &l, err);
    if (st != WEFT_OK)
        return st;
    l.quantize = plugin->binding.quantize;
    l.progress = plugin->binding.progress;
    l.progress_ctx = plugin->binding.progress_ctx;
    l.cancelled = plugin->all->cfg.cancelled;
    l.cancelled_ctx = plugin->all->cfg.ctx;
    for (uint32_t i = 0; i < n && st == WEFT_OK; i++)
        st = get_one(plugin, &l, want_at(want, i), &out[i], err);
    if (st == WEFT_OK)
        st = wf_loader_finish(&l, err);
    wf_loader_close(&l);
    return st;
}

static int32_t weights_has(const weft_host *h, const weft_package *p, const char *name)
{
    const wf_st_file   *file;
    const wf_st_tensor *t;
    (void)h;
    return p != NULL && name != NULL &&
           wf_package_find((weft_package *)(uintptr_t)p, name, &file, &t, NULL) == WEFT_OK;
}

const weft_if_weights wf_host_weights = {WEFT_HDR(weft_if_weights), weights_get, weights_has};

void wf_host_weights_free(wf_lent *p)
{
    wf_buffers_free(&p->weights);
    for (size_t i = 0; i < p->n_host_weights; i++)
        wf_free_aligned(p->host_weights[i]);
    wf_free(p->host_weights);
    p->host_weights = NULL;
    p->n_host_weights = 0;
    p->host_weight_bytes = 0;
}

uint64_t wf_host_weight_bytes(const weft_host *h)
{
    return wf_lent_of(h)->weights.bytes + wf_lent_of(h)->host_weight_bytes;
}

/* A checked weight, as get_one() will take it. */
static void price_one(wf_price *price, const weft_package *p, const weft_weight *w)
{
    uint64_t n = numel_of(w);
    if (w->use == WEFT_USE_LINEAR)
        wf_price_linear(price, (weft_package *)(uintptr_t)p, w->name, w->shape[0],
                        (int64_t)(n / (uint64_t)w->shape[0]));
    else
        wf_price_f32(price, n);
}

weft_status wf_host_weights_check(const weft_package *p, const weft_weight *want, uint32_t n,
                                  weft_error *err)
{
    weft_status st = WEFT_OK;
    if (p == NULL || (want == NULL && n > 0))
        return wf_misuse(err, "weights: a package and what is wanted of it are needed");
    if (n > 0 && want[0].hdr.size < sizeof *want)
        return wf_misuse(err, "weights: weft_weight.hdr.size is %u, not set", want[0].hdr.size);
    for (uint32_t i = 0; i < n && st == WEFT_OK; i++)
        st = check_form(want_at(want, i), i, err);
    return st;
}

weft_status wf_host_weights_price(wf_price *price, const weft_package *p, const weft_weight *want,
                                  uint32_t n, weft_error *err)
{
    weft_status st = wf_host_weights_check(p, want, n, err);
    for (uint32_t i = 0; i < n && st == WEFT_OK; i++)
        price_one(price, p, want_at(want, i));
    return st;
}
