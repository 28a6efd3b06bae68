/* SPDX-License-Identifier: Apache-2.0 */
/* Loads many weights in one call to the host: first they are counted, then listed by name, then
 * loaded. */
#include "request.h"

void plg_ask(plg_request *r, weft_tensor *to, uint32_t use, plg_shape s, const char *prefix,
             const char *name)
{
    uint32_t i = r->n++;
    uint64_t numel = 1;
    for (int32_t k = 0; k < s.ndim; k++)
        numel *= (uint64_t)s.d[k];
    r->parameters += numel;
    if (r->want == NULL)
        return;
    weft_weight w = {
        WEFT_HDR(weft_weight), r->name[i], use, s.ndim, {s.d[0], s.d[1], s.d[2], s.d[3]}};
    snprintf(r->name[i], PLG_MAX_NAME, "%s%s%s", r->root != NULL ? r->root : "", prefix, name);
    r->want[i] = w;
    r->to[i] = to;
}

void plg_ask_pair(plg_request *r, plg_pair *to, uint32_t use, plg_shape s, int bias,
                  const char *prefix, const char *name)
{
    char full[PLG_MAX_NAME];
    snprintf(full, sizeof full, "%s.weight", name);
    plg_ask(r, &to->w, use, s, prefix, full);
    snprintf(full, sizeof full, "%s.bias", name);
    if (bias)
        plg_ask(r, &to->b, WEFT_USE_PLAIN, plg_shape1(s.d[0]), prefix, full);
}

void plg_ask_norm(plg_request *r, plg_pair *to, const char *prefix, const char *name, int64_t d)
{
    plg_ask_pair(r, to, WEFT_USE_PLAIN, plg_shape1(d), 1, prefix, name);
}

void plg_ask_dense(plg_request *r, plg_pair *to, const char *prefix, const char *name, int64_t out,
                   int64_t in, int64_t kernel, int bias)
{
    const plg_shape s = {kernel > 0 ? 3 : 2, {out, in, kernel, 0}};
    plg_ask_pair(r, to, WEFT_USE_LINEAR, s, bias, prefix, name);
}

/* Allocates the lists of the request for the r->n weights that were counted, in one piece, and sets
 * *block to it. */
static weft_status alloc(const weft_host *h, plg_request *r, void **block, weft_error *err)
{
    const uint32_t n = r->n;
    uint64_t       each = sizeof *r->want + sizeof *r->got + sizeof *r->to + PLG_MAX_NAME;
    *block = h->alloc(h, n * each, 16);
    if (*block == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for the names of %u weights", n);
    r->want = *block;
    r->got = (weft_tensor *)(r->want + n);
    r->to = (weft_tensor **)(r->got + n);
    r->name = (char(*)[PLG_MAX_NAME])(r->to + n);
    r->n = 0;
    r->parameters = 0;
    return WEFT_OK;
}

/* Counts what is asked for, then lists it. *block: as alloc() sets it. */
static weft_status list(const weft_host *h, void (*ask)(plg_request *r, void *ctx), void *ctx,
                        plg_request *r, void **block, weft_error *err)
{
    memset(r, 0, sizeof *r);
    ask(r, ctx);
    weft_status status = alloc(h, r, block, err);
    if (status == WEFT_OK)
        ask(r, ctx);
    return status;
}

weft_status plg_request_tell(const weft_host *h, const weft_package       *p,
                             void (*ask)(plg_request *r, void *ctx), void *ctx,
                             const weft_weight_sink *sink, weft_error *err)
{
    void       *block = NULL;
    plg_request r;
    weft_status status = list(h, ask, ctx, &r, &block, err);
    if (status == WEFT_OK)
        status = sink->add(sink->ctx, p, r.want, r.n, err);
    h->free(h, block);
    return status;
}

weft_status plg_request_run(const weft_host *h, const weft_package       *p,
                            void (*ask)(plg_request *r, void *ctx), void *ctx, plg_request *r,
                            weft_error *err)
{
    void                  *block = NULL;
    const weft_if_weights *weights = h->get_interface(h, WEFT_IF_WEIGHTS);
    if (p == NULL) {
        memset(r, 0, sizeof *r);
        ask(r, ctx);
        return WEFT_OK;
    }
    weft_status status = list(h, ask, ctx, r, &block, err);
    if (status != WEFT_OK)
        return status;
    status = weights->get(h, p, r->want, r->n, r->got, err);
    for (uint32_t i = 0; status == WEFT_OK && i < r->n; i++)
        *r->to[i] = r->got[i];
    h->free(h, block);
    return status;
}

void *plg_alloc(const weft_host *h, uint64_t bytes, const char *what, weft_error *err)
{
    void *p = h->alloc(h, bytes, 16);
    if (p != NULL)
        return memset(p, 0, (size_t)bytes);
    (void)weft_fail(err, WEFT_E_NOMEM, "out of memory for %llu bytes of %s",
                    (unsigned long long)bytes, what);
    return NULL;
}
