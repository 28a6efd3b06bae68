/* SPDX-License-Identifier: Apache-2.0 */
/* Weights asked for in one request: counted, named, loaded. */
#include "request.h"

void vis_ask(vis_request *r, weft_tensor *to, uint32_t use, vis_shape s, const char *prefix,
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
    snprintf(r->name[i], VIS_MAX_NAME, "%s%s", prefix, name);
    r->want[i] = w;
    r->to[i] = to;
}

/* Room for the counted weights in one allocation, which *block then is. */
static weft_status alloc(const weft_host *h, vis_request *r, void **block, weft_error *err)
{
    const uint32_t n = r->n;
    uint64_t       each = sizeof *r->want + sizeof *r->got + sizeof *r->to + VIS_MAX_NAME;
    *block = h->alloc(h, n * each, 16);
    if (*block == NULL)
        return weft_fail(err, WEFT_E_NOMEM, "out of memory for the names of %u weights", n);
    r->want = *block;
    r->got = (weft_tensor *)(r->want + n);
    r->to = (weft_tensor **)(r->got + n);
    r->name = (char(*)[VIS_MAX_NAME])(r->to + n);
    r->n = 0;
    r->parameters = 0;
    return WEFT_OK;
}

weft_status vis_request_run(const weft_host *h, const weft_package *p,
                            void (*ask)(vis_request *r, void *ctx), void *ctx, vis_request *r,
                            weft_error *err)
{
    void *block = NULL;
    memset(r, 0, sizeof *r);
    ask(r, ctx);
    if (p == NULL)
        return WEFT_OK;
    const weft_if_weights *weights = h->get_interface(h, WEFT_IF_WEIGHTS);
    weft_status            status = alloc(h, r, &block, err);
    if (status != WEFT_OK)
        return status;
    ask(r, ctx);
    status = weights->get(h, p, r->want, r->n, r->got, err);
    for (uint32_t i = 0; status == WEFT_OK && i < r->n; i++)
        *r->to[i] = r->got[i];
    h->free(h, block);
    return status;
}
